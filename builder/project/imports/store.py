"""Store an imported set: its documents, batch, annotations and splits, and the line that names its files and map."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from builder.executor.shards import BatchResult, write_shard
from builder.formats.published import PublishedSet
from builder.io.atomic import write_bytes
from builder.io.hashing import sha16
from builder.io.jsonl import write_jsonl
from builder.io.parquet import from_table
from builder.project import groups
from builder.project.annotations import read_batch, read_imports
from builder.project.batches import batch_articles, batch_groups
from builder.project.cleaning import keep_basis
from builder.project.corpus import select_rows
from builder.project.imports.answers import answers_of, places_in, write_answers
from builder.project.project import Project
from builder.project.splits import read_splits
from builder.project.stages.shards import stage_folder
from builder.records import (
    Article,
    BatchItem,
    ChangedLine,
    Document,
    ImportedSet,
    KhabarError,
    PublishedText,
    SplitAssignment,
    user_error,
)
from builder.records.arrow import arrow_schema
from builder.schema.importing import ImportMap


def refuse_other(project: Project, done: ImportedSet) -> None:
    """Raise KhabarError (exit code 2) if the batch exists and is not this import."""
    path = project.annotations / done.name / "batch.jsonl"
    if not path.exists():
        return
    before = next((one for one in read_imports(project) if one.name == done.name), None)
    if before and (before.files, before.map) == (done.files, done.map):
        return
    what = "was imported from other files or with another map" if before else "is not an imported one"
    fix = "give the map another name, or delete the batch's folder and its line in annotations/imports.jsonl"
    raise user_error("batch", f"batch {done.name} exists and {what}", where=str(path), fix=fix)


def document_ids(name: str, found: PublishedSet) -> list[str]:
    """Return the id of each article's document: a hash of the set, the published id and the text."""
    ids, texts = (found.articles[column].to_pylist() for column in ("published_id", "text"))
    return [sha16(f"{name}\n{published}\n{text}") for published, text in zip(ids, texts, strict=True)]


def store_documents(project: Project, rules: ImportMap, done: ImportedSet, found: PublishedSet) -> None:
    """Write the documents of a set as a shard of their own, in place of an earlier one of the same name."""
    articles, ids = found.articles, document_ids(rules.name, found)
    origins = [
        f"{file}:{line}" for file, line in zip(articles["file"].to_pylist(), articles["line"].to_pylist(), strict=True)
    ]
    given = {
        "id": pa.array(ids),
        "source": pa.array([rules.name] * len(ids)),
        "url": pa.nulls(len(ids), pa.string()),
        "title": articles["title"],
        "raw": articles["text"],
        "origin": pa.array(origins),
        "encoding": pa.array(["utf-8"] * len(ids)),
        "published_id": articles["published_id"],
        "is_normalised": pa.array([rules.normalise] * len(ids)),
    }
    schema = arrow_schema(Document)
    facts = pa.array([{"tags": [], "extra": [], "is_teaser": False}] * len(ids), schema.field("facts").type)
    columns = [
        given.get(field.name, facts if field.name == "facts" else pa.nulls(len(ids), field.type)) for field in schema
    ]
    table = pa.table(columns, schema=schema)
    key = sha16(f"{done.map} {sorted(done.files.items())}")
    write_shard(stage_folder(project, "documents"), f"import-{rules.name}", key, schema, [BatchResult(table)])


def store_batch(
    project: Project, rules: ImportMap, done: ImportedSet, found: PublishedSet, content: bytes
) -> list[BatchItem]:
    """Write the annotations, splits and batch of a set whose documents were cleaned; the batch last.

    Raises KhabarError (exit code 2) if an article is in another split of the ledger already.
    """
    ids = [f"{name}-0" for name in document_ids(rules.name, found)]
    articles = {article.id: article for article in select_rows(project, "articles", Article, "id", ids)}
    folder = project.annotations / rules.name
    answers = answers_of(found, _moved(project, rules, articles, ids))
    write_answers(project, rules, answers, [articles[name] for name in ids])
    if rules.splits == "as-published":
        _write_splits(project, dict(zip(ids, found.articles["split"].to_pylist(), strict=True)))
    write_jsonl(folder / "published.jsonl", _published(found, articles, ids))
    write_jsonl(folder / "changed.jsonl", from_table(found.changes, ChangedLine))
    write_bytes(folder / "import.yaml", content)
    imported = {one.name: one for one in read_imports(project)} | {done.name: done}
    write_jsonl(project.annotations / "imports.jsonl", [imported[name] for name in sorted(imported)])
    if (folder / "batch.jsonl").exists():
        return read_batch(project, rules.name)
    group_of = {group.article_id: group.group_id for group in groups.groups_for(project, {*ids})}
    items = [BatchItem(rules.name, name, articles[name].text_sha, group_of[name], rules.name) for name in ids]
    keep_basis(project, rules.name, items)
    write_jsonl(folder / "batch.jsonl", items)
    batch_articles(project)
    batch_groups(project)
    return items


def _published(found: PublishedSet, articles: Mapping[str, Article], ids: Sequence[str]) -> list[PublishedText]:
    """Return where each article stands in its set."""
    columns = (found.articles[name].to_pylist() for name in ("published_id", "file", "line", "tokens", "annotated"))
    return [
        PublishedText(name, articles[name].text_sha, own, file, line, tokens or "", annotated)
        for name, own, file, line, tokens, annotated in zip(ids, *columns, strict=True)
    ]


def _moved(
    project: Project, rules: ImportMap, articles: Mapping[str, Article], ids: Sequence[str]
) -> dict[int, Sequence[int]]:  # fmt: skip
    """Return, for each normalised article, the place in its text of each code point of the published one."""
    if not rules.normalise:
        return {}
    raws = {
        one.id: one.raw
        for one in select_rows(project, "documents", Document, "id", {a.document_id for a in articles.values()})
    }
    return {row: places_in(articles[name], raws[articles[name].document_id]) for row, name in enumerate(ids)}


def _write_splits(project: Project, splits: dict[str, str]) -> None:
    """Add the published splits to the ledger."""
    ledger = {one.article_id: one.split for one in read_splits(project)}
    moved = sorted(name for name, split in splits.items() if ledger.get(name, split) != split)
    if moved:
        message = f"{len(moved)} articles are in another split already: {', '.join(moved[:5])}"
        where, fix = (
            str(project.annotations / "splits.jsonl"),
            "an article never changes its split: write `splits: ours`",
        )
        raise KhabarError(*user_error("splits", message, where=where, fix=fix).issues)
    lines = [SplitAssignment(*one) for one in sorted((ledger | splits).items())]
    write_jsonl(project.annotations / "splits.jsonl", lines)
