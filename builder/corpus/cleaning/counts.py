"""Counts of what recurs at the edges of a source's pages: the evidence that a line is not article text.

`count_table` is the stage that reads pages: one row for each thing that a page shows at its edges, as a hash, with the
hash of the paragraph beside it. `merge` counts the different paragraphs of each thing, so that copies of a page, and
pages that begin alike, count once. No text is kept: the lines are the newspapers'.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from builder.corpus.cleaning.columns.sightings import sightings
from builder.corpus.versions import SIGHTINGS as VERSION
from builder.executor.shards import BatchResult
from builder.executor.stage import Stage
from builder.io.hashing import sha16
from builder.records import EdgeCount, user_error
from builder.text.joined import in_chunks
from builder.text.profiles import Profile

Hashes = NDArray[np.uint64]

_NONE: Hashes = np.zeros((0, 2), np.uint64)

FEWEST = 3
"""Fewest paragraphs beside which a thing must stand to be counted at all."""

SPARSE = 8
"""Slots of the bitmap of keys' first bits for each key. A larger one rules out more absent keys."""

PASS = 5_000_000
"""Rows that `merge` sorts at once, about 200 MB."""

NEAR = 20
"""Bits of a key's beginning. `merge` leaves out keys whose beginning no key with FEWEST rows has."""

MIX = np.uint64(0x9E3779B97F4A7C15)
"""An odd number, by which rows of two hashes become one."""

SIGHTINGS = pa.schema({"key": pa.uint64(), "beside": pa.uint64()})
"""The columns of what pages show: the hash of a thing, and of the paragraph beside it."""


