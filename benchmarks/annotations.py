"""Benchmark of reading, checking, measuring and adjudicating judgements: seconds of processor and peak memory.

    python benchmarks/annotations.py --articles 10000

Three annotators judge each article (annotated.py). A crowd judges short articles, some or all of them each. Every step
runs once, on what the step before it made. With --write the figures go to results.md.
"""

import argparse
import random
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
from annotated import LABELS, parts
from results import write_part

from builder.annotation.adjudication.adjudicate import adjudicate
from builder.annotation.agreement.measure import agree, pairs_account
from builder.annotation.quality.canonical import canonicalise, read_form
from builder.annotation.quality.check import check
from builder.io.jsonl import write_jsonl
from builder.io.jsonl_table import read_table_lines
from builder.io.parquet import to_table
from builder.records import Judgement, KhabarError, Span, Stance
from builder.schema.dataset import Adjudication
from builder.schema.labels import Labels

R = TypeVar("R")

LENGTH = 400
"""Code points of an article that a crowd judges."""

SPANS = 5
"""Most spans of a judgement of a crowd."""


@dataclass(slots=True)
class Clock:
    """The rows of the table: what was done, in how many seconds of processor, and the peak memory after it."""

    rows: list[str] = field(default_factory=list)

    def timed(self, what: str, make: Callable[[], R]) -> R:
        """Return what `make` makes, and note its time."""
        start = time.process_time()
        made = make()
        seconds = time.process_time() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        self.rows.append(f"| {what} | {seconds:.2f} | {peak:,.0f} |")
        return made


def crowd(annotators: int, articles: int, labels: Labels, seed: int, each: int) -> pa.Table:
    """Generate the judgements of a crowd of whom `each` judge an article: of the true spans a member misses some and labels others differently."""
    dice = random.Random(seed)  # noqa: S311 - seeded material
    names, targets, values = labels.entity_names, labels.target_ids, labels.published_values
    made: list[Judgement] = []
    for number in range(articles):
        starts = sorted(dice.sample(range(0, LENGTH, 40), SPANS))
        truth = [Span(start, start + dice.randint(3, 20), dice.choice(names)) for start in starts]
        for who in sorted(dice.sample(range(annotators), each)):
            spans = tuple(
                Span(span.start, span.end, span.label if dice.random() < 0.8 else dice.choice(names))
                for span in truth
                if dice.random() < 0.9
            )
            stances = tuple(Stance(target, dice.choice(values)) for target in sorted(targets)[:2])
            made.append(Judgement(f"{number:016x}-0", "0" * 16, "b1", f"a-{who:010x}", spans, stances, "submitted", 30.0,
                                  "2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z", "g", "s", 1, len(made)))  # fmt: skip
    return to_table(made, Judgement)


def measure(clock: Clock, count: int, seed: int) -> None:
    """Read, check, canonicalise, measure and adjudicate the judgements of `count` articles."""
    (made,), labels = parts(count, seed, count), LABELS
    articles = list(made.articles)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "judgements.jsonl"
        write_jsonl(path, made.judgements)
        read, issues = clock.timed("read the file", lambda: read_table_lines(path, Judgement))
    if issues:
        raise KhabarError(*issues)
    form = clock.timed("canonical form", lambda: read_form(read.table, articles, labels))
    clock.timed("check", lambda: check(form, lambda *_: ""))
    table = clock.timed("canonicalise", lambda: canonicalise(form)).table
    lengths = {article.id: len(article.text) for article in articles}
    clock.timed("agree", lambda: agree(table, labels, lengths))
    by_id = {article.id: article for article in articles}
    clock.timed("adjudicate", lambda: adjudicate(table, [], by_id, labels, Adjudication()))


def measure_crowd(clock: Clock, annotators: int, articles: int, labels: Labels, seed: int, each: int) -> None:
    """Measure the agreement of a crowd."""
    table = crowd(annotators, articles, labels, seed, each)
    lengths = dict.fromkeys(table["article_id"].to_pylist(), LENGTH)
    what = f"agree, {annotators:,} annotators and {articles:,} articles, {each} each"
    figures = clock.timed(what, lambda: agree(table, labels, lengths))
    pairs = pairs_account(table)
    print(f"{what}: {len(figures):,} figures, {pairs.kept:,} of {pairs.taken:,} pairs of annotators measured")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table, and write it if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=10_000)
    parser.add_argument("--crowds", type=int, nargs="*", default=[100, 3_000, 3, 100, 3_000, 10, 100, 3_000, 100, 800, 10_000, 3],
                        help="annotators and articles of each crowd, and who judge an article")  # fmt: skip
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="write the table to results.md")
    options = parser.parse_args(arguments)
    clock, labels = Clock(), LABELS
    measure(clock, options.articles, options.seed)
    crowds = (options.crowds[place::3] for place in range(3))
    for annotators, articles, each in zip(*crowds, strict=True):
        measure_crowd(clock, annotators, articles, labels, options.seed, each)
    head = f"{options.articles:,} articles of 2,000 code points with 3 judgements of 20 spans each, then crowds."
    text = "\n".join(["# Benchmark of judgements", "", f"Written by `python benchmarks/annotations.py --write`. {head}", "",
                      "| step | seconds of processor | peak memory (MB) |", "|---|---:|---:|", *clock.rows])  # fmt: skip
    print(text)
    if options.write:
        write_part("annotations", text)


if __name__ == "__main__":
    main()
