"""The annotations of an imported set as decisions, judgements or predictions."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from builder.annotation.adjudication.decisions import IMPORTED
from builder.annotation.pseudonyms import origin_name, pseudonym
from builder.formats.published import PublishedSet
from builder.io.jsonl import write_jsonl
from builder.project.project import Project
from builder.records import Answer, Article, Decision, Judgement, PublishedAnnotation, Span, Stance
from builder.schema.importing import ImportMap

VERSION = "imported"
"""The version of predictions that were imported, which no release has."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What one annotator, or the gold, says of one article; `spans` is None where nobody annotated them."""

    row: int
    annotator: str
    spans: tuple[Span, ...] | None
    stances: tuple[Stance, ...]
    chosen: tuple[Answer, ...] = ()
    """The answers to questions on the whole article."""


def answers_of(
    found: PublishedSet, moved: Mapping[int, Sequence[int]]
) -> list[Answers]:  # fmt: skip
    """Return what each annotator says of each article, in order.

    `moved` has, for normalised texts, the place in the text of each code point of the published one.
    """
    spans: dict[tuple[int, str], list[Span]] = defaultdict(list)
    for row in found.spans.to_pylist():
        places = moved.get(row["article"])
        start, end = (places[row["start"]], places[row["end"]]) if places else (row["start"], row["end"])
        if start < end:
            spans[row["article"], row["annotator"]].append(Span(start, end, row["label"]))
    stances: dict[tuple[int, str], list[Stance]] = defaultdict(list)
    for row in found.stances.to_pylist():
        stances[row["article"], row["annotator"]].append(Stance(row["target"], row["value"]))
    chosen: dict[tuple[int, str], list[Answer]] = defaultdict(list)
    for row in found.answers.to_pylist():
        chosen[row["article"], row["annotator"]].append(Answer(row["question"], row["value"]))
    seen = {(row["article"], row["annotator"]) for row in found.seen.to_pylist()}
    return [
        Answers(
            *key,
            tuple(sorted(spans[key])) if key in seen else None,
            tuple(sorted(stances[key])),
            tuple(sorted(chosen[key])),
        )
        for key in sorted({*spans, *stances, *chosen, *seen})
    ]


def places_in(article: Article, raw: str) -> list[int]:
    """Return the place in an article's text of each code point of its raw text, and of the end."""
    places: list[int] = []
    edits = iter(article.edits)
    for unchanged, gone, put in zip(edits, edits, edits, strict=True):
        at = places[-1] if places else 0
        del places[-1:]
        places += [*range(at, at + unchanged), *[at + unchanged] * gone, at + unchanged + put]
    at = places.pop() if places else 0
    return [*places, *range(at, at + len(raw) - len(places) + 1)]


def write_answers(project: Project, rules: ImportMap, answers: Sequence[Answers], articles: Sequence[Article]) -> None:
    """Write decisions, judgements or predictions, as the role of the set asks."""
    folder, name = project.annotations / rules.name, IMPORTED + rules.name
    if rules.role == "judgement":
        write_jsonl(folder / "judgements.jsonl", _judgements(project, rules, answers, articles))
        return
    if rules.role == "prediction":
        write_jsonl(folder / "imported.jsonl", [
            PublishedAnnotation(articles[one.row].id, articles[one.row].text_sha, VERSION, name, one.spans or (), one.stances,
                                answers=one.chosen)
            for one in answers
        ])  # fmt: skip
        return
    decided = [one for one in answers if one.spans is not None or one.stances or one.chosen]
    write_jsonl(folder / "decisions.jsonl", [
        Decision(articles[one.row].id, articles[one.row].text_sha, name, one.spans, one.stances, answers=one.chosen)
        for one in decided
    ])  # fmt: skip


def _judgements(
    project: Project, rules: ImportMap, answers: Sequence[Answers], articles: Sequence[Article]
) -> list[Judgement]:  # fmt: skip
    """Return the answers as judgements of pseudonymous annotators, without times, which no set gives."""
    schema, key = project.schema, project.pseudonym_key()
    origin = origin_name(key, f"import {rules.name}")
    people = {one.annotator: pseudonym(key, f"{rules.name} {one.annotator}") for one in answers}
    made = [
        Judgement(articles[one.row].id, articles[one.row].text_sha, rules.name, people[one.annotator], one.spans or (),
                  one.stances, "submitted", None, "", "", schema.guideline_version, schema.label_hash, 0, number, origin=origin,
                  answers=one.chosen)
        for number, one in enumerate(answers)
    ]  # fmt: skip
    return sorted(made, key=lambda one: (one.article_id, one.annotator))
