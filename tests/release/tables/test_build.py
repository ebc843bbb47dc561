"""Tables: exact characters, the way back to the raw page, and an account of what stays out."""

import json
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.io.hashing import sha16
from builder.records import (
    Article,
    Confidence,
    Dispute,
    Document,
    Gold,
    Group,
    Judgement,
    KhabarError,
    Relation,
    Span,
    Stance,
)
from builder.release.splits.strategies import SPLIT_NAMES
from builder.release.tables.configs.articles import WITHHELD_AUTHOR
from builder.release.tables.features import arrow_schema, features
from builder.text.profiles import profile
from builder.text.tokens import tokenize
from tests.release.material import Material, build_tables


def rows(built, config):
    return [row for split in SPLIT_NAMES for row in built.tables[config][split].to_pylist()]


def account(built, unit):
    (found,) = [a for a in built.accounts if a.unit == unit]
    assert found.balanced
    return found


def test_every_config_has_every_split_with_the_same_schema(altered, material):
    built = altered(splits=dict.fromkeys(material.splits, "test"))

    assert list(built.tables) == ["entities", "stance", "annotations", "articles"]
    for config, columns in features(material.labels).items():
        assert list(built.tables[config]) == list(SPLIT_NAMES)
        for table in built.tables[config].values():
            assert table.schema.equals(arrow_schema(columns), check_metadata=True)
        assert built.tables[config]["train"].num_rows == 0


def test_rows_are_sorted_and_stand_in_the_split_of_their_article(built, material):
    for config in built.tables:
        key = "article_id" if config in ("stance", "annotations") else "id"
        for split, table in built.tables[config].items():
            ids = table[key].to_pylist()

            assert ids == sorted(ids)
            assert {material.splits[i] for i in ids} <= {split}
    assert [built.tables["entities"][s].num_rows for s in SPLIT_NAMES] == [5, 1, 2]


def test_each_span_is_its_characters_in_text_and_in_the_raw_page(built, material):
    raw = {document.id: document.raw for document in material.documents}
    for row in rows(built, "entities"):
        assert len(row["spans"]) == 2
        for span in row["spans"]:
            mention = row["text"][span["start"] : span["end"]]
            origin = raw[row["id"].rsplit("-", 1)[0]][span["raw_start"] : span["raw_end"]]

            assert mention == span["text"] != origin
            assert origin.replace("\N{ARABIC TATWEEL}", "") == mention


NOISE = [
    "مرجانة", "قدم", "\N{ARABIC LETTER ALEF}\N{ARABIC FATHATAN}", "\N{ARABIC SHADDA}\N{ARABIC FATHA}", "\N{ARABIC TATWEEL}",
    "\N{RIGHT-TO-LEFT MARK}", "\N{NO-BREAK SPACE}", "\N{ARABIC LIGATURE LAM WITH ALEF ISOLATED FORM}", "😀", " ", "،", "\n", "3.5",
]  # fmt: skip


@given(st.lists(st.sampled_from(NOISE), max_size=20).map("".join))
def test_raw_place_of_any_token_cleans_to_its_mention(schema, raw):
    standard = profile("standard@1")
    aligned = standard.apply(raw)
    document = Document("d", "barq", None, None, None, raw, "d.txt")
    sha = sha16(aligned.text)
    article = Article("d-0", "d", 0, None, aligned.text, aligned.packed(), (), standard.id, sha)
    spans = tuple(Span(start, end, "ORG") for start, end in tokenize(aligned.text))
    gold = Gold("d-0", sha, spans, (), "agreed", (), 2)
    groups = (Group("d-0", "g", 1.0, "single"),)
    built = build_tables(Material((article,), (document,), groups, {"d-0": "test"}, (), (gold,), (), schema.labels))
    (row,) = rows(built, "entities")

    assert len(row["spans"]) == len(row["tokens"]) == len(spans)
    assert row["ner_tags"] == [schema.labels.entity_names.index("ORG") * 2 + 1] * len(spans)
    for span, token in zip(row["spans"], row["tokens"], strict=True):
        assert span["text"] == token
        assert standard.apply(raw[span["raw_start"] : span["raw_end"]]).text == token


