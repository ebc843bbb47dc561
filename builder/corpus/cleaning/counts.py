"""Counts of what recurs at the edges of a source's pages: the evidence that a line is not article text.

`count_table` is the stage that reads pages: one row for each thing that a page shows at its edges, as a hash, with the
hash of the paragraph beside it. `merge` counts the different paragraphs of each thing, so that copies of a page, and
pages that begin alike, count once. No text is kept: the lines are the newspapers'.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import blake2b
from itertools import chain, pairwise
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from builder.corpus.cleaning.columns.lines import lines_of
from builder.corpus.cleaning.columns.shapes import shapes_of, shows_more
from builder.corpus.cleaning.edges import (
    END_MARKS,
    GRAM,
    LONG,
    Edges,
    edges,
    ends,
    fields,
    is_lone,
    label,
    mask,
    rest,
    suffix,
    suffixes,
)
from builder.corpus.versions import COUNT
from builder.executor.shards import BatchResult
from builder.executor.stage import Stage
from builder.io.hashing import sha16
from builder.records import EdgeCount, user_error
from builder.text.joined import Chunk, folded_texts, in_chunks
from builder.text.profiles import Profile, fold_table

Kind = Literal[
    "page", "head", "tail", "inside", "field", "label", "inside label", "part", "suffix", "inside suffix", "rest",
    "inside rest", "lone head", "lone tail",
]  # fmt: skip
"""What is counted of a source.

- `page`: its different pages.
- `head`, `tail`: a line above the first paragraph, or below the last; `inside`, the same line anywhere else.
- `field`: a part, between dashes or bars, of a line at an edge, or of the first words of the first paragraph.
- `label`: the words before the first colon of a line at an edge; `inside label`, those of any other line.
- `part`: most of the words of a line at an edge.
- `suffix`: the last words of the last paragraph; `rest`, the few behind its last sentence; `inside suffix` and `inside
  rest`, those of any other; only of paragraphs that do not end in a mark.
