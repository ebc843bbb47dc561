"""How fast duplicates are found: khabar against datatrove, text-dedup and Daft on the same work, in one run.

`python benchmarks/bulk.py --articles 200000 --json`. An invented corpus with planted duplicates (benchmarks/planted.py)
is read from Parquet, and what is kept, one article of each group, is written as Parquet; each tool does it in
processes of its own, with all cores (benchmarks/bulk_peers.py), in an environment that is made once under
~/.cache/khabar. Wall time, processor time and the sum of the proportional set sizes of all its processes are polled
from /proc five times a second. Pair recall and precision are those of the same truth; times are never asserted.
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

PEERS = {
    "datatrove": ("datatrove-0.10.1-spacy", ["datatrove[io,processing]==0.10.1", "spacy==3.8.7"]),
    "datatrove-stock": ("datatrove-0.10.1-spacy", ["datatrove[io,processing]==0.10.1", "spacy==3.8.7"]),
    "text-dedup": ("text-dedup-0.4.0", ["text-dedup==0.4.0"]),
    "daft": ("daft-0.7.26", ["daft==0.7.26", "pyarrow", "numpy"]),
}
SAID = {
    "khabar": "khabar",
    "datatrove": "datatrove 0.10.1, words parted at white space",
    "datatrove-stock": "datatrove 0.10.1, its own WhitespaceTokenizer",
    "text-dedup": "text-dedup 0.4.0, minhash",
    "daft": "Daft 0.7.26, built-in minhash; bands and groups in numpy",
}
MIN_RATIO, MIN_TEXT_DEDUP, RECALL_GAP, MIN_PRECISION, MOST_MEMORY = 8.0, 4.0, 0.005, 0.999, 1000.0
GROWTH, GROWTH_SLACK = 4.0, 0.4
STEP = 0.05
"""Width of a bin of the curve of recall by Jaccard similarity."""
CURVE = PAGE.parents[1] / "builder" / "release" / "recall.json"
"""What the card says of the search for copies."""
Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Measured:
    """One tool on one corpus: seconds, those of the processors, peak memory in MB, and how well it found copies.

    `recall` is of pairs of copies of one article that are at least .8 like it, `all_recall` of all that were planted,
    `contained` of articles that stand inside another; `curve` is by Jaccard similarity, from .5 on.
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
    """Measure and print the figures."""
    options = _options()
    found = [_measure("khabar", options.articles, options.seed)]
    sizes = {
        "datatrove": options.articles,
        "datatrove-stock": options.stock,
        "text-dedup": options.text_dedup,
        "daft": options.daft,
    }
    refused: list[str] = []
    for way, count in sizes.items():
        if count == 0:
            continue
        try:
            if count != options.articles and not any(one.articles == count and one.way == "khabar" for one in found):
                found.append(_measure("khabar", count, options.seed))
            found.append(_measure(way, count, options.seed))
        except subprocess.CalledProcessError as error:
            refused.append(
                f"{SAID[way]}: not measured, `{' '.join(map(str, error.cmd))[-120:]}` ended with {error.returncode}"
            )
    if options.grown:
        found.append(_measure("khabar", options.grown, options.seed))
    targets = [*_targets(found, options.grown)]
    for line in (*_lines(found), *refused):
        print(line)
    for what, reached in targets:
        print(f"{what}: {'reached' if reached else 'NOT reached'}")
    if options.write:
        write_part("bulk", _markdown(options, found, refused, targets))
        CURVE.write_text(
            json.dumps({"articles": found[0].articles, "seed": options.seed, **found[0].curve}, indent=1) + "\n"
        )
    if options.json:
        mine = found[0]
        print(json.dumps({
            "ratio_datatrove": _ratio(found, "datatrove"), "recall": mine.recall, "precision": mine.precision,
            "peak_mb": max(one.peak_mb for one in found if one.way == "khabar"),
            "ratio_text_dedup": _ratio(found, "text-dedup"), "ratio_daft": _ratio(found, "daft"),
            "measured": [asdict(one) for one in found], "refused": refused,
        }))  # fmt: skip


def _pair(found: Sequence[Measured], way: str) -> tuple[Measured, Measured] | None:
    other = next((one for one in found if one.way == way), None)
    return (
        None if other is None else (next(o for o in found if o.way == "khabar" and o.articles == other.articles), other)
    )


