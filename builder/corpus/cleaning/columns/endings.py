"""What pages show at the ends of paragraphs, and in lines that stand alone beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from builder.corpus.cleaning.columns.keys import Kind, hashed, of_kind
from builder.corpus.cleaning.columns.lines import SPACE
from builder.corpus.cleaning.columns.seen import Pages, Ranges, see
from builder.corpus.cleaning.columns.words import words_of
from builder.corpus.cleaning.edges import GRAM, PROSE, can_be_lone, is_ended, mask, rest, suffixes_of
from builder.text.joined import Numbers, joined


@dataclass(frozen=True, slots=True, eq=False)
class _Paragraphs:
    """Paragraphs that end in no mark."""

    page: Numbers
    beside: Numbers
    """What stands beside their ends."""
    texts: Sequence[str]

    def tails(self, size: int) -> "_Paragraphs":
        """Return the last `size` words of each paragraph that is long enough for a suffix."""
        words = [text.rsplit(" ", 2 * GRAM[1] - 1) for text in self.texts]
        at = [i for i, some in enumerate(words) if len(some) == 2 * GRAM[1]]
        return _Paragraphs(self.page[at], self.beside[at], [" ".join(words[i][-size:]) for i in at])


def see_endings(pages: Pages) -> None:
    """See the last words of paragraphs that end in no mark, and the few behind their last sentence."""
    found, shapes = pages.edges, pages.shapes
    is_last = np.zeros(len(found.owner), bool)
    is_last[found.last[found.last >= pages.lines.cuts[:-1]]] = True
    number = np.flatnonzero(shapes.prose & shapes.is_open & ~is_last)
    inner = _Paragraphs(found.owner[number], -1 - found.owner[number], pages.picked(number))
    _see_suffix(pages, inner.tails(GRAM[0]))
    _see_rests(pages, "inside rest", inner)
    number = np.flatnonzero(shapes.prose & shapes.is_open & is_last)
    last = _Paragraphs(found.owner[number], pages.high[found.owner[number]], pages.picked(number))
    _see_suffixes(pages, last.tails(GRAM[1]))
    _see_rests(pages, "rest", last)


def _see_suffix(pages: Pages, inner: _Paragraphs) -> None:
    """See the shortest suffix of paragraphs, given their last words."""
    words = words_of(joined(inner.texts))
    whole = Ranges(inner.page, words.cuts[:-1], words.cuts[1:], inner.beside)
    see(pages, words, "inside suffix", whole[~words.is_odd])
    for i in np.flatnonzero(words.is_odd).tolist():
        begun = of_kind(pages.sources[inner.page[i]], "inside suffix")
        pages.add([hashed(begun, mask(inner.texts[i]))], int(inner.beside[i]))


def _see_suffixes(pages: Pages, last: _Paragraphs) -> None:
    """See the suffix of each size of paragraphs that are the last of their pages, given their last words."""
    words = words_of(joined(last.texts))
    spaces = np.flatnonzero(words.texts.units == SPACE).reshape(len(last.texts), GRAM[1] - 1)
    first = np.searchsorted(words.places, spaces[:, : -GRAM[0] + 1])
    odd = words.is_odd | (first[:, -1] == words.cuts[1:])
    first, sizes = np.column_stack([words.cuts[:-1], first])[~odd].ravel(), GRAM[1] - GRAM[0] + 1
    page, behind, beside = (np.repeat(column[~odd], sizes) for column in (last.page, words.cuts[1:], last.beside))
    see(pages, words, "suffix", Ranges(page, first, behind, beside))
    for i in np.flatnonzero(odd).tolist():
        begun = of_kind(pages.sources[last.page[i]], "suffix")
        pages.add([hashed(begun, one) for one in suffixes_of(last.texts[i])], int(last.beside[i]))


def _see_rests(pages: Pages, kind: Kind, some: _Paragraphs) -> None:
    """See the words behind the last sentence of paragraphs."""
    for i, text in enumerate(some.texts):
        if start := rest(text):
            pages.add([hashed(of_kind(pages.sources[some.page[i]], kind), mask(text[start:]))], int(some.beside[i]))


def see_lone_lines(pages: Pages) -> None:
    """See that a line stands alone beside the first or the last paragraph of a page."""
    found, cuts = pages.edges, pages.lines.cuts
    low, high = cuts[:-1], cuts[1:] - 1
    told = np.concatenate([[0], np.cumsum(pages.shapes.prose)])
    is_prose = told[cuts[1:]] - told[low] >= PROSE * (high - low)
    page = np.flatnonzero(is_prose & (found.first == low + 1) & (found.first <= high))
    for one, line in zip(page.tolist(), pages.picked(low[page]), strict=True):
        if can_be_lone(line):
            pages.add([of_kind(pages.sources[one], "lone head").digest()], int(pages.low[one]))
    page = np.flatnonzero(is_prose & (found.last == high - 1) & (found.last >= low))
    for one, line, above in zip(page.tolist(), pages.picked(high[page]), pages.picked(high[page] - 1), strict=True):
        if can_be_lone(line) and is_ended(above):
            pages.add([of_kind(pages.sources[one], "lone tail").digest()], int(pages.high[one]))
