"""The corpus of a project as sharded tables: documents, articles, keys, filters, groups; and what cleaning removed."""

from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from builder.corpus.cleaning.clean import clean_batch
from builder.corpus.cleaning.stage import CleaningConfig, counts_for
from builder.corpus.explain import trace
from builder.corpus.explain.losses import (
    COLUMNS,
    EmptiedPage,
    Losses,
    Place,
    RuleExample,
    documents_of,
    emptied_page,
    measure,
    with_origins,
)
from builder.corpus.explain.losses_text import most_drops
from builder.corpus.explain.trace import Explanation
from builder.executor import stage as stages
from builder.executor import storage
from builder.executor.markers import Shard, ShardResult
from builder.executor.stage import Stage
from builder.executor.start import ExecutorConfig, engine_for, progress_callback
from builder.io.jsonl import read_jsonl
from builder.io.parquet import PART, from_table
from builder.io.remote import is_remote, open_file
from builder.project.counts import pinned_counts, project_counts
from builder.project.project import Project, said
from builder.project.stages.corpus import clean_inputs
from builder.project.stages.shards import done_shards, stage_folder, stage_shards
from builder.records import Article, Document, Drop, Dropped, Issue, user_error
from builder.text.profiles import Profile, profile

C = TypeVar("C")

R = TypeVar("R")


def stage_bytes(project: Project, stage: str) -> int:
    """Return the total size of a stage's shards in bytes."""
    return sum(size for name, size in storage.listed(stage_folder(project, stage)).items() if name.endswith(".parquet"))


def run_stage(
    project: Project, stage: Stage[C], config: C, run: ExecutorConfig, *, digest: bytes | None = None
) -> list[ShardResult]:  # fmt: skip
    """Run a stage over all its input shards. Shards that are up to date are skipped."""
    found = stage_shards(project, stage.source)
    with engine_for(run, stage_bytes(project, stage.source)) as pmap:
        return stages.run(stage.name, stage.function, config, found, stage_folder(project, stage.target), pmap,
                          schema=stage.schema, watch=progress_callback(run, stage.name, len(found)), required=stage.required,
                          digest=digest, version=stage.version, compression=stage.compression, columns=stage.columns)  # fmt: skip


def sum_counts(found: Sequence[ShardResult]) -> Counter[str]:
    """Return the counts of all shards added up."""
    counts = Counter[str]()
    for result in found:
        counts.update(result.counts)
    return counts


def all_dropped(found: Sequence[ShardResult]) -> list[Dropped]:
    """Return the dropped records of all shards."""
    return [each for result in found for each in result.set_aside]


def all_issues(found: Sequence[ShardResult]) -> list[Issue]:
    """Return the issues of all shards."""
    return [each for result in found for each in result.issues]


def iter_records(project: Project, stage: str, record: type[R]) -> Iterator[list[R]]:
    """Yield the records of a stage in batches."""
    for shard in stage_shards(project, stage):
        with _parquet(shard) as file:
            for batch in file.iter_batches(batch_size=PART):
                yield from_table(batch, record)


def iter_columns(project: Project, stage: str, names: Sequence[str]) -> Iterator[pa.Table]:
    """Yield some columns of each shard of a stage."""
    for shard in stage_shards(project, stage):
        with _parquet(shard) as file:
            yield file.read(columns=list(names))


def read_columns(project: Project, stage: str, names: Sequence[str]) -> pa.Table:
    """Read some columns of all rows of a stage."""
    found = [*iter_columns(project, stage, names)]
    return pa.concat_tables(found) if found else pa.table({name: pa.array([], pa.string()) for name in names})


def iter_tables(project: Project, stage: str) -> Iterator[pa.Table]:
    """Yield the shards of a stage as tables."""
    for shard in stage_shards(project, stage):
        with _parquet(shard) as file:
            yield file.read()


def select_rows(project: Project, stage: str, record: type[R], name: str, values: Collection[str]) -> list[R]:
    """Read the records whose column has one of these values. Other row groups are skipped."""
    return [row for rows in iter_selected(project, stage, record, name, values) for row in rows]


def iter_selected(
    project: Project, stage: str, record: type[R], name: str, values: Collection[str]
) -> Iterator[list[R]]:
    """Yield the records whose column has one of these values, row group by row group, reading each once."""
    wanted = pa.array(sorted(values), pa.string())
    for shard in stage_shards(project, stage):
        with _parquet(shard) as file:
            for number in range(file.num_row_groups):
                among = pc.is_in(file.read_row_group(number, columns=[name])[name], wanted)
                if pc.any(among).as_py():
                    yield from_table(file.read_row_group(number).filter(among), record)


@contextmanager
def _parquet(shard: Shard) -> Iterator[pq.ParquetFile]:
    if not is_remote(shard.uri):  # without Python's file, whose last holder can be an Arrow thread when Python ends
        with pq.ParquetFile(shard.uri) as file:
            yield file
        return
    with open_file(shard.uri) as raw, pq.ParquetFile(raw) as file:
        yield file


def refuse_empty(project: Project) -> None:
    """Raise KhabarError if the project has no documents."""
    if not any(result.kept for result in done_shards(project, "documents")):
        raise user_error("no-documents", "the project has no documents", fix="run `khabar ingest FILES` first")


def refuse_stale(project: Project) -> None:
    """Raise KhabarError if cleaning is out of date."""
    project.once("cleaned", lambda: _refuse_stale(project))


def _refuse_stale(project: Project) -> None:
    refuse_empty(project)
    changed = project.changes("clean", clean_inputs(project))
    if changed is None:
        raise user_error("stale", "the documents were not cleaned yet", fix="run `khabar clean` first")
    if changed:
        message = f"{said(changed)} changed since the last `khabar clean`"
        raise user_error("stale", message, fix="run `khabar clean` first")


def read_documents(project: Project) -> list[Document]:
    """Load all documents. Raises KhabarError if there are none."""
    refuse_empty(project)
    found = [document for batch in iter_records(project, "documents", Document) for document in batch]
    return sorted(found, key=lambda document: document.id)


def profile_of(project: Project) -> Profile:
    """Return the normalization profile of the project."""
    return project.once("profile", lambda: profile(project.schema.dataset.profile, project.schema.own_profile))


def cleaning_config(project: Project) -> CleaningConfig:
    """Return everything that cleaning depends on beside the documents."""
    table = profile_of(project)
    counts = project_counts(project, table.id)
    return CleaningConfig(table, project.schema.boilerplate, counts, pinned_counts(project, table.id))


def read_articles(project: Project) -> list[Article]:
    """Load all articles. Raises KhabarError if cleaning is out of date."""
    refuse_stale(project)
    found = [article for batch in iter_records(project, "articles", Article) for article in batch]
    return sorted(found, key=lambda article: article.id)


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


def read_rule_examples(project: Project, losses: Losses) -> tuple[RuleExample, ...]:
    """Return an example of each of the rules that dropped most; none of a rule that only emptied pages."""
    first = {rule.rule: rule.first for rule in most_drops(losses) if rule.first}
    return tuple(map(RuleExample, first, read_places(project, [*first.values()])))


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
