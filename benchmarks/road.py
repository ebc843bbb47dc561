"""Benchmark of the whole road without a server: seconds, MB/s and memory of each command from `ingest` to `build`.

    python benchmarks/road.py --pages 100000
    python benchmarks/road.py --pages 1000000 --write

The pages are invented, of 2.4 KB, with planted duplicates (planted.py). Three simulated annotators judge a batch of
20,000 articles. Each command runs once, in a process of its own, as its user would start it, on a tenth of the pages
and on all. The floor of a command reads the bytes that the command is about as Parquet and writes them as Parquet
again: those of all pages, or those of the release for the commands from `check` on. Times are never asserted.
"""

import argparse
import os
import platform
import random
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
from planted import corpus, shards
from results import write_part
from watch import Used, run_watched

from builder.io.jsonl import write_jsonl
from builder.project.annotations import read_batch_ids
from builder.project.corpus import select_rows
from builder.project.project import Project
from builder.records import Article, Judgement, Span
from builder.text.tokens import tokenize

ROOT = Path(__file__).parent.parent
BATCH = "batch-1"
ANNOTATORS = ("a-0000000001", "a-0000000002", "a-0000000003")
SPANS, MISSED = 20, 0.1
"""Spans of an article, and the share of them that an annotator misses."""
COPY = """
import sys
import pyarrow.parquet as pq
for number, path in enumerate(sys.argv[2:]):
    file = pq.ParquetFile(path)
    with pq.ParquetWriter(f"{sys.argv[1]}/{number}.parquet", file.schema_arrow, compression="zstd") as made:
        for group in range(file.num_row_groups):
            made.write_table(file.read_row_group(group))
"""


@dataclass(frozen=True, slots=True)
class Step:
    """A command of the road and what it took; `floor` is the seconds of reading and writing the same bytes."""

    command: str
    used: Used
    size: int
    """Bytes of the text that it is about."""
    floor: float


