"""The draft of a map: what it sees, and that it is a map once a person has decided."""

import pytest

from builder.formats.draft import draft_map
from builder.formats.files import read_files
from builder.formats.published import InputFile
from builder.io.yaml import parse_yaml
from builder.records import KhabarError
from builder.schema import load_schema
from builder.schema.importing import ImportMap
from builder.schema.labels import Labels
from tests.asking import QUESTIONS
from tests.conftest import ROOT, SHARED
from tests.published import CASES, kind_of

LABELS = load_schema(ROOT / "schema").labels


def decided(text):
    """The map of a draft in which a person wrote a licence, and PERS for every open label."""
    licence = text.replace('text: "?", annotations: "?"', "text: cc0-1.0, annotations: cc0-1.0").replace(
        '{"?": ', "{metro: "
    )
    return parse_yaml(licence.replace('"?"', "PERS"), ImportMap, "import.yaml")


def conll(text, name="press.txt"):
    return decided(draft_map("conll", "press", [InputFile(name, text.encode())], LABELS))


@pytest.mark.parametrize("folder", sorted(path.parent for path in CASES.rglob("map.yaml")), ids=lambda path: path.name)
def test_a_draft_of_each_case_is_a_map(folder):
    if folder.name == "15-wrong-format":
        pytest.skip("it is of no format")
    files = read_files([folder / "input"], kind_of(folder))

    assert decided(draft_map(kind_of(folder), "press", files, LABELS)).name == "press"


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("ا I-PER\nب O\nج I-LOC\nد O\nه I-PER\n", "iob1"), ("ا B-PER\nب I-PER\nج O\n", "iob2"),
        ("ا B-PER\nب E-PER\nج O\nد S-LOC\n", "bioes"), ("ا B-PER\nب L-PER\nج O\nد U-LOC\n", "bilou"), ("ا PER\nب O\nج LOC\n", "bare"),
    ],
)  # fmt: skip
def test_the_scheme_is_seen(text, scheme):
    assert conll(text).conll.scheme == scheme


def test_separators_columns_and_articles_are_seen():
    tabs = conll("ا\tNN\tB-PER\nب\tNN\tO\n\nج\tNN\tO\n")
    nested = conll("ا B-PER I-ORG\nب O\nج B-PER\nد O\nه O\n")
    commas = conll("word,tag\nا,B-PER\nب,O\n", "press.csv")
    documents = conll("-DOCSTART- O\n\nا B-PER\nب O\n")

    assert (tabs.conll.separator, tabs.conll.tags, tabs.articles) == ("tab", (2,), "sentence")
    assert (nested.conll.tags, nested.conll.sentence_ends) == ("rest", "stop")
    assert (commas.conll.separator, commas.conll.header) == ("comma", True)
    assert documents.articles == "docstart"


def test_odd_tags_are_drafted_with_what_they_most_likely_mean():
    rules = conll("ا B-PER\nب I-PER\nج O\nد O\nه O\n" * 9 + "و OO\nز I--PER\nح IX\n")

    assert rules.tags == {"I--PER": "I-PER", "IX": "PERS", "OO": "O"}
    assert rules.labels == {"PER": "PERS"}


@pytest.mark.parametrize(
    ("kind", "name", "content", "message"),
    [
        ("conll", "a.txt", "هذا نص\nبلا وسوم\n", "no column holds tags such as B-PER and O"),
        (
            "labelstudio",
            "a.json",
            "{",
            "not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        ),
        ("conll", "a.txt", "", "no column holds tags such as B-PER and O"),
    ],
)
def test_files_of_another_format_are_refused(kind, name, content, message):
    with pytest.raises(KhabarError) as caught:
        draft_map(kind, "press", [InputFile(name, content.encode())], LABELS)

    assert [(issue.where, issue.message) for issue in caught.value.issues] == [(name, message)]


@pytest.mark.shared
def test_the_odd_tags_of_aqmar_are_seen():
    rules = decided(draft_map("conll", "aqmar", read_files([SHARED / "entities" / "aqmar"], "conll"), LABELS))

    assert {*rules.tags} == {
        "B-MIS1`", "B-MISS1", "I--ORG", "IO", "OO", "B-ENGLISH", "B-SPANISH", "B-MIS-1", "B-MIS-2",
    }  # fmt: skip
    assert {*rules.labels} == {"PER", "LOC", "ORG", "MIS", "MIS0", "MIS1", "MIS2", "MIS3"}


def asking(kind, name, content):
    """The questions of the draft of a map, in a project that asks about tone and topic."""
    text = (ROOT / "schema" / "labels.yaml").read_text(encoding="utf-8") + QUESTIONS
    draft = draft_map(kind, "press", [InputFile(name, content.encode())], parse_yaml(text, Labels, "labels.yaml"))
    return {question: form.model_dump(exclude_defaults=True) for question, form in decided(draft).questions.items()}


def test_columns_that_answer_questions_are_seen():
    table = "id,text,tone,topics\n1,وافق المجلس,even,politics+economy\n2,فازت مرجانة,positive,sport\n"
    flags = "id,text,politics,sport\n1,وافق المجلس,1,0\n2,فازت مرجانة,0,1\n3,عاد,0,0\n"
    lines = (
        '{"text": "وافق المجلس", "labels": ["politics", "economy"], "tone": "even"}\n{"text": "عاد", "labels": []}\n'
    )

    assert asking("table", "a.csv", table) == {
        "tone": {"columns": ("tone",)}, "topic": {"columns": ("topics",), "separator": "+"},
    }  # fmt: skip
    assert asking("table", "a.csv", flags) == {"topic": {"flags": {"politics": "politics", "sport": "sport"}}}
    assert asking("jsonl", "a.jsonl", lines) == {"tone": {"columns": ("tone",)}, "topic": {"columns": ("labels",)}}
