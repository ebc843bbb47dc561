"""The agreement page: figures, tables and passages against plain recounts, and hostile text."""

import re
import time
from collections import Counter, defaultdict
from dataclasses import replace
from html.parser import HTMLParser
from itertools import combinations, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html as lxml_html

from builder.annotation.agreement.confusion import NOT_MARKED, OTHER_EDGES, entity_confusion, stance_confusion
from builder.annotation.agreement.matching import MODES, SPAN_F1
from builder.annotation.agreement.spans import UNITIZING
from builder.annotation.agreement.stances import ALPHA, KAPPA
from builder.annotation.report.passages import disputed_passages, disputed_questions, lanes, passages
from builder.annotation.report.progress import progress
from builder.records import Answer
from builder.schema.labels import AnswerValue, Question
from tests.annotation.examples import (
    HOSTILE,
    LABELS,
    SENTENCES,
    TEXT,
    TYPES,
    VALUES,
    article,
    crowd,
    hostile_page,
    judgement,
    page_of,
)
from tests.tables import agree


def tree(text):
    return lxml_html.document_fromstring(text.encode(), parser=lxml_html.HTMLParser(encoding="utf-8"))


def words(node):
    return " ".join(node.text_content().split())


def card(parsed, english):
    """The section whose English heading this is."""
    (found,) = [
        one for one in parsed.xpath("//section") if one.xpath("./h2/bdi") and words(one.xpath("./h2/bdi")[0]) == english
    ]
    return found


def rows_of(section):
    return [[words(cell) for cell in row] for row in section.xpath(".//tbody/tr")]


class Tags(HTMLParser):
    """Checks that every element is closed in the order in which they were opened."""

    VOID = frozenset({"meta"})

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], Counter()

    def handle_starttag(self, tag, _attributes):
        self.seen[tag] += 1
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, _attributes):
        self.seen[tag] += 1

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def tags_of(text):
    parser = Tags()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    return parser.seen


PLACES = st.lists(
    st.tuples(st.integers(0, 80), st.integers(1, 14), st.sampled_from(["PERS", "GPE", "ORG"])), max_size=5
)
MARKS = PLACES.map(lambda found: sorted({(start, start + size, label) for start, size, label in found}))
STANCES = st.dictionaries(st.sampled_from(["port", "dam"]), st.sampled_from([name for name, _ in VALUES]))
ANSWERS = st.tuples(MARKS, STANCES)
JUDGED = st.lists(st.dictionaries(st.sampled_from(["a-1", "a-2", "a-3", "a-4"]), ANSWERS, max_size=4), max_size=4)
CREW = JUDGED.map(
    lambda crew: [
        judgement(number, who, *marks, **stances)
        for number, judged in enumerate(crew)
        for who, (marks, stances) in sorted(judged.items())
    ]
)


def by_article(judgements):
    found = defaultdict(list)
    for one in judgements:
        found[one.article_id].append(one)
    return {article_id: judged for article_id, judged in found.items() if len(judged) > 1}


def mixed():
    """Three annotators, two articles, two batches in two weeks: agreement, confusion, other edges, nothing."""
    return [
        judgement(0, "a-1", (5, 17, "PERS"), (18, 24, "GPE"), port="favor", dam="neutral"),
        judgement(0, "a-2", (5, 17, "PERS"), (18, 24, "ORG"), port="favor", dam="against"),
        judgement(0, "a-3", (5, 17, "PERS"), (5, 24, "ORG"), port="against", dam="against"),
        judgement(1, "a-1", (41, 52, "PERS"), when="2026-11-30T10:00:00Z", batch="b2", port="favor"),
        judgement(1, "a-2", (41, 52, "PERS"), (5, 9, "GPE"), when="2026-11-30T10:00:00Z", batch="b2", port="favor"),
    ]  # fmt: skip


