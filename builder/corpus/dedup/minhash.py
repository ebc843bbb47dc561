r"""MinHash signatures, winnowed runs and words of each article: one row of `keys` for each row of `articles`.

Words are the matches of `\w+` in the search-folded text, so copies that differ in spelling variants or marks match.

- MinHash in bands (Broder 1997): 14 bands of 8 values. The values are the minimum and the maximum of the hashes of the
  runs of words under 56 functions, since a maximum serves as well as a minimum (Ji and others, Min-Max Hash for Jaccard
  Similarity, 2013). Texts of at least 50 words have bands of runs of five words. Texts of up to 64 words have bands of
  runs of three, because runs of five would be too few. A pair with a Jaccard similarity of .8 shares a band with a
  probability of .92, a pair of .9 with 1 - 4e-4.
- Winnowed runs (Schleimer, Wilkerson and Aiken 2003): two articles that share an unbroken stretch of 12 runs of five
  words, or of 6 runs of three, always share a winnowed run, however different the rest is. They find contained articles.
- The words in order, 32 bits each, for the exact comparison of candidates.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.corpus import versions
from builder.executor.shards import BatchResult
from builder.executor.stage import Stage
from builder.io.parquet import whole
from builder.text.joined import Texts, folded_texts, in_chunks
from builder.text.profiles import profile
from builder.text.shingles import (
    BATCH,
    HashedWords,
    Hashes,
    first_words,
    hash_texts,
    sequence_hashes,
    shingles,
    winnow,
)
from builder.text.similarity import BANDS, FEW_WORDS, LEAD_WORDS, LEAST_CONTAINED, LONG, ROWS, SHORT, TITLE_WORDS

MAX_SHORT_WORDS = 64
"""Number of words; only texts of up to so many can be near copies of one under FEW_WORDS (50 / .8, rounded up)."""

WINDOWS = {LONG: 12, SHORT: 6}
"""Winnowing windows: the number of consecutive runs of which one is kept, by run length."""

RANGES, RANGE = 32, np.uint64(59)
"""Number of columns of winnowed runs, and the shift that leaves the bits that choose the column of a run.

The columns divide the runs by their highest bits, so that a task reads only one of them.
"""

IS_LONG = np.uint64(1 << 58)
"""The bit of a winnowed run that is set for runs of LONG words."""

NEEDED = ("id", "text", "title", "published_at")
"""The columns of `articles` that are read; the last two may be missing."""

BLOCK = 1 << 16
"""Number of runs that are hashed at once; a block that fits the processor's cache is fastest."""

ROWS_AT_ONCE = 2000
"""Number of articles that are signed at once; RANGES times as many fit in 16 bits, which makes sorting fast."""

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
"""The columns of `keys`.

`date` is in milliseconds since 1970, null if unknown. `text` is a hash of the folded text, null if that is blank.
`heading` is a hash of title and lead, null if the title is too short or there is no text. `words` is the number of
words, and `order` their 32-bit hashes in order. `b00`, `b01`, ... are the bands of runs of five words, `s00`, `s01`, ...
those of runs of three, and `f00`, `f01`, ... winnowed runs of 64 bits.
"""


def sign(articles: pa.Table) -> pa.Table:
    """Return the rows of `keys` for a table of articles; each row depends only on its own article.

    >>> keys = sign(pa.table({"id": ["a-0"], "text": ["خبر عاجل من الميناء"]}))
    >>> keys["words"].to_pylist(), keys["date"].to_pylist()
    ([4], [None])
    """
    parts = [_signed(articles.slice(low, ROWS_AT_ONCE)) for low in range(0, len(articles), ROWS_AT_ONCE)]
    return pa.concat_tables([KEYS.empty_table(), *parts])


def _signed(articles: pa.Table) -> pa.Table:
    """Return the rows of `keys` for up to ROWS_AT_ONCE articles."""
    folded = _folded(whole(articles["text"]))
    text_words = HashedWords(folded.words.hashes >> _HIGH, folded.words.counts)  # 32 bits, as in the column `order`
    runs = {size: shingles(text_words, size) for size in (LONG, SHORT)}
    few, many = text_words.counts <= MAX_SHORT_WORDS, text_words.counts >= FEW_WORDS
    bands = {"b": _bands(runs[LONG], many), "s": _bands(runs[SHORT], few & (text_words.counts > 0))}
    columns = {
        "id": articles["id"].combine_chunks(),
        "date": _dates(articles),
        "text": pa.array(folded.hashes, pa.uint64(), mask=folded.blank),
        "heading": _headings(articles, text_words),
        "words": pa.array(text_words.counts, pa.int32()),
        "order": _blobs(text_words.hashes.astype(np.uint32), text_words.counts),
        **{
            f"{letter}{band:02}": pa.array(values[:, band], pa.uint64(), mask=~has_bands)
            for letter, (values, has_bands) in bands.items()
            for band in range(BANDS)
        },
        **{f"f{part:02}": blob for part, blob in enumerate(_fingerprints(runs, text_words.counts))},
    }
    return pa.table([columns[field.name] for field in KEYS], schema=KEYS)