def _ratio(found: Sequence[Measured], way: str, what: str = "seconds") -> float | None:
    """How many times as long another tool takes for as many articles."""
    pair = _pair(found, way)
    return None if pair is None else round(getattr(pair[1], what) / getattr(pair[0], what), 2)


def _targets(found: Sequence[Measured], grown: int) -> Iterator[tuple[str, bool]]:
    for way, least in (("datatrove", MIN_RATIO), ("text-dedup", MIN_TEXT_DEDUP)):
        ratio, busy = _ratio(found, way), _ratio(found, way, "processor")
        if ratio is not None:
            yield f"speed of {way}: {ratio:.2f}x (by processor time {busy:.2f}x), at least {least:g}x", ratio >= least
    pair = _pair(found, "datatrove")
    if pair:
        gap = pair[0].recall - pair[1].recall
        yield f"pair recall less that of datatrove: {gap:+.4f}, at least {-RECALL_GAP:g}", gap >= -RECALL_GAP
    yield f"precision: {found[0].precision:.5f}, at least {MIN_PRECISION:g}", found[0].precision >= MIN_PRECISION
    mine = [one for one in found if one.way == "khabar"]
    most = max(mine, key=lambda one: one.articles)
    yield (
        f"peak memory at {most.articles:,}: {most.peak_mb:,.0f} MB, at most {MOST_MEMORY:,.0f}",
        most.peak_mb <= MOST_MEMORY,
    )
    if grown:
        growth = most.seconds / mine[0].seconds / (most.articles / mine[0].articles) * GROWTH
        yield (
            f"growth for four times as many: {growth:.2f}x, {GROWTH:g} +- {GROWTH_SLACK:g}",
            abs(growth - GROWTH) <= GROWTH_SLACK,
        )


def _lines(found: Sequence[Measured]) -> Iterator[str]:
    for one in found:
        yield (
            f"{one.way}, {one.articles:,} articles: {one.seconds:.1f} s, processor {one.processor:.1f} s "
            f"({one.processor / one.articles * 1e6:.0f} us each), peak {one.peak_mb:,.0f} MB, recall {one.recall:.4f} "
            f"(all {one.all_recall:.4f}), precision {one.precision:.5f}, contained {one.contained:.3f}, kept {one.kept:,}"
        )


def _markdown(
    options: argparse.Namespace, found: Sequence[Measured], refused: Sequence[str], targets: Sequence[tuple[str, bool]]
) -> str:
    rows = [
        f"| {SAID[one.way]} | {one.articles:,} | {one.seconds:.1f} | {one.processor:.1f} | {one.peak_mb:,.0f} | "
        f"{one.recall:.4f} | {one.precision:.5f} | {one.contained:.2f} | {one.kept:,} |"
        for one in found
    ]
    sizes = {"articles": options.articles, "grown": options.grown, "stock": options.stock}
    sizes |= {"text-dedup": options.text_dedup, "daft": options.daft}
    asked = " ".join(f"--{name} {size}" for name, size in sizes.items() if size)
    edges = list(found[0].curve)
    first = {one.way: one for one in reversed(found)}
    daft = _ratio(found, "daft")
    return "\n".join([
        "# Benchmark of finding duplicates",
        "",
        f"Written by `python benchmarks/bulk.py {asked} --write`.",
        "",
        f"- Machine: {os.cpu_count()} cores, {platform.system()} {platform.machine()}; Python {platform.python_version()}.",
        "- Articles of about 2.4 KB, invented and seeded, with planted duplicates (`benchmarks/planted.py`).",
        "- From Parquet to what is kept as Parquet, start-up of all processes included.",
        "- Recall is of pairs of copies at least .8 like what they were made from; contained: inside another article.",
        "- khabar also compares all candidates exactly, and finds what is contained and related; the others do not.",
        "",
        "| tool | articles | seconds | of the processors | peak MB | pair recall | precision | contained | kept |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
        *rows,
        "",
        *(f"- {line}" for line in refused),
        *([f"- Daft takes {daft:.2f} times as long as khabar: it is {'slower' if daft > 1 else 'faster'}."] if daft else []),
        *(f"- {what}: {'reached' if reached else 'NOT reached'}" for what, reached in targets),
        "",
        "Copies found, by their Jaccard similarity to what they were made from:",
        "",
        "| tool | " + " | ".join(f"{float(edge):.2f}-" for edge in edges) + " |",
        "|---|" + "---:|" * len(edges),
        *(f"| {way} | " + " | ".join(f"{one.curve.get(edge, float('nan')):.3f}" for edge in edges) + " |" for way, one in sorted(first.items())),
    ])  # fmt: skip


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--articles", type=int, default=200_000, help="articles for khabar and datatrove (default 200000)"
    )
    parser.add_argument(
        "--grown", type=int, default=0, help="articles for khabar alone, for growth and memory; 0 for none"
    )
    parser.add_argument("--stock", type=int, default=0, help="articles for datatrove's own tokenizer, slow; 0 for none")
    parser.add_argument("--text-dedup", type=int, default=0, help="articles for text-dedup; 0 for none")
    parser.add_argument("--daft", type=int, default=0, help="articles for Daft; 0 for none")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON in the last line")
    parser.add_argument("--write", action="store_true", help="write the figures to benchmarks/results.md")
    return parser.parse_args()


