"""The columns of many rows of one config at once.

Offsets are code points of `text`, end exclusive. Does not choose rows: that is builder.release.tables.build.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pyarrow as pa

from builder.records import Article, Gold, Judgement
from builder.release.tables.arrow import as_array, lists, pieces, strings, struct, texts
from builder.release.tables.features import all_values
from builder.release.tables.inputs import Known, instant, zone
from builder.release.tables.iob2 import Tagged, segment, tag
from builder.release.tables.mentions import confidences, mentions, raw_places
from builder.schema.labels import Labels
from builder.text.token_batch import tokenize_batch

Columns = Mapping[str, pa.Array]


@dataclass(frozen=True, slots=True)
class Settled:
    """A row of `entities`."""

    article: Article
    gold: Gold


@dataclass(frozen=True, slots=True)
class Opinion:
    """A row of `stance`."""

    article: Article
    gold: Gold
    target: str
    answer: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A row of `annotations`."""

    article: Article
    judgement: Judgement


def entities(rows: Sequence[Settled], labels: Labels, known: Known) -> tuple[Columns, Tagged]:
    """The columns of `entities`, and what its tags lost; raises Misplaced."""
    articles, golds = [row.article for row in rows], [row.gold for row in rows]
    bodies = [article.text for article in articles]
    found = mentions([gold.spans for gold in golds], labels.entity_names).inside(bodies)
    tokens = tokenize_batch(bodies)
    if labels.clitics == "segment":
        tokens = segment(found, tokens, bodies)
    tagged = tag(found, tokens)
    counts = np.diff(tokens.cuts)
    shifts = np.repeat(tokens.begins[:-1], counts)
    places = {"start": (tokens.starts - shifts).astype(np.int32), "end": (tokens.ends - shifts).astype(np.int32)}
    raw_starts, raw_ends = raw_places(found, articles, known.documents)
    spans = {
        **found.columns(bodies), "raw_start": raw_starts, "raw_end": raw_ends, "confidence": confidences(found, golds),
    }  # fmt: skip
    return {
        "id": strings(article.id for article in articles),
        "text": texts(bodies),
        **origin(articles, known),
        "spans": lists(found.counts, struct(spans)),
        "tokens": lists(counts, pieces(tokens.sizes, tokens.data)),
        "token_spans": lists(counts, struct(places)),
        "ner_tags": lists(counts, tagged.outer),
        "ner_tags_inner": lists(counts, tagged.inner),
        "n_annotators": pa.array([gold.annotators for gold in golds], pa.int32()),
        "adjudicated": pa.array(["spans" in gold.decided for gold in golds], pa.bool_()),
    }, tagged


def origin(articles: Sequence[Article], known: Known) -> Columns:
    """The columns that say where articles are from, and which group each shares a split with."""
    documents = [known.documents[article.document_id] for article in articles]
    return {
        "title": strings(article.title for article in articles),
        "source": strings(document.source for document in documents),
        "url": strings(document.url for document in documents),
        "published_at": pa.array([instant(one.published_at) for one in documents], pa.timestamp("ms", tz="UTC")),
        "published_zone": strings(zone(one.published_at) for one in documents),
        "split_group": strings(known.groups[article.id] for article in articles),
    }


def stance(rows: Sequence[Opinion], labels: Labels, known: Known) -> Columns:
    """The columns of `stance`."""
    names = {t.id: t.ar for t in labels.stances.targets} if labels.stances else {}
    published = {value: number for number, value in enumerate(labels.published_values)}
    counts = [_votes(row, all_values(labels)) for row in rows]
    totals = [sum(own) for own in counts]
    soft = [[count / total for count in own] if total else None for own, total in zip(counts, totals, strict=True)]
    articles = [row.article for row in rows]
    sure = [
        next((one.value for one in row.gold.confidence if one.what == f"stance:{row.target}"), None) for row in rows
    ]
    return {
        "id": strings(f"{row.article.id}:{row.target}" for row in rows),
        "article_id": strings(article.id for article in articles),
        "text": texts(article.text for article in articles),
        "target": strings(row.target for row in rows),
        "target_name": strings(names[row.target] for row in rows),
        "stance": pa.array([published[row.answer] for row in rows], pa.int64()),
        "label_counts": pa.array(counts, pa.list_(pa.int32())),
        "soft_label": pa.array(soft, pa.list_(pa.float64())),
        "n_annotators": pa.array(totals, pa.int32()),
        "adjudicated": pa.array([f"stance:{row.target}" in row.gold.decided for row in rows], pa.bool_()),
        "confidence": pa.array(sure, pa.float64()),
        **origin(articles, known),
    }


def _votes(row: Opinion, values: Sequence[str]) -> list[int]:
    """How often each value was given, in their order; of two votes for one value the last counts."""
    found = {vote.answer: vote.count for vote in row.gold.votes if vote.what == f"stance:{row.target}"}
    return [Counter(found)[value] for value in values]


def annotations(rows: Sequence[Judged], labels: Labels) -> Columns:
    """The columns of `annotations`; raises Misplaced."""
    judgements = [row.judgement for row in rows]
    bodies = [row.article.text for row in rows]
    found = mentions([judgement.spans for judgement in judgements], labels.entity_names).inside(bodies)
    said = [sorted(judgement.stances) for judgement in judgements]
    stances = list(chain.from_iterable(said))
    numbers = {value: number for number, value in enumerate(all_values(labels))}
    values = {
        "target": strings(one.target for one in stances),
        "value": pa.array([numbers[one.value] for one in stances], pa.int64()),
    }
    return {
        "article_id": strings(row.article.id for row in rows),
        "annotator": strings(judgement.annotator for judgement in judgements),
        "batch": strings(judgement.batch for judgement in judgements),
        "spans": lists(found.counts, struct(found.columns(bodies))),
        "stances": lists([len(own) for own in said], struct(values)),
        "status": strings(judgement.status for judgement in judgements),
        "seconds": pa.array([judgement.seconds for judgement in judgements], pa.float64()),
        "guideline": strings(judgement.guideline for judgement in judgements),
        "schema": strings(judgement.schema for judgement in judgements),
        "remark": strings(judgement.remark for judgement in judgements),
    }


def articles(rows: Sequence[Article], known: Known) -> Columns:
    """The columns of `articles`."""
    extracted = [{name: value for drop in article.drops for name, value in drop.extracted.items()} for article in rows]
    return {
        "id": strings(article.id for article in rows),
        "document_id": strings(article.document_id for article in rows),
        "part": pa.array([article.part for article in rows], pa.int32()),
        "text": texts(article.text for article in rows),
        "source_name": strings(own.get("source_name") for own in extracted),
        "author": strings(own.get("author") for own in extracted),
        "profile": strings(article.profile for article in rows),
        "text_sha": strings(article.text_sha for article in rows),
        **origin(rows, known),
    }


def record_batch(columns: Columns, schema: pa.Schema) -> pa.RecordBatch:
    """Columns in the order of a schema."""
    return pa.RecordBatch.from_arrays([as_array(columns[name]) for name in schema.names], schema=schema)
