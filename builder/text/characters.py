"""Vectorised character mapping over many texts, with edits.

A table maps each character. The few characters whose mapping depends on a neighbour are resolved one by
one. Texts are joined, looked up with numpy as UTF-16 (as UTF-32 if any character is outside the Basic
Multilingual Plane), and split again.
"""

import codecs
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from builder.text.aligned import AlignedText
from builder.text.contexts import unsettled
from builder.text.edits import NO_EDITS, Columns, Edits

CHUNK = 128_000
"""Code points looked up at once. This fits the processor's cache; larger chunks are slower."""

SEPARATOR = " "
"""Separator between joined texts. No rule looks past it, and no table may change it."""


Positions = NDArray[np.intp]

Units = NDArray[Any]
"""Texts as UTF-16 or UTF-32 code units, one per code point."""

StaysTest = Callable[[str, int], bool]

DELETED, RARE = 0xFFFF, 0xFFFE
"""Noncharacters used as markers of deleted and rare characters. Every table deletes them from input."""


@dataclass(frozen=True, slots=True)
class Rare:
    """A character that is not mapped one to one.

    It maps to none or several characters, its mapping depends on its context (`stays`), or its text must be
    checked afterwards (`asks`).
    """

    becomes: str
    asks: bool
    stays: StaysTest | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A mapping of each code point to another, to itself, to GONE (deleted) or to RARE (resolved one by one)."""

    put: NDArray[np.uint32]
    narrow: NDArray[np.uint16]
    """The part of `put` for the Basic Multilingual Plane."""
    rare: Mapping[int, Rare]


@dataclass(frozen=True, slots=True)
class Mapped:
    """Texts after one pass of a table, and the indices of those that need context rules (`asking`)."""

    texts: list[AlignedText]
    asking: list[int]


@dataclass(frozen=True, slots=True)
class _ByText:
    """The edits of many texts, with the first edit (`cuts`) and first new unit (`begins`) of each (n + 1 values)."""

    columns: Columns
    cuts: Sequence[int]
    begins: Sequence[int]


@dataclass(frozen=True, slots=True)
class _Rares:
    """Positions of rare characters, their replacements, whether those are unchanged, and positions needing context."""

    at: list[int]
    becomes: list[str]
    same: list[bool]
    asks: list[int]


def compile_table(changes: Mapping[str, str], stays: Mapping[str, StaysTest]) -> Table:
    """Compile a table from character replacements and from predicates for characters that stay in some contexts.

    Raises ValueError if the space, which separates joined texts, would change.
    """
    if SEPARATOR in changes:
        raise ValueError("a table may not change the space")
    put = np.arange(sys.maxunicode + 1, dtype=np.uint32)
    rare = {ord(character): Rare(character, asks=True) for character in unsettled()}
    for character, becomes in {**changes, chr(DELETED): ""}.items():
        asks = any(ord(c) in rare or c in stays for c in becomes)
        put[ord(character)] = ord(becomes) if len(becomes) == 1 else DELETED
        if asks or character in stays or len(becomes) > 1 or character in ("\r", chr(DELETED)):
            rare[ord(character)] = Rare(becomes, asks, stays.get(character))
        else:
            rare.pop(ord(character), None)
    put[list(rare)] = RARE
    return Table(put, put[: DELETED + 1].astype(np.uint16), rare)


def map_characters(table: Table, texts: Sequence[str]) -> Mapped:
    """Map every text through the table and return the texts with their edits."""
    mapped: dict[int, AlignedText] = {}
    asking: list[int] = []
    for chunk in _chunks(texts):
        done = _map_chunk(table, chunk)
        mapped.update(zip(chunk.indices, done.texts, strict=True))
        asking += [chunk.indices[index] for index in done.asking]
    return Mapped([mapped[index] for index in range(len(texts))], sorted(asking))


def substitute(table: Table, texts: Sequence[str]) -> list[str | None]:
    """Map every text through the table without edits; a text that needs context rules is None."""
    done: list[str | None] = [None] * len(texts)
    for chunk in _chunks(texts):
        new: Units = (table.narrow if chunk.width == 2 else table.put).take(chunk.units())
        begins = chunk.begins
        rare = _rare(table, chunk.texts, begins, np.flatnonzero(new == RARE))
        new[rare.at] = [ord(becomes) if len(becomes) == 1 else DELETED for becomes in rare.becomes]
        long = [position for position, becomes in zip(rare.at, rare.becomes, strict=True) if len(becomes) > 1]
        skipped = set((np.searchsorted(begins, rare.asks + long, "right") - 1).tolist())
        deleted = np.flatnonzero(new == DELETED)
        if deleted.size:
            new, begins = new[new != DELETED], begins - np.searchsorted(deleted, begins)
        whole = _decoder(chunk.width)(new.tobytes(), "surrogatepass")[0]
        for number, (index, (low, high)) in enumerate(zip(chunk.indices, pairwise(begins.tolist()), strict=True)):
            done[index] = None if number in skipped else whole[low : high - 1]
    return done


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Texts of one width (2 or 4 bytes per code point) that are looked up at once, with their indices."""

    width: int
    indices: list[int]
    texts: list[str]
    encoded: list[bytes]

    def units(self) -> Units:
        """Return the joined texts as one unit per code point."""
        between = SEPARATOR.encode("utf-16-le" if self.width == 2 else "utf-32-le")
        return np.frombuffer(between.join(self.encoded), np.uint16 if self.width == 2 else np.uint32)

    @property
    def begins(self) -> Columns:
        """Return the start of each text in the joined units, plus a final sentinel (n + 1 values)."""
        return np.fromiter(accumulate((len(text) + 1 for text in self.texts), initial=0), np.int32, len(self.texts) + 1)


