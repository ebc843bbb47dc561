"""How fast a release is built: against rows of dicts through `datasets`, in one run.

`python benchmarks/release.py --articles 100000 --json`. Each measure runs in a process of its own, from the same
invented Material (benchmarks/annotated.py) in memory to Parquet on disk and the sha256 of each file. The plain way
makes the same columns with the same functions for one text (`tokenize`, `layers`, `raw_span`) row by row, in
`Dataset.from_list`, a `map` that tokenises, and `Dataset.to_parquet` for each config and split, as `push_to_hub`
writes. The rows of each split are counted and compared; times are never asserted. tests/release/test_identity.py
holds the tables to rows made one by one.
"""

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from annotated import material
from results import write_part

from builder.records import Release, Span
from builder.release.publish.folder import write_release
from builder.release.splits.strategies import SPLIT_NAMES
from builder.release.tables.build import build_tables
from builder.release.tables.features import all_values, arrow_schema, features, tag_names
from builder.release.tables.inputs import TableInputs, instant, zone
from builder.release.tables.iob2 import layers
from builder.release.tables.spill import open_spill
from builder.text.aligned import unpacked
from builder.text.tokens import tokenize

Row = dict[str, Any]
MIN_SPEED, MOST_MEMORY = 5.0, 2_000_000_000
SLACK = 1.1
"""What a linear growth may be off by: ten times as many articles may take eleven times as long."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One way in one process: seconds, those of the processor (a busy machine lengthens the first), peak of resident memory, memory of the material alone, and what was written."""

    way: str
    articles: int
    seconds: float
    processor: float
    steps: dict[str, float]
    peak: int
    material: int
    written: int
    rows: dict[str, dict[str, int]]


def main() -> None:
    """Measure both ways and print the figures."""
    options = _options()
    if options.way:
        print(json.dumps(asdict(_measure(options.way, options.articles, options.seed))))
        return
    small = max(1, options.articles // 10)
    plan = [("khabar", small), ("khabar", options.articles), ("plain", options.plain or options.articles)]
    found = [_child(way, count, options.seed) for way, count in plan]
    little, whole, plain = found
    if plain.articles == whole.articles and plain.rows != whole.rows:
        raise SystemExit(f"the rows differ: {whole.rows} and {plain.rows}")
    speed = (plain.seconds / plain.articles) / (whole.seconds / whole.articles)
    growth = whole.seconds / little.seconds / (whole.articles / little.articles)
    targets = [
        (f"speed of the plain way: {speed:.2f}x, at least {MIN_SPEED:g}x", speed >= MIN_SPEED),
        (f"peak memory: {whole.peak / 1e6:,.0f} MB, at most {MOST_MEMORY / 1e6:,.0f} MB", whole.peak <= MOST_MEMORY),
        (f"growth for ten times as many: {growth * 10:.2f}x the time, at most {SLACK * 10:g}x", growth <= SLACK),
    ]
    for line in _lines(found):
        print(line)
    busy = (plain.processor / plain.articles) / (whole.processor / whole.articles)
    print(
        f"by the processor's time alone: {busy:.2f}x the plain way, {whole.processor / little.processor:.2f}x for ten times as many"
    )
    for what, reached in targets:
        print(f"{what}: {'reached' if reached else 'NOT reached'}")
    if options.write:
        write_part("release", _markdown(options, found, busy, targets))
    if options.json:
        ratios = {"speed": speed, "growth": growth * 10, "peak": whole.peak}
        print(json.dumps({"measured": [asdict(one) for one in found], **ratios}))


def _lines(found: list[Measured]) -> Iterator[str]:
    for one in found:
        steps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in one.steps.items())
        yield (
            f"{one.way}, {one.articles:,} articles: {one.seconds:.1f} s ({steps}; processor {one.processor:.1f}); peak {one.peak / 1e6:,.0f} MB, "
            f"of which the material {one.material / 1e6:,.0f} MB; {one.written / 1e6:,.0f} MB of Parquet"
        )