def _python(way: str) -> Path:
    """Python of the environment of a tool, which is made once."""
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
    place, python = corpus(count, seed), _python(way)
    for path in place.rglob("*.parquet"):
        path.read_bytes()  # whoever comes first would else pay for the disk
    folder = Path(tempfile.mkdtemp(prefix="khabar-bulk-"))
    try:
        root = str(Path(__file__).parent.parent)
        script = str(Path(__file__).with_name("bulk_peers.py"))
        command = [str(python), script, way, str(place), str(folder)]
        env = {**os.environ, "STARTED": str(time.time()), "PYTHONPATH": root}
        with (folder / "log").open("wb") as log:
            child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=env)
            used = _watched(child)
        said = child.stdout.read() if child.stdout else b""
        if child.wait():
            print((folder / "log").read_text(errors="replace")[-2000:], file=sys.stderr)
            raise subprocess.CalledProcessError(child.returncode, command)
        if way == "khabar":
            print((folder / "log").read_text(), end="", file=sys.stderr)
        labels = np.load(folder / "labels.npy")
        return Measured(
            way, count, json.loads(said.splitlines()[-1])["seconds"], *used, *_quality(labels, truth(place))
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _watched(child: "subprocess.Popen[bytes]") -> tuple[float, float]:
    """Seconds of the processors and peak memory in MB of a process and all that it started, until it says what it took."""
    ticks: dict[int, float] = {}
    peak = 0.0
    assert child.stdout is not None  # noqa: S101 - it was asked for
    os.set_blocking(child.stdout.fileno(), False)
    while child.poll() is None and not child.stdout.peek():
        total = 0.0
        for pid in _family(child.pid):
            try:
                own = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks[pid] = (int(own[11]) + int(own[12])) / os.sysconf("SC_CLK_TCK")
                rolled = Path(f"/proc/{pid}/smaps_rollup").read_text()
                total += int(rolled.split("\nPss:")[1].split()[0]) / 1000
            except (OSError, IndexError):
                continue
        peak = max(peak, total)
        time.sleep(0.2)
    os.set_blocking(child.stdout.fileno(), True)
    return sum(ticks.values()), peak


def _family(root: int) -> list[int]:
    """A process and all below it."""
    parents: dict[int, list[int]] = {}
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                parents.setdefault(int((place / "stat").read_text().rpartition(")")[2].split()[1]), []).append(
                    int(place.name)
                )
            except OSError:
                continue
    found = [root]
    for pid in found:
        found += parents.get(pid, [])
    return found


def _quality(
    labels: Labels, known: dict[str, NDArray[np.float32]]
) -> tuple[float, float, float, float, int, dict[str, float]]:
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
    counts = np.unique(labels, return_counts=True)[1].astype(np.float64)
    return float((counts * (counts - 1) / 2).sum())


def _both(labels: Labels, cluster: Labels) -> float:
    return _pairs(np.unique(labels, return_inverse=True)[1] * (int(cluster.max()) + 1) + cluster)


if __name__ == "__main__":
    main()
