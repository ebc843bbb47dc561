"""The masked words of many texts at once: what `edges.mask` and `edges.fields` make of each, as ranges of UTF-8."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from builder.corpus.cleaning.columns.lines import SPACE, Mask
from builder.corpus.cleaning.edges import WORDS
from builder.io.lists import ranges
from builder.text.edits import Columns
from builder.text.joined import LINE_END, Numbers, Texts, running
from builder.text.mapping.tables import looked_up
from builder.text.mapping.units import Units

ZERO = 48

AT, COLON, STOP, W, HYPHEN = map(ord, "@:.w-")

BARS = np.array([*map(ord, "–—|/\\")], np.uint16)

BEFORE_COLON = np.array([*map(ord, "ps")], np.uint16)
"""Ends of `http` and `https`."""

BEHIND_STOP = np.array([*map(ord, "cnoitm")], np.uint16)
"""First letters of the domains that make an address."""


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """The masked words of texts: runs of letters and digits, with each number as 0."""

    texts: Texts
    data: bytes
    """All words in UTF-8, with a space before each and one at the end."""
    spaces: Numbers
    """Where these spaces are in `data` (n + 1 values)."""
    places: Numbers
    """Where each word begins among the units of the texts."""
    cuts: Numbers
    """The first word of each text (n + 1 values)."""
    signs: Numbers
    """Where the units are that are neither of a word nor a space."""
    is_odd: Mask
    """Whether a text is to be masked by itself, as it may hold an address, or holds no word."""

    def before(self, texts: Numbers, offsets: Numbers) -> Numbers:
        """Return, for an offset into each of some texts, the number of words of all texts that begin before it."""
        return np.searchsorted(self.places, self.texts.begins[texts] + offsets)


def words_of(texts: Texts) -> Words:
    """Mask texts; words are counted through all of them."""
    units = texts.units
    masked = _masked(units)
    is_space = masked == SPACE
    starts = ~is_space
    starts[1:] &= is_space[:-1]
    is_repeated = (masked[1:] == masked[:-1]) & ((masked[1:] | (SPACE ^ ZERO)) == ZERO)
    keep = np.append(~is_space[:1], ~is_repeated)
    places = np.flatnonzero(starts)
    signs = np.flatnonzero(is_space & (units != SPACE))
    out = Texts(masked[keep], np.zeros(1, np.int32))
    data = b" " + out.decoded(0, len(out.units)).encode("utf-8", "surrogatepass")
    spaces = np.flatnonzero(np.frombuffer(data, np.uint8) == SPACE)
    cuts = np.searchsorted(places, texts.begins)
    is_odd = cuts[1:] == cuts[:-1]
    is_odd[np.searchsorted(texts.begins, _may_be_addresses(units, signs), "right") - 1] = True
    return Words(texts, data, spaces, places, cuts, signs, is_odd)


def _masked(units: Units) -> Units:
    """Return each letter, a 0 for each digit, and a space for anything else."""
    if units.itemsize == 2:
        return looked_up(_masks(), units)
    masked = _masks().take(np.minimum(units, 0xFFFF)).astype(units.dtype)
    at = np.flatnonzero(units > 0xFFFF)
    codes, place = np.unique(units[at], return_inverse=True)
    masked[at] = np.array([*map(_mask, codes.tolist())], units.dtype)[place]
    return masked


@cache
def _masks() -> NDArray[np.uint16]:
    return np.fromiter(map(_mask, range(0x10000)), np.uint16)


def _mask(code: int) -> int:
    sign = chr(code)
    return (ZERO if sign.isdecimal() else code) if sign.isalnum() else SPACE


def _may_be_addresses(units: Units, signs: Numbers) -> Numbers:
    """Return where signs are that addresses hold; every text has a line end behind it."""
    kind = units[signs]
    before, behind = units[np.maximum(signs - 1, 0)], units[np.minimum(signs + 1, len(units) - 1)]
    is_http = (kind == COLON) & np.isin(before, BEFORE_COLON)
    is_domain = (kind == STOP) & ((before == W) | np.isin(behind, BEHIND_STOP))
    found: Numbers = signs[(kind == AT) | is_http | is_domain]
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Fields:
    """The fields of texts, as ranges of words."""

    texts: Numbers
    """The text of each field."""
    first: Numbers
    last: Numbers
    """The word behind each field."""
    odd: Numbers
    """Texts whose fields are to be found one by one: they, or a part of them, may hold an address or no word."""


def fields_of(words: Words, wanted: Mask) -> Fields:
    """Return the fields of some texts."""
    cuts, found = words.cuts, _separators(words)
    found = found[(wanted & ~words.is_odd)[found.text]]
    text, gap = found.text, found.gap
    odd, void, long = wanted & words.is_odd, np.zeros(len(wanted), bool), np.zeros(len(wanted), bool)
    odd[text[(gap == cuts[text]) | (gap == cuts[text + 1]) | found.is_again]] = True
    void[text[found.is_void]] = True
    text, gap = text[~odd[text]], gap[~odd[text]]
    whole = np.unique(text)
    first, last = np.sort(np.concatenate([cuts[whole], gap])), np.sort(np.concatenate([cuts[whole + 1], gap]))
    owner = np.searchsorted(cuts, first, "right") - 1
    long[owner[last - first > WORDS]] = True
    short = ~long[owner]
    return Fields(owner[short], first[short], last[short], np.flatnonzero(odd & ~void))


@dataclass(frozen=True, slots=True, eq=False)
class _Separators:
    """Separators of fields: runs of bars, and hyphens beside a space."""

    text: Numbers
    """The text of each."""
    gap: Numbers
    """The word behind it."""
    is_again: Mask
    """Whether no word is between it and the separator above."""
    is_void: Mask
    """Whether the field above it or below it is surely empty, so that its text has no fields."""

    def __getitem__(self, wanted: Mask) -> "_Separators":
        """Return some of the separators."""
        return _Separators(self.text[wanted], self.gap[wanted], self.is_again[wanted], self.is_void[wanted])


def _separators(words: Words) -> _Separators:
    """Return what may separate fields.

    A hyphen that follows a separator and a space, and has none behind, separates nothing, and is not sure.
    """
    units, signs, begins = words.texts.units, words.signs, words.texts.begins
    kind, before, behind = units[signs], units[signs - 1], units[np.minimum(signs + 1, len(units) - 1)]
    is_bar = np.isin(kind, BARS)
    separates = is_bar | ((kind == HYPHEN) & ((before == SPACE) | (behind == SPACE)))
    joins = is_bar[1:] & is_bar[:-1] & (np.diff(signs) == 1)
    first = np.flatnonzero(np.append(separates[:1], separates[1:] & ~joins))
    last = np.flatnonzero(np.append(separates[:-1] & ~joins, separates[-1:]))
    text, gap = np.searchsorted(begins, signs[first], "right") - 1, np.searchsorted(words.places, signs[first])
    is_again = np.diff(gap, prepend=-1) == 0
    is_again &= np.diff(text, prepend=-1) == 0
    parts = is_bar[first] | (behind[first] == SPACE)
    next_parts = np.append((is_again & parts)[1:] & (first[1:] == last[:-1] + 1), np.zeros(len(first[:1]), bool))
    opens = (kind[first - 1] == LINE_END) & (gap == words.cuts[text])
    closes = (kind[np.minimum(last + 1, len(kind) - 1)] == LINE_END) & (gap == words.cuts[text + 1])
    return _Separators(text, gap, is_again, (parts | ~is_again) & (opens | closes | next_parts))


def gathered(texts: Texts, begins: Columns | Numbers, ends: Columns | Numbers) -> Texts:
    """Return ranges of the units of texts as texts."""
    cuts = running(ends - begins + 1)
    units = texts.units[ranges(begins.astype(np.int64), (ends - begins + 1).astype(np.int64))]
    units[cuts[1:] - 1] = LINE_END
    return Texts(units, cuts)
