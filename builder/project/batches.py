"""The articles and documents of the sampled batches."""

from builder.io.hashing import sha16
from builder.io.parquet import read_table, write_table
from builder.project.annotations import read_batch
from builder.project.corpus import refuse_stale, select_rows, stage_digest
from builder.project.project import Project
from builder.records import Article, Document


def batch_articles(project: Project) -> list[Article]:
    """Load the articles of all batches. Raises KhabarError if cleaning is out of date.

    They are cached beside the corpus, so that a command about a batch does not read all of it.
    """
    refuse_stale(project)
    wanted = batch_article_ids(project)
    inputs = sha16("\n".join([stage_digest(project, "articles"), *sorted(wanted)]))
    path = project.work / "sampled" / "articles.parquet"
    if project.stamped("sampled") != inputs or not path.exists():
        articles = sorted(select_rows(project, "articles", Article, "id", wanted), key=lambda article: article.id)
        pages = {article.document_id for article in articles}
        documents = sorted(select_rows(project, "documents", Document, "id", pages), key=lambda document: document.id)
        write_table(project.work / "sampled" / "documents.parquet", documents, Document)
        write_table(path, articles, Article)
        project.stamp("sampled", inputs)
        return articles
    return read_table(path, Article)


def batch_documents(project: Project) -> list[Document]:
    """Load the documents of the articles of all batches."""
    batch_articles(project)
    return read_table(project.work / "sampled" / "documents.parquet", Document)


def cached_batch_articles(project: Project) -> list[Article]:
    """Load the articles of all batches as last cached, even if something changed since."""
    return read_table(project.work / "sampled" / "articles.parquet", Article)


def batch_article_ids(project: Project) -> set[str]:
    """Return the ids of the articles of all batches."""
    return {item.article_id for batch in project.batches() for item in read_batch(project, batch)}
