"""Spans, stances, answers and edits that their articles or the labels do not allow."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.io.lists import Ints, numbers, owners
from builder.records import Answer, Gold, Issue, Judgement, KhabarError
from builder.records.arrow import records_of
from builder.release.tables.arrow import Bools
from builder.release.tables.features import all_values
from builder.release.tables.inputs import TableInputs
from builder.release.tables.lookup import Annotated, Lookup
from builder.release.tables.mentions import mentions
from builder.schema.labels import Labels
from builder.text.aligned import unpack_edits

SLICE = 2_000
"""Articles whose edits are checked at once."""


def refuse_faults(material: TableInputs, known: Lookup) -> None:
    """Raise KhabarError (exit code 1) with every fault of the inputs if a stance or an answer is one.

    Spans are checked later, when the columns of their rows are made. Only the spans of disputed articles, which get no
    row, are checked here.
    """
    disputed = known.golds.ids.filter(pc.is_in(known.golds.ids, material.disputes["article_id"].combine_chunks()))
    sizes = text_sizes(known)
    for annotated in (known.golds, known.judgements):
        for first, batch in annotated.rows.numbered():
            wrong = _misspoken(batch, material.labels)
            if annotated is known.golds and len(disputed):
                without_row = np.asarray(pc.is_in(batch["article_id"], disputed), bool)
                wrong |= without_row & _misplaced(batch, annotated, first, sizes, material.labels)
            if (wrong & (annotated.excluded[first : first + batch.num_rows] == 0)).any():
                raise KhabarError(*faults(material, known), exit_code=1)


def text_sizes(known: Lookup) -> Ints:
    """Return the length of the text of each article, by its number."""
    sizes = [numbers(pc.utf8_length(batch["text"])) for _, batch in known.articles.numbered()]
    return np.concatenate([np.zeros(0, np.int64), *sizes])[known.article_rows]


def faults(material: TableInputs, known: Lookup) -> Iterator[Issue]:
    """Yield an error for every span that its article and every stance that the labels do not allow."""
    sizes = text_sizes(known)
    records: tuple[tuple[Annotated, type[Gold | Judgement]], ...] = (known.golds, Gold), (known.judgements, Judgement)
    for annotated, record in records:
        for first, batch in annotated.rows.numbered():
            wrong = _misspoken(batch, material.labels) | _misplaced(batch, annotated, first, sizes, material.labels)
            rows = np.flatnonzero(wrong & (annotated.excluded[first : first + batch.num_rows] == 0))
            found = records_of(pa.Table.from_batches([batch.take(pa.array(rows))]), record)
            for one, size in zip(found, sizes[annotated.numbers[rows + first]].tolist(), strict=True):
                yield from _faults_of(one, size, material.labels)


def _misspoken(batch: pa.RecordBatch, labels: Labels) -> Bools:
    """Return which records have a stance or an answer that the labels do not allow."""
    stances = [(target, value) for target in labels.target_ids for value in all_values(labels)]
    answers = [(question.id, value) for question in labels.questions for value in question.value_names]
    wrong = np.zeros(batch.num_rows, bool)
    for column, field, allowed in (("stances", "target", stances), ("answers", "question", answers)):
        items = batch[column].flatten()
        keys = pc.binary_join_element_wise(items.field(field), items.field("value"), "\0")
        unlike = pc.invert(pc.is_in(keys, pa.array(map("\0".join, allowed), pa.string())))
        wrong[owners(batch[column])[np.asarray(unlike, bool)]] = True
    return wrong


def _misplaced(batch: pa.RecordBatch, annotated: Annotated, first: int, sizes: Ints, labels: Labels) -> Bools:
    """Return which records have a span outside the text or with an unknown label."""
    spans = mentions(batch["spans"], labels.entity_names)
    own = np.append(sizes, 0)[annotated.numbers[first : first + batch.num_rows]]
    wrong: Bools = np.bincount(spans.owners[spans.misplaced(own)], minlength=batch.num_rows) > 0
    return wrong


def _faults_of(record: Gold | Judgement, size: int, labels: Labels) -> Iterator[Issue]:
    """Yield an error for everything in a record that its article or the labels do not allow."""
    yield from _span_faults(record, size, labels.entity_names)
    for stance in record.stances:
        if stance.target not in labels.target_ids or stance.value not in all_values(labels):
            yield _fault(record, f"stance {stance.value!r} on {stance.target!r} is not in schema/labels.yaml")
    allowed = {Answer(question.id, value) for question in labels.questions for value in question.value_names}
    for answer in record.answers:
        if answer not in allowed:
            yield _fault(record, f"answer {answer.value!r} to {answer.question!r} is not in schema/labels.yaml")


def _span_faults(record: Gold | Judgement, size: int, labels: Sequence[str]) -> Iterator[Issue]:
    for span in record.spans:
        if not 0 <= span.start < span.end <= size:
            yield _fault(record, f"span {span.start}-{span.end} is not inside its text of {size} characters")
        if span.label not in labels:
            yield _fault(record, f"span {span.start}-{span.end} has the unknown label {span.label!r}")


def _fault(record: Gold | Judgement, message: str) -> Issue:
    who = record.annotator if isinstance(record, Judgement) else "gold"
    where = f"article {record.article_id}, {who}"
    return Issue("error", "nonsense", message, where=where, fix="run `khabar check`", article_id=record.article_id)


def edit_faults(known: Lookup) -> Iterator[Issue]:
    """Yield an error for every article whose edits do not map its text to its page.

    That happens when a file was altered by hand.
    """
    for low in range(0, len(known.ids), SLICE):
        rows = slice(low, low + SLICE)
        own = known.articles.take(known.article_rows[rows], ["id", "text", "edits"])
        raws = known.documents.take(known.document_rows[rows], ["raw"])["raw"]
        for article_id, text, edits, raw in zip(*(column.to_pylist() for column in (*own.columns, raws)), strict=True):
            try:
                unpack_edits(text, raw, tuple(edits))
            except ValueError as error:
                yield Issue("error", "edits", f"the edits of article {article_id} do not fit its text and its page: {error}",
                            where=".khabar/articles.parquet", fix="run `khabar clean`", article_id=article_id)  # fmt: skip