def _markdown(options: argparse.Namespace, found: list[Measured], busy: float, targets: list[tuple[str, bool]]) -> str:
    plain = f" --plain {options.plain}" if options.plain else ""
    rows = [
        f"| {one.way} | {one.articles:,} | {one.seconds:.1f} | {one.processor:.1f} | {one.peak / 1e6:,.0f} | "
        f"{one.material / 1e6:,.0f} | {one.written / 1e6:,.0f} |"
        for one in found
    ]
    return "\n".join([
        "# Benchmark of a release's build",
        "",
        f"Written by `python benchmarks/release.py --articles {options.articles}{plain} --write`.",
        "",
        f"- Machine: {os.cpu_count()} cores, {platform.system()} {platform.machine()}; Python {platform.python_version()}.",
        "- Articles of about 2,000 characters, 20 spans, 3 judgements each, invented and seeded (`benchmarks/annotated.py`).",
        "- From records in memory to Parquet on disk and the sha256 of each file, four configs in three splits.",
        "- Without the search for articles that are alike, the card, and CoNLL.",
        "- The plain way: the same columns row by row, `Dataset.from_list`, a `map` that tokenises, `to_parquet`.",
        "",
        "| way | articles | seconds | of the processor | peak MB | MB of the material | MB written |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *rows,
        "",
        f"By the processor's time alone khabar is {busy:.2f}x as fast as the plain way.",
        "",
        *(f"- {what}: {'reached' if reached else 'NOT reached'}" for what, reached in targets),
    ])  # fmt: skip


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--articles", type=int, default=100_000, help="articles to build (default 100000)")
    parser.add_argument("--plain", type=int, default=0, help="articles for the plain way, if fewer; it is slow")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON in the last line")
    parser.add_argument("--write", action="store_true", help="write the figures to benchmarks/results.md")
    parser.add_argument("--way", choices=["khabar", "plain"], help=argparse.SUPPRESS)
    return parser.parse_args()


def _child(way: str, count: int, seed: int) -> Measured:
    command = [sys.executable, __file__, "--way", way, "--articles", str(count), "--seed", str(seed)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return Measured(**json.loads(said.splitlines()[-1]))


def _measure(way: str, count: int, seed: int) -> Measured:
    whole = material(count, seed)
    before = _status("VmRSS")
    with tempfile.TemporaryDirectory(prefix="khabar-bench-") as folder:
        steps: dict[str, float] = {}
        run = _khabar if way == "khabar" else _plain
        start, busy = time.perf_counter(), time.process_time()
        rows = run(whole, Path(folder), steps)
        seconds, processor = time.perf_counter() - start, time.process_time() - busy
        written = sum(path.stat().st_size for path in Path(folder).rglob("*.parquet"))
    return Measured(way, count, seconds, processor, steps, _status("VmHWM"), before, written, rows)


def _status(name: str) -> int:
    # not ru_maxrss: it begins with what the parent process had
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines())
    return int(status[name].split()[0]) * 1024


def _timed(steps: dict[str, float], name: str, run: Callable[[], Any]) -> Any:
    start = time.perf_counter()
    made = run()
    steps[name] = steps.get(name, 0) + time.perf_counter() - start
    return made


def _khabar(whole: TableInputs, folder: Path, steps: dict[str, float]) -> dict[str, dict[str, int]]:
    release = Release("1.0.0", "a/b", "", "", "", "", {}, {}, {})
    with open_spill(folder) as kept:
        built = _timed(steps, "tables", lambda: build_tables(whole, kept))
        kept.rest()
        made = _timed(steps, "write", lambda: write_release(folder / "v1", built.tables, {}, release, rest=kept.rest))
    rows: dict[str, dict[str, int]] = made.release.splits
    return rows


def _plain(whole: TableInputs, folder: Path, steps: dict[str, float]) -> dict[str, dict[str, int]]:
    os.environ["HF_HOME"] = str(folder / "home")
    import datasets

    datasets.disable_progress_bars()
    counts: dict[str, dict[str, int]] = {}
    for config, columns in features(whole.labels).items():
        kinds = datasets.Features.from_arrow_schema(arrow_schema(columns))
        for split in SPLIT_NAMES:
            rows = _timed(steps, "rows", lambda config=config, split=split: [*PLAIN[config](whole, split)])
            first = datasets.Features({name: kinds[name] for name in rows[0]})
            made = _timed(steps, "from_list", lambda rows=rows, first=first: datasets.Dataset.from_list(rows, first))
            del rows
            if config == "entities":
                mapper = _tagger(whole.labels.entity_names)
                made = _timed(
                    steps, "map", lambda made=made, mapper=mapper, kinds=kinds: made.map(
                        mapper, features=datasets.Features({**made.features, **{n: kinds[n] for n in TOKENS}}),
                        load_from_cache_file=False,
                    )
                )  # fmt: skip
            path = folder / config / f"{split}-00000-of-00001.parquet"
            path.parent.mkdir(exist_ok=True)
            _timed(steps, "write", lambda made=made, path=path: made.to_parquet(str(path)))
            _timed(steps, "hash", lambda path=path: hashlib.sha256(path.read_bytes()).hexdigest())
            counts.setdefault(config, {})[split] = len(made)
            del made
    return counts


