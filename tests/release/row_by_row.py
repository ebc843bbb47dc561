"""The tables of a release made row by row and span by span: what the columns of many rows are held against."""

from collections import Counter

import pyarrow as pa

from builder.records import Span
from builder.release.splits.strategies import SPLIT_NAMES
from builder.release.tables.features import all_values, arrow_schema, features, tag_names
from builder.release.tables.inputs import instant, zone
from builder.text.aligned import unpack_edits
from builder.text.tokens import tokenize


class Known:
    """The records of a material by id, and why some of them cannot be published."""

    def __init__(self, material):
        self.articles = {article.id: article for article in material.articles}
        self.documents = {document.id: document for document in material.documents}
        self.groups = {group.article_id: group.group_id for group in material.groups}
        self.splits, self.aside = material.splits, material.aside

    def exclusion_reason(self, article_id, text_sha=None):
        if article_id not in self.articles:
            return "its article is not in the corpus"
        if article_id not in self.splits:
            return self.aside.get(article_id, "its article has no split")
        changed = text_sha is not None and text_sha != self.articles[article_id].text_sha
        return "its text changed since it was annotated" if changed else None


def tables(material):
    """Every config and split, as tables made of Python rows."""
    known = Known(material)
    made = {
        "entities": list(entities(material, known)), "stance": stance(material, known),
        "annotations": list(annotations(material, known)), "articles": list(articles(material, known)),
    }  # fmt: skip
    return {
        config: {
            split: pa.Table.from_pylist([row for home, row in made[config] if home == split], arrow_schema(columns))
            for split in SPLIT_NAMES
        }
        for config, columns in features(material.labels).items()
    }


def entities(material, known):
    golds = {gold.article_id: gold for gold in material.golds}
    disputed = {dispute.article_id for dispute in material.disputes if dispute.what.startswith("span:")}
    tags = tag_names(material.labels.entity_names)
    for article_id in sorted(set(golds) - disputed):
        gold = golds[article_id]
        if known.exclusion_reason(article_id, gold.text_sha):
            continue
        article = known.articles[article_id]
        text = article.text
        aligned = unpack_edits(text, known.documents[article.document_id].raw, article.edits)
        sure = {(one.what, one.answer): one.value for one in gold.confidence}
        tokens = pieces(text, gold.spans) if material.labels.clitics == "segment" else tokenize(text)
        outer, lost = layer(gold.spans, tokens)
        inner, _ = layer([span for span, reason in lost if reason == "nested"], tokens)
        yield (
            known.splits[article_id],
            {
                "id": article_id,
                "text": text,
                **origin(article, known),
                "spans": [
                    {
                        **span,
                        "raw_start": aligned.raw_span(own.start, own.end)[0],
                        "raw_end": aligned.raw_span(own.start, own.end)[1],
                        "confidence": sure.get((f"span:{own.start}:{own.end}", own.label)),
                    }
                    for own, span in zip(sorted(gold.spans), mentions(gold.spans, text, material.labels), strict=True)
                ],
                "tokens": [text[start:end] for start, end in tokens],
                "token_spans": [{"start": start, "end": end} for start, end in tokens],
                "ner_tags": [tags.index(tag) for tag in outer],
                "ner_tags_inner": [tags.index(tag) for tag in inner],
                "n_annotators": gold.annotators,
                "adjudicated": any(what.startswith("span") for what in gold.decided),
            },
        )


def pieces(text, spans):
    """Tokens cut at the edges of spans, one character after the other."""
    edges = {edge for span in spans for edge in (span.start, span.end)}
    found = []
    for start, end in tokenize(text):
        begin = start
        for place in range(start + 1, end + 1):
            if place == end or place in edges:
                found.append((begin, place))
                begin = place
    return found


def layer(spans, tokens):
    """IOB2 of one layer, the longest spans first, and what it loses."""
    tags, kept, lost = ["O"] * len(tokens), [], []
    for span in sorted(spans, key=lambda s: (s.start - s.end, s)):
        touched = [i for i, (start, end) in enumerate(tokens) if start < span.end and span.start < end]
        if not touched:
            lost.append((span, "no token"))
        elif any(tags[i] != "O" for i in touched):
            over = [k for k in kept if k.start < span.end and span.start < k.end]
            inside = any(k.start <= span.start and span.end <= k.end for k in over)
            lost.append((span, "nested" if inside else "crossing" if over else "same token as another"))
        else:
            kept.append(span)
            for i in touched:
                tags[i] = f"{'B' if i == touched[0] else 'I'}-{span.label}"
    return tags, lost