- `lone head`, `lone tail`: a page that has a line alone beside its first or last paragraph.
"""

Side = Literal["head", "tail"]

LOW = ("field", "lone head")
"""What the first paragraph shows; the rest is of the last."""

Hashes = NDArray[np.uint64]

FEWEST = 3
"""Fewest paragraphs beside which a thing must stand to be counted at all."""

PASS = 5_000_000
"""Rows that `merge` sorts at once, about 200 MB."""

SIGHTINGS = pa.schema({"key": pa.uint64(), "beside": pa.uint64()})
"""The columns of what pages show: the hash of a thing, and of the paragraph beside it."""


def key(source: str, kind: Kind, text: str) -> int:
    """Return the 64-bit hash of a thing of a source."""
    return int.from_bytes(_hash(_of_kind(source, kind), text), "big")


@lru_cache(maxsize=4096)
def _of_kind(source: str, kind: Kind) -> blake2b:
    """Return the begun hash of all things of one kind of a source."""
    return blake2b(f"{source}\0{kind}\0".encode("utf-8", "surrogatepass"), digest_size=8)


def _hash(begun: blake2b, text: str) -> bytes:
    whole = begun.copy()
    whole.update(text.encode("utf-8", "surrogatepass"))
    return whole.digest()


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
        place = int(self.keys.searchsorted(np.uint64(wanted)))
        return int(self.numbers[place]) if place < len(self.keys) and int(self.keys[place]) == wanted else 0

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


def sightings(source: str, folded: Sequence[str]) -> Iterator[tuple[bytes, bytes]]:
    """Yield the hash of each thing that a page shows, and of the paragraph beside it, or of the page where there is none."""
    yield (first := _page_itself(source, "\n".join(folded)))
    of_page, whole = _of_kind("", "page"), first[1]
    if folded:
        page, count = edges(folded), len(folded)
        low = _hash(of_page, folded[page.first]) if page.first < count else whole
        high = low if page.last == page.first else _hash(of_page, folded[page.last]) if page.last >= 0 else whole
        for i, line in enumerate(folded):
            side: Side | None = "head" if i in page.head else "tail" if i in page.tail else None
            if side is None and len(line) > LONG and ":" not in line[:LONG]:
                continue  # what most lines are
            beside = low if side == "head" else high if side or i == count - 1 else whole
            for kind, text in _of_line(line, side) if side else _of_inner_line(line, is_last=0 < i == count - 1):
                yield _hash(_of_kind(source, kind), text), beside
            if i in page.tail and side == "head":
                yield _hash(_of_kind(source, "tail"), mask(line)), high
        for kind, text in _of_paragraphs(folded, page):
            beside = low if kind in LOW else whole if kind.startswith("inside") else high
            yield _hash(_of_kind(source, kind), text), beside


def _page_itself(source: str, folded: str) -> tuple[bytes, bytes]:
    """Return the sighting of a page itself, given its lines."""
    return _of_kind(source, "page").digest(), _hash(_of_kind("", "page"), folded)


def _of_line(line: str, side: Side) -> Iterator[tuple[Kind, str]]:
    """Yield what a line at an edge shows: itself, its fields, most of its words and its label."""
    masked = mask(line)
    yield side, masked
    for part in fields(line):
        yield "field", part
    for part in ends(masked):
        yield "part", part
    if ":" in line and (name := label(line)):
        yield "label", name


def _of_inner_line(line: str, *, is_last: bool) -> Iterator[tuple[Kind, str]]:
    """Yield what any other line shows: itself, if it is short, and its label."""
    if len(line) <= LONG:
        yield "inside", mask(line)
    if ":" in line and (name := label(line)):
        yield "label" if is_last else "inside label", name


def _of_paragraphs(folded: Sequence[str], page: Edges) -> Iterator[tuple[Kind, str]]:
    """Yield what the paragraphs of a page show: signatures, last words, and lines that stand alone beside them."""
    if page.last < 0:
        return
    for part in fields(folded[page.first][: LONG + 1].partition(":")[0]):
        yield "field", part
    for i in range(page.first, page.last):
        if page.prose[i] and folded[i][-1] not in END_MARKS:
            yield from _of_ending("inside ", folded[i], suffix(folded[i], GRAM[0]))
    if folded[page.last][-1] not in END_MARKS:
        yield from _of_ending("", folded[page.last], *suffixes(folded[page.last]))
    if is_lone(folded, page, 0):
        yield "lone head", ""
    if is_lone(folded, page, len(folded) - 1):
        yield "lone tail", ""


def _of_ending(place: str, paragraph: str, *last: str) -> Iterator[tuple[Kind, str]]:
    """Yield the last words of a paragraph, and the few behind its last sentence."""
    for words in filter(None, last):
        yield "inside suffix" if place else "suffix", words
    if start := rest(paragraph):
        yield "inside rest" if place else "rest", mask(paragraph[start:])


def count_table(documents: pa.Table, config: Profile) -> BatchResult:
    """Return what the pages of a table show at their edges, each once."""
    sources = documents["source"].to_pylist()
    chunks = in_chunks(documents["raw"].combine_chunks())
    seen = chain.from_iterable(
        _of_chunk(chunk, [sources[row] for row in chunk.rows.tolist()], config) for chunk in chunks
    )
    hashes = np.frombuffer(b"".join(chain.from_iterable(seen)), ">u8").astype(np.uint64)
    rows = _distinct(hashes.reshape(-1, 2))
    return BatchResult(pa.table([pa.array(rows[:, 0]), pa.array(rows[:, 1])], schema=SIGHTINGS))


def _of_chunk(chunk: Chunk, sources: Sequence[str], profile: Profile) -> Iterator[tuple[bytes, bytes]]:
    """Yield the sightings of some pages; most pages show nothing but themselves."""
    lines = lines_of(folded_texts(profile, chunk.texts), fold_table())
    more = shows_more(lines, shapes_of(lines.texts)).tolist()
    whole, bounds = lines.texts.decoded(0, len(lines.texts.units)), lines.texts.begins[lines.cuts].tolist()
    for source, (begin, end), has_more in zip(sources, pairwise(bounds), more, strict=True):
        page = whole[begin : max(begin, end - 1)]
        yield from sightings(source, page.split("\n")) if has_more else (_page_itself(source, page),)


def _distinct(rows: Hashes) -> Hashes:
    """Return each row once, sorted."""
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    fresh = np.ones(len(rows), bool)
    fresh[1:] = (rows[1:] != rows[:-1]).any(axis=1)
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
    found: list[Hashes] = [np.zeros((0, 2), np.uint64)]
    for table in tables:
        rows: Hashes = np.stack([table["key"].to_numpy(), table["beside"].to_numpy()], axis=1)
        found.append(rows[rows[:, 0] % np.uint64(passes) == number] if passes > 1 else rows)
    return np.concatenate(found)


def _counted(rows: Hashes) -> tuple[Hashes, NDArray[np.int64]]:
    keys, numbers = np.unique(_distinct(rows)[:, 0], return_counts=True)
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


STAGE = Stage("count", COUNT, count_table, "documents", "sightings", SIGHTINGS, ("raw", "source"), "none")
"""What the pages of each shard show at their edges."""
