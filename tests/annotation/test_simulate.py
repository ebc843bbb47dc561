"""Simulated annotators: what they know, how they err, and that they are deterministic."""

from collections import Counter
from pathlib import Path

import pytest

from builder.annotation.agreement.matching import SPAN_F1
from builder.annotation.agreement.stances import ALPHA
from builder.annotation.simulate import Knowledge, SimulatedAnswer, parse_knowledge, simulate_answer, truth
from builder.corpus.cleaning.clean import clean
from builder.corpus.dedup.pipeline import group
from builder.corpus.readers.documents import read_documents
from builder.corpus.sampling.sample import sample
from builder.io.hashing import sha16
from builder.records import Article, Judgement, KhabarError, Span, Stance
from builder.schema import load_schema
from builder.schema.dataset import Adjudication
from builder.text.profiles import profile
from tests.tables import adjudicate, agree, canonicalise, check

ROOT = Path(__file__).parents[2]
SEED = 13
KNOWLEDGE = Knowledge(
    {
        "PERS": ("سلوى", "سلوى النجار", "النجار"),
        "ORG": ("بلدية الواحة", "المجلس"),
        "GPE": ("الواحة",),
        "OCC": ("رئيسة بلدية الواحة",),
        "DATE": ("12 شوال 1447 هـ",),
        "UNKNOWN": ("قالت",),
    },
    (("خطوة نافعة", {"metro": "favor", "dam": "favor"}), ("خطوة", {"metro": "against"})),
)
TEXT = (
    "قالت رئيسة بلدية الواحة سلوى النجار، في «الواحة»، إن مترو العاصمة خطوةٌ نافعة.\n"
    "وللمجلس رأي، فبالمجلس من يعارض، وأضافت النجار في 12 شوال 1447 هـ أن الواحةَ وواحة النخيل لا تتأثران بالواحات ولا بالنجارين."
)

GOLDEN = SimulatedAnswer(
    (
        Span(5, 23, "PERS"),  # the title, taken for a person
        Span(11, 23, "ORG"),
        Span(17, 23, "GPE"),
        Span(24, 35, "PERS"),
        Span(41, 47, "GPE"),
        Span(79, 86, "ORG"),
        Span(92, 100, "ORG"),
        Span(118, 124, "PERS"),
        Span(128, 143, "DATE"),
        Span(147, 154, "GPE"),
    ),
    (Stance("metro", "unclear"),),
    151.5,
    skipped=False,
)


@pytest.fixture(scope="module")
def labels():
    return load_schema(ROOT / "schema").labels


@pytest.fixture(scope="module")
def batch():
    """The batch that the demonstration samples of the example articles."""
    documents = read_documents([ROOT / "examples" / "articles"]).documents
    rules, used = load_schema(ROOT / "schema").boilerplate, profile("standard@1")
    articles = [article for document in documents for article in clean(document, used, rules).articles]
    groups = group(articles, {document.id: document.published_at for document in documents})
    items, _ = sample(articles, groups, documents, "demo", 30, SEED, ())
    chosen = {item.article_id for item in items}
    return {article.id: article for article in articles if article.id in chosen}


@pytest.fixture(scope="module")
def knowledge():
    return parse_knowledge((ROOT / "examples" / "simulation.yaml").read_text(encoding="utf-8"))


def article_of(text, name="d-0"):
    return Article(name, "d", 0, None, text, (), (), "standard@1+0", sha16(text))


def judgement_of(article, number, given: SimulatedAnswer):
    status = "skipped" if given.skipped else "submitted"
    return Judgement(
        article.id, article.text_sha, "demo", f"a-{number}", given.spans, given.stances, status, given.seconds,
        "t", "t", "g", "s", 1, number,
    )  # fmt: skip


def test_known_mentions_are_whole_words_with_clitics_and_nested(labels):
    spans, _ = truth(article_of(TEXT), KNOWLEDGE, labels)

    assert [(TEXT[span.start : span.end], span.label) for span in spans] == [
        ("رئيسة بلدية الواحة", "OCC"),
        ("بلدية الواحة", "ORG"),
        ("الواحة", "GPE"),
        ("سلوى النجار", "PERS"),
        ("الواحة", "GPE"),
        ("وللمجلس", "ORG"),
        ("فبالمجلس", "ORG"),
        ("النجار", "PERS"),
        ("12 شوال 1447 هـ", "DATE"),
        ("الواحةَ", "GPE"),
    ]


def test_stances_follow_known_phrases_or_are_neutral(labels):
    _, stances = truth(article_of(TEXT), KNOWLEDGE, labels)
    _, without = truth(article_of("تأخر مترو العاصمة عن موعده"), KNOWLEDGE, labels)
    _, unasked = truth(article_of("خطوة نافعة"), KNOWLEDGE, labels)

    assert (stances, without, unasked) == ((Stance("metro", "favor"),), (Stance("metro", "neutral"),), ())


