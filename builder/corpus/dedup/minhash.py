r"""What is kept of each article to find those that are alike: one row of `keys` for one of `articles`.

Words are what `\w+` finds in the search-folded text, so spelling and marks do not tell copies apart.

- MinHash in bands (Broder 1997): 14 bands of 8 values, which are the smallest and the largest of runs of five words under
  56 functions, as a largest one serves as well (Ji and others, Min-Max Hash for Jaccard Similarity, 2013); for texts of at
  least 50 words. Of runs of three for texts of up to 64, as five would leave too few. A pair of Jaccard .8 shares a band
  with a probability of .92, one of .9 of 1 - 4e-4.
- Winnowed runs (Schleimer, Wilkerson and Aiken 2003): an unbroken stretch of 12 runs of five words, or of 6 of three,
  that stands in two articles is always seen, however unlike the rest is. They find what is contained in another.
- The words in their order, 32 bits each, for exact comparisons of those that are candidates.
"""

from datetime import UTC, datetime
from functools import cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from builder.executor.shards import BatchResult
from builder.executor.stage import Stage
from builder.text.profiles import profile
from builder.text.shingles import Hashes, Words, first, hashed, shingles, whole, winnow, words
from builder.text.similarity import BANDS, FEW_WORDS, LEAD_WORDS, LEAST_CONTAINED, LONG, ROWS, SHORT, TITLE_WORDS

NEAR_FEW = 64
"""Texts of up to this many words may be copies of a text under FEW_WORDS: 50 / .8, rounded up."""

WINDOWS = {LONG: 12, SHORT: 6}

RANGES, RANGE = 32, np.uint64(59)
"""Winnowed runs lie in so many columns, by their highest bits, so that each can be read alone."""

IS_LONG = np.uint64(1 << 58)

NEEDED = ("id", "text", "title", "published_at")
"""The columns of `articles` that are read; the last two may be missing."""

BLOCK = 1 << 16
"""Runs that are looked at together: what fits a processor's cache is fastest."""

ROWS_AT_ONCE = 2000
"""Articles that are signed together; RANGES times as many cells can be numbered with 16 bits."""

_HIGH = np.uint64(32)

KEYS = pa.schema([
    pa.field("id", pa.string(), nullable=False),
    pa.field("date", pa.int64()),
    pa.field("text", pa.uint64()),
    pa.field("heading", pa.uint64()),
    pa.field("words", pa.int32(), nullable=False),
    pa.field("order", pa.binary(), nullable=False),
    *(pa.field(f"b{band:02}", pa.uint64()) for band in range(BANDS)),
    *(pa.field(f"s{band:02}", pa.uint64()) for band in range(BANDS)),
    *(pa.field(f"f{part:02}", pa.binary(), nullable=False) for part in range(RANGES)),
])  # fmt: skip
"""`date` is milliseconds since 1970, null where unknown; `text` null where nothing is left of a folded text; `heading`
null without a title that tells; `b..` bands of runs of five, `s..` of three; `f.` winnowed runs of 64 bits."""


def sign(articles: pa.Table) -> pa.Table:
    """The rows of `keys` of these articles, each of which hangs on its own row alone.

    >>> keys = sign(pa.table({"id": ["a-0"], "text": ["خبر عاجل من الميناء"]}))
    >>> keys["words"].to_pylist(), keys["date"].to_pylist()
    ([4], [None])
    """
    parts = [_signed(articles.slice(low, ROWS_AT_ONCE)) for low in range(0, len(articles), ROWS_AT_ONCE)]
    return pa.concat_tables([KEYS.empty_table(), *parts])


def _signed(articles: pa.Table) -> pa.Table:
    texts = profile("search@1").fold_batch(articles["text"].to_pylist())
    found, own = hashed(texts)
    found = Words(found.hashes >> _HIGH, found.counts)  # 32 bits, as they are kept
    blank = np.array([not text or text.isspace() for text in texts], bool)
    runs = {size: shingles(found, size) for size in (LONG, SHORT)}
    few, many = found.counts <= NEAR_FEW, found.counts >= FEW_WORDS
    bands = {"b": _bands(runs[LONG], many), "s": _bands(runs[SHORT], few & (found.counts > 0))}
    columns = {
        "id": articles["id"].combine_chunks(),
        "date": _dates(articles),
        "text": pa.array(own, pa.uint64(), mask=blank),
        "heading": _headings(articles, found),
        "words": pa.array(found.counts, pa.int32()),
        "order": _blobs(found.hashes.astype(np.uint32), found.counts),
        **{
            f"{letter}{band:02}": pa.array(values[:, band], pa.uint64(), mask=~which)
            for letter, (values, which) in bands.items()
            for band in range(BANDS)
        },
        **{f"f{part:02}": blob for part, blob in enumerate(_fingerprints(runs, found.counts))},
    }
    return pa.table([columns[field.name] for field in KEYS], schema=KEYS)


def _dates(articles: pa.Table) -> pa.Array:
    if "published_at" not in articles.column_names:
        return pa.nulls(len(articles), pa.int64())
    column = articles["published_at"].combine_chunks().dictionary_encode()
    known = pa.array([moment(date) for date in column.dictionary.to_pylist()], pa.int64())
    return known.take(column.indices)


