"""What is of persons goes from the text, and everything said of the text moves with it."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.io.hashing import sha16
from builder.records import Confidence, Dispute, Gold, Judgement, Span, Stance, Vote
from builder.release.editions.delta import apply_delta, field_delta
from builder.release.redaction.pii import KINDS, find_pii
from builder.release.redaction.redact import (
    BECAME,
    MERGED,
    PLACEHOLDER,
    PLACEHOLDERS,
    WIDENED,
    move_annotations,
    redact,
    redact_authors,
    redact_text,
    steps,
)
from builder.text.aligned import unpack_edits
from builder.text.profiles import profile
from builder.text.tokens import tokenize
from tests.release.conftest import page
from tests.release.material import build_tables

FOUND = [
    ("email", "راسلوا news.desk+1@mail.barq.example.", "news.desk+1@mail.barq.example"),
    ("email", "البريد:salma@barq.example، شكرا", "salma@barq.example"),
    ("url", "انظر (https://barq.example/a_(b)?x=1#y).", "https://barq.example/a_(b)?x=1#y"),
    ("url", "زوروا www.barq.example، ثم", "www.barq.example"),
    ("mention", "كتب @salma_99: نعم", "@salma_99"),
    ("mention", "كتبت @سلمى اليوم", "@سلمى"),
    ("iban", "الحساب SA03 8000 0000 6080 1016 7519 BANK", "SA03 8000 0000 6080 1016 7519"),
    ("iban", "DE89370400440532013000.", "DE89370400440532013000"),
    ("ip", "من 192.168.10.254، قال", "192.168.10.254"),
    ("ip", "من 2001:db8::8a2e:370:7334 أمس", "2001:db8::8a2e:370:7334"),
    ("phone", "اتصل على +966 50 123 4567 الآن", "+966 50 123 4567"),
    ("phone", "+970-59-912-3456", "+970-59-912-3456"),
    ("phone", "(+961) 70 123 456", "(+961) 70 123 456"),
    ("phone", "00970599123456،", "00970599123456"),
    ("phone", "جوال 0599123456 و0599123457", "0599123456"),
    ("phone", "0599123456,0599123457", "0599123456"),
    ("phone", "٠٥٩٩١٢٣٤٥٦", "٠٥٩٩١٢٣٤٥٦"),
    ("phone", "على ۰۹۱۲ ۳۴۵ ۶۷۸۹ دائما", "۰۹۱۲ ۳۴۵ ۶۷۸۹"),
    ("phone", "02-2345678", "02-2345678"),
    ("phone", "(02) 2345678", "(02) 2345678"),
    ("phone", "06 12 34 56 78", "06 12 34 56 78"),
    ("phone", "966501234567+", "966501234567+"),
    ("phone", "واتساب 966501234567", "966501234567"),
    ("phone", "هاتف: 2345678 في 2023", "2345678"),
    ("phone", "هاتفه 2345678", "2345678"),
    ("phone", "الاتصال بالرقم 1700123456", "1700123456"),
    ("phone", "للتواصل على 229 1234", "229 1234"),
    ("phone", "+33 1 23 45 67 89 25 قتيلا", "+33 1 23 45 67 89"),
]
NOT_FOUND = [
    ("phone", "2023-2024"), ("phone", "٢٠٢٤/١٠/٠٧"), ("phone", "1,250,000"), ("phone", "07/10/2024"), ("phone", "07-10-2024 08:30"),
    ("phone", "01.02.2024 05.03.2024"), ("phone", "0.12345678"), ("phone", "٠٫١٢٣٤٥٦٧٨"), ("phone", "0,12345678"), ("phone", "1250000"),
    ("phone", "1 250 000 000"), ("phone", "+1,250,000 دولار"), ("phone", "+5.5%"), ("phone", "مليون 12345678 نسخة"), ("phone", "08:00 - 10:00"),
    ("phone", "0-1 2-3 4-5 6-7"), ("phone", "رقم AB0599123456"), ("phone", "x0599123456"), ("phone", "0599123456x"), ("phone", "005"),
    ("phone", "هاتف ذكي بسعر 1250000"), ("phone", "20231007123456"), ("phone", "1960 1967 1973 1982 2006"), ("phone", "هاتف 2023"),
    ("phone", "12345678901234567890"), ("phone", "+12345678901234567"), ("phone", "قبل 10.000.000"), ("phone", "3.5.2024"),
    ("email", "في الساعة @ 5"), ("email", "a@b"), ("mention", "a@salma"), ("mention", "salma@barq.example"), ("mention", "@a"),
    ("ip", "1.2.3"), ("ip", "1.2.3.4.5"), ("ip", "999.1.1.1"), ("ip", "12:30:45"), ("ip", "v1.2.3.4"), ("iban", "SA04 8000 0000 6080 1016 7519"),
    ("iban", "AB12 3456"), ("url", "barq.example"), ("url", "www."),
]  # fmt: skip
PIECES = st.lists(
    st.sampled_from([
        "قال ", "في ", "مَـدينة", " ", "\n", "،", "desk@barq.example", "@salma_99", "https://barq.example/1", "0599123456",
        "+970 59 912 3456", "٠٥٩٩١٢٣٤٥٦", "192.168.0.1", "DE89370400440532013000", "2023-2024", "1,250,000", "(", ")", "@", "+", "0", "59", "ﻻ", "\u200f",
    ]),
    max_size=12,
).map("".join)  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "wanted"), FOUND)
def test_what_is_of_a_person_is_found_whole(kind, text, wanted):
    found = find_pii(text, [kind])

    assert found
    assert text[found[0].start : found[0].end] == wanted


@pytest.mark.parametrize(("kind", "text"), NOT_FOUND)
def test_years_dates_prices_counts_and_parts_of_words_are_not(kind, text):
    assert find_pii(text, [kind]) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_placeholder_is_one_token_and_nothing_of_it_is_found_again(kind):
    text = f"قال {PLACEHOLDER[kind]}، ثم"

    assert (4, 4 + len(PLACEHOLDER[kind])) in tokenize(text)
    assert find_pii(text, KINDS) == []


@given(PIECES, st.sets(st.sampled_from(KINDS)))
def test_nothing_that_is_looked_for_is_left(text, kinds):
    assert find_pii(redact_text(text, kinds), kinds) == []


def moved_of(raw, kinds):
    aligned = profile("standard@1").apply(raw)
    document, article = page(1, [raw])
    article = replace(article, text=aligned.text, edits=aligned.packed(), text_sha=sha16(aligned.text))
    return document, article, redact([article], [document], kinds).articles[article.id]


@given(PIECES, st.sets(st.sampled_from(KINDS), min_size=1), st.data())
def test_spans_outside_redactions_keep_text_and_raw_place(raw, kinds, data):
    document, article, moved = moved_of(raw, kinds)
    if not article.text:
        return
    start = data.draw(st.integers(0, len(article.text) - 1))
    end = data.draw(st.integers(start + 1, len(article.text)))
    new = moved.span(start, end)
    said = moved.article.text[new[0] : new[1]]
    before = unpack_edits(article.text, document.raw, article.edits).raw_span(start, end)
    after = unpack_edits(moved.article.text, document.raw, moved.article.edits).raw_span(*new)
    there, a, b = [], start, end
    for step in moved.steps:
        there += [one for one in step.found if one.start < b and a < one.end]
        a, b = step.moved(a, b)

    assert moved.article.text_sha == sha16(moved.article.text)
    if not there:
        assert said == article.text[start:end]
        assert after == before
    elif len(moved.steps) == 1:
        assert any(placeholder in said for placeholder in PLACEHOLDERS)
        assert after[0] <= before[0]
        assert after[1] >= before[1]
        kept = re.sub("|".join(PLACEHOLDERS), "\0", said)
        outside = _without(article.text, start, end, there)
        assert kept == outside


def _without(text, start, end, there):
    pieces, done = [], start
    for one in there:
        pieces += [text[done : max(done, one.start)], "\0"]
        done = one.end
    return "".join([*pieces, text[done : max(done, end)]])


def test_spans_votes_confidences_and_disputes_move_with_the_text():
    text = "قالت سلمى @salma_99 في مرجانة"
    document, article, _ = moved_of(text, [])
    at = text.index("@")
    handle = (at, at + 9)
    inside, partly, after = Span(at + 1, at + 6, "PERS"), Span(5, at + 6, "PERS"), Span(23, 29, "GPE")
    spans = (partly, Span(*handle, "PERS"), inside, after)
    votes = (Vote(f"span:{at}:{at + 9}", "PERS", 1), Vote(f"span:{at + 1}:{at + 6}", "PERS", 2), Vote("stance:metro", "favor", 2))  # fmt: skip
    sure = (Confidence(f"span:{at + 1}:{at + 6}", "PERS", "majority", 0.6), Confidence(f"span:{at}:{at + 9}", "PERS", "majority", 0.9))  # fmt: skip
    decided = (f"span:{at + 1}:{at + 6}", "stance:metro")
    gold = Gold(
        article.id, article.text_sha, spans, (Stance("metro", "favor"),), "adjudicated", votes, 3, sure, decided
    )
    judgement = Judgement(article.id, article.text_sha, "b", "a-1", spans, (), "submitted", 1.0, "", "", "g", "s", 1, 2, "اسألوا desk@barq.example")  # fmt: skip
    stale = replace(judgement, text_sha="0" * 16)
    disputes = [Dispute(article.id, f"span:{at + 1}:{at + 6}", {}), Dispute(article.id, "stance:metro", {})]

    redaction = redact([article], [document], ["mention", "email"])
    moved = move_annotations(redaction, [judgement, stale], [gold], disputes, ["mention", "email"])
    said, golds, open_, account = moved.judgements, moved.golds, moved.disputes, moved.spans

    new = redaction.articles[article.id].article
    placeholder = (at, at + len("REDACTED_MENTION"))
    assert new.text == "قالت سلمى REDACTED_MENTION في مرجانة"
    assert [(s.start, s.end) for s in golds[0].spans] == [(5, placeholder[1]), placeholder, (30, 36)]
    assert new.text[30:36] == "مرجانة"
    assert golds[0].votes == (Vote(f"span:{at}:{placeholder[1]}", "PERS", 2), Vote("stance:metro", "favor", 2))
    assert golds[0].confidence == (Confidence(f"span:{at}:{placeholder[1]}", "PERS", "majority", 0.9),)
    assert golds[0].decided == (f"span:{at}:{placeholder[1]}", "stance:metro")
    assert golds[0].text_sha == said[0].text_sha == new.text_sha
    assert said[0].spans == golds[0].spans
    assert said[0].remark == "اسألوا REDACTED_EMAIL"
    assert said[1].spans == stale.spans
    assert said[1].text_sha == stale.text_sha
    assert [one.what for one in open_] == [f"span:{at}:{placeholder[1]}", "stance:metro"]
    assert account.set_aside == {BECAME: 2, MERGED: 2, WIDENED: 2}
    assert (account.taken, account.kept, account.balanced) == (8, 2, True)


def test_no_kind_changes_nothing(material):
    redaction = redact(material.articles, material.documents, [])
    moved = move_annotations(redaction, material.judgements, material.golds, material.disputes, [])

    assert [each.article for each in redaction.articles.values()] == list(material.articles)
    assert (moved.judgements, moved.golds) == (list(material.judgements), list(material.golds))
    assert (moved.disputes, moved.spans.taken) == ([], 0)


def test_nothing_that_is_looked_for_is_left_in_any_table(material):
    person = "desk@barq.example"
    document, article = page(0, ["قال ", person, " في ", ("مرجـانة", "مرجانة"), " اليوم 0599123456."])
    article = replace(article, title=f"خبر {person}", drops=(replace(article.drops[0], extracted={"author": person}),))
    span = Span(article.text.index(person), article.text.index(person) + 4, "ORG")
    gold = replace(material.golds[0], text_sha=article.text_sha, spans=(span,))
    judgement = replace(material.judgements[0], text_sha=article.text_sha, spans=(span,), remark=person)
    rest = [one for one in material.judgements if one.article_id != article.id]
    kinds = ("email", "phone")
    documents = (document, *material.documents[1:])
    redaction = redact([article, *material.articles[1:]], documents, kinds)
    moved = move_annotations(redaction, [judgement, *rest], [gold, *material.golds[1:]], (), kinds)
    changed = replace(
        material, documents=documents, articles=[m.article for m in redaction.articles.values()], judgements=moved.judgements,
        golds=moved.golds, disputes=moved.disputes,
    )  # fmt: skip

    built = build_tables(changed)

    rows = [row for splits in built.tables.values() for table in splits.values() for row in table.to_pylist()]
    assert find_pii(str(rows), ["email"]) == []
    texts = [row["text"] for row in rows if "text" in row]
    assert sum("REDACTED_PHONE" in text for text in texts) == 3
    assert not any(find_pii(text, kinds) for text in texts)
    (spans,) = [row["spans"] for row in built.tables["entities"]["train"].to_pylist() if row["id"] == article.id]
    assert [one["text"] for one in spans] == ["REDACTED_EMAIL"]
    assert document.raw[spans[0]["raw_start"] : spans[0]["raw_end"]] == person
    assert redaction.counts == {"email": 2, "phone": 1}


def test_the_author_of_a_record_is_redacted_and_its_page_stays(material):
    documents = [replace(document, author="سلمى (desk@barq.example)") for document in material.documents]
    redacted = redact_authors(documents, ["email"])
    articles = tuple(replace(article, drops=()) for article in material.articles)
    built = build_tables(replace(material, articles=articles, documents=redacted))

    assert set(built.tables["articles"]["train"]["author"].to_pylist()) == {"سلمى (REDACTED_EMAIL)"}
    assert [document.raw for document in redacted] == [document.raw for document in documents]
    assert redact_authors(documents, []) == documents


def test_a_redacted_title_comes_back_without_what_was_taken_out():
    document, article = page(1, ["نص"])
    document = replace(document, title="راسلوا desk@barq.example أو @salma_99 الآن")
    title = redact_text(document.title, KINDS)
    known = field_delta("title", title, article, document)

    assert known.replaced == ()
    assert {put for _, put in known.placed} == {"REDACTED_EMAIL", "REDACTED_MENTION"}
    assert apply_delta(document.title, known) == title
    assert field_delta("author", title, article, document) is None


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_long_line_takes_no_long_time(kind):
    for piece in ("a", "0", "1.", "a@", "+", "(0", "SA03 8000 ", "0 ", "@a", "::", "http://a", "a." * 3):
        steps(piece * (40_000 // len(piece)), [kind])


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("قبله ", "قبله "),
        (" بعده", " بعده"),
        ("قبله d@barq.example", "قبله REDACTED_EMAIL"),
        ("barq.example بعده", "REDACTED_EMAIL بعده"),
        ("d@barq.example", "REDACTED_EMAIL"),
        ("barq", "REDACTED_EMAIL"),
        ("قبله d", "قبله REDACTED_EMAIL"),
        ("e بعده", "REDACTED_EMAIL بعده"),
    ],
)
def test_the_edges_of_a_span_beside_and_inside_a_redaction(words, wanted):
    text = "قبله d@barq.example بعده"
    _, _, moved = moved_of(text, ["email"])
    start = text.index(words)
    new = moved.span(start, start + len(words))

    assert moved.article.text[new[0] : new[1]] == wanted
