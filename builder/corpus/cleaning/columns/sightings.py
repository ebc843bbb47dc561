"""What the pages of a batch show at their edges, as hashes; most lines show nothing, and are not looked at one by one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np

from builder.corpus.cleaning.columns.beside import Hashes, besides
from builder.corpus.cleaning.columns.edges import edges_of
from builder.corpus.cleaning.columns.endings import see_endings, see_lone_lines
from builder.corpus.cleaning.columns.keys import Kind, hashed, of_kind
from builder.corpus.cleaning.columns.lines import Mask, lines_of
from builder.corpus.cleaning.columns.seen import Pages, Ranges, see
from builder.corpus.cleaning.columns.shapes import shapes_of
from builder.corpus.cleaning.columns.words import Words, fields_of, gathered, words_of
from builder.corpus.cleaning.edges import LONG, PART, WORDS, ends, fields, label, mask
from builder.io.lists import ranges
from builder.text.joined import LINE_END, Chunk, Texts, folded_texts
from builder.text.profiles import Profile, fold_table

Place = Literal["head", "tail", "inside", "last"]
"""Where a line stands: above the first paragraph, below the last, anywhere else, or there and at the end of the page."""

REPEATED = 1 << 13
"""Number of lines whose hashes are kept: furniture recurs from page to page."""


@dataclass(frozen=True, slots=True, eq=False)
class Sightings:
    """The hash of each thing that pages show, and of the paragraph beside it, or else of the page."""

    keys: Hashes
    beside: Hashes


def sightings(chunk: Chunk, sources: Sequence[str], profile: Profile) -> Sightings:
    """Return the hash of each thing that pages show, with the hash of the paragraph beside it, or else of the page."""
    lines = lines_of(_folded(profile, chunk.texts), fold_table())
    shapes, text = shapes_of(lines.texts), lines.texts.decoded(0, len(lines.texts.units))
    found, whole = edges_of(lines, shapes), np.arange(-1, -1 - len(sources), -1)
    number = {source: number for number, source in enumerate(dict.fromkeys(sources))}
    numbers = np.fromiter(map(number.__getitem__, sources), np.intp, len(sources))
    low = np.where(found.first < lines.cuts[1:], found.first, whole)
    high = np.where(found.last >= lines.cuts[:-1], found.last, whole)
    pages = Pages(sources, numbers, lines, shapes, found, text, low, high)
    of_source = [of_kind(source, "page").digest() for source in number]
    pages.seen.extend(map(of_source.__getitem__, numbers.tolist()))
    pages.beside.append(whole)
    _see_short_lines(pages)
    _see_long_lines(pages)
    see_endings(pages)
    see_lone_lines(pages)
    keys = np.frombuffer(b"".join(pages.seen), ">u8").astype(np.uint64)
    return Sightings(keys, besides(lines, np.concatenate(pages.beside)))


def _folded(profile: Profile, texts: Texts) -> Texts:
    """Fold pages line by line, so that only those lines go by context rules that ask for them."""
    begins = np.concatenate([[0], np.flatnonzero(texts.units == LINE_END) + 1])
    folded = folded_texts(profile, Texts(texts.units, begins.astype(np.int32)))
    return Texts(folded.units, folded.begins[np.searchsorted(begins, texts.begins)])


def _see_short_lines(pages: Pages) -> None:
    """See the lines at edges, with their parts and fields, and other short lines; and the labels of both."""
    found, lines = pages.edges, pages.lines
    number = np.flatnonzero(found.head | found.tail | (pages.shapes.lengths <= LONG))
    head, tail, page = found.head[number], found.tail[number], found.owner[number]
    at_edge, ends_page = head | tail, number == lines.cuts[page + 1] - 1
    words = words_of(gathered(lines.texts, lines.texts.begins[number], lines.texts.begins[number + 1] - 1))
    behind = words.before(np.arange(len(number)), np.minimum(pages.shapes.colon[number], LONG))
    is_labelled = pages.shapes.is_labelled[number]
    odd = words.is_odd | (is_labelled & (behind == words.cuts[:-1]))
    high = pages.high[page]
    whole = Ranges(page, words.cuts[:-1], words.cuts[1:],
                    np.where(head, pages.low[page], np.where(tail | ends_page, high, -1 - page)))  # fmt: skip
    see(pages, words, "head", whole[head & ~odd])
    see(pages, words, "tail", whole[tail & ~head & ~odd])
    see(pages, words, "tail", replace(whole, beside=high)[tail & head & ~odd])
    see(pages, words, "inside", whole[~at_edge & ~odd])
    _see_parts(pages, words, whole[at_edge & ~odd])
    is_inner = ~at_edge & ~(ends_page & (number > lines.cuts[page]))
    _see_labels(pages, words, replace(whole, last=behind)[is_labelled & ~odd], is_inner[is_labelled & ~odd])
    _see_fields(pages, words, whole, at_edge & ~odd)
    some = np.flatnonzero(odd)
    for i, line in zip(some.tolist(), pages.picked(number[some]), strict=True):
        place: Place = "head" if head[i] else "tail" if tail[i] else "inside" if is_inner[i] else "last"
        source = pages.sources[page[i]]
        pages.add(_keys(source, place, line), int(whole.beside[i]))
        if head[i] and tail[i]:
            pages.add([hashed(of_kind(source, "tail"), mask(line))], int(high[i]))


def _see_parts(pages: Pages, words: Words, whole: Ranges) -> None:
    """See what `edges.ends` makes of lines."""
    size = whole.last - whole.first
    count = np.maximum(size - np.maximum(PART, -(-3 * size // 5)), 0)
    some = whole[np.repeat(np.arange(len(size)), count)]
    left_out = ranges(np.ones_like(count), count)
    see(pages, words, "part", replace(some, first=some.first + left_out), above="… ")
    see(pages, words, "part", replace(some, last=some.last - left_out), behind=" …")


def _see_labels(pages: Pages, words: Words, before: Ranges, is_inner: Mask) -> None:
    """See labels, given the words before the first colon of lines."""
    size = before.last - before.first
    is_label = (size > 1) & (size <= WORDS)
    see(pages, words, "inside label", before[is_label & is_inner])
    see(pages, words, "label", before[is_label & ~is_inner])


def _see_fields(pages: Pages, words: Words, whole: Ranges, wanted: Mask) -> None:
    """See the fields of some texts, which are lines or what lines begin with."""
    found = fields_of(words, wanted)
    of = found.texts
    see(pages, words, "field", Ranges(whole.page[of], found.first, found.last, whole.beside[of]))
    for i in found.odd.tolist():
        begun = of_kind(pages.sources[whole.page[i]], "field")
        pages.add([hashed(begun, part) for part in fields(words.texts.text(i))], int(whole.beside[i]))


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


def _see_long_lines(pages: Pages) -> None:
    """See the labels of paragraphs, and the fields that the first of a page begins with."""
    found, shapes, cuts, begins = pages.edges, pages.shapes, pages.lines.cuts, pages.lines.texts.begins
    number = np.flatnonzero(~(found.head | found.tail) & (shapes.lengths > LONG) & shapes.is_labelled)
    page, colon = found.owner[number], shapes.colon[number]
    words = words_of(gathered(pages.lines.texts, begins[number], begins[number] + colon))
    ends_page = number == cuts[page + 1] - 1
    before = Ranges(page, words.cuts[:-1], words.cuts[1:], np.where(ends_page, pages.high[page], -1 - page))
    is_inner = ~(ends_page & (number > cuts[page]))
    _see_labels(pages, words, before[~words.is_odd], is_inner[~words.is_odd])
    some = np.flatnonzero(words.is_odd)
    for i, line in zip(some.tolist(), pages.picked(number[some]), strict=True):
        pages.add(_keys(pages.sources[page[i]], "inside" if is_inner[i] else "last", line), int(before.beside[i]))
    number = found.first[found.first < cuts[1:]]
    until = np.minimum(shapes.colon, shapes.lengths)[number]
    number, until = number[until <= LONG], until[until <= LONG]
    words = words_of(gathered(pages.lines.texts, begins[number], begins[number] + until))
    whole = Ranges(found.owner[number], words.cuts[:-1], words.cuts[1:], number)
    _see_fields(pages, words, whole, np.ones(len(number), bool))