def moment(published_at: str | None) -> int | None:
    """An ISO 8601 date as milliseconds since 1970, or None where it is none; without a zone it is taken as UTC.

    >>> moment("1970-01-01T03:00:01+03:00"), moment("yesterday")
    (1000, None)
    """
    try:
        date = datetime.fromisoformat(published_at or "")
        return round((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def _headings(articles: pa.Table, found: Words) -> pa.Array:
    """One number for title and lead together."""
    if "title" not in articles.column_names:
        return pa.nulls(len(articles), pa.uint64())
    titles = words(profile("search@1").fold_batch([title or "" for title in articles["title"].to_pylist()]))
    keys = whole(titles) * np.uint64(3) + whole(first(found, LEAD_WORDS))
    return pa.array(keys, pa.uint64(), mask=(titles.counts < TITLE_WORDS) | (found.counts == 0))


@cache
def _functions() -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Odd factors and offsets of h -> a h + b mod 2^32; PCG64's raw stream is the same in every numpy."""
    stream = np.random.PCG64(20260301).random_raw(BANDS * ROWS)
    drawn = (np.asarray(stream) >> _HIGH).astype(np.uint32).reshape(2, -1)
    return drawn[0] | np.uint32(1), drawn[1]


def _bands(runs: Words, which: NDArray[np.bool_]) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """A number for each band of each text, 0 for those not asked for."""
    keys = np.zeros((len(which), BANDS), np.uint64)
    asked = np.flatnonzero(which)
    counts = runs.counts[asked]
    values = runs.hashes[np.repeat(which, runs.counts)]
    extremes = _extremes((values >> _HIGH).astype(np.uint32), counts)
    for row in range(ROWS):
        keys[asked] = keys[asked] * np.uint64(0x9E3779B97F4A7C15) + extremes[row::ROWS].T
    keys ^= keys >> np.uint64(31)
    return keys * np.uint64(0xFF51AFD7ED558CCD), which


def _extremes(values: NDArray[np.uint32], counts: NDArray[np.int64]) -> NDArray[np.uint32]:
    """The smallest and the largest value of each text under each function; each text has one value or more."""
    found = np.empty((BANDS * ROWS, len(counts)), np.uint32)
    ends = np.cumsum(counts)
    space = np.empty(max(BLOCK, int(counts.max(initial=0))) + BLOCK, np.uint32)
    low = 0
    while low < len(counts):
        begin = int(ends[low] - counts[low])
        high = max(low + 1, int(np.searchsorted(ends, begin + BLOCK, "right")))
        part, out = values[begin : ends[high - 1]], space[: ends[high - 1] - begin]
        starts = (ends - counts)[low:high] - begin
        for number, (factor, offset) in enumerate(zip(*_functions(), strict=True)):
            np.multiply(part, factor, out=out)
            np.add(out, offset, out=out)
            np.minimum.reduceat(out, starts, out=found[2 * number, low:high])
            np.maximum.reduceat(out, starts, out=found[2 * number + 1, low:high])
        low = high
    return found


def _fingerprints(runs: dict[int, Words], counts: NDArray[np.int64]) -> list[pa.Array]:
    """The winnowed runs of each text that can be contained or contain, by range."""
    chosen = [(size, winnow(runs[size], WINDOWS[size])) for size in (LONG, SHORT)]
    least = {LONG: FEW_WORDS, SHORT: LEAST_CONTAINED}
    values: list[Hashes] = []
    owners: list[NDArray[np.int64]] = []
    for size, found in chosen:
        able = np.repeat(counts >= least[size], found.counts)
        flag = IS_LONG if size == LONG else np.uint64(0)
        values.append(((found.hashes & ~IS_LONG) | flag)[able])
        owners.append(np.repeat(np.arange(len(counts)), found.counts)[able])
    value, owner = np.concatenate(values), np.concatenate(owners)
    texts = len(counts)
    cell = (value >> RANGE).astype(np.int64) * texts + owner
    if RANGES * texts <= 1 << 16:
        cell = cell.astype(np.uint16)  # numpy sorts these by their digits, which is much faster
    value = value[np.argsort(cell, kind="stable")]
    held = np.bincount(cell, minlength=RANGES * texts).reshape(RANGES, texts)
    cuts = np.cumsum([0, *held.sum(axis=1).tolist()])
    return [_blobs(value[low:high], own) for low, high, own in zip(cuts[:-1], cuts[1:], held, strict=True)]


def _blobs(values: NDArray[np.generic], counts: NDArray[np.int64]) -> pa.Array:
    """The bytes of the values of each text."""
    offsets = np.zeros(len(counts) + 1, np.int32)
    np.cumsum(counts * values.itemsize, out=offsets[1:])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(values))]
    return pa.Array.from_buffers(pa.binary(), len(counts), buffers)


def unblob(column: pa.Array, kind: type[np.uint32 | np.uint64]) -> tuple[NDArray[np.generic], NDArray[np.int64]]:
    """The values of all rows of a column of blobs, one row after another, and how many each row has."""
    offsets = np.frombuffer(column.buffers()[1], np.int32)[column.offset : column.offset + len(column) + 1]
    data = column.buffers()[2]
    held = np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]] if data is not None else np.empty(0, np.uint8)
    return held.view(kind), np.diff(offsets).astype(np.int64) // np.dtype(kind).itemsize


def signed(articles: pa.Table, _config: None) -> BatchResult:
    """The stage that signs."""
    return BatchResult(sign(articles))


STAGE = Stage("dedup", 1, signed, "articles", "keys", KEYS, ("id", "text"), "none")