def test_tokens_are_slices_and_tags_hold_the_outer_mention(built, material):
    names = json.loads(built.tables["entities"]["train"].schema.metadata[b"huggingface"])
    tags = names["info"]["features"]["ner_tags"][0]["names"]
    for row in rows(built, "entities"):
        places = [(place["start"], place["end"]) for place in row["token_spans"]]
        outer = [t for t, tag in zip(row["tokens"], row["ner_tags"], strict=True) if tags[tag] != "O"]

        assert places == [tuple(place) for place in tokenize(row["text"])]
        assert row["tokens"] == [row["text"][start:end] for start, end in places]
        inner = [(t, tags[tag]) for t, tag in zip(row["tokens"], row["ner_tags_inner"], strict=True) if tag]
        assert outer == ["رئيس", "بلدية", "مرجانة"]
        assert inner == [("مرجانة", "B-GPE")]
    spans, inside = account(built, "spans in ner_tags"), account(built, "spans in ner_tags_inner")
    assert (spans.taken, spans.kept, spans.set_aside) == (16, 8, {"nested": 8})
    assert (inside.taken, inside.kept, inside.set_aside) == (8, 8, {})
    assert (built.cut_spans, built.cut_inner, built.set_aside) == (0, 0, ())


def test_what_neither_layer_holds_is_listed_with_its_reason(altered, material):
    gold = material.golds[0]
    start, end = gold.spans[0].start, gold.spans[0].end
    deeper = (
        *gold.spans,
        Span(end - 6, end - 1, "NORP"),
        Span(start + 3, end + 2, "LOC"),
        Span(start - 1, start, "GPE"),
    )
    built = altered(golds=(replace(gold, spans=deeper),))

    assert account(built, "spans in ner_tags").set_aside == {"crossing": 1, "nested": 2, "no token": 1}
    assert account(built, "spans in ner_tags_inner").set_aside == {"nested, in a span": 1}
    assert [(one.what, one.reason) for one in built.set_aside if one.what.startswith("d00-0 ")] == [
        (f"d00-0 {start - 1}-{start} GPE", "no token"),
        (f"d00-0 {start + 3}-{end + 2} LOC", "crossing"),
        (f"d00-0 {end - 6}-{end - 1} NORP", "nested, in a span"),
    ]


def test_stance_rows_carry_the_votes_in_the_order_of_all_values(built):
    row = rows(built, "stance")[0]

    assert row["id"] == "d00-0:metro"
    assert row["target_name"] == "مترو العاصمة"
    assert row["label_counts"] == [2, 0, 0, 0, 1]
    assert row["soft_label"] == [2 / 3, 0, 0, 0, 1 / 3]
    assert row["n_annotators"] == 3


def test_only_what_a_decision_says_is_called_adjudicated(altered, material, built):
    assert [row["adjudicated"] for row in rows(built, "entities")] == [True] + [False] * 7
    assert not any(row["adjudicated"] for row in rows(built, "stance"))

    second = material.articles[1]
    golds = [replace(g, decided=("stance:metro",) if g.article_id == second.id else ()) for g in material.golds]
    decided = altered(golds=golds)

    assert not any(row["adjudicated"] for row in rows(decided, "entities"))
    assert [row["article_id"] for row in rows(decided, "stance") if row["adjudicated"]] == [second.id]


def test_article_with_one_decided_passage_is_called_adjudicated(altered, material):
    second = material.articles[1]
    golds = [replace(g, decided=("span:0:5",) if g.article_id == second.id else ()) for g in material.golds]

    assert [row["id"] for row in rows(altered(golds=golds), "entities") if row["adjudicated"]] == [second.id]


def test_how_sure_an_answer_is_stands_beside_it(altered, material):
    gold = material.golds[0]
    sure = [Confidence(f"span:{s.start}:{s.end}", s.label, "majority", 2 / 3) for s in gold.spans[:1]]
    sure.append(Confidence("stance:metro", "favor", "dawid-skene", 0.95))
    found = altered(golds=[replace(gold, confidence=tuple(sure)), *material.golds[1:]])

    assert [span["confidence"] for span in rows(found, "entities")[0]["spans"]] == [2 / 3, None]
    assert [row["confidence"] for row in rows(found, "stance")][:2] == [0.95, None]


def test_annotations_hold_every_judgement_without_times_or_server_ids(built, material):
    found = rows(built, "annotations")

    assert len(found) == len(material.judgements) == 24
    assert found[0]["stances"] == [{"target": "metro", "value": 0}]
    assert found[2]["stances"] == [{"target": "metro", "value": 4}]
    assert not {"created_at", "updated_at", "task_id", "annotation_id"} & set(found[0])


