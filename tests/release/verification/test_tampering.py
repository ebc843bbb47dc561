"""Each column and each file of a release is changed in turn: a check fails, or its name is listed as not verified."""

import dataclasses
import hashlib
import json

import pytest
import yaml

from builder.records import MANIFEST, Release
from builder.release.card.inputs import CardInputs
from builder.schema import load_schema
from builder.schema.labels import Labels
from tests.asking import QUESTIONS
from tests.conftest import ROOT
from tests.tampering import (
    copy_of,
    edit_json,
    edit_rows,
    is_caught,
    leaves,
    listed,
    messages,
    other,
    recheck,
    render,
    shard,
    sign,
    tamper,
)

pytestmark = pytest.mark.slow  # makes a release of each edition, and checks it some two hundred times

LABELS = load_schema(ROOT / "schema").labels
FULL, STANDOFF = ([".".join(leaf) for leaf in leaves(LABELS, edition)] for edition in ("full", "standoff"))
ASKING = Labels.model_validate({**LABELS.model_dump(), **yaml.safe_load(QUESTIONS)})
RICH = [name for leaf in leaves(ASKING, "full", asked=True) if (name := ".".join(leaf)) not in FULL]
CONFIGS = ("entities", "stance", "annotations", "articles")
SPLITS = ("train", "validation", "test")


def test_untouched_releases_pass(full, standoff, rich):
    for folder in (full, standoff, rich):
        assert messages(recheck(folder)) == []


def changed(folder, to, leaf, edit=tamper):
    """Whether there was a value to change, and the checks of a release in which one value of a column is another."""
    config, _, path = leaf.partition(".")
    there = []
    copy = copy_of(folder, to / "release")
    for split in SPLITS:
        if not any(there):
            edit_rows(copy, config, lambda rows: there.append(edit(rows, path)), split)
    render(copy)
    return any(there), recheck(copy)


def is_listed(leaf, found):
    config, _, path = leaf.partition(".")
    return bool({leaf, f"{config}.{path.partition('.')[0]}"} & listed(found))


def erase(rows, path):
    """Set the last value of a column that is not null to null; whether there is one."""
    there = [row for row in rows if row[path] is not None]
    if there:
        there[-1][path] = None
    return bool(there)


@pytest.mark.parametrize("leaf", FULL)
def test_another_value_in_a_column(full, tmp_path, leaf):
    there, found = changed(full, tmp_path, leaf)

    assert there or leaf == "articles.author"
    assert is_caught(found) or is_listed(leaf, found)


@pytest.mark.parametrize("leaf", STANDOFF)
def test_another_value_in_a_column_of_a_standoff_edition(standoff, tmp_path, leaf):
    _, found = changed(standoff, tmp_path, leaf)

    assert is_caught(found) or is_listed(leaf, found)


@pytest.mark.parametrize("leaf", RICH)
@pytest.mark.parametrize("edit", [tamper, erase])
def test_another_value_or_none_in_a_column_of_questions(rich, tmp_path, leaf, edit):
    there, found = changed(rich, tmp_path, leaf if edit is tamper else ".".join(leaf.split(".")[:2]), edit)

    assert there
    assert is_caught(found) or is_listed(leaf, found)


@pytest.mark.parametrize("leaf", dict.fromkeys(".".join(leaf.split(".")[:2]) for leaf in FULL))
def test_a_value_is_erased(full, tmp_path, leaf):
    there, found = changed(full, tmp_path, leaf, erase)

    assert is_caught(found) or is_listed(leaf, found) or not there


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("edit", ["delete", "repeat", "swap"])
def test_rows_are_taken_away_repeated_and_swapped(full, tmp_path, config, edit):
    copy = copy_of(full, tmp_path / "release")

    def change(rows):
        if edit == "delete":
            del rows[2]
        elif edit == "repeat":
            rows.insert(2, rows[2])
        else:
            rows[1], rows[2] = rows[2], rows[1]

    edit_rows(copy, config, change)
    render(copy)

    assert is_caught(recheck(copy))


