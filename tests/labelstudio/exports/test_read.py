"""Exports of other Label Studio servers: plain, Enterprise and HyperText cases."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.io.hashing import sha16
from builder.labelstudio.exports.read import parse, read
from builder.records import Article, KhabarError, Relation, Span, Stance
from tests.labelstudio.exports.examples import LABELS, name

CASES = Path(__file__).parents[2] / "cases" / "exports"
TEXT = "زار الوزير \N{GRINNING FACE} ميناء مرجانة."
OTHER = "قالت ثريا إن الميناء يعمل."


def article(number, text):
    return Article(f"{number:016x}-0", f"{number:016x}", 0, "خبر", text, (), (), "standard@1+0", sha16(text))


ARTICLES = {one.id: one for one in (article(1, TEXT), article(2, OTHER))}
PORT = (TEXT.index("ميناء"), TEXT.index("."))


def case(file):
    return read(parse(file, (CASES / file).read_bytes()), ARTICLES, LABELS, "pilot", name, {})


def refusal(content):
    with pytest.raises(KhabarError) as caught:
        parse("export.json", content)
    issue = caught.value.issues[0]
    return caught.value.exit_code, issue.message, issue.where, issue.fix


def test_plain_export_matches_texts_and_maps_arabic_labels():
    found = case("plain.json")
    first, skipped = found.judgements

    assert (first.article_id, first.text_sha, first.batch) == ("0000000000000001-0", sha16(TEXT), "pilot")
    assert first.spans == (Span(*PORT, "FAC", "r1"), Span(PORT[0] + 6, PORT[1], "GPE", "r2"))
    assert first.stances == (Stance("port", "favor"),)
    assert (first.annotator, first.seconds, first.status) == (name(7), 12.5, "submitted")
    assert (first.annotation_id, first.task_id, first.remark) == (41, 0, "سريع")
    assert first.relations == (Relation("r1", "r2", ("in",), "right"),)
    assert (skipped.status, found.drafts, found.issues) == ("skipped", 1, ())


def test_enterprise_export_hides_annotator_emails():
    found = case("enterprise.json")

    assert {j.annotator: j.spans for j in found.judgements} == {
        name("huda@example.org"): (Span(5, 9, "PERS", "e1"),), name("layla@example.org"): (), name("omar@example.org"): (),
    }  # fmt: skip
    assert [(i.severity, i.code, i.where) for i in found.issues] == [
        ("warning", "unmatched-task", "task 904"), ("warning", "unused-result", ""),
    ]  # fmt: skip
    assert found.unread == 1
    assert "example.org" not in repr(found)


def test_hypertext_global_offsets_and_word_mismatches():
    found = case("hypertext.json")
    (judgement,) = found.judgements

    assert judgement.spans == (Span(0, 3, "PERS", "h2"), Span(*PORT, "FAC", "h1"))
    assert [(i.code, i.message) for i in found.issues] == [
        ("unreadable-result", "a result that cannot be read: a span of HyperText without globalOffsets"),
        ("span-text", "span 0:3: its text in Label Studio differs from the article's text at these offsets"),
    ]
    assert {i.where for i in found.issues} == {"task 1, annotation 2"}


def test_changed_text_keeps_the_hash_of_the_exported_text():
    task = {"id": 1, "data": {"article_id": "0000000000000001-0", "text": "نص قديم"}, "annotations": [
        {"id": 1, "completed_by": 1, "result": []}]}  # fmt: skip
    (judgement,) = read([task], ARTICLES, LABELS, "pilot", name, {}).judgements

    assert (judgement.article_id, judgement.text_sha) == ("0000000000000001-0", sha16("نص قديم"))


FIX = "in Label Studio choose Export, then JSON; JSON-MIN and CSV are read too, and hold less"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"id,text\n1,a", "neither JSON nor a table with the column `annotator`"),
        (b"[1,", "not JSON: line 1, column 4"),
        (b"[\xff", "not JSON: not UTF-8"),
        (b"7", "neither JSON nor a table with the column `annotator`"),
        (b'[{"id": 1, "text": "json-min"}]', "not an export of Label Studio with data and annotations"),
    ],
)
def test_non_exports_are_refused(content, message):
    assert refusal(content) == (2, message, "export.json", FIX)


words = st.recursive(
    st.none() | st.integers() | st.text() | st.sampled_from(["labels", "choices", "hypertextlabels", "relation"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "value", "id", "start", "end", "labels", "globalOffsets"]), inner)
    ),
    max_leaves=15,
)


@given(st.lists(words, max_size=4), words, words)
def test_any_json_is_read_and_every_annotation_counted(results, annotation, data):
    mine = {"id": 3, "completed_by": {"id": 1, "email": "x@example.org"}, "result": results}
    tasks = [
        {"id": 1, "data": {"text": TEXT, "other": data}, "annotations": [mine, annotation]},
        {"data": {"text": "غريب"}, "annotations": [mine]},
    ]
    found = read(parse("x", json.dumps(tasks).encode()), ARTICLES, LABELS, "pilot", name, {})
    broken = sum(issue.code == "unreadable-annotation" for issue in found.issues)

    assert len(found.judgements) + broken + found.unread == 3
    assert "example.org" not in repr(found)
