"""Benchmark of deduplication: khabar, datatrove, text-dedup and Daft on the same corpus in one run.

Run `python benchmarks/bulk.py --articles 200000 --json`. Each tool reads a synthetic corpus with planted duplicates
(benchmarks/planted.py) from Parquet and writes one article of each group as Parquet. Each tool runs in its own
processes on all cores (benchmarks/bulk_peers.py), in an environment that is created once under ~/.cache/khabar.
Processor time and memory (the proportional set sizes of all its processes) are polled from /proc five times a second.
Pair recall and precision are measured against the same ground truth. Times are never asserted.
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
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from planted import HOME, KINDS, corpus, truth
from results import PAGE, write_part
from watch import poll

PEERS = {
    "datatrove": ("datatrove-0.10.1-spacy", ["datatrove[io,processing]==0.10.1", "spacy==3.8.7"]),
    "datatrove-stock": ("datatrove-0.10.1-spacy", ["datatrove[io,processing]==0.10.1", "spacy==3.8.7"]),
    "text-dedup": ("text-dedup-0.4.0", ["text-dedup==0.4.0"]),
    "daft": ("daft-0.7.26", ["daft==0.7.26", "pyarrow", "numpy"]),
}
SAID = {
    "khabar": "khabar",
    "datatrove": "datatrove 0.10.1, words split at white space",
    "datatrove-stock": "datatrove 0.10.1, its own WhitespaceTokenizer",
    "text-dedup": "text-dedup 0.4.0, minhash",
    "daft": "Daft 0.7.26, built-in minhash; bands and groups in numpy",
}
MIN_RATIO, MIN_TEXT_DEDUP, RECALL_GAP, MIN_PRECISION, MOST_MEMORY = 8.0, 4.0, 0.005, 0.999, 1000.0
GROWTH, GROWTH_SLACK = 4.0, 0.4
STEP = 0.05
"""Bin width of the curve of recall by Jaccard similarity."""
CURVE = PAGE.parents[1] / "builder" / "release" / "card" / "recall.json"
"""The recall figures that dataset cards report."""
Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Measured:
    """The result of one tool on one corpus: wall seconds, processor seconds, peak memory in MB, and quality.

    `recall` is the pair recall of copies with a Jaccard similarity of at least 0.8 to their original, `all_recall`
    that of all planted copies, and `contained` the recall of articles contained in another. `curve` is the recall by
    Jaccard similarity from 0.5 on.
    """

    way: str
    articles: int
    seconds: float
    processor: float
    peak_mb: float
    recall: float
    all_recall: float
    precision: float
    contained: float
    kept: int
    curve: dict[str, float] = field(default_factory=dict)


def main() -> None:
    """Run all measurements and print the results."""
    options = _options()
    results, failures = _measure_all(options)
    targets = [*_targets(results, options.grown)]
    for line in (*_lines(results), *failures):
        print(line)
    for target, reached in targets:
        print(f"{target}: {'reached' if reached else 'NOT reached'}")
    if options.write:
        write_part("bulk", _markdown(options, results, failures, targets))
        CURVE.write_text(
            json.dumps({"articles": results[0].articles, "seed": options.seed, **results[0].curve}, indent=1) + "\n"
        )
    if options.json:
        khabar = results[0]
        print(json.dumps({
            "ratio_datatrove": _ratio(results, "datatrove"), "recall": khabar.recall, "precision": khabar.precision,
            "peak_mb": max(result.peak_mb for result in results if result.way == "khabar"),
            "ratio_text_dedup": _ratio(results, "text-dedup"), "ratio_daft": _ratio(results, "daft"),
            "measured": [asdict(result) for result in results], "refused": failures,
        }))  # fmt: skip


def _measure_all(options: argparse.Namespace) -> tuple[list[Measured], list[str]]:
    """Measure every tool that was asked for, and khabar at each size; return the results and the failures."""
    results = [_measure("khabar", options.articles, options.seed)]
    sizes = {
        "datatrove": options.articles,
        "datatrove-stock": options.stock,
        "text-dedup": options.text_dedup,
        "daft": options.daft,
    }
    failures: list[str] = []
    for way, count in sizes.items():
        if count == 0:
            continue
        try:
            measured = any(result.articles == count and result.way == "khabar" for result in results)
            if count != options.articles and not measured:
                results.append(_measure("khabar", count, options.seed))
            results.append(_measure(way, count, options.seed))
        except subprocess.CalledProcessError as error:
            failures.append(
                f"{SAID[way]}: not measured, `{' '.join(map(str, error.cmd))[-120:]}` exited with {error.returncode}"
            )
    if options.grown:
        results.append(_measure("khabar", options.grown, options.seed))
    return results, failures


def _pair(results: Sequence[Measured], way: str) -> tuple[Measured, Measured] | None:
    """Return khabar's result on the corpus of another tool, and the result of that tool."""
    other = next((result for result in results if result.way == way), None)
    if other is None:
        return None
    return next(result for result in results if result.way == "khabar" and result.articles == other.articles), other


