"""Signatures of many articles, equal to those of each article alone."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from builder.corpus.dedup import minhash
from builder.text.profiles import profile
from builder.text.shingles import hash_words

FEW = st.text(
    alphabet="ابتـهء\N{ARABIC FATHA}\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM} \r\n._9\U0001f600", max_size=30
)
WORDS = st.integers(0, 70).map(lambda count: " ".join(f"كلمة{number % 9}" for number in range(count)))
ROWS = st.lists(st.tuples(st.one_of(FEW, WORDS), st.none() | FEW), max_size=9)


def table(rows):
    names = [f"{number:016x}-0" for number in range(len(rows))]
    return pa.table(
        {"id": names, "text": [text for text, _ in rows], "title": pa.array([title for _, title in rows], pa.string())}
    )


@given(ROWS)
def test_each_row_depends_on_its_own_article_alone(rows):
    articles = table(rows)
    alone = [minhash.sign(articles.slice(number, 1)) for number in range(len(rows))]

    assert minhash.sign(articles).equals(pa.concat_tables([minhash.KEYS.empty_table(), *alone]))


@given(ROWS)
def test_words_are_those_of_the_folded_text_and_blank_texts_have_no_hash(rows):
    keys = minhash.sign(table(rows))
    folded = profile("search@1").fold_batch([text for text, _ in rows])

    assert keys["words"].to_pylist() == hash_words(folded).counts.tolist()
    assert [one is None for one in keys["text"].to_pylist()] == [not text.strip() for text in folded]
