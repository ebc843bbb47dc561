"""Characters that go or change by themselves, over many texts at once, with the edits.

A table says what becomes of each character; the few whose fate hangs on a neighbour are asked of
their context. Texts are joined, looked up as UTF-16 in numpy (UTF-32 where one is outside the
Basic Multilingual Plane), and parted again. Does not know why a character changes: profiles.py.
"""

import codecs
import sys
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, chain, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from builder.text.aligned import NONE, AlignedText, Columns, Edits

CHUNK = 128_000
"""Code points that are looked up at once: what fits the processor's cache; more is slower."""
BETWEEN = " "
"""Stands between joined texts; no rule looks past it, and no table may change it."""
COMPOSING = (range(0xC0, 0x3400), range(0xA000, 0xAC00), range(0xF900, 0x1F000), range(0x2F800, 0x2FA20))
"""Where Unicode has characters that compose, decompose or stand in an order."""
RETURN = ord("\r")

Positions = NDArray[np.intp]
Units = NDArray[Any]
"""Texts as UTF-16 or UTF-32 units, one for each code point."""
Stays = Callable[[str, int], bool]


GONE, RARE = 0xFFFF, 0xFFFE
"""Noncharacters, which every table deletes, stand for deleted and rare characters until texts are made."""


@dataclass(frozen=True, slots=True)
class Rare:
    """A character that becomes none or several, that may stay where it is, or whose text needs a look."""

    becomes: str
    asks: bool
    stays: Stays | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """What becomes of each character: another, itself, GONE, or RARE where it must be looked at one by one."""

    put: NDArray[np.uint32]
    narrow: NDArray[np.uint16]
    """The same for the Basic Multilingual Plane."""
    rare: Mapping[int, Rare]


@dataclass(frozen=True, slots=True)
class Mapped:
    """Texts after one pass of a table, and which of them need a look at their contexts."""

    texts: list[AlignedText]
    asking: list[int]


@dataclass(frozen=True, slots=True)
class _ByText:
    """The edits of many texts, where those of each begin, and where its new units begin; one more of both than texts."""

    columns: Columns
    cuts: Sequence[int]
    begins: Sequence[int]


@dataclass(frozen=True, slots=True)
class _Rares:
    """Places of rare characters, what becomes of each, whether that is itself, and the places that ask for a look."""

    at: list[int]
    becomes: list[str]
    same: list[bool]
    asks: list[int]


def compile_table(changes: Mapping[str, str], stays: Mapping[str, Stays]) -> Table:
    """The table of what becomes of single characters, but of those that stay where they are asked.

    Raises ValueError for a change of the space, which stands between texts.
    """
    if BETWEEN in changes:
        raise ValueError("a table may not change the space")
    put = np.arange(sys.maxunicode + 1, dtype=np.uint32)
    rare = {ord(character): Rare(character, asks=True) for character in unsettled()}
    for character, becomes in changes.items():
        asks = any(ord(c) in rare or c in stays for c in becomes)
        put[ord(character)] = ord(becomes) if len(becomes) == 1 else GONE
        if asks or character in stays or len(becomes) > 1 or character == "\r":
            rare[ord(character)] = Rare(becomes, asks, stays.get(character))
        else:
            rare.pop(ord(character), None)
    put[list(rare)] = RARE
    return Table(put, put[: GONE + 1].astype(np.uint16), rare)


def map_characters(table: Table, texts: Sequence[str]) -> Mapped:
    """Put every text through the table, with its edits."""
    mapped: list[AlignedText] = []
    asking: list[int] = []
    for chunk in _chunks(texts):
        done = _map_chunk(table, chunk)
        asking += [len(mapped) + index for index in done.asking]
        mapped += done.texts
    return Mapped(mapped, asking)


