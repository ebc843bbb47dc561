"""Rebuilding of articles of a stand-off release from the raw pages that a user supplies.

Callers read the pages. A document is identified by its hash. If the hash differs, its address tells which document
was meant.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from builder.records import Document, Dropped, Issue, StageCounts, count_by_reason
from builder.release.card.editions import BEGIN, END
from builder.release.card.render import HEAD, loading, with_head
from builder.release.editions.delta import apply_delta, delta_from_row, given_field
from builder.release.tables.build import ROWS, Tables, non_empty
from builder.release.tables.features import ASKED, Json, LabelNames, class_names, features, features_of

MISSING, DIFFERS = "not given", "its text differs"

NEEDED = ("id", "document_id", "url", "restore")

OTHER_TOOLS = re.compile(r"^For other tools: `croissant\.json`.*$", re.MULTILINE)
"""The line of the template that names the files for other tools."""

HYDRATED_TOOLS = (
    "For other tools: `masader.json` and `CITATION.cff` describe the dataset; `conll/` has `entities` in the columns of "
    "Wojood."
)
"""The same line for the files of a hydrated release."""

Texts = dict[str, dict[str, str | None]]

Paths = Mapping[str, Mapping[str, Sequence[Path]]]
"""The Parquet files of each config and split."""


@dataclass(frozen=True, slots=True)
class RestoredArticles:
    """The restored columns of each article, and accounts and issues for everything that could not be restored."""

    texts: Texts
    documents: StageCounts
    titles: StageCounts
    set_aside: tuple[Dropped, ...]
    issues: tuple[Issue, ...]


def label_names_of(paths: Paths) -> LabelNames:
    """Return the ClassLabel names that the metadata of a release's files holds."""

    def label(config: str, column: str, part: str = "") -> tuple[str, ...] | None:
        for files in paths.get(config, {}).values():
            feature: Json = features_of(pq.read_schema(files[0])).get(column)
            if part and isinstance(feature, list) and isinstance(feature[0], dict):
                feature = feature[0].get(part)
            return tuple(class_names(feature)) if feature is not None else None
        return None

    published = label("stance", "stance")
    values = label("annotations", "stances", "value")
    schemas = [pq.read_schema(files[0]) for files in [*paths.get("entities", {}).values()][:1]]
    return LabelNames(
        label("entities", "spans", "label") or (),
        published or (),
        values if values or not published else (),
        questions=label("annotations", "answers") is not None,
        asked=any(ASKED in schema.names for schema in schemas),
    )


def restore_articles(paths: Paths, documents: Sequence[Document]) -> RestoredArticles:
    """Restore the articles of a stand-off edition from these documents."""
    by_id = {document.id: document for document in documents}
    by_url = {document.url: document for document in documents if document.url}
    texts: Texts = {}
    faults: dict[str, Issue] = {}
    lost: list[Dropped] = []
    seen: set[str] = set()
    fields = 0
    for row in _rows(paths["articles"]):
        document_id = str(row["document_id"])
        seen.add(document_id)
        document = by_id.get(document_id)
        columns_and_missing = _restored(row, document) if document else None
        if columns_and_missing is None:
            faults.setdefault(document_id, _fault(row, document, by_url))
            continue
        columns, missing = columns_and_missing
        texts[str(row["id"])] = columns
        fields += sum(name != "text" for name in columns)
        lost += [Dropped("hydrate", f"{name} of {row['id']}", _why(name)) for name in missing]
    aside = [
        Dropped("hydrate", document_id, MISSING if faults[document_id].message.endswith(MISSING) else DIFFERS)
        for document_id in sorted(faults)
    ]
    issues = [*(faults[document_id] for document_id in sorted(faults)), *map(_untitled, lost)]
    return RestoredArticles(
        texts,
        count_by_reason("hydrate", "documents", len(seen), len(seen) - len(faults), aside),
        count_by_reason("hydrate", "titles and names", fields, fields - len(lost), lost),
        (*aside, *lost),
        tuple(issues),
    )


def _rows(splits: Mapping[str, Sequence[Path]]) -> Iterator[Mapping[str, object]]:
    """Yield the rows of `articles` with the columns that hydration needs."""
    for files in splits.values():
        for path in files:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(ROWS, columns=list(NEEDED)):
                    yield from batch.to_pylist()


def _restored(row: Mapping[str, object], document: Document) -> tuple[dict[str, str | None], list[str]] | None:
    """Return the restored columns of an article and the names of those that stay null.

    Returns None if the text itself cannot be restored.
    """
    columns: dict[str, str | None] = {}
    recipes = row["restore"]
    for recipe_row in recipes if isinstance(recipes, list) else ():
        recipe = delta_from_row(recipe_row)
        page = given_field(recipe.column, document) if recipe.given else document.raw
        columns[recipe.column] = None if page is None or not recipe.sha else apply_delta(page, recipe)
    if columns.get("text") is None:
        return None
    return columns, [name for name, value in columns.items() if value is None]


def _why(name: str) -> str:
    """Return the reason why a title or name is not restored."""
    return f"the page that was given has not this {name}"


def _untitled(lost: Dropped) -> Issue:
    """Return the error for a title or name that is not restored."""
    message = f"{lost.what}: {lost.reason}; the row holds null"
    return Issue("error", "hydrate", message, fix="pass the file that was ingested, with its title")


def _fault(row: Mapping[str, object], given: Document | None, by_url: Mapping[str, Document]) -> Issue:
    """Return the error for a document that is not restored: it is missing, or its text differs."""
    url, document_id = row["url"], str(row["document_id"])
    other = given or by_url.get(str(url))
    if other is None:
        message, fix = MISSING, "pass the page with --articles, as it was ingested"
    else:
        message = f"{DIFFERS}: {other.origin} has the hash {other.id}"
        fix = "pass the page as it was when the dataset was built"
    shown = f"document {document_id}{f' ({url})' if url else ''}: {message}"
    return Issue("error", "hydrate", shown, where=document_id, fix=fix)


def batches(files: Sequence[Path]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of Parquet files in batches."""
    for path in files:
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(ROWS)


def hydrated_card(old: str, version: str, names: LabelNames, tables: Tables, edition: str) -> str:
    """Return the card of a hydrated release, with a new loading section and a new edition section."""
    head_block = HEAD.match(old)
    head = yaml.safe_load(head_block[1]) if head_block else {}
    body = OTHER_TOOLS.sub(HYDRATED_TOOLS, HEAD.sub("", old, count=1))
    before, marker, rest = body.partition(BEGIN)
    body = before + edition + rest.partition(END)[2] if marker and END in rest else f"\n{edition}\n{body}"
    return with_head({**head, **loading(version, features(names), non_empty(tables))}, body)
