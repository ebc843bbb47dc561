"""Lines that recur in the documents of one source, proposed as rules that nobody has seen yet.

Counts whole folded lines that no rule takes, numbers in them taken for one another. Proposes, and
never applies: `as_yaml` is text for a person to read and to paste into schema/boilerplate.yaml.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

import yaml

from builder.corpus.cleaning.boilerplate import judge
from builder.corpus.cleaning.page import paragraphs
from builder.corpus.cleaning.rules import Rules, every_rule
from builder.records import Document
from builder.schema.boilerplate import LineRule
from builder.text.profiles import Profile

LONGEST = 160
"""Code points of a line that is counted: a longer one is prose."""

TOGETHER = 256
"""Documents that are normalised at once."""

SPELLINGS = 5
"""Examples of a rule, at most."""

WIDER = 4
"""Code points by which each number of another line may be longer."""

Place = Literal["head", "middle", "tail"]

NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A line that recurs in one source, and the rule that would drop it.

    `position` is its mean place on the page, 0 the first line, 1 the last; `warning` says why the
    line may be text after all.
    """

    source: str
    folded: str
    """The line as rules see it, each number written 0."""
    example: str
    documents: int
    of: int
    position: float
    rule: LineRule
    warning: str = ""

    @property
    def place(self) -> Place:
        """The third of the page where it stands."""
        return "head" if self.position < 1 / 3 else "tail" if self.position > 2 / 3 else "middle"


@dataclass(slots=True)
class _Seen:
    """One line in the documents of a source."""

    documents: int = 0
    places: float = 0.0
    above_all: bool = True
    """Whether it always stood above the first paragraph."""
    below_all: bool = True
    paragraph: bool = False
    longest: int = 0
    spellings: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Source:
    pages: set[str] = field(default_factory=set)
    """The folded pages, so that copies count once."""
    lines: dict[str, _Seen] = field(default_factory=dict)


def learn(
    documents: Iterable[Document],
    profile: Profile,
    rules: Rules,
    *,
    min_documents: int = 5,
    min_share: float = 0.05,
) -> list[Proposal]:
    """The lines that no rule takes and that stand in at least so many documents, and such a share, of a source.

    A line counts once in a document, and documents of the same folded lines count once. Most
    frequent first within a source.
    """
    sources: dict[str, _Source] = {}
    for document, lines, folded in _pages(documents, profile):
        source = sources.setdefault(document.source, _Source())
        whole = "\n".join(folded)
        if lines and whole not in source.pages:
            source.pages.add(whole)
            _count(source, lines, folded, rules, document.source)
    taken = {rule.id for rule in every_rule(rules.boilerplate)}
    proposals: list[Proposal] = []
    for name, source in sorted(sources.items()):
        least = max(min_documents, min_share * len(source.pages))
        often = [line for line, seen in source.lines.items() if seen.documents >= least]
        often.sort(key=lambda line: (-sources[name].lines[line].documents, line))
        others = _by_word(source) if often else {}
        proposals += [_proposal(name, line, source, others, taken) for line in often]
    return proposals


def _pages(documents: Iterable[Document], profile: Profile) -> Iterator[tuple[Document, list[str], list[str]]]:
    """Each document with its lines that are not blank, as published and folded."""
    rest = iter(documents)
    while some := list(islice(rest, TOGETHER)):
        pages = [
            [" ".join(line.split()) for line in whole.text.split("\n") if line.strip()]
            for whole in profile.apply_batch([document.raw for document in some])
        ]
        folded = profile.fold_batch(["\n".join(lines) for lines in pages])
        for document, lines, text in zip(some, pages, folded, strict=True):
            yield document, lines, text.split("\n") if lines else []


def _count(source: _Source, lines: list[str], folded: list[str], rules: Rules, name: str) -> None:
    prose = paragraphs(folded)
    first = prose.index(True) if True in prose else len(prose)
    last = len(prose) - 1 - prose[::-1].index(True) if True in prose else -1
    counted: set[str] = set()
    for i, verdict in enumerate(judge(lines, folded, rules, name)):
        line = NUMBER.sub("0", folded[i])
        if verdict.rule or len(folded[i]) > LONGEST or not line.strip():
            continue
        seen = source.lines.setdefault(line, _Seen())
        seen.above_all &= i < first
        seen.below_all &= i > last
        if line not in counted:
            counted.add(line)
            seen.documents += 1
            seen.places += i / max(1, len(lines) - 1)
            seen.paragraph |= prose[i]
            seen.longest = max(seen.longest, len(folded[i]))
            seen.spellings[lines[i]] += 1


