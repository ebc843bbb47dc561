"""What cleaning removed, from columns: the same numbers as a sum over records, in any split into shards."""

from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.corpus.cleaning.clean import clean
from builder.corpus.cleaning.stage import SCHEMA
from builder.corpus.explain.losses import (
    COLUMNS,
    Losses,
    PageLoss,
    Place,
    RuleCount,
    RuleExample,
    RuleLoss,
    documents_of,
    emptied_page,
    keep_worst,
    measure,
    with_origins,
)
from builder.corpus.explain.losses_html import render_losses
from builder.corpus.explain.losses_text import format_losses, loss_lines
from builder.corpus.explain.trace import explain
from builder.records import Line
from builder.text.profiles import profile
from tests.corpus.explain.examples import PARAGRAPH, RULES, SMALL, document

TYPES = {field.name: field.type for field in SCHEMA}
DROPS = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 40), st.sampled_from(["share", "links", "source"])), max_size=6
)
DOCUMENTS = st.dictionaries(
    st.text("0123456789abcdef", min_size=16, max_size=16),
    st.lists(st.tuples(st.integers(1, 500), DROPS), min_size=1, max_size=3),
    max_size=12,
)
EMPTIED = st.lists(
    st.tuples(st.integers(0, 90), st.dictionaries(st.sampled_from(["share", "menu"]), st.integers(1, 9))), max_size=3
)


def shard(rows):
    """A shard of articles: (document, source, characters, [(start, end, rule)]) of each."""
    columns = {
        "document_id": [row[0] for row in rows],
        "source": [row[1] for row in rows],
        "characters": [row[2] for row in rows],
        "drops": [
            [{"start": start, "end": end, "rule": rule, "extracted": []} for start, end, rule in row[3]] for row in rows
        ],
    }
    return pa.table({name: pa.array(columns[name], TYPES[name]) for name in COLUMNS})


def measured(*shards, emptied=(), worst=20):
    return measure([shard(rows) for rows in shards], emptied, worst)


def test_pages_are_ordered_by_share_and_rules_by_characters():
    losses = measured(
        [("b", "nasim", 60, [(0, 40, "share")]), ("a", "nasim", 30, [(0, 10, "links"), (20, 30, "share")])],
        [("c", "barq", 100, []), ("d", "barq", 500, [(0, 60, "links"), (70, 80, "links")])],
    )

    assert losses == Losses(
        4, 3, 2, 0, (),
        (
            PageLoss("b", "", "nasim", 0.4, 40, 100, True, (RuleCount("share", 1, 40),)),
            PageLoss("a", "", "nasim", 0.4, 20, 50, True, (RuleCount("links", 1, 10), RuleCount("share", 1, 10))),
            PageLoss("d", "", "barq", 70 / 570, 70, 570, True, (RuleCount("links", 2, 70),)),
        ),
        (
            RuleLoss("links", 3, 80, 2, "d", "", 70, Place("a", 0, 10)),
            RuleLoss("share", 2, 50, 2, "b", "", 40, Place("a", 20, 30)),
        ),
    )  # fmt: skip
    assert documents_of(losses) == {"a", "b", "d"}
    assert [page.origin for page in with_origins(losses, {"a": "A", "b": "B", "d": "D"}).worst] == ["B", "A", "D"]


def test_articles_of_one_page_are_one_page():
    losses = measured([("a", "nasim", 30, [(0, 5, "share")]), ("a", "nasim", 60, [(40, 45, "share")])])

    assert losses.pages == 1
    assert losses.worst == (PageLoss("a", "", "nasim", 0.1, 10, 100, True, (RuleCount("share", 2, 10),)),)


def test_drop_that_only_read_fields_removed_nothing():
    losses = measured([("a", "nasim", 30, [(7, 7, "dateline")])])

    assert (losses.pages, losses.lossy, losses.worst, losses.rules) == (1, 0, (), ())
    assert list(format_losses(losses)) == ["1 page: none lost text"]


def test_no_pages_at_all():
    assert measured() == measured([]) == Losses(0, 0, 0, 0, (), (), ())
    assert list(format_losses(measured())) == ["0 pages: none lost text"]
    assert [*loss_lines(measured(), ())] == [
        Line("pages that ended with no text", "none"), Line("pages that lost more than a third", "none"),
    ]  # fmt: skip


def test_page_without_text_lost_all_and_its_size_is_of_the_first_rule():
    emptied = [
        emptied_page("e", "e.txt", "nasim", "links 9, share 1; 1,210 characters"),
        emptied_page("f", "f.txt", "nasim", ""),
    ]
    losses = measured([("a", "nasim", 1, [(0, 99, "share")])], emptied=emptied)

    assert [(page.document_id, page.share, page.lost) for page in losses.worst] == [
        ("e", 1, 1210), ("f", 1, 0), ("a", 0.99, 99),
    ]  # fmt: skip
    assert losses.worst[0].rules == (RuleCount("links", 9, None), RuleCount("share", 1, None))
    assert losses.rules == (
        RuleLoss("links", 9, 1210, 1, "e", "e.txt", 1210, None),
        RuleLoss("share", 2, 99, 2, "a", "", 99, Place("a", 0, 99)),
    )
    assert (losses.pages, losses.lossy, losses.over_third, losses.without_text) == (3, 3, 1, 2)
    assert len(keep_worst(losses, 1).worst) == 1
    assert keep_worst(losses, 1).rules == losses.rules