def _chunks(texts: Sequence[str]) -> Iterator[_Chunk]:
    """Yield all texts in chunks of about CHUNK code points.

    Texts outside the Basic Multilingual Plane, such as those with emoji, get chunks of their own: the rest is
    then looked up as UTF-16, which is faster.
    """
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
    """Encode a text as UTF-16, or as UTF-32 if UTF-16 needs surrogate pairs. Lone surrogates are kept."""
    try:
        narrow = codecs.utf_16_le_encode(text)[0]
    except UnicodeEncodeError:
        narrow = b""
    return narrow if len(narrow) == 2 * len(text) else codecs.utf_32_le_encode(text, "surrogatepass")[0]


def _map_chunk(table: Table, chunk: _Chunk) -> Mapped:
    """Map the texts of one chunk through the table."""
    texts, units, begins = chunk.texts, chunk.units(), chunk.begins
    new = (table.narrow if chunk.width == 2 else table.put).take(units)
    at = np.flatnonzero(new != units)
    if not at.size:
        return Mapped([AlignedText(text, text) for text in texts], [])
    put = new.take(at)
    length = (put != DELETED).view(np.int8)
    rare = _rare(table, texts, begins, at[put == RARE])
    if rare.at:
        indices = np.searchsorted(at, rare.at)
        length[indices] = [len(becomes) for becomes in rare.becomes]
        new[rare.at] = [ord(becomes[0]) if becomes else DELETED for becomes in rare.becomes]
        same = [index for index, is_same in zip(indices.tolist(), rare.same, strict=True) if is_same]
        at, length = np.delete(at, same), np.delete(length, same)
    edits = _edits(at, length, begins)
    asking = np.unique(np.searchsorted(begins, rare.asks, "right") - 1).tolist()
    return Mapped(_parted(texts, _written(new, rare), edits), asking)


def _rare(table: Table, texts: Sequence[str], begins: Columns, at: Positions) -> _Rares:
    """Resolve rare characters one by one, each in its context."""
    rares = _Rares([], [], [], [])
    index = np.searchsorted(begins, at, "right") - 1
    for joined_position, text, position in zip(
        at.tolist(), map(texts.__getitem__, index), (at - begins[index]).tolist(), strict=True
    ):
        character = text[position]
        rare = table.rare[ord(character)]
        becomes = rare.becomes
        if character == "\r" and text[position + 1 : position + 2] == "\n":
            becomes = ""  # CRLF is one line end, not two
        stays = rare.stays is not None and rare.stays(text, position)
        becomes = character if stays else becomes
        if stays or rare.asks:
            rares.asks.append(joined_position)
        rares.at.append(joined_position)
        rares.becomes.append(becomes)
        rares.same.append(becomes == character)
    return rares


def _decoder(width: int) -> Callable[[bytes | memoryview, str], tuple[str, int]]:
    return codecs.utf_16_le_decode if width == 2 else codecs.utf_32_le_decode


def _written(new: Units, rare: _Rares) -> Units:
    """Insert the rest of replacements longer than one character, and remove deleted units."""
    tails = [
        (position + 1, ord(c)) for position, becomes in zip(rare.at, rare.becomes, strict=True) for c in becomes[1:]
    ]
    if tails:
        new = np.insert(new, [position for position, _ in tails], [unit for _, unit in tails])
    kept = new != DELETED
    # Boolean indexing is faster on long runs, np.compress on short ones.
    return new[kept] if 8 * np.count_nonzero(kept) > 7 * len(new) else np.compress(kept, new)


def _edits(at: Positions, length: NDArray[np.int8], begins: Columns) -> _ByText:
    """Return the edits of single characters at these positions, grouped by text."""
    shifts = np.zeros(len(at) + 1, np.int32)
    np.cumsum(length - np.int8(1), dtype=np.int32, out=shifts[1:])
    new_begins = begins + shifts.take(np.searchsorted(at, begins))
    positions: Columns = at.astype(np.int32)
    before: Columns = shifts[:-1]
    raw_length: Columns = np.ones(len(positions), np.int32)
    deleted = length == 0
    joins = deleted[1:] & deleted[:-1] & (positions[1:] - positions[:-1] == 1)
    if joins.any():  # merge adjacent deletions into one edit
        first = np.flatnonzero(np.append(True, ~joins))
        raw_length = np.diff(np.append(first, len(positions))).astype(np.int32)
        positions, before, length = positions.take(first), before.take(first), length.take(first)
    cuts = np.searchsorted(positions, begins)
    counts = np.diff(cuts)
    edits = np.empty((4, len(positions)), np.int32)
    np.subtract(positions, np.repeat(begins[:-1], counts), out=edits[0])
    np.add(edits[0], raw_length, out=edits[1])
    np.subtract(positions + before, np.repeat(new_begins[:-1], counts), out=edits[2])
    np.add(edits[2], length, out=edits[3])
    return _ByText(edits, cuts.tolist(), new_begins.tolist())


def _parted(texts: Sequence[str], new: Units, edits: _ByText) -> list[AlignedText]:
    """Split the new units back into texts, each with its edits."""
    units = memoryview(new.tobytes())
    width, decode = new.itemsize, _decoder(new.itemsize)
    aligned: list[AlignedText] = []
    for index, text in enumerate(texts):
        first, last = edits.cuts[index], edits.cuts[index + 1]
        if first == last:
            aligned.append(AlignedText(text, text, NO_EDITS))
        else:
            begin, end = edits.begins[index] * width, (edits.begins[index + 1] - 1) * width
            put = decode(units[begin:end], "surrogatepass")[0]
            aligned.append(AlignedText(put, text, Edits(edits.columns[:, first:last])))
    return aligned
