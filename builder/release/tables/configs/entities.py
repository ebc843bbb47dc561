"""The rows and columns of `entities`. Offsets are code points of `text`, end exclusive."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.io.lists import Ints, cuts, distinct, numbers, owners
from builder.records import Dropped
from builder.release.tables.arrow import Bools, Columns, TextBytes, lists, pieces, places_in, struct
from builder.release.tables.encoded import EncodedArticles
from builder.release.tables.features import ASKED
from builder.release.tables.inputs import TableInputs
from builder.release.tables.iob2 import TokenTags, segment, tag
from builder.release.tables.lookup import ConfigRows, Lookup, config_rows, exclusions
from builder.release.tables.mentions import confidences, mentions
from builder.schema.labels import Labels
from builder.text.raw_spans import raw_spans
from builder.text.token_batch import tokenize_batch


def entities_rows(material: TableInputs, known: Lookup) -> ConfigRows:
    """Choose the rows of `entities`, as rows of gold."""
    found = distinct(pa.concat_arrays([known.ids, known.golds.ids]))
    own, numbered = found.codes[: len(known.ids)], found.codes[len(known.ids) :]
    golds, articles = np.full(len(found.names), -1), np.full(len(found.names), -1)
    golds[numbered] = np.arange(len(numbered))
    articles[own] = np.arange(len(own))
    excluded = np.where(golds < 0, exclusions(articles, known.splits), np.append(known.golds.excluded, 0)[golds])
    disputed = _among(found.names, disputed_articles(material, "span:"))
    unmarked = _among(found.names, pa.array(list(material.unmarked), pa.string()))
    left_out = (excluded > 0) | disputed | unmarked | (golds < 0)
    aside = [
        Dropped("build", f"article {article_id} in entities", why)
        for article_id, why in _reasons(known, found.names, np.flatnonzero(left_out), excluded, disputed, unmarked)
    ]
    rows = golds[~left_out]
    return config_rows("articles in entities", len(found.names), rows, known.splits[articles[~left_out]], aside)


def disputed_articles(material: TableInputs, kind: str) -> pa.Array:
    """Return the ids of the articles with an open dispute of a kind."""
    disputes = material.disputes.filter(pc.starts_with(material.disputes["what"], kind))
    return disputes["article_id"].combine_chunks().unique()


def _among(names: pa.Array, wanted: pa.Array) -> Bools:
    """Return which names are among others."""
    return np.asarray(pc.is_in(names, wanted), bool)


def _reasons(
    known: Lookup, names: pa.Array, rows: Ints, excluded: Ints, disputed: Bools, unmarked: Bools
) -> Iterator[tuple[str, str]]:
    """Yield the ids of articles that `entities` lacks, and why."""
    for row, article_id in zip(rows.tolist(), names.take(pa.array(rows)).to_pylist(), strict=True):
        if excluded[row]:
            yield article_id, known.why(article_id, excluded[row])
        elif disputed[row]:
            yield article_id, "open dispute over its spans"
        else:
            yield article_id, "nobody looked for its mentions" if unmarked[row] else "no gold"


def entities(rows: Ints, labels: Labels, known: Lookup, encoded: EncodedArticles) -> tuple[Columns, TokenTags]:
    """Compute the columns of `entities` from rows of gold, and the spans that its IOB2 tags cannot hold.

    Raises InvalidSpan for a span outside its text or with an unknown label.
    """
    golds = known.golds.rows.take(rows, ["article_id", "spans", "annotators", "confidence", "decided"])
    articles, own = known.golds.numbers[rows], encoded.take(known.golds.numbers[rows])
    sizes, names = numbers(pc.utf8_length(own["text"])), labels.entity_names
    spans, bodies = mentions(golds["spans"], names).inside(sizes), own["text"].to_pylist()
    tokens = tokenize_batch(bodies)
    if labels.clitics == "segment":
        tokens = segment(spans, tokens, bodies)
    tagged = tag(spans, tokens)
    counts = np.diff(tokens.cuts)
    shifts = np.repeat(tokens.begins[:-1], counts)
    token_spans = {"start": (tokens.starts - shifts).astype(np.int32), "end": (tokens.ends - shifts).astype(np.int32)}
    edits = known.articles.take(known.article_rows[articles], ["edits"])["edits"]
    pages = known.documents.take(known.document_rows[articles], ["raw"])["raw"]
    raw_starts, raw_ends = raw_spans(own["text"], pages, edits, spans.counts, spans.starts, spans.ends)
    columns = {
        **spans.columns(TextBytes.of(own["text"], sizes), np.arange(len(rows))),
        "raw_start": raw_starts.astype(np.int32), "raw_end": raw_ends.astype(np.int32),
        "confidence": confidences(spans, golds["confidence"], names),
    }  # fmt: skip
    asked = {ASKED: _asked(golds, labels, known)} if known.asked else {}
    return {
        "id": golds["article_id"],
        **own,
        "spans": lists(spans.counts, struct(columns)),
        "tokens": lists(counts, pieces(tokens.sizes, tokens.data)),
        "token_spans": lists(counts, struct(token_spans)),
        "ner_tags": lists(counts, tagged.outer),
        "ner_tags_inner": lists(counts, tagged.inner),
        "n_annotators": golds["annotators"].cast(pa.int32()),
        "adjudicated": pa.array(_spans_decided(golds["decided"])),
        **asked,
    }, tagged


def _spans_decided(decided: pa.Array) -> Bools:
    """Return whether adjudicators decided the spans of each article, or one of its passages."""
    of_spans = np.asarray(pc.starts_with(decided.flatten(), "span"), bool)
    return np.bincount(owners(decided)[of_spans], minlength=len(decided)) > 0


def _asked(golds: pa.RecordBatch, labels: Labels, known: Lookup) -> pa.Array:
    """Return the labels that the annotators of each article were asked for, and those that a decision gave it."""
    names, spans = labels.entity_names, golds["spans"]
    given = np.zeros((golds.num_rows, len(names)), bool)
    given[owners(spans), places_in(spans.flatten().field("label"), pa.array(names, pa.string()))] = True
    for row, article_id in enumerate(golds["article_id"].to_pylist()):
        given[row] |= [article_id not in known.asked or name in known.asked[article_id] for name in names]
    rows, labelled = np.nonzero(given)
    offsets = cuts(np.bincount(rows, minlength=golds.num_rows)).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(names, pa.string()).take(pa.array(labelled)))