def _proposal(name: str, line: str, source: _Source, others: dict[str, list[str]], taken: set[str]) -> Proposal:
    seen = source.lines[line]
    spellings = sorted(seen.spellings, key=lambda spelling: (-seen.spellings[spelling], spelling))
    rule = LineRule.model_validate(
        {
            "id": _id(name, taken),
            "match": _pattern(line),
            "max_length": seen.longest + WIDER * len(NUMBER.findall(line)),
            "position": "head" if seen.above_all > seen.below_all else "tail" if seen.below_all else "any",
            "examples": {"matches": spellings[:SPELLINGS], "leaves": [_another(line, source, others)]},
        }
    )
    taken.add(rule.id)
    warning = "reads like a paragraph: copies of one report repeat their text" if seen.paragraph else ""
    of, mean = len(source.pages), seen.places / seen.documents
    return Proposal(name, line, spellings[0], seen.documents, of, mean, rule, warning)


def _pattern(line: str) -> str:
    r"""A pattern that takes this line whole, whatever its numbers.

    >>> print(_pattern("اخر تحديث: 0:0"))
    ^اخر تحديث: \d+:\d+$
    """
    return "^" + r"\d+".join(re.escape(piece).replace("\\ ", " ") for piece in line.split("0")) + "$"


def _id(name: str, taken: set[str]) -> str:
    """The first free id of a source, whose name may be of any letters.

    >>> _id("نسيم.example", {"example-learned-1"})
    'example-learned-2'
    """
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name)
    plain = re.sub(r"^[^A-Za-z]+", "", plain)[:24].strip("-_") or "source"
    number = 1
    while f"{plain}-learned-{number}" in taken:
        number += 1
    return f"{plain}-learned-{number}"


def _by_word(source: _Source) -> dict[str, list[str]]:
    """Two lines of a source for each first word, and for none."""
    lines: dict[str, list[str]] = {"": []}
    for line in source.lines:
        for word in (line.split(maxsplit=1)[0], ""):
            some = lines.setdefault(word, [])
            if len(some) < 2:
                some.append(line)
    return lines


def _another(line: str, source: _Source, others: dict[str, list[str]]) -> str:
    """A line of the source that is not this one, if there is one with the same first word."""
    for other in (*others[line.split(maxsplit=1)[0]], *others[""]):
        if other != line:
            return min(source.lines[other].spellings)
    return f"«{min(source.lines[line].spellings)}»"


def as_yaml(proposals: Iterable[Proposal]) -> str:
    """The proposals as text to paste under `sources:` in schema/boilerplate.yaml, each with its counts.

    Where the file has the source already, its `lines` belong under the `lines` that are there.
    """
    of_source: dict[str, list[Proposal]] = {}
    for proposal in proposals:
        of_source.setdefault(proposal.source, []).append(proposal)
    written: list[str] = []
    for name, mine in of_source.items():
        rules = [_plain(proposal.rule) for proposal in mine]
        text = yaml.safe_dump({name: {"lines": rules}}, allow_unicode=True, sort_keys=False, width=1_000_000)
        remarks = iter(mine)
        for line in text.splitlines():
            indent, dash, _ = line.partition("- id: ")
            if dash and not indent.strip():
                written += [f"  {indent}# {remark}" for remark in _remarks(next(remarks))]
            written.append(f"  {line}")
    return "".join(f"{line}\n" for line in written)


def _plain(rule: LineRule) -> dict[str, object]:
    fields = rule.model_dump(mode="json", include={"id", "match", "max_length", "position"})
    return {**fields, "examples": {"matches": [*rule.examples.matches], "leaves": [*rule.examples.leaves]}}


def _remarks(proposal: Proposal) -> Iterator[str]:
    if proposal.warning:
        yield f"BEWARE: {proposal.warning}"
    share = proposal.documents / proposal.of
    yield f"in {proposal.documents} of {proposal.of} documents ({share:.0%}), mostly in the {proposal.place} of the page"