def test_every_figure_appears_in_its_section():
    judgements = mixed()
    figures = agree(judgements, LABELS, defaultdict(lambda: len(TEXT)), resamples=50)
    parsed = tree(page_of(judgements, figures=figures))

    def said(measure, between="", **place):
        wanted = {"label": "all", "batch": "all", "between": between, "period": ""} | place
        return {
            f"{f.value:.3f}" for f in figures
            if f.measure == measure and all(getattr(f, k) == v for k, v in wanted.items()) and f.value is not None
        }  # fmt: skip

    def cells(english):
        return {row[0]: row[2][:5] for row in rows_of(card(parsed, english)) if len(row) == 4}

    headlines = [words(one)[:5] for one in parsed.xpath("//section[contains(@class, 'headline')]/p[@class='sum']")]
    assert [{one} for one in headlines] == [said(SPAN_F1), said(UNITIZING), said(ALPHA)]
    for name, ar, _ in TYPES:
        assert {cells("strict F1 of each entity type").get(ar + name)} == (said(SPAN_F1, label=name) or {None})
    assert {cells("nominal alpha of each target").get("السدdam")} == (said(ALPHA, label="dam") or {None})
    assert {value for mode in MODES for value in said(mode)} == set(cells("Four ways to count a match").values())
    for batch in ("b1", "b2"):
        assert {cells(f"{SPAN_F1}, per batch")[batch]} == said(SPAN_F1, batch=batch)
    rest = cells(f"{SPAN_F1}: annotators")
    assert {rest["a-1"]} == said(SPAN_F1, "a-1")
    weeks = rows_of(card(parsed, "Agreement over time"))
    assert [row[0] for row in weeks] == ["2026-W47", "2026-W49"]
    assert {row[1][:5] for row in weeks} == {v for week in ("2026-W47", "2026-W49") for v in said(SPAN_F1, period=week)}


def test_most_different_annotator_is_listed_last():
    judgements = [
        judgement(number, who, *([(0, 4, "PERS"), (5, 9, "GPE")] if who != "a-1" else [(0, 4, "ORG"), (5, 9, "GPE")]))
        for number in range(4)
        for who in ("a-1", "a-2", "a-3")
    ]
    table = card(tree(page_of(judgements)), f"{SPAN_F1}: annotators").xpath(".//table[contains(@class, 'matrix')]")[0]

    assert [words(one) for one in table.xpath("./thead//th")] == ["a-2", "a-3", "a-1"]
    assert [[words(cell) for cell in row] for row in table.xpath("./tbody/tr")] == [
        ["a-2", "–", "1.00", "0.50"], ["a-3", "1.00", "–", "0.50"], ["a-1", "0.50", "0.50", "–"],
    ]  # fmt: skip


def naive_pairs(one, other):
    """Pairs of marks in a naive way: again and again the best pair of those not yet taken."""
    mine, theirs, found = set(one), set(other), []

    def worth(pair):
        (a, b), common = pair, min(pair[0][1], pair[1][1]) - max(pair[0][0], pair[1][0])
        starts, ends = sorted((a[0], b[0])), sorted((a[1], b[1]))
        return a != b, a[:2] != b[:2], -common, a[2] != b[2], starts, ends, a, b

    while over := [(a, b) for a in mine for b in theirs if a[0] < b[1] and b[0] < a[1]]:
        best = min(over, key=worth)
        found.append(best)
        mine.remove(best[0])
        theirs.remove(best[1])
    return found, mine, theirs


@given(CREW)
def test_entity_confusion_equals_plain_recount(judgements):
    shared = list(by_article(judgements).values())
    counted = Counter()
    for judged in shared:
        for one, other in combinations(judged, 2):
            marks = [{(s.start, s.end, s.label) for s in j.spans} for j in (one, other)]
            pairs, mine, theirs = naive_pairs(*marks)
            for a, b in [*pairs, *((b, a) for a, b in pairs)]:
                counted[a[2], b[2] if a[:2] == b[:2] else OTHER_EDGES] += 1
            for left in (*mine, *theirs):
                counted[left[2], NOT_MARKED] += 1
                counted[NOT_MARKED, left[2]] += 1
    found = entity_confusion(shared)

    assert found == dict(counted)
    assert all(found.get((b, a)) == n for (a, b), n in found.items() if b != OTHER_EDGES)
    spans = sum(len(one.spans) * (len(judged) - 1) for judged in shared for one in judged)
    assert sum(n for (row, _), n in found.items() if row != NOT_MARKED) == spans


@given(CREW)
def test_stance_confusion_equals_plain_recount(judgements):
    shared = list(by_article(judgements).values())
    counted = Counter(
        (mine.value, theirs.value)
        for judged in shared
        for one, other in permutations(judged, 2)
        for mine in one.stances
        for theirs in other.stances
        if mine.target == theirs.target
    )

    assert stance_confusion(shared) == dict(counted)


