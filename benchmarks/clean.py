"""Benchmark of `khabar clean`: real newspapers and invented dumps, beside another commit of khabar in the same run.

    python benchmarks/clean.py --pages 8000
    git worktree add /tmp/khabar-3003190 3003190
    python benchmarks/clean.py --old /tmp/khabar-3003190 --write

The command runs as its user would start it, on a new project each time, with both passes: counting what recurs, and
cleaning. Commit 3003190 cleans only. The commits take turns, and the best of the rounds counts. Newspapers are
SaudiNewsNet in the shared folder; without it, only invented pages are cleaned. Times are never asserted.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from corpora import pages
from newspapers import documents
from results import write_part

from builder.records import Document

ROOT = Path(__file__).parent.parent
RUN = """
import sys
try:
    from builder.main import main
except ImportError:
    from builder.cli import main  # as it was called at commit 3003190
sys.argv[0] = "khabar"
sys.exit(main())
"""


@dataclass(frozen=True, slots=True)
class Used:
    """The wall and processor seconds of a command and of all processes that it started."""

    seconds: float
    processor: float


@dataclass(frozen=True, slots=True)
class Row:
    """What cleaning one set of pages took one commit, in its best round."""

    pages: str
    size: int
    """Bytes of the pages in UTF-8."""
    commit: str
    used: Used


def main() -> None:
    """Clean each set by each commit, and print what it took."""
    options = _options()
    trees = {"this commit": ROOT} | ({"the other commit": options.old} if options.old else {})
    sets: dict[str, list[Document]] = {"invented dumps": [*islice(pages(sys.maxsize, options.seed), options.pages)]}
    if (options.shared / "data" / "pages" / "saudinewsnet").is_dir():
        sets["SaudiNewsNet"] = [*documents(options.shared / "data" / "pages" / "saudinewsnet")]
    rows = [row for name, given in sets.items() for row in measure(name, given, trees, options.rounds)]
    text = _markdown(options, rows)
    print(text)
    if options.write:
        write_part("clean", text)


def measure(name: str, given: Iterable[Document], trees: Mapping[str, Path], rounds: int) -> list[Row]:
    """Clean a set of pages by each commit in turns, and return the best round of each."""
    with tempfile.TemporaryDirectory(prefix="khabar-clean-") as scratch:
        source, size = Path(scratch, "pages.jsonl"), 0
        with source.open("w", encoding="utf-8") as file:
            for page in given:
                size += len(page.raw.encode())
                row = {"text": page.raw, "source": page.source, "title": page.title, "author": page.author}
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        ingested = {commit: Path(scratch, f"ingested-{number}") for number, commit in enumerate(trees)}
        for commit, folder in ingested.items():
            khabar(trees[commit], Path(scratch), "init", str(folder))
            khabar(trees[commit], folder, "ingest", str(source))
        found: dict[str, Used] = {}
        for _ in range(rounds):
            for commit, folder in ingested.items():
                project = Path(scratch, "project")
                shutil.copytree(folder, project)
                used = khabar(trees[commit], project, "clean")
                found[commit] = min(used, found.get(commit, used), key=lambda one: one.seconds)
                shutil.rmtree(project)
    return [Row(name, size, commit, used) for commit, used in found.items()]


def khabar(tree: Path, folder: Path, *arguments: str) -> Used:
    """Run a command of the khabar in a folder of its source; raise SystemExit with its messages if it fails."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile() as log:
        start = time.perf_counter()
        child = subprocess.Popen(
            [sys.executable, "-c", RUN, *arguments],
            cwd=folder,
            env=env | {"PYTHONPATH": str(tree)},
            stdout=log,
            stderr=log,
        )
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            log.seek(0)
            raise SystemExit(log.read().decode("utf-8", "replace"))
    return Used(seconds, usage.ru_utime + usage.ru_stime)


def _markdown(options: argparse.Namespace, rows: list[Row]) -> str:
    said = (
        f"Written by `python benchmarks/clean.py {' '.join(sys.argv[1:])}`; {os.cpu_count()} cores, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}; best of {options.rounds} rounds, "
        "in turns. The other commit is 3003190, which cleans and does not count."
    )
    lines = [
        "# Cleaning by the command", "", said, "",
        "| pages | MB | commit | seconds | processor seconds | seconds to this commit's | processor to this commit's |",
        "|---|---:|---|---:|---:|---:|---:|",
    ]  # fmt: skip
    this = {row.pages: row.used for row in rows if row.commit == "this commit"}
    for row in rows:
        faster = row.used.seconds / this[row.pages].seconds, row.used.processor / this[row.pages].processor
        lines.append(
            f"| {row.pages} | {row.size / 1e6:.1f} | {row.commit} | {row.used.seconds:.1f} | {row.used.processor:.1f} "
            f"| {faster[0]:.2f} | {faster[1]:.2f} |"
        )
    return "\n".join([*lines, ""])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pages", type=int, default=8000, help="invented dumps (default 8000)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, of which the best counts (default 3)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="folder of the real newspapers")
    parser.add_argument("--old", type=Path, help="source of another commit of khabar")
    parser.add_argument("--write", action="store_true", help="write the figures into benchmarks/results.md")
    return parser.parse_args()


if __name__ == "__main__":
    main()
