"""What a release says, read back out of its tables: each annotator's answers, and the gold.

Offsets are code points of the published text, end exclusive. Reads columns of a Side; knows no project.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from builder.io.hashing import sha16
from builder.records import GOLD, PublishedAnnotation, Span, Stance
from builder.release.diff.compare import Side
from builder.release.tables.features import Json, class_names, features_of


@dataclass(frozen=True, slots=True)
class Page:
    """An article of a release: the hash of its published text, that text where it is there, and where it is from."""

    text_sha: str
    text: str | None
    origin: str


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything that a release says; `unsettled` are articles with an open question, or one that was adjudicated."""

    pages: Mapping[str, Page]
    answers: tuple[PublishedAnnotation, ...]
    unsettled: frozenset[str]


def read_answers(side: Side) -> Answers:
    """The answers of a release by its tables; raises KeyError where it lacks a config or a column."""
    pages = dict(_pages(side))
    version = side.about.version
    judged = list(_judged(side))
    settled = dict(zip(_column(side, "entities", "id"), _spans(side, "entities"), strict=True))
    opinions: dict[str, list[Stance]] = defaultdict(list)
    unsettled = {*pages} - {*settled}
    unsettled |= {one for one, flag in zip(settled, _column(side, "entities", "adjudicated"), strict=True) if flag}
    if "stance" in side.rows:
        columns = ("article_id", "target", "stance", "adjudicated")
        names = class_names(features_of(side.schemas["stance"])["stance"])
        for article, target, value, flag in zip(*(_column(side, "stance", name) for name in columns), strict=True):
            opinions[article].append(Stance(target, names[value]))
            if flag:
                unsettled.add(article)
    for article, _, _, stances in judged:
        if {one.target for one in stances} - {one.target for one in opinions[article]}:
            unsettled.add(article)
    answers = [PublishedAnnotation(article, pages[article].text_sha, version, who, spans, stances)
               for article, who, spans, stances in judged]  # fmt: skip
    answers += [
        PublishedAnnotation(
            article, page.text_sha, version, GOLD, settled.get(article, ()), tuple(sorted(opinions[article]))
        )
        for article, page in pages.items()
        if article in settled or opinions[article]
    ]
    return Answers(pages, tuple(answers), frozenset(unsettled))


def _pages(side: Side) -> Iterator[tuple[str, Page]]:
    names = ("id", "text_sha", "url", "source")
    columns = [_column(side, "articles", name) for name in names]
    known = side.schemas["articles"].names
    texts = _column(side, "articles", "text") if "text" in known else [None] * len(columns[0])
    for article, text_sha, url, source, text in zip(*columns, texts, strict=True):
        # Of a text from which something was redacted, the offsets are those of what is left.
        yield article, Page(sha16(text) if text is not None else text_sha, text, url or source or "")


def _judged(side: Side) -> Iterator[tuple[str, str, tuple[Span, ...], tuple[Stance, ...]]]:
    columns = [_column(side, "annotations", name) for name in ("article_id", "annotator", "status")]
    known = side.schemas["annotations"].names
    said = _stances(side) if "stances" in known else iter([()] * len(columns[0]))
    for article, who, status, spans, stances in zip(*columns, _spans(side, "annotations"), said, strict=True):
        if status == "submitted":
            yield article, who, spans, stances


def _column(side: Side, config: str, name: str) -> list[Any]:
    found: list[Any] = side.read(config, name).to_pylist()
    return found


def _spans(side: Side, config: str) -> Iterator[tuple[Span, ...]]:
    names = class_names(_inner(side, config, "spans", "label"))
    for rows in side.read(config, "spans").chunks:
        for row in rows.to_pylist():
            yield tuple(Span(one["start"], one["end"], names[one["label"]]) for one in row)


def _stances(side: Side) -> Iterator[tuple[Stance, ...]]:
    names = class_names(_inner(side, "annotations", "stances", "value"))
    for row in _column(side, "annotations", "stances"):
        yield tuple(Stance(one["target"], names[one["value"]]) for one in row)


def _inner(side: Side, config: str, column: str, field: str) -> Json:
    feature = features_of(side.schemas[config])[column]
    inner = feature[0] if isinstance(feature, list) else None
    return inner.get(field) if isinstance(inner, dict) else None
