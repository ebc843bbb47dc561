"""The stage that cleans shards of documents into shards of articles."""

from collections import Counter
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from builder.corpus.cleaning.clean import RULE, clean_batch
from builder.executor.shards import BatchResult
from builder.executor.stage import Stage
from builder.io.parquet import from_table, to_table
from builder.records import Article, Document
from builder.records.arrow import arrow_schema
from builder.schema.boilerplate import Boilerplate
from builder.text.profiles import Profile

TAKEN_ALONG = ("source", "published_at")
"""Columns of a document that its articles have too: what chooses among articles goes by them."""


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What a worker needs to clean a table of documents."""

    profile: Profile
    rules: Boilerplate


def clean_table(documents: pa.Table, config: Cleaning) -> BatchResult:
    """Clean a table of documents into one of articles, which also names the source and the date of each."""
    done = clean_batch(from_table(documents, Document), config.profile, config.rules)
    counts: Counter[str] = Counter()
    for one in done:
        counts.update({f"{RULE}{rule}": number for rule, number in one.dropped_by_rule.items()})
        counts.update(lines=one.lines, kept=one.kept_lines, documents=bool(one.articles))
    articles = [article for one in done for article in one.articles]
    counts.update(articles=len(articles), embedded=sum(article.part > 0 for article in articles))
    places = pa.array([place for place, one in enumerate(done) for _ in one.articles], pa.int64())
    table = to_table(articles, Article)
    for name in TAKEN_ALONG:
        table = table.append_column(name, documents[name].take(places).combine_chunks())
    table = table.append_column("characters", pc.cast(pc.utf8_length(table["text"]), pa.int64()))
    aside = tuple(each for one in done for each in one.set_aside)
    return BatchResult(table, counts, aside, tuple(each for one in done for each in one.issues))


def digest(config: Cleaning) -> bytes:
    """Names all that cleaning goes by."""
    return f"{config.profile.id} {config.rules.model_dump_json()}".encode("utf-8", "surrogatepass")


SCHEMA = pa.schema([
    *arrow_schema(Article), *(pa.field(name, pa.string()) for name in TAKEN_ALONG), pa.field("characters", pa.int64())
])  # fmt: skip
"""The columns of a table of articles: those of the record, what is taken along from its document, and its length."""

STAGE = Stage("clean", 1, clean_table, "documents", "articles", SCHEMA, ("id", "raw", "source", "origin"))