def main() -> None:
    """Walk the road with a tenth of the pages and with all, and print what each command took."""
    options = _options()
    small, large = (walk(pages, options.annotated, options.seed) for pages in (options.pages // 10, options.pages))
    text = _markdown(options, small, large)
    print(text)
    if options.write:
        write_part("road", text)


def walk(pages: int, annotated: int, seed: int) -> list[Step]:
    """Walk the road with a number of pages, of which `annotated` articles at most are judged."""
    source = [str(path) for path in shards(corpus(pages, seed))]
    size = sum(_text_bytes(source))
    with tempfile.TemporaryDirectory(prefix="khabar-road-") as scratch:
        project = Path(scratch, "project")
        found(project, annotated)
        crawl = [
            ("ingest", *source),
            ("clean",),
            ("dedup",),
            ("sample", "--batch", BATCH, "--size", str(min(annotated, pages // 2))),
        ]
        begun = [(command[0], khabar(project, *command)) for command in crawl]
        judged = judge(project, seed)
        rest = [("check",), ("agree",), ("adjudicate",), ("build", "1.0.0")]
        work = [(command[0], khabar(project, *command)) for command in rest]
        release = [str(path) for path in sorted((project / "dist").rglob("*.parquet"))]
        of_pages, of_release = (_floor(Path(scratch), files) for files in (source, release))
    return [
        *(Step(name, used, size, of_pages) for name, used in begun),
        *(Step(name, used, judged, of_release) for name, used in work),
    ]


def khabar(folder: Path, *arguments: str) -> Used:
    """Run a command of khabar in a folder."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return run_watched([sys.executable, "-m", "builder", *arguments], folder, env)


def found(project: Path, annotated: int) -> None:
    """Make a project like the repository's own, with larger batches and without floors of agreement."""
    project.mkdir()
    shutil.copytree(ROOT / "schema", project / "schema")
    shutil.copy(ROOT / "dataset_card.md", project)
    settings = project / "schema" / "dataset.yaml"
    text = re.sub(r"size: \d+", f"size: {annotated}", settings.read_text(encoding="utf-8"), count=1)
    settings.write_text(re.sub(r"(?m)^floors:.*\n(  .*\n)*", "", text), encoding="utf-8")


def _text_bytes(files: Sequence[str]) -> Iterator[int]:
    """Yield the bytes of the texts of each Parquet file of a corpus."""
    for path in files:
        yield pc.sum(pc.binary_length(pq.read_table(path, columns=["text"])["text"])).as_py()


def judge(folder: Path, seed: int) -> int:
    """Write the judgements of three simulated annotators on a batch, and return the bytes of its texts."""
    project, dice = Project(folder), random.Random(seed)  # noqa: S311 - seeded material
    schema, made = project.schema, list[Judgement]()
    articles = select_rows(project, "articles", Article, "id", read_batch_ids(project, BATCH))
    for article in articles:
        tokens = [(start, end) for start, end in tokenize(article.text) if article.text[start:end].isalpha()]
        drawn = sorted(dice.sample(tokens, min(SPANS, len(tokens))))
        marked = [Span(start, end, dice.choice(schema.labels.entity_names)) for start, end in drawn]
        for who in ANNOTATORS:
            seen = tuple(span for span in marked if dice.random() >= MISSED)
            made.append(Judgement(article.id, article.text_sha, BATCH, who, seen, (), "submitted", 30.0,
                                  "2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z", schema.guideline_version,
                                  schema.label_hash, 1, len(made)))  # fmt: skip
    write_jsonl(project.annotations / BATCH / "judgements.jsonl", made)
    return sum(len(article.text.encode()) for article in articles)


def _floor(scratch: Path, files: Sequence[str]) -> float:
    """Return the seconds that reading Parquet files and writing their tables again takes, in a process of its own."""
    target = scratch / "copied"
    target.mkdir()
    used = run_watched([sys.executable, "-c", COPY, str(target), *files], target, os.environ)
    shutil.rmtree(target)
    return used.seconds


def _markdown(options: argparse.Namespace, small: Sequence[Step], large: Sequence[Step]) -> str:
    """Return the section of benchmarks/results.md."""
    rows = [
        f"| {step.command} | {step.size / 1e6:,.0f} | {step.used.seconds:.1f} | {step.used.processor:.1f} | "
        f"{step.size / 1e6 / step.used.seconds:.1f} | {step.used.peak_mb:,.0f} | {before.used.peak_mb:,.0f} | "
        f"{step.used.seconds / before.used.seconds:.1f}x | {step.used.seconds / step.floor:.1f}x |"
        for before, step in zip(small, large, strict=True)
    ]
    return "\n".join([
        "# Benchmark of the whole road",
        "",
        f"Written by `python benchmarks/road.py --pages {options.pages} --annotated {options.annotated} --write`.",
        "",
        f"- Machine: {os.cpu_count()} cores, {platform.system()} {platform.machine()}; Python {platform.python_version()}.",
        f"- {options.pages:,} invented pages with planted duplicates (`benchmarks/planted.py`), and a tenth of them.",
        f"- {options.annotated:,} articles at most with {SPANS} spans, judged by {len(ANNOTATORS)} simulated annotators.",
        "- MB are of the texts: of all pages, from check on of the batch. Memory is anonymous, of all processes.",
        "- The floor reads those pages, from check on the release, as Parquet and writes them as Parquet again.",
        "",
        "| command | MB | seconds | processor seconds | MB/s | peak MB | peak MB, a tenth | time for ten times as many | of the floor |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
        *rows,
    ])  # fmt: skip


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pages", type=int, default=100_000, help="pages of the longer road (default 100000)")
    parser.add_argument("--annotated", type=int, default=20_000, help="articles that are judged (default 20000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="write the figures to benchmarks/results.md")
    return parser.parse_args()


if __name__ == "__main__":
    main()
