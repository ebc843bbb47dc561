"""The stage that cleans shards of documents into shards of articles."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.corpus.cleaning.clean import PART, RULE, uncleaned
from builder.corpus.cleaning.columns.drops import DropColumns
from builder.corpus.cleaning.columns.lines import Mask
from builder.corpus.cleaning.counts import Counts
from builder.corpus.cleaning.judging import PageFacts
from builder.corpus.cleaning.pages import CleanedPages, clean_pages
from builder.corpus.versions import CLEAN
from builder.executor.shards import BatchResult
from builder.executor.stage import Stage
from builder.io.hashing import sha16_of_bytes
from builder.io.parquet import from_table, to_table
from builder.records import Article, Document, Dropped, Facts, Issue
from builder.records.arrow import arrow_schema
from builder.schema.boilerplate import Boilerplate
from builder.text.joined import Numbers
from builder.text.profiles import Profile

COPIED_COLUMNS = ("source", "published_at", "url", "html_sha")
"""Document columns that are copied to the articles, because filters and sampling use them."""

COPIED_FACTS = ("page_type", "robots", "tdm", "is_free", "is_teaser", "fetched_at")
"""Fields of a document's facts that are copied to the articles for the same reason."""


@dataclass(frozen=True, slots=True)
class PinnedCounts:
    """Documents whose text does not move, and the counts that they were cleaned with."""

    documents: frozenset[str]
    counts: Counts


@dataclass(frozen=True, slots=True)
class CleaningConfig:
    """The configuration of the cleaning stage."""

    profile: Profile
    rules: Boilerplate
    counts: Counts
    """What recurs in the project's sources."""
    pinned: tuple[PinnedCounts, ...] = ()
    """The counts that documents were cleaned with before, where they differ from `counts`."""


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """The articles of some documents, and what is to be said of these, by row of the document."""

    rows: Numbers
    """The document of each article."""
    articles: pa.Table
    counts: Counter[str]
    set_aside: Mapping[int, Dropped]
    issues: Mapping[int, Sequence[Issue]]


def clean_table(documents: pa.Table, config: CleaningConfig) -> BatchResult:
    """Clean a table of documents into a table of articles, with the source and the date of each article."""
    is_page = np.ones(documents.num_rows, bool)
    if "published_id" in documents.column_names:
        is_page = documents["published_id"].is_null().to_numpy()
    parts = [*_of_pages(documents, np.flatnonzero(is_page), config), *_of_texts(documents, ~is_page, config.profile)]
    rows = np.concatenate([np.zeros(0, np.intp), *(part.rows for part in parts)])
    table = pa.concat_tables([arrow_schema(Article).empty_table(), *(part.articles for part in parts)])
    if len(parts) > 1:
        order = rows.argsort(kind="stable")
        table, rows = table.take(pa.array(order)), rows[order]
    for field in COPIED:
        table = table.append_column(field, _copied(documents, field).take(pa.array(rows)))
    table = table.append_column("characters", pc.cast(pc.utf8_length(table["text"]), pa.int64()))
    counts = Counter({"articles": len(rows), "embedded": int(np.count_nonzero(table["part"].to_numpy()))})
    set_aside, issues = dict[int, Dropped](), dict[int, Sequence[Issue]]()
    for part in parts:
        counts.update(part.counts)
        set_aside |= part.set_aside
        issues |= part.issues
    said = tuple([issue for row in sorted(issues) for issue in issues[row]])
    return BatchResult(table, counts, tuple([set_aside[row] for row in sorted(set_aside)]), said)


def _of_pages(documents: pa.Table, rows: Numbers, config: CleaningConfig) -> Iterator[_Part]:
    """Yield the articles of the pages among documents."""
    some = documents if len(rows) == documents.num_rows else documents.take(pa.array(rows))
    for cleaned in clean_pages(some["raw"].combine_chunks(), _facts(some, config), config.profile, config.rules):
        mine, bounds = rows[cleaned.rows], cleaned.bounds
        yield _Part(
            mine[cleaned.articles.pages],
            _written(cleaned, config.profile.id),
            _counted(cleaned),
            {int(mine[page]): cleaned.set_aside(page) for page in np.flatnonzero(np.diff(bounds) == 0).tolist()},
            {int(mine[page]): [issue] for page, issue in cleaned.warnings()},
        )


def _facts(pages: pa.Table, config: CleaningConfig) -> PageFacts:
    """Return what is known of pages beside their texts; a column that an earlier version did not write is null."""
    ids, sources, titles, origins = (pages[name].to_pylist() for name in ("id", "source", "title", "origin"))
    authors = pages["author"].to_pylist() if "author" in pages.column_names else [None] * pages.num_rows
    return PageFacts(ids, sources, titles, authors, origins, counts_for(config, ids))


def _counted(cleaned: CleanedPages) -> Counter[str]:
    """Count pages with text, lines, and lines and parts of lines by rule."""
    lines, drops = int(cleaned.lines.sum()), cleaned.drops
    counts = Counter({"lines": lines, "documents": int(np.count_nonzero(np.diff(cleaned.bounds)))})
    counts["kept"] = lines - int(np.count_nonzero(drops.is_line))
    for prefix, among in ((RULE, drops.is_line), (PART, drops.is_part)):
        found = Counter(drops.rules[row] for row in np.flatnonzero(among).tolist())
        counts.update({f"{prefix}{rule}": number for rule, number in found.items()})
    return counts


