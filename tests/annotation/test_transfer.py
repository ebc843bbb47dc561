"""Judgements on an older text, transferred to the present one."""

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.annotation.transfer import TransferredSpans, transfer_judgements, transfer_spans
from builder.io.hashing import sha16
from builder.records import Article, Judgement, Prediction, Span, Stance
from builder.schema.labels import EntityType, Labels, Stances, StanceTarget, StanceValue
from builder.text.tokens import tokenize

WORDS = st.sampled_from(["زار", "سالم", "مرجانة", "في", "و", "،", ".", "\N{GRINNING FACE}", "وبمرجانة", "في", "\n"])
texts = st.lists(WORDS, max_size=14).map(" ".join)


def spans_of(text, draw):
    places = st.tuples(st.integers(0, len(text) - 1), st.integers(1, 12))
    drawn = draw(st.lists(places, max_size=6))
    return [Span(start, min(start + size, len(text)), "GPE") for start, size in drawn]


def inside(text):
    return {place for start, end in tokenize(text) for place in range(start + 1, end)}


@given(st.data())
def test_carried_span_keeps_characters_and_edges(data):
    old, new = data.draw(texts.filter(bool)), data.draw(texts)
    spans = spans_of(old, data.draw)
    found = transfer_spans(old, new, spans)
    texts_of_old = sorted(old[s.start : s.end] for s in set(spans) - set(found.stale))

    assert len(found.spans) + len(found.stale) == len(set(spans))
    assert set(found.stale) <= set(spans)
    assert sorted(new[s.start : s.end] for s in found.spans) == texts_of_old
    assert {(s.start in inside(new), s.end in inside(new)) for s in found.spans} <= {
        (s.start in inside(old), s.end in inside(old)) for s in spans
    }


@given(st.data())
def test_same_text_carries_everything(data):
    text = data.draw(texts.filter(bool))
    spans = spans_of(text, data.draw)

    assert transfer_spans(text, text, spans) == TransferredSpans(tuple(sorted(set(spans))), ())


@given(st.data())
def test_edits_around_a_span_shift_it_exactly(data):
    middle, before, after = (data.draw(texts) for _ in range(3))
    marked = "ميناء اللؤلؤة"
    old, new = f"{middle} {marked} .", f"{before} {middle} {marked} . {after}"
    start = len(middle) + 1
    found = transfer_spans(old, new, [Span(start, start + len(marked), "FAC")])

    assert [new[s.start : s.end] for s in found.spans] == [marked]
    assert found.stale == ()


@given(st.lists(st.sampled_from(["kept", "gone", "other", "grown"]), min_size=1, max_size=25), st.data())
def test_unique_words_carry_exactly_when_all_stay(fates, data):
    """An oracle: each word stays, goes, becomes another, or gets one before it; where it stands then is known."""
    old = new = "\N{GRINNING FACE} "
    edges, places = [], []
    for number, fate in enumerate(fates):
        word = "".join(chr(ord("ا") + int(digit)) for digit in f"{number:03}")
        edges.append((len(old), len(old) + len(word)))
        old += f"{word} "
        new += "new " if fate == "grown" else ""
        places.append(len(new) if fate in ("kept", "grown") else None)
        new += {"gone": "", "other": "new "}.get(fate, f"{word} ")
    first = data.draw(st.integers(0, len(fates) - 1))
    last = data.draw(st.integers(first, len(fates) - 1))
    span = Span(edges[first][0], edges[last][1], "GPE")
    stayed = set(fates[first : last + 1]) <= {"kept", "grown"} and "grown" not in fates[first + 1 : last + 1]
    moved = replace(span, start=places[first], end=places[first] + span.end - span.start) if stayed else None

    assert transfer_spans(old, new, [span]) == (
        TransferredSpans((moved,), ()) if stayed else TransferredSpans((), (span,))
    )


@pytest.mark.parametrize(
    ("old", "new", "marked", "at"),
    [
        ("زار سالم مرجانة", "أمس زار سالم مرجانة", "مرجانة", 13),
        ("قال \N{GRINNING FACE} سالم", "قال \N{GRINNING FACE}\N{GRINNING FACE} سالم", "سالم", 7),
        ("وصل بمرجانة أمس", "وصل لمرجانة أمس", "مرجانة", 5),  # one word became another with the same end
        ("زار مرجانة", "زار بمرجانة", "مرجانة", None),  # its edge is inside a word now
        ("زار علي مصر", "زارت المعلية مصر", "علي", None),
        ("مجلس الأمن اليوم", "مجلس  الأمن اليوم", "مجلس الأمن", None),  # a space more inside it
        ("زار سالم بيت", "زار بيت سالم", "سالم", 8),
        ("زار سالم بيت", "زار بيت سالم", "بيت", None),  # of two that changed places, one
        ("زار سالم", "", "سالم", None),
    ],
)
def test_mention_is_carried_or_stale(old, new, marked, at):
    start = old.index(marked)
    found = transfer_spans(old, new, [Span(start, start + len(marked), "PERS")])

    assert [s.start for s in found.spans] == ([] if at is None else [at])
    assert len(found.stale) == (at is None)


