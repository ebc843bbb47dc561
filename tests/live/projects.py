"""Projects of the live tests: how their articles are stored, and what their annotators are called."""

import pyarrow as pa

from builder.annotation.pseudonyms import pseudonym
from builder.corpus.cleaning.stage import COPIED, COPIED_COLUMNS, SCHEMA
from builder.executor.shards import BatchResult, write_shard
from builder.io.jsonl import write_jsonl
from builder.io.parquet import to_table
from builder.project.stages.corpus import clean_inputs
from builder.project.stages.shards import stage_folder
from builder.records import Article, Document
from builder.records.arrow import arrow_schema


def store(project, documents, articles):
    """Put articles into a project as `clean` would, with the texts that a test wants."""
    pages = {one.id: one for one in documents}
    table = to_table(articles, Article)
    for field in COPIED:
        owners = [
            pages[a.document_id] if field.name in COPIED_COLUMNS else pages[a.document_id].facts for a in articles
        ]
        table = table.append_column(field, pa.array([getattr(owner, field.name) for owner in owners], field.type))
    table = table.append_column("characters", pa.array([len(article.text) for article in articles], pa.int64()))
    documented = [BatchResult(to_table(documents, Document))]
    write_shard(stage_folder(project, "documents"), "given", "", arrow_schema(Document), documented)
    write_shard(stage_folder(project, "articles"), "given", "", SCHEMA, [BatchResult(table)])
    project.stamp_step("clean", clean_inputs(project))


def name(who):
    return pseudonym(b"key", who)


def put_batch(project, items):
    """Write the batch `pilot` as if `sample` had chosen it of the stored articles."""
    write_jsonl(project.annotations / "pilot" / "batch.jsonl", items)
    project.stamp_step("clean", clean_inputs(project))
