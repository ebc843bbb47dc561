"""Benchmark of building a release, compared with rows of dicts and the `datasets` library in the same run.

Run `python benchmarks/release.py --articles 100000 --json`. A process of its own writes synthetic material
(benchmarks/annotated.py) as the files of a project. Each measurement runs in its own process, from these files to
Parquet on disk and the sha256 of each file. The baseline ("plain") reads rows of dicts with pyarrow and `json`, builds the same columns row by row with the same functions for one text (`tokenize`, `layers`, `raw_span`),
using `Dataset.from_list`, a `map` that tokenises, and `Dataset.to_parquet` for each config and split, as `push_to_hub`
does. The number of rows of each split is compared. Times are never asserted. tests/release/test_identity.py checks
that the tables equal rows built one by one.
"""

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from annotated import parts
from corpora import ROOT
from results import write_part
from watch import run_watched

from builder.io.jsonl import write_jsonl
from builder.io.jsonl_table import read_table_lines
from builder.io.parquet import PART, ROWS, to_table
from builder.records import Article, Dispute, Document, Gold, Group, Judgement, Release, Span
from builder.records.arrow import arrow_schema as record_schema
from builder.release.publish.folder import write_release
from builder.release.splits.strategies import SPLIT_NAMES
from builder.release.tables.build import build_tables
from builder.release.tables.features import all_values, arrow_schema, features, tag_names
from builder.release.tables.inputs import TableInputs, instant, zone
from builder.release.tables.iob2 import layers
from builder.release.tables.spill import TableSpill, open_spill
from builder.schema import load_schema
from builder.schema.labels import Labels
from builder.text.aligned import unpack_edits
from builder.text.tokens import tokenize

Row = dict[str, Any]
MIN_SPEED, MOST_MEMORY = 5.0, 900_000_000
SLACK = 1.1
"""Tolerance for linear growth: ten times as many articles may take eleven times as long."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The result of one way of building, measured in its own process.

    `seconds` is wall time, which a busy machine lengthens, and `processor` is processor time; both include reading.
    `peak` is the peak of anonymous memory of all processes, and `written` the size of the Parquet files, in bytes.
    """

    way: str
    articles: int
    seconds: float
    processor: float
    steps: dict[str, float]
    peak: float
    written: int
    rows: dict[str, dict[str, int]]


