"""Texts with marked offsets, of any format, as a published set."""

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass

import pyarrow as pa

from builder.formats.labels import unknown_label
from builder.formats.oddities import odd_texts
from builder.formats.offsets import Quote, Unit, agrees, places_of, unit_of
from builder.formats.published import (
    ANSWERS,
    ARTICLES,
    CHANGES,
    SEEN,
    SPANS,
    STANCES,
    PublishedSet,
    account,
    refuse,
    sighting,
)
from builder.records import Answer, Dropped, Issue, Stance
from builder.schema.importing import ImportMap

SURROGATE = re.compile("[\ud800-\udfff]")

DISAGREES = "the words are not at the offsets"

LEFT_OUT = "label left out by the map"

REPEATED = "place and label of another"

AGAIN, HALF = "id and text of an earlier record", "half a surrogate pair in the text"


@dataclass(frozen=True, slots=True)
class MarkedSpan:
    """A published span, with offsets in the unit of its file; `place` says where it stands in the file."""

    start: int
    end: int
    label: str
    words: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class MarkedText:
    """What one annotator, or the gold, says of one text."""

    published_id: str
    text: str
    file: str
    line: int
    spans: tuple[MarkedSpan, ...] = ()
    title: str | None = None
    split: str = ""
    annotator: str = ""
    stances: tuple[Stance, ...] = ()
    annotated: bool = True
    """Whether somebody looked for mentions."""
    answers: tuple[Answer, ...] = ()


def to_published(
    unit: str, texts: Sequence[MarkedText], aside: Sequence[Dropped], rules: ImportMap, known: Sequence[str], *, is_exact: bool = False
) -> PublishedSet:  # fmt: skip
    """Return texts as a published set; `aside` has the records of this unit that were set aside before.

    What several annotators say of one text with one id is one article. `is_exact` says that offsets are code points.
    Raises KhabarError (exit code 1) with every label that the map does not know.
    """
    broken = [one for one in texts if not is_whole(one.text)]
    texts = [one for one in texts if is_whole(one.text)]
    refuse(_unmapped(texts, rules, known), 1)
    texts, again = (texts, []) if rules.role == "judgement" else _once(texts)
    aside = [*aside, *(Dropped("import", f"{one.file}:{one.line}", AGAIN) for one in again)]
    aside += [Dropped("import", f"{one.file}:{one.line}", HALF) for one in broken]
    rows = _rows([(one.published_id, one.text) for one in texts])
    first = {row: one for one, row in zip(reversed(texts), reversed(rows), strict=True)}
    quotes = [(one, mark) for one in texts for mark in one.spans]
    counted = unit_of(
        (Quote(one.text, m.start, m.end, m.words) for one, m in quotes), "code points" if is_exact else rules.offsets
    )
    spans, lost = _spans(texts, rows, counted, rules)
    gone = [*((one, AGAIN) for one in again), *((one, HALF) for one in broken)]
    lost += [Dropped("import", f"{mark.place} {mark.label}", reason) for one, reason in gone for mark in one.spans]
    articles = [first[row] for row in range(len(first))]
    stances = [
        (row, stance.target, stance.value, one.annotator)
        for one, row in zip(texts, rows, strict=True)
        for stance in one.stances
    ]
    answers = [
        (row, answer.question, answer.value, one.annotator)
        for one, row in zip(texts, rows, strict=True)
        for answer in one.answers
    ]
    looked = [(row, one.annotator) for one, row in zip(texts, rows, strict=True) if one.annotated]
    places = [f"{one.file}:{one.line}" for one in articles]
    notes = (
        []
        if counted == "code points"
        else [Issue("warning", "offsets", f"offsets count {counted}; they were converted to code points")]
    )
    taken = account(unit, len(texts) + len(aside), aside)
    mentions = account("mentions", len(quotes) + sum(len(one.spans) for one, _ in gone), lost)
    return PublishedSet(
        _articles(articles, {row for row, _ in looked}),
        _table(spans, SPANS),
        _table(stances, STANCES),
        CHANGES.empty_table(),
        (taken, mentions),
        (*notes, *_disagreeing(lost), *odd_texts([one.text for one in articles], places)),
        (*aside, *lost),
        _table(looked, SEEN),
        _table(answers, ANSWERS),
    )  # fmt: skip


