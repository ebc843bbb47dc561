"""Filters by what pages say of themselves, and which language is looked at."""

import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.corpus.sampling import filters as filters_module
from builder.corpus.sampling.filters import check_installed, filter_articles
from builder.corpus.sampling.page_filters import against_facts, fetched_again
from builder.records import KhabarError
from builder.schema.filters import Filters

NEWS = "أعلنت وزارة النقل أمس أن خط المترو الجديد بين الميناء والمطار سيبدأ العمل في مطلع العام المقبل."
PERSIAN = "وزارت راه اعلام کرد که خط جدید مترو میان بندر و فرودگاه از آغاز سال آینده کار خود را آغاز خواهد کرد."
COLUMNS = {
    "page_type": pa.string(),
    "is_free": pa.bool_(),
    "tdm": pa.string(),
    "robots": pa.string(),
    "html_sha": pa.string(),
}


def table(*rows):
    columns = {name: pa.array([row.get(name) for row in rows], kind) for name, kind in COLUMNS.items()}
    texts = [row.get("text", NEWS) for row in rows]
    return pa.table({"id": [f"{number}-0" for number in range(len(rows))], "text": texts, **columns})


def reasons(*rows, **filters):
    return filter_articles(table(*rows), Filters(**filters)).table["reason"].to_pylist()


def test_pages_that_call_themselves_something_else_are_left_out():
    kinds = ["article", "Article", "news", "NewsArticle", "website", "video.other", "profile", None]
    rows = [{"page_type": kind} for kind in kinds]

    assert reasons(*rows, article_pages=True) == [None] * 4 + ["not an article page"] * 3 + [None]
    assert reasons(*rows) == [None] * 8


def test_pages_behind_a_paywall_are_left_out():
    rows = [{"is_free": True}, {"is_free": False}, {}]

    assert reasons(*rows, no_paywall=True) == [None, "not accessible for free", None]
    assert reasons(*rows) == [None] * 3


def test_pages_that_reserve_mining_are_left_out():
    rows = [{"tdm": "1"}, {"tdm": "0"}, {"robots": "noindex, noai"}, {"robots": "noaix, nofollow"}, {}]

    reserved = "text and data mining reserved"
    assert reasons(*rows, respect_tdm=True) == [reserved, None, reserved, None, None]
    assert reasons(*rows) == [None] * 5


def is_reserved(tdm, robots):
    return tdm == "1" or "noai" in re.split(r"[\s,;]+", (robots or "").casefold())


def is_other(kind):
    return kind is not None and re.search(r"article|news|story|post|report", kind, re.IGNORECASE) is None


WORDS = (
    st.none()
    | st.sampled_from(["noai", "NoAI", "news", "Story", "خبر", "x"])
    | st.text("noai,; \n\N{NO-BREAK SPACE}xX", max_size=9)
)


@given(
    st.lists(
        st.tuples(st.none() | st.booleans(), WORDS, st.none() | st.booleans(), st.sampled_from([None, "0", "1"]), WORDS)
    )
)
def test_columns_give_what_each_row_gives(rows):
    teaser, kinds, free, tdm, robots = ([row[at] for row in rows] for at in range(5))
    columns = {"is_teaser": pa.array(teaser, pa.bool_()), "is_free": pa.array(free, pa.bool_())}
    columns |= {
        name: pa.array(column, pa.string()) for name, column in (("page_type", kinds), ("tdm", tdm), ("robots", robots))
    }
    found = against_facts(pa.table(columns), Filters(article_pages=True, no_paywall=True, respect_tdm=True))

    assert [flags.tolist() for _, flags in found] == [
        [one is True for one in teaser],
        [is_other(kind) for kind in kinds],
        [one is False for one in free],
        [is_reserved(*both) for both in zip(tdm, robots, strict=True)],
    ]


def test_language_is_looked_at_for_html_unless_it_is_said():
    rows = [{"text": PERSIAN, "html_sha": "a"}, {"text": PERSIAN}, {"html_sha": "a"}]

    assert reasons(*rows) == ["another language", None, None]
    assert reasons(*rows, language=False) == [None] * 3
    assert reasons(*rows, language=True) == ["another language", "another language", None]


def test_table_of_an_earlier_version_has_no_facts():
    plain = table({}, {}).select(["id", "text"])
    made = filter_articles(plain, Filters(article_pages=True, no_paywall=True, respect_tdm=True))

    assert made.table["reason"].to_pylist() == [None, None]


def test_missing_package_is_refused_where_pages_are_read(monkeypatch):
    monkeypatch.setattr(filters_module.importlib.util, "find_spec", lambda _: None)
    check_installed(Filters())
    check_installed(Filters(language=False), has_pages=True)
    with pytest.raises(KhabarError) as caught:
        check_installed(Filters(), has_pages=True)

    assert caught.value.issues[0].fix == "pip install 'khabar[language]', or write `language: false` under `filters:`"


def again(*rows):
    names = ("document_id", "url", "html_sha", "fetched_at")
    return fetched_again(
        pa.table({n: pa.array([row[at] for row in rows], pa.string()) for at, n in enumerate(names)})
    ).tolist()


def test_latest_page_of_an_address_counts():
    assert again(("a", "u", "h", "2026-03-04T10:00:00Z"), ("b", "u", "h", "2026-03-05T10:00:00Z"), ("c", "v", "h", None)) == [
        True, False, False
    ]  # fmt: skip
    assert again(("b", "u", "h", "2026-03-04"), ("a", "u", "h", None)) == [False, True]


def test_articles_of_one_page_and_records_without_html_are_kept():
    assert again(("a", "u", "h", "2026"), ("a", "u", "h", "2026")) == [False, False]
    assert again(("a", "u", None, None), ("b", "u", None, None)) == [False, False]
    assert again(("a", None, "h", None), ("b", None, "h", None)) == [False, False]
    assert again() == []
