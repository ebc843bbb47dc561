"""Characters that go or change by themselves, over many texts at once, with the edits.

A table says what becomes of each character; the few whose fate hangs on a neighbour are asked of
their context. Texts are joined, looked up as UTF-16 in numpy (UTF-32 where one is outside the
Basic Multilingual Plane), and parted again. Does not know why a character changes: profiles.py.
"""

import codecs
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, chain, compress, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from builder.text.aligned import AlignedText
from builder.text.edits import NONE, Columns, Edits

CHUNK = 128_000
"""Code points that are looked up at once: what fits the processor's cache; more is slower."""

BETWEEN = " "
"""Stands between joined texts; no rule looks past it, and no table may change it."""

COMPOSING = (range(0xC0, 0x3400), range(0xA000, 0xAC00), range(0xF900, 0x1F000), range(0x2F800, 0x2FA20))
"""Where Unicode has characters that compose, decompose or stand in an order."""

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
    for character, becomes in {**changes, chr(GONE): ""}.items():
        asks = any(ord(c) in rare or c in stays for c in becomes)
        put[ord(character)] = ord(becomes) if len(becomes) == 1 else GONE
        if asks or character in stays or len(becomes) > 1 or character in ("\r", chr(GONE)):
            rare[ord(character)] = Rare(becomes, asks, stays.get(character))
        else:
            rare.pop(ord(character), None)
    put[list(rare)] = RARE
    return Table(put, put[: GONE + 1].astype(np.uint16), rare)


def map_characters(table: Table, texts: Sequence[str]) -> Mapped:
    """Put every text through the table, with its edits."""
    mapped: dict[int, AlignedText] = {}
    asking: list[int] = []
    for chunk in _chunks(texts):
        done = _map_chunk(table, chunk)
        mapped.update(zip(chunk.indices, done.texts, strict=True))
        asking += [chunk.indices[index] for index in done.asking]
    return Mapped([mapped[index] for index in range(len(texts))], sorted(asking))


