"""Exported tasks find their articles, and their spans the text of these articles."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.io.hashing import sha16
from builder.labelstudio.exports.matching import index_articles, match_task, visible_text
from builder.labelstudio.exports.read import parse, read
from builder.records import Article, KhabarError
from builder.text.profiles import profile
from tests.labelstudio.exports.examples import LABELS, name

RAW = "أعلنت بلديّةُ مرجانة أمس شراءَ متجراً\r\n\r\nوقال الوالي قُصيّ \N{GRINNING FACE} إنّ الميناءَ مفتوحٌ.\r\n"
SHIP = "\N{SHIP}\N{VARIATION SELECTOR-16}"


def article(number, raw, cleaned=None, part=0):
    """An article whose text is its raw text after `standard@1`, or a part of that."""
    document = f"{number:016x}"
    aligned = profile("standard@1").apply(raw)
    if cleaned is not None:
        start = aligned.text.index(cleaned)
        aligned = aligned.keep([(start, start + len(cleaned))])
    text = aligned.text
    return Article(f"{document}-{part}", document, part, "خبر", text, aligned.packed(), (), "standard@1+0", sha16(text))


FIRST = article(1, RAW)
OTHER = article(2, "قالت ثريا إن الميناء يعمل.")
ARTICLES = {one.id: one for one in (FIRST, OTHER)}
RAWS = {FIRST.document_id: RAW, OTHER.document_id: OTHER.text}


def span(text, words, label="FAC", at=None):
    start = text.index(words) if at is None else at
    return {"id": "r", "type": "labels", "from_name": "l", "value": {
        "start": start, "end": start + len(words), "text": words, "labels": [label]}}  # fmt: skip


def hyper(start, end, words):
    return {"id": "h", "type": "hypertextlabels", "from_name": "l", "value": {
        "start": "/p[1]/text()[1]", "end": "/p[1]/text()[1]", "startOffset": 0, "endOffset": 1, "text": words,
        "globalOffsets": {"start": start, "end": end}, "hypertextlabels": ["FAC"]}}  # fmt: skip


def collected(*tasks, articles=ARTICLES, raws=RAWS):
    """What is read of tasks, each given as its data and its results."""
    exported = [
        {"id": n, "data": data, "annotations": [{"id": n, "completed_by": 1, "result": results}]}
        for n, (data, results) in enumerate(tasks)
    ]
    content = json.dumps(exported).encode()
    return read(parse("x", content), articles, LABELS, "pilot", name, raws)


def marked(found, articles=ARTICLES):
    """The words that each judgement marks in its article."""
    return [[articles[j.article_id].text[s.start : s.end] for s in j.spans] for j in found.judgements]


@pytest.mark.parametrize(
    "text",
    [
        RAW,
        RAW.replace("\r\n", "\n"),
        RAW.replace("\r\n", "\r"),
        RAW.strip(),
        f"\N{ZERO WIDTH NO-BREAK SPACE}{RAW}\n\n",
        RAW.replace(" ", "\N{NO-BREAK SPACE}"),
        RAW.replace("\r\n\r\n", " \n "),
    ],
)
def test_spans_on_the_raw_text_are_carried_through_its_edits(text):
    found = collected(({"text": text}, [span(text, w) for w in ("متجراً", "قُصيّ", "الميناءَ")]))

    assert [j.text_sha for j in found.judgements] == [FIRST.text_sha]
    assert marked(found) == [["متجرا", "قصي", "الميناء"]]
    assert found.issues == ()


@pytest.mark.parametrize(
    "change", [str, lambda t: t + "\n", lambda t: t.replace("\n", "\r\n"), lambda t: " " + t.strip()]
)
def test_spans_on_the_cleaned_text_are_found_whatever_its_spaces(change):
    text = change(FIRST.text)
    found = collected(({"text": text}, [span(text, "مرجانة أمس"), span(text, "الميناء")]))

    assert marked(found) == [["مرجانة أمس", "الميناء"]]
    assert found.issues == ()


@given(st.data())
def test_a_span_on_the_raw_text_is_where_the_alignment_has_it(data):
    start = data.draw(st.integers(0, len(RAW) - 1))
    end = data.draw(st.integers(start + 1, len(RAW)))
    match = match_task(index_articles(ARTICLES, RAWS), {"text": RAW}, [])
    low, high = profile("standard@1").apply(RAW).text_span(start, end)

    assert match.plain.place(start, end) == ((low, high) if low < high else None)


def test_an_id_counts_before_a_text_and_a_raw_text_before_a_cleaned_one():
    plain, vowelled = article(3, "عاد المطر إلى مرجانة"), article(4, "عادَ المطرُ إلى مرجانةَ")
    articles = {one.id: one for one in (plain, vowelled)}
    raws = {plain.document_id: plain.text, vowelled.document_id: "عادَ المطرُ إلى مرجانةَ"}
    tasks = [{"text": raws[one.document_id]} for one in (plain, vowelled)]
    tasks += [{"text": plain.text, "article_id": vowelled.id}, {"text": plain.text, "id": vowelled.id}]

    found = collected(*((data, []) for data in tasks), articles=articles, raws=raws)
    assert sorted(j.article_id for j in found.judgements) == [plain.id, *[vowelled.id] * 3]


def test_equal_texts_with_ids_of_their_own_stay_several():
    twins = [article(5, "عاد المطر"), article(6, "عادَ المطر")]
    articles, raws = (
        {one.id: one for one in twins},
        {twins[0].document_id: "عاد المطر", twins[1].document_id: "عادَ المطر"},
    )
    found = collected(*(({"text": "عاد المطر", "id": one.id}, []) for one in twins), articles=articles, raws=raws)

    assert [j.article_id for j in found.judgements] == [one.id for one in twins]


def test_spans_in_what_cleaning_removed_are_counted_once_for_the_export():
    raw = "تابعونا على المنصات\nافتتحت بلدية مرجانة سوقا جديدة\nحقوق النشر محفوظة لوكالة نسيم"
    one = article(7, raw, "افتتحت بلدية مرجانة سوقا جديدة")
    results = [span(raw, "بلدية مرجانة"), span(raw, "وكالة نسيم"), span(raw, "المنصات")]
    found = collected(
        ({"text": raw}, results), ({"body": raw}, results), articles={one.id: one}, raws={one.document_id: raw}
    )

    assert marked(found, {one.id: one}) == [["بلدية مرجانة"]] * 2
    assert [(i.severity, i.code, i.message, i.where) for i in found.issues] == [
        ("warning", "span-removed", "4 spans lie in parts of the raw text that are not in the article, and are left out", "task 0, task 1")
    ]  # fmt: skip


def test_a_span_outside_the_raw_text_is_an_error_and_not_removed_text():
    found = collected(({"text": RAW}, [span(RAW, "متجراً", at=9999)]))

    assert [i.code for i in found.issues] == ["unreadable-result"]
    assert marked(found) == [[]]


def utf16(text, words):
    """A span as servers have it that count UTF-16 units."""
    start = len(text[: text.index(words)].encode("utf-16-le")) // 2
    return span(text, words, at=start) | {"value": {
        "start": start, "end": start + len(words.encode("utf-16-le")) // 2, "text": words, "labels": ["FAC"]}}  # fmt: skip


def test_utf16_offsets_are_told_by_their_words_and_said_once():
    text = f"وصلت {SHIP}\N{FAMILY} سفينة مرجانة \N{GRINNING FACE} إلى الميناء"
    ships = article(8, text)
    articles, raws = {ships.id: ships}, {ships.document_id: text}
    silent = utf16(text, "الميناء")
    del silent["value"]["text"]
    tasks = [({"text": text, "n": n}, [utf16(text, "سفينة مرجانة"), silent]) for n in range(3)]
    found = collected(*tasks, articles=articles, raws=raws)

    assert marked(found, articles) == [["سفينة مرجانة", "الميناء"]] * 3
    assert [(i.code, i.where) for i in found.issues] == [("utf16-offsets", "task 0, task 1, task 2")]
    code_points = collected(
        ({"text": text}, [span(text, "سفينة مرجانة"), span(text, "الميناء")]), articles=articles, raws=raws
    )
    assert marked(code_points, articles) == [["سفينة مرجانة", "الميناء"]]
    assert code_points.issues == ()


def test_utf16_offsets_on_the_raw_text_are_carried_too():
    found = collected(({"text": RAW}, [utf16(RAW, "الميناءَ"), utf16(RAW, "مفتوحٌ")]))

    assert marked(found) == [["الميناء", "مفتوح"]]


@pytest.mark.parametrize(
    ("page", "seen"),
    [
        ("<p>{}</p>", "{}"),
        ('<div dir="rtl">\n<b>عاجل</b>{}</div>', None),
        ("{}<br>", "{}\n"),
        ("<style>p {{}}</style><p>{}</p><!-- لا -->", "{}"),
    ],
)
def test_hypertext_offsets_count_on_what_the_annotator_saw(page, seen):
    text = FIRST.text.replace("\n\n", "\n")
    html = page.format(text.replace("\n", "<br>"))
    shown = visible_text(html)
    start = shown.index("الميناء")
    found = collected(({"html": html}, [hyper(start, start + 7, "الميناء")]))

    if seen is None:  # a word more than the article has
        assert [i.code for i in found.issues] == ["unmatched-task"]
        return
    assert shown == seen.format(text)
    assert marked(found) == [["الميناء"]]
    assert found.issues == ()


def test_hypertext_offsets_count_one_line_feed_for_crlf_and_resolved_entities():
    raw = "قال الوالي &amp; المجلس:\r\nمرجانة &lt;بخير&gt; والميناء يعمل"
    one = article(9, raw.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))
    raws = {one.document_id: raw.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")}
    shown = "قال الوالي & المجلس:\nمرجانة <بخير> والميناء يعمل"
    start = shown.index("والميناء")
    found = collected(({"text": raw}, [hyper(start, start + 8, "والميناء")]), articles={one.id: one}, raws=raws)

    assert visible_text(raw) == shown
    assert marked(found, {one.id: one}) == [["والميناء"]]
    assert found.issues == ()


def test_another_text_matches_nothing_and_a_changed_document_moves_nothing():
    unmatched = collected(({"text": RAW.replace("مرجانة", "الساحل")}, []), ({"text": " ", "n": 3}, []))
    replaced = collected(({"text": RAW + "زيادة"}, []), raws={FIRST.document_id: RAW + "زيادة"})

    assert ({i.code for i in unmatched.issues}, unmatched.unread) == ({"unmatched-task"}, 2)
    assert [j.text_sha for j in replaced.judgements] == [sha16(RAW + "زيادة")]  # `check` says that it is another text


LABELLED = [
    {"start": 0, "end": 4, "text": "قالت", "labels": ["PERS"]},
    {"start": 5, "end": 9, "text": "ثريا", "labels": ["PERS", "GPE"]},
]
MINIMAL = [
    {"id": 7, "text": OTHER.text, "label": LABELLED, "stance_port": "favor", "annotator": 4, "annotation_id": 31,
     "created_at": "2026-02-01T09:00:00Z", "updated_at": "2026-02-02T09:00:00Z", "lead_time": 3.5},
    {"id": 8, "text": RAW, "annotator": "huda@example.org", "stance_port": {"choices": ["against"]}},
]  # fmt: skip


def by_annotation(found):
    return {j.annotation_id: j for j in found.judgements}


def test_json_min_is_read_for_what_it_holds():
    found = read(parse("m.json", json.dumps(MINIMAL).encode()), ARTICLES, LABELS, "pilot", name, RAWS)
    first, second = by_annotation(found)[31], by_annotation(found)[8]

    assert [(s.start, s.end, s.label) for s in first.spans] == [(0, 4, "PERS"), (5, 9, "GPE"), (5, 9, "PERS")]
    assert (first.annotator, first.seconds, first.updated_at) == (name(4), 3.5, "2026-02-02T09:00:00Z")
    assert [s.value for s in (*first.stances, *second.stances)] == ["favor", "against"]
    assert (second.annotator, second.article_id) == (name("huda@example.org"), FIRST.id)
    assert found.issues == ()


@pytest.mark.parametrize("separator", [",", "\t"])
def test_a_table_gives_what_json_min_gives(separator):
    def cell(value):
        plain = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return '"' + plain.replace('"', '""') + '"'

    columns = [*MINIMAL[0]]
    rows = [[cell(record.get(column, "")) for column in columns] for record in MINIMAL]
    table = "\ufeff" + "\r\n".join(separator.join(row) for row in [columns, *rows]) + "\r\n"

    found, wanted = (
        read(parse(file, content), ARTICLES, LABELS, "pilot", name, RAWS)
        for file, content in (("m.csv", table.encode()), ("m.json", json.dumps(MINIMAL).encode()))
    )
    assert found == wanted


@pytest.mark.slow  # loads the converter of Label Studio
@pytest.mark.parametrize("kind", ["JSON_MIN", "CSV", "TSV"])
def test_flat_exports_that_label_studio_writes_give_what_its_json_gives(kind, tmp_path):
    from label_studio_sdk.converter import Converter

    config = """<View><Text name="text" value="$text"/><TextArea name="remark" toName="text"/>
      <Labels name="l" toName="text"><Label value="FAC"/></Labels>
      <Choices name="stance_port" toName="text"><Choice value="favor"/></Choices></View>"""
    answers = [
        span(RAW, "بلديّةُ مرجانة") | {"to_name": "text"},
        {"id": "c", "type": "choices", "from_name": "stance_port", "to_name": "text", "value": {"choices": ["favor"]}},
        {"id": "t", "type": "textarea", "from_name": "remark", "to_name": "text", "value": {"text": ['قال, "نعم"']}},
    ]
    dated = dict.fromkeys(("created_at", "updated_at"), "2026-02-01T09:00:00Z") | {
        "was_cancelled": False,
        "lead_time": 2.5,
    }
    people = (3, {"id": 4, "email": "huda@example.org"})
    tasks = [{"id": 1, "data": {"text": RAW}, "annotations": [
        {"id": 11 + n, "completed_by": who, "result": answers[: 3 * (n + 1) - 2], **dated} for n, who in enumerate(people)]}]  # fmt: skip
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "e.json").write_text(json.dumps(tasks), encoding="utf-8")
    Converter(config, str(tmp_path)).convert(str(tmp_path / "in"), str(tmp_path / "out"), kind, is_dir=True)
    (flat,) = (path.read_bytes() for path in (tmp_path / "out").iterdir() if path.is_file())

    def collected_from(content):
        return read(parse("x", content), ARTICLES, LABELS, "pilot", name, RAWS)

    found, wanted = collected_from(flat), collected_from(json.dumps(tasks).encode())
    assert marked(wanted) == [["بلدية مرجانة"], ["بلدية مرجانة"]]
    assert [unnamed(j) for j in found.judgements] == [unnamed(j) for j in wanted.judgements]
    assert found.issues == ()


def unnamed(judgement):
    """A judgement whose spans have no ids: no flat export has them."""
    return replace(judgement, spans=tuple(replace(one, id="") for one in judgement.spans))


def test_a_row_of_another_length_is_named():
    with pytest.raises(KhabarError) as caught:
        parse("m.csv", "text,annotator\nخبر,1\nخبر\n".encode())

    assert [(i.where, i.message) for i in caught.value.issues] == [
        ("m.csv:3", "the row has not the 2 cells of the header")
    ]
