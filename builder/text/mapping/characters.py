"""Vectorised character mapping over many texts, with edits.

A table maps each character. The few characters whose mapping depends on a neighbour are resolved one by
one. Texts are joined, looked up with numpy as UTF-16 (as UTF-32 if any character is outside the Basic
Multilingual Plane), and split again.
"""

import codecs
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np

from builder.text.aligned import AlignedText
from builder.text.edits import NO_EDITS, Columns, Edits
from builder.text.mapping.tables import SEPARATOR, Table
from builder.text.mapping.units import EditsByText, Units, map_units, substitute_units

CHUNK = 128_000
"""Code points looked up at once. This fits the processor's cache; larger chunks are slower."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """Texts after one pass of a table, and the indices of those that need context rules (`asking`)."""

    texts: list[AlignedText]
    asking: list[int]


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
        made = substitute_units(table, chunk.units(), chunk.begins, chunk.texts)
        unfinished = {*made.unfinished}
        whole = decoder(chunk.width)(made.units.tobytes(), "surrogatepass")[0]
        for number, (index, (low, high)) in enumerate(zip(chunk.indices, pairwise(made.begins.tolist()), strict=True)):
            done[index] = None if number in unfinished else whole[low : high - 1]
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
    done = map_units(table, chunk.units(), chunk.begins, chunk.texts)
    return Mapped(_parted(chunk.texts, done.units, done.edits), done.asking)


def decoder(width: int) -> Callable[[bytes | memoryview, str], tuple[str, int]]:
    """Return the decoder of code units of this width."""
    return codecs.utf_16_le_decode if width == 2 else codecs.utf_32_le_decode


def _parted(texts: Sequence[str], new: Units, edits: EditsByText) -> list[AlignedText]:
    """Split the new units back into texts, each with its edits."""
    units = memoryview(new.tobytes())
    width, decode = new.itemsize, decoder(new.itemsize)
    aligned: list[AlignedText] = []
    cuts, begins = edits.cuts.tolist(), edits.begins.tolist()
    for index, text in enumerate(texts):
        first, last = cuts[index], cuts[index + 1]
        if first == last:
            aligned.append(AlignedText(text, text, NO_EDITS))
        else:
            begin, end = begins[index] * width, (begins[index + 1] - 1) * width
            put = decode(units[begin:end], "surrogatepass")[0]
            aligned.append(AlignedText(put, text, Edits(edits.columns[:, first:last])))
    return aligned
