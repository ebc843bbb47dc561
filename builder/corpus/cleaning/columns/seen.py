"""What is seen on the pages of a batch: the hashes of things, and what stands beside each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from builder.corpus.cleaning.columns.edges import PageEdges
from builder.corpus.cleaning.columns.keys import Kind, hashed_ranges, of_kind
from builder.corpus.cleaning.columns.lines import Lines, Mask
from builder.corpus.cleaning.columns.shapes import Shapes
from builder.corpus.cleaning.columns.words import Words
from builder.text.edits import Columns
from builder.text.joined import Numbers


@dataclass(frozen=True, slots=True, eq=False)
class Pages:
    """The folded pages of a batch, and what is seen on them so far."""

    sources: Sequence[str]
    numbers: Numbers
    """The number of each page's source."""
    lines: Lines
    shapes: Shapes
    edges: PageEdges
    text: str
    """All lines, each with a line end."""
    low: Numbers
    """What stands beside the head of each page: the line of its first paragraph, or else -1 - the page."""
    high: Numbers
    """What stands beside its tail: its last paragraph, or else the page."""
    seen: list[bytes] = field(default_factory=list)
    """The hashes of things."""
    beside: list[Numbers] = field(default_factory=list)
    """What stands beside them, in arrays."""

    def picked(self, numbers: Columns | Numbers) -> list[str]:
        """Return some lines."""
        begins = self.lines.texts.begins
        ranges = zip(begins[numbers].tolist(), (begins[numbers + 1] - 1).tolist(), strict=True)
        return [self.text[begin:end] for begin, end in ranges]

    def add(self, keys: Iterable[bytes], beside: int) -> None:
        """Take some things beside one paragraph or page as seen."""
        before = len(self.seen)
        self.seen.extend(keys)
        self.beside.append(np.full(len(self.seen) - before, beside))


@dataclass(frozen=True, slots=True, eq=False)
class Ranges:
    """Ranges of words of pages, and what stands beside each."""

    page: Numbers
    first: Numbers
    last: Numbers
    """The word behind each range."""
    beside: Numbers

    def __getitem__(self, wanted: Mask | Numbers) -> "Ranges":
        """Return some of the ranges."""
        return Ranges(self.page[wanted], self.first[wanted], self.last[wanted], self.beside[wanted])


def see(pages: Pages, words: Words, kind: Kind, some: Ranges, *, above: str = "", behind: str = "") -> None:
    """Take ranges of words as seen, each between two other texts."""
    if not len(some.page):
        return
    number = pages.numbers[some.page]
    if number.min() < number.max():
        order = number.argsort(kind="stable")
        some, number = some[order], number[order]
    begins, ends = words.spaces[some.first] + 1, words.spaces[some.last]
    cuts = np.flatnonzero(np.diff(number, prepend=-1, append=-1)).tolist()
    for low, high in pairwise(cuts):
        begun = of_kind(pages.sources[some.page[low]], kind).copy()
        begun.update(above.encode())
        ranges = zip(begins[low:high].tolist(), ends[low:high].tolist(), strict=True)
        pages.seen.extend(hashed_ranges(begun, words.data, ranges, behind.encode()))
    pages.beside.append(some.beside)
