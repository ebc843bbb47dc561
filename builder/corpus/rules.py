"""Boilerplate rules made ready: for each source its own, behind one pattern that most lines fail at once.

Does not judge a line by its neighbours: that is builder.corpus.boilerplate.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Generic, TypeVar

from builder.schema import Boilerplate, CutRule, LineRule, ListRule, SourceRules

R = TypeVar("R", bound=CutRule | LineRule | ListRule)
LENGTHS = (40, 80, 120, 180)
"""Code points; a line is tried by the rules that take lines of its class of length, and by no other."""
Search = Callable[[str], re.Match[str] | None]


@dataclass(frozen=True, slots=True)
class Ready(Generic[R]):
    """A rule with its pattern compiled."""

    longest: int
    """Code points of the longest folded line that the rule may take."""
    needs: tuple[str, ...]
    position: str
    """`head`, `tail` or `any`: where the line must stand."""
    search: Search
    rule: R

    def takes(self, folded: str) -> bool:
        """Whether the pattern is in a folded, trimmed line that is not too long for it."""
        if len(folded) > self.longest or (self.needs and not any(piece in folded for piece in self.needs)):
            return False
        return self.search(folded) is not None


@dataclass(frozen=True, slots=True)
class Sieve(Generic[R]):
    """Rules of one kind, and what says at once that a line can match none of them."""

    rules: tuple[Ready[R], ...]
    longest: int
    pieces: re.Pattern[str] | None
    """Finds, at each place of a line, the longest piece that a rule needs."""
    needing: Mapping[str, frozenset[int]]
    """Which rules need a piece, or what it begins with."""
    others: frozenset[int]
    """Which rules need none."""
    looks: tuple[Search, ...]
    """One pattern of these for each way of looking: where it is not in a line, none of them is tried."""

    def candidates(self, folded: str) -> tuple[Ready[R], ...]:
        """The rules that a line may match, in their order."""
        if len(folded) > self.longest:
            return ()
        found = [self.needing[piece] for piece in set(self.pieces.findall(folded))] if self.pieces else []
        if any(look(folded) is not None for look in self.looks):
            found.append(self.others)
        return tuple([self.rules[index] for index in sorted(frozenset().union(*found))]) if found else ()


@dataclass(frozen=True, slots=True)
class Candidates:
    """The rules that a line may match, in the order in which they are tried."""

    cuts: tuple[Ready[CutRule], ...] = ()
    lines: tuple[Ready[LineRule], ...] = ()
    lists: tuple[Ready[ListRule], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.cuts or self.lines or self.lists)


NONE = Candidates()


@dataclass(frozen=True, slots=True)
class SourceTable:
    """The rules of one source for each class of length, one more than LENGTHS."""

    sieves: tuple[tuple[Sieve[CutRule], Sieve[LineRule], Sieve[ListRule]], ...]

    def candidates(self, folded: Sequence[str]) -> list[Candidates]:
        """For each line, the rules that may match it."""
        return [self._of(line) for line in folded]

    def _of(self, line: str) -> Candidates:
        cuts, lines, lists = self.sieves[bisect_left(LENGTHS, len(line))]
        found = cuts.candidates(line), lines.candidates(line), lists.candidates(line)
        return Candidates(*found) if any(found) else NONE


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a project, ready to be tried; made once by `compile_rules`."""

    boilerplate: Boilerplate
    shipped: SourceTable
    sources: Mapping[str, SourceTable]
    """Of the sources that have rules of their own."""

    def of(self, source: str) -> SourceTable:
        """The rules that hold for one source."""
        return self.sources.get(source, self.shipped)


def ready(rule: R) -> Ready[R]:
    """Compile one rule."""
    pattern = re.compile(rule.match)
    search = pattern.match if anchored(rule.match) else pattern.search
    return Ready(rule.max_length, rule.needs, "any" if isinstance(rule, CutRule) else rule.position, search, rule)


