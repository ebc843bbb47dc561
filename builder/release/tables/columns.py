"""The columns of each config, computed for many rows at once.

Offsets are code points of `text`, end exclusive. builder.release.tables.build chooses the rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pyarrow as pa

from builder.records import Article, Gold, Judgement
from builder.release.redaction.pii import Kind
from builder.release.redaction.redact import redact_text
from builder.release.tables.arrow import as_array, lists, pieces, strings, struct, texts
from builder.release.tables.encoded import EncodedArticles
from builder.release.tables.features import ASKED, all_values
from builder.release.tables.inputs import Lookup, instant, zone
from builder.release.tables.iob2 import TokenTags, segment, tag
from builder.release.tables.mentions import confidences, mentions, raw_offsets
from builder.schema.labels import Labels
from builder.text.token_batch import tokenize_batch

Columns = Mapping[str, pa.Array]


@dataclass(frozen=True, slots=True)
class StanceRow:
    """A row of `stance`: the gold answer of an article on one target."""

    gold: Gold
    target: str
    answer: str


PERSONAL: tuple[Kind, ...] = ("email", "phone")
"""What no published remark holds, whatever `redact` asks for: earlier versions of khabar kept remarks as they were typed."""


def entities(
    golds: Sequence[Gold], labels: Labels, known: Lookup, encoded: EncodedArticles
) -> tuple[Columns, TokenTags]:
    """Compute the columns of `entities`, and the spans that its IOB2 tags cannot hold.

    Raises Misplaced for a span outside its text or with an unknown label.
    """
    articles = [known.articles[gold.article_id] for gold in golds]
    bodies, own = [article.text for article in articles], encoded.take([article.id for article in articles])
    gold_spans = mentions([gold.spans for gold in golds], labels.entity_names).inside(bodies)
    tokens = tokenize_batch(bodies)
    if labels.clitics == "segment":
        tokens = segment(gold_spans, tokens, bodies)
    tagged = tag(gold_spans, tokens)
    counts = np.diff(tokens.cuts)
    shifts = np.repeat(tokens.begins[:-1], counts)
    token_spans = {"start": (tokens.starts - shifts).astype(np.int32), "end": (tokens.ends - shifts).astype(np.int32)}
    raw_starts, raw_ends = raw_offsets(gold_spans, articles, known.documents)
    spans = {
        **gold_spans.columns(bodies), "raw_start": raw_starts, "raw_end": raw_ends,
        "confidence": confidences(gold_spans, golds),
    }  # fmt: skip
    return {
        "id": strings(article.id for article in articles),
        **own,
        "spans": lists(gold_spans.counts, struct(spans)),
        "tokens": lists(counts, pieces(tokens.sizes, tokens.data)),
        "token_spans": lists(counts, struct(token_spans)),
        "ner_tags": lists(counts, tagged.outer),
        "ner_tags_inner": lists(counts, tagged.inner),
        "n_annotators": pa.array([gold.annotators for gold in golds], pa.int32()),
        "adjudicated": pa.array([_spans_decided(gold) for gold in golds], pa.bool_()),
        ASKED: pa.array([_asked(gold, labels, known) for gold in golds], pa.list_(pa.string())),
    }, tagged


def _spans_decided(gold: Gold) -> bool:
    """Return whether adjudicators decided the spans of an article, or one of its passages."""
    return any(what.startswith("span") for what in gold.decided)


def _asked(gold: Gold, labels: Labels, known: Lookup) -> Sequence[str]:
    """Return the labels that the annotators of an article were asked for, and those that a decision gave it."""
    if gold.article_id not in known.asked:
        return labels.entity_names
    asked = known.asked[gold.article_id]
    given = {span.label for span in gold.spans}
    return [name for name in labels.entity_names if name in asked or name in given]


def origin(articles: Sequence[Article], known: Lookup) -> Columns:
    """Compute the columns for the origin of articles: title, source, address, date and split group."""
    documents = [known.documents[article.document_id] for article in articles]
    return {
        "title": strings(article.title for article in articles),
        "source": strings(document.source for document in documents),
        "url": strings(document.url for document in documents),
        "published_at": pa.array(
            [instant(document.published_at) for document in documents], pa.timestamp("ms", tz="UTC")
        ),
        "published_zone": strings(zone(document.published_at) for document in documents),
        "split_group": strings(known.groups[article.id] for article in articles),
    }


def stance(rows: Sequence[StanceRow], labels: Labels, encoded: EncodedArticles) -> Columns:
    """Compute the columns of `stance`.

    `soft_label` holds the share of votes for each value in the order of `all_values`; it is null without votes.
    """
    names = {target.id: target.ar for target in labels.stances.targets} if labels.stances else {}
    published = {value: number for number, value in enumerate(labels.published_values)}
    counts = [_votes(row, all_values(labels)) for row in rows]
    totals = [sum(row_counts) for row_counts in counts]
    soft = [
        [count / total for count in row_counts] if total else None
        for row_counts, total in zip(counts, totals, strict=True)
    ]
    article_ids = [row.gold.article_id for row in rows]
    return {
        "id": strings(f"{row.gold.article_id}:{row.target}" for row in rows),
        "article_id": strings(article_ids),
        "target": strings(row.target for row in rows),
        "target_name": strings(names[row.target] for row in rows),
        "stance": pa.array([published[row.answer] for row in rows], pa.int64()),
        "label_counts": pa.array(counts, pa.list_(pa.int32())),
        "soft_label": pa.array(soft, pa.list_(pa.float64())),
        "n_annotators": pa.array(totals, pa.int32()),
        "adjudicated": pa.array([f"stance:{row.target}" in row.gold.decided for row in rows], pa.bool_()),
        "confidence": pa.array([_confidence(row) for row in rows], pa.float64()),
        **encoded.take(article_ids),
    }


def _votes(row: StanceRow, values: Sequence[str]) -> list[int]:
    """Return how often each value was given, in the order of `values`.

    If two votes of the gold name the same value, the last one counts.
    """
    what = f"stance:{row.target}"
    votes = {vote.answer: vote.count for vote in row.gold.votes if vote.what == what}
    return [votes.get(value, 0) for value in values]


def _confidence(row: StanceRow) -> float | None:
    """Return the confidence of the answer, or None if unknown."""
    what = f"stance:{row.target}"
    return next((sure.value for sure in row.gold.confidence if sure.what == what), None)


def annotations(judgements: Sequence[Judgement], labels: Labels, known: Lookup) -> Columns:
    """Compute the columns of `annotations`; raises Misplaced for a span outside its text or with an unknown label."""
    bodies = [known.articles[judgement.article_id].text for judgement in judgements]
    spans = mentions([judgement.spans for judgement in judgements], labels.entity_names).inside(bodies)
    stances_of = [sorted(judgement.stances) for judgement in judgements]
    stances = list(chain.from_iterable(stances_of))
    answers_of = [sorted(judgement.answers) for judgement in judgements]
    answers = list(chain.from_iterable(answers_of))
    given = {"question": strings(one.question for one in answers), "value": strings(one.value for one in answers)}
    numbers = {value: number for number, value in enumerate(all_values(labels))}
    values = {
        "target": strings(stance.target for stance in stances),
        "value": pa.array([numbers[stance.value] for stance in stances], pa.int64()),
    }
    return {
        "article_id": strings(judgement.article_id for judgement in judgements),
        "annotator": strings(judgement.annotator for judgement in judgements),
        "batch": strings(judgement.batch for judgement in judgements),
        "spans": lists(spans.counts, struct(spans.columns(bodies))),
        "stances": lists([len(stances) for stances in stances_of], struct(values)),
        "answers": lists([len(answers) for answers in answers_of], struct(given)),
        "status": strings(judgement.status for judgement in judgements),
        "seconds": pa.array([judgement.seconds for judgement in judgements], pa.float64()),
        "guideline": strings(judgement.guideline for judgement in judgements),
        "schema": strings(judgement.schema for judgement in judgements),
        "remark": strings(redact_text(one.remark, PERSONAL) if one.remark else "" for one in judgements),
    }


def articles(rows: Sequence[Article], known: Lookup) -> Columns:
    """Compute the columns of `articles`."""
    extracted = [{name: value for drop in article.drops for name, value in drop.extracted.items()} for article in rows]
    return {
        "id": strings(article.id for article in rows),
        "document_id": strings(article.document_id for article in rows),
        "part": pa.array([article.part for article in rows], pa.int32()),
        "text": texts(article.text for article in rows),
        "source_name": strings(fields.get("source_name") for fields in extracted),
        "author": strings(known.author(article) if known.publish_authors else None for article in rows),
        "profile": strings(article.profile for article in rows),
        "text_sha": strings(article.text_sha for article in rows),
        **origin(rows, known),
    }


def record_batch(columns: Columns, schema: pa.Schema) -> pa.RecordBatch:
    """Build a record batch with the columns in the order of a schema."""
    return pa.RecordBatch.from_arrays([as_array(columns[name]) for name in schema.names], schema=schema)