def test_every_example_target_has_a_known_stance(batch, knowledge, labels):
    silent = Knowledge(knowledge.mentions, tuple((p, dict.fromkeys(v, "known")) for p, v in knowledge.stances))
    values = [stance.value for article in batch.values() for stance in truth(article, silent, labels)[1]]

    assert set(values) == {"known"}
    assert len(values) > 12


def test_known_spans_are_canonical_and_nested_or_apart(batch, knowledge, labels):
    judgements = [
        judgement_of(article, 0, SimulatedAnswer(*truth(article, knowledge, labels), 1.0, skipped=False))
        for article in batch.values()
    ]

    assert check(judgements, batch, labels, lambda *_: "") == []


def test_answers_match_golden_answer(labels):
    """A golden answer: a change of it changes the release of the demonstration."""
    assert simulate_answer(article_of(TEXT), KNOWLEDGE, labels, 1, SEED) == GOLDEN
    assert simulate_answer(article_of(TEXT), KNOWLEDGE, labels, 1, SEED + 1) != GOLDEN
    assert simulate_answer(article_of(TEXT), KNOWLEDGE, labels, 0, SEED) != GOLDEN


def test_simulated_judgements_have_only_ragged_edges(batch, knowledge, labels):
    judgements = [
        judgement_of(article, number, simulate_answer(article, knowledge, labels, number, SEED))
        for article in batch.values()
        for number in range(3)
    ]

    assert {issue.code for issue in check(judgements, batch, labels, lambda *_: "")} == {"span-edges"}


def test_demonstration_has_plausible_disagreement(batch, knowledge, labels):
    judgements = [
        judgement_of(article, number, simulate_answer(article, knowledge, labels, number, SEED))
        for article in batch.values()
        for number in range(3)
    ]
    canonical, accounts, _ = canonicalise(judgements, batch, labels)
    lengths = {article.id: len(article.text) for article in batch.values()}
    figures = {
        f.measure: f.value
        for f in agree(canonical, labels, lengths, resamples=10)
        if f.label == "all" and not f.between
    }
    done = adjudicate(canonical, [], batch, labels, Adjudication(min_annotators=2))

    assert len(batch) == 30
    assert 0.75 < figures[SPAN_F1] < 0.9
    assert 0.5 < figures[ALPHA] < 0.85
    assert sum(dispute.what.startswith("stance:") for dispute in done.disputes) >= 1
    assert accounts[0].set_aside["skipped"] >= 1
    assert len(done.golds) == 30


@pytest.mark.slow
def test_habits_have_their_stated_rates(labels):
    text = "قال «الواحة». زارت رئيسة بلدية الواحة سلوى النجار أمس، وتأخر مترو العاصمة."
    count, nested = Counter(), (text.rindex("الواحة"), text.rindex("الواحة") + 6)
    for number in range(3000):
        article = article_of(text, f"d{number}-0")
        for annotator in (0, 1, 2):
            given = simulate_answer(article, KNOWLEDGE, labels, annotator, SEED)
            count["skipped", annotator] += given.skipped
            if given.skipped:
                assert (given.spans, given.stances) == ((), ())
                continue
            count["answered"] += 1
            edges = {(span.start, span.end) for span in given.spans}
            count["title"] += (text.index("رئيسة"), text.index(" أمس")) in edges
            count["nested"] += nested in edges
            count["seen", annotator] += any(span.start < 12 for span in given.spans)
            count["as it is"] += Span(5, 12, "GPE") in given.spans or Span(6, 12, "GPE") in given.spans
            count["mistaken"] += any(s.start < 12 and s.label != "GPE" for s in given.spans)
            count["softened"] += given.stances != (Stance("metro", "neutral"),)

    answered = count["answered"]
    assert (count["skipped", 0], count["skipped", 1]) == (0, 0)
    assert count["skipped", 2] / 3000 == pytest.approx(0.06, abs=0.015)
    assert count["nested"] / answered == pytest.approx(0.7, abs=0.03)
    assert all(0.87 < count["seen", annotator] / 3000 < 0.96 for annotator in (0, 1))
    assert len({count["seen", annotator] // 30 for annotator in (0, 1)}) == 2
    assert count["mistaken"] / answered == pytest.approx(0.04, abs=0.01)
    assert count["title"] / answered == pytest.approx(0.2, abs=0.04)
    assert count["softened"] / answered == pytest.approx(0.35 * 0.5 + 0.65 * 0.05, abs=0.03)


def test_fault_in_simulation_file_is_refused_at_its_place():
    with pytest.raises(KhabarError) as refused:
        parse_knowledge("mentions: {}\nstances:\n  - phrase: x\n    value: {metro: favor}\n")

    assert [(i.where, i.message) for i in refused.value.issues] == [
        ("examples/simulation.yaml:3:5", "stances.0.values: Field required"),
        ("examples/simulation.yaml:4:5", "unknown field 'value'; known fields: phrase, values"),
    ]
