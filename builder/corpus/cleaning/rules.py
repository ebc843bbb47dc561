"""Boilerplate rules made ready: for each source its own, behind an automaton that most lines fail at once.

Does not judge a line by its neighbours: that is builder.corpus.cleaning.boilerplate.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Generic, TypeVar

from builder.corpus.cleaning.automaton import Automaton
from builder.schema.boilerplate import Boilerplate, CutRule, LineRule, ListRule, SourceRules

R = TypeVar("R", bound=CutRule | LineRule | ListRule)


Found = tuple[int, ...]
"""The numbers of the rules that may be in a line."""


@dataclass(frozen=True, slots=True)
class Ready(Generic[R]):
    """A rule with its pattern compiled."""

    longest: int
    """Code points of the longest folded line that the rule may take."""
    position: str
    """`head`, `tail` or `any`: where the line must stand."""
    search: Callable[[str], re.Match[str] | None]
    reads: bool
    """Whether the pattern has named groups."""
    rule: R

    def takes(self, folded: str) -> bool:
        """Whether the pattern is in a folded, trimmed line that is not too long for it."""
        return len(folded) <= self.longest and self.search(folded) is not None


@dataclass(frozen=True, slots=True)
class Candidates:
    """The rules that a line may match, in the order in which they are tried."""

    cuts: tuple[Ready[CutRule], ...] = ()
    lines: tuple[Ready[LineRule], ...] = ()
    lists: tuple[Ready[ListRule], ...] = ()


NONE = Candidates()


class Shelf:
    """Rules that are looked for in one pass."""

    def __init__(self, rules: Boilerplate | SourceRules) -> None:
        self.rules = _rules(rules)
        self.automaton = Automaton([rule.match for rule in self.rules], [rule.max_length for rule in self.rules])

    def find(self, folded: Sequence[str]) -> list[Found]:
        """For each line, the rules that may match it."""
        return self.automaton.find(folded)


class _Table(dict[Found, Candidates]):
    """The candidates of one source for what was found in a line, made when they are first asked for."""

    def __init__(self, rules: Sequence[CutRule | LineRule | ListRule], off: Iterable[str]) -> None:
        super().__init__()
        self._rules = rules
        self._off = frozenset(off)

    def __missing__(self, found: Found) -> Candidates:
        rules = [self._rules[number] for number in found if self._rules[number].id not in self._off]
        candidates = Candidates(
            tuple(make_ready(one) for one in rules if isinstance(one, CutRule)),
            tuple(make_ready(one) for one in rules if isinstance(one, LineRule)),
            tuple(make_ready(one) for one in rules if isinstance(one, ListRule)),
        )
        self[found] = candidates if rules else NONE
        return self[found]


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a project, ready to be tried; made once by `compile_rules`."""

    boilerplate: Boilerplate
    shipped: Shelf
    own: Mapping[str, Shelf]
    """Of the sources that have rules of their own."""
    tables: Mapping[str, _Table]
    """Of the sources that have rules of their own, and under no name of all others."""

    def candidates(self, pages: Sequence[tuple[str, Sequence[str]]]) -> list[list[Candidates]]:
        """For each line of pages of some sources, the rules that may match it: its source's own first.

        >>> compile_rules(Boilerplate(version=1)).candidates([("nasim", ["شارك"])])
        [[Candidates(cuts=(), lines=(), lists=())]]
        """
        found = self.shipped.find([line for _, folded in pages for line in folded])
        candidates: list[list[Candidates]] = []
        begin = 0
        for source, folded in pages:
            mine = found[begin : begin + len(folded)]
            begin += len(folded)
            own = self.own.get(source)
            if own:
                first = len(self.shipped.rules)
                both = zip(own.find(folded), mine, strict=True)
                mine = [(*(first + number for number in here), *shipped) for here, shipped in both]
            table = self.tables[source if own else ""]
            candidates.append([*map(table.__getitem__, mine)])
        return candidates


@lru_cache(maxsize=4096)
def make_ready(rule: R) -> Ready[R]:
    """Compile one rule."""
    position = "any" if isinstance(rule, CutRule) else rule.position
    pattern = re.compile(rule.match)
    return Ready(rule.max_length, position, pattern.search, bool(pattern.groupindex), rule)


def every_rule(boilerplate: Boilerplate) -> list[CutRule | LineRule | ListRule]:
    """All rules, those of sources too."""
    return [*_rules(boilerplate), *(rule for own in boilerplate.sources.values() for rule in _rules(own))]


@lru_cache(maxsize=8)
def compile_rules(boilerplate: Boilerplate) -> Rules:
    """Make a project's rules ready; the same Boilerplate gives the same Rules, at once."""
    shipped = Shelf(boilerplate)
    own = {name: Shelf(rules) for name, rules in boilerplate.sources.items()}
    tables = {
        name: _Table([*shipped.rules, *shelf.rules], boilerplate.sources[name].off) for name, shelf in own.items()
    }
    tables[""] = _Table(shipped.rules, ())
    return Rules(boilerplate, shipped, MappingProxyType(own), MappingProxyType(tables))


def _rules(rules: Boilerplate | SourceRules) -> list[CutRule | LineRule | ListRule]:
    return [*rules.cuts, *rules.lines, *rules.lists]
