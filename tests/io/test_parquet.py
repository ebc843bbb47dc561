"""Records as Parquet."""

from hypothesis import given
from hypothesis import strategies as st

from builder.io.hashing import sha16
from builder.io.parquet import read_table, write_table
from builder.records import Article, Drop

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@st.composite
def articles(draw):
    text = draw(TEXTS)
    edits = tuple(draw(st.lists(st.integers(0, 99), max_size=6)))
    drops = (Drop(0, 3, "source", {"source_name": draw(TEXTS)}),) * draw(st.integers(0, 2))
    return Article("d-0", "d", 0, draw(st.none() | TEXTS), text, edits, drops, "standard@1+0", sha16(text))


@given(st.lists(articles(), max_size=3))
def test_parquet_gives_back_equal_records(tmp_path_factory, records):
    path = tmp_path_factory.mktemp("t") / "articles.parquet"
    write_table(path, records, Article)

    assert read_table(path, Article) == records