def main() -> None:
    """Measure khabar and the baseline and print the results."""
    options = _options()
    if options.way:
        print(json.dumps(_run(options)))
        return
    plan = [("khabar", max(1, options.articles // 10)), ("khabar", options.articles)]
    with tempfile.TemporaryDirectory(prefix="khabar-bench-") as folder:
        results = [_measured(way, count, options.seed, Path(folder)) for way, count in
                   (*plan, ("plain", options.plain or options.articles))]  # fmt: skip
    tenth, whole, plain = results
    if plain.articles == whole.articles and plain.rows != whole.rows:
        raise SystemExit(f"the rows differ: {whole.rows} and {plain.rows}")
    speed = (plain.seconds / plain.articles) / (whole.seconds / whole.articles)
    growth = whole.seconds / tenth.seconds / (whole.articles / tenth.articles)
    targets = [
        (f"speedup over plain: {speed:.2f}x, at least {MIN_SPEED:g}x", speed >= MIN_SPEED),
        (f"peak memory: {whole.peak / 1e6:,.0f} MB, at most {MOST_MEMORY / 1e6:,.0f} MB", whole.peak <= MOST_MEMORY),
        (f"time for ten times as many articles: {growth * 10:.2f}x, at most {SLACK * 10:g}x", growth <= SLACK),
    ]
    for line in _lines(results):
        print(line)
    busy = (plain.processor / plain.articles) / (whole.processor / whole.articles)
    print(
        f"by processor time: {busy:.2f}x as fast as plain, "
        f"{whole.processor / tenth.processor:.2f}x for ten times as many articles"
    )
    for target, reached in targets:
        print(f"{target}: {'reached' if reached else 'NOT reached'}")
    if options.write:
        write_part("release", _markdown(options, results, busy, targets))
    if options.json:
        ratios = {"speed": speed, "growth": growth * 10, "peak": whole.peak}
        print(json.dumps({"measured": [asdict(result) for result in results], **ratios}))


def _lines(results: list[Measured]) -> Iterator[str]:
    """Yield one line of text per result."""
    for result in results:
        steps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in result.steps.items())
        yield (
            f"{result.way}, {result.articles:,} articles: {result.seconds:.1f} s ({steps}; "
            f"processor {result.processor:.1f}); peak {result.peak / 1e6:,.0f} MB; {result.written / 1e6:,.0f} MB of Parquet"
        )


def _markdown(
    options: argparse.Namespace, results: list[Measured], busy: float, targets: list[tuple[str, bool]]
) -> str:
    """Return the section of benchmarks/results.md."""
    plain = f" --plain {options.plain}" if options.plain else ""
    rows = [
        f"| {result.way} | {result.articles:,} | {result.seconds:.1f} | {result.processor:.1f} | "
        f"{result.peak / 1e6:,.0f} | {result.written / 1e6:,.0f} |"
        for result in results
    ]
    return "\n".join([
        "# Benchmark of building a release",
        "",
        f"Written by `python benchmarks/release.py --articles {options.articles}{plain} --write`.",
        "",
        f"- Machine: {os.cpu_count()} cores, {platform.system()} {platform.machine()}; Python {platform.python_version()}.",
        "- Synthetic, seeded articles of about 2,000 characters with 20 spans and 3 judgements (`benchmarks/annotated.py`).",
        "- From the files of a project (Parquet, JSON Lines) to Parquet on disk and the sha256 of each file, four configs in three splits.",
        "- Without the search for near-duplicates, the card and the CoNLL export.",
        "- Memory is the anonymous memory of all processes (`benchmarks/watch.py`).",
        "- plain: rows of dicts with `to_pylist` and `json.loads`, the same columns row by row, `Dataset.from_list`, a `map` that tokenises, `to_parquet`.",
        "",
        "| way | articles | seconds | processor seconds | peak MB | MB written |",
        "|---|---:|---:|---:|---:|---:|",
        *rows,
        "",
        f"By processor time khabar is {busy:.2f}x as fast as plain.",
        "",
        *(f"- {target}: {'reached' if reached else 'NOT reached'}" for target, reached in targets),
    ])  # fmt: skip


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--articles", type=int, default=100_000, help="articles to build (default 100000)")
    parser.add_argument("--plain", type=int, default=0, help="articles for the plain baseline, which is slow")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON on the last line")
    parser.add_argument("--write", action="store_true", help="write the figures to benchmarks/results.md")
    parser.add_argument("--way", choices=["khabar", "plain", "material"], help=argparse.SUPPRESS)
    parser.add_argument("--files", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _measured(way: str, count: int, seed: int, folder: Path) -> Measured:
    """Write the material in a process of its own, if it is not there, and measure one way in another."""
    files, out = folder / f"{count}", folder / f"{way}-{count}"
    common = [sys.executable, __file__, "--articles", str(count), "--seed", str(seed), "--files", str(files)]
    if not files.exists():
        subprocess.run([*common, "--way", "material"], check=True, stdout=subprocess.DEVNULL)
    out.mkdir()
    used = run_watched([*common, "--way", way, "--out", str(out)], out, os.environ)
    found = json.loads(out.with_suffix(".log").read_text("utf-8").splitlines()[-1])
    written = sum(path.stat().st_size for path in out.rglob("*.parquet"))
    shutil.rmtree(out)
    return Measured(way, count, found["seconds"], found["processor"], found["steps"], used.peak_mb * 1e6, written,
                    found["rows"])  # fmt: skip


def _run(options: argparse.Namespace) -> dict[str, Any]:
    """Write the material, or build a release from it one way, in this process."""
    if options.way == "material":
        _write_files(options.files, options.articles, options.seed)
        return {}
    steps: dict[str, float] = {}
    run = _khabar if options.way == "khabar" else _plain
    start, busy = time.perf_counter(), time.process_time()
    rows = run(options.files, options.out, steps)
    seconds, processor = time.perf_counter() - start, time.process_time() - busy
    return {"seconds": seconds, "processor": processor, "steps": steps, "rows": rows}


BATCH = 5_000
"""Articles of a batch."""


def _write_files(folder: Path, count: int, seed: int) -> None:
    """Write the material as files of a project: tables of texts and groups, and the lines of each batch."""
    folder.mkdir()
    splits: dict[str, str] = {}
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(pq.ParquetWriter(folder / f"{name}.parquet", record_schema(record), compression="zstd"))
            for name, record in TEXTS.items()
        }  # fmt: skip
        for number, part in enumerate(parts(count, seed, BATCH)):
            for name, record in TEXTS.items():
                writers[name].write_table(to_table(getattr(part, name), record), row_group_size=ROWS)
            batch = folder / f"b{number:04}"
            batch.mkdir()
            write_jsonl(batch / "judgements.jsonl", part.judgements)
            write_jsonl(batch / "gold.jsonl", part.golds)
            splits |= part.splits
    (folder / "splits.json").write_text(json.dumps(splits), "utf-8")


TEXTS = {"articles": Article, "documents": Document, "groups": Group}


def _timed(steps: dict[str, float], name: str, run: Callable[[], Any]) -> Any:
    """Call a function and add its time to a step."""
    start = time.perf_counter()
    result = run()
    steps[name] = steps.get(name, 0) + time.perf_counter() - start
    return result


def _khabar(files: Path, folder: Path, steps: dict[str, float]) -> dict[str, dict[str, int]]:
    """Build a release with khabar and return the rows of each config and split."""
    release = Release("1.0.0", "a/b", "", "", "", "", {}, {}, {})
    with open_spill(folder) as kept:
        whole = _timed(steps, "read", lambda: _tables(files, kept))
        built = _timed(steps, "tables", lambda: build_tables(whole, kept, early=True))
        kept.rest()
        staged = _timed(
            steps, "write",
            lambda: write_release(folder / "v1", built.tables, {}, release, spill=kept),
        )  # fmt: skip
    rows: dict[str, dict[str, int]] = staged.release.splits
    return rows


def _tables(files: Path, kept: TableSpill) -> TableInputs:
    """Read the material as khabar does: texts, judgements and gold are on disk as memory-mapped tables."""
    texts = {
        name: kept.table(f"of-{name}", record_schema(record), pq.ParquetFile(files / f"{name}.parquet").iter_batches(PART))
        for name, record in TEXTS.items()
    }  # fmt: skip
    lines = {
        name: kept.table(f"of-{name}", record_schema(record), _lines_of(files, name, record))
        for name, record in (("judgements", Judgement), ("gold", Gold))
    }
    splits = json.loads((files / "splits.json").read_text("utf-8"))
    return TableInputs(texts["articles"], texts["documents"], texts["groups"], splits, lines["judgements"], lines["gold"],
                       record_schema(Dispute).empty_table(), load_schema(ROOT / "schema").labels)  # fmt: skip


def _lines_of(files: Path, name: str, record: type) -> Iterator[pa.RecordBatch]:
    for path in sorted(files.glob(f"b*/{name}.jsonl")):
        yield from read_table_lines(path, record)[0].table.to_batches()


@dataclass(frozen=True, slots=True)
class Rows:
    """The material as rows of dicts, as a script would read it."""

    articles: list[Row]
    documents: list[Row]
    groups: list[Row]
    judgements: list[Row]
    golds: list[Row]
    splits: dict[str, str]
    labels: Labels


def _rows(files: Path) -> Rows:
    texts = {name: pq.read_table(files / f"{name}.parquet").to_pylist() for name in TEXTS}
    judgements, golds = (
        [json.loads(line) for path in sorted(files.glob(f"b*/{name}.jsonl")) for line in path.open(encoding="utf-8")]
        for name in ("judgements", "gold")
    )
    splits = json.loads((files / "splits.json").read_text("utf-8"))
    return Rows(texts["articles"], texts["documents"], texts["groups"], judgements, golds, splits,
                load_schema(ROOT / "schema").labels)  # fmt: skip


def _plain(files: Path, folder: Path, steps: dict[str, float]) -> dict[str, dict[str, int]]:
    """Build the same tables with `datasets`, row by row, and return the rows of each config and split."""
    os.environ["HF_HOME"] = str(folder / "home")
    import datasets

    datasets.disable_progress_bars()
    whole = _timed(steps, "read", lambda: _rows(files))
    counts: dict[str, dict[str, int]] = {}
    for config, columns in features(whole.labels).items():
        kinds = datasets.Features.from_arrow_schema(arrow_schema(columns))
        for split in SPLIT_NAMES:
            rows = _timed(steps, "rows", lambda config=config, split=split: [*PLAIN[config](whole, split)])
            first = datasets.Features({name: kinds[name] for name in rows[0]})
            data = _timed(steps, "from_list", lambda rows=rows, first=first: datasets.Dataset.from_list(rows, first))
            del rows
            if config == "entities":
                mapper = _tagger(whole.labels.entity_names)
                data = _timed(
                    steps, "map", lambda data=data, mapper=mapper, kinds=kinds: data.map(
                        mapper, features=datasets.Features({**data.features, **{n: kinds[n] for n in TOKENS}}),
                        load_from_cache_file=False,
                    )
                )  # fmt: skip
            path = folder / config / f"{split}-00000-of-00001.parquet"
            path.parent.mkdir(exist_ok=True)
            _timed(steps, "write", lambda data=data, path=path: data.to_parquet(str(path)))
            _timed(steps, "hash", lambda path=path: hashlib.sha256(path.read_bytes()).hexdigest())
            counts.setdefault(config, {})[split] = len(data)
            del data
    return counts


TOKENS = ("tokens", "token_spans", "ner_tags", "ner_tags_inner")


def _tagger(labels: Sequence[str]) -> Callable[[Row], Row]:
    """Return a function that adds tokens and tags to a row."""
    names = tag_names(labels)

    def run(row: Row) -> Row:
        tokens = tokenize(row["text"])
        outer, inner = layers([Span(s["start"], s["end"], labels[s["label"]]) for s in row["spans"]], tokens)
        return {
            "tokens": [row["text"][start:end] for start, end in tokens],
            "token_spans": [{"start": start, "end": end} for start, end in tokens],
            "ner_tags": [names.index(tag) for tag in outer.tags],
            "ner_tags_inner": [names.index(tag) for tag in inner.tags],
        }

    return run


PLACE = itemgetter("start", "end", "label")


def _origin(whole: Rows, number: int) -> Row:
    document = whole.documents[number]
    return {
        "title": whole.articles[number]["title"],
        "source": document["source"],
        "url": document["url"],
        "published_at": instant(document["published_at"]),
        "published_zone": zone(document["published_at"]),
        "split_group": whole.groups[number]["group_id"],
    }


def _spans(whole: Rows, spans: Any, text: str) -> list[Row]:
    names = whole.labels.entity_names
    return [
        {"start": s["start"], "end": s["end"], "label": names.index(s["label"]), "text": text[s["start"] : s["end"]]}
        for s in sorted(spans, key=PLACE)
    ]


def _in_split(whole: Rows, split: str) -> Iterator[int]:
    return (number for number, article in enumerate(whole.articles) if whole.splits[article["id"]] == split)


def _entities(whole: Rows, split: str) -> Iterator[Row]:
    for number in _in_split(whole, split):
        article, gold = whole.articles[number], whole.golds[number]
        aligned = unpack_edits(article["text"], whole.documents[number]["raw"], article["edits"])
        confidences = {(entry["what"], entry["answer"]): entry["value"] for entry in gold["confidence"]}
        spans = _spans(whole, gold["spans"], article["text"])
        for row, span in zip(spans, sorted(gold["spans"], key=PLACE), strict=True):
            row["raw_start"], row["raw_end"] = aligned.raw_span(span["start"], span["end"])
            row["confidence"] = confidences.get((f"span:{span['start']}:{span['end']}", span["label"]))
        yield {
            "id": article["id"], "text": article["text"], **_origin(whole, number), "spans": spans,
            "n_annotators": gold["annotators"], "adjudicated": "spans" in gold["decided"],
        }  # fmt: skip


def _stance(whole: Rows, split: str) -> Iterator[Row]:
    names = {target.id: target.ar for target in whole.labels.stances.targets} if whole.labels.stances else {}
    for number in _in_split(whole, split):
        article, gold = whole.articles[number], whole.golds[number]
        for answer in gold["stances"]:
            votes = {
                vote["answer"]: vote["count"] for vote in gold["votes"] if vote["what"] == f"stance:{answer['target']}"
            }
            counts = [votes.get(value, 0) for value in all_values(whole.labels)]
            yield {
                "id": f"{article['id']}:{answer['target']}", "article_id": article["id"], "text": article["text"],
                "target": answer["target"], "target_name": names[answer["target"]],
                "stance": whole.labels.published_values.index(answer["value"]), "label_counts": counts,
                "soft_label": [count / sum(counts) for count in counts], "n_annotators": sum(counts),
                "adjudicated": f"stance:{answer['target']}" in gold["decided"],
                "confidence": next(entry["value"] for entry in gold["confidence"] if entry["what"] == f"stance:{answer['target']}"),
                **_origin(whole, number),
            }  # fmt: skip


def _annotations(whole: Rows, split: str) -> Iterator[Row]:
    texts = {article["id"]: article["text"] for article in whole.articles}
    values = all_values(whole.labels)
    for judgement in whole.judgements:
        if whole.splits[judgement["article_id"]] == split:
            yield {
                "article_id": judgement["article_id"], "annotator": judgement["annotator"], "batch": judgement["batch"],
                "spans": _spans(whole, judgement["spans"], texts[judgement["article_id"]]),
                "stances": [{"target": stance["target"], "value": values.index(stance["value"])} for stance in judgement["stances"]],
                "status": judgement["status"], "seconds": judgement["seconds"], "guideline": judgement["guideline"],
                "schema": judgement["schema"], "remark": judgement["remark"],
            }  # fmt: skip


def _articles(whole: Rows, split: str) -> Iterator[Row]:
    for number in _in_split(whole, split):
        article = whole.articles[number]
        yield {
            "id": article["id"], "document_id": article["document_id"], "part": article["part"], "text": article["text"],
            "source_name": None, "author": None, "profile": article["profile"], "text_sha": article["text_sha"],
            **_origin(whole, number),
        }  # fmt: skip


PLAIN = {"entities": _entities, "stance": _stance, "annotations": _annotations, "articles": _articles}


if __name__ == "__main__":
    main()
