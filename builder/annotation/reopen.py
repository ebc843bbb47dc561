"""A published release turned back into a batch: its answers on the present texts, and as predictions.

Offsets are code points of an article's text, end exclusive. Pure.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from builder.annotation.adjudication.adjudicate import adjudicate
from builder.annotation.questions import known_answers, targets_for
from builder.annotation.transfer import transfer_spans
from builder.io.parquet import to_table, whole
from builder.records import (
    GOLD,
    AnnotatorAssignment,
    Article,
    Dispute,
    Dropped,
    Prediction,
    PublishedAnnotation,
)
from builder.records.arrow import records_of
from builder.schema.dataset import Adjudication
from builder.schema.labels import Labels


@dataclass(frozen=True, slots=True)
class TransferredAnswers:
    """A release's answers on the present texts, sorted, with the number of spans read and the stale spans."""

    answers: tuple[PublishedAnnotation, ...]
    taken: int
    set_aside: tuple[Dropped, ...]


def disputes_of(
    answers: Iterable[PublishedAnnotation], articles: Mapping[str, Article], labels: Labels, rules: Adjudication
) -> tuple[Dispute, ...]:
    """Return the questions that the votes of a release left open, as `adjudicate` counts them without decisions.

    Answers on articles that are not in `articles` are left out.
    """
    judgements = [answer for answer in answers if answer.who != GOLD and answer.article_id in articles]
    table = to_table(judgements, PublishedAnnotation)
    named = table.rename_columns(["annotator" if name == "who" else name for name in table.column_names])
    versioned = named.append_column("schema", pa.repeat("", len(judgements)))  # releases do not say what was asked
    return tuple(records_of(adjudicate(versioned, (), articles, labels, rules).disputes, Dispute))


def transfer_answers(
    answers: Iterable[PublishedAnnotation], articles: Mapping[str, Article], texts: Mapping[str, str]
) -> TransferredAnswers:
    """Transfer answers to the present texts of their articles. `texts` holds the published texts that differ.

    Uses carry.py: a span whose words or edges changed is set aside.
    """
    placed: list[PublishedAnnotation] = []
    taken = 0
    aside: list[Dropped] = []
    for answer in sorted(answers, key=lambda answer: (answer.article_id, answer.who)):
        article = articles[answer.article_id]
        spans = tuple(sorted({replace(span, id="") for span in answer.spans}))
        taken += len(spans)
        if answer.article_id in texts:
            carried = transfer_spans(texts[answer.article_id], article.text, spans)
            aside += [
                Dropped("reopen", f"{answer.article_id} {answer.who} {s.start}-{s.end} {s.label}", "its text changed")
                for s in carried.stale
            ]
            spans = carried.spans
        placed.append(replace(answer, text_sha=article.text_sha, spans=spans, stances=tuple(sorted(answer.stances))))
    return TransferredAnswers(tuple(placed), taken, tuple(aside))


def assigned(
    batch: str, answers: Iterable[PublishedAnnotation], annotators: Collection[str]
) -> list[AnnotatorAssignment]:
    """Assign each article to those of the annotators who judged it."""
    pairs = sorted({(answer.article_id, answer.who) for answer in answers if answer.who in annotators})
    return [AnnotatorAssignment(batch, article, who, "overlap") for article, who in pairs]


def restore_batches(judgements: pa.Table, batches: Mapping[str, pa.Table], reopened: Collection[str]) -> pa.Table:
    """Relabel judgements of reopened batches with the original batch of their article; leave others as they are.

    `batches` holds the articles of each batch. A revised judgement is so published and measured together with the
    other judgements of its article.
    """
    restored, place = judgements["batch"], judgements.column_names.index("batch")
    again = pc.is_in(restored, pa.array(sorted(reopened), pa.string()))
    for batch in sorted(batches.keys() - {*reopened}, reverse=True):  # of several the first in the alphabet counts
        own = pc.is_in(judgements["article_id"], whole(batches[batch]["article_id"]))
        restored = pc.if_else(pc.and_(again, own), batch, restored)
    return judgements.set_column(place, judgements.schema.field(place), restored)


def predictions(
    answers: Sequence[PublishedAnnotation], articles: Mapping[str, Article], labels: Labels
) -> dict[tuple[str, str], Prediction]:
    """Turn answers into predictions by (article, author), named `a-0123456789 v1.2.0` or `gold v1.2.0`.

    Only answers on the article's present text are used, and of these only labels, targets and values that
    labels.yaml defines.
    """
    known = set(labels.entity_names)
    values = {value.name for value in labels.stances.values} if labels.stances else set()
    made: dict[tuple[str, str], Prediction] = {}
    for answer in answers:
        article = articles.get(answer.article_id)
        if article is None or article.text_sha != answer.text_sha:
            continue
        asked = {target.id for target in targets_for(article, labels)}
        spans = tuple(s for s in answer.spans if s.label in known and 0 <= s.start < s.end <= len(article.text))
        stances = tuple(stance for stance in answer.stances if stance.target in asked and stance.value in values)
        name = f"{answer.who} v{answer.version}"
        made[answer.article_id, answer.who] = Prediction(
            name, spans, stances, judged=True, answers=known_answers(answer.answers, labels)
        )
    return made