def test_server_ids_and_times_change_no_table(altered, material, built):
    moved = tuple(replace(j, task_id=99, annotation_id=99, created_at="x", updated_at="y") for j in material.judgements)

    assert altered(judgements=moved).tables == built.tables


def test_the_order_of_the_material_changes_no_table(material, built):
    names = ("articles", "documents", "groups", "judgements", "golds")
    backwards = {name: tuple(reversed(getattr(material, name))) for name in names}

    assert build_tables(replace(material, **backwards)).tables == built.tables


def test_articles_carry_their_origin_with_the_date_in_utc(built):
    first, second, third = rows(built, "articles")[:3]

    assert first["published_at"].isoformat() == "2026-03-03T15:42:00+00:00"
    assert second["published_at"].isoformat() == "2026-03-04T00:00:00+00:00"
    assert third["published_at"] is None
    assert [row["published_zone"] for row in (first, second, third)] == ["+03:00", None, None]
    assert (first["source"], first["source_name"], first["author"]) == ("barq", "برق", "سلمى")
    assert first["split_group"] == "g-d00-0"


def test_the_author_is_that_of_the_text_else_that_of_the_record(altered, material):
    first, second, *others = material.articles
    documents = tuple(replace(document, author="ندى") for document in material.documents)
    embedded = replace(second, part=1, drops=())
    built = altered(articles=(replace(first, drops=()), embedded, *others), documents=documents)

    assert [row["author"] for row in rows(built, "articles")[:3]] == ["ندى", None, "سلمى"]
    assert (account(built, "authors").taken, account(built, "authors").kept) == (7, 7)


def test_authors_are_null_and_counted_unless_they_may_be_published(altered, material):
    documents = tuple(replace(document, author="ندى") for document in material.documents)
    built = altered(documents=documents, publish_authors=False)
    authors = account(built, "authors")

    assert [row["author"] for row in rows(built, "articles")] == [None] * 8
    assert not any(name in str(built) for name in ("سلمى", "ندى"))
    assert (authors.taken, authors.kept, authors.set_aside) == (8, 0, {WITHHELD_AUTHOR: 8})
    assert built.tables["articles"]["train"].schema == altered().tables["articles"]["train"].schema


def test_a_date_that_cannot_be_read_is_null_and_counted(altered, material):
    first, *others = material.documents
    built = altered(documents=(replace(first, published_at="أمس"), *others))
    dates = account(built, "dates")

    assert rows(built, "articles")[0]["published_at"] is None
    assert (dates.taken, dates.kept, dates.set_aside) == (6, 5, {"not an ISO 8601 date": 1})
    assert any(one.what == "document d00" and one.detail == "أمس" for one in built.set_aside)


def test_open_disputes_stay_out_and_are_counted(altered, material):
    first, second = material.articles[:2]
    disputes = (
        Dispute(first.id, "span:0:5", {"a-0": "ORG", "a-1": "GPE"}),
        Dispute(second.id, "stance:metro", {"a-0": "favor", "a-1": "against"}),
        Dispute(second.id, "stance:dam", {"a-0": "favor", "a-1": "against"}),
    )
    built = altered(disputes=disputes)

    assert first.id not in {row["id"] for row in rows(built, "entities")}
    assert first.id in {row["article_id"] for row in rows(built, "stance")}
    assert second.id in {row["id"] for row in rows(built, "entities")}
    assert second.id not in {row["article_id"] for row in rows(built, "stance")}
    assert len(rows(built, "annotations")) == 24
    assert account(built, "articles in entities").set_aside == {"open dispute over its spans": 1}
    pairs = account(built, "pairs of article and target in stance")
    assert (pairs.taken, pairs.set_aside) == (9, {"open dispute over its stance": 2})


def test_what_cannot_be_published_is_counted_under_its_reason(altered, material):
    splits = {article: split for article, split in material.splits.items() if article != "d07-0"}
    golds = [replace(material.golds[0], text_sha="old"), *material.golds[2:]]
    golds.append(Gold("gone-0", "x", (), (), "agreed", (), 2))
    unclear = replace(golds[1], stances=(Stance("metro", "unclear"),))
    built = altered(splits=splits, golds=[golds[0], unclear, *golds[2:]])

    entities = account(built, "articles in entities")
    assert (entities.taken, entities.kept) == (9, 5)
    assert entities.set_aside == {
        "its article has no split": 1,
        "its article is not in the corpus": 1,
        "its text changed since it was annotated": 1,
        "no gold": 1,
    }
    assert account(built, "pairs of article and target in stance").set_aside == {
        "its answer is not one that is published": 1,
        "its article has no split": 1,
        "its text changed since it was annotated": 1,
    }
    assert account(built, "judgements in annotations").set_aside == {"its article has no split": 3}
    assert account(built, "articles in articles").set_aside == {"its article has no split": 1}


