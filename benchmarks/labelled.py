"""Texts with labels that others published, or invented ones, to choose among. Measures nothing."""

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
"""Stands in every pair of headlines, so that each is asked about its claim."""


@dataclass(frozen=True, slots=True)
class Data:
    """Texts with what was published of them; `role` says whether next_up was built by looking at it."""

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
    """The published labels of a folder; next_up was built by looking at the first alone."""
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
    """A schema with these stances on one target that every text is asked about; its entity types are not looked at."""
    entity = {"name": "ANY", "ar": "أي", "en": "Any", "colour": "#b3261e", "key": "1", "definition": "أي"}
    target = {"id": CLAIM, "ar": CLAIM, "en": CLAIM, "keywords": [HEADING]}
    stances = {"values": [{"name": v, "ar": v, "en": v} for v in values], "targets": [target]} if values else None
    return Labels.model_validate({"version": 1, "entities": [entity], "stances": stances})


def _article(number: int, text: str) -> Article:
    return Article(f"{number:06}-0", f"{number:06}", 0, None, text, (), (), "standard@1+0", sha16(text))


def _gold(article: Article, spans: Sequence[Span], stances: tuple[Stance, ...]) -> Gold:
    return Gold(article.id, article.text_sha, tuple(spans), stances, "agreed", (), 2)


def _wojood(folder: Path) -> Iterator[tuple[str, list[Span]]]:
    """Sentences of tokens with columns of tags, one for each layer; the words are joined by spaces."""
    for path in (folder / f"{name}.txt" for name in ("train", "val", "test")):
        for block in path.read_text(encoding="utf-8").split("\n\n"):
            rows = [line.split() for line in block.split("\n") if line.strip()]
            if rows:
                yield _tagged(rows)


def _tagged(rows: Sequence[Sequence[str]]) -> tuple[str, list[Span]]:
    """A sentence with its spans; of spans of one label inside each other, the outermost."""
    at, spans = 0, list[Span]()
    open_spans: dict[str, Span] = {}
    for word, *tags in rows:
        still: dict[str, Span] = {}
        for kind, _, label in (tag.partition("-") for tag in tags if tag != "O"):
            start = open_spans[label].start if kind == "I" and label in open_spans else at
            still.setdefault(label, Span(start, at + len(word), label))
        spans += [span for label, span in open_spans.items() if label not in still or still[label].start != span.start]
        open_spans, at = still, at + len(word) + 1
    return " ".join(row[0] for row in rows), [*spans, *open_spans.values()]


def _idrisi(folder: Path) -> Iterator[tuple[str, list[Span]]]:
    for path in sorted(folder.glob("*/*.jsonl")):
        for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            found = [Span(one["startIdx"], one["endIdx"], one["type"]) for one in row["location_mentions"]]
            yield row["text"], found


def _ans(folder: Path) -> Iterator[tuple[str, str]]:
    for name in ("train", "dev", "test"):
        with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                yield f"{row['s1']}\n{HEADING}: {row['s2']}", row["stance"]


def invented(seeds: int) -> Data:
    """Invented articles; their labels stand where chance put them, so that nothing is to be learnt: it only runs."""
    from annotated import material

    whole = material(150, seeds)
    return Data("invented articles (labels by chance)", "reported", "articles", "strict span F1", 20, 20, 80,
                tuple(whole.articles), tuple(whole.golds), whole.labels)  # fmt: skip
