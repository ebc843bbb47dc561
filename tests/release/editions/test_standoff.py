"""Recipes give texts back and quote nothing; quotations are found wherever they hide."""

import json
import re
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.io.hashing import sha16
from builder.records import Drop
from builder.release.editions.audit import quotations
from builder.release.editions.delta import Delta, apply_delta, compute_delta, delta_from_row, delta_to_row, field_delta
from builder.release.editions.hydrate import restore_articles
from builder.release.editions.ngrams import RUN, quotes, words_of
from builder.release.editions.standoff import LOST, QUOTES, UNITS, to_full, to_standoff
from builder.release.tables.features import RESTORE, WITHHELD, arrow_schema, features, label_names
from builder.text.profiles import profile
from tests.release.conftest import page
from tests.release.material import build_tables, tables_of

FOLD = profile("standard@1").fold_batch
NOISY = st.text(alphabet="ابةيىکـ ًَﻻﷺﻢ\u00a0\u200f\r\n.x1", max_size=60)
FEW = st.lists(st.sampled_from(["أب", "اب", "مَن", "من", "كتاب", "و", "5", "٥"]), max_size=14).map(" ".join)


def oracle(strings, passages):
    """Every pair of a string and a passage that share five words in a row."""

    def runs(text):
        found = words_of(text, FOLD)
        fives = {tuple(found[i : i + RUN]) for i in range(len(found) - RUN + 1)}
        return {five for five in fives if any(len(word) > 1 for word in five)}

    return [(i, j) for i, a in enumerate(strings) for j, b in enumerate(passages) if runs(a) & runs(b)]


@given(NOISY)
def test_a_recipe_gives_the_text_back_and_survives_a_table(raw):
    aligned = profile("standard@1").apply(raw)
    known = compute_delta("text", aligned.text, raw, aligned.packed())
    table = pa.table({"restore": [[delta_to_row(known)]]}, arrow_schema({"restore": [RESTORE]}))
    again = delta_from_row(table["restore"].to_pylist()[0][0])

    assert again == known
    assert apply_delta(raw, again) == aligned.text
    assert apply_delta(raw + "x", again) is None


def test_a_recipe_names_each_character_once_and_in_no_order_of_the_text():
    raw = "ﻡﺮﺟﺎﻧﺔ ﻡﺮﺟﺎﻧﺔ"
    aligned = profile("standard@1").apply(raw)
    known = compute_delta("text", aligned.text, raw, aligned.packed())

    assert aligned.text == "مرجانة مرجانة"
    assert [before for before, _ in known.replaced] == sorted(set(raw) - {" "})
    assert known.placed == ()


def test_two_changes_of_a_character_are_told_apart_by_edit():
    known = compute_delta("text", "ايب", "ىىب", (0, 1, 1, 0, 1, 1))

    assert known.replaced == (("ى", "ا"),)
    assert known.placed == ((1, "ي"),)
    assert apply_delta("ىىب", known) == "ايب"


def test_a_recipe_spells_out_no_long_stretch_of_the_page():
    raw, text = "قال الناطق باسمها أمس", "قال ناطق أمس"
    known = compute_delta("text", text, raw, (4, 13, 4))

    assert known.replaced == ()
    assert known.placed == ((0, "ناطق"),)
    assert apply_delta(raw, known) == text


def test_what_is_withheld_is_what_the_full_edition_has_more(material):
    full, less = features(material.labels), features(material.labels, "standoff")
    for config, columns in full.items():
        gone = [name for name in columns if name not in less[config]]
        spans = columns.get("spans", [{}])[0].keys() - less[config].get("spans", [{}])[0].keys()

        assert sorted([*gone, *(f"spans.{name}" for name in spans)]) == sorted(WITHHELD[config])


def test_a_placeholder_never_names_what_it_stands_for():
    raw, text = "اكتب إلى @ab الآن", "اكتب إلى REDACTED_MENTION الآن"
    known = compute_delta("text", text, raw, (9, 3, 16))

    assert known.replaced == ()
    assert known.placed == ((0, "REDACTED_MENTION"),)
    assert apply_delta(raw, known) == text


