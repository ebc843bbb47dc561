"""Texts of a batch as one array of code units, normalized and folded at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.text.aligned import AlignedText
from builder.text.edits import Columns
from builder.text.mapping.characters import decoder
from builder.text.mapping.units import EditsByText, Units, map_units, substitute_units
from builder.text.profiles import Profile, fold_table

LINE_END = 10
"""The code point behind each text."""

ASTRAL = 0xF0
"""The first byte, in UTF-8, of characters outside the Basic Multilingual Plane; it and larger ones are of nothing else."""

Numbers = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """Joined texts, each with a line end behind it, and where each begins (n + 1 values)."""

    units: Units
    begins: Columns

    def decoded(self, begin: int, end: int) -> str:
        """Return a range of the units as a string."""
        return decoder(self.units.itemsize)(self.units[begin:end].tobytes(), "surrogatepass")[0]

    def text(self, number: int) -> str:
        """Return one text."""
        return self.decoded(int(self.begins[number]), int(self.begins[number + 1]) - 1)

    def parts(self, size: int) -> Iterator["Texts"]:
        """Yield the texts in parts of about `size` code points."""
        cuts = np.searchsorted(self.begins, np.arange(0, int(self.begins[-1]), size))
        for low, high in pairwise(np.unique([*cuts.tolist(), len(self)]).tolist()):
            begins = self.begins[low : high + 1]
            yield Texts(self.units[begins[0] : begins[-1]], begins - begins[0])

    def __len__(self) -> int:
        return len(self.begins) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Some rows of a column, and their texts."""

    rows: Numbers
    texts: Texts


class _Lazy(dict[int, str]):
    """Single texts by number, decoded on first access."""

    def __init__(self, texts: Texts) -> None:
        super().__init__()
        self._texts = texts

    def __missing__(self, number: int) -> str:
        self[number] = self._texts.text(number)
        return self[number]


def joined(texts: Sequence[str]) -> Texts:
    """Join texts, each with a line end behind it; lone surrogates are kept.

    >>> joined(["خبر", ""]).begins.tolist()
    [0, 4, 5]
    """
    whole = "\n".join([*texts, ""])
    narrow = _encoded(whole, 2)
    units = narrow if len(narrow) == len(whole) else _encoded(whole, 4)
    return Texts(units, running(np.fromiter(map(len, texts), np.int32, len(texts)) + 1))


def _encoded(text: str, width: int) -> Units:
    """Return the code units of a text: two bytes each, as in UTF-16, or four, as in UTF-32."""
    name, kind = ("utf-16-le", np.uint16) if width == 2 else ("utf-32-le", np.uint32)
    return np.frombuffer(text.encode(name, "surrogatepass"), kind)


def in_chunks(column: pa.StringArray) -> Iterator[Chunk]:
    """Yield the rows of a column in at most two chunks.

    Rows with a character outside the Basic Multilingual Plane get a chunk of their own: the rest has two bytes for each
    code point, which is faster.
    """
    lengths = pc.utf8_length(column).to_numpy() + 1
    astral = _astral(column)
    for rows, width in ((np.flatnonzero(~astral), 2), (np.flatnonzero(astral), 4)):
        if rows.size:
            yield Chunk(rows, Texts(_units(_rows(column, rows), width), running(lengths[rows])))


def _astral(column: pa.StringArray) -> NDArray[np.bool_]:
    """Return whether each row has a character outside the Basic Multilingual Plane."""
    offsets = np.frombuffer(column.buffers()[1], np.int32)[column.offset : column.offset + len(column) + 1]
    data = np.frombuffer(column.buffers()[2] or b"", np.uint8)
    found = np.zeros(len(column), bool)
    at = np.flatnonzero(data[offsets[0] : offsets[-1]] >= ASTRAL) + offsets[0]
    found[np.searchsorted(offsets, at, "right") - 1] = True
    return found


def _rows(column: pa.StringArray, rows: Numbers) -> pa.StringArray:
    first, last = int(rows[0]), int(rows[-1])
    return column.slice(first, len(rows)) if last - first + 1 == len(rows) else column.take(pa.array(rows))


def _units(column: pa.StringArray, width: int) -> Units:
    """Return the joined texts of a column, each with a line end."""
    joined = pc.binary_join_element_wise(column, "", "\n")
    offsets = np.frombuffer(joined.buffers()[1], np.int32)[joined.offset : joined.offset + len(joined) + 1]
    return _encoded(str(memoryview(joined.buffers()[2])[int(offsets[0]) : int(offsets[-1])], "utf-8"), width)


@dataclass(frozen=True, slots=True, eq=False)
class Normalized:
    """Normalized texts and the edits that lead from the raw texts to them."""

    raw: Texts
    texts: Texts
    edits: EditsByText

    def aligned(self, number: int) -> AlignedText:
        """Return one text, aligned to its raw text."""
        return AlignedText(self.texts.text(number), self.raw.text(number), self.edits.of(number))


def normalized(profile: Profile, raw: Texts) -> Normalized:
    """Normalize texts by a profile; the few that need context rules are settled one by one."""
    made = map_units(profile.table, raw.units, raw.begins, _Lazy(raw))
    done = Normalized(raw, Texts(made.units, made.edits.begins), made.edits)
    slow: dict[int, AlignedText] = {}
    for number in made.asking:
        before = done.aligned(number)
        settled = profile.settled(before)
        if settled is not before:
            slow[number] = settled
    return _with_others(done, slow) if slow else done


def _with_others(made: Normalized, others: Mapping[int, AlignedText]) -> Normalized:
    """Return normalized texts with some of them replaced."""
    texts = spliced(made.texts, [*others], [other.text for other in others.values()])
    edits, counts = made.edits, np.diff(made.edits.cuts)
    pieces: list[Columns] = []
    done = 0
    for number, other in others.items():
        pieces += [edits.columns[:, done : edits.cuts[number]], other.edits.columns]
        done, counts[number] = int(edits.cuts[number + 1]), len(other.edits)
    columns = np.concatenate([*pieces, edits.columns[:, done:]], axis=1)
    return Normalized(made.raw, texts, EditsByText(columns, running(counts), texts.begins))


def folded_texts(profile: Profile, texts: Texts) -> Texts:
    """Fold texts, such as lines; the few that need context rules are folded one by one."""
    made = substitute_units(fold_table(), texts.units, texts.begins, _Lazy(texts))
    done = Texts(made.units, made.begins)
    if not made.unfinished:
        return done
    slow = profile.finish_folding([texts.text(number) for number in made.unfinished])
    return spliced(done, made.unfinished, slow)


def spliced(texts: Texts, numbers: Sequence[int], others: Sequence[str]) -> Texts:
    """Return the texts with some of them replaced."""
    lengths = np.diff(texts.begins)
    pieces: list[NDArray[Any]] = []
    done = 0
    for number, other in zip(numbers, others, strict=True):
        pieces += [texts.units[done : texts.begins[number]], _encoded(f"{other}\n", texts.units.itemsize)]
        done, lengths[number] = int(texts.begins[number + 1]), len(other) + 1
    return Texts(np.concatenate([*pieces, texts.units[done:]]), running(lengths))


def running(counts: Columns) -> Columns:
    """Return the running sum of counts, from 0 on."""
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
