"""The rows and columns of `stance`: the settled answers of articles on targets."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.io.lists import Ints
from builder.release.tables.arrow import Bools, Columns, lists, places_in, shares
from builder.release.tables.configs.pairs import (
    Kind,
    Pairs,
    Slots,
    about,
    decided,
    pair_places,
    pair_rows,
    pairs_of,
    slots_of,
)
from builder.release.tables.encoded import EncodedArticles
from builder.release.tables.features import all_values
from builder.release.tables.inputs import TableInputs
from builder.release.tables.lookup import ConfigRows, Lookup
from builder.schema.labels import Labels

STANCES = Kind("stance:", "stances", "target")


@dataclass(frozen=True, slots=True, eq=False)
class StanceInputs:
    """The pairs of article and target, with what gold says of each."""

    pairs: Pairs
    slots: Slots
    answers: Ints
    """The place of the answer of each pair in the published values, -1 if it has none of them."""
    decided: Bools
    confidence: pa.Array


def stance_inputs(material: TableInputs, known: Lookup) -> StanceInputs:
    """Return the pairs of article and target, with what gold says of each."""
    labels, pairs = material.labels, pairs_of(material, known, STANCES)
    options = dict.fromkeys(labels.target_ids, all_values(labels))
    places, answers = pair_places(pairs, pairs.given), np.full(len(pairs.golds), -1)
    values = places_in(pairs.given.values.field("value"), pa.array(labels.published_values, pa.string()))
    answers[places[places >= 0]] = values[places >= 0]
    sure = about(known.golds.rows, "confidence", STANCES.prefix)
    at, first = pair_places(pairs, sure), np.full(len(pairs.golds), -1)
    order = np.flatnonzero(at >= 0)[::-1]  # of several confidences the first counts
    first[at[order]] = order
    confidence = sure.values.field("value").take(pa.array(first, mask=first < 0))
    slots = slots_of(pairs, known, STANCES, options)
    return StanceInputs(pairs, slots, answers, decided(pairs, known, STANCES), confidence)


def stance_rows(found: StanceInputs, known: Lookup) -> ConfigRows:
    """Choose the rows of `stance`, as places of pairs."""
    whys = ("open dispute over its stance", "its answer is not one that is published")
    return pair_rows("pairs of article and target in stance", found.pairs, known, found.answers < 0, whys)


def stance(rows: Ints, found: StanceInputs, labels: Labels, encoded: EncodedArticles) -> Columns:
    """Compute the columns of `stance`.

    `soft_label` holds the share of votes for each value in the order of `all_values`; it is null without votes.
    """
    names = {target.id: target.ar for target in labels.stances.targets} if labels.stances else {}
    pairs, size, subjects = found.pairs, len(all_values(labels)), pa.array(found.pairs.subjects[rows])
    counts = found.slots.counts[found.slots.begins[rows][:, None] + np.arange(size)]
    totals, sizes = counts.sum(axis=1), np.full(len(rows), size)
    targets = pa.array(pairs.names, pa.string()).take(subjects)
    article_ids = pairs.article_ids.take(pa.array(rows))
    shown = pa.array([names.get(name) for name in pairs.names], pa.string())
    return {
        "id": pc.binary_join_element_wise(article_ids, targets, ":"),
        "article_id": article_ids,
        "target": targets,
        "target_name": shown.take(subjects),
        "stance": pa.array(found.answers[rows]),
        "label_counts": lists(sizes, counts.astype(np.int32).ravel()),
        "soft_label": shares(lists(sizes, (counts / np.maximum(totals, 1)[:, None]).ravel()), totals),
        "n_annotators": pa.array(totals.astype(np.int32)),
        "adjudicated": pa.array(found.decided[rows]),
        "confidence": found.confidence.take(pa.array(rows)),
        **encoded.take(pairs.numbers[rows]),
    }