@pytest.mark.parametrize(
    ("line", "title"),
    [("عنوان الخبر", "عنوان الخبر"), ("  عنـوان  الخبرِ ", "عنوان الخبر"), ("1. عنوان الخبر |", "عنوان الخبر")],
)
def test_a_title_comes_back_from_its_line(line, title):
    document, article = page(1, [f"قبل\n{line}\nنص"])
    article = replace(article, title=title, drops=(Drop(4, 4 + len(line), "embedded-headline", {"title": title}),))
    known = field_delta("title", title, article, document)

    assert known is not None
    assert apply_delta(document.raw, known) == title


def test_a_title_that_is_in_no_line_has_no_recipe_and_is_counted(material):
    tables = build_tables(material)
    made = to_standoff(tables, tables_of(material), FOLD)
    account = next(account for account in made.accounts if account.unit == UNITS[1])

    assert account.set_aside == {LOST: 8}
    rows = made.tables["articles"]["train"].to_pylist()
    assert delta_from_row(rows[0]["restore"][1]) == Delta("title", "")


def test_a_title_that_came_with_the_page_is_only_hashed(material):
    documents = tuple(replace(d, title=a.title) for d, a in zip(material.documents, material.articles, strict=True))
    made = to_standoff(build_tables(material), tables_of(replace(material, documents=documents)), FOLD)

    known = made.tables["articles"]["train"].to_pylist()[0]["restore"][1]
    assert delta_from_row(known) == Delta("title", sha16(material.articles[0].title), given=True)


def test_stand_off_columns_are_those_of_features(material):
    full = build_tables(material)
    made = to_standoff(full, tables_of(material), FOLD)

    for config, splits in made.tables.items():
        columns = features(material.labels, "standoff")[config]
        assert not {name for name in columns if name in WITHHELD[config]}
        for split, table in splits.items():
            assert table.schema.equals(arrow_schema(columns), check_metadata=True)
            for name in set(columns) - {"spans", "restore"}:
                assert table[name].equals(full.tables[config][split][name]), name
    spans = made.tables["entities"]["test"]["spans"].to_pylist()
    wanted = full.tables["entities"]["test"]["spans"].to_pylist()
    assert spans == [[{k: v for k, v in one.items() if k != "text"} for one in row] for row in wanted]


def test_an_author_s_name_that_quotes_goes_and_comes_back_from_its_line(material, tmp_path):
    quoted = "قال رئيس بلدية مرجانة في"
    document, article = material.documents[0], material.articles[0]
    document = replace(document, raw=f"{document.raw}\nبقلم: {quoted}")
    start = document.raw.index("بقلم")
    article = replace(
        article,
        title=None,
        edits=(*article.edits, _rest(article, document), len(document.raw) - start + 1, 0),
        drops=(Drop(start, len(document.raw), "byline", {"author": quoted}),),
    )
    changed = replace(
        material,
        documents=(document, *material.documents[1:]),
        articles=(article, *(replace(a, title=None) for a in material.articles[1:])),
    )
    full = build_tables(changed)
    made = to_standoff(full, tables_of(changed), FOLD)
    (tmp_path / "articles").mkdir()
    pq.write_table(made.tables["articles"]["train"], tmp_path / "articles" / "train.parquet")
    paths = {"articles": {"train": [tmp_path / "articles" / "train.parquet"]}}
    back = restore_articles(paths, changed.documents)

    account = next(account for account in made.accounts if account.unit == UNITS[0])
    assert account.set_aside == {QUOTES: 1}
    assert made.tables["articles"]["train"]["author"].to_pylist()[:2] == [None, "سلمى"]
    rows = to_full("articles", made.tables["articles"]["train"].to_batches(), label_names(changed.labels), back.texts)
    assert pa.Table.from_batches(list(rows)).equals(full.tables["articles"]["train"])


