"""What the pages of a batch show at their edges, as hashes; most lines show nothing, and are not looked at one by one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from typing import Literal

import numpy as np

from builder.corpus.cleaning.columns.edges import PageEdges, edges_of
from builder.corpus.cleaning.columns.keys import Kind, hashed, of_kind
from builder.corpus.cleaning.columns.lines import Lines, Mask, lines_of
from builder.corpus.cleaning.columns.shapes import Shapes, shapes_of
from builder.corpus.cleaning.edges import (
    GRAM,
    LONG,
    Edges,
    edges,
    ends,
    fields,
    is_lone,
    label,
    mask,
    rest,
    suffix,
    suffixes,
)
from builder.text.joined import Chunk, folded_texts
from builder.text.profiles import Profile, fold_table

Sighting = tuple[bytes, bytes]
"""The hash of a thing, and of the paragraph beside it."""

Place = Literal["head", "tail", "inside", "last"]
"""Where a line stands: above the first paragraph, below the last, anywhere else, or there and at the end of the page."""

REPEATED = 1 << 13
"""Number of lines whose hashes are kept: furniture recurs from page to page."""


@dataclass(slots=True)
class _Line:
    """A line of a page, with its number in the batch."""

    page: int
    number: int
    text: str


class _Beside(dict[int, bytes]):
    """The hashes of paragraphs by line, and those of whole pages by -1 - page, made on first access."""

    def __init__(self, lines: Lines, text: str) -> None:
        super().__init__()
        self._text, self._begins, self._cuts = text, lines.texts.begins.tolist(), lines.cuts.tolist()

    def __missing__(self, number: int) -> bytes:
        page = -1 - number
        low, high = (number, number + 1) if number >= 0 else (self._cuts[page], self._cuts[page + 1])
        begin, end = self._begins[low], self._begins[high]
        self[number] = hashed(of_kind("", "page"), self._text[begin : max(begin, end - 1)])
        return self[number]


@dataclass(frozen=True, slots=True, eq=False)
class _Pages:
    """The folded pages of a batch."""

    sources: Sequence[str]
    lines: Lines
    shapes: Shapes
    edges: PageEdges
    text: str
    """All lines, each with a line end."""
    beside: _Beside
    low: list[int]
    """What stands beside the head of each page, as a key of `beside`: its first paragraph, or else the page."""
    high: list[int]
    """What stands beside its tail: its last paragraph, or else the page."""

    def picked(self, wanted: Mask) -> Iterator[_Line]:
        """Yield some lines."""
        at = np.flatnonzero(wanted)
        begins = self.lines.texts.begins
        ranges = zip(begins[at].tolist(), begins[at + 1].tolist(), strict=True)
        texts = [self.text[begin : end - 1] for begin, end in ranges]
        return map(_Line, self.edges.owner[at].tolist(), at.tolist(), texts)


def sightings(chunk: Chunk, sources: Sequence[str], profile: Profile) -> Iterator[Sighting]:
    """Yield the hash of each thing that pages show, with the hash of the paragraph beside it, or else of the page."""
    lines = lines_of(folded_texts(profile, chunk.texts), fold_table())
    shapes, text = shapes_of(lines.texts), lines.texts.decoded(0, len(lines.texts.units))
    found, whole = edges_of(lines, shapes), np.arange(-1, -1 - len(sources), -1)
    low = np.where(found.first < lines.cuts[1:], found.first, whole).tolist()
    high = np.where(found.last >= lines.cuts[:-1], found.last, whole).tolist()
    pages = _Pages(sources, lines, shapes, found, text, _Beside(lines, text), low, high)
    for page, source in enumerate(sources):
        yield of_kind(source, "page").digest(), pages.beside[-1 - page]
    yield from _of_edges(pages)
    yield from _of_inner_lines(pages)
    yield from _of_paragraphs(pages)
    yield from _of_lone_lines(pages)


def _of_edges(pages: _Pages) -> Iterator[Sighting]:
    """Yield what the lines at edges show; where no line is a paragraph, a line can stand at both."""
    head, tail = pages.edges.head, pages.edges.tail
    for line in pages.picked(head):
        yield from zip(_keys(pages.sources[line.page], "head", line.text), repeat(pages.beside[pages.low[line.page]]))
    for line in pages.picked(tail & ~head):
        yield from zip(_keys(pages.sources[line.page], "tail", line.text), repeat(pages.beside[pages.high[line.page]]))
    for line in pages.picked(tail & head):
        yield hashed(of_kind(pages.sources[line.page], "tail"), mask(line.text)), pages.beside[pages.high[line.page]]


def _of_inner_lines(pages: _Pages) -> Iterator[Sighting]:
    """Yield what other lines show that are short or may have a label; most are neither."""
    cuts, inner = pages.lines.cuts.tolist(), ~(pages.edges.head | pages.edges.tail)
    for line in pages.picked(inner & ((pages.shapes.lengths <= LONG) | pages.shapes.is_labelled)):
        ends_page = line.number == cuts[line.page + 1] - 1
        place: Place = "last" if ends_page and line.number > cuts[line.page] else "inside"
        beside = pages.beside[pages.high[line.page] if ends_page else -1 - line.page]
        yield from zip(_keys(pages.sources[line.page], place, line.text), repeat(beside))


@lru_cache(maxsize=REPEATED)
def _keys(source: str, place: Place, line: str) -> tuple[bytes, ...]:
    """Return the hashes of what a line shows."""
    return tuple([hashed(of_kind(source, kind), text) for kind, text in _of_line(line, place)])


def _of_line(line: str, place: Place) -> Iterator[tuple[Kind, str]]:
    """Yield what a line shows: itself if it is short, at an edge its fields and most of its words, and its label."""
    if place in ("head", "tail"):
        masked = mask(line)
        yield place, masked
        for part in fields(line):
            yield "field", part
        for part in ends(masked):
            yield "part", part
    elif len(line) <= LONG:
        yield "inside", mask(line)
    if ":" in line and (name := label(line)):
        yield "inside label" if place == "inside" else "label", name


def _of_paragraphs(pages: _Pages) -> Iterator[Sighting]:
    """Yield what paragraphs show: the fields before a colon of the first, and how those end that end in no mark."""
    found, shapes = pages.edges, pages.shapes
    first, last = np.zeros(len(found.owner), bool), np.zeros(len(found.owner), bool)
    first[found.first[found.first < pages.lines.cuts[1:]]] = True
    last[found.last[found.last >= pages.lines.cuts[:-1]]] = True
    signed = shapes.separator < np.minimum(shapes.colon, LONG + 1)
    for line in pages.picked(first & signed):
        for part in fields(line.text[: LONG + 1].partition(":")[0]):
            yield hashed(of_kind(pages.sources[line.page], "field"), part), pages.beside[pages.low[line.page]]
    for line in pages.picked(shapes.prose & shapes.is_open & ~last):
        for kind, text in _of_ending("inside ", line.text, suffix(line.text, GRAM[0])):
            yield hashed(of_kind(pages.sources[line.page], kind), text), pages.beside[-1 - line.page]
    for line in pages.picked(last & shapes.is_open):
        for kind, text in _of_ending("", line.text, *suffixes(line.text)):
            yield hashed(of_kind(pages.sources[line.page], kind), text), pages.beside[pages.high[line.page]]


def _of_ending(place: str, paragraph: str, *last: str) -> Iterator[tuple[Kind, str]]:
    """Yield the last words of a paragraph, and the few behind its last sentence."""
    for words in filter(None, last):
        yield "inside suffix" if place else "suffix", words
    if start := rest(paragraph):
        yield "inside rest" if place else "rest", mask(paragraph[start:])


def _of_lone_lines(pages: _Pages) -> Iterator[Sighting]:
    """Yield that a line stands alone beside the first or the last paragraph of a page."""
    found, cuts = pages.edges, pages.lines.cuts
    low, high = cuts[:-1], cuts[1:] - 1
    for page in np.flatnonzero((found.first == low + 1) & (found.first <= high)).tolist():
        if is_lone(*_page(pages, page), 0):
            yield hashed(of_kind(pages.sources[page], "lone head"), ""), pages.beside[pages.low[page]]
    for page in np.flatnonzero((found.last == high - 1) & (found.last >= low)).tolist():
        folded, page_edges = _page(pages, page)
        if is_lone(folded, page_edges, len(folded) - 1):
            yield hashed(of_kind(pages.sources[page], "lone tail"), ""), pages.beside[pages.high[page]]


def _page(pages: _Pages, page: int) -> tuple[list[str], Edges]:
    """Return the lines of a page, and its edges."""
    low, high = pages.lines.cuts[page : page + 2].tolist()
    begin, end = pages.lines.texts.begins[[low, high]].tolist()
    folded = pages.text[begin : end - 1].split("\n")
    return folded, edges(folded)
