"""Boilerplate rules proposed from lines that recur in the documents of one source.

Whole folded lines that no rule takes are counted, with every number in them treated as equal. Proposals are never
applied: `as_yaml` formats them for a person, who reviews them and pastes them into schema/boilerplate.yaml.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

import yaml

from builder.corpus.cleaning.boilerplate import classify_lines
from builder.corpus.cleaning.page import paragraphs
from builder.corpus.cleaning.rules import Rules, every_rule
from builder.records import Document
from builder.schema.boilerplate import LineRule
from builder.text.profiles import Profile

LONGEST = 160
"""Maximum length of a counted line in code points; longer lines are prose."""

TOGETHER = 256
"""Number of documents that are normalized at once."""

SPELLINGS = 5
"""Maximum number of examples of a rule."""

WIDER = 4
"""Code points that `max_length` allows for each number of a line, since other numbers may be longer."""

PageThird = Literal["head", "middle", "tail"]

NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A line that recurs in one source, and the rule that would drop it.

    `position` is its mean position on the page, where 0 is the first line and 1 the last. `warning` gives a reason
    why the line may be article text.
    """

    source: str
    folded: str
    """The folded line, with each number replaced by 0."""
    example: str
    documents: int
    of: int
    position: float
    rule: LineRule
    warning: str = ""

    @property
    def place(self) -> PageThird:
        """The third of the page that the mean position falls in."""
        return "head" if self.position < 1 / 3 else "tail" if self.position > 2 / 3 else "middle"


@dataclass(slots=True)
class _LineStats:
    """Statistics of one folded line over the documents of a source."""

    documents: int = 0
    places: float = 0.0
    """Sum of the line's positions, one for each document."""
    above_all: bool = True
    """Whether every occurrence is above the first paragraph of its page."""
    below_all: bool = True
    """Whether every occurrence is below the last paragraph of its page."""
    paragraph: bool = False
    """Whether the line is a paragraph in any document."""
    longest: int = 0
    spellings: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Source:
    """The pages of one source, and the statistics of their lines."""

    pages: set[str] = field(default_factory=set)
    """The folded pages, kept so that identical pages are counted once."""
    lines: dict[str, _LineStats] = field(default_factory=dict)


def suggest_rules(
    documents: Iterable[Document],
    profile: Profile,
    rules: Rules,
    *,
    min_documents: int = 5,
    min_share: float = 0.05,
) -> list[Proposal]:
    """Propose a rule for each line that no rule takes and that recurs in a source.

    A line recurs if it is in at least `min_documents` documents and in a share of at least `min_share` of its source's
    documents. A line counts once per document, and documents with the same folded lines count once. Proposals are
    sorted by source, and within a source by the number of documents, the most frequent first.
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
        frequent = [line for line, seen in source.lines.items() if seen.documents >= least]
        frequent.sort(key=lambda line: (-sources[name].lines[line].documents, line))
        others = _by_word(source) if frequent else {}
        proposals += [_proposal(name, line, source, others, taken) for line in frequent]
    return proposals


def _pages(documents: Iterable[Document], profile: Profile) -> Iterator[tuple[Document, list[str], list[str]]]:
    """Yield each document with its non-blank lines, normalized and folded."""
    remaining = iter(documents)
    while batch := list(islice(remaining, TOGETHER)):
        pages = [
            [" ".join(line.split()) for line in whole.text.split("\n") if line.strip()]
            for whole in profile.apply_batch([document.raw for document in batch])
        ]
        folded = profile.fold_batch(["\n".join(lines) for lines in pages])
        for document, lines, text in zip(batch, pages, folded, strict=True):
            yield document, lines, text.split("\n") if lines else []


def _count(source: _Source, lines: list[str], folded: list[str], rules: Rules, name: str) -> None:
    """Add the lines of one page that no rule takes to the statistics of its source."""
    prose = paragraphs(folded)
    first = prose.index(True) if True in prose else len(prose)
    last = len(prose) - 1 - prose[::-1].index(True) if True in prose else -1
    counted: set[str] = set()
    for i, verdict in enumerate(classify_lines(lines, folded, rules, name)):
        line = NUMBER.sub("0", folded[i])
        if verdict.rule or len(folded[i]) > LONGEST or not line.strip():
            continue
        seen = source.lines.setdefault(line, _LineStats())
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
    """Make the proposal for one line, and add the id of its rule to `taken`."""
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
    warning = "looks like a paragraph; copies of one report may repeat it" if seen.paragraph else ""
    of, mean = len(source.pages), seen.places / seen.documents
    return Proposal(name, line, spellings[0], seen.documents, of, mean, rule, warning)


def _pattern(line: str) -> str:
    r"""Return a pattern that matches the whole line, with any number in place of each number.

    >>> print(_pattern("اخر تحديث: 0:0"))
    ^اخر تحديث: \d+:\d+$
    """
    return "^" + r"\d+".join(re.escape(piece).replace("\\ ", " ") for piece in line.split("0")) + "$"


def _id(name: str, taken: set[str]) -> str:
    """Return the first free rule id for a source, made from the ASCII letters, digits, _ and - of its name.

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
    """Return up to two lines of a source for each first word, and the source's first two lines under ""."""
    lines: dict[str, list[str]] = {"": []}
    for line in source.lines:
        for word in (line.split(maxsplit=1)[0], ""):
            with_word = lines.setdefault(word, [])
            if len(with_word) < 2:
                with_word.append(line)
    return lines


def _another(line: str, source: _Source, others: dict[str, list[str]]) -> str:
    """Return another line of the source, with the same first word if there is one.

    Returns the line itself in guillemets if the source has no other.
    """
    for other in (*others[line.split(maxsplit=1)[0]], *others[""]):
        if other != line:
            return min(source.lines[other].spellings)
    return f"«{min(source.lines[line].spellings)}»"


def as_yaml(proposals: Iterable[Proposal]) -> str:
    """Format the proposals as YAML to paste under `sources:` in schema/boilerplate.yaml, with comments on their counts.

    If the file already has the source, the rules belong under its existing `lines`.
    """
    by_source: dict[str, list[Proposal]] = {}
    for proposal in proposals:
        by_source.setdefault(proposal.source, []).append(proposal)
    output: list[str] = []
    for name, group in by_source.items():
        rules = [_plain(proposal.rule) for proposal in group]
        text = yaml.safe_dump({name: {"lines": rules}}, allow_unicode=True, sort_keys=False, width=1_000_000)
        remaining = iter(group)
        for line in text.splitlines():
            indent, dash, _ = line.partition("- id: ")
            if dash and not indent.strip():
                output += [f"  {indent}# {comment}" for comment in _remarks(next(remaining))]
            output.append(f"  {line}")
    return "".join(f"{line}\n" for line in output)


def _plain(rule: LineRule) -> dict[str, object]:
    """Return the fields of a rule that the YAML shows."""
    fields = rule.model_dump(mode="json", include={"id", "match", "max_length", "position"})
    return {**fields, "examples": {"matches": [*rule.examples.matches], "leaves": [*rule.examples.leaves]}}


def _remarks(proposal: Proposal) -> Iterator[str]:
    """Yield the comment lines above a rule: the warning, if any, and the counts."""
    if proposal.warning:
        yield f"WARNING: {proposal.warning}"
    share = proposal.documents / proposal.of
    yield f"in {proposal.documents} of {proposal.of} documents ({share:.0%}), mostly in the {proposal.place} of the page"
