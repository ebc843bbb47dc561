"""Counterexamples of proposed rules: lines inside texts that a rule would match, and the lines most like its matches."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from builder.corpus.cleaning.edges import LONG, mask
from builder.corpus.cleaning.matching.rules import CompiledRule, compile_rule
from builder.corpus.cleaning.suggest.counting import Name
from builder.corpus.cleaning.suggest.sightings import Kind, Page, edge_lines
from builder.schema.boilerplate import LineRule

SHOWN = 3
"""Most counter-examples of a rule."""

SNIPPET = 100
"""Most code points of a counter-example."""

_LETTERS = re.compile(r"[^\W\d_]+")


@dataclass(slots=True)
class Against:
    """The matches of a rule, at an edge and inside texts."""

    pages: int = 0
    """Pages with a match anywhere."""
    inside: int = 0
    """Pages with a match inside the text."""
    places: set[tuple[int, int]] = field(default_factory=set)
    """The matched lines: the number of the page, and of the line."""
    wrong: list[str] = field(default_factory=list)
    """Lines inside texts that the rule matches."""
    alike: dict[str, float] = field(default_factory=dict)
    """Lines and sentences inside texts that begin as what the rule takes does, with their likeness."""

    @property
    def near(self) -> list[str]:
        """The lines that are most like what the rule takes."""
        return sorted(self.alike, key=lambda line: (-self.alike[line], line))[:SHOWN]


@dataclass(frozen=True, slots=True)
class _Searched:
    """A rule, and a word without which no line can match it."""

    name: Name
    ready: CompiledRule[LineRule]
    word: str


class _Source:
    """The rules of one source, searched together."""

    def __init__(self, rules: Mapping[Name, LineRule]) -> None:
        self.rules = [_Searched(name, compile_rule(rule), _longest_word(name[2])) for name, rule in rules.items()]
        self.firsts: dict[str, list[Name]] = {}
        for name in rules:
            if first := _LETTERS.match(name[2]):
                self.firsts.setdefault(first[0], []).append(name)
        words = "|".join(map(re.escape, self.firsts)) or r"(?!)"
        self.begins = re.compile(rf"(?:^|[.!؟…»”:،]\s*)(?=[\W_]*({words})(?!\w))")


def _longest_word(masked: str) -> str:
    """Return the longest word that any match of a candidate's rule must have; nothing where it may have none.

    >>> _longest_word("address مع الكاتب"), _longest_word("* * *")
    ('الكاتب', '')
    """
    return max((word for word in _LETTERS.findall(masked) if word != "address"), key=len, default="")


def against(pages: Iterable[Page], rules: Mapping[Name, LineRule]) -> dict[Name, Against]:
    """Return for each rule what it matches in all pages of its source."""
    found = {name: Against() for name in rules}
    grouped: dict[str, dict[Name, LineRule]] = {}
    for name, rule in rules.items():
        grouped.setdefault(name[0], {})[name] = rule
    sources = {source: _Source(mine) for source, mine in grouped.items()}
    for number, page in enumerate(pages):
        if page.folded and (source := sources.get(page.source)):
            outer = edge_lines(page.folded)
            _search(number, page, outer, source, found)
            for name, line in _alike(page, outer, source):
                _keep(found[name], name[2], line)
    return found


def _search(number: int, page: Page, outer: Mapping[int, str], source: _Source, found: Mapping[Name, Against]) -> None:
    """Add the matches of all rules on a page."""
    whole, last = "\n".join(page.folded), len(page.folded) - 1
    first = next((i for i in range(last + 1) if i not in outer), 0)
    for rule in source.rules:
        if rule.word not in whole:
            continue
        lines = [i for i, line in enumerate(page.folded) if rule.word in line and rule.ready.takes(line)]
        if not lines:
            continue
        edge = {"prefix": {0, first}, "suffix": {last}, "line": {0, last, *outer}}[rule.ready.rule.takes]
        inside = [i for i in lines if i not in edge or _is_sentence(page.folded[i], rule.name[1])]
        result = found[rule.name]
        result.pages += 1
        result.inside += bool(inside)
        result.places.update((number, i) for i in lines)
        if inside and len(result.wrong) < SHOWN:
            result.wrong.append(_taken(page, inside[0], rule.ready))


def _is_sentence(line: str, kind: Kind) -> bool:
    """Return whether a line with a changing rest ends in a full stop as a paragraph does; it is text, also at an edge."""
    changes = kind == "suffix" or (kind in ("label", "opening", "ending") and len(line) > LONG)
    return changes and line.rstrip("»”\"')]")[-1:] in (".", "…")


def _taken(page: Page, i: int, ready: CompiledRule[LineRule]) -> str:
    """Return what a rule would take of a line."""
    match = ready.search(page.folded[i])
    start, end = match.span() if match else (0, None)
    return _spelled(page, i)[start:end].strip()[: 2 * SNIPPET]


def _spelled(page: Page, i: int) -> str:
    """Return a line as it is spelled, or folded where offsets differ."""
    line, folded = page.lines[i], page.folded[i]
    return line if len(line) == len(folded) else folded


def _alike(page: Page, outer: Mapping[int, str], source: _Source) -> Iterator[tuple[Name, str]]:
    """Yield the sentences inside a text that begin with the first word of what a rule takes."""
    for i in range(len(page.folded) - 1):
        if i in outer:
            continue
        text = _spelled(page, i)
        for match in source.begins.finditer(page.folded[i]):
            for name in source.firsts[match[1]]:
                yield name, text[match.start(1) : match.start(1) + SNIPPET].strip()


def _keep(against: Against, text: str, line: str) -> None:
    """Keep a line if it is among the most alike: the share of words that both have (Jaccard's index)."""
    if line in against.alike:
        return
    wanted = text.split(" ")
    mine, words = set(wanted), set(mask(line).split(" ")[: len(wanted) + 2])
    likeness = len(mine & words) / len(mine | words)
    if len(against.alike) < 2 * SHOWN:
        against.alike[line] = likeness
    elif likeness > min(against.alike.values()):
        del against.alike[min(against.alike, key=lambda known: against.alike[known])]
        against.alike[line] = likeness