def _ratio(results: Sequence[Measured], way: str, field: str = "seconds") -> float | None:
    """Return another tool's time divided by khabar's time on the same corpus."""
    pair = _pair(results, way)
    return None if pair is None else round(getattr(pair[1], field) / getattr(pair[0], field), 2)


def _targets(results: Sequence[Measured], grown: int) -> Iterator[tuple[str, bool]]:
    """Yield each target with its measured value, and whether it was reached."""
    for way, least in (("datatrove", MIN_RATIO), ("text-dedup", MIN_TEXT_DEDUP)):
        ratio, busy = _ratio(results, way), _ratio(results, way, "processor")
        if ratio is not None:
            yield f"speedup over {way}: {ratio:.2f}x (processor time {busy:.2f}x), at least {least:g}x", ratio >= least
    pair = _pair(results, "datatrove")
    if pair:
        gap = pair[0].recall - pair[1].recall
        yield f"pair recall minus that of datatrove: {gap:+.4f}, at least {-RECALL_GAP:g}", gap >= -RECALL_GAP
    precision = results[0].precision
    yield f"precision: {precision:.5f}, at least {MIN_PRECISION:g}", precision >= MIN_PRECISION
    khabar = [result for result in results if result.way == "khabar"]
    largest = max(khabar, key=lambda result: result.articles)
    yield (
        f"peak memory at {largest.articles:,} articles: {largest.peak_mb:,.0f} MB, at most {MOST_MEMORY:,.0f} MB",
        largest.peak_mb <= MOST_MEMORY,
    )
    if grown:
        growth = largest.seconds / khabar[0].seconds / (largest.articles / khabar[0].articles) * GROWTH
        yield (
            f"time for four times as many articles: {growth:.2f}x, {GROWTH:g} +- {GROWTH_SLACK:g}",
            abs(growth - GROWTH) <= GROWTH_SLACK,
        )


def _lines(results: Sequence[Measured]) -> Iterator[str]:
    """Yield one line of text per result."""
    for result in results:
        yield (
            f"{result.way}, {result.articles:,} articles: {result.seconds:.1f} s, processor {result.processor:.1f} s "
            f"({result.processor / result.articles * 1e6:.0f} us each), peak {result.peak_mb:,.0f} MB, "
            f"recall {result.recall:.4f} (all {result.all_recall:.4f}), precision {result.precision:.5f}, "
            f"contained {result.contained:.3f}, kept {result.kept:,}"
        )


def _markdown(
    options: argparse.Namespace,
    results: Sequence[Measured],
    failures: Sequence[str],
    targets: Sequence[tuple[str, bool]],
) -> str:
    """Return the section of benchmarks/results.md."""
    rows = [
        f"| {SAID[result.way]} | {result.articles:,} | {result.seconds:.1f} | {result.processor:.1f} | "
        f"{result.peak_mb:,.0f} | {result.recall:.4f} | {result.precision:.5f} | {result.contained:.2f} | "
        f"{result.kept:,} |"
        for result in results
    ]
    sizes = {"articles": options.articles, "grown": options.grown, "stock": options.stock}
    sizes |= {"text-dedup": options.text_dedup, "daft": options.daft}
    arguments = " ".join(f"--{name} {size}" for name, size in sizes.items() if size)
    edges = list(results[0].curve)
    first = {result.way: result for result in reversed(results)}
    daft = _ratio(results, "daft")
    return "\n".join([
        "# Benchmark of deduplication",
        "",
        f"Written by `python benchmarks/bulk.py {arguments} --write`.",
        "",
        f"- Machine: {os.cpu_count()} cores, {platform.system()} {platform.machine()}; Python {platform.python_version()}.",
        "- Synthetic, seeded articles of about 2.4 KB with planted duplicates (`benchmarks/planted.py`).",
        "- From the corpus as Parquet to the kept articles as Parquet, including the start-up of all processes.",
        "- Pair recall counts copies with a similarity of at least 0.8 to their original; contained: inside another article.",
        "- khabar also compares all candidates exactly and finds contained and related articles; the others do not.",
        "",
        "| tool | articles | seconds | processor seconds | peak MB | pair recall | precision | contained | kept |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
        *rows,
        "",
        *(f"- {line}" for line in failures),
        *([f"- Daft takes {daft:.2f} times as long as khabar: it is {'slower' if daft > 1 else 'faster'}."] if daft else []),
        *(f"- {target}: {'reached' if reached else 'NOT reached'}" for target, reached in targets),
        "",
        "Recall of copies by their Jaccard similarity to the original:",
        "",
        "| tool | " + " | ".join(f"{float(edge):.2f}-" for edge in edges) + " |",
        "|---|" + "---:|" * len(edges),
        *(f"| {way} | " + " | ".join(f"{result.curve.get(edge, float('nan')):.3f}" for edge in edges) + " |" for way, result in sorted(first.items())),
    ])  # fmt: skip


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--articles", type=int, default=200_000, help="articles for khabar and datatrove (default 200000)"
    )
    parser.add_argument(
        "--grown", type=int, default=0, help="articles for khabar alone, to measure growth and memory; 0 for none"
    )
    parser.add_argument(
        "--stock", type=int, default=0, help="articles for datatrove with its own tokenizer, which is slow; 0 for none"
    )
    parser.add_argument("--text-dedup", type=int, default=0, help="articles for text-dedup; 0 for none")
    parser.add_argument("--daft", type=int, default=0, help="articles for Daft; 0 for none")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON on the last line")
    parser.add_argument("--write", action="store_true", help="write the figures to benchmarks/results.md")
    return parser.parse_args()


