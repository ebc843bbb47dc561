"""The articles, documents and groups of the sampled batches, cached beside the corpus.

With them a command about a batch does not read the whole corpus.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from builder.io.parquet import PART, from_table, read_table, to_table, write_table
from builder.project.annotations import read_batch_ids
from builder.project.corpus import refuse_stale, select_rows
from builder.project.project import Project
from builder.project.stages.shards import cached_inputs, is_fresh
from builder.records import Article, BatchItem, Document, Group, Issue, KhabarError
from builder.records.arrow import arrow_schema
from builder.release.tables.spill import TableSpill


def batch_articles(project: Project) -> list[Article]:
    """Load the articles of all batches. Raises KhabarError if cleaning is out of date."""
    return project.once("articles", lambda: _articles(project))


def _articles(project: Project) -> list[Article]:
    refuse_stale(project)
    path = project.work / "sampled" / "articles.parquet"
    if not is_fresh(project, "articles"):
        wanted = batch_article_ids(project)
        articles = sorted(select_rows(project, "articles", Article, "id", wanted), key=lambda article: article.id)
        pages = {article.document_id for article in articles}
        documents = sorted(select_rows(project, "documents", Document, "id", pages), key=lambda document: document.id)
        write_table(project.work / "sampled" / "documents.parquet", documents, Document)
        _cache(project, "articles", articles, Article)
        return articles
    return read_table(path, Article)


def batch_documents(project: Project) -> list[Document]:
    """Load the documents of the articles of all batches."""
    batch_articles(project)
    path = project.work / "sampled" / "documents.parquet"
    return project.once("documents", lambda: read_table(path, Document))


def text_tables(project: Project, articles: Collection[str], spill: TableSpill | None) -> tuple[pa.Table, pa.Table]:
    """Return some articles, and the documents of all batches, as tables with the Arrow schemas of their records.

    They are in memory, or on disk if there is a spill.
    """
    batch_articles(project)
    wanted = pa.array(sorted(articles), pa.string())
    of_articles = (batch.filter(pc.is_in(batch["id"], wanted)) for batch in _stored(project, "articles", Article))
    of_documents = _stored(project, "documents", Document)
    return _table("articles", Article, of_articles, spill), _table("documents", Document, of_documents, spill)


def _table(stage: str, record: type, batches: Iterable[pa.RecordBatch], spill: TableSpill | None) -> pa.Table:
    schema = arrow_schema(record)
    return spill.table(f"of-{stage}", schema, batches) if spill else pa.Table.from_batches(batches, schema)


def _stored(project: Project, stage: str, record: type) -> Iterator[pa.RecordBatch]:
    """Yield the cached articles or documents with the record type's Arrow schema."""
    schema = arrow_schema(record)
    with pq.ParquetFile(project.work / "sampled" / f"{stage}.parquet") as file:
        for batch in file.iter_batches(batch_size=PART):
            if batch.schema.equals(schema):
                yield batch
            else:  # an earlier version of khabar wrote other columns
                yield from to_table(from_table(batch, record), record).to_batches()


def batch_groups(project: Project) -> list[Group]:
    """Load the groups of the articles of all batches, sorted by article. They must be up to date."""
    path = project.work / "sampled" / "groups.parquet"
    if is_fresh(project, "groups"):
        return read_table(path, Group)
    wanted = batch_article_ids(project)
    found = sorted(select_rows(project, "groups", Group, "article_id", wanted), key=lambda group: group.article_id)
    _cache(project, "groups", found, Group)
    return found


def batch_article_ids(project: Project) -> set[str]:
    """Return the ids of the articles of all batches."""
    return {name for batch in project.batches() for name in read_batch_ids(project, batch)}


def _cache(project: Project, stage: str, rows: Sequence[object], record: type) -> None:
    write_table(project.work / "sampled" / f"{stage}.parquet", rows, record)
    project.stamp(f"sampled-{stage}", cached_inputs(project, stage))


AGREE = "restore the profile and the rules; or collect, and make them new tasks with `khabar send --changed`"
"""The fix for articles whose text changed since they were sampled."""


def refuse_other_texts(
    batch: str, items: Sequence[BatchItem], articles: Mapping[str, Article], *, changed: bool
) -> None:
    """Raise KhabarError if a batch's articles are missing, or have another text than the batch unless `changed`."""
    gone = [item.article_id for item in items if item.article_id not in articles]
    other = [i.article_id for i in items if i.article_id in articles and articles[i.article_id].text_sha != i.text_sha]
    issues = [
        Issue(
            "error", code, f"{len(ids)} of the {len(items)} articles of batch {batch} {what}, such as {ids[0]}", fix=fix
        )
        for code, ids, what, fix in (
            ("unknown-article", gone, "are not in this project", "ingest and clean the batch's documents"),
            ("stale-text", other, "have another text now", AGREE),
        )
        if ids and not (changed and code == "stale-text")
    ]
    if issues:
        raise KhabarError(*issues)