@pytest.mark.parametrize("config", CONFIGS)
def test_a_row_stands_in_another_split(full, tmp_path, config):
    copy = copy_of(full, tmp_path / "release")
    moved = []
    edit_rows(copy, config, lambda rows: moved.append(rows.pop()))
    edit_rows(copy, config, lambda rows: rows.extend(moved), "test")
    render(copy)

    assert is_caught(recheck(copy))


NOT_DERIVED = {
    "entities.spans.raw_start", "entities.spans.raw_end",
    "annotations.annotator", "annotations.batch", "annotations.spans.start", "annotations.spans.end",
    "annotations.spans.label", "annotations.stances.target", "annotations.stances.value", "annotations.seconds",
    "annotations.guideline", "annotations.schema", "annotations.remark",
    "articles.document_id", "articles.title", "articles.source", "articles.source_name", "articles.author",
    "articles.url", "articles.published_at", "articles.published_zone", "articles.profile", "articles.split_group",
    "entities.adjudicated", "stance.adjudicated",
}  # fmt: skip
"""The columns of the full edition that nothing else in a release confirms."""


def test_the_list_of_what_is_not_verified_is_short_and_known(full):
    found = recheck(full)

    assert {leaf for leaf in FULL if is_listed(leaf, found)} == NOT_DERIVED


def test_of_questions_only_what_people_said_is_not_verified(rich):
    found = recheck(rich)

    assert {leaf for leaf in RICH if is_listed(leaf, found)} == {
        "annotations.answers.question", "annotations.answers.value", "questions.adjudicated",
    }  # fmt: skip
    assert {f"facts.json {name}" for name in ("asked", "asked_targets", "new_questions")} <= listed(found)


@pytest.mark.parametrize("edit", ["delete", "repeat", "swap", "split"])
def test_rows_of_questions_are_taken_away_repeated_and_moved(rich, tmp_path, edit):
    copy, moved = copy_of(rich, tmp_path / "release"), []

    def change(rows):
        if edit == "delete":
            del rows[2]
        elif edit == "repeat":
            rows.insert(2, rows[2])
        elif edit == "swap":
            rows[1], rows[2] = rows[2], rows[1]
        else:
            moved.append(rows.pop())

    edit_rows(copy, "questions", change)
    if edit == "split":
        edit_rows(copy, "questions", lambda rows: rows.extend(moved), "test")
    render(copy)

    assert is_caught(recheck(copy))


def test_other_answers_of_one_annotator_do_not_give_the_gold(rich, tmp_path):
    copy = copy_of(rich, tmp_path / "release")

    def change(rows):
        for row in rows:
            row["answers"] = [{**one, "value": "even"} if one["question"] == "tone" else one for one in row["answers"]]

    edit_rows(copy, "annotations", change)
    render(copy)

    assert any("what the votes of `annotations` give" in message for message in messages(recheck(copy)))


def test_what_pages_offered_decides_who_votes(rich, tmp_path):
    copy = copy_of(rich, tmp_path / "release")
    edit_json(copy, "facts.json", lambda plain: plain.pop("asked"))
    render(copy)

    assert any("`labels_asked` is not" in message for message in messages(recheck(copy)))


def test_guidelines_of_another_text_are_found_and_those_of_nobody_named(rich, tmp_path):
    copy = copy_of(rich, tmp_path / "release")
    (path,) = (copy / "guidelines").iterdir()
    text = "إرشادات أخرى\n".encode()
    path.write_bytes(text)
    sign(copy)
    wrong = f"guidelines/{path.name}: its text is not the version of the guidelines that its name says"
    assert wrong in messages(recheck(copy))
    path.rename(path.with_name(f"{hashlib.sha256(text).hexdigest()[:8]}.md"))
    sign(copy)
    found = recheck(copy)

    assert is_caught(found) or {name for name in listed(found) if name.startswith("guidelines/")}


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_byte_more_in_each_file_is_found(full, tmp_path):
    for path in files(full):
        if path.endswith(".parquet") or path == MANIFEST:
            continue
        copy = copy_of(full, tmp_path / path.replace("/", "-"))
        with (copy / path).open("ab") as file:
            file.write(b"9\n")
        sign(copy)

        assert is_caught(recheck(copy)), path