def test_spans_and_stances_that_cannot_be_are_refused_together(altered, material):
    size = len(material.articles[0].text)
    gold = replace(material.golds[0], spans=(Span(3, 3, "GPE"), Span(0, size + 1, "CITY")))
    judgement = replace(material.judgements[4], stances=(Stance("metro", "maybe"),))
    with pytest.raises(KhabarError) as caught:
        altered(golds=(gold,), judgements=(judgement,))

    assert [(issue.where, issue.message) for issue in caught.value.issues] == [
        ("article d00-0, gold", f"span 3-3 is not inside its text of {size} characters"),
        ("article d00-0, gold", f"span 0-{size + 1} is not inside its text of {size} characters"),
        ("article d00-0, gold", f"span 0-{size + 1} has the unknown label 'CITY'"),
        ("article d01-0, a-1", "stance 'maybe' on 'metro' is not in schema/labels.yaml"),
    ]
    assert caught.value.exit_code == 1


@pytest.mark.parametrize(
    ("start", "end"), [(5, 2), (-1, 3), (0, 10**18), (-(10**18), 2)], ids=["reversed", "before", "far", "far before"]
)
def test_a_span_that_no_text_can_have_is_named_as_it_was_written(altered, material, start, end):
    size = len(material.articles[1].text)
    wrong = replace(material.judgements[3], spans=(Span(start, end, "GPE"),))
    with pytest.raises(KhabarError) as caught:
        altered(judgements=(*material.judgements[:3], wrong))

    assert [(issue.where, issue.message, issue.fix) for issue in caught.value.issues] == [
        ("article d01-0, a-0", f"span {start}-{end} is not inside its text of {size} characters", "run `khabar check`")
    ]


def test_a_dataset_without_stances_has_no_stance_config(material):
    labels = material.labels.model_copy(update={"stances": None})
    spoken = [replace(record, stances=()) for record in (*material.golds, *material.judgements)]
    golds = [record for record in spoken if isinstance(record, Gold)]
    judgements = [record for record in spoken if isinstance(record, Judgement)]
    built = build_tables(replace(material, labels=labels, golds=golds, judgements=judgements))

    assert list(built.tables) == ["entities", "annotations", "articles"]
    assert "stances" not in built.tables["annotations"]["train"].column_names


def test_no_column_has_a_type_that_old_readers_lack(built):
    def plain(kind):
        if pa.types.is_list(kind):
            return plain(kind.value_type)
        if pa.types.is_struct(kind):
            return all(plain(field.type) for field in kind)
        return str(kind) in {"string", "int32", "int64", "double", "bool", "timestamp[ms, tz=UTC]"}

    for splits in built.tables.values():
        assert all(plain(field.type) for field in splits["train"].schema)


def test_edits_that_do_not_fit_their_text_are_named_by_article(material):
    first, second, *rest = material.articles
    stale = (replace(first, edits=(10**6, 1, 1)), replace(second, edits=(1, 2)), *rest)
    with pytest.raises(KhabarError) as caught:
        build_tables(replace(material, articles=stale))

    assert [issue.article_id for issue in caught.value.issues] == [first.id, second.id]
    assert caught.value.issues[0].message.startswith(
        f"the edits of article {first.id} do not fit its text and its page: "
    )
    assert {issue.fix for issue in caught.value.issues} == {"run `khabar clean`"}


def test_relations_are_counted_as_not_published_and_remarks_name_no_person(altered, material):
    first, *others = material.judgements
    drawn = replace(first, relations=(Relation("a", "b"), Relation("b", "c")), remark="راجعوا huda@nasim.example")
    built = altered(judgements=[drawn, *others])

    assert account(built, "relations").set_aside == {"relations are not published": 2}
    assert [row["remark"] for row in rows(built, "annotations") if row["remark"]] == ["راجعوا REDACTED_EMAIL"]
