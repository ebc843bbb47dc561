"""Columns of judgement tables: strings as numbers in the order of the alphabet, and lists flattened.

A judgement table has the Arrow schema of Judgement, one row for each judgement.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.io.lists import distinct
from builder.io.parquet import whole
from builder.records.arrow import arrow_schema

Ints = NDArray[np.int64]

Bools = NDArray[np.bool_]


PAIRS = 1_000_000
"""Pairs of overlapping spans that are held in memory at once, or those of one group if it has more."""


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """A column of strings: its different values in order, and the place of each row's value among them."""

    names: list[str]
    codes: Ints

    def among(self, names: list[str]) -> Ints:
        """Return the place of each row's value in a list of names, -1 where it is not in the list."""
        places = {name: place for place, name in enumerate(names)}
        return np.array([places.get(name, -1) for name in self.names], np.int64)[self.codes]

    def taken(self, rows: Ints) -> pa.Array:
        """Return the values of some rows."""
        return pa.array(self.names, pa.string()).take(pa.array(self.codes[rows]))


def coded(column: pa.Array | pa.ChunkedArray) -> Coded:
    """Return a column of strings as numbers.

    >>> coded(pa.array(["b", "a", "b"]))
    Coded(names=['a', 'b'], codes=array([1, 0, 1]))
    """
    found = distinct(column)
    return Coded(found.names.to_pylist(), found.codes)


def ints(column: pa.Array | pa.ChunkedArray) -> Ints:
    """Return a column of whole numbers without nulls."""
    return np.asarray(column.to_numpy(), np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """The items of a column of lists of structs, and the row that each belongs to."""

    row: Ints
    values: pa.StructArray

    def numbers(self, name: str) -> Ints:
        """Return a field of whole numbers."""
        return ints(self.values.field(name))

    def strings(self, name: str) -> Coded:
        """Return a field of strings."""
        return coded(self.values.field(name))


def items(table: pa.Table, name: str) -> Items:
    """Return the items of a table's column of lists."""
    column = whole(table.column(name))
    return Items(np.repeat(np.arange(len(column)), ints(pc.list_value_length(column))), column.flatten())


def of_articles(table: pa.Table, articles: Iterable[str]) -> pa.Table:
    """Return the rows of a table that belong to some articles."""
    return table.filter(pc.is_in(table["article_id"], pa.array(sorted(articles), pa.string())))


def listed(row: Ints, rows: int, values: pa.Array) -> pa.ListArray:
    """Return a column of lists from their items; `row`, ascending, is the row that each belongs to."""
    offsets = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=rows))])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)


def structs(record: type[Any], *fields: pa.Array) -> pa.StructArray:
    """Return a column of records of a type from those of its fields."""
    schema = arrow_schema(record)
    return pa.StructArray.from_arrays([pa.array(part, field.type) for part, field in zip(fields, schema, strict=True)],
                                      fields=list(schema))  # fmt: skip


def numbered(before: str, numbers: Ints) -> pa.Array:
    """Return whole numbers as strings that begin with a word.

    >>> numbered("s", np.array([0, 12])).to_pylist()
    ['s0', 's12']
    """
    return pc.binary_join_element_wise(pa.scalar(before), pa.array(numbers, pa.int64()).cast(pa.string()), "")


def same_as_above(*columns: Ints) -> Bools:
    """Return whether each row equals the one above it in all columns."""
    same = np.zeros(len(columns[0]), bool)
    if len(same):
        same[1:] = np.all([column[1:] == column[:-1] for column in columns], axis=0)
    return same


def overlapping(group: Ints, start: Ints, end: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Yield the pairs of rows of one group that overlap, as rows of the first and of the second; whole groups at once.

    The rows are sorted by group and start, and none is empty: what begins inside another overlaps it.
    """
    rows, size = len(group), int(end.max(initial=0)) + 1
    below = np.searchsorted(group * size + start, group * size + end, "left")
    counts = below - np.arange(rows) - 1
    done = np.concatenate([[0], np.cumsum(counts)])
    borders = np.append(np.flatnonzero(~same_as_above(group)), rows)
    first = 0
    while first < rows:
        far = np.searchsorted(done[borders], done[first] + PAIRS, "right") - 1
        last = int(borders[max(far, np.searchsorted(borders, first, "right"))])
        of = np.repeat(np.arange(first, last), counts[first:last])
        yield of, np.arange(done[first], done[last]) - done[of] + of + 1
        first = last