def test_each_file_that_is_gone_is_missed(full, tmp_path):
    for path in files(full):
        if path == MANIFEST:
            continue
        copy = copy_of(full, tmp_path / path.replace("/", "-"))
        (copy / path).unlink()
        sign(copy)

        assert is_caught(recheck(copy)), path


def test_a_file_that_no_build_writes_is_refused_or_named(full, tmp_path):
    copy = copy_of(full, tmp_path / "release")
    (copy / "demo-news.py").write_text("print('loaded')\n", encoding="utf-8")
    assert "demo-news.py" in listed(recheck(copy))
    sign(copy)

    assert "demo-news.py: no build writes this file" in messages(recheck(copy))


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Release)])
def test_each_field_of_the_manifest(full, tmp_path, name):
    plain = json.loads((full / MANIFEST).read_bytes())
    values = plain[name] if isinstance(plain[name], dict) else {"": plain[name]}
    for key, value in values.items():
        copy = copy_of(full, tmp_path / f"r-{key.replace('/', '-')}")
        new = {k: other(n) for k, n in value.items()} if isinstance(value, dict) else other(value)
        new = {"edition": "standoff", "version": "1.0.1"}.get(name, new)  # other words are refused when it is read
        edit_json(
            copy,
            MANIFEST,
            lambda plain, key=key, new=new: plain.update({name: {**plain[name], key: new} if key else new}),
        )
        found = recheck(copy)

        assert is_caught(found) or {f"{MANIFEST} {name}", f"{MANIFEST} {name}.{key}"} & listed(found), key


OFFERED = ("asked", "asked_targets", "new_questions")

ABSENT = {
    "imports": [{"name": "press", "kind": "conll", "source": "Press", "url": "", "licence_text": "MIT",
                 "licence_annotations": "MIT", "citation": "", "role": "gold", "splits": "ours", "files": {}, "map": "0"}],
    "leaks": [{"splits": {"a-0": "train", "b-0": "test"}}],
}  # fmt: skip
"""Fields that a release without imported sets has not, with what a hostile hand may write."""


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(CardInputs)])
def test_each_field_of_the_card_inputs(full, rich, tmp_path, name):
    """The card and the exports are made again of the changed field."""

    def change(plain):
        value = plain.get(name, ABSENT.get(name))
        if name in ABSENT:
            plain[name] = value
        elif name in OFFERED:
            plain[name] = {version: names[1:] for version, names in value.items()}
        elif isinstance(value, dict):
            text = next((key for key, one in value.items() if isinstance(one, str)), None)
            plain[name] = {**value, text: other(value[text])} if text else {**value, "ARABIC FATHA: deleted": 77}
        elif isinstance(value, list):
            plain[name] = value[1:] if value else ["0.0.1"]
        else:
            plain[name] = other(value)

    copy = copy_of(rich if name in OFFERED else full, tmp_path / "release")
    edit_json(copy, "facts.json", change)
    render(copy)
    found = recheck(copy)

    assert is_caught(found) or f"facts.json {name}" in listed(found)


@pytest.mark.parametrize("path", ["croissant.json", "masader.json"])
def test_each_field_of_a_description(full, tmp_path, path):
    for name, value in json.loads((full / path).read_bytes()).items():
        copy = copy_of(full, tmp_path / name.replace(":", "-").replace("@", ""))
        edit_json(copy, path, lambda plain, name=name, value=value: plain.update({name: [value]}))
        sign(copy)

        assert f"{path}: `{name}` is not what the rows and facts.json give" in messages(recheck(copy))


def test_parquet_that_names_other_labels_is_found(full, tmp_path):
    import pyarrow.parquet as pq

    copy = copy_of(full, tmp_path / "release")
    path = shard(copy, "entities")
    table = pq.ParquetFile(path).read()
    names = {b"huggingface": table.schema.metadata[b"huggingface"].replace(b'"GPE"', b'"LOC"')}
    pq.write_table(table.replace_schema_metadata(names), path)
    sign(copy)

    assert any("has other label names" in message for message in messages(recheck(copy)))
