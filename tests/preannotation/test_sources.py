"""Spans that annotators find on the page, by where they come from."""

from dataclasses import replace

import pytest

from builder.io.jsonl import write_json
from builder.preannotation.sources import predict
from builder.records import Span
from builder.release.tables.features import arrow_schema, features
from builder.schema.labels import Labels
from tests.preannotation.examples import LABELS, article_of, refusal


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("gazetteer", "'gazetteer' is not a source of predictions"),
        ("release:", "'release:' is not a source of predictions"),
        ("model:x", "unknown source of predictions 'model'"),
        ("command: ''' ", "invalid command: No closing quotation"),
    ],
)
def test_invalid_source_is_refused_with_the_reason(spec, message):
    assert refusal(predict, spec, [article_of()], LABELS) == [("", message)]


def release_of(folder, rows, labels=LABELS):
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: features(labels)["entities"][name] for name in ("id", "text", "spans")}
    names = labels.entity_names
    plain = [
        {
            "id": article.id,
            "text": article.text,
            "spans": [
                {"start": s.start, "end": s.end, "label": names.index(s.label), "text": article.text[s.start : s.end]}
                for s in spans
            ],
        }
        for article, spans in rows
    ]
    (folder / "entities").mkdir(parents=True)
    table = pa.Table.from_pylist(plain, schema=arrow_schema(columns))
    pq.write_table(table, folder / "entities" / "train-00000-of-00001.parquet")
    write_json(folder / "MANIFEST.json", {"version": "1.2.0"})


def test_release_spans_are_carried_to_changed_texts(tmp_path):
    old, same = article_of("زار سالم ميناء مرجانة", 1), article_of("وصل سالم", 2)
    spans = (Span(4, 8, "PERS"), Span(9, 21, "ORG"))
    release_of(tmp_path / "v1.2.0", [(old, spans), (same, (Span(4, 8, "PERS"),)), (article_of(number=9), ())])
    new = replace(old, text="أمس زار سالم ميناء اللؤلؤة")
    found = predict("release:v1.2.0", [new, same, article_of(number=3)], LABELS, tmp_path)

    assert found.origin == "release v1.2.0"
    assert found.spans == {old.id: (Span(8, 12, "PERS"),), same.id: (Span(4, 8, "PERS"),)}
    assert [(one.what, one.reason) for one in found.set_aside] == [(f"{old.id} 9-21 ORG", "its text changed")]


def test_labels_missing_from_the_schema_are_dropped(tmp_path):
    article = article_of("وصل سالم", 2)
    release_of(tmp_path / "old", [(article, (Span(4, 8, "PERS"),))])
    fewer = Labels(version=2, entities=LABELS.entities[1:])
    found = predict("release:old", [article], fewer, tmp_path)

    assert found.spans == {article.id: ()}
    assert [one.reason for one in found.set_aside] == ["unknown label"]


def test_non_release_is_refused(tmp_path):
    (tmp_path / "broken" / "entities").mkdir(parents=True)
    (tmp_path / "broken" / "entities" / "train-00000-of-00001.parquet").write_bytes(b"not Parquet")
    write_json(tmp_path / "broken" / "MANIFEST.json", {"version": "1.2.0"})

    assert refusal(predict, "release:none", [], LABELS, tmp_path) == [
        (str(tmp_path / "none"), "the folder holds no release with entities")
    ]
    assert refusal(predict, "release:broken", [], LABELS, tmp_path)[0][1] == (
        "not a release that khabar built: ArrowInvalid"
    )
