"""Deduplicate newly read documents by id, and append them to the corpus shards.

Pieces are read in parallel into a folder of their own. Once all are read, repeats are set aside in the order of the
plan and the other documents are published shard by shard. After an interruption, the same call resumes. Of pages with one
address, the latest counts.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from builder.corpus.readers.dates.unread import merge_warnings
from builder.corpus.readers.documents import merged, read, require_documents
from builder.corpus.readers.sources import InputPiece
from builder.corpus.sampling.hashing import hash_strings
from builder.corpus.sampling.page_filters import REFETCHED
from builder.executor import storage
from builder.executor.markers import Shard, ShardResult, finished_shards
from builder.executor.pmap import Pmap
from builder.executor.shards import BatchResult, write_shard
from builder.executor.stage import ShardCallback
from builder.io.parquet import to_table
from builder.io.remote import is_remote, open_file
from builder.records import Document, Dropped, Issue, KhabarError
from builder.records.arrow import arrow_schema

EXTRA, MOST_NAMES = "extra: ", 200
"""Prefix of the counts of fields that no column holds, and the most names of such fields in one batch."""

AGAIN, TWICE = "already ingested", "same text twice"

Ids = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class IngestResult:
    """Result of an ingest.

    `taken` counts files and records, `kept` the new documents among them, and `again` the documents of pieces that an
    earlier call read; those are not listed in `set_aside`.
    """

    taken: int
    kept: int
    again: int
    set_aside: tuple[Dropped, ...]
    issues: tuple[Issue, ...]
    extra: Mapping[str, int]
    """Documents with each field that no column holds."""


def ingest_pieces(pieces: Sequence[InputPiece], folder: str, pmap: Pmap, watch: ShardCallback) -> IngestResult:
    """Read pieces into the shards of `folder`/documents, and skip pieces that are there already.

    Raises KhabarError (exit code 2) with the fault of each record if nothing could be read.
    """
    incoming, documents = f"{folder}/incoming", f"{folder}/documents"
    names = {piece.name for piece in pieces}
    read = {done.shard.name: done for done in finished_shards(incoming) if done.shard.name in names}
    stored = {done.shard.name: done for done in finished_shards(documents) if done.shard.name not in read}
    missing = [piece for piece in pieces if piece.name not in stored and piece.name not in read]
    for done in pmap(partial(_read, folder=incoming), missing):
        read[done.shard.name] = done
        watch(done, False)
    fresh = [read[piece.name] for piece in pieces if piece.name in read]
    if not any(done.rows for done in fresh):
        try:
            require_documents(sum(done.rows for done in stored.values() if done.shard.name in names), _issues(fresh))
        except KhabarError:
            _clear(incoming)
            raise
    jobs = [*zip(fresh, _repeats(fresh, [*stored.values()]), strict=True)]
    published = {done.shard.name: done for done in pmap(partial(_settle, folder=documents), jobs)}
    _clear(incoming)
    earlier = [stored[piece.name] for piece in pieces if piece.name in stored]
    for done in earlier:
        watch(done, True)
    results = [published.get(piece.name) or stored[piece.name] for piece in pieces]
    return IngestResult(
        sum(done.taken for done in results),
        sum(done.rows for done in published.values()),
        sum(done.rows for done in earlier),
        tuple(aside for done in results for aside in done.set_aside),
        merged(_issues(results)),
        _totals(results),
    )


def _read(piece: InputPiece, folder: str) -> ShardResult:
    """Read one piece into a shard of `folder`, repeats included."""
    batches = (
        BatchResult(
            to_table(part.documents, Document),
            {**part.counts, **_extra(part.documents)},
            tuple(part.set_aside),
            tuple(part.issues),
        )
        for part in read(piece)
    )
    return write_shard(folder, piece.name, piece.digest, arrow_schema(Document), batches)


def _extra(documents: Sequence[Document]) -> Mapping[str, int]:
    """Count the fields that are kept under `extra`; those after the first MOST_NAMES of a batch are one count."""
    names = Counter(name for document in documents for name in document.facts.extra)
    counts = Counter({f"{EXTRA}{name}": number for name, number in names.most_common(MOST_NAMES)})
    others = names.total() - counts.total()
    return counts + Counter({f"{EXTRA}…": others})


def _repeats(fresh: Sequence[ShardResult], stored: Sequence[ShardResult]) -> Iterator[dict[int, tuple[str, str]]]:
    """Yield, for each fresh shard, its repeated rows with the reason and the origin of the first copy."""
    old, new = [_ids(done.shard) for done in stored], [_ids(done.shard) for done in fresh]
    ids = np.concatenate([*old, *new]) if old or new else np.empty(0, np.uint64)
    _, firsts, which = np.unique(ids, return_index=True, return_inverse=True)
    first = firsts[which] if len(ids) else which
    known = sum(map(len, old))
    is_copy = first != np.arange(len(ids))
    latest = latest_pages([*stored, *fresh], is_copy)
    is_older = ~is_copy & (latest != np.arange(len(ids)))
    origins = _origins([*stored, *fresh], np.unique([*first[is_copy], *latest[is_older]]))
    begin = known
    for shard_ids in new:
        rows = np.arange(begin, begin + len(shard_ids))
        copies = {
            row - begin: (AGAIN, origins[copy]) if copy < known else (TWICE, f"first at {origins[copy]}")
            for row, copy in zip(rows[is_copy[rows]].tolist(), first[rows][is_copy[rows]].tolist(), strict=True)
        }
        older = rows[is_older[rows]]
        refetched = {
            row - begin: (REFETCHED, f"later at {origins[page]}")
            for row, page in zip(older.tolist(), latest[older].tolist(), strict=True)
        }
        yield copies | refetched
        begin += len(shard_ids)


def latest_pages(shards: Sequence[ShardResult], is_copy: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return, for each row of all shards, the row of the latest page with its address, or the row itself.

    Copies are left out, and so are rows that are no pages. Of pages fetched at one time or at no known time, the last counts.
    """
    latest = np.arange(len(is_copy))
    pages = _pages(shards, is_copy)
    order = np.lexsort((pages.rows, pages.moments, pages.urls))
    ends = np.searchsorted(pages.urls[order], pages.urls, side="right") - 1
    latest[pages.rows] = pages.rows[order][ends]
    return latest


