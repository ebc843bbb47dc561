"""How fast texts are normalised and pages cleaned: ratios to other tools and to bare decoding, in one run.

`make bench`, or `python benchmarks/text.py --mb 20` where the peers are installed. Writes
benchmarks/results.md. Results are compared before anything is timed; times are never asserted.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from corpora import EVEN, MARK, ROOT, news, pages, vocalised
from methods import CHAIN, DECODE, KHABAR, KHABAR_SINGLE, STANDARD, Method, Sample, cleaning, own_tools, peers
from report import Figures, Row, Target, markdown
from results import write_part

from builder.corpus.cleaning.clean import clean_batch
from builder.io.hashing import sha16
from builder.records import Document
from builder.schema import load_schema
from builder.text.aligned import AlignedText

STREAM = 512
"""Pages cleaned at once where memory is measured."""
MARGIN = 8_000_000
"""Bytes: what a flat peak may differ by, an eighth of what holding the texts would take."""


def main() -> None:
    """Run all measures and write the report."""
    options = _options()
    if options.memory:
        print(json.dumps(_stream(options.memory)))
        return
    size = int(options.mb * 1e6)
    found = peers()
    common = [DECODE, KHABAR, KHABAR_SINGLE, *found.methods]
    brief = [method for method in common if method.name in {DECODE.name, KHABAR.name, CHAIN}]
    figures = [
        _normalising("news", news(size, options.seed), options, [*common, *own_tools()], found.missing),
        _normalising("even", news(size, options.seed, EVEN), options, brief, {}),
        _normalising("vocalised", vocalised(size, options.seed), options, common, found.missing),
        _cleaning("articles", [_bare(text) for text in news(size, options.seed)], options),
        _cleaning("pages", [*_pages_of(size, options.seed)], options),
    ]
    written = _edits_written(news(min(size, 20_000_000), options.seed))
    targets = [*_speed_targets(figures), _memory_target(options.pages), written]
    command = f"make bench MB={options.mb:g}"
    write_part("text", markdown(command, options.repeats, figures, targets), Path(options.out))
    print(Path(options.out).read_text(encoding="utf-8"))
    if options.json:
        rows = {one.name: [asdict(row) for row in one.rows] for one in figures}
        print(json.dumps({**rows, "targets": [asdict(target) for target in targets]}, ensure_ascii=False))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mb", type=float, default=20, help="size of each set of texts in MB (default 20)")
    parser.add_argument("--slow-mb", type=float, default=5, help="what slow peers are run on (default 5)")
    parser.add_argument("--pages", type=int, default=8000, help="pages for the memory measure (default 8000)")
    parser.add_argument("--repeats", type=int, default=3, help="the best of these counts (default 3)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", default=str(ROOT / "benchmarks" / "results.md"))
    parser.add_argument("--json", action="store_true", help="print the figures as JSON in the last line")
    parser.add_argument("--memory", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def _normalising(
    name: str, texts: list[str], options: argparse.Namespace, methods: Sequence[Method], missing: Mapping[str, str]
) -> Figures:
    """Compare the results of all methods, then time them."""
    sample = Sample.of(texts)
    few = sample.first(int(options.slow_mb * 1e6))
    aligned = STANDARD.apply_batch(texts)
    _check(aligned, KHABAR_SINGLE.run(sample))
    equal = {method.name: _equal(method, few if method.slow else sample, aligned) for method in methods}
    described = _described(texts, aligned)
    del aligned
    seconds = _timed(methods, sample, few, options.repeats)
    rows = _rows(methods, seconds, equal, few, sample.size)
    rows += [Row(name, missing=reason) for name, reason in missing.items()]
    return Figures(name, described, rows)


def _check(batch: Sequence[AlignedText], single: Sequence[object]) -> None:
    """Stop where a batch and single texts differ, or where the edits of a text do not lead back to its raw."""
    if batch != single:
        raise SystemExit("apply_batch and apply differ")
    for one in batch:
        raw = start = 0
        for edit in one.edits:
            if one.raw[raw : edit.raw_start] != one.text[start : edit.start]:
                raise SystemExit(f"an edit is not exact: {edit}")
            raw, start = edit.raw_end, edit.end
        if one.raw[raw:] != one.text[start:]:
            raise SystemExit("a text has changed after its last edit")


def _equal(method: Method, sample: Sample, aligned: Sequence[AlignedText]) -> float | None:
    """The share of texts of which a method makes what khabar makes."""
    if not method.compares:
        return None
    made = [one.text if isinstance(one, AlignedText) else one for one in method.run(sample)]
    return sum(one.text == other for one, other in zip(aligned, made, strict=False)) / len(made)


def _timed(methods: Sequence[Method], sample: Sample, few: Sample, repeats: int) -> dict[str, float]:
    """The best seconds of each method for a million bytes; methods take turns, so that noise falls on all."""
    best: dict[str, float] = {}
    for _ in range(repeats):
        for method in methods:
            own = few if method.slow else sample
            start = time.perf_counter()
            made = method.run(own)
            seconds = (time.perf_counter() - start) / own.size * 1e6
            del made
            best[method.name] = min(seconds, best.get(method.name, seconds))
    return best


def _rows(
    methods: Iterable[Method], seconds: dict[str, float], equal: dict[str, float | None], few: Sample, whole: int
) -> list[Row]:
    floor, chain = seconds[DECODE.name], seconds.get(CHAIN)
    return [
        Row(
            method.name,
            1 / (own := seconds[method.name]),
            floor / own,
            chain / own if chain else None,
            equal.get(method.name),
            few.size / 1e6 if method.slow and few.size < whole else None,
        )
        for method in methods
    ]


def _described(texts: Sequence[str], aligned: Sequence[AlignedText]) -> str:
    """What the texts are, with the measured figures of their noise."""
    size, points = sum(len(text.encode()) for text in texts), sum(map(len, texts))
    marks = sum(len(MARK.findall(text)) for text in texts)
    marked = sum(MARK.search(text) is not None for text in texts) / len(texts)
    letters = sum(sum(map(str.isalpha, text)) for text in texts[:1000]) / sum(map(len, texts[:1000])) * points
    edits = sum(len(one.edits) for one in aligned)
    touched = sum(len(one.edits) > 0 for one in aligned) / len(texts)
    return (
        f"{len(texts):,} documents, {size / 1e6:.1f} MB, {size / len(texts) / 1000:.1f} KB each; "
        f"{marks / letters * 1000:.2f} marks per 1000 letters ({marks / points * 1000:.1f} per 1000 characters); "
        f"{edits / points * 1000:.1f} edits per 1000 characters, {touched:.0%} of documents have one, {marked:.0%} a mark"
    )


def _pages_of(size: int, seed: int) -> Iterable[Document]:
    """Pages of at least so many bytes."""
    for page in pages(sys.maxsize, seed):
        yield page
        size -= len(page.raw.encode())
        if size <= 0:
            return


def _bare(raw: str) -> Document:
    return Document(sha16(raw), "site", None, None, None, raw, "article.txt")


def _cleaning(name: str, documents: list[Document], options: argparse.Namespace) -> Figures:
    rules = load_schema(ROOT / "schema").boilerplate
    sample = Sample.of([document.raw for document in documents])
    few = sample.first(int(options.slow_mb * 1e6))
    batch, single = cleaning(documents, rules)
    cleaned = batch.run(sample)
    if single.run(few) != cleaned[: len(few.raws)]:
        raise SystemExit("clean_batch and clean differ")
    methods = [DECODE, batch, single]
    rows = _rows(methods, _timed(methods, sample, few, options.repeats), {}, few, sample.size)
    lines, kept = sum(one.lines for one in cleaned), sum(one.kept_lines for one in cleaned)
    articles = sum(len(one.articles) for one in cleaned)
    described = (
        f"{len(documents):,} pages, {sample.size / 1e6:.1f} MB, {lines / len(documents):.0f} lines each; "
        f"{1 - kept / lines:.0%} of lines go; {articles / len(documents):.2f} articles a page"
    )
    return Figures(name, described, rows)


def _speed_targets(figures: Sequence[Figures]) -> list[Target]:
    rows = {(one.name, row.method): row for one in figures for row in one.rows}
    targets: list[Target] = []
    for name, chain, decode in (("news", 10, 0.4), ("vocalised", 1, 0.2)):
        row = rows[name, KHABAR.name]
        if row.of_chain is not None:
            targets.append(Target(f"{name}: of pyarabic's chain", row.of_chain, chain, "x", row.of_chain >= chain))
        targets.append(Target(f"{name}: of decode", row.of_decode, decode, "x", row.of_decode >= decode))
    for name in ("articles", "pages"):
        row = rows[name, "khabar clean_batch"]
        reached = row.speed >= 40 or row.of_decode >= 0.15
        targets += [
            Target(f"cleaning {name}: speed (or the next)", row.speed, 40, " MB/s", reached),
            Target(f"cleaning {name}: of decode (or the last)", row.of_decode, 0.15, "x", reached),
        ]
    return targets


def _memory_target(count: int) -> Target:
    """The peak of cleaning a number of pages and four times as many, each in a process of its own."""
    peaks, sizes = [], []
    for number in (count, 4 * count):
        command = [sys.executable, __file__, "--memory", str(number)]
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        peak, size = json.loads(said)
        peaks.append(peak)
        sizes.append(size)
    grown = (peaks[1] - peaks[0]) / 1e6
    what = (
        f"memory: {4 * count:,} pages over {count:,} ({peaks[0] / 1e6:.0f} to {peaks[1] / 1e6:.0f} MB; "
        f"the texts more are {(sizes[1] - sizes[0]) / 1e6:.0f} MB)"
    )
    return Target(what, grown, MARGIN / 1e6, " MB", grown <= MARGIN / 1e6, most=True)


def _stream(count: int) -> tuple[int, int]:
    """The peak of resident memory in bytes, and the bytes of the texts in memory, after cleaning so many pages."""
    rules = load_schema(ROOT / "schema").boilerplate
    endless = pages(count)
    size = 0
    while batch := [*islice(endless, STREAM)]:
        size += sum(sys.getsizeof(document.raw) for document in batch)
        clean_batch(batch, STANDARD, rules)
    # not ru_maxrss: it begins with what the parent process had
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines())
    return int(status["VmHWM"].split()[0]) * 1024, size


def _edits_written(texts: list[str]) -> Target:
    """The size of the edits in Parquet, of the bytes of the texts."""
    table = pa.Table.from_batches([STANDARD.apply_arrow(pa.array(texts))])
    sink = pa.BufferOutputStream()
    pq.write_table(table.select(["edits"]), sink, compression="zstd")
    share = len(sink.getvalue()) / sum(len(text.encode()) for text in table["text"].to_pylist())
    return Target("edits in Parquet, of the text's bytes: news", share * 100, 3, " %", share <= 0.03, most=True)


if __name__ == "__main__":
    os.environ.setdefault("RAYON_NUM_THREADS", "1")  # arabic-norm's batch, for one thread like all others
    main()
