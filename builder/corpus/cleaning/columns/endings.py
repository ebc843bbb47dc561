"""What pages show at the ends of paragraphs, and in lines that stand alone beside them."""

import numpy as np

from builder.corpus.cleaning.columns.keys import Kind, hashed, of_kind
from builder.corpus.cleaning.columns.lines import SPACE
from builder.corpus.cleaning.columns.seen import Pages, Ranges, see
from builder.corpus.cleaning.columns.words import words_of
from builder.corpus.cleaning.edges import GRAM, PROSE, can_be_lone, is_ended, last_words, mask, rest, suffix, suffixes
from builder.text.joined import Numbers, joined


def see_endings(pages: Pages) -> None:
    """See the last words of paragraphs that end in no mark, and the few behind their last sentence."""
    found, shapes = pages.edges, pages.shapes
    is_last = np.zeros(len(found.owner), bool)
    is_last[found.last[found.last >= pages.lines.cuts[:-1]]] = True
    inner = np.flatnonzero(shapes.prose & shapes.is_open & ~is_last)
    _see_suffix(pages, inner)
    _see_rests(pages, inner, "inside rest", -1 - found.owner[inner])
    last = np.flatnonzero(shapes.prose & shapes.is_open & is_last)
    _see_suffixes(pages, last)
    _see_rests(pages, last, "rest", pages.high[found.owner[last]])


def _see_suffix(pages: Pages, paragraphs: Numbers) -> None:
    """See the shortest suffix of paragraphs."""
    paragraphs = _long(pages, paragraphs)
    page = pages.edges.owner[paragraphs]
    words = words_of(joined([last_words(pages.line(number), GRAM[0]) for number in paragraphs.tolist()]))
    whole = Ranges(page, words.cuts[:-1], words.cuts[1:], -1 - page)
    see(pages, words, "inside suffix", whole[~words.is_odd])
    for i in np.flatnonzero(words.is_odd).tolist():
        begun = of_kind(pages.sources[page[i]], "inside suffix")
        pages.add([hashed(begun, suffix(pages.line(int(paragraphs[i])), GRAM[0]))], int(-1 - page[i]))


def _see_suffixes(pages: Pages, paragraphs: Numbers) -> None:
    """See the suffix of each size of paragraphs that are the last of their pages."""
    paragraphs = _long(pages, paragraphs)
    page = pages.edges.owner[paragraphs]
    beside = pages.high[page]
    words = words_of(joined([last_words(pages.line(number), GRAM[1]) for number in paragraphs.tolist()]))
    spaces = np.flatnonzero(words.texts.units == SPACE).reshape(len(paragraphs), GRAM[1] - 1)
    first = np.searchsorted(words.places, spaces[:, -GRAM[0] :: -1].T)
    odd = words.is_odd | (first[0] == words.cuts[1:])
    for begin in (*first, words.cuts[:-1]):
        see(pages, words, "suffix", Ranges(page, begin, words.cuts[1:], beside)[~odd])
    for i in np.flatnonzero(odd).tolist():
        begun = of_kind(pages.sources[page[i]], "suffix")
        keys = [hashed(begun, one) for one in suffixes(pages.line(int(paragraphs[i]))) if one]
        pages.add(keys, int(beside[i]))


def _long(pages: Pages, paragraphs: Numbers) -> Numbers:
    """Return the paragraphs that have a suffix."""
    counts = [pages.line(number).count(" ") + 1 for number in paragraphs.tolist()]
    return paragraphs[np.array(counts, np.intp) >= 2 * GRAM[1]]


def _see_rests(pages: Pages, paragraphs: Numbers, kind: Kind, beside: Numbers) -> None:
    """See the words behind the last sentence of paragraphs."""
    for number, one in zip(paragraphs.tolist(), beside.tolist(), strict=True):
        text = pages.line(number)
        if start := rest(text):
            source = pages.sources[pages.edges.owner[number]]
            pages.add([hashed(of_kind(source, kind), mask(text[start:]))], one)


def see_lone_lines(pages: Pages) -> None:
    """See that a line stands alone beside the first or the last paragraph of a page."""
    found, cuts, prose = pages.edges, pages.lines.cuts, pages.shapes.prose
    low, high = cuts[:-1], cuts[1:] - 1
    told = np.concatenate([[0], np.cumsum(prose)])
    is_prose = told[cuts[1:]] - told[low] >= PROSE * (high - low)
    for page in np.flatnonzero(is_prose & (found.first == low + 1) & (found.first <= high)).tolist():
        if can_be_lone(pages.line(int(low[page]))):
            pages.add([of_kind(pages.sources[page], "lone head").digest()], int(pages.low[page]))
    for page in np.flatnonzero(is_prose & (found.last == high - 1) & (found.last >= low)).tolist():
        last = int(high[page])
        if can_be_lone(pages.line(last)) and is_ended(pages.line(last - 1)):
            pages.add([of_kind(pages.sources[page], "lone tail").digest()], int(pages.high[page]))
