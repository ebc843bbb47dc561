"""Compiled boilerplate rules of each source, behind an automaton that rejects most lines in one pass."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Generic, TypeVar

from builder.corpus.cleaning.matching.automaton import Automaton
from builder.schema.boilerplate import Boilerplate, CutRule, LineRule, ListRule, SourceRules, rules_of

R = TypeVar("R", bound=CutRule | LineRule | ListRule)


RuleNumbers = tuple[int, ...]
"""The numbers of the rules that may match a line."""


@dataclass(frozen=True, slots=True)
class CompiledRule(Generic[R]):
    """A rule with its compiled pattern."""

    longest: int
    """Maximum length, in code points, of a folded line that the rule matches."""
    position: str
    """The required position of the line: `head`, `tail` or `any`."""
    search: Callable[[str], re.Match[str] | None]
    reads: bool
    """Whether the pattern has named groups."""
    rule: R

    def takes(self, folded: str) -> bool:
        """Return whether a folded, trimmed line matches the pattern and is not longer than `longest`."""
        return len(folded) <= self.longest and self.search(folded) is not None


@dataclass(frozen=True, slots=True)
class Candidates:
    """The rules that match a line, in the order of precedence."""

    cuts: tuple[CompiledRule[CutRule], ...] = ()
    lines: tuple[CompiledRule[LineRule], ...] = ()
    lists: tuple[CompiledRule[ListRule], ...] = ()
    furniture: tuple[str, ...] = ()
    """Those of the rules whose lines show that the page is a dump, by id."""
    whole: tuple[CompiledRule[LineRule], ...] = ()
    """Those of the line rules that are for a whole line."""
    parts: tuple[CompiledRule[LineRule], ...] = ()
    """Those of the rules that take a part of a line, and need no other evidence."""
    takes_line: bool = False
    """Whether a cut or a line rule takes the whole line."""
    hard: "Candidates | None" = None
    """Those of the rules that need no other evidence, at any place on a page; and lists, whose lines are links anyway."""
    act_alone: bool = False
    """Whether any of the rules may act, or read fields, without other evidence."""


NO_CANDIDATES = Candidates()


def candidates_of(rules: Sequence[CutRule | LineRule | ListRule]) -> Candidates:
    """Return the candidates that some rules are, which match a line."""
    cuts = tuple(compile_rule(rule) for rule in rules if isinstance(rule, CutRule))
    lines = tuple(compile_rule(rule) for rule in rules if isinstance(rule, LineRule))
    lists = tuple(compile_rule(rule) for rule in rules if isinstance(rule, ListRule))
    whole = tuple(ready for ready in lines if ready.rule.takes == "line")
    hard = [rule for rule in rules if _is_enough(rule)]
    act_alone = any(rule.evidence == "hard" or (isinstance(rule, LineRule) and rule.extract_only) for rule in rules)
    return Candidates(
        cuts, lines, lists,
        tuple(ready.rule.id for ready in (*cuts, *lines) if ready.rule.furniture and ready.rule.evidence == "hard"),
        whole, tuple(ready for ready in lines if ready.rule.takes != "line" and ready.rule.evidence == "hard"),
        bool(cuts) or any(not ready.rule.extract_only for ready in whole),
        (candidates_of(hard) if len(hard) < len(rules) else None) if hard else NO_CANDIDATES, act_alone,
    ) if rules else NO_CANDIDATES  # fmt: skip


def _is_enough(rule: CutRule | LineRule | ListRule) -> bool:
    """Return whether a rule may act anywhere on a page without other evidence.

    One that only extracts always may, and a list says which lines are links: below a marker, links go.
    """
    if isinstance(rule, LineRule):
        return rule.extract_only or (rule.evidence == "hard" and (rule.position == "any" or rule.takes != "line"))
    return isinstance(rule, ListRule) or rule.evidence == "hard"


class RuleSet:
    """A set of rules that one automaton searches for in one pass."""

    def __init__(self, rules: Boilerplate | SourceRules) -> None:
        self.rules = rules_of(rules)
        self.automaton = Automaton([rule.match for rule in self.rules], [rule.max_length for rule in self.rules])

    def find(self, folded: Sequence[str]) -> list[RuleNumbers]:
        """Return the numbers of the rules that may match, for each line."""
        return self.automaton.find(folded)


class _Table:
    """The candidates of one source, by the numbers of the rules that match a line."""

    def __init__(self, rules: Sequence[CutRule | LineRule | ListRule], off: Iterable[str]) -> None:
        self._rules = rules
        self._off = frozenset(off)
        self._known: dict[RuleNumbers, Candidates] = {}

    @cached_property
    def _takes(self) -> list[Callable[[str], bool]]:
        return [compile_rule(rule).takes for rule in self._rules]

    def matching(self, found: RuleNumbers, folded: str) -> Candidates:
        """Return those of the found rules that match a folded line."""
        numbers = tuple([number for number in found if self._takes[number](folded)])
        known = self._known.get(numbers)
        if known is None:
            rules = [self._rules[number] for number in numbers if self._rules[number].id not in self._off]
            known = self._known[numbers] = candidates_of(rules)
        return known


@dataclass(frozen=True, slots=True)
class Rules:
    """The compiled rules of a project, made by `compile_rules`."""

    boilerplate: Boilerplate
    shipped: RuleSet
    """The rules that apply to every source."""
    own: Mapping[str, RuleSet]
    """The rules of each source listed under `sources`."""
    tables: Mapping[str, _Table]
    """The candidates of each source listed under `sources`, and under "" those of all other sources."""

    def candidates(self, pages: Sequence[tuple[str, Sequence[str]]]) -> list[list[Candidates]]:
        """Return the rules that match each line of each page (source, folded lines); source-specific rules come first.

        >>> compile_rules(Boilerplate(version=1)).candidates([("nasim", ["شارك"])])
        [[Candidates(cuts=(), lines=(), lists=(), furniture=(), whole=(), parts=(), takes_line=False, hard=None, act_alone=False)]]
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
            candidates.append([*map(self.tables[source if own else ""].matching, mine, folded)])
        return candidates


@lru_cache(maxsize=4096)
def compile_rule(rule: R) -> CompiledRule[R]:
    """Compile a rule."""
    position = "any" if isinstance(rule, CutRule) else rule.position
    pattern = re.compile(rule.match)
    return CompiledRule(rule.max_length, position, pattern.search, bool(pattern.groupindex), rule)


def every_rule(boilerplate: Boilerplate) -> list[CutRule | LineRule | ListRule]:
    """Return all rules, including those of single sources."""
    return [*rules_of(boilerplate), *(rule for source in boilerplate.sources.values() for rule in rules_of(source))]


@lru_cache(maxsize=8)
def compile_rules(boilerplate: Boilerplate) -> Rules:
    """Compile a project's rules; results are cached by the Boilerplate."""
    shipped = RuleSet(boilerplate)
    own = {name: RuleSet(rules) for name, rules in boilerplate.sources.items()}
    tables = {
        name: _Table([*shipped.rules, *shelf.rules], boilerplate.sources[name].off) for name, shelf in own.items()
    }
    tables[""] = _Table(shipped.rules, ())
    return Rules(boilerplate, shipped, MappingProxyType(own), MappingProxyType(tables))