def mentions(spans, text, labels):
    return [
        {"start": s.start, "end": s.end, "label": labels.entity_names.index(s.label), "text": text[s.start : s.end]}
        for s in sorted(spans)
    ]


def origin(article, known):
    document = known.documents[article.document_id]
    return {
        "title": article.title,
        "source": document.source,
        "url": document.url,
        "published_at": instant(document.published_at),
        "published_zone": zone(document.published_at),
        "split_group": known.groups[article.id],
    }


def stance(material, known):
    labels = material.labels
    names = {target.id: target.ar for target in labels.stances.targets}
    open_pairs = {(d.article_id, d.what.removeprefix("stance:")) for d in material.disputes if d.what[:7] == "stance:"}
    rows = []
    for gold in material.golds:
        for answer in gold.stances:
            if known.exclusion_reason(gold.article_id, gold.text_sha) or (gold.article_id, answer.target) in open_pairs:
                continue
            if answer.value not in labels.published_values:
                continue
            article = known.articles[gold.article_id]
            votes = Counter({v.answer: v.count for v in gold.votes if v.what == f"stance:{answer.target}"})
            counts = [votes[value] for value in all_values(labels)]
            sure = [c.value for c in gold.confidence if c.what == f"stance:{answer.target}"]
            row = {
                "id": f"{article.id}:{answer.target}",
                "article_id": article.id,
                "text": article.text,
                "target": answer.target,
                "target_name": names[answer.target],
                "stance": labels.published_values.index(answer.value),
                "label_counts": counts,
                "soft_label": [count / sum(counts) for count in counts] if sum(counts) else None,
                "n_annotators": sum(counts),
                "adjudicated": f"stance:{answer.target}" in gold.decided,
                "confidence": sure[0] if sure else None,
                **origin(article, known),
            }
            rows.append((known.splits[article.id], row))
    return sorted(rows, key=lambda pair: (pair[1]["article_id"], pair[1]["target"]))


def annotations(material, known):
    values = all_values(material.labels)
    for j in sorted(material.judgements, key=lambda j: (j.article_id, j.annotator)):
        if known.exclusion_reason(j.article_id, j.text_sha):
            continue
        yield (
            known.splits[j.article_id],
            {
                "article_id": j.article_id,
                "annotator": j.annotator,
                "batch": j.batch,
                "spans": mentions(j.spans, known.articles[j.article_id].text, material.labels),
                "stances": [{"target": s.target, "value": values.index(s.value)} for s in sorted(j.stances)],
                "status": j.status,
                "seconds": j.seconds,
                "guideline": j.guideline,
                "schema": j.schema,
                "remark": j.remark,
            },
        )


def articles(material, known):
    for article in sorted(material.articles, key=lambda article: article.id):
        if known.exclusion_reason(article.id):
            continue
        record = known.documents[article.document_id].author if article.part == 0 else None
        extracted = {name: value for drop in article.drops for name, value in drop.extracted.items()}
        yield (
            known.splits[article.id],
            {
                "id": article.id,
                "document_id": article.document_id,
                "part": article.part,
                "text": article.text,
                "source_name": extracted.get("source_name"),
                "author": extracted.get("author", record) if material.publish_authors else None,
                "profile": article.profile,
                "text_sha": article.text_sha,
                **origin(article, known),
            },
        )


def held(row, tags_column, names):
    """The mentions that a reader of IOB2 finds in a published row."""
    found, open_at = [], None
    tags = [names[number] for number in row[tags_column]]
    for place, tag in enumerate([*tags, "O"]):
        if open_at is not None and tag != "I-" + tags[open_at][2:]:
            ends = row["token_spans"][open_at]["start"], row["token_spans"][place - 1]["end"]
            found.append(Span(*ends, tags[open_at][2:]))
            open_at = None
        if tag[:2] == "B-":
            open_at = place
    return found
