"""Benchmark of normalisation and cleaning, relative to other tools and to plain UTF-8 decoding in the same run.

Run `make bench`, or `python benchmarks/text.py --mb 20` where the other tools are installed. Writes
benchmarks/results.md. Results are compared before anything is timed. Times are never asserted.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path

import newspapers
import pyarrow as pa
import pyarrow.parquet as pq
from corpora import EVEN, MARK, ROOT, news, pages, vocalised
from methods import CHAIN, DECODE, KHABAR, KHABAR_SINGLE, STANDARD, Method, Sample, cleaning, own_tools, peers, timed
from report import Figures, Row, Target, markdown
from results import write_part

from builder.corpus.cleaning.clean import clean_batch
from builder.io.hashing import sha16
from builder.records import Document
from builder.schema import load_schema
from builder.text.aligned import AlignedText

STREAM = 512
"""Pages cleaned at once by the memory measurement."""
MARGIN = 8_000_000
"""Bytes by which a constant peak may vary: an eighth of what holding the texts would take."""


def main() -> None:
    """Run all measurements and write the report."""
    options = _options()
    if options.memory:
        print(json.dumps(_stream(options.memory)))
        return
    size = int(options.mb * 1e6)
    others = peers()
    common = [DECODE, KHABAR, KHABAR_SINGLE, *others.methods]
    brief = [method for method in common if method.name in {DECODE.name, KHABAR.name, CHAIN}]
    figures = [
        _normalising("news", news(size, options.seed), options, [*common, *own_tools()], others.missing),
        _normalising("even", news(size, options.seed, EVEN), options, brief, {}),
        _normalising("vocalised", vocalised(size, options.seed), options, common, others.missing),
        _cleaning("articles", [_bare(text) for text in news(size, options.seed)], options),
        _cleaning("pages", [*_pages_of(size, options.seed)], options),
    ]
    written = _edits_written(news(min(size, 20_000_000), options.seed))
    targets = [*_speed_targets(figures), _memory_target(options.pages), written]
    command = f"make bench MB={options.mb:g}"
    write_part("text", markdown(command, options.repeats, figures, targets), Path(options.out))
    rules = load_schema(ROOT / "schema").boilerplate
    real = newspapers.measure(options.shared, rules, int(options.real_mb * 1e6), int(options.slow_mb * 1e6),
                              options.repeats, options.old)  # fmt: skip
    write_part("newspapers", newspapers.markdown(command, options.shared, real), Path(options.out))
    print(Path(options.out).read_text(encoding="utf-8"))
    if options.json:
        rows = {figure.name: [asdict(row) for row in figure.rows] for figure in figures}
        print(json.dumps({**rows, "targets": [asdict(target) for target in targets]}, ensure_ascii=False))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--mb", type=float, default=20, help="size of each set of texts in MB (default 20)")
    parser.add_argument("--slow-mb", type=float, default=5, help="size in MB for slow methods (default 5)")
    parser.add_argument("--pages", type=int, default=8000, help="pages for the memory measurement (default 8000)")
    parser.add_argument("--repeats", type=int, default=3, help="rounds, of which the best counts (default 3)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", default=str(ROOT / "benchmarks" / "results.md"))
    parser.add_argument("--real-mb", type=float, default=100, help="size in MB of real newspapers (default 100: all)")
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared", help="folder of the real newspapers")
    parser.add_argument("--old", default="", metavar="PYTHON", help="interpreter of an environment with commit 3003190")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON on the last line")
    parser.add_argument("--memory", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def _normalising(
    name: str, texts: list[str], options: argparse.Namespace, methods: Sequence[Method], missing: Mapping[str, str]
) -> Figures:
    """Compare the results of all methods, then time them."""
    sample = Sample.of(texts)
    subset = sample.first(int(options.slow_mb * 1e6))
    aligned = STANDARD.apply_batch(texts)
    _check(aligned, KHABAR_SINGLE.run(sample))
    equal = {method.name: _equal(method, subset if method.slow else sample, aligned) for method in methods}
    described = _described(texts, aligned)
    del aligned
    seconds = timed(methods, sample, subset, options.repeats)
    rows = _rows(methods, seconds, equal, subset, sample.size)
    rows += [Row(name, missing=reason) for name, reason in missing.items()]
    return Figures(name, described, rows)


def _check(batch: Sequence[AlignedText], single: Sequence[object]) -> None:
    """Exit if batch and single results differ, or if the edits of a text do not map it back to its raw text."""
    if batch != single:
        raise SystemExit("apply_batch and apply differ")
    for aligned in batch:
        raw = start = 0
        for edit in aligned.edits:
            if aligned.raw[raw : edit.raw_start] != aligned.text[start : edit.start]:
                raise SystemExit(f"an edit is not exact: {edit}")
            raw, start = edit.raw_end, edit.end
        if aligned.raw[raw:] != aligned.text[start:]:
            raise SystemExit("a text differs from its raw text after its last edit")


def _equal(method: Method, sample: Sample, aligned: Sequence[AlignedText]) -> float | None:
    """Return the share of texts for which a method gives the same result as khabar."""
    if not method.compares:
        return None
    results = [result.text if isinstance(result, AlignedText) else result for result in method.run(sample)]
    return sum(text.text == result for text, result in zip(aligned, results, strict=False)) / len(results)


def _rows(
    methods: Iterable[Method], seconds: dict[str, float], equal: dict[str, float | None], subset: Sample, whole: int
) -> list[Row]:
    decode, chain = seconds[DECODE.name], seconds.get(CHAIN)
    return [
        Row(
            method.name,
            1 / (took := seconds[method.name]),
            decode / took,
            chain / took if chain else None,
            equal.get(method.name),
            subset.size / 1e6 if method.slow and subset.size < whole else None,
        )
        for method in methods
    ]


def _described(texts: Sequence[str], aligned: Sequence[AlignedText]) -> str:
    """Describe the texts with the measured amount of noise."""
    size, points = sum(len(text.encode()) for text in texts), sum(map(len, texts))
    marks = sum(len(MARK.findall(text)) for text in texts)
    marked = sum(MARK.search(text) is not None for text in texts) / len(texts)
    letters = sum(sum(map(str.isalpha, text)) for text in texts[:1000]) / sum(map(len, texts[:1000])) * points
    edits = sum(len(text.edits) for text in aligned)
    edited = sum(len(text.edits) > 0 for text in aligned) / len(texts)
    return (
        f"{len(texts):,} documents, {size / 1e6:.1f} MB, {size / len(texts) / 1000:.1f} KB each; "
        f"{marks / letters * 1000:.2f} marks per 1000 letters ({marks / points * 1000:.1f} per 1000 characters); "
        f"{edits / points * 1000:.1f} edits per 1000 characters; "
        f"{edited:.0%} of documents need an edit, {marked:.0%} have a mark"
    )


def _pages_of(size: int, seed: int) -> Iterable[Document]:
    """Yield pages until they have at least `size` bytes in total."""
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
    subset = sample.first(int(options.slow_mb * 1e6))
    batch, single = cleaning(documents, rules)
    cleaned = batch.run(sample)
    if single.run(subset) != cleaned[: len(subset.raws)]:
        raise SystemExit("clean_batch and clean differ")
    methods = [DECODE, batch, single]
    rows = _rows(methods, timed(methods, sample, subset, options.repeats), {}, subset, sample.size)
    lines, kept = sum(page.lines for page in cleaned), sum(page.kept_lines for page in cleaned)
    articles = sum(len(page.articles) for page in cleaned)
    described = (
        f"{len(documents):,} pages, {sample.size / 1e6:.1f} MB, {lines / len(documents):.0f} lines each; "
        f"{1 - kept / lines:.0%} of lines dropped; {articles / len(documents):.2f} articles per page"
    )
    return Figures(name, described, rows)


def _speed_targets(figures: Sequence[Figures]) -> list[Target]:
    rows = {(figure.name, row.method): row for figure in figures for row in figure.rows}
    targets: list[Target] = []
    for name, chain, decode in (("news", 10, 0.4), ("vocalised", 1, 0.2)):
        row = rows[name, KHABAR.name]
        if row.of_chain is not None:
            targets.append(
                Target(f"{name}: speed over pyarabic's chain", row.of_chain, chain, "x", row.of_chain >= chain)
            )
        targets.append(Target(f"{name}: speed over decoding", row.of_decode, decode, "x", row.of_decode >= decode))
    for name in ("articles", "pages"):
        row = rows[name, "khabar clean_batch"]
        reached = row.speed >= 40 or row.of_decode >= 0.15
        targets += [
            Target(f"cleaning {name}: speed (or the next target)", row.speed, 40, " MB/s", reached),
            Target(f"cleaning {name}: speed over decoding (or the previous)", row.of_decode, 0.15, "x", reached),
        ]
    return targets


def _memory_target(count: int) -> Target:
    """Compare peak memory when cleaning `count` pages and four times as many, each in its own process."""
    peaks, sizes = [], []
    for number in (count, 4 * count):
        command = [sys.executable, __file__, "--memory", str(number)]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        peak, size = json.loads(output)
        peaks.append(peak)
        sizes.append(size)
    growth = (peaks[1] - peaks[0]) / 1e6
    what = (
        f"memory growth from {count:,} to {4 * count:,} pages ({peaks[0] / 1e6:.0f} to {peaks[1] / 1e6:.0f} MB; "
        f"the additional texts have {(sizes[1] - sizes[0]) / 1e6:.0f} MB)"
    )
    return Target(what, growth, MARGIN / 1e6, " MB", growth <= MARGIN / 1e6, most=True)


def _stream(count: int) -> tuple[int, int]:
    """Clean `count` pages and return peak resident memory and the memory size of their texts, in bytes."""
    rules = load_schema(ROOT / "schema").boilerplate
    endless = pages(count)
    size = 0
    while batch := [*islice(endless, STREAM)]:
        size += sum(sys.getsizeof(document.raw) for document in batch)
        clean_batch(batch, STANDARD, rules)
    # VmHWM, because ru_maxrss starts from the parent process's value
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines())
    return int(status["VmHWM"].split()[0]) * 1024, size


def _edits_written(texts: list[str]) -> Target:
    """Compare the size of the edits in Parquet with the size of the texts in UTF-8."""
    table = pa.Table.from_batches([STANDARD.apply_arrow(pa.array(texts))])
    sink = pa.BufferOutputStream()
    pq.write_table(table.select(["edits"]), sink, compression="zstd")
    share = len(sink.getvalue()) / sum(len(text.encode()) for text in table["text"].to_pylist())
    return Target(
        "news: size of edits in Parquet, relative to the text", share * 100, 3, " %", share <= 0.03, most=True
    )


if __name__ == "__main__":
    os.environ.setdefault("RAYON_NUM_THREADS", "1")  # arabic-norm's batch: one thread, like all others
    main()
