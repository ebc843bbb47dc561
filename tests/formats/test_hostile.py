"""Files of strangers: huge cells, deep nesting, endless digits, links that lead away, names that clash."""

import json

import pytest

from builder.commands.import_ import read_set
from builder.formats.files import read_files
from builder.formats.published import InputFile
from builder.io.yaml import parse_yaml
from builder.records import KhabarError
from builder.schema import load_schema
from builder.schema.importing import ImportMap
from tests.conftest import ROOT
from tests.published import HEAD

LABELS = load_schema(ROOT / "schema").labels
RULES = "labels: {PER: PERS}\ntable: {text: text, id: id, stances: {metro: [a]}}\n"
RULE_MAP = parse_yaml(HEAD.format(name="press") + RULES, ImportMap, "import.yaml")
NUL, BOM = "\N{NULL}", "\N{ZERO WIDTH NO-BREAK SPACE}"


def read(kind, **files):
    named = [InputFile(name.replace("__", "."), content.encode()) for name, content in files.items()]
    return read_set(named, kind, RULE_MAP, LABELS)


def faults(kind, **files):
    with pytest.raises(KhabarError) as caught:
        read(kind, **files)
    return [(issue.where, issue.message) for issue in caught.value.issues]


def test_a_cell_may_be_larger_than_the_limit_of_csv():
    found = read("table", train__csv=f"id,text,a\n1,{'ع' * 200_000},favor\n")

    assert [len(text) for text in found.articles["text"].to_pylist()] == [200_000]


def test_a_column_that_stands_twice_is_refused():
    assert faults("table", train__csv="id,text,a,a\n1,نص,favor,against\n") == [
        ("train.csv:1", "the column 'a' stands 2 times")
    ]


def test_records_that_no_parser_takes_are_listed_by_line():
    lines = ['{"text": ' + "[" * 100_000 + "]" * 100_000 + "}", '{"text": ' + "9" * 5000 + "}", "[1]", '{"text": "x"']

    assert faults("jsonl", a__jsonl="\n".join(["", *lines])) == [
        ("a.jsonl:2", "JSON that is nested too deeply"),
        ("a.jsonl:3", "not JSON: Exceeds the limit (4300 digits) for integer string conversion: value has 5000 digits"),
        ("a.jsonl:4", "not a JSON object"),
        ("a.jsonl:5", "not JSON: Expecting ',' delimiter: line 1 column 13 (char 12)"),
    ]
    assert faults("jsonl", a__json="[" * 100_000) == [("a.json", "JSON that is nested too deeply")]


def test_a_brat_file_may_begin_with_a_mark_of_its_encoding_and_has_no_endless_offsets():
    found = read("brat", a__txt="زار سامي", a__ann=f"{BOM}T1\tPER 4 8\tسامي\n")

    assert found.spans.num_rows == 1
    ((where, message),) = faults("brat", a__txt="زار سامي", a__ann=f"T1\tPER 4 {'9' * 5000}\tسامي\n")
    assert where == "a.ann:1"
    assert "is no line of brat" in message


@pytest.mark.parametrize(
    ("kind", "files", "unit"),
    [
        ("conll", {"train__txt": f"عا{NUL}د O\nسامي B-PER\n"}, "tokens"),
        ("table", {"train__csv": f"id,text,a\n1,نص{NUL} جيد,favor\n"}, "texts"),
        ("jsonl", {"a__jsonl": json.dumps({"text": f"نص{NUL} جيد", "label": []})}, "texts"),
        ("brat", {"a__txt": f"نص{NUL} جيد", "a__ann": ""}, "texts"),
    ],
)
def test_control_characters_are_named(kind, files, unit):
    said = [issue.message for issue in read(kind, **files).issues if issue.code == "control"]

    assert [one.split(":")[0] for one in said] == [f"{unit} with control characters, which some servers refuse"]


def test_a_link_in_a_folder_does_not_lead_out_of_it(tmp_path):
    (tmp_path / "secret.txt").write_text("كلمة السر", encoding="utf-8")
    folder = tmp_path / "brat"
    folder.mkdir()
    (folder / "b.txt").write_text("زار سامي", encoding="utf-8")
    (folder / "c.txt").symlink_to(folder / "b.txt")
    assert [file.name for file in read_files([folder], "brat")] == ["b.txt", "c.txt"]

    (folder / "a.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(KhabarError, match="1 links lead out of the folder"):
        read_files([folder], "brat")


def test_files_of_one_name_are_named_by_what_they_have_in_common(tmp_path):
    for name in ("train", "dev"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text("زار سامي", encoding="utf-8")

    assert [file.name for file in read_files([tmp_path / "train", tmp_path / "dev"], "brat")] == [
        "train/a.txt",
        "dev/a.txt",
    ]


@pytest.mark.parametrize(
    "rules", ["a: &a [x]\nb: [*a, *a]\n", "name: " + "[" * 50 + "]" * 50, "name: ../../evil\n", "- 1\n"]
)
def test_hostile_maps_are_refused(rules):
    with pytest.raises(KhabarError) as caught:
        parse_yaml(rules, ImportMap, "import.yaml")

    assert caught.value.exit_code == 2