def test_confusion_tables_show_judgement_counts():
    parsed = tree(page_of(mixed()))

    assert rows_of(card(parsed, "Entity types")) == [
        ["شخص", "8", "", "", "", ""],
        ["كيان", "", "", "1", "1", "1"],
        ["منظمة", "", "1", "", "3", ""],
        ["لم يوسم", "", "1", "", "", ""],
    ]
    assert rows_of(card(parsed, "Stance values")) == [
        ["مؤيّد", "4", "2", ""], ["معارض", "2", "2", "2"], ["محايد", "", "2", ""],
    ]  # fmt: skip


def test_cell_shade_is_share_of_row():
    table = card(tree(page_of(mixed())), "Stance values").xpath(".//table")[0]

    assert table.xpath("./tbody/tr[2]/td/@style") == ["--s:16.7%", "--s:16.7%", "--s:16.7%"]
    assert table.xpath("./tbody/tr[1]/td/@class") == ["same"]


@given(CREW, st.integers(1, 4))
def test_disputed_passages_equal_plain_count(judgements, number):
    shared = by_article(judgements)
    articles = {article_id: article(int(article_id[:16], 16)) for article_id in shared}
    scored = []
    for article_id, judged in shared.items():
        for start, end in passages(TEXT):
            score = sum(
                len({(s.start, s.end, s.label) for s in one.spans if start <= s.start < end}
                    ^ {(s.start, s.end, s.label) for s in other.spans if start <= s.start < end})
                for one, other in combinations(judged, 2)
            )  # fmt: skip
            if score:
                scored.append((-score, article_id, start))
    found, every = disputed_passages(shared, articles, number=number)

    assert [(-one.score, one.article_id, one.start) for one in found] == sorted(scored)[:number]
    assert every == len(scored)
    for one in found:
        people = sorted(who for answer in one.answers for who in answer.annotators)
        assert people == sorted(judged.annotator for judged in shared[one.article_id])


@given(CREW)
def test_disputed_questions_equal_plain_count(judgements):
    scores = Counter()
    for article_id, judged in by_article(judgements).items():
        for one, other in combinations(judged, 2):
            answers = {s.target: s.value for s in one.stances}
            scores[article_id] += sum(answers.get(s.target, s.value) != s.value for s in other.stances)
    wanted = sorted((-score, article_id) for article_id, score in scores.items() if score)
    found, every = disputed_questions(by_article(judgements), number=2)

    assert [(-one.score, one.article_id) for one in found] == wanted[:2]
    assert every == len(wanted)


@given(st.text("اب .\n؟!", max_size=900))
def test_passages_cover_the_text_in_order(text):
    found = passages(text)

    assert "".join(text[start:end] for start, end in found) == text
    assert all(end - start <= 200 for start, end in found)
    assert all(end > start for start, end in found) or not text


@given(MARKS)
def test_marks_in_one_lane_do_not_overlap(marks):
    placed = list(zip(lanes(marks), marks, strict=True))

    assert all(a[1] <= b[0] or b[1] <= a[0] for (i, a), (j, b) in combinations(placed, 2) if i == j)


def test_disputed_passage_shows_each_answer():
    parsed = tree(page_of(mixed()))
    first = parsed.xpath("//article[@class='dispute']")[0]
    answers = [
        (words(one.xpath("./p")[0]), [words(name) for name in one.xpath(".//span[@class='name']")])
        for one in first.xpath("./div[@class='answer']")
    ]

    assert words(first.xpath("./h3")[0]) == f"عنوان المقال {0:016x}-0 · الموضع 0:36 الفروق: 6"
    assert answers == [("a-1", ["كيان"]), ("a-2", ["منظمة"]), ("a-3", ["منظمة"])]
    for answer in first.xpath(".//p[@class='text']"):
        for name in answer.xpath(".//span[@class='name']"):
            name.drop_tree()
        assert answer.text_content().removesuffix("…").strip() == SENTENCES[0]