def substitute(table: Table, texts: Sequence[str]) -> list[str | None]:
    """Texts with each character put through the table, without edits; None where that takes more than one for one."""
    done: list[str | None] = []
    for chunk in _chunks(texts):
        units = _encoded(BETWEEN.join(chunk))
        new = (table.narrow if units.itemsize == 2 else table.put).take(units)
        begins = np.fromiter(accumulate((len(text) + 1 for text in chunk), initial=0), np.intp, len(chunk) + 1)
        odd = np.flatnonzero((new == GONE) | (new == RARE))
        out = set((np.searchsorted(begins, odd, "right") - 1).tolist())
        whole = _decoder(new)(new.tobytes(), "surrogatepass")[0]
        bounds = pairwise(begins.tolist())
        done += [None if index in out else whole[low : high - 1] for index, (low, high) in enumerate(bounds)]
    return done


def _chunks(texts: Sequence[str]) -> list[Sequence[str]]:
    """Texts that follow one another, together about CHUNK code points."""
    chunks: list[Sequence[str]] = []
    start = size = 0
    for index, text in enumerate(texts):
        if size and size + len(text) > CHUNK:
            chunks.append(texts[start:index])
            start, size = index, 0
        size += len(text)
    return [*chunks, texts[start:]] if start < len(texts) else chunks


def _map_chunk(table: Table, texts: Sequence[str]) -> Mapped:
    whole = BETWEEN.join(texts)
    units = _encoded(whole)
    if units.itemsize == 4 and (narrow := [i for i, text in enumerate(texts) if _encoded(text).itemsize == 2]):
        return _map_apart(table, texts, narrow)
    new = (table.narrow if units.itemsize == 2 else table.put).take(units)
    at = np.flatnonzero(new != units)
    if not at.size:
        return Mapped([AlignedText(text, text) for text in texts], [])
    begins = np.fromiter(accumulate((len(text) + 1 for text in texts), initial=0), np.int32, len(texts) + 1)
    put = new.take(at)
    length = (put != GONE).view(np.int8)
    rare = _rare(table, whole, units, at[put == RARE])
    if rare.at:
        places = np.searchsorted(at, rare.at)
        length[places] = [len(becomes) for becomes in rare.becomes]
        new[rare.at] = [ord(becomes[0]) if becomes else GONE for becomes in rare.becomes]
        same = [place for place, is_same in zip(places.tolist(), rare.same, strict=True) if is_same]
        at, length = np.delete(at, same), np.delete(length, same)
    edits = _edits(at, length, begins)
    asking = np.unique(np.searchsorted(begins, rare.asks, "right") - 1).tolist()
    return Mapped(_parted(texts, _written(new, rare), edits), asking)


def _map_apart(table: Table, texts: Sequence[str], narrow: Sequence[int]) -> Mapped:
    """The few texts with emoji apart from the others, which go through faster."""
    wide = sorted({*range(len(texts))} - {*narrow})
    done = [_map_chunk(table, [texts[i] for i in part]) for part in (narrow, wide)]
    back = {
        i: aligned
        for part, one in zip((narrow, wide), done, strict=True)
        for i, aligned in zip(part, one.texts, strict=True)
    }
    asking = sorted(part[i] for part, one in zip((narrow, wide), done, strict=True) for i in one.asking)
    return Mapped([back[i] for i in range(len(texts))], asking)


def _rare(table: Table, whole: str, units: Units, at: Positions) -> _Rares:
    """What becomes of rare characters, one by one, in their places."""
    rares = _Rares([], [], [], [])
    for place, character in zip(at.tolist(), units.take(at).tolist(), strict=True):
        found = table.rare[character]
        becomes = found.becomes
        if character == RETURN and whole[place + 1 : place + 2] == "\n":
            becomes = ""  # one line end, not two
        stays = found.stays is not None and found.stays(whole, place)
        becomes = chr(character) if stays else becomes
        if stays or found.asks:
            rares.asks.append(place)
        rares.at.append(place)
        rares.becomes.append(becomes)
        rares.same.append(becomes == chr(character))
    return rares