def test_detail_of_cleaning_is_read_back():
    done = clean(document("المصدر: نسيم\nشارك\nشارك"), profile("standard@1"), RULES)
    (entry,) = done.set_aside
    page = emptied_page("a", "a.txt", "nasim", entry.detail)

    assert page.lines == done.dropped_by_rule
    assert page.characters == 20
    with pytest.raises(ValueError, match="not the detail"):
        emptied_page("a", "a.txt", "nasim", "raised ValueError")


@given(DOCUMENTS, EMPTIED, st.integers(1, 5), st.data())
def test_columns_equal_the_sum_over_records(documents, without, worst, data):
    rows = [
        (name, "nasim", kept, [(start, start + size, rule) for start, size, rule in drops])
        for name, articles in documents.items()
        for kept, drops in articles
    ]
    emptied = [emptied_page(f"e{i}", f"{i}.txt", "nasim", "") for i in range(len(without))]
    emptied = [replace(page, characters=n, lines=lines) for page, (n, lines) in zip(emptied, without, strict=True)]
    names = [*documents]
    at = data.draw(st.integers(0, len(names)))
    first = [row for row in rows if row[0] in names[:at]]
    losses = measured(first, [row for row in rows if row not in first], emptied=emptied, worst=worst)
    assert losses == measured(rows, emptied=emptied, worst=worst)

    lost, by_rule, drops = dict.fromkeys(names, 0), {}, {}
    for name, _, _, made in rows:
        for start, end, rule in made:
            if end > start:
                lost[name] += end - start
                by_rule[rule] = by_rule.get(rule, 0) + end - start
                drops[rule] = drops.get(rule, 0) + 1
    for page in emptied:
        for place, (rule, number) in enumerate(page.lines.items()):
            by_rule[rule] = by_rule.get(rule, 0) + (page.characters if place == 0 else 0)
            drops[rule] = drops.get(rule, 0) + number
    of = {name: lost[name] + sum(kept for kept, _ in documents[name]) for name in names}
    order = sorted((name for name in names if lost[name]), key=lambda name: (-lost[name] / of[name], -lost[name], name))
    assert [page.document_id for page in losses.shortened] == order[:worst]
    assert all(page.lost == sum(count.characters for count in page.rules) for page in losses.shortened)
    assert {rule.rule: rule.characters for rule in losses.rules} == by_rule
    assert {rule.rule: rule.drops for rule in losses.rules} == drops
    assert losses.over_third == sum(lost[name] / of[name] > 1 / 3 for name in names)


def test_hostile_names_are_plain_text_everywhere():
    name = "</code><script>window.hit = 1</script>\x1b[2J\N{RIGHT-TO-LEFT OVERRIDE}.txt"
    raw = f"{PARAGRAPH}\nالمصدر: <img src=x onerror='window.hit = 2'>"
    one = replace(document(raw, "</title><script>window.hit = 3</script>"), origin=name, source=f"نسيم{name}")
    done = clean(one, profile("standard@1"), RULES)
    rows = [(one.id, one.source, 87, [(drop.start, drop.end, drop.rule) for drop in done.drops])]
    losses = with_origins(measured(rows), {one.id: name})
    trace = explain(one, done.articles, profile("standard@1"))
    printed, written = "\n".join(format_losses(losses)), render_losses(losses, [trace])
    said = "\n".join(line.value for line in loss_lines(losses, [RuleExample("source", raw[88:])]))

    for text in (printed, said, written):
        assert "\x1b" not in text
        assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in text
    assert "⟨ESC⟩[2J⟨RLO⟩.txt" in printed
    assert "<script" not in written
    assert "<img" not in written
    assert written.count("&lt;script&gt;window.hit = 3") == 1
    assert written.count("<details") == 1


def test_html_page_shows_shares_rules_and_traces():
    one = document(SMALL, "خبر")
    done = clean(one, profile("standard@1"), RULES)
    (article,) = done.articles
    rows = [(one.id, "nasim", len(article.text), [(drop.start, drop.end, drop.rule) for drop in done.drops])]
    losses = with_origins(measured(rows), {one.id: one.origin})
    written = render_losses(losses, [explain(one, done.articles, profile("standard@1"))])

    assert '<html lang="ar" dir="rtl">' in written
    assert f'<span class="n">{17 / (17 + len(article.text)):.1%}</span>' in written
    assert f'<i style="flex: 17 0 0"></i><i style="flex: {len(article.text)} 0 0"></i>' in written
    assert '<code>source</code> (المحارف: <span class="n">12</span>)' in written
    assert '<code class="tag dropped">share</code>' in written  # the trace
    assert "http:" not in written
    assert "https:" not in written


def test_html_page_of_no_losses_has_no_tables():
    written = render_losses(measured(), [])

    assert "<table" not in written
    assert "<details" not in written