def test_the_author_of_a_record_that_quotes_comes_back_from_its_record(material, tmp_path):
    quoted = "قال رئيس بلدية مرجانة في"
    documents = (replace(material.documents[0], author=quoted), *material.documents[1:])
    articles = tuple(replace(article, title=None, drops=()) for article in material.articles)
    changed = replace(material, documents=documents, articles=articles)
    full = build_tables(changed)
    table = to_standoff(full, tables_of(changed), FOLD).tables["articles"]["train"]
    pq.write_table(table, tmp_path / "train.parquet")
    back = restore_articles({"articles": {"train": [tmp_path / "train.parquet"]}}, documents)

    assert table["author"].to_pylist() == [None] * 5
    rows = to_full("articles", table.to_batches(), label_names(changed.labels), back.texts)
    assert pa.Table.from_batches(list(rows)).equals(full.tables["articles"]["train"])
    assert back.set_aside == ()


def _rest(article, document):
    """Unchanged code points of the page after the last edit."""
    done = sum(article.edits[0::3]) + sum(article.edits[1::3])
    return document.raw.index("\nبقلم") - done


@given(st.lists(FEW, max_size=5), st.lists(FEW, max_size=5))
def test_quotations_are_those_that_a_comparison_of_all_with_all_finds(strings, passages):
    found = quotes(strings, passages, FOLD)

    assert [(one.string, one.passage) for one in found] == oracle(strings, passages)
    for one in found:
        said = words_of(strings[one.string], FOLD)[one.word : one.word + RUN]
        assert said == words_of(passages[one.passage], FOLD)[one.passage_word : one.passage_word + RUN]


ARTICLE = "افتُتح أمسِ مترو العاصمة الجديد بحضور الوزير، وعاد الناس."
FIVE = ["مترو", "العاصمه", "الجديد", "بحضور", "الوزير"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("README.md", "قيل: مترو العاصمة الجديد بحضور الوزير"),
        ("README.md", "| مترو | العـاصمة |\n| الجديد | بحضور، الوزِير |"),
        ("README.md", "مترو العاصمة&nbsp;الجديد <b>بحضور</b> الوزير".replace("<b>", "").replace("</b>", "")),
        ("MANIFEST.json", json.dumps({"a": ["مترو العاصمة", {"b": "الجديد بحضور الوزير"}]})),
        ("croissant.json", json.dumps({"sample": "قيل مترو العاصمة الجديد بحضور الوزير"}, ensure_ascii=True)),
        ("data.conll", "\n".join(f"{word}\tB-FAC" for word in FIVE)),
        ("plot.svg", "<svg><text>مترو العاصمة الجديد بحضور الوزير</text></svg>"),
    ],
)
def test_a_quotation_is_found_in_every_kind_of_file(tmp_path, name, content):
    (tmp_path / name).write_text(content, encoding="utf-8")

    (issue,) = quotations(tmp_path, [("a-0", ARTICLE)], FOLD)

    assert issue.where.startswith(name)
    place = re.search(r"a-0, (\d+)-(\d+), appear", issue.message)
    assert ARTICLE[int(place[1]) : int(place[2])] == "مترو العاصمة الجديد بحضور الوزير"
    assert "مترو" not in issue.message


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["x", "مترو العاصمة الجديد بحضور الوزير"]),
        pa.array([["x"], FIVE]),
        pa.array([[], [{"text": word, "n": 1} for word in FIVE]]),
        pa.array([{"a": {"b": ["x"]}}, {"a": {"b": FIVE}}]),
    ],
)
def test_a_quotation_is_found_in_every_shape_of_column(tmp_path, column):
    (tmp_path / "c").mkdir()
    pq.write_table(pa.table({"name": column}), tmp_path / "c" / "train.parquet")

    (issue,) = quotations(tmp_path, [("a-0", ARTICLE)], FOLD)

    assert issue.where.startswith("c/train.parquet, column name")
    assert issue.where.endswith(", row 1")


def test_addresses_and_four_words_are_no_quotation(tmp_path):
    text = "https://barq.example/مترو-العاصمة-الجديد-بحضور-الوزير و مترو العاصمة الجديد بحضور"
    (tmp_path / "README.md").write_text(text, encoding="utf-8")
    (tmp_path / "plot.png").write_bytes(b"\x89PNG\xff")

    assert quotations(tmp_path, [("a-0", ARTICLE)], FOLD) == []
