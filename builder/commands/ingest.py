"""The command `ingest`: read files, folders or datasets as documents."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from builder.cli.options import bulk
from builder.cli.output import Console
from builder.cli.road import project_of, road
from builder.corpus.ingest import AGAIN, ingest_pieces
from builder.corpus.readers import sources
from builder.corpus.readers.encodings import NAMES
from builder.executor.start import LOCAL, ExecutorConfig, engine_for, progress_callback
from builder.project.project import Project
from builder.project.stages.shards import corpus_root, done_shards
from builder.records import Line, Report, StageCounts

SHOWN = 30
"""Names of extra fields that the text lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestReport(Report):
    """The report of `ingest`: the documents that the project has by then, and how many kept each field without a column."""

    documents: int
    extra: dict[str, int]

    def lines(self) -> Iterator[Line]:
        """Return the documents of the project, and the fields without a column."""
        yield Line("documents in the project", str(self.documents))
        if self.extra:
            listed = [f"{name} ({number:,})" for name, number in self.extra.items()]
            more = f" and {len(listed) - SHOWN:,} more" if len(listed) > SHOWN else ""
            yield Line("fields kept as extra", ", ".join(listed[:SHOWN]) + more)


@click.command("ingest")
@click.argument("paths", nargs=-1, required=True)
@click.option("--encoding", type=click.Choice(NAMES), help="Encoding of the files (default: detected for each).")
@bulk
@road
def cli(console: Console, paths: tuple[str, ...], encoding: str | None) -> IngestReport:
    """Read files, folders or datasets as documents. Texts are stored unchanged.

    PATHS are .txt, .json, .jsonl, .csv, .tsv, .parquet, .html, .warc, .rss, .atom or .xml files, packed as .gz or .zst
    or in a .zip too, here or at an address that fsspec reads, such as s3://bucket/crawl; or what load_dataset reads,
    such as hub://org/name?config=c&split=train. `fields:` in schema/dataset.yaml maps columns. A malformed record is
    skipped and reported with the reason.
    """
    given = [path if "://" in path else str(console.folder / path) for path in paths]
    return ingest(
        project_of(console),
        given,
        encoding=encoding,
        run=ExecutorConfig(console.engine, console.workers, console.step),
    )


def ingest(
    project: Project, inputs: Sequence[str | Path], *, encoding: str | None = None, run: ExecutorConfig = LOCAL
) -> IngestReport:
    """Add documents to the project. Known texts are not added again; malformed records are skipped and reported.

    Raises KhabarError (exit code 2) with every fault of the request, or if nothing could be read.
    """
    with project.lock():
        plan = sources.plan([str(path) for path in inputs], project.schema.dataset.fields, encoding)
        pieces = [sources.with_sources(piece, project.schema.sources) for piece in plan.pieces]
        with engine_for(run, sum(piece.size for piece in pieces)) as pmap:
            watch = progress_callback(run, "ingest", len(pieces))
            taken = ingest_pieces(pieces, corpus_root(project), pmap, watch)
        aside = [*plan.set_aside, *taken.set_aside]
        reasons = Counter(dropped.reason for dropped in aside) + Counter({AGAIN: taken.again})
        number = len(plan.set_aside) + taken.taken
        account = StageCounts("ingest", "files and records", number, taken.kept, dict(sorted(reasons.items())))
        every = sum(shard.rows for shard in done_shards(project, "documents"))
        project.save_account("ingest", [account], aside)
    return IngestReport(
        "ingest", (account,), taken.issues, set_aside=tuple(aside), documents=every, extra=dict(taken.extra)
    )
