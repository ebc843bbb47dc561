"""Answers of a release on the present texts: columns give what rows give."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from builder.annotation.reopen import assigned, transfer_answers
from builder.annotation.transfer import transfer_spans
from builder.io.parquet import to_table
from builder.records import GOLD, AnnotatorAssignment, Answer, Article, Dropped, PublishedAnnotation, Span, Stance
from builder.records.arrow import records_of

ARTICLES = ("d-0", "d-1", "e-0")
TEXT = "زار سالم مرجانة ثم عاد"
OTHER = "زار الوزير سالم ميناء ثم عاد"
EDGES = st.integers(0, len(TEXT))
SPANS = st.builds(Span, EDGES, EDGES, st.sampled_from(["ORG", "GPE"]), st.sampled_from(["", "s1"]))
ANSWERS = st.builds(
    PublishedAnnotation, st.sampled_from(ARTICLES), st.just("old"), st.just("1.0.0"), st.sampled_from(["a-2", "a-10", GOLD]),
    st.lists(SPANS.filter(lambda span: span.start < span.end), max_size=6).map(tuple),
    st.lists(st.builds(Stance, st.sampled_from(["port", "dam"]), st.sampled_from(["favor", "against"])), max_size=3).map(tuple),
    st.lists(st.just(Answer("tone", "sport")), max_size=1).map(tuple),
)  # fmt: skip


def article(name, text):
    return Article(name, name.partition("-")[0], 0, None, text, (), (), "standard@1", f"sha of {text}")


def by_rows(answers, articles, texts):
    """What khabar did before it took columns: the answers, the number of spans, and the stale ones."""
    placed, taken, aside = [], 0, []
    for answer in sorted(answers, key=lambda answer: (answer.article_id, answer.who)):
        present = articles[answer.article_id]
        spans = tuple(sorted({replace(span, id="") for span in answer.spans}))
        taken += len(spans)
        if answer.article_id in texts:
            carried = transfer_spans(texts[answer.article_id], present.text, spans)
            aside += [
                Dropped("reopen", f"{answer.article_id} {answer.who} {s.start}-{s.end} {s.label}", "its text changed")
                for s in carried.stale
            ]
            spans = carried.spans
        placed.append(replace(answer, text_sha=present.text_sha, spans=spans, stances=tuple(sorted(answer.stances))))
    return placed, taken, tuple(aside)


@given(st.lists(ANSWERS, max_size=8), st.sets(st.sampled_from(ARTICLES)))
def test_columns_transfer_what_rows_transfer(answers, changed):
    articles = {name: article(name, OTHER if name in changed else TEXT) for name in ARTICLES}
    texts = dict.fromkeys(changed, TEXT)

    made = transfer_answers(to_table(answers, PublishedAnnotation), articles, texts)

    assert (records_of(made.answers, PublishedAnnotation), made.taken, made.set_aside) == by_rows(
        answers, articles, texts
    )


def test_annotators_get_the_articles_that_they_judged():
    answers = [PublishedAnnotation(name, "s", "1.0.0", who) for name in ("d-1", "d-0") for who in (GOLD, "a-2", "a-10")]

    made = assigned("b", to_table(answers, PublishedAnnotation), {"a-2", "a-7"})

    assert made == [
        AnnotatorAssignment("b", "d-0", "a-2", "overlap"),
        AnnotatorAssignment("b", "d-1", "a-2", "overlap"),
    ]