def _python(way: str) -> Path:
    """Return the Python of a tool's environment, creating the environment if needed."""
    if way == "khabar":
        return Path(sys.executable)
    name, pins = PEERS[way]
    home = HOME / name
    if not (home / ".complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        subprocess.run(
            [home / "bin" / "python", "-m", "pip", "install", "-qq", "--disable-pip-version-check", *pins], check=True
        )
        (home / ".complete").touch()
    return home / "bin" / "python"


def _measure(way: str, count: int, seed: int) -> Measured:
    """Run one tool on a corpus of `count` articles and measure it."""
    source, python = corpus(count, seed), _python(way)
    for path in source.rglob("*.parquet"):
        path.read_bytes()  # warm the page cache, so that the first tool does not pay for disk reads
    folder = Path(tempfile.mkdtemp(prefix="khabar-bulk-"))
    try:
        root = str(Path(__file__).parent.parent)
        script = str(Path(__file__).with_name("bulk_peers.py"))
        command = [str(python), script, way, str(source), str(folder)]
        env = {**os.environ, "STARTED": str(time.time()), "PYTHONPATH": root}
        with (folder / "log").open("wb") as log:
            child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=env)
            used = _watched(child)
        output = child.stdout.read() if child.stdout else b""
        if child.wait():
            print((folder / "log").read_text(errors="replace")[-2000:], file=sys.stderr)
            raise subprocess.CalledProcessError(child.returncode, command)
        if way == "khabar":
            print((folder / "log").read_text(), end="", file=sys.stderr)
        labels = np.load(folder / "labels.npy")
        seconds = json.loads(output.splitlines()[-1])["seconds"]
        return Measured(way, count, seconds, *used, *_quality(labels, truth(source)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _watched(child: "subprocess.Popen[bytes]") -> tuple[float, float]:
    """Poll a process and its descendants until it prints its time; return processor seconds and peak memory in MB."""
    output = child.stdout
    assert output is not None  # noqa: S101 - started with a pipe
    os.set_blocking(output.fileno(), False)
    used = poll(child.pid, "Pss", lambda: child.poll() is None and not output.peek())
    os.set_blocking(output.fileno(), True)
    return used


def _quality(
    labels: Labels, known: dict[str, NDArray[np.float32]]
) -> tuple[float, float, float, float, int, dict[str, float]]:
    """Compare groups with the ground truth.

    Returns pair recall of close copies, pair recall of all copies, pair precision, recall of contained articles, the
    number of groups, and the recall of near copies by Jaccard similarity.
    """
    cluster, kind, jaccard = known["cluster"].astype(np.int64), known["kind"], known["jaccard"]
    copies = (kind < KINDS.index("contained")) & (jaccard >= 0.8)
    source = np.empty(cluster.max() + 1, np.int64)
    source[cluster[kind == 0]] = np.flatnonzero(kind == 0)
    hit = labels == labels[source[cluster]]
    near = kind == KINDS.index("near")
    bins = {
        f"{low:.2f}": near & (jaccard >= low - 1e-6) & (jaccard < low + STEP - 1e-6) for low in np.arange(0.5, 1, STEP)
    }
    return (
        _both(labels[copies], cluster[copies]) / max(_pairs(cluster[copies]), 1),
        _both(labels, cluster) / max(_pairs(cluster), 1),
        _both(labels, cluster) / max(_pairs(labels), 1),
        float(hit[kind == KINDS.index("contained")].mean()),
        len(np.unique(labels)),
        {edge: round(float(hit[which].mean()), 4) for edge, which in bins.items() if which.any()},
    )


def _pairs(labels: Labels) -> float:
    """Return the number of pairs with equal labels."""
    counts = np.unique(labels, return_counts=True)[1].astype(np.float64)
    return float((counts * (counts - 1) / 2).sum())


def _both(labels: Labels, cluster: Labels) -> float:
    """Return the number of pairs that are equal in both labellings."""
    return _pairs(np.unique(labels, return_inverse=True)[1] * (int(cluster.max()) + 1) + cluster)


if __name__ == "__main__":
    main()
