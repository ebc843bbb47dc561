"""What cleaning removed from the pages of a project, and the traces of some pages."""

from collections import defaultdict, deque
from collections.abc import Collection, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from builder.corpus.cleaning.clean import clean_batch
from builder.corpus.cleaning.stage import counts_for
from builder.corpus.explain import trace
from builder.corpus.explain.losses import (
    COLUMNS,
    EmptiedPage,
    Losses,
    Place,
    documents_of,
    emptied_page,
    measure,
    with_origins,
)
from builder.corpus.explain.losses_text import LISTED, clean_facts, most_drops
from builder.corpus.explain.trace import Explanation
from builder.io.jsonl import read_jsonl
from builder.project.corpus import cleaning_config, iter_columns, select_rows
from builder.project.project import Project
from builder.records import Article, Document, Drop, Dropped


def read_losses(project: Project, worst: int) -> Losses:
    """Return what cleaning removed, with at most `worst` pages without text and `worst` of those that lost most."""
    losses = measure(iter_columns(project, "articles", COLUMNS), _emptied(project), worst)
    return with_origins(losses, _origins(project, documents_of(losses)))


def _emptied(project: Project) -> list[EmptiedPage]:
    """Return the pages that ended with no text: documents without an article that cleaning set aside for it."""
    details: dict[str, deque[str]] = defaultdict(deque)
    for entry in read_jsonl(project.work / "set_aside" / "clean.jsonl", Dropped):
        if entry.reason == "no body":
            details[entry.what].append(entry.detail)
    if not details:
        return []
    with_text = pa.concat_arrays([
        column for shard in iter_columns(project, "articles", ["document_id"]) for column in shard["document_id"].chunks
    ])  # fmt: skip
    origins = pa.array([*details], pa.string())
    rows: list[dict[str, str]] = []
    for shard in iter_columns(project, "documents", ["id", "origin", "source"]):
        named = shard.filter(pc.is_in(shard["origin"], origins))
        rows += named.filter(pc.invert(pc.is_in(named["id"], with_text))).to_pylist()
    return [  # several documents may have one origin; both lists have one order
        emptied_page(row["id"], row["origin"], row["source"], details[row["origin"]].popleft())
        for row in rows
        if details[row["origin"]]
    ]


def _origins(project: Project, documents: Collection[str]) -> dict[str, str]:
    wanted = pa.array(sorted(documents), pa.string())
    return {
        row["id"]: row["origin"]
        for shard in iter_columns(project, "documents", ["id", "origin"])
        for row in shard.filter(pc.is_in(shard["id"], wanted)).to_pylist()
    }


def read_places(project: Project, places: Sequence[Place]) -> list[str]:
    """Return the raw text at each place."""
    wanted = {place.document_id for place in places}
    raw = {page.id: page.raw for page in select_rows(project, "documents", Document, "id", wanted)} if wanted else {}
    return [raw[place.document_id][place.start : place.end] for place in places]


def loss_facts(project: Project) -> dict[str, str]:
    """Return what `clean` reports of its losses: pages without text, pages that lost much, rules with an example each."""
    losses = read_losses(project, LISTED)
    first = {rule.rule: rule.first for rule in most_drops(losses) if rule.first}
    return clean_facts(losses, dict(zip(first, read_places(project, [*first.values()]), strict=True)))


def explain_documents(project: Project, documents: Sequence[str]) -> Iterator[Explanation]:
    """Yield the trace of each document, in the order given."""
    articles: dict[str, list[Article]] = defaultdict(list)
    for article in select_rows(project, "articles", Article, "document_id", documents):
        articles[article.document_id].append(article)
    pages = {page.id: page for page in select_rows(project, "documents", Document, "id", documents)}
    config = cleaning_config(project)
    bare = [page for page in pages.values() if page.id not in articles]
    cleaned = clean_batch(bare, config.profile, config.rules, counts_for(config, [page.id for page in bare]))
    drops: dict[str, Sequence[Drop]] = {page.id: done.drops for page, done in zip(bare, cleaned, strict=True)}
    for name in documents:
        yield trace.explain(pages[name], articles[name], config.profile, drops.get(name, ()))
