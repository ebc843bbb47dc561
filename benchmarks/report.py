"""The figures of a run as Markdown, with the machine and the versions."""

import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from corpora import sources

from builder.records import TOOL

PACKAGES = ("khabar", "numpy", "pyarrow", "pyarabic", "camel-tools", "arabic-norm")
TITLES = {
    "news": "News: standard@1",
    "even": "How much hangs on the noise: the same news, all documents equally noisy",
    "vocalised": "The same words fully vocalised: standard@1",
    "articles": "Cleaning articles that stand alone, with the shipped rules",
    "pages": "Cleaning whole pages with the shipped rules",
}
NOTES = {
    "even": "pyarabic reads each text up to its first mark in Python, so its speed hangs on how many texts have none.\n"
    "Above, as many texts need an edit as was measured on texts put together from sentences of real news (86 %);\n"
    "the same noise spread evenly, as here, leaves hardly a text clean. For comparison; no target.",
    "news": "Tools with fewer rules leave spaces, controls, presentation forms or Farsi letters, so few of their texts are equal.",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One method: MB/s, its speed as a share of decoding and of pyarabic's chain, and the share of equal results."""

    method: str
    speed: float = 0
    of_decode: float = 0
    of_chain: float | None = None
    equal: float | None = None
    subset: float | None = None
    """The MB that it ran on, where not all."""
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured on one set of texts."""

    name: str
    described: str
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be reached, what was measured, and whether that is enough."""

    what: str
    measured: float
    target: float
    unit: str
    reached: bool
    most: bool = False
    """The target is an upper bound."""


def markdown(command: str, repeats: int, figures: Sequence[Figures], targets: Sequence[Target]) -> str:
    """The whole report."""
    return "\n".join([*_head(command, repeats), *(line for one in figures for line in _table(one)), *_summary(targets)])


def _head(command: str, repeats: int) -> Iterator[str]:
    yield from (
        "# Benchmark of the Arabic text core",
        "",
        f"Written by `{command}`; another run overwrites this part.",
        "",
    )
    yield f"- Machine: {_cpu()}, {platform.system()} {platform.machine()}; one thread."
    yield f"- Python {platform.python_version()}; " + ", ".join(map(_installed, PACKAGES)) + "."
    yield f"- Texts: made by `benchmarks/corpora.py` from invented articles and pages ({sources().digest}), seeded."
    yield f"- Method: the best of {repeats} rounds in which all methods take turns; MB are 10^6 bytes of UTF-8."
    yield "- Results were compared before the clock ran: a batch equals single texts, and edits lead back to the raw."
    yield ""


def _summary(targets: Sequence[Target]) -> Iterator[str]:
    yield from ("## Targets", "", "| target | to reach | measured | |", "|---|---:|---:|---|")
    for one in targets:
        bound = f"at most {one.target:g}{one.unit}" if one.most else f"at least {one.target:g}{one.unit}"
        yield f"| {one.what} | {bound} | {one.measured:.2f}{one.unit} | {'reached' if one.reached else 'NOT reached'} |"
    yield ""  # the last line ends like all others


def _table(one: Figures) -> Iterator[str]:
    yield from (f"## {TITLES[one.name]}", "", one.described + ".", "")
    chained = any(row.of_chain for row in one.rows)
    columns = ["method", "MB/s", "of decode", *(["of pyarabic's chain", "same text as khabar"] if chained else [])]
    yield "| " + " | ".join(columns) + " |"
    yield "|---" + "|---:" * (len(columns) - 1) + "|"
    for row in one.rows:
        yield "| " + " | ".join(_cells(row)[: len(columns)]) + " |"
    yield from ("", NOTES[one.name], "") if one.name in NOTES else ("",)


def _cells(row: Row) -> list[str]:
    if row.missing:
        return [row.method, f"not run: {row.missing}", "", "", ""]
    name = f"{row.method} (first {row.subset:.1f} MB)" if row.subset else row.method
    chain = f"{row.of_chain:.2f}" if row.of_chain else ""
    equal = "" if row.equal is None else f"{row.equal:.1%}"
    return [name, f"{row.speed:.1f}", f"{row.of_decode:.3f}", chain, equal]


def _cpu() -> str:
    """The processor's name, and how many of it are here."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {len(names)} cores" if names else platform.processor()


def _installed(package: str) -> str:
    try:
        return TOOL if package == "khabar" else f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} not installed"