def every_rule(boilerplate: Boilerplate) -> list[CutRule | LineRule | ListRule]:
    """All rules, those of sources too."""
    every: list[CutRule | LineRule | ListRule] = [*boilerplate.cuts, *boilerplate.lines, *boilerplate.lists]
    for own in boilerplate.sources.values():
        every += [*own.cuts, *own.lines, *own.lists]
    return every


@lru_cache(maxsize=8)
def compile_rules(boilerplate: Boilerplate) -> Rules:
    """Make a project's rules ready; the same Boilerplate gives the same Rules, at once.

    >>> compile_rules(Boilerplate(version=1)).of("nasim").candidates(["شارك"])
    [Candidates(cuts=(), lines=(), lists=())]
    """
    sources = {name: _table(boilerplate, own) for name, own in boilerplate.sources.items()}
    return Rules(boilerplate, _table(boilerplate, SourceRules()), MappingProxyType(sources))


def _table(boilerplate: Boilerplate, own: SourceRules) -> SourceTable:
    def kept(rules: Iterable[R]) -> list[Ready[R]]:
        return [ready(rule) for rule in rules if rule.id not in own.off]

    cuts = kept((*own.cuts, *boilerplate.cuts))
    lines = kept((*own.lines, *boilerplate.lines))
    lists = kept((*own.lists, *boilerplate.lists))
    least = (0, *(length + 1 for length in LENGTHS))
    return SourceTable(tuple((_sieve(cuts, one), _sieve(lines, one), _sieve(lists, one)) for one in least))


def _sieve(rules: Sequence[Ready[R]], least: int) -> Sieve[R]:
    """The rules that take lines of at least so many code points."""
    mine = tuple(one for one in rules if one.longest >= least)
    bare: list[str] = [one.rule.match for one in mine if not one.needs]
    first: list[str] = [match for match in bare if anchored(match)]
    anywhere: list[str] = [match for match in bare if not anchored(match)]
    pieces = sorted({piece for one in mine for piece in one.needs})
    needing = {
        piece: frozenset(i for i, one in enumerate(mine) for need in one.needs if piece.startswith(need))
        for piece in pieces
    }
    look = re.compile(f"(?=({_one_of(pieces)}))") if pieces else None
    others = frozenset(index for index, one in enumerate(mine) if not one.needs)
    looks = [*([_joined(first).match] if first else []), *([_joined(anywhere).search] if anywhere else [])]
    return Sieve(mine, max((one.longest for one in mine), default=-1), look, needing, others, tuple(looks))


def _one_of(pieces: Sequence[str]) -> str:
    """A pattern for the longest of some texts, each letter read once: those with the same beginning share it."""
    branches: dict[str, list[str]] = {}
    for piece in pieces:
        if piece:
            branches.setdefault(piece[0], []).append(piece[1:])
    inner = "|".join(re.escape(first) + _one_of(rest) for first, rest in branches.items())
    if "" in pieces:
        return f"(?:{inner})?" if inner else ""
    return f"(?:{inner})"


def _joined(patterns: Sequence[str]) -> re.Pattern[str]:
    """One pattern that is where any of these is; groups lose their names, which may recur."""
    return re.compile("|".join(f"(?:{re.sub(r'[(][?]P<[^>]+>', '(?:', pattern)})" for pattern in patterns))


def anchored(pattern: str) -> bool:
    """Whether each alternative of a pattern begins with `^`: then a line can match at its beginning only.

    >>> anchored("^a|^b"), anchored("^a|b"), anchored("^(?:a|b)")
    (True, False, True)
    """
    depth, start, inside = 0, True, False
    found = re.finditer(r"\\.|[\[\]()|^]|.", pattern)
    for piece in (one[0] for one in found):
        if start and piece != "^":
            return False
        start = False
        if inside:
            inside = piece != "]"
        elif piece == "[":
            inside = True
        elif piece in "()":
            depth += 1 if piece == "(" else -1
        elif piece == "|" and depth == 0:
            start = True
    return not start
