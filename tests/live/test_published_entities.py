"""Entities that others published go to a real server and come back: nested, beside emoji, every offset exact."""

import json
from collections import defaultdict
from itertools import groupby

import pytest

from builder.io.hashing import sha16
from builder.labelstudio import annotator, client
from builder.labelstudio.config import render_config
from builder.labelstudio.download.sync import collect
from builder.labelstudio.tasks import task_of
from builder.records import Article, BatchItem, Span
from builder.schema.labels import EntityType, Labels

pytestmark = [pytest.mark.live, pytest.mark.shared]

SENTENCES = 25
"""Of an article; long ones are what annotators see."""
KEYS = "123456789qwertyuiopasdfghjklzxcvbnm0"


def entities_of(rows):
    """Spans of tokens that are joined by single spaces, outer ones first: rows of a token and its tags."""
    spans, still_open, at = [], defaultdict(list), 0
    for token, *tags in rows:
        for label in set(still_open) | {tag[2:] for tag in tags if tag != "O"}:
            running = still_open[label]
            kept = tags.count(f"I-{label}")
            del running[kept:]
            for span in running:
                span[1] = at + len(token)
            for _ in range(tags.count(f"B-{label}")):
                running.append([at, at + len(token), label])
                spans.append(running[-1])
        at += len(token) + 1
    return spans


def rows_of(text, spans):
    """The published rows of a sentence again: each token with its tags, outer spans first."""
    rows, at = [], 0
    for token in text.split(" "):
        tags = [
            ("B-" if start == at else "I-") + label
            for start, end, label in sorted(spans, key=lambda s: (s[0], -s[1]))
            if start <= at < end
        ]
        rows.append((token, sorted(tags) or ["O"]))
        at += len(token) + 1
    return rows


def sentences(shared):
    for name in ("train", "val", "test"):
        lines = (shared / "entities" / "wojood-sample" / f"{name}.txt").read_text(encoding="utf-8").split("\n")
        for blank, rows in groupby(lines, key=lambda line: not line.strip()):
            if not blank:
                yield [row.split(" ") for row in rows]


def tweets(shared):
    for path in sorted((shared / "entities" / "idrisi-time" / "json").glob("*/*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            tweet = json.loads(line)
            spans = {(m["startIdx"], m["endIdx"], m["type"]) for m in tweet["location_mentions"]}
            yield tweet["text"].replace("\r", " "), sorted(spans)


def go_round(label_studio, schema, answer, title, texts, name_of=lambda label: label):
    """Send texts, answer with their spans as an annotator over HTTP, and collect."""
    names = sorted({label for _, spans in texts for *_, label in spans})
    entities = tuple(
        EntityType(name=name_of(name), ar=f"نوع {name}", en=name, colour="#1f7a3d", key=KEYS[place], definition="تعريف")
        for place, name in enumerate(names)
    )
    labels = Labels(version=1, entities=entities)
    chosen = type(schema)(schema.dataset, labels, schema.boilerplate, "# وسم", "0" * 16, "1" * 8)
    tasks, answers = [], {}
    for number, (text, spans) in enumerate(texts):
        article = Article(f"{title}-{number}", title, 0, None, text, (), (), "standard@1+0", sha16(text))
        item = BatchItem("b", article.id, article.text_sha, article.id, "x")
        tasks.append(task_of(article, item, chosen, "x", ""))
        answers[article.id] = answer(
            tuple(Span(s, e, name_of(label), f"r{n}") for n, (s, e, label) in enumerate(spans)), ()
        )
    sent = client.send(label_studio.connection, title, render_config(labels), tasks, overlap=1, progress=print)
    email, password = label_studio.logins[0]
    done = annotator.annotate_as(sent.url, email, password, int(sent.project_id), answers)
    found = collect(label_studio.connection, title, str)

    assert done == len(texts)
    assert found.issues == ()
    return {j.article_id: [(s.start, s.end, s.label) for s in j.spans] for j in found.judgements}


def test_nested_entities_come_back_and_give_the_published_columns(label_studio, schema, answer, shared):
    said = list(sentences(shared))
    groups = [said[start : start + SENTENCES] for start in range(0, len(said), SENTENCES)]
    texts = []
    for group in groups:
        spans, lines, at = [], [], 0
        for rows in group:
            line = " ".join(token for token, *_ in rows)
            spans += [(at + start, at + end, label) for start, end, label in entities_of(rows)]
            lines.append(line)
            at += len(line) + 1
        texts.append(("\n".join(lines), spans))

    back = go_round(label_studio, schema, answer, "wojood", texts)

    assert sum(map(len, back.values())) == 4222
    unlike = []
    for number, (group, (text, spans)) in enumerate(zip(groups, texts, strict=True)):
        found = back[f"wojood-{number}"]
        assert sorted(found) == sorted(spans)
        at = 0
        for rows, line in zip(group, text.split("\n"), strict=True):
            mine = [(start - at, end - at, label) for start, end, label in found if at <= start < at + len(line)]
            same = rows_of(line, mine) == [(token, sorted(tags)) for token, *tags in rows]
            unlike += [] if same else [rows[0]]
            at += len(line) + 1
    assert unlike == [["الفرنسي", "I-FAC"]], "one published entity goes on without having begun"


def test_mentions_beside_emoji_come_back_with_their_exact_characters(label_studio, schema, answer, shared):
    texts = [(text, spans) for text, spans in tweets(shared) if spans and any(ord(c) > 0xFFFF for c in text)]

    back = go_round(label_studio, schema, answer, "idrisi", texts)

    assert len(texts) > 100
    for number, (text, spans) in enumerate(texts):
        found = back[f"idrisi-{number}"]
        assert sorted(found) == spans
        assert [text[start:end] for start, end, _ in sorted(found)] == [text[start:end] for start, end, _ in spans]