@dataclass(frozen=True)
class Counts:
    """The number of different paragraphs beside which each thing stands; `keys` are sorted."""

    profile: str
    """The profile whose folded lines were counted."""
    keys: Hashes
    numbers: NDArray[np.int64]
    is_asked: bool = True
    """Whether cleaning asks for evidence at all; khabar 0.1 took every page for a dump, and its batches stay as they are."""

    def of(self, wanted: int) -> int:
        """Return the count of a key: 0, or FEWEST and more."""
        near, shift = self._near
        if not near[wanted >> shift]:
            return 0
        place = bisect_left(self.keys.data, wanted)
        return int(self.numbers[place]) if place < len(self.keys) and self.keys.data[place] == wanted else 0

    @cached_property
    def _near(self) -> tuple[bytes, int]:
        """Whether any key begins with each number of some bits, and how many bits stand behind these."""
        bits = (SPARSE * len(self.keys)).bit_length()
        shift = 64 - bits
        near = np.zeros(1 << bits, bool)
        near[self.keys >> np.uint64(shift) if bits else self.keys] = True
        return near.tobytes(), shift

    def __getstate__(self) -> dict[str, object]:
        """Return the fields alone: each job of a stage is sent with its counts."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @cached_property
    def digest(self) -> str:
        """The hash of the counts (16 hex digits), or nothing where there are none."""
        return (
            sha16(f"{self.profile}\n{self.keys.tobytes().hex()}\n{self.numbers.tobytes().hex()}")
            if len(self.keys)
            else ""
        )

    def only(self, wanted: Iterable[int]) -> "Counts":
        """Return the counts of some keys."""
        kept = np.isin(self.keys, np.fromiter(wanted, np.uint64))
        return Counts(self.profile, self.keys[kept], self.numbers[kept])


def no_counts(profile: str = "") -> Counts:
    """Return the counts of a project of few pages."""
    return Counts(profile, np.zeros(0, np.uint64), np.zeros(0, np.int64))


def count_table(documents: pa.Table, config: Profile) -> BatchResult:
    """Return what the pages of a table show at their edges, each once."""
    sources = documents["source"].to_pylist()
    chunks = in_chunks(documents["raw"].combine_chunks())
    seen = [sightings(chunk, [sources[row] for row in chunk.rows.tolist()], config) for chunk in chunks]
    rows = _distinct(np.concatenate([_NONE, *(np.stack([one.keys, one.beside], axis=1) for one in seen)]))
    return BatchResult(pa.table([pa.array(rows[:, 0]), pa.array(rows[:, 1])], schema=SIGHTINGS))


def _distinct(rows: Hashes) -> Hashes:
    """Return each row once, by a hash of both columns: one number is sorted several times as fast as two."""
    rows = rows[(rows[:, 0] + rows[:, 1] * MIX).argsort()]
    fresh = np.ones(len(rows), bool)
    fresh[1:] = (rows[1:, 0] != rows[:-1, 0]) | (rows[1:, 1] != rows[:-1, 1])
    kept: Hashes = rows[fresh]
    return kept


def merge(profile: str, rows: int, read: Callable[[], Iterator[pa.Table]]) -> Counts:
    """Count the different paragraphs of each thing in tables of SIGHTINGS, which are read again for each pass.

    A pass takes the keys of one remainder, so that no more than about PASS of the `rows` are in memory.
    """
    passes = rows // PASS + 1
    parts = [_counted(_of_pass(read(), passes, number)) for number in range(passes)]
    keys, numbers = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = keys.argsort()
    return Counts(profile, keys[order], numbers[order])


def _of_pass(tables: Iterator[pa.Table], passes: int, number: int) -> Hashes:
    found = [_NONE]
    for table in tables:
        rows: Hashes = np.stack([table["key"].to_numpy(), table["beside"].to_numpy()], axis=1)
        found.append(rows[rows[:, 0] % np.uint64(passes) == number] if passes > 1 else rows)
    return np.concatenate(found)


def _counted(rows: Hashes) -> tuple[Hashes, NDArray[np.int64]]:
    """Return the keys that stand beside FEWEST paragraphs or more. Most stand in fewer rows, and are left out at once."""
    first, ordered = np.uint64(64 - NEAR), np.sort(rows[:, 0])
    low, high = ordered[: len(ordered) - FEWEST + 1], ordered[FEWEST - 1 :]
    near = np.zeros(1 << NEAR, bool)
    near[low[low == high] >> first] = True
    some = _distinct(rows[near[rows[:, 0] >> first]])
    keys, numbers = np.unique(some[:, 0], return_counts=True)
    return keys[numbers >= FEWEST], numbers[numbers >= FEWEST]


def union(first: Counts, second: Counts) -> Counts:
    """Return the counts of both; a key that both have keeps the larger count, as both may be of the same pages."""
    keys = np.union1d(first.keys, second.keys)
    numbers = np.zeros(len(keys), np.int64)
    for counts in (first, second):
        places = keys.searchsorted(counts.keys)
        numbers[places] = np.maximum(numbers[places], counts.numbers)
    return Counts(first.profile or second.profile, keys, numbers)


def as_records(counts: Counts) -> list[EdgeCount]:
    """Return counts as records, sorted by key."""
    rows = zip(counts.keys.tolist(), counts.numbers.tolist(), strict=True)
    return [EdgeCount(f"{name:016x}", number, counts.profile) for name, number in rows]


def from_records(records: Sequence[EdgeCount], profile: str, where: str) -> Counts:
    """Return counts from records.

    Raises KhabarError (exit code 2) if they were counted with another profile, or a key is no hash.
    """
    others = sorted({record.profile for record in records} - {profile})
    if others:
        raise user_error(
            "other-profile", f"these counts are of pages normalized with {', '.join(others)}, and this project's profile is "
            f"{profile}", where=where, fix="use counts of a project with the same profile, or count again with "
            "`khabar clean --recount`")  # fmt: skip
    broken = [
        record.key
        for record in records
        if not re.fullmatch("[0-9a-f]{16}", record.key) or not 1 <= record.pages < 1 << 62
    ]
    if broken:
        raise user_error("broken-counts", f"{len(broken)} lines are no counts, such as {broken[0][:40]!r}", where=where,
                         fix="restore the file from git, or run `khabar clean --recount`")  # fmt: skip
    rows = sorted({int(record.key, 16): record.pages for record in records}.items())
    keys = np.array([name for name, _ in rows], np.uint64)
    return Counts(profile, keys, np.array([number for _, number in rows], np.int64))


STAGE = Stage("count", VERSION, count_table, "documents", "sightings", SIGHTINGS, ("raw", "source"), "none",
              ("id", "raw", "source"))  # fmt: skip
"""What the pages of each shard show at their edges."""
