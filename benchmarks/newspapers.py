"""Cleaning of real newspapers by khabar, by its commit 3003190 and by other tools: speed, and scores on marked pages.

The pages are SaudiNewsNet and the marks of some of its pages, in the shared folder; without it, nothing is measured.
"""

import importlib.util
import json
import subprocess
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
from cleaners import cleaners
from methods import DECODE, STANDARD, Method, Sample, timed

from builder.corpus.cleaning.clean import clean_batch
from builder.corpus.cleaning.counts import Counts, count_table, merge
from builder.corpus.cleaning.stage import CleaningConfig, clean_table
from builder.executor.worker import ROWS
from builder.io.hashing import sha16
from builder.io.parquet import to_table
from builder.records import Article, Document
from builder.schema.boilerplate import Boilerplate
from builder.text.aligned import unpack_edits

OLD = "khabar at 3003190, cleaning only (it counted nothing)"
THIS = "khabar, counting and cleaning"
COLUMNS = ("clean pages altered", "drop precision", "drop recall", "line recall", "spans removed")
FIGURES = ("clean_altered", "drop_P", "drop_R", "line_R", "spans_removed")

Ranges = Sequence[tuple[int, int]]
"""Ranges of raw code points that are kept of a page."""
Marked = tuple[dict[str, Any], str, dict[str, str], object]
"""A marked page as the scorer loads it: its marks, raw text, facts and HTML."""


