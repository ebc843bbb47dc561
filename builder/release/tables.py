"""Gold and judgements as Arrow tables, one for each config and split.

Offsets are code points of `text`, end exclusive. Rows are sorted and hold no clock time and no
server id, so that the same annotation work gives the same rows. Does not write files.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from builder.records import (
    Account,
    Article,
    Gold,
    Judgement,
    SetAside,
    Span,
    refuse,
    tally,
)
from builder.release.features import all_values, arrow_schema, features, tag_names
from builder.release.iob2 import Projection, iob2
from builder.release.material import Known, Material, instant, know
from builder.release.splits import NAMES
from builder.schema import Labels
from builder.text.aligned import unpacked
from builder.text.tokens import tokenize

Row = dict[str, Any]
Tables = dict[str, dict[str, pa.Table]]


@dataclass(frozen=True, slots=True)
class Built:
    """Tables by config and split, and the account of what they do not hold.

    `cut_spans` are mentions that begin or end inside a token: their token is tagged whole.
    """

    tables: Tables
    accounts: tuple[Account, ...]
    set_aside: tuple[SetAside, ...]
    cut_spans: int


def build_tables(material: Material) -> Built:
    """The tables of every config; each has all splits, if need be empty.

    Raises Refused (exit code 1) with every span and stance that its article or the labels do not allow.
    """
    known = know(material)
    entities, projected, cut = _entities(material, known)
    parts = {"entities": entities, "annotations": _annotations(material, known), "articles": _articles(known)}
    if material.labels.stances is not None:
        parts["stance"] = _stance(material, known)
    tables = {
        config: {split: _table(parts[config], split, arrow_schema(columns)) for split in NAMES}
        for config, columns in features(material.labels).items()
    }
    ledgers = [*parts.values(), projected, _dates(known)]
    aside = tuple(one for ledger in ledgers for one in ledger.aside)
    return Built(tables, tuple(ledger.account for ledger in ledgers), aside, cut)


def loadable(tables: Tables) -> Tables:
    """The tables that have rows: `datasets`, any version, cannot load an empty split.

    Raises Refused (exit code 1) where the default config has no row at all.
    """
    found = {c: {s: table for s, table in splits.items() if table.num_rows} for c, splits in tables.items()}
    if not found["entities"]:
        raise refuse(
            "nothing-settled",
            "no article has settled spans, so there is nothing to release",
            fix="run `khabar adjudicate`; `khabar status` shows what is open",
            exit_code=1,
        )
    return {config: splits for config, splits in found.items() if splits}


@dataclass(slots=True)
class _Part:
    unit: str
    taken: int
    kept: int | None = None
    rows: list[tuple[str, Row]] = field(default_factory=list)
    aside: list[SetAside] = field(default_factory=list)

    def put_aside(self, what: str, reason: str, detail: str = "") -> None:
        self.aside.append(SetAside("build", what, reason, detail))

    @property
    def account(self) -> Account:
        kept = len(self.rows) if self.kept is None else self.kept
        return tally("build", self.unit, self.taken, kept, self.aside)


def _table(part: _Part, split: str, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([row for home, row in part.rows if home == split], schema=schema)


def _dates(known: Known) -> _Part:
    used = {article.document_id for article in known.articles.values() if known.obstacle(article.id) is None}
    part = _Part("dates", 0)
    for document in (known.documents[document_id] for document_id in sorted(used)):
        if document.published_at:
            part.taken += 1
            if instant(document.published_at) is None:
                part.put_aside(f"document {document.id}", "not an ISO 8601 date", document.published_at)
    part.kept = part.taken - len(part.aside)
    return part


def _entities(material: Material, known: Known) -> tuple[_Part, _Part, int]:
    golds = {gold.article_id: gold for gold in material.golds}
    disputed = {d.article_id for d in material.disputes if d.what.startswith("span:")}
    entities = _Part("articles in entities", len({*known.articles, *golds}))
    spans = _Part("spans in ner_tags", 0)
    cut = 0
    for article_id in sorted({*known.articles, *golds}):
        gold = golds.get(article_id)
        why = known.obstacle(article_id, gold.text_sha if gold else None)
        why = why or ("open dispute over its spans" if article_id in disputed else None)
        if why or gold is None:
            entities.put_aside(f"article {article_id} in entities", why or "no gold")
            continue
        row, projection = _entity_row(known.articles[article_id], gold, material.labels, known)
        entities.rows.append((known.splits[article_id], row))
        for span, reason in projection.lost:
            spans.put_aside(f"{article_id} {span.start}-{span.end} {span.label}", reason)
        spans.taken += len(gold.spans)
        cut += len(projection.cut)
    spans.kept = spans.taken - len(spans.aside)
    return entities, spans, cut


def _entity_row(article: Article, gold: Gold, labels: Labels, known: Known) -> tuple[Row, Projection]:
    tokens = tokenize(article.text)
    projection = iob2(gold.spans, tokens)
    tag_numbers = _numbers(tag_names(labels.entity_names))
    numbers = _numbers(labels.entity_names)
    sure = {(s.what, numbers[s.answer]): s.value for s in gold.confidence if s.what.startswith("span:")}
    aligned = unpacked(article.text, known.documents[article.document_id].raw, article.edits)
    return {
        "id": article.id,
        "text": article.text,
        **known.origin(article),
        "spans": [
            {
                **span,
                "raw_start": start,
                "raw_end": end,
                "confidence": sure.get((f"span:{span['start']}:{span['end']}", span["label"])),
            }
            for span in _spans(gold.spans, article.text, labels)
            for start, end in [aligned.raw_span(span["start"], span["end"])]
        ],
        "tokens": [article.text[start:end] for start, end in tokens],
        "token_spans": [{"start": start, "end": end} for start, end in tokens],
        "ner_tags": [tag_numbers[tag] for tag in projection.tags],
        "n_annotators": gold.annotators,
        "adjudicated": "spans" in gold.decided,
    }, projection


def _spans(spans: Collection[Span], text: str, labels: Labels) -> list[dict[str, Any]]:
    numbers = _numbers(labels.entity_names)
    return [
        {"start": s.start, "end": s.end, "label": numbers[s.label], "text": text[s.start : s.end]}
        for s in sorted(spans)
    ]


def _numbers(names: Sequence[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names)}


def _stance(material: Material, known: Known) -> _Part:
    golds = {gold.article_id: gold for gold in material.golds}
    answers = {(g.article_id, s.target): s.value for g in material.golds for s in g.stances}
    disputed = {(d.article_id, d.what[len("stance:") :]) for d in material.disputes if d.what.startswith("stance:")}
    pairs = sorted({*answers, *disputed})
    part = _Part("pairs of article and target in stance", len(pairs))
    for article_id, target in pairs:
        gold = golds.get(article_id)
        why = known.obstacle(article_id, gold.text_sha if gold else None)
        if why is None and (article_id, target) in disputed:
            why = "open dispute over its stance"
        elif why is None and answers[article_id, target] not in material.labels.published_values:
            why = "its answer is not one that is published"
        if why or gold is None:
            part.put_aside(f"article {article_id} on {target}", why or "no gold")
            continue
        row = _stance_row(known.articles[article_id], gold, target, answers[article_id, target], material.labels)
        row |= known.origin(known.articles[article_id])
        part.rows.append((known.splits[article_id], row))
    return part


def _stance_row(article: Article, gold: Gold, target: str, answer: str, labels: Labels) -> Row:
    names = {t.id: t.ar for t in labels.stances.targets} if labels.stances else {}
    votes = Counter({vote.answer: vote.count for vote in gold.votes if vote.what == f"stance:{target}"})
    counts = [votes[value] for value in all_values(labels)]
    total = sum(counts)
    return {
        "id": f"{article.id}:{target}",
        "article_id": article.id,
        "text": article.text,
        "target": target,
        "target_name": names[target],
        "stance": labels.published_values.index(answer),
        "label_counts": counts,
        "soft_label": [count / total for count in counts] if total else None,
        "n_annotators": total,
        "adjudicated": f"stance:{target}" in gold.decided,
        "confidence": next((sure.value for sure in gold.confidence if sure.what == f"stance:{target}"), None),
    }


def _annotations(material: Material, known: Known) -> _Part:
    values = _numbers(all_values(material.labels))
    part = _Part("judgements in annotations", len(material.judgements))
    for judgement in sorted(material.judgements, key=_order):
        article_id = judgement.article_id
        why = known.obstacle(article_id, judgement.text_sha)
        if why:
            part.put_aside(f"judgement of {judgement.annotator} on {article_id}", why)
            continue
        row = {
            "article_id": article_id,
            "annotator": judgement.annotator,
            "batch": judgement.batch,
            "spans": _spans(judgement.spans, known.articles[article_id].text, material.labels),
            "stances": [{"target": s.target, "value": values[s.value]} for s in sorted(judgement.stances)],
            "status": judgement.status,
            "seconds": judgement.seconds,
            "guideline": judgement.guideline,
            "schema": judgement.schema,
            "remark": judgement.remark,
        }
        part.rows.append((known.splits[article_id], row))
    return part


def _order(judgement: Judgement) -> tuple[object, ...]:
    j = judgement
    return (j.article_id, j.annotator, j.batch, j.status, j.spans, j.stances, j.remark, j.seconds or 0)


def _articles(known: Known) -> _Part:
    part = _Part("articles in articles", len(known.articles))
    for article_id, article in sorted(known.articles.items()):
        why = known.obstacle(article_id)
        if why:
            part.put_aside(f"article {article_id} in articles", why)
            continue
        extracted = {field: value for drop in article.drops for field, value in drop.extracted.items()}
        row = {
            "id": article_id,
            "document_id": article.document_id,
            "part": article.part,
            "text": article.text,
            "source_name": extracted.get("source_name"),
            "author": extracted.get("author"),
            "profile": article.profile,
            "text_sha": article.text_sha,
            **known.origin(article),
        }
        part.rows.append((known.splits[article_id], row))
    return part