@dataclass(frozen=True, slots=True, eq=False)
class _Pages:
    """The row of each page that has an address, the hash of the address, and when it was fetched."""

    rows: NDArray[np.int64]
    urls: Ids
    moments: NDArray[np.bytes_]


def _pages(shards: Sequence[ShardResult], is_copy: NDArray[np.bool_]) -> _Pages:
    """Return the pages that have an address, without copies."""
    rows: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    urls: list[Ids] = [np.empty(0, np.uint64)]
    moments: list[NDArray[np.bytes_]] = [np.empty(0, "S20")]
    begin = 0
    for done in shards:
        is_page = pc.is_valid(_column(done.shard, "html_sha")).to_numpy()
        if is_page.any():
            url = _column(done.shard, "url")
            kept = np.flatnonzero(is_page & pc.is_valid(url).to_numpy() & ~is_copy[begin : begin + done.rows])
            fetched = _column(done.shard, "facts.fetched_at").take(pa.array(kept)).cast(pa.binary()).to_pylist()
            rows.append(kept + begin)
            urls.append(hash_strings(url.take(pa.array(kept)), 0))
            moments.append(np.array([moment or b"" for moment in fetched], "S20"))
        begin += done.rows
    return _Pages(np.concatenate(rows), np.concatenate(urls), np.concatenate(moments))


def _ids(shard: Shard) -> Ids:
    """Return the ids of a shard's documents as numbers; an id is 16 hex digits."""
    ids = _column(shard, "id")
    return np.frombuffer(bytes.fromhex("".join(ids.to_pylist())), ">u8").astype(np.uint64)


def _origins(shards: Sequence[ShardResult], wanted: NDArray[np.int64]) -> Mapping[int, str]:
    """Return the origins of the documents at sorted row numbers, which count through all shards."""
    origins: dict[int, str] = {}
    begin = 0
    for done in shards:
        rows = wanted[np.searchsorted(wanted, begin) : np.searchsorted(wanted, begin + done.rows)]
        if len(rows):
            column = _column(done.shard, "origin").take(pa.array(rows - begin)).to_pylist()
            origins |= dict(zip(rows.tolist(), column, strict=True))
        begin += done.rows
    return origins


def _column(shard: Shard, name: str) -> pa.ChunkedArray:
    """Read one column of a shard, or a field of a column of records; null where an earlier version did not write it."""
    with open_file(shard.uri) as file, pq.ParquetFile(file) as parquet:
        table = parquet.read(columns=[name])
    for part in name.split("."):
        if part not in table.column_names:
            return pa.chunked_array([pa.nulls(table.num_rows, pa.string())])
        column = table[part]
        table = pa.Table.from_struct_array(column) if pa.types.is_struct(column.type) else table
    return column


def _settle(job: tuple[ShardResult, dict[int, tuple[str, str]]], folder: str) -> ShardResult:
    """Publish the documents of a piece to `folder`, without its repeats."""
    piece, repeats = job

    def batches() -> Iterator[BatchResult]:
        yield BatchResult(arrow_schema(Document).empty_table(), piece.counts, piece.set_aside, piece.issues)
        begin = 0
        with open_file(piece.shard.uri) as file, pq.ParquetFile(file) as parquet:
            for number in range(parquet.num_row_groups):
                table = parquet.read_row_group(number)
                again = [row for row in range(begin, begin + table.num_rows) if row in repeats]
                rows = pa.array([row - begin for row in again], pa.int64())
                aside = tuple(
                    Dropped("ingest", origin, *repeats[row])
                    for row, origin in zip(again, table["origin"].take(rows).to_pylist(), strict=True)
                )
                mask = np.ones(table.num_rows, bool)
                mask[rows.to_numpy()] = False
                yield BatchResult(table.filter(pa.array(mask)), {}, aside)
                begin += table.num_rows

    return write_shard(folder, piece.shard.name, piece.key, arrow_schema(Document), batches())


def _clear(folder: str) -> None:
    """Remove the shards that were read, markers first, and the folder itself where it is local."""
    storage.remove(folder, sorted(storage.listed(folder), key=lambda file: not file.endswith(".json")))
    if not is_remote(folder) and Path(folder).is_dir():
        Path(folder).rmdir()


def _issues(shards: Sequence[ShardResult]) -> tuple[Issue, ...]:
    """Return the warnings of shards, with one for each reason why dates were not converted."""
    counts = sum((Counter(done.counts) for done in shards), Counter[str]())
    return merge_warnings((issue for done in shards for issue in done.issues), counts)


def _totals(shards: Sequence[ShardResult]) -> Mapping[str, int]:
    """Return the number of documents with each field that no column holds, the most frequent first."""
    totals: Counter[str] = Counter()
    for done in shards:
        totals.update(
            {name.removeprefix(EXTRA): number for name, number in done.counts.items() if name.startswith(EXTRA)}
        )
    return dict(totals.most_common())
