"""The rows and columns of `annotations`. Offsets are code points of `text`, end exclusive."""

from collections.abc import Sequence
from operator import attrgetter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.io.lists import Ints, counts, distinct, numbers, owners
from builder.records import Dropped, Judgement
from builder.records.arrow import records_of
from builder.release.redaction.pii import Kind
from builder.release.redaction.redact import redact_text
from builder.release.tables.arrow import Columns, TextBytes, lists, places_in, struct
from builder.release.tables.batches import Batches
from builder.release.tables.encoded import EncodedArticles
from builder.release.tables.features import all_values
from builder.release.tables.inputs import TableInputs
from builder.release.tables.lookup import ConfigRows, Lookup, config_rows
from builder.release.tables.mentions import mentions
from builder.schema.labels import Labels

PERSONAL: tuple[Kind, ...] = ("email", "phone")
"""What no published remark holds, whatever `redact` asks for: earlier versions of khabar kept remarks as they were typed."""

NAMES = ("article_id", "annotator", "batch")
"""What names a judgement, unless an annotator judged an article twice in a batch."""

ORDER = attrgetter("status", "spans", "stances", "remark", "answers")
"""Sort key of judgements that NAMES does not tell apart; if all of these are equal, the quicker one comes first."""

AS_THEY_ARE = ("article_id", "annotator", "batch", "status", "seconds", "guideline", "schema")
"""Columns of judgements that are published as they are."""


def annotations_rows(material: TableInputs, known: Lookup) -> ConfigRows:
    """Choose the rows of `annotations`, as rows of judgements."""
    rows = _ordered(material.judgements, known.judgements.rows)
    excluded = known.judgements.excluded[rows]
    out = rows[excluded > 0]
    named = known.judgements.rows.take(out, ["annotator", "article_id"])
    aside = [
        Dropped("build", f"judgement of {annotator} on {article_id}", known.why(article_id, why))
        for annotator, article_id, why in zip(
            named["annotator"].to_pylist(),
            named["article_id"].to_pylist(),
            excluded[excluded > 0].tolist(),
            strict=True,
        )
    ]
    kept = rows[excluded == 0]
    splits = known.splits[known.judgements.numbers[kept]]
    return config_rows("judgements in annotations", len(rows), kept, splits, aside)


def _ordered(judgements: pa.Table, batches: Batches) -> Ints:
    """Return the rows of judgements by NAMES and ORDER, the quicker of equal ones first."""
    keys = [distinct(judgements[name]).codes for name in NAMES]
    order: Ints = np.lexsort(keys[::-1])
    same = np.ones(max(len(order) - 1, 0), bool)
    for key in keys:
        same &= key[order][1:] == key[order][:-1]
    heads = np.flatnonzero(np.append(True, ~same)[: len(order)])
    sizes = np.diff(np.append(heads, len(order)))
    for head, size in zip(heads[sizes > 1].tolist(), sizes[sizes > 1].tolist(), strict=True):
        rows = order[head : head + size]
        equal = pa.Table.from_batches([batches.take(rows, batches.schema.names)])
        order[head : head + size] = rows[_by_order(records_of(equal, Judgement))]
    return order


def _by_order(judgements: Sequence[Judgement]) -> list[int]:
    """Return the places of judgements in the order of ORDER, the quicker of equal ones first."""
    keys = [(ORDER(judgement), judgement.seconds or 0) for judgement in judgements]
    return sorted(range(len(keys)), key=keys.__getitem__)


def annotations(rows: Ints, labels: Labels, known: Lookup, encoded: EncodedArticles) -> Columns:
    """Compute the columns of `annotations` from rows of judgements.

    Raises InvalidSpan for a span outside its text or with an unknown label.
    """
    said = known.judgements.rows.take(rows, [*AS_THEY_ARE, "spans", "stances", "answers", "remark"])
    articles, text = np.unique(known.judgements.numbers[rows], return_inverse=True)
    bodies = encoded.take(articles, ["text"])["text"]
    sizes = numbers(pc.utf8_length(bodies))
    spans = mentions(said["spans"], labels.entity_names).inside(sizes[text])
    stances, answers = _sorted(said["stances"], "target"), _sorted(said["answers"], "question")
    values = places_in(stances.field("value"), pa.array(all_values(labels), pa.string()))
    return {
        **{name: said[name] for name in AS_THEY_ARE},
        "spans": lists(spans.counts, struct(spans.columns(TextBytes.of(bodies, sizes), text))),
        "stances": lists(counts(said["stances"]), struct({"target": stances.field("target"), "value": values})),
        "answers": lists(counts(said["answers"]), answers),
        "remark": _redacted(said["remark"]),
    }


def _sorted(said: pa.Array, subject: str) -> pa.Array:
    """Return the items of lists of answers, those of each list by subject and value."""
    items = said.flatten()
    keys = distinct(items.field("value")).codes, distinct(items.field(subject)).codes, owners(said)
    return items.take(pa.array(np.lexsort(keys)))


def _redacted(remarks: pa.Array) -> pa.Array:
    """Return remarks without what names a person; each different one is read once."""
    found = remarks.dictionary_encode()
    names = [redact_text(remark, PERSONAL) if remark else "" for remark in found.dictionary.to_pylist()]
    return pa.array(names, pa.string()).take(found.indices)