@dataclass(slots=True)
class Newspapers:
    """What was measured: each method's MB/s and the decoding beside it, and its counters, in total and by source."""

    described: str
    speeds: dict[str, tuple[float, float]] = field(default_factory=dict)
    subsets: dict[str, float] = field(default_factory=dict)
    """The MB that a slow method ran on."""
    totals: dict[str, Counter[str]] = field(default_factory=dict)
    sources: dict[str, dict[str, Counter[str]]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def documents(folder: Path) -> Iterator[Document]:
    """Yield the articles of SaudiNewsNet that are not empty, in the order of its files."""
    for path in sorted(folder.glob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            for name in sorted(name for name in archive.namelist() if name.endswith(".json")):
                for row in json.loads(archive.read(name)):
                    if raw := row["content"]:
                        yield Document(sha16(raw), row["source"], row["url"], None, row["title"] or None, raw, name,
                                       author=row["author"] or None)  # fmt: skip


def measure(shared: Path, rules: Boilerplate, size: int, slow: int, rounds: int, old: str) -> Newspapers | str:
    """Time all methods on the first `size` bytes, slow ones on `slow`, and score them; or return why not."""
    scorer, folder = shared / "tools" / "score_pages.py", shared / "data" / "pages"
    if not scorer.exists() or not (folder / "saudinewsnet").is_dir():
        return f"Not run: {shared.name}/ has no SaudiNewsNet (data/pages/saudinewsnet) or no scorer."
    tool, pages = _module(scorer), [*documents(folder / "saudinewsnet")]
    marked, _ = tool.load(str(folder / "marks.jsonl"), str(shared / "data"))
    first = pages[: _first(pages, size)]
    sample = Sample.of([page.raw for page in first])
    found = Newspapers(
        f"SaudiNewsNet: {len(first):,} of {len(pages):,} articles timed, {sample.size / 1e6:.1f} MB; "
        f"{len(marked)} marked pages, of {len({page[0]['source'] for page in marked})} sources"
    )
    others = cleaners()
    found.missing.update(others.missing)
    tables = [*_tables(first)]
    both = Method(THIS, lambda _: _both_passes(tables, rules), compares=False)
    slower = [Method(name, _on_texts(run), slow=True) for name, run in others.found.items()]
    _time(found, [DECODE, both, *slower], sample, slow, rounds)
    counts = count(pages)
    _score(found, tool, marked, "keep everything", [[(0, len(page[1]))] for page in marked])
    if old:
        made = _old(old, sample.raws, rounds, marked)
        found.speeds[OLD] = made["speed"], made["decode"]
        _score(found, tool, marked, OLD, made["kept"])
    for name, run in others.found.items():
        _score(found, tool, marked, name, [_lines_of(page[1], run(page[1])) for page in marked])
    _score(found, tool, marked, "khabar", [_kept(page, rules, counts) for page in marked])
    return found


def count(pages: Sequence[Document]) -> Counts:
    """Count what recurs in the sources of some pages."""
    return _counted([*_tables(pages)])


def _counted(pages: Sequence[pa.Table]) -> Counts:
    tables = [count_table(table, STANDARD).table for table in pages]
    return merge(STANDARD.id, sum(table.num_rows for table in tables), lambda: iter(tables))


def _both_passes(tables: Sequence[pa.Table], rules: Boilerplate) -> list[object]:
    counts = _counted(tables)
    return [clean_table(table, CleaningConfig(STANDARD, rules, counts)) for table in tables]


def _tables(pages: Sequence[Document]) -> Iterator[pa.Table]:
    """Yield pages as tables of as many rows as a worker cleans at once."""
    return (to_table(pages[first : first + ROWS], Document) for first in range(0, len(pages), ROWS))


def _first(pages: Sequence[Document], size: int) -> int:
    """Return how many pages have about `size` bytes in total, at least one."""
    for number, page in enumerate(pages):
        if size <= 0:
            return max(1, number)
        size -= len(page.raw.encode())
    return len(pages)


def _on_texts(run: Callable[[str], list[bool]]) -> Callable[[Sample], list[Any]]:
    return lambda sample: [run(raw) for raw in sample.raws]


def _time(found: Newspapers, methods: Sequence[Method], sample: Sample, slow: int, rounds: int) -> None:
    subset = sample.first(slow)
    best = timed(methods, sample, subset, rounds)
    for name, seconds in best.items():
        found.speeds[name] = 1 / seconds, 1 / best[DECODE.name]
    found.subsets = {method.name: subset.size / 1e6 for method in methods if method.slow and subset.size < sample.size}


def _old(python: str, texts: Sequence[str], rounds: int, marked: Sequence[Marked]) -> dict[str, Any]:
    """Run cleaner_3003190.py in its environment."""
    wanted = {"texts": texts, "rounds": rounds, "marked": [(p[2]["source"], p[2]["title"], p[1]) for p in marked]}
    command = [python, str(Path(__file__).with_name("cleaner_3003190.py"))]
    done = subprocess.run(command, input=json.dumps(wanted).encode(), check=True, stdout=subprocess.PIPE)
    made: dict[str, Any] = json.loads(done.stdout)
    return made


def _kept(page: Marked, rules: Boilerplate, counts: Counts) -> Ranges:
    _, raw, facts, _ = page
    document = Document(sha16(raw), facts["source"], None, None, facts["title"] or None, raw, "page",
                        author=facts["author"] or None)  # fmt: skip
    (done,) = clean_batch([document], STANDARD, rules, [counts])
    return [span for article in done.articles for span in _spans(raw, article)]


def _spans(raw: str, article: Article) -> Iterator[tuple[int, int]]:
    """Yield the raw range of each line of an article."""
    aligned, begin = unpack_edits(article.text, raw, article.edits), 0
    for line in article.text.split("\n"):
        yield aligned.raw_span(begin, begin + len(line))
        begin += len(line) + 1


def _lines_of(raw: str, kept: Iterable[bool]) -> Ranges:
    """Return the ranges of the lines that a method keeps."""
    ranges, begin = [], 0
    for line, is_kept in zip(raw.split("\n"), kept, strict=True):
        if is_kept:
            ranges.append((begin, begin + len(line)))
        begin += len(line) + 1
    return ranges


def _score(found: Newspapers, tool: ModuleType, marked: Sequence[Marked], name: str, kept: Sequence[Ranges]) -> None:
    total, sources = Counter[str](), dict[str, Counter[str]]()
    for (marks, raw, _, _), ranges in zip(marked, kept, strict=True):
        counted, _ = tool.score_page(marks, raw, ranges, skip_amb=True)
        total.update(counted)
        sources.setdefault(marks["source"], Counter()).update(counted)
    found.totals[name] = total
    for source, counter in sources.items():
        found.sources.setdefault(source, {})[name] = counter


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is no module")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def markdown(command: str, shared: Path, found: Newspapers | str) -> str:
    """Return the section of the report."""
    head = ["# Cleaning real newspapers", "", f"Written by `{command}`; each run overwrites this section.", ""]
    if isinstance(found, str):
        return "\n".join([*head, found, ""])
    figures = _module(shared / "tools" / "score_pages.py").figures
    tools = ", ".join(_installed(package) for package in ("justext", "trafilatura"))
    lines = [*head, f"{found.described}; {tools}.", "", "## Speed, one core", "", "| method | MB/s | of decode |",
             "|---|---:|---:|"]  # fmt: skip
    for name, (speed, decode) in found.speeds.items():
        subset = f" (first {found.subsets[name]:.1f} MB)" if name in found.subsets else ""
        lines.append(f"| {name}{subset} | {speed:.1f} | {speed / decode:.4f} |")
    lines += [f"| {name} | not run: {reason} | |" for name, reason in found.missing.items()]
    lines += ["", "## Scores on the marked pages", "", "Lines that the marks call ambiguous are left out.", ""]
    lines += _table("method", ((name, figures(total)) for name, total in found.totals.items()))
    lines += ["", "## Scores by source", ""]
    lines += _table("source | method", (
        (f"{source} | {name}", figures(counter))
        for source, counters in sorted(found.sources.items()) for name, counter in counters.items()
    ))  # fmt: skip
    return "\n".join([*lines, ""])


def _table(first: str, rows: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    yield f"| {first} | {' | '.join(COLUMNS)} |"
    yield "|---" * (first.count("|") + 1) + "|---:" * len(COLUMNS) + "|"
    for name, figures in rows:
        yield f"| {name} | {' | '.join(_cell(figures[figure]) for figure in FIGURES)} |"


def _cell(value: float | str) -> str:
    return value if isinstance(value, str) else "–" if value != value else f"{value:.3f}"  # noqa: PLR0124 - NaN


def _installed(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} not installed"
