"""The articles, documents and groups of the sampled batches, cached beside the corpus.

With them a command about a batch does not read the whole corpus.
"""

from collections.abc import Mapping, Sequence

from builder.io.parquet import read_table, write_table
from builder.project.annotations import read_batch_ids
from builder.project.corpus import refuse_stale, select_rows
from builder.project.project import Project
from builder.project.stages.shards import cached_inputs, is_fresh
from builder.records import Article, BatchItem, Document, Group, Issue, KhabarError


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