def _encoded(text: str) -> Units:
    """One unit for each code point; half a surrogate pair stays what it is."""
    try:
        narrow = np.frombuffer(codecs.utf_16_le_encode(text)[0], np.uint16)
    except UnicodeEncodeError:
        narrow = np.zeros(0, np.uint16)
    if narrow.size == len(text):
        return narrow
    return np.frombuffer(codecs.utf_32_le_encode(text, "surrogatepass")[0], np.uint32)


def _decoder(units: Units) -> Callable[[bytes | memoryview, str], tuple[str, int]]:
    return codecs.utf_16_le_decode if units.itemsize == 2 else codecs.utf_32_le_decode


def _written(new: Units, rare: _Rares) -> Units:
    """The new units, with long replacements whole and without what is gone."""
    tails = [(place + 1, ord(c)) for place, becomes in zip(rare.at, rare.becomes, strict=True) for c in becomes[1:]]
    if tails:
        new = np.insert(new, [place for place, _ in tails], [unit for _, unit in tails])
    return np.compress(new != GONE, new)


def _edits(at: Positions, length: NDArray[np.int8], begins: Columns) -> _ByText:
    """The edits of single characters at these places, and where those of each text, and its new units, begin."""
    shifts = np.zeros(len(at) + 1, np.int32)
    np.cumsum(length - np.int8(1), dtype=np.int32, out=shifts[1:])
    new_begins = begins + shifts.take(np.searchsorted(at, begins))
    places: Columns = at.astype(np.int32)
    before: Columns = shifts[:-1]
    raw_length: Columns = np.ones(len(places), np.int32)
    gone = length == 0
    joins = gone[1:] & gone[:-1] & (places[1:] - places[:-1] == 1)
    if joins.any():  # deletions that touch are one edit
        first = np.flatnonzero(np.append(True, ~joins))
        raw_length = np.diff(np.append(first, len(places))).astype(np.int32)
        places, before, length = places.take(first), before.take(first), length.take(first)
    cuts = np.searchsorted(places, begins)
    counts = np.diff(cuts)
    edits = np.empty((4, len(places)), np.int32)
    np.subtract(places, np.repeat(begins[:-1], counts), out=edits[0])
    np.add(edits[0], raw_length, out=edits[1])
    np.subtract(places + before, np.repeat(new_begins[:-1], counts), out=edits[2])
    np.add(edits[2], length, out=edits[3])
    return _ByText(edits, cuts.tolist(), new_begins.tolist())


def _parted(texts: Sequence[str], new: Units, edits: _ByText) -> list[AlignedText]:
    """Each text with its new characters and its own edits."""
    units = memoryview(new.tobytes())
    width, decode = new.itemsize, _decoder(new)
    parted: list[AlignedText] = []
    for index, text in enumerate(texts):
        first, last = edits.cuts[index], edits.cuts[index + 1]
        if first == last:
            parted.append(AlignedText(text, text, NONE))
        else:
            begin, end = edits.begins[index] * width, (edits.begins[index + 1] - 1) * width
            put = decode(units[begin:end], "surrogatepass")[0]
            parted.append(AlignedText(put, text, Edits(edits.columns[:, first:last])))
    return parted


@cache
def unsettled() -> str:
    """Characters that NFC may change, join to the one before them, or order after it."""
    settled = unicodedata.is_normalized
    return "".join(
        character
        for character in map(chr, chain(*COMPOSING))
        if unicodedata.combining(character) or not settled("NFC", character) or character in trailing()
    )


@cache
def trailing() -> frozenset[str]:
    """Characters that NFC may join to, or order after, the one before them."""
    after: set[str] = set()
    for code in chain(*COMPOSING):
        decomposed = unicodedata.decomposition(chr(code))
        if decomposed and decomposed[0] != "<":
            after.update(chr(int(part, 16)) for part in decomposed.split()[1:])
        if unicodedata.combining(chr(code)):
            after.add(chr(code))
    after.update(map(chr, (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))))  # Hangul vowels and finals
    return frozenset(after)
