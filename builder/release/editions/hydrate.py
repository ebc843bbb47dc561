"""A stand-off edition on this disk, and the pages that someone has: which articles come back, and which do not.

Reads the release folder; pages are read by whoever calls. A document is known by its hash; where that differs, its
address tells which one was meant.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from builder.records import Document, Dropped, Issue, StageCounts, count_by_reason
from builder.release.card.editions import BEGIN, END
from builder.release.card.render import HEAD, headed, loading
from builder.release.editions.delta import of_row, restored
from builder.release.tables.build import ROWS, Tables, loadable
from builder.release.tables.features import Json, Names, class_names, features, features_of

MISSING, DIFFERS = "not given", "its text differs"

NEEDED = ("id", "document_id", "url", "restore")

Texts = dict[str, dict[str, str | None]]

Paths = Mapping[str, Mapping[str, Sequence[Path]]]
"""The Parquet files of each config and split."""


@dataclass(frozen=True, slots=True)
class Returned:
    """The columns of each article that came back, and what did not, document by document."""

    texts: Texts
    documents: StageCounts
    titles: StageCounts
    set_aside: tuple[Dropped, ...]
    issues: tuple[Issue, ...]


def names_noted(paths: Paths) -> Names:
    """The names of the ClassLabels of a release, as its files note them."""

    def label(config: str, column: str, part: str = "") -> tuple[str, ...] | None:
        for files in paths.get(config, {}).values():
            feature: Json = features_of(pq.read_schema(files[0])).get(column)
            if part and isinstance(feature, list) and isinstance(feature[0], dict):
                feature = feature[0].get(part)
            return tuple(class_names(feature)) if feature is not None else None
        return None

    published = label("stance", "stance")
    values = label("annotations", "stances", "value")
    return Names(label("entities", "spans", "label") or (), published or (), values if values or not published else ())


def come_back(paths: Paths, documents: Sequence[Document]) -> Returned:
    """What of the articles of a stand-off edition these pages give back."""
    by_id = {document.id: document for document in documents}
    by_url = {document.url: document for document in documents if document.url}
    texts: Texts = {}
    faults: dict[str, Issue] = {}
    lost: list[Dropped] = []
    seen: dict[str, None] = {}
    others = 0
    for row in _rows(paths["articles"]):
        document_id = str(row["document_id"])
        seen[document_id] = None
        document = by_id.get(document_id)
        found = _restored(row, document) if document else None
        if found is None:
            faults.setdefault(document_id, _fault(row, document, by_url))
            continue
        columns, missing = found
        texts[str(row["id"])] = columns
        others += sum(name != "text" for name in columns)
        lost += [Dropped("hydrate", f"{name} of {row['id']}", _why(name)) for name in missing]
    aside = [
        Dropped("hydrate", one, MISSING if faults[one].message.endswith(MISSING) else DIFFERS) for one in sorted(faults)
    ]
    titled = [_untitled(one) for one in lost]
    return Returned(
        texts,
        count_by_reason("hydrate", "documents", len(seen), len(seen) - len(faults), aside),
        count_by_reason("hydrate", "titles and names", others, others - len(lost), lost),
        (*aside, *lost), (*(faults[one] for one in sorted(faults)), *titled),
    )  # fmt: skip


def _rows(splits: Mapping[str, Sequence[Path]]) -> Iterator[Mapping[str, object]]:
    for files in splits.values():
        for path in files:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(ROWS, columns=list(NEEDED)):
                    yield from batch.to_pylist()


def _restored(row: Mapping[str, object], document: Document) -> tuple[dict[str, str | None], list[str]] | None:
    """The columns of an article, and which of them stay empty; None where the text itself does not come back."""
    found: dict[str, str | None] = {}
    recipes = row["restore"]
    for one in recipes if isinstance(recipes, list) else ():
        known = of_row(one)
        page = document.title if known.given else document.raw
        found[known.column] = None if page is None or not known.sha else restored(page, known)
    if found.get("text") is None:
        return None
    return found, [name for name, value in found.items() if value is None]


def _why(name: str) -> str:
    return f"the page that was given has not this {name}"


def _untitled(lost: Dropped) -> Issue:
    message = f"{lost.what}: {lost.reason}; the row has none"
    return Issue("error", "hydrate", message, fix="give the file that was ingested, with its title")


def _fault(row: Mapping[str, object], given: Document | None, by_url: Mapping[str, Document]) -> Issue:
    """Why a document does not come back."""
    url, document_id = row["url"], str(row["document_id"])
    other = given or by_url.get(str(url))
    if other is None:
        message, fix = MISSING, "give the page among --articles, as it was ingested"
    else:
        message = f"{DIFFERS}: {other.origin} has the hash {other.id}"
        fix = "give the page as it was when the dataset was made"
    shown = f"document {document_id}{f' ({url})' if url else ''}: {message}"
    return Issue("error", "hydrate", shown, where=document_id, fix=fix)


def batches(files: Sequence[Path]) -> Iterator[pa.RecordBatch]:
    """The rows of some Parquet files, a few at a time."""
    for path in files:
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(ROWS)


def card(old: str, version: str, names: Names, tables: Tables, edition: str) -> str:
    """The card of a hydrated release: how to load it, and what edition it is, said anew."""
    found = HEAD.match(old)
    head = yaml.safe_load(found[1]) if found else {}
    body = HEAD.sub("", old, count=1)
    before, mark, rest = body.partition(BEGIN)
    body = before + edition + rest.partition(END)[2] if mark and END in rest else f"\n{edition}\n{body}"
    return headed({**head, **loading(version, features(names), loadable(tables))}, body)