def _articles(texts: Sequence[MarkedText], marked: Container[int]) -> pa.Table:
    """Return the rows of articles; `marked` has the numbers of those in which somebody looked for mentions."""
    columns = {
        "published_id": [one.published_id for one in texts], "title": [one.title for one in texts],
        "text": [one.text for one in texts], "file": [one.file for one in texts],
        "line": [one.line for one in texts], "split": [one.split for one in texts],
        "annotated": [row in marked for row in range(len(texts))], "tokens": [None] * len(texts),
    }  # fmt: skip
    return pa.table([pa.array(columns[field.name], field.type) for field in ARTICLES], schema=ARTICLES)


def is_whole(text: str) -> bool:
    """Return whether a text has no half of a surrogate pair, which no file can hold."""
    return SURROGATE.search(text) is None


def _once(texts: Sequence[MarkedText]) -> tuple[list[MarkedText], list[MarkedText]]:
    """Return the first text of each id and content, and the later ones."""
    seen: set[tuple[str, str]] = set()
    once: list[MarkedText] = []
    again: list[MarkedText] = []
    for one in texts:
        key = one.published_id, one.text
        (again if key in seen else once).append(one)
        seen.add(key)
    return once, again


def _table(rows: Sequence[tuple[object, ...]], schema: pa.Schema) -> pa.Table:
    columns = [*zip(*rows, strict=True)] or [()] * len(schema)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )


def _rows(keys: Sequence[tuple[str, str]]) -> list[int]:
    """Return the number of the article of each text."""
    numbers: dict[tuple[str, str], int] = {}
    return [numbers.setdefault(key, len(numbers)) for key in keys]


def _unmapped(texts: Sequence[MarkedText], rules: ImportMap, known: Sequence[str]) -> list[Issue]:
    places: dict[str, list[str]] = {}
    for one in texts:
        for mark in one.spans:
            places.setdefault(mark.label, []).append(mark.place)
    found = []
    for label, where in sorted(places.items()):
        seen = sighting(where)
        found.append(unknown_label(label, seen.said(), where[0], rules, known))
    return [issue for issue in found if issue]


def _spans(
    texts: Sequence[MarkedText], rows: Sequence[int], unit: Unit, rules: ImportMap
) -> tuple[list[tuple[object, ...]], list[Dropped]]:  # fmt: skip
    """Return the spans in code points under labels of labels.yaml, and those that are set aside."""
    spans: dict[tuple[object, ...], None] = {}
    lost: list[Dropped] = []
    for one, row in zip(texts, rows, strict=True):
        place = places_of(one.text, unit)
        for mark in one.spans:
            target = rules.labels.get(mark.label)
            line = (row, place(mark.start), place(mark.end), target, one.annotator)
            if target is None:
                lost.append(Dropped("import", f"{mark.place} {mark.label}", LEFT_OUT))
            elif not agrees(Quote(one.text, mark.start, mark.end, mark.words), unit):
                lost.append(Dropped("import", f"{mark.place} {mark.label}", DISAGREES))
            elif line in spans:
                lost.append(Dropped("import", f"{mark.place} {mark.label}", REPEATED))
            else:
                spans[line] = None
    return [*spans], lost


def _disagreeing(lost: Sequence[Dropped]) -> list[Issue]:
    found = [one.what for one in lost if one.reason == DISAGREES]
    if not found:
        return []
    message = f"mentions set aside, because {DISAGREES}: {sighting(found).said()}"
    return [Issue("warning", "offsets", message, found[0].split(" ")[0], "name the unit with `offsets:` in the map")]
