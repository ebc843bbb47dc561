"""The stage that cleans shards of documents into shards of articles."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields

import pyarrow as pa
import pyarrow.compute as pc

from builder.corpus.cleaning.clean import PART, RULE, clean_batch
from builder.corpus.cleaning.counts import Counts
from builder.corpus.versions import CLEAN
from builder.executor.shards import BatchResult
from builder.executor.stage import Stage
from builder.records import Article, Document, Facts
from builder.records.arrow import arrow_schema
from builder.schema.boilerplate import Boilerplate
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


def clean_table(documents: pa.Table, config: CleaningConfig) -> BatchResult:
    """Clean a table of documents into a table of articles, with the source and the date of each article."""
    read = _read(documents)
    pages = clean_batch(read, config.profile, config.rules, counts_for(config, [one.id for one in read]))
    counts: Counter[str] = Counter()
    for cleaned in pages:
        counts.update({f"{RULE}{rule}": number for rule, number in cleaned.dropped_by_rule.items()})
        counts.update({f"{PART}{rule}": number for rule, number in cleaned.cut_by_rule.items()})
        counts.update(lines=cleaned.lines, kept=cleaned.kept_lines, documents=bool(cleaned.articles))
    articles = [article for cleaned in pages for article in cleaned.articles]
    counts.update(articles=len(articles), embedded=sum(article.part > 0 for article in articles))
    document_rows = pa.array([row for row, cleaned in enumerate(pages) for _ in cleaned.articles], pa.int64())
    table = _written(articles)
    for field in COPIED:
        table = table.append_column(field, _copied(documents, field).take(document_rows))
    table = table.append_column("characters", pc.cast(pc.utf8_length(table["text"]), pa.int64()))
    set_aside = tuple(entry for cleaned in pages for entry in cleaned.set_aside)
    return BatchResult(table, counts, set_aside, tuple(issue for cleaned in pages for issue in cleaned.issues))


def _read(documents: pa.Table) -> list[Document]:
    """Return the documents of a table; a column that an earlier version did not write has the field's default."""
    columns = {
        field.name: documents[field.name].to_pylist()
        if field.name in documents.column_names
        else [field.default] * documents.num_rows
        for field in fields(Document)
        if field.name != "facts"  # cleaning asks for none of them
    }
    return [Document(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]


def _copied(documents: pa.Table, field: pa.Field) -> pa.Array:
    """Return a column of documents, or a field of their facts; null where an earlier version did not write it."""
    names = documents.column_names
    if field.name in names:
        return documents[field.name].combine_chunks()
    if field.name in COPIED_FACTS and "facts" in names and documents.num_rows:
        return pc.struct_field(documents["facts"].combine_chunks(), field.name)
    return pa.nulls(documents.num_rows, field.type)


def _written(articles: Sequence[Article]) -> pa.Table:
    """Return articles as a table, a column at a time."""
    columns = {field.name: [getattr(article, field.name) for article in articles] for field in fields(Article)}
    columns["drops"] = [
        [
            {"start": one.start, "end": one.end, "rule": one.rule, "extracted": [*one.extracted.items()]}
            for one in article.drops
        ]
        for article in articles
    ]
    schema = arrow_schema(Article)
    return pa.table([pa.array(columns[field.name], field.type) for field in schema], schema=schema)


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
