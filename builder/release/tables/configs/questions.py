"""The rows and columns of `questions`: the settled answers to questions on whole articles."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.io.lists import Ints, ranges
from builder.release.tables.arrow import Bools, Columns, lists, places_in, shares
from builder.release.tables.configs.pairs import (
    Kind,
    Pairs,
    Slots,
    about,
    decided,
    items,
    pair_places,
    pair_rows,
    pairs_of,
    places_among,
    slot_places,
    slots_of,
)
from builder.release.tables.encoded import EncodedArticles
from builder.release.tables.inputs import TableInputs
from builder.release.tables.lookup import ConfigRows, Lookup
from builder.schema.labels import Labels

QUESTIONS = Kind("question:", "answers", "question")


@dataclass(frozen=True, slots=True, eq=False)
class QuestionInputs:
    """The pairs of article and question, with what gold says of each."""

    pairs: Pairs
    slots: Slots
    given: Bools
    """Whether gold has each value of each pair."""
    answered: Ints
    """How many annotators answered each pair."""
    decided: Bools
    confidence: pa.Array
    """The confidence of the least certain answer of each pair."""


def question_inputs(material: TableInputs, known: Lookup) -> QuestionInputs:
    """Return the pairs of article and question, with what gold says of each."""
    pairs = pairs_of(material, known, QUESTIONS)
    options = {question.id: question.value_names for question in material.labels.questions}
    slots = slots_of(pairs, known, QUESTIONS, options)
    given = np.zeros(len(slots.counts), bool)
    at = slot_places(pairs, slots.begins, slots.values, pairs.given, pairs.given.values.field("value"))
    given[at[at >= 0]] = True
    sure = about(known.golds.rows, "confidence", QUESTIONS.prefix)
    places, least = pair_places(pairs, sure), np.full(len(pairs.golds), np.inf)
    np.minimum.at(least, places[places >= 0], np.asarray(sure.values.field("value"))[places >= 0])
    confidence = pa.array(least, mask=np.isinf(least))
    return QuestionInputs(pairs, slots, given, _answered(pairs, known), decided(pairs, known, QUESTIONS), confidence)


def _answered(pairs: Pairs, known: Lookup) -> Ints:
    """Return how many annotators answered the question of each pair."""
    said = items(known.judgements.rows, QUESTIONS.column, QUESTIONS.field)
    width = len(pairs.names) + 1
    subjects = places_in(said.subject, pa.array(pairs.names, pa.string()))
    _, once = np.unique(said.row * (width + 1) + subjects, return_index=True)
    keys = known.judgements.numbers[said.row[once]] * width + subjects[once]
    is_known = (subjects[once] >= 0) & (known.judgements.numbers[said.row[once]] >= 0)
    places = places_among(keys, np.where(pairs.numbers < 0, -1, pairs.numbers * width + pairs.subjects), is_known)
    return np.bincount(places[places >= 0], minlength=len(pairs.golds))


def questions_rows(found: QuestionInputs, known: Lookup) -> ConfigRows:
    """Choose the rows of `questions`, as places of pairs."""
    whys, none = ("open dispute over its answer", ""), np.zeros(len(found.pairs.golds), bool)
    return pair_rows("pairs of article and question in questions", found.pairs, known, none, whys)


def questions(rows: Ints, found: QuestionInputs, labels: Labels, encoded: EncodedArticles) -> Columns:
    """Compute the columns of `questions`.

    `soft_label` holds the share of the annotators who answered that gave each value, in the order of `values`: with
    several answers the shares need not add up to 1. It is null if nobody answered. `confidence` is that of the least
    certain answer.
    """
    names = {question.id: question.ar for question in labels.questions}
    pairs, slots, subjects = found.pairs, found.slots, pa.array(found.pairs.subjects[rows])
    sizes = np.diff(slots.begins)[rows]
    places, answered = ranges(slots.begins[rows], sizes), found.answered[rows]
    owner = np.repeat(np.arange(len(rows)), sizes)
    counts, given = slots.counts[places], found.given[places]
    values = pa.concat_arrays(
        [pa.array([], pa.string()), *(slots.values[one] for one in pairs.subjects[rows].tolist())]
    )
    asked, article_ids = pa.array(pairs.names, pa.string()).take(subjects), pairs.article_ids.take(pa.array(rows))
    shown = pa.array([names.get(name) for name in pairs.names], pa.string())
    return {
        "id": pc.binary_join_element_wise(article_ids, asked, ":"),
        "article_id": article_ids,
        "question": asked,
        "question_name": shown.take(subjects),
        "answers": lists(np.bincount(owner[given], minlength=len(rows)), values.filter(pa.array(given))),
        "values": lists(sizes, values),
        "label_counts": lists(sizes, counts.astype(np.int32)),
        "soft_label": shares(lists(sizes, counts / np.maximum(answered, 1)[owner]), answered),
        "n_annotators": pa.array(answered.astype(np.int32)),
        "adjudicated": pa.array(found.decided[rows]),
        "confidence": found.confidence.take(pa.array(rows)),
        **encoded.take(pairs.numbers[rows]),
    }