def test_disputed_stances_are_a_table():
    parsed = tree(page_of(mixed()))
    (table,) = parsed.xpath("//table[@class='stances']")

    assert [words(one) for one in table.xpath(".//thead//th")] == ["السد", "الميناء"]
    assert [[words(cell) for cell in row] for row in table.xpath("./tbody/tr")] == [
        ["a-1", "محايد", "مؤيّد"], ["a-2", "معارض", "مؤيّد"], ["a-3", "معارض", "معارض"],
    ]  # fmt: skip
    assert [words(cell) for cell in table.xpath(".//td[@class='differs']")] == ["محايد", "معارض"]


def test_progress_groups_by_day_week_or_month():
    def made(*days):
        return progress([judgement(n, f"a-{n % 2}", when=day) for n, day in enumerate(days)])

    days = made("2026-11-01T23:30:00Z", "2026-11-03T00:10:00Z", "no time")
    weeks = made("2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z")
    months = made("2020-01-05T00:00:00Z", "2026-06-01T00:00:00Z")

    assert (days.unit, days.times) == ("day", ("2026-11-01", "2026-11-02", "2026-11-03"))
    assert (days.counts, days.undated) == ({"a-0": (1, 0, 0), "a-1": (0, 0, 1)}, 1)
    assert (weeks.unit, weeks.times[0], weeks.times[-1]) == ("week", "2026-W01", "2026-W23")
    assert (months.unit, months.times) == ("month", ("2020-01", "2026-06"))


def test_older_judgements_are_counted():
    found = progress([judgement(n, "a-1", when=f"{1950 + n}-01-05T00:00:00Z") for n in range(70)])

    assert (len(found.times), found.earlier, sum(found.counts["a-1"])) == (60, 10, 60)
    assert "أحكام أقدم من هذه المدة: 10." in words(
        tree(page_of([judgement(n, "a-1", when=f"{1950 + n}-01-05T00:00:00Z") for n in range(70)]))
    )


@pytest.mark.parametrize(
    ("judgements", "labels", "said"),
    [
        ([], LABELS, "غير معرَّف: ليس لمقال حكمان"),
        ([judgement(0, "a-1", (5, 17, "PERS"), port="favor")], LABELS, "ليس لمقال حكمان من موسّمَين."),
        (mixed(), LABELS.model_copy(update={"stances": None}), "لا تُسأل المواقف في هذه المجموعة"),
        ([judgement(0, "a-1"), judgement(0, "a-2")], LABELS, "غير معرَّف: لم يضع أحد وسمًا"),
    ],
    ids=["nobody", "one annotator", "no stances", "no spans"],
)
def test_sparse_page_explains_what_is_missing(judgements, labels, said):
    if labels.stances is None:
        judgements = [replace(one, stances=()) for one in judgements]
    text = page_of(judgements, labels=labels)

    tags_of(text)
    assert said in words(tree(text))


def test_hostile_text_is_shown_and_inert():
    hostile, plain = hostile_page(HOSTILE, HOSTILE[:36]), hostile_page("ا" * len(HOSTILE), "ا" * 36)
    parsed = tree(hostile)
    shown = words(parsed.xpath("//body")[0])

    assert {k: v for k, v in tags_of(hostile).items() if k != "span"} == {
        k: v for k, v in tags_of(plain).items() if k != "span"
    }
    assert parsed.xpath("//script | //img") == []
    assert words(parsed.xpath("//title")[0]).startswith("الاتفاق: </title></style></script><script>window.hit")
    assert parsed.xpath("//h1/following-sibling::p[1]//bdi")[0].text_content().startswith("</title></style>")
    assert shown.count("$x ${x} {{title}} \" ' ` & &amp; ⟨RLO⟩abc⟨LRE⟩ ⟨ESC⟩[31m") >= 4
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x1b]", hostile)


@given(st.text("<>&\"'/aا$\\{}\N{RIGHT-TO-LEFT OVERRIDE}\N{ZERO WIDTH JOINER}\x00", min_size=4, max_size=30))
def test_quoted_text_is_never_markup(said):
    def tags(text):
        return {tag: times for tag, times in tags_of(text).items() if tag != "span"}

    plain = hostile_page("ا" * len(said), "ا" * len(said))

    assert tags(hostile_page(said, said)) == tags(plain)