def _written(cleaned: CleanedPages, profile_id: str) -> pa.Table:
    """Return the articles of pages as a table."""
    articles, numbers = cleaned.articles, range(len(cleaned.articles.texts))
    documents = [cleaned.facts.ids[page] for page in articles.pages.tolist()]
    encoded = [text.encode() for text in articles.texts]  # once: for the column and for its hash
    columns = {
        "id": [f"{name}-{part}" for name, part in zip(documents, articles.parts.tolist(), strict=True)],
        "document_id": documents,
        "part": articles.parts,
        "title": [*map(cleaned.title, numbers)],
        "profile": [profile_id] * len(numbers),
        "text_sha": [*map(sha16_of_bytes, encoded)],
    }
    schema = arrow_schema(Article)
    arrays = {name: pa.array(values, schema.field(name).type) for name, values in columns.items()}
    arrays["text"] = _strings(encoded)
    arrays["drops"] = _drops(cleaned.drops, len(numbers), schema.field("drops").type)
    arrays["edits"] = pa.ListArray.from_arrays(articles.cuts, pa.array(articles.edits, pa.int64()))
    return pa.table([arrays[field.name].cast(field.type) for field in schema], schema=schema)


def _strings(encoded: Sequence[bytes]) -> pa.StringArray:
    """Return texts as a column, given their UTF-8 bytes."""
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(encoded), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded)))


def _drops(drops: DropColumns, articles: int, kind: pa.ListType) -> pa.Array:
    """Return the drops of articles as a column of lists."""
    listed = drops.by_article(articles)
    rows = listed.rows
    wanted, names = rows.tolist(), [*kind.value_type]
    extracted = [drops.extracted[row] for row in wanted]
    columns = (
        pa.array(drops.starts[rows], names[0].type),
        pa.array(drops.ends[rows], names[1].type),
        pa.array([drops.rules[row] for row in wanted], names[2].type),
        _maps(extracted, names[3].type),
    )
    cuts = listed.cuts.astype(np.int32)
    return pa.ListArray.from_arrays(cuts, pa.StructArray.from_arrays(columns, fields=names))


def _maps(maps: Sequence[Mapping[str, str]], kind: pa.MapType) -> pa.MapArray:
    """Return mappings as a column; most are empty."""
    some = [one for one in maps if one]
    cuts = np.cumsum([0, *map(len, maps)], dtype=np.int32)
    keys = pa.array([name for one in some for name in one], kind.key_type)
    return pa.MapArray.from_arrays(
        cuts, keys, pa.array([text for one in some for text in one.values()], kind.item_type)
    )


def _of_texts(documents: pa.Table, is_text: Mask, profile: Profile) -> Iterator[_Part]:
    """Yield the articles of the imported texts among documents, if there are any."""
    rows = np.flatnonzero(is_text)
    if rows.size:
        found = [uncleaned(one, profile) for one in from_table(documents.take(pa.array(rows)), Document)]
        lines = sum(one.lines for one in found)
        counts = Counter({"lines": lines, "kept": lines, "documents": len(found)})
        yield _Part(rows, to_table([article for one in found for article in one.articles], Article), counts, {}, {})


def _copied(documents: pa.Table, field: pa.Field) -> pa.Array:
    """Return a column of documents, or a field of their facts; null where an earlier version did not write it."""
    names = documents.column_names
    if field.name in names:
        return documents[field.name].combine_chunks()
    if field.name in COPIED_FACTS and "facts" in names and documents.num_rows:
        return pc.struct_field(documents["facts"].combine_chunks(), field.name)
    return pa.nulls(documents.num_rows, field.type)


def counts_for(config: CleaningConfig, documents: Sequence[str]) -> list[Counts]:
    """Return the counts that judge each document: those it was cleaned with before, or else the project's."""
    pinned = {document: pin.counts for pin in config.pinned for document in pin.documents}
    return [pinned.get(document, config.counts) for document in documents]


def digest(config: CleaningConfig) -> bytes:
    """Return the bytes that identify the configuration: the profile, all rules and the counts."""
    pinned = sorted(
        f"{pin.counts.digest} {pin.counts.is_asked} {' '.join(sorted(pin.documents))}" for pin in config.pinned
    )
    parts = [config.profile.id, config.rules.model_dump_json(), config.counts.digest, *pinned]
    return "\n".join(parts).encode("utf-8", "surrogatepass")


COPIED = (
    *(pa.field(name, pa.string()) for name in COPIED_COLUMNS),
    *(arrow_schema(Facts).field(name) for name in COPIED_FACTS),
)

SCHEMA = pa.schema([*arrow_schema(Article), *COPIED, pa.field("characters", pa.int64())])
"""The columns of a table of articles: the Article record, COPIED, and the length of the text in code points."""

STAGE = Stage("clean", CLEAN, clean_table, "documents", "articles", SCHEMA, ("id", "raw", "source", "origin"))
