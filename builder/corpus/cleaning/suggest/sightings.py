"""Text at the edges of a page that a rule could match: lines, labels, and the first and last words of paragraphs."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from builder.corpus.cleaning.boilerplate import classify_batch
from builder.corpus.cleaning.counts import no_counts
from builder.corpus.cleaning.decisions import LineDecision
from builder.corpus.cleaning.edges import END_MARKS, HEAD, LONG, TAIL, edges, ends, fields, label, mask
from builder.corpus.cleaning.evidence import Evidence
from builder.corpus.cleaning.matching.rules import Rules
from builder.records import Document
from builder.text.profiles import Profile

Kind = Literal["line", "field", "label", "opening", "ending", "prefix", "suffix"]
"""What a rule would take.

- `line`: a whole line; numbers and addresses in it may change.
- `field`: a line of parts between dashes or bars, of which one recurs and the others change.
- `label`: a line that begins with some words and a colon; the rest changes.
- `opening`: the same without a colon.
- `ending`: a line of which the last words recur and the first change.
- `prefix`: the words before the first colon of the first paragraph, of which a part between dashes recurs.
- `suffix`: the last words of the last paragraph, from a marker behind a sentence on; the rest changes.
"""

Side = Literal["head", "tail"]

TOGETHER = 256
"""Number of documents that are read at once."""

MARKER = 5
"""Most words of a marker."""

REST = 400
"""Most code points of a suffix."""

BEHIND = r"""[.!؟…»”"')\]]|(?<=[a-z])(?=[^\W\d_a-z])"""
"""What stands before a suffix, which may be glued to it: a sentence's end, or the end of an address."""

_BOUNDARY = re.compile(rf"(?:{BEHIND})\s*")

_SEPARATOR = re.compile(r"\s*[–—|/\\]+\s*|\s+-\s*|-\s+")

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Page:
    """The lines of a page that no rule takes; `folded` are the same lines, folded."""

    source: str
    lines: Sequence[str]
    folded: Sequence[str]
    document: Document


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something at an edge of a page: a range of a folded line, end exclusive, and the paragraph beside it.

    `text` names it: the same words in other pages have the same `text`. `rest` is what may change.
    """

    kind: Kind
    text: str
    side: Side
    line: int
    start: int
    end: int
    rest: str
    beside: str


def read_pages(documents: Iterable[Document], profile: Profile, rules: Rules) -> Iterator[Page]:
    """Yield the lines of each different page without those that a rule, or the record's title and author, take by themselves."""
    remaining, seen_pages = iter(documents), set[int]()
    while batch := list(islice(remaining, TOGETHER)):
        lines = [
            [" ".join(line.split()) for line in whole.text.split("\n") if line.strip()]
            for whole in profile.apply_batch([document.raw for document in batch])
        ]
        folded = [_fold(profile, page) for page in lines]
        titles, authors = (
            profile.fold_batch(texts)
            for texts in ([document.title or "" for document in batch], [document.author or "" for document in batch])
        )
        known = [
            Evidence(no_counts(), document.source, title, author)
            for document, title, author in zip(batch, titles, authors, strict=True)
        ]
        decided = classify_batch(lines, folded, rules, known)
        for document, page, seen, decisions in zip(batch, lines, folded, decided, strict=True):
            name = hash((document.source, *seen))
            if seen and name not in seen_pages:
                seen_pages.add(name)
                left = [*_left(page, decisions)]
                yield Page(document.source, left, seen if left == page else _fold(profile, left), document)


def _left(lines: Sequence[str], decisions: Sequence[LineDecision]) -> Iterator[str]:
    """Yield the body lines of a page, without the parts that rules cut."""
    for line, decision in zip(lines, decisions, strict=True):
        if decision.role == "body":
            low = max((part.end for part in decision.cut if part.start == 0), default=0)
            high = min((part.start for part in decision.cut if part.start > 0), default=len(line))
            yield line[low:high].strip()


def _fold(profile: Profile, lines: Sequence[str]) -> list[str]:
    return profile.fold_batch(["\n".join(lines)])[0].split("\n") if lines else []


def edge_lines(folded: Sequence[str]) -> dict[int, Side]:
    """Return the lines of a page's edges; of a page without paragraphs, its two first and last lines.

    >>> edge_lines(["عنوان", "ا" * 120, "شارك"])
    {0: 'head', 2: 'tail'}
    """
    page, count = edges(folded), len(folded)
    heads, tails = range(min(page.first, HEAD)), range(max(page.last + 1, count - TAIL), count)
    if page.last < 0:
        outer = min(2, count // 2)
        heads, tails = range(outer), range(count - outer, count)
    sides: dict[int, Side] = {}
    sides.update((i, "head") for i in heads)
    sides.update((i, "tail") for i in tails)
    return sides


def sightings(folded: Sequence[str]) -> Iterator[Sighting]:
    """Yield what a page shows at its edges."""
    if len(folded) < 2:
        return
    outer = edge_lines(folded)
    inner = [i for i in range(len(folded)) if i not in outer] or [*range(len(folded))]
    low, high = folded[inner[0]], folded[inner[-1]]
    for i, side in outer.items():
        beside = low if side == "head" else high
        line = folded[i]
        if len(line) <= LONG:
            yield from _whole(line, i, side, beside)
        yield from _beginnings(line, i, side, beside)
    last = len(folded) - 1
    if last not in outer:
        yield from _beginnings(folded[last], last, "tail", folded[last - 1])
        yield from _suffixes(folded[last], last)
    if 0 not in outer:
        yield from _prefixes(folded[0], 0)
    elif inner[0] != 0 and inner[0] != last:
        yield from _prefixes(folded[inner[0]], inner[0])


def _whole(line: str, i: int, side: Side, beside: str) -> Iterator[Sighting]:
    """Yield a line, its parts between dashes, and its last words."""
    masked = mask(line)
    yield Sighting("line", masked, side, i, 0, len(line), "", beside)
    parts = fields(line)
    for number, part in enumerate(parts):
        others = " ".join(other for k, other in enumerate(parts) if k != number)
        yield Sighting("field", part, side, i, 0, len(line), others, beside)
    if not parts:
        for part in ends(masked):
            if part.startswith("… "):
                rest = masked[: len(masked) - len(part) + 1]
                yield Sighting("ending", part[2:], side, i, 0, len(line), rest, beside)


def _beginnings(line: str, i: int, side: Side, beside: str) -> Iterator[Sighting]:
    """Yield the label of a line, or its first words."""
    if len(line) > REST:
        return
    if name := label(line):
        rest = line.partition(":")[2]
        yield Sighting("label", name, side, i, 0, len(line), mask(rest), beside)
    elif line[-1] not in END_MARKS and side == "tail":
        yield from _markers("opening", line, i, 0, beside)


def _markers(kind: Kind, line: str, i: int, start: int, beside: str) -> Iterator[Sighting]:
    """Yield the first words of the end of a line, one to MARKER of them, where words follow."""
    found = [*islice(_WORD.finditer(line, start), MARKER + 1)]
    for size in range(1, min(MARKER, len(found) - 1) + 1):
        words = line[found[0].start() : found[size - 1].end()]
        if ":" in words or found[0].group().isdecimal() or "@" in line[start : found[size - 1].end() + 1]:
            return
        yield Sighting(kind, mask(words), "tail", i, start, len(line), mask(line[found[size - 1].end() :]), beside)


def _suffixes(line: str, i: int) -> Iterator[Sighting]:
    """Yield what follows the ends of sentences near the end of a paragraph that itself ends in no mark."""
    if line[-1] in END_MARKS or len(line) <= LONG:
        return
    for found in _BOUNDARY.finditer(line, max(1, len(line) - REST)):
        start = found.end()
        is_in_address = line[start - 1] == "." and line[start : start + 1].isascii()
        if len(line) - start >= 3 and not is_in_address:
            yield from _markers("suffix", line, i, start, line[:start])


def _prefixes(line: str, i: int) -> Iterator[Sighting]:
    """Yield the parts between dashes of what stands before a paragraph's first colon."""
    before, colon, rest = line[: LONG + 1].partition(":")
    parts = [part for part in _SEPARATOR.split(before) if part.strip()]
    if colon and rest and len(before) <= LONG * 3 // 5 and len(parts) > 1:
        for number, part in enumerate(parts):
            others = " ".join(mask(other) for k, other in enumerate(parts) if k != number)
            yield Sighting("prefix", mask(part), "head", i, 0, len(before) + 1, others, line[len(before) :])
