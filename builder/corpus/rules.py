"""Boilerplate rules made ready: for each source its own, by how the lines begin that they can match.

Does not judge a line by its neighbours: that is builder.corpus.boilerplate.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Generic, NamedTuple, TypeVar

from builder.corpus.beginnings import LENGTH, anchored, beginnings, shortest, without_signs
from builder.schema import Boilerplate, CutRule, LineRule, ListRule, SourceRules

R = TypeVar("R", bound=CutRule | LineRule | ListRule)
LETTERS = frozenset(letter for letter in map(chr, range(0x0620, 0x064B)) if letter.isalpha())
"""The letters with which a folded line of Arabic begins."""
Search = Callable[[str], re.Match[str] | None]


class Ready(NamedTuple, Generic[R]):
    """A rule with its pattern compiled."""

    shortest: int
    """Code points of the shortest folded line that can match."""
    longest: int
    """Code points of the longest that the rule may take."""
    position: str
    """`head`, `tail` or `any`: where the line must stand."""
    search: Search
    rule: R

    def takes(self, folded: str) -> bool:
        """Whether the pattern is in a folded, trimmed line that is not too long for it."""
        return self.shortest <= len(folded) <= self.longest and self.search(folded) is not None


@dataclass(frozen=True, slots=True)
class Candidates:
    """The rules that a line can match, told by its beginning, in the order in which they are tried."""

    cuts: tuple[Ready[CutRule], ...] = ()
    lines: tuple[Ready[LineRule], ...] = ()
    lists: tuple[Ready[ListRule], ...] = ()
    marks: bool = False
    """Whether there are cuts or lists among them."""
    reach: int = 0
    """Code points of the longest line that one of `lines` may take below an article's head."""


@dataclass(frozen=True, slots=True)
class SourceTable:
    """The rules of one source by the beginnings of lines, up to four code points each."""

    letters: Mapping[str, Candidates]
    signs: Mapping[str, Candidates]
    """Of lines that begin with a sign, by what follows the signs."""
    anything: Candidates
    """Of lines that begin in another way, with a letter."""
    anything_signs: Candidates
    plain: AbstractSet[str]
    """Letters that are no whole beginning."""
    pairs: AbstractSet[str]
    """The first two letters of the beginnings of two or three."""

    def candidates(self, folded: Sequence[str]) -> list[Candidates]:
        """For each line, the rules that may match it."""
        get, anything, plain, pairs, other = self.letters.get, self.anything, self.plain, self.pairs, self._candidates
        return [
            get(line[:4]) or (anything if line[:1] in plain and line[:2] not in pairs else other(line))
            for line in folded
        ]

    def _candidates(self, folded: str) -> Candidates:
        if folded[:1].isalpha():
            return _found(self.letters, folded) or self.anything
        return _found(self.signs, without_signs(folded)) or self.anything_signs


def _found(table: Mapping[str, Candidates], text: str) -> Candidates | None:
    return table.get(text[:4]) or table.get(text[:3]) or table.get(text[:2]) or table.get(text[:1])


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
    position = "any" if isinstance(rule, CutRule) else rule.position
    return Ready(shortest(rule.match), rule.max_length, position, search, rule)


def every_rule(boilerplate: Boilerplate) -> list[CutRule | LineRule | ListRule]:
    """All rules, those of sources last."""
    owners: list[Boilerplate | SourceRules] = [boilerplate, *boilerplate.sources.values()]
    rules: list[CutRule | LineRule | ListRule] = []
    for own in owners:
        rules += [*own.cuts, *own.lines, *own.lists]
    return rules


@lru_cache(maxsize=8)
def compile_rules(boilerplate: Boilerplate) -> Rules:
    """Make a project's rules ready; the same Boilerplate gives the same Rules, at once.

    >>> compile_rules(Boilerplate(version=1)).of("nasim").anything.lines
    ()
    """
    sources = {name: _table(boilerplate, own) for name, own in boilerplate.sources.items()}
    return Rules(boilerplate, _table(boilerplate, SourceRules()), MappingProxyType(sources))


def _table(boilerplate: Boilerplate, own: SourceRules) -> SourceTable:
    def kept(rules: Iterable[R]) -> list[Ready[R]]:
        return [ready(rule) for rule in rules if rule.id not in own.off]

    cuts = kept((*own.cuts, *boilerplate.cuts))
    lines = kept((*own.lines, *boilerplate.lines))
    lists = kept((*own.lists, *boilerplate.lists))
    letters, anything = _by_beginning(cuts, lines, lists, signs=False)
    signs, anything_signs = _by_beginning(cuts, lines, lists, signs=True)
    pairs = frozenset(text[:2] for text in letters if 1 < len(text) < LENGTH)
    return SourceTable(letters, signs, anything, anything_signs, LETTERS - letters.keys(), pairs)


def _by_beginning(
    cuts: Sequence[Ready[CutRule]], lines: Sequence[Ready[LineRule]], lists: Sequence[Ready[ListRule]], *, signs: bool
) -> tuple[Mapping[str, Candidates], Candidates]:
    rules: list[CutRule | LineRule | ListRule] = [one.rule for one in cuts]
    rules += [one.rule for one in lines]
    rules += [one.rule for one in lists]
    of_rule = {rule.id: beginnings(rule.match, signs=signs) for rule in rules}
    every = {text for texts in of_rule.values() for text in texts or ()}

    def chosen(rules: Sequence[Ready[R]], begins: frozenset[str]) -> tuple[Ready[R], ...]:
        mine = ((one, of_rule[one.rule.id]) for one in rules)
        return tuple([one for one, texts in mine if texts is None or not begins.isdisjoint(texts)])

    def candidates(text: str) -> Candidates:
        begins = frozenset(text[:length] for length in range(1, len(text) + 1))
        here = chosen(cuts, begins), chosen(lines, begins), chosen(lists, begins)
        reach = max((one.longest for one in here[1] if one.position != "head"), default=0)
        return Candidates(*here, marks=bool(here[0] or here[2]), reach=reach)

    return {text: candidates(text) for text in every}, candidates("")