def substitute(table: Table, texts: Sequence[str]) -> list[str | None]:
    """Texts with each character put through the table, without edits; None where that asks for a look at the text."""
    done: list[str | None] = [None] * len(texts)
    for chunk in _chunks(texts):
        new: Units = (table.narrow if chunk.width == 2 else table.put).take(chunk.units())
        begins = chunk.begins
        rare = _rare(table, chunk.texts, begins, np.flatnonzero(new == RARE))
        new[rare.at] = [ord(becomes) if len(becomes) == 1 else GONE for becomes in rare.becomes]
        long = [place for place, becomes in zip(rare.at, rare.becomes, strict=True) if len(becomes) > 1]
        out = set((np.searchsorted(begins, rare.asks + long, "right") - 1).tolist())
        gone = np.flatnonzero(new == GONE)
        if gone.size:
            new, begins = new[new != GONE], begins - np.searchsorted(gone, begins)
        whole = _decoder(chunk.width)(new.tobytes(), "surrogatepass")[0]
        for place, (index, (low, high)) in enumerate(zip(chunk.indices, pairwise(begins.tolist()), strict=True)):
            done[index] = None if place in out else whole[low : high - 1]
    return done


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Texts of one width, 2 or 4 bytes for each code point, that are looked up at once; and which texts they are."""

    width: int
    indices: list[int]
    texts: list[str]
    encoded: list[bytes]

    def units(self) -> Units:
        """One unit for each code point of the texts, joined."""
        between = BETWEEN.encode("utf-16-le" if self.width == 2 else "utf-32-le")
        return np.frombuffer(between.join(self.encoded), np.uint16 if self.width == 2 else np.uint32)

    @property
    def begins(self) -> Columns:
        """Where each text begins; one more than there are texts."""
        return np.fromiter(accumulate((len(text) + 1 for text in self.texts), initial=0), np.int32, len(self.texts) + 1)


def _chunks(texts: Sequence[str]) -> Iterator[_Chunk]:
    """All texts in chunks of about CHUNK code points; the few with emoji apart from the others, which are faster."""
    chunks = {2: _Chunk(2, [], [], []), 4: _Chunk(4, [], [], [])}
    sizes = {2: 0, 4: 0}
    for index, text in enumerate(texts):
        encoded = _encoded(text)
        width = 2 if len(encoded) == 2 * len(text) else 4
        if sizes[width] and sizes[width] + len(text) > CHUNK:
            yield chunks[width]
            chunks[width], sizes[width] = _Chunk(width, [], [], []), 0
        chunk = chunks[width]
        chunk.indices.append(index)
        chunk.texts.append(text)
        chunk.encoded.append(encoded)
        sizes[width] += len(text)
    yield from (chunk for chunk in chunks.values() if chunk.texts)


def _encoded(text: str) -> bytes:
    """UTF-16, or UTF-32 where that takes more than one unit for a code point; half a surrogate pair is kept."""
    try:
        narrow = codecs.utf_16_le_encode(text)[0]
    except UnicodeEncodeError:
        narrow = b""
    return narrow if len(narrow) == 2 * len(text) else codecs.utf_32_le_encode(text, "surrogatepass")[0]


def _map_chunk(table: Table, chunk: _Chunk) -> Mapped:
    texts, units, begins = chunk.texts, chunk.units(), chunk.begins
    new = (table.narrow if chunk.width == 2 else table.put).take(units)
    at = np.flatnonzero(new != units)
    if not at.size:
        return Mapped([AlignedText(text, text) for text in texts], [])
    put = new.take(at)
    length = (put != GONE).view(np.int8)
    rare = _rare(table, texts, begins, at[put == RARE])
    if rare.at:
        places = np.searchsorted(at, rare.at)
        length[places] = [len(becomes) for becomes in rare.becomes]
        new[rare.at] = [ord(becomes[0]) if becomes else GONE for becomes in rare.becomes]
        same = [place for place, is_same in zip(places.tolist(), rare.same, strict=True) if is_same]
        at, length = np.delete(at, same), np.delete(length, same)
    edits = _edits(at, length, begins)
    asking = np.unique(np.searchsorted(begins, rare.asks, "right") - 1).tolist()
    return Mapped(_parted(texts, _written(new, rare), edits), asking)


def _rare(table: Table, texts: Sequence[str], begins: Columns, at: Positions) -> _Rares:
    """What becomes of rare characters, one by one, in their places."""
    rares = _Rares([], [], [], [])
    index = np.searchsorted(begins, at, "right") - 1
    for whole, text, place in zip(
        at.tolist(), map(texts.__getitem__, index), (at - begins[index]).tolist(), strict=True
    ):
        character = text[place]
        found = table.rare[ord(character)]
        becomes = found.becomes
        if character == "\r" and text[place + 1 : place + 2] == "\n":
            becomes = ""  # one line end, not two
        stays = found.stays is not None and found.stays(text, place)
        becomes = character if stays else becomes
        if stays or found.asks:
            rares.asks.append(whole)
        rares.at.append(whole)
        rares.becomes.append(becomes)
        rares.same.append(becomes == character)
    return rares


def _decoder(width: int) -> Callable[[bytes | memoryview, str], tuple[str, int]]:
    return codecs.utf_16_le_decode if width == 2 else codecs.utf_32_le_decode


def _written(new: Units, rare: _Rares) -> Units:
    """The new units, with long replacements whole and without what is gone."""
    tails = [(place + 1, ord(c)) for place, becomes in zip(rare.at, rare.becomes, strict=True) for c in becomes[1:]]
    if tails:
        new = np.insert(new, [place for place, _ in tails], [unit for _, unit in tails])
    kept = new != GONE
    # The first is faster on long runs, the second on short ones.
    return new[kept] if 8 * np.count_nonzero(kept) > 7 * len(new) else np.compress(kept, new)


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
    width, decode = new.itemsize, _decoder(new.itemsize)
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
    characters, behind = [*map(chr, chain(*COMPOSING))], trailing()
    settled = [unicodedata.is_normalized("NFC", one) for one in characters]
    told = zip(characters, map(unicodedata.combining, characters), settled, strict=True)
    return "".join([one for one, combines, is_settled in told if combines or not is_settled or one in behind])


@cache
def trailing() -> frozenset[str]:
    """Characters that NFC may join to, or order after, the one before them."""
    characters = [*map(chr, chain(*COMPOSING))]
    after = {*compress(characters, map(unicodedata.combining, characters))}
    for decomposed in {*map(unicodedata.decomposition, characters)}:
        if decomposed and decomposed[0] != "<":
            after.update(chr(int(part, 16)) for part in decomposed.split()[1:])
    after.update(map(chr, (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))))  # Hangul vowels and finals
    return frozenset(after)