def test_page_refers_to_nothing_outside_and_plots_are_labelled():
    text = page_of(mixed())
    parsed = tree(text)

    tags_of(text)
    assert not re.search(r"https?:|//[a-z]|url\(|@import|<script|javascript:", text)
    assert parsed.xpath("//@src | //@href | //@xlink") == []
    assert parsed.xpath("//meta[@http-equiv='Content-Security-Policy']/@content") == [
        "default-src 'none'; style-src 'unsafe-inline'"
    ]
    plots = parsed.xpath("//*[local-name() = 'svg'][not(@aria-hidden)]")
    assert len(plots) > 15
    assert all(plot.get("role") == "img" and plot.get("aria-label").strip() for plot in plots)
    assert (parsed.get("lang"), parsed.get("dir")) == ("ar", "rtl")


def test_undefined_pair_shows_reason_and_kappa():
    judgements = [
        judgement(place, who, port="favor") for place, who in ((0, "a-1"), (0, "a-2"), (1, "a-3"), (1, "a-4"))
    ]
    parsed = tree(page_of(judgements))

    cells = card(parsed, f"{KAPPA}: annotators").xpath(".//table[contains(@class, 'matrix')]//td[@title]")
    assert {(words(one), one.get("title")) for one in cells} == {
        ("؟", "إجاباتهما كلها واحدة"), ("؟", "لا سؤال أجابا عنه كلاهما"),
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("people", "types", "number"), [(12, 9, 5000), (12, 60, 900), (40, 60, 600)])
def test_large_page_is_bounded_and_names_omissions(people, types, number):
    judgements, articles, labels = crowd(people, types, number)
    figures = agree(judgements, labels, {one.id: len(one.text) for one in articles.values()}, resamples=5)
    began = time.perf_counter()
    text = page_of(judgements, articles, labels, figures)

    assert time.perf_counter() - began < 10
    assert len(text.encode()) < 2_000_000
    tags_of(text)
    assert len(tree(text).xpath("//article[@class='dispute']")) == 40
    assert "مواضع أخرى فيها خلاف" in text
    assert ("موسّمون جُمعوا في «…»" in text) == (people > 12)
    assert ("صفوف أخرى لم تُعرض" in text) == (types > 60)


@pytest.mark.slow
def test_page_of_large_passages_shows_fewer():
    text = "".join(f"{chr(0x202A + place % 5)}" for place in range(190))
    articles = {one.id: one for one in (article(place, text) for place in range(3))}
    judgements = [
        judgement(place, f"a-{seat}", *{(s, s + 1 + seat, "PERS") for s in range(0, 140, 2)}, remark=text * 2)
        for place in range(3)
        for seat in range(20)
    ]
    text = page_of(judgements, articles, figures=())

    assert len(text.encode()) < 2_000_000
    assert 0 < len(tree(text).xpath("//article[@class='dispute']")) < 3
    assert "إجابات أخرى لم تُعرض: " in words(tree(text))
    assert "وسوم أخرى: " in words(tree(text))


def test_passage_grows_by_its_marks_up_to_a_limit():
    whole = len(SENTENCES[0])
    judgements = [judgement(0, "a-1", (5, whole + 10, "PERS"), (60, 70, "GPE")), judgement(0, "a-2", (5, 9, "PERS"))]
    long = article(text=TEXT * 40)
    (first, _), _ = disputed_passages(by_article(judgements), {article().id: article()})
    judgements[0] = judgement(0, "a-1", (5, 3000, "PERS"))
    (longest,), _ = disputed_passages(by_article(judgements), {long.id: long})

    assert (first.start, first.end, first.score) == (0, whole + 10, 2)
    assert [answer.marks for answer in first.answers] == [((5, whole + 10, "PERS"),), ((5, 9, "PERS"),)]
    assert (longest.start, longest.end) == (0, 400)


def test_each_question_on_the_whole_article_has_its_alpha():
    values = tuple(AnswerValue(name=name, ar=name, en=name) for name in ("low", "high"))
    asked = Question(id="bias", ar="هل في المقال انحياز؟", en="bias", values=values)
    labels = LABELS.model_copy(update={"questions": (asked,)})
    said = [
        replace(judgement(number, who, port="favor"), answers=(Answer("bias", value),))
        for number, value in enumerate(("low", "high", "low"))
        for who in ("a-1", "a-2")
    ]
    html = page_of(said, labels=labels)

    assert "alpha of each question" in html
    assert "هل في المقال انحياز؟" in html
    assert "alpha of each question" not in page_of(said)