TOKENS = ("tokens", "token_spans", "ner_tags", "ner_tags_inner")


def _tagger(labels: Sequence[str]) -> Callable[[Row], Row]:
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


def _origin(whole: TableInputs, number: int) -> Row:
    document = whole.documents[number]
    return {
        "title": whole.articles[number].title,
        "source": document.source,
        "url": document.url,
        "published_at": instant(document.published_at),
        "published_zone": zone(document.published_at),
        "split_group": whole.groups[number].group_id,
    }


def _spans(whole: TableInputs, spans: Any, text: str) -> list[Row]:
    names = whole.labels.entity_names
    return [
        {"start": s.start, "end": s.end, "label": names.index(s.label), "text": text[s.start : s.end]}
        for s in sorted(spans)
    ]


def _in_split(whole: TableInputs, split: str) -> Iterator[int]:
    return (number for number, article in enumerate(whole.articles) if whole.splits[article.id] == split)


def _entities(whole: TableInputs, split: str) -> Iterator[Row]:
    for number in _in_split(whole, split):
        article, gold = whole.articles[number], whole.golds[number]
        aligned = unpacked(article.text, whole.documents[number].raw, article.edits)
        sure = {(one.what, one.answer): one.value for one in gold.confidence}
        spans = _spans(whole, gold.spans, article.text)
        for span, own in zip(spans, sorted(gold.spans), strict=True):
            span["raw_start"], span["raw_end"] = aligned.raw_span(own.start, own.end)
            span["confidence"] = sure.get((f"span:{own.start}:{own.end}", own.label))
        yield {
            "id": article.id, "text": article.text, **_origin(whole, number), "spans": spans,
            "n_annotators": gold.annotators, "adjudicated": "spans" in gold.decided,
        }  # fmt: skip


def _stance(whole: TableInputs, split: str) -> Iterator[Row]:
    names = {target.id: target.ar for target in whole.labels.stances.targets} if whole.labels.stances else {}
    for number in _in_split(whole, split):
        article, gold = whole.articles[number], whole.golds[number]
        for answer in gold.stances:
            votes = {vote.answer: vote.count for vote in gold.votes if vote.what == f"stance:{answer.target}"}
            counts = [votes.get(value, 0) for value in all_values(whole.labels)]
            yield {
                "id": f"{article.id}:{answer.target}", "article_id": article.id, "text": article.text,
                "target": answer.target, "target_name": names[answer.target],
                "stance": whole.labels.published_values.index(answer.value), "label_counts": counts,
                "soft_label": [count / sum(counts) for count in counts], "n_annotators": sum(counts),
                "adjudicated": f"stance:{answer.target}" in gold.decided,
                "confidence": next(one.value for one in gold.confidence if one.what == f"stance:{answer.target}"),
                **_origin(whole, number),
            }  # fmt: skip


def _annotations(whole: TableInputs, split: str) -> Iterator[Row]:
    texts = {article.id: article.text for article in whole.articles}
    values = all_values(whole.labels)
    for judgement in whole.judgements:
        if whole.splits[judgement.article_id] == split:
            yield {
                "article_id": judgement.article_id, "annotator": judgement.annotator, "batch": judgement.batch,
                "spans": _spans(whole, judgement.spans, texts[judgement.article_id]),
                "stances": [{"target": one.target, "value": values.index(one.value)} for one in judgement.stances],
                "status": judgement.status, "seconds": judgement.seconds, "guideline": judgement.guideline,
                "schema": judgement.schema, "remark": judgement.remark,
            }  # fmt: skip


def _articles(whole: TableInputs, split: str) -> Iterator[Row]:
    for number in _in_split(whole, split):
        article = whole.articles[number]
        yield {
            "id": article.id, "document_id": article.document_id, "part": article.part, "text": article.text,
            "source_name": None, "author": None, "profile": article.profile, "text_sha": article.text_sha,
            **_origin(whole, number),
        }  # fmt: skip


PLAIN = {"entities": _entities, "stance": _stance, "annotations": _annotations, "articles": _articles}


if __name__ == "__main__":
    main()
