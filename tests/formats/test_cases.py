"""Traps of published files: each case folder has files, a map, and what becomes of them."""

import json

import pytest

from builder.commands.import_ import read_set
from builder.formats.files import read_files
from builder.io.yaml import parse_yaml
from builder.records import KhabarError
from builder.schema.importing import ImportMap
from builder.schema.labels import Labels
from tests.asking import QUESTIONS
from tests.conftest import ROOT
from tests.published import CASES, kind_of

LABELS = parse_yaml((ROOT / "schema" / "labels.yaml").read_text(encoding="utf-8") + QUESTIONS, Labels, "labels.yaml")


def outcome(folder):
    """What a case gives: texts with their mentions as words, answers, accounts, issues; or the errors."""
    rules = parse_yaml((folder / "map.yaml").read_text(encoding="utf-8"), ImportMap, "map.yaml")
    try:
        files = read_files([folder / "input"], kind_of(folder))
        found = read_set(files, kind_of(folder), rules, LABELS)
    except KhabarError as refused:
        return {"exit": refused.exit_code, "issues": [said(issue) for issue in refused.issues]}
    texts = found.articles["text"].to_pylist()
    rows = found.articles.select(["published_id", "split", "annotated", "tokens"]).to_pylist()
    spans = [[] for _ in texts]
    for span in found.spans.to_pylist():
        spans[span["article"]].append([texts[span["article"]][span["start"] : span["end"]], span["label"]])
    made = {
        "articles": [
            {key: value for key, value in row.items() if value not in (None, "")} | {"text": text, "mentions": own}
            for row, text, own in zip(rows, texts, spans, strict=True)
        ],
        "answers": [[*one.values()] for one in found.stances.to_pylist()],
        "chosen": [[*one.values()] for one in found.answers.to_pylist()],
        "changes": [[*one.values()] for one in found.changes.to_pylist()],
        "accounts": [[one.unit, one.taken, one.kept, one.set_aside] for one in found.accounts],
        "issues": [said(issue) for issue in found.issues],
    }
    return {key: value for key, value in made.items() if value or key != "chosen"}


def said(issue):
    return [issue.severity, issue.code, issue.where, issue.message, issue.fix]


@pytest.mark.parametrize("folder", sorted(path.parent for path in CASES.rglob("map.yaml")), ids=lambda path: path.name)
def test_case(folder):
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))

    assert json.loads(json.dumps(outcome(folder))) == expected


@pytest.mark.parametrize("folder", sorted(path.parent for path in CASES.rglob("map.yaml")), ids=lambda path: path.name)
def test_nothing_vanishes(folder):
    made = outcome(folder)

    assert all(taken == kept + sum(aside.values()) for _, taken, kept, aside in made.get("accounts", ()))


def test_each_case_says_what_it_is():
    assert all((folder / "README.md").is_file() for folder in CASES.iterdir())


def test_the_schemes_say_the_same():
    schemes = ("iob1", "iob2", "bioes", "bilou")
    first, *others = [outcome(CASES / "06-schemes" / name)["articles"][0]["mentions"] for name in schemes]

    assert others == [first] * 3


def test_offsets_of_each_unit_give_the_same_mentions():
    units = ("code-points", "utf-16", "bytes")
    first, *others = [outcome(CASES / "11-offsets" / name)["articles"][0]["mentions"] for name in units]

    assert first == [["سامي", "PERS"], ["مرجانة", "LOC"]]
    assert others == [first] * 2