@dataclass(frozen=True, slots=True, eq=False)
class _Folded:
    """The words of folded texts, a hash of each text, and whether it holds nothing but white space."""

    words: HashedWords
    hashes: Hashes
    blank: NDArray[np.bool_]

    def taken(self, order: NDArray[np.intp]) -> "_Folded":
        """Return the texts in another order."""
        counts = self.words.counts[order]
        begins = (np.cumsum(self.words.counts) - self.words.counts)[order]
        index = np.arange(counts.sum()) + np.repeat(begins - np.cumsum(counts) + counts, counts)
        return _Folded(HashedWords(self.words.hashes[index], counts), self.hashes[order], self.blank[order])


def _folded(column: pa.StringArray) -> _Folded:
    """Fold a column of texts, in parts that fit the processor's cache, and hash its words and texts."""
    chunks = [*in_chunks(column)]
    folded = [folded_texts(profile("search@1"), part) for chunk in chunks for part in chunk.texts.parts(BATCH)]
    hashed = [hash_texts(texts) for texts in folded]
    done = _Folded(
        HashedWords(
            np.concatenate([np.empty(0, np.uint64), *(words.hashes for words, _ in hashed)]),
            np.concatenate([np.empty(0, np.int64), *(words.counts for words, _ in hashed)]),
        ),
        np.concatenate([np.empty(0, np.uint64), *(hashes for _, hashes in hashed)]),
        np.concatenate([np.empty(0, bool), *map(_blank, folded, (words.counts for words, _ in hashed))]),
    )
    rows = np.concatenate([np.empty(0, np.intp), *(chunk.rows for chunk in chunks)])
    return done if len(chunks) < 2 else done.taken(np.argsort(rows))