@pytest.mark.parametrize("edges", [(-1, 2), (0, 0), (3, 2), (0, 5)])
def test_out_of_bounds_span_is_dropped(edges):
    with pytest.raises(ValueError, match=r"^span -?\d:\d is outside a text of 4 code points$"):
        transfer_spans("سالم", "سالم علي", [Span(*edges, "PERS")])


def test_repeated_word_text_does_not_hang():
    old, new = "من " * 20_000 + "سالم", "أمس " + "من " * 19_000 + "في " + "من " * 900 + "سالم"
    began = time.monotonic()
    found = transfer_spans(old, new, [Span(60_000, 60_004, "PERS")])

    assert time.monotonic() - began < 5
    assert [new[s.start : s.end] for s in found.spans] == ["سالم"]


LABELS = Labels(
    version=1,
    entities=(EntityType(name="GPE", ar="كيان", en="GPE", colour="#1f7a3d", key="1", definition="تعريف"),),
    stances=Stances(
        values=(
            StanceValue(name="favor", ar="مؤيّد", en="favor"),
            StanceValue(name="against", ar="معارض", en="against"),
        ),
        targets=(
            StanceTarget(id="port", ar="ميناء", en="port", keywords=("ميناء",)),
            StanceTarget(id="metro", ar="مترو", en="metro", keywords=("مترو",)),
        ),
    ),
)
OLD, NEW = "ميناء مرجانة ومترو العاصمة", "افتتح ميناء مرجانة اليوم"


def article_of(text):
    return Article("d-0", "d", 0, None, text, (), (), "standard@1+0", sha16(text))


def judgement_of(annotator, text, spans=(), stances=(), **other):
    fields = {"status": "submitted", "updated_at": "2026-01-01", "annotation_id": 1} | other
    return Judgement(
        "d-0", sha16(text), "b", annotator, tuple(spans), tuple(stances), seconds=1.0, created_at="",
        guideline="", schema="", task_id=1, **fields,
    )  # fmt: skip


def test_judgements_become_predictions_and_the_rest_is_listed():
    port, metro = Span(6, 12, "GPE", "r1"), Span(19, 26, "GPE")
    stances = (Stance("metro", "favor"), Stance("port", "against"), Stance("port", "gone"))
    judgements = [
        judgement_of("a-1", OLD, [port, metro, Span(0, 5, "OLD"), Span(20, 99, "GPE")], stances),
        judgement_of("a-2", OLD, [port], status="skipped"),
        judgement_of("a-3", OLD, [port]),
        judgement_of("a-3", NEW, updated_at="2026-01-02"),
        judgement_of("a-4", "نص ثالث", [Span(0, 2, "GPE")]),
    ]
    moved = transfer_judgements(judgements, {"d-0": article_of(NEW)}, {("d-0", sha16(OLD)): OLD}, LABELS)

    assert moved.predictions == {
        ("d-0", "a-1"): Prediction("a-1", (Span(12, 18, "GPE", "r1"),), (Stance("port", "against"),)),
        ("d-0", "a-4"): Prediction("a-4", ()),
    }
    assert moved.taken == 5
    assert [(one.what, one.reason, one.detail) for one in moved.stale] == [
        ("d-0 a-1 19-26 GPE", "stale: its text changed", "العاصمة"),
        ("d-0 a-1 0-5 OLD", "stale: unknown label", ""),
        ("d-0 a-1 20-99 GPE", "stale: out of bounds", ""),
        ("d-0 a-4 0-2 GPE", "stale: the server no longer has its text", ""),
    ]


def test_latest_judgement_of_an_annotator_counts():
    older = judgement_of("a-1", OLD, [Span(0, 5, "GPE")], updated_at="2026-01-01")
    newer = judgement_of("a-1", OLD, [Span(6, 12, "GPE")], updated_at="2026-01-03", annotation_id=2)
    moved = transfer_judgements([newer, older], {"d-0": article_of(NEW)}, {("d-0", sha16(OLD)): OLD}, LABELS)

    assert moved.predictions == {("d-0", "a-1"): Prediction("a-1", (Span(12, 18, "GPE"),))}
