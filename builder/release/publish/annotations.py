"""Annotations and gold labels read back from the tables of a release.

Offsets are code points of the published text, end exclusive.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from builder.io.hashing import sha16
from builder.records import GOLD, Answer, PublishedAnnotation, Span, Stance
from builder.release.diff.compare import ReleaseView
from builder.release.tables.features import Json, class_names, features_of


@dataclass(frozen=True, slots=True)
class ReleaseArticle:
    """An article of a release: the hash of its published text, the text (None if not published), and its origin."""

    text_sha: str
    text: str | None
    origin: str


@dataclass(frozen=True, slots=True)
class ReleaseAnnotations:
    """The articles, annotations and gold of a release.

    `unsettled` holds the articles with an open or adjudicated dispute.
    """

    pages: Mapping[str, ReleaseArticle]
    answers: tuple[PublishedAnnotation, ...]
    unsettled: frozenset[str]


def read_annotations(side: ReleaseView) -> ReleaseAnnotations:
    """Read the annotations and the gold of a release; raises KeyError if a config or a column is missing."""
    pages = dict(_pages(side))
    version = side.about.version
    judged = list(_judged(side, pages)) if "annotations" in side.rows else []
    gold_spans: dict[str, tuple[Span, ...]] = {}
    flags: list[bool] = []
    if "entities" in side.rows:
        gold_spans = dict(zip(_column(side, "entities", "id"), _spans(side, "entities"), strict=True))
        flags = _column(side, "entities", "adjudicated")
    gold_stances: dict[str, list[Stance]] = defaultdict(list)
    unsettled = {*pages} - {*gold_spans}
    unsettled |= {article for article, adjudicated in zip(gold_spans, flags, strict=True) if adjudicated}
    if "stance" in side.rows:
        columns = ("article_id", "target", "stance", "adjudicated")
        names = class_names(features_of(side.schemas["stance"])["stance"])
        for article, target, value, adjudicated in zip(
            *(_column(side, "stance", name) for name in columns), strict=True
        ):
            gold_stances[article].append(Stance(target, names[value]))
            if adjudicated:
                unsettled.add(article)
    gold_answers: dict[str, list[Answer]] = defaultdict(list)
    if "questions" in side.rows:
        rows = (_column(side, "questions", name) for name in ("article_id", "question", "answers", "adjudicated"))
        for article, question, given, adjudicated in zip(*rows, strict=True):
            gold_answers[article] += [Answer(question, value) for value in given]
            unsettled |= {article} if adjudicated else set()
    for one in judged:
        if {answer.question for answer in one.answers} - {answer.question for answer in gold_answers[one.article_id]}:
            unsettled.add(one.article_id)
        if {stance.target for stance in one.stances} - {stance.target for stance in gold_stances[one.article_id]}:
            unsettled.add(one.article_id)
    answers = judged
    answers += [
        PublishedAnnotation(
            article,
            page.text_sha,
            version,
            GOLD,
            gold_spans.get(article, ()),
            tuple(sorted(gold_stances[article])),
            tuple(sorted(gold_answers[article])),
        )
        for article, page in pages.items()
        if article in gold_spans or gold_stances[article] or gold_answers[article]
    ]
    return ReleaseAnnotations(pages, tuple(answers), frozenset(unsettled))


def _pages(side: ReleaseView) -> Iterator[tuple[str, ReleaseArticle]]:
    names = ("id", "text_sha", "url", "source")
    columns = [_column(side, "articles", name) for name in names]
    has_text = "text" in side.schemas["articles"].names
    texts = _column(side, "articles", "text") if has_text else [None] * len(columns[0])
    for article, text_sha, url, source, text in zip(*columns, texts, strict=True):
        # Spans refer to the published text, which redaction may have changed, so its own hash is what counts.
        yield article, ReleaseArticle(sha16(text) if text is not None else text_sha, text, url or source or "")


def _judged(side: ReleaseView, pages: Mapping[str, ReleaseArticle]) -> Iterator[PublishedAnnotation]:
    """Yield each submitted annotation of a release."""
    columns = [_column(side, "annotations", name) for name in ("article_id", "annotator", "status")]
    has_stances = "stances" in side.schemas["annotations"].names
    per_row = _stances(side) if has_stances else iter([()] * len(columns[0]))
    has_answers = "answers" in side.schemas["annotations"].names
    given = _column(side, "annotations", "answers") if has_answers else [[]] * len(columns[0])
    rows = zip(*columns, _spans(side, "annotations"), per_row, given, strict=True)
    for article, annotator, status, spans, stances, plain in rows:
        if status == "submitted":
            answers = tuple(Answer(one["question"], one["value"]) for one in plain)
            yield PublishedAnnotation(
                article, pages[article].text_sha, side.about.version, annotator, spans, stances, answers
            )


def _column(side: ReleaseView, config: str, name: str) -> list[Any]:
    values: list[Any] = side.read(config, name).to_pylist()
    return values


def _spans(side: ReleaseView, config: str) -> Iterator[tuple[Span, ...]]:
    names = class_names(_inner(side, config, "spans", "label"))
    for rows in side.read(config, "spans").chunks:
        for row in rows.to_pylist():
            yield tuple(Span(span["start"], span["end"], names[span["label"]]) for span in row)


def entity_spans(side: ReleaseView) -> Iterator[tuple[Span, ...]]:
    """Yield the gold spans of each row of `entities`."""
    return _spans(side, "entities")


def question_answers(side: ReleaseView) -> dict[str, tuple[Answer, ...]]:
    """Return the gold answers of each article that `questions` has."""
    found: dict[str, tuple[Answer, ...]] = {}
    if "questions" in side.rows:
        rows = (_column(side, "questions", name) for name in ("article_id", "question", "answers"))
        for article, question, given in zip(*rows, strict=True):
            found[article] = (*found.get(article, ()), *(Answer(question, value) for value in given))
    return found


def _stances(side: ReleaseView) -> Iterator[tuple[Stance, ...]]:
    names = class_names(_inner(side, "annotations", "stances", "value"))
    for row in _column(side, "annotations", "stances"):
        yield tuple(Stance(stance["target"], names[stance["value"]]) for stance in row)


def _inner(side: ReleaseView, config: str, column: str, field: str) -> Json:
    feature = features_of(side.schemas[config])[column]
    inner = feature[0] if isinstance(feature, list) else None
    return inner.get(field) if isinstance(inner, dict) else None