def _blank(texts: Texts, words: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return whether each text holds nothing but white space; `words` are the numbers of their words."""
    blank: NDArray[np.bool_] = words == 0
    for number in np.flatnonzero(blank).tolist():
        blank[number] = not texts.text(number).strip()
    return blank


def _dates(articles: pa.Table) -> pa.Array:
    """Return the column `date`."""
    if "published_at" not in articles.column_names:
        return pa.nulls(len(articles), pa.int64())
    column = articles["published_at"].combine_chunks().dictionary_encode()
    known = pa.array([parse_milliseconds(date) for date in column.dictionary.to_pylist()], pa.int64())
    return known.take(column.indices)


@lru_cache(maxsize=4096)
def parse_milliseconds(published_at: str | None) -> int | None:
    """Convert an ISO 8601 date to milliseconds since 1970, or return None if it is invalid; no time zone means UTC.

    >>> parse_milliseconds("1970-01-01T03:00:01+03:00"), parse_milliseconds("yesterday")
    (1000, None)
    """
    try:
        date = datetime.fromisoformat(published_at or "")
        return round((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def _headings(articles: pa.Table, text_words: HashedWords) -> pa.Array:
    """Return the column `heading`: one hash of title and lead together."""
    if "title" not in articles.column_names:
        return pa.nulls(len(articles), pa.uint64())
    titles = _folded(pc.fill_null(whole(articles["title"]), "")).words
    keys = sequence_hashes(titles) * np.uint64(3) + sequence_hashes(first_words(text_words, LEAD_WORDS))
    return pa.array(keys, pa.uint64(), mask=(titles.counts < TITLE_WORDS) | (text_words.counts == 0))


@cache
def _functions() -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return the odd factors a and the offsets b of the hash functions h -> a h + b mod 2^32.

    They come from PCG64's raw stream, which is the same in every version of numpy.
    """
    stream = np.random.PCG64(20260301).random_raw(BANDS * ROWS)
    drawn = (np.asarray(stream) >> _HIGH).astype(np.uint32).reshape(2, -1)
    return drawn[0] | np.uint32(1), drawn[1]


def _bands(runs: HashedWords, which: NDArray[np.bool_]) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Return one hash for each text and band, of shape (texts, BANDS) and 0 for texts not in the mask; and the mask."""
    keys = np.zeros((len(which), BANDS), np.uint64)
    chosen = np.flatnonzero(which)
    counts = runs.counts[chosen]
    values = runs.hashes[np.repeat(which, runs.counts)]
    extremes = _extremes((values >> _HIGH).astype(np.uint32), counts)
    for row in range(ROWS):
        keys[chosen] = keys[chosen] * np.uint64(0x9E3779B97F4A7C15) + extremes[row::ROWS].T
    keys ^= keys >> np.uint64(31)
    return keys * np.uint64(0xFF51AFD7ED558CCD), which


def _extremes(values: NDArray[np.uint32], counts: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Return the minimum and the maximum of each text's values under each function, of shape (BANDS * ROWS, texts).

    Row 2i is the minimum under function i, row 2i + 1 the maximum. Each text must have at least one value.
    """
    extremes = np.empty((BANDS * ROWS, len(counts)), np.uint32)
    ends = np.cumsum(counts)
    buffer = np.empty(max(BLOCK, int(counts.max(initial=0))) + BLOCK, np.uint32)
    low = 0
    while low < len(counts):
        begin = int(ends[low] - counts[low])
        high = max(low + 1, int(np.searchsorted(ends, begin + BLOCK, "right")))
        part, out = values[begin : ends[high - 1]], buffer[: ends[high - 1] - begin]
        starts = (ends - counts)[low:high] - begin
        for number, (factor, offset) in enumerate(zip(*_functions(), strict=True)):
            np.multiply(part, factor, out=out)
            np.add(out, offset, out=out)
            np.minimum.reduceat(out, starts, out=extremes[2 * number, low:high])
            np.maximum.reduceat(out, starts, out=extremes[2 * number + 1, low:high])
        low = high
    return extremes


def _fingerprints(runs: dict[int, HashedWords], counts: NDArray[np.int64]) -> list[pa.Array]:
    """Return the winnowed runs of each text that is long enough to contain or be contained, one column for each range.

    `counts` are the word counts of the texts.
    """
    winnowed = [(size, winnow(runs[size], WINDOWS[size])) for size in (LONG, SHORT)]
    least = {LONG: FEW_WORDS, SHORT: LEAST_CONTAINED}
    values: list[Hashes] = []
    owners: list[NDArray[np.int64]] = []
    for size, of_size in winnowed:
        long_enough = np.repeat(counts >= least[size], of_size.counts)
        flag = IS_LONG if size == LONG else np.uint64(0)
        values.append(((of_size.hashes & ~IS_LONG) | flag)[long_enough])
        owners.append(np.repeat(np.arange(len(counts)), of_size.counts)[long_enough])
    value, owner = np.concatenate(values), np.concatenate(owners)
    texts = len(counts)
    cell = (value >> RANGE).astype(np.int64) * texts + owner
    if RANGES * texts <= 1 << 16:
        cell = cell.astype(np.uint16)  # numpy uses radix sort for 16 bits, which is much faster
    value = value[np.argsort(cell, kind="stable")]
    sizes = np.bincount(cell, minlength=RANGES * texts).reshape(RANGES, texts)
    cuts = np.cumsum([0, *sizes.sum(axis=1).tolist()])
    return [_blobs(value[low:high], of_range) for low, high, of_range in zip(cuts[:-1], cuts[1:], sizes, strict=True)]


def _blobs(values: NDArray[np.generic], counts: NDArray[np.int64]) -> pa.Array:
    """Return a binary column with the bytes of each text's values."""
    offsets = np.zeros(len(counts) + 1, np.int32)
    np.cumsum(counts * values.itemsize, out=offsets[1:])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(values))]
    return pa.Array.from_buffers(pa.binary(), len(counts), buffers)


def unpack_values(column: pa.Array, kind: type[np.uint32 | np.uint64]) -> tuple[NDArray[np.generic], NDArray[np.int64]]:
    """Return the values of all rows of a binary column, concatenated, and the number of values of each row."""
    offsets = np.frombuffer(column.buffers()[1], np.int32)[column.offset : column.offset + len(column) + 1]
    data = column.buffers()[2]
    content = np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]] if data is not None else np.empty(0, np.uint8)
    return content.view(kind), np.diff(offsets).astype(np.int64) // np.dtype(kind).itemsize


def signed(articles: pa.Table, _config: None) -> BatchResult:
    """Run the signing stage: return the rows of `keys` for a shard of articles."""
    return BatchResult(sign(articles))


STAGE = Stage("dedup", versions.KEYS, signed, "articles", "keys", KEYS, ("id", "text"), "none", NEEDED)
