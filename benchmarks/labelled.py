"""Labelled texts for the active learning benchmark: published datasets, or synthetic articles."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.io.hashing import sha16
from builder.records import Article, Gold, Span, Stance
from builder.schema.labels import Labels

CLAIM = "claim"
HEADING = "العنوان الثاني"
"""The keyword of the stance target, put into every pair of headlines so that each pair is asked about its claim."""


@dataclass(frozen=True, slots=True)
class Data:
    """A labelled dataset; `role` tells development data, used to design next_up, from data only reported."""

    name: str
    role: str
    unit: str
    measure: str
    start: int
    step: int
    stop: int
    articles: tuple[Article, ...]
    golds: tuple[Gold, ...]
    labels: Labels


def published(folder: Path) -> Iterator[Data]:
    """Yield the published datasets in a folder; next_up was designed on the first one only."""
    entities, stances = folder / "entities", folder / "stance" / "ans"
    yield _spans_data("Wojood sample", "development", "sentences", list(_wojood(entities / "wojood-sample")))
    yield _spans_data("IDRISI", "reported", "tweets", list(_idrisi(entities / "idrisi-time" / "json")))
    yield _stance_data("Arabic News Stance", "reported", "pairs of headlines", list(_ans(stances)))


def _spans_data(name: str, role: str, unit: str, rows: Sequence[tuple[str, list[Span]]]) -> Data:
    labels = _labels([])
    articles = tuple(_article(number, text) for number, (text, _) in enumerate(rows))
    golds = tuple(_gold(article, spans, ()) for article, (_, spans) in zip(articles, rows, strict=True))
    return Data(name, role, unit, "strict span F1", 50, 50, 400, articles, golds, labels)


def _stance_data(name: str, role: str, unit: str, rows: Sequence[tuple[str, str]]) -> Data:
    labels = _labels(sorted({value for _, value in rows}))
    articles = tuple(_article(number, text) for number, (text, _) in enumerate(rows))
    golds = tuple(
        _gold(article, (), (Stance(CLAIM, value),)) for article, (_, value) in zip(articles, rows, strict=True)
    )
    return Data(name, role, unit, "macro-F1", 100, 150, 1000, articles, golds, labels)


def _labels(values: Sequence[str]) -> Labels:
    """Return a schema with these stance values and one target that applies to every text. Entity types are unused."""
    entity = {"name": "ANY", "ar": "أي", "en": "Any", "colour": "#b3261e", "key": "1", "definition": "أي"}
    target = {"id": CLAIM, "ar": CLAIM, "en": CLAIM, "keywords": [HEADING]}
    stances = {"values": [{"name": v, "ar": v, "en": v} for v in values], "targets": [target]} if values else None
    return Labels.model_validate({"version": 1, "entities": [entity], "stances": stances})


def _article(number: int, text: str) -> Article:
    return Article(f"{number:06}-0", f"{number:06}", 0, None, text, (), (), "standard@1+0", sha16(text))


def _gold(article: Article, spans: Sequence[Span], stances: tuple[Stance, ...]) -> Gold:
    return Gold(article.id, article.text_sha, tuple(spans), stances, "agreed", (), 2)


def _wojood(folder: Path) -> Iterator[tuple[str, list[Span]]]:
    """Yield sentences from token rows with one tag column per layer; words are joined by spaces."""
    for path in (folder / f"{name}.txt" for name in ("train", "val", "test")):
        for block in path.read_text(encoding="utf-8").split("\n\n"):
            rows = [line.split() for line in block.split("\n") if line.strip()]
            if rows:
                yield _tagged(rows)


def _tagged(rows: Sequence[Sequence[str]]) -> tuple[str, list[Span]]:
    """Return a sentence with its spans; of nested spans of one label, only the outermost."""
    at, spans = 0, list[Span]()
    open_spans: dict[str, Span] = {}
    for word, *tags in rows:
        current: dict[str, Span] = {}
        for kind, _, label in (tag.partition("-") for tag in tags if tag != "O"):
            start = open_spans[label].start if kind == "I" and label in open_spans else at
            current.setdefault(label, Span(start, at + len(word), label))
        spans += [
            span for label, span in open_spans.items() if label not in current or current[label].start != span.start
        ]
        open_spans, at = current, at + len(word) + 1
    return " ".join(row[0] for row in rows), [*spans, *open_spans.values()]


def _idrisi(folder: Path) -> Iterator[tuple[str, list[Span]]]:
    for path in sorted(folder.glob("*/*.jsonl")):
        for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            mentions = row["location_mentions"]
            yield row["text"], [Span(mention["startIdx"], mention["endIdx"], mention["type"]) for mention in mentions]


def _ans(folder: Path) -> Iterator[tuple[str, str]]:
    for name in ("train", "dev", "test"):
        with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                yield f"{row['s1']}\n{HEADING}: {row['s2']}", row["stance"]


def invented(seeds: int) -> Data:
    """Generate articles with random labels. Nothing can be learnt from them; they only exercise the benchmark."""
    from annotated import LABELS, parts

    (whole,) = parts(150, seeds, 150)
    return Data("synthetic articles (random labels)", "reported", "articles", "strict span F1", 20, 20, 80,
                tuple(whole.articles), tuple(whole.golds), LABELS)  # fmt: skip
