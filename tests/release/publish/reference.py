"""Annotations and gold read back row by row, as khabar read them before it took columns: the reference in tests."""

from collections import defaultdict
from typing import NamedTuple

from builder.io.hashing import sha16
from builder.records import GOLD, Answer, PublishedAnnotation, Span, Stance
from builder.release.tables.features import class_names, features_of


class Page(NamedTuple):
    """An article of a release."""

    text_sha: str
    text: str | None
    origin: str


def read_annotations(side):
    """Read the annotations and the gold of a release; raises KeyError if a config or a column is missing."""
    pages = dict(_pages(side))
    version = side.about.version
    judged = list(_judged(side, pages)) if "annotations" in side.rows else []
    gold_spans = {}
    flags = []
    if "entities" in side.rows:
        gold_spans = dict(zip(_column(side, "entities", "id"), _spans(side, "entities"), strict=True))
        flags = _column(side, "entities", "adjudicated")
    gold_stances = defaultdict(list)
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
    gold_answers = defaultdict(list)
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
    return pages, answers, unsettled


def _pages(side):
    names = ("id", "text_sha", "url", "source")
    columns = [_column(side, "articles", name) for name in names]
    has_text = "text" in side.schemas["articles"].names
    texts = _column(side, "articles", "text") if has_text else [None] * len(columns[0])
    for article, text_sha, url, source, text in zip(*columns, texts, strict=True):
        # Spans refer to the published text, which redaction may have changed, so its own hash is what counts.
        yield article, Page(sha16(text) if text is not None else text_sha, text, url or source or "")


def _judged(side, pages):
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


def _column(side, config, name):
    return side.read(config, name).to_pylist()


def _spans(side, config):
    names = class_names(_inner(side, config, "spans", "label"))
    for rows in side.read(config, "spans").chunks:
        for row in rows.to_pylist():
            yield tuple(Span(span["start"], span["end"], names[span["label"]]) for span in row)


def _stances(side):
    names = class_names(_inner(side, "annotations", "stances", "value"))
    for row in _column(side, "annotations", "stances"):
        yield tuple(Stance(stance["target"], names[stance["value"]]) for stance in row)


def _inner(side, config, column, field):
    feature = features_of(side.schemas[config])[column]
    inner = feature[0] if isinstance(feature, list) else None
    return inner.get(field) if isinstance(inner, dict) else None
