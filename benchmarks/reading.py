"""Benchmark of the commands that read releases: `verify`, `diff`, `reopen` and `hydrate`.

    python benchmarks/reading.py --articles 10000 --write

The release is made of invented pages, as in road.py; three simulated annotators judge each article. A second version
lacks the first span of every judgement of one article in a hundred, and a third release is the stand-off edition. Each
command runs once, in a process of its own; `verify` and `hydrate` run in an empty folder, so that nothing is rebuilt.
The floor of a command reads the same Parquet files. Times are never asserted.
"""

import argparse
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from planted import corpus, shards
from results import write_part
from road import BATCH, SPANS, found, judge, khabar
from watch import Used, run_watched

from builder.io.jsonl import read_jsonl, write_jsonl
from builder.records import Judgement

CHANGED = 100
"""One article in so many changes in the second version."""
READ = """
import sys
import pyarrow.parquet as pq
for path in sys.argv[1:]:
    file = pq.ParquetFile(path)
    for group in range(file.num_row_groups):
        file.read_row_group(group)
"""


@dataclass(frozen=True, slots=True)
class Step:
    """A command and what it took; `floor` is what reading the same Parquet files took."""

    command: str
    used: Used
    floor: Used


def main() -> None:
    """Make the releases, run each command on them, and print what it took."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="khabar-reading-") as scratch:
        steps = measure(Path(scratch), options.articles, options.seed)
    text = _markdown(options, steps)
    print(text)
    if options.write:
        write_part("reading", text)


def measure(scratch: Path, articles: int, seed: int) -> list[Step]:
    """Run the commands on releases of so many articles."""
    project, twin, empty = scratch / "project", scratch / "twin", scratch / "empty"
    source = [str(path) for path in shards(corpus(2 * articles, seed))]
    _release(project, source, articles, seed)
    shutil.copytree(project, twin, ignore=shutil.ignore_patterns("dist", "releases.jsonl"))
    _change(project)
    settings = twin / "schema" / "dataset.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + "text: standoff\n", encoding="utf-8")
    _settle(twin, "1.0.0")
    empty.mkdir()
    first, second, standoff = project / "dist" / "v1.0.0", project / "dist" / "v2.0.0", twin / "dist" / "v1.0.0"
    pages = [part for path in source for part in ("--articles", path)]
    return [
        _step("verify", empty, (first,), str(first)),
        _step("verify, stand-off", empty, (standoff,), str(standoff)),
        _step("diff", empty, (first, second), str(first), str(second)),
        _step("reopen", project, (first,), "1.0.0"),
        _step("hydrate", empty, (standoff,), str(standoff), *pages),
    ]


def _release(project: Path, source: Sequence[str], articles: int, seed: int) -> None:
    """Make the first release of a project."""
    found(project, articles)
    for command in (("ingest", *source), ("clean",), ("dedup",), ("sample", "--batch", BATCH, "--size", str(articles))):
        khabar(project, *command)
    judge(project, seed)
    _settle(project, "1.0.0")


def _settle(project: Path, version: str) -> None:
    """Build a version of what was judged."""
    for command in (("check",), ("agree",), ("adjudicate",), ("build", version)):
        khabar(project, *command)


def _change(project: Path) -> None:
    """Take the first span from each judgement of some articles, and build a second version."""
    path = project / "annotations" / BATCH / "judgements.jsonl"
    judgements = read_jsonl(path, Judgement)
    changed = {*sorted({one.article_id for one in judgements})[::CHANGED]}
    write_jsonl(path, [replace(one, spans=one.spans[one.article_id in changed :]) for one in judgements])
    _settle(project, "2.0.0")


def _step(name: str, folder: Path, releases: Sequence[Path], *arguments: str) -> Step:
    """Run a command, then its floor."""
    used = khabar(folder, name.partition(",")[0], *arguments)
    files = [str(path) for release in releases for path in sorted(release.rglob("*.parquet"))]
    return Step(name, used, run_watched([sys.executable, "-c", READ, *files], folder, os.environ))


def _markdown(options: argparse.Namespace, steps: Sequence[Step]) -> str:
    """Return the section of benchmarks/results.md."""
    rows = [
        f"| {step.command} | {step.used.seconds:.1f} | {step.used.processor:.1f} | {step.used.peak_mb:,.0f} | "
        f"{step.floor.seconds:.1f} | {step.used.seconds / step.floor.seconds:.1f}x |"
        for step in steps
    ]
    return "\n".join([
        "# Benchmark of reading releases",
        "",
        f"Written by `python benchmarks/reading.py --articles {options.articles} --write`.",
        "",
        f"- Machine: {os.cpu_count()} cores, {platform.system()} {platform.machine()}; Python {platform.python_version()}.",
        f"- {options.articles:,} invented articles with {SPANS} spans, each judged by three simulated annotators.",
        f"- The second version of diff differs in one article of {CHANGED}. Nothing is rebuilt: verify has no project.",
        "- Memory is anonymous, of all processes. The floor reads the same Parquet files in a process of its own.",
        "",
        "| command | seconds | processor seconds | peak MB | seconds of the floor | of the floor |",
        "|---|---:|---:|---:|---:|---:|",
        *rows,
    ])  # fmt: skip


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--articles", type=int, default=10_000, help="articles of the releases (default 10000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="write the figures to benchmarks/results.md")
    return parser.parse_args()


if __name__ == "__main__":
    main()
