"""Annotations edited by hand: every bad line is named, and nothing is built."""

import json
import shutil
from dataclasses import replace

import pytest

from builder.commands.build import build
from builder.commands.clean import clean
from builder.commands.ingest import ingest
from builder.commands.init import init
from builder.commands.takedown import takedown
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.project.corpus import read_columns
from builder.project.project import Project
from builder.records import Answer, BatchItem, Decision, Judgement, KhabarError, Passage, Span, SplitAssignment, Stance
from tests.builders import judge, snapshot, walk
from tests.conftest import ROOT

pytestmark = pytest.mark.slow  # each test builds on a project of its own


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A project with a release, to be copied."""
    folder = tmp_path_factory.mktemp("prepared") / "project"
    init(folder, card=str)
    project = Project(folder)
    walk(project, [ROOT / "examples" / "articles"])
    judge(project)
    build(project, "1.0.0")
    return folder


@pytest.fixture
def built(prepared, tmp_path):
    return Project(shutil.copytree(prepared, tmp_path / "project"))


def pilot(project, name):
    return project.annotations / "pilot" / f"{name}.jsonl"


def change(path, record, number, edit):
    """Edit the record on a line, counted from one; all others stay."""
    records = read_jsonl(path, record)
    records[number - 1] = edit(records[number - 1])
    write_jsonl(path, records)


def faults(project):
    """What `build` refuses: places and messages; nothing may have changed in dist/ and annotations/."""
    before = snapshot(project.root / "dist") | snapshot(project.annotations)
    with pytest.raises(KhabarError) as caught:
        build(project, "2.0.0")

    assert snapshot(project.root / "dist") | snapshot(project.annotations) == before
    assert caught.value.exit_code == 2
    assert all(issue.fix for issue in caught.value.issues)
    return [(issue.where.removeprefix("annotations/"), issue.message) for issue in caught.value.issues]


def edit_judgement(project, number, **fields):
    change(pilot(project, "judgements"), Judgement, number, lambda one: replace(one, **fields))


def rows(project):
    return read_columns(project, "articles", ["id", "text"]).to_pylist()


def test_span_outside_the_text(built):
    edit_judgement(built, 3, spans=(Span(5, 2, "PERS"), Span(0, 99_999, "PERS"), Span(0, 4, "PERS")))
    one = read_jsonl(pilot(built, "judgements"), Judgement)[2]
    size = next(
        len(a["text"]) for a in rows(built) if a["id"] == one.article_id
    )  # fmt: skip

    assert faults(built) == [
        ("pilot/judgements.jsonl:3", f"span 5:2 is outside the text of {one.article_id}, which has {size} code points"),
        ("pilot/judgements.jsonl:3", f"span 0:99999 is outside the text of {one.article_id}, which has {size} code points"),
    ]  # fmt: skip


def test_unknown_label_target_and_stance(built):
    edit_judgement(
        built, 2, spans=(Span(0, 4, "PERSON"),), stances=(Stance("harbour", "favor"), Stance("metro", "maybe"))
    )
    labels = built.schema.labels

    assert faults(built) == [
        ("pilot/judgements.jsonl:2", f"unknown label 'PERSON'; schema/labels.yaml has {', '.join(labels.entity_names)}"),
        ("pilot/judgements.jsonl:2", f"unknown target 'harbour'; schema/labels.yaml has {', '.join(labels.target_ids)}"),
        ("pilot/judgements.jsonl:2", "unknown stance 'maybe'; schema/labels.yaml has favor, against, neutral, unrelated, unclear"),
    ]  # fmt: skip


def test_unknown_question_and_answer(built):
    edit_judgement(built, 2, answers=(Answer("tone", "bad"),))

    before = snapshot(built.root / "dist") | snapshot(built.annotations)
    with pytest.raises(KhabarError) as caught:
        build(built, "2.0.0")

    assert snapshot(built.root / "dist") | snapshot(built.annotations) == before
    assert caught.value.exit_code == 1
    assert [issue.message for issue in caught.value.issues] == [
        "build waits: 1 answer is to the question tone, which labels.yaml no longer has"
    ]


def test_label_of_an_older_schema_is_not_left_out_in_silence(built):
    one = read_jsonl(pilot(built, "judgements"), Judgement)[1]
    edit_judgement(built, 2, spans=(*one.spans, Span(0, 4, "PERSON")), schema="01234567")
    with pytest.raises(KhabarError) as caught:
        build(built, "1.0.1")

    assert caught.value.exit_code == 1
    assert [issue.message for issue in caught.value.issues] == [
        "build waits: 1 span has the label PERSON, which labels.yaml no longer has"
    ]


def test_repeated_line_counts_once_and_another_of_the_same_time_is_refused(built):
    build(built, "1.0.1")
    before = (built.release("1.0.1") / "entities").glob("*")
    for name, record in (("judgements", Judgement), ("batch", BatchItem)):
        records = read_jsonl(pilot(built, name), record)
        write_jsonl(pilot(built, name), [*records, records[4]])
    build(built, "1.0.2")
    assert [p.read_bytes() for p in (built.release("1.0.2") / "entities").glob("*")] == [p.read_bytes() for p in before]

    judgements = read_jsonl(pilot(built, "judgements"), Judgement)
    write_jsonl(pilot(built, "judgements"), [*judgements, replace(judgements[4], spans=(), remark="مختلف")])
    ((where, message),) = faults(built)
    assert where == "pilot/judgements.jsonl:92"
    assert message.startswith("contradicts annotations/pilot/judgements.jsonl:5: both lines give annotation")


def test_unknown_split_and_article_in_two_splits(built):
    path = built.annotations / "splits.jsonl"
    lines = read_jsonl(path, SplitAssignment)
    other = "test" if lines[0].split != "test" else "train"
    write_jsonl(path, [lines[0], replace(lines[1], split="dev"), *lines[2:], replace(lines[0], split=other)])

    assert faults(built) == [
        ("splits.jsonl:2", "unknown split 'dev'; known: train, validation, test"),
        (
            "splits.jsonl:31",
            f"contradicts annotations/splits.jsonl:1: both lines give the split of article {lines[0].article_id}",
        ),
    ]


def test_decision_on_unknown_article_or_label(built):
    one = read_jsonl(pilot(built, "judgements"), Judgement)[0]
    valid = Decision(one.article_id, one.text_sha, "lead", (Span(0, 4, "PERS"),), (), "")
    invalid = replace(valid, adjudicator="other", spans=(Span(0, 4, "X"),), stances=(Stance("metro", "maybe"),))
    beyond = replace(valid, adjudicator="third", spans=(), scope=(Passage(0, 10**6),))
    write_jsonl(pilot(built, "decisions"), [valid, replace(valid, article_id="nowhere-0"), invalid, beyond])
    found = faults(built)

    assert [where for where, _ in found] == [f"pilot/decisions.jsonl:{n}" for n in (2, 3, 3, 4)]
    assert [message.split("; ")[0].split(" of ")[0] for _, message in found] == [
        "article nowhere-0 is not in this project", "unknown label 'X'", "unknown stance 'maybe'",
        "span 0:1000000 is outside the text",
    ]  # fmt: skip


def test_each_missing_article_is_named(built):
    items = read_jsonl(pilot(built, "batch"), BatchItem)
    other = Project(built.root.parent / "other")
    init(other.root, card=str)
    shutil.copytree(built.annotations, other.annotations, dirs_exist_ok=True)
    ingest(other, sorted((ROOT / "examples" / "articles").iterdir())[1:])
    clean(other)
    here = {row["id"] for row in rows(other)}
    absent = [(number, item.article_id) for number, item in enumerate(items, 1) if item.article_id not in here]

    assert len(absent) > 5
    with pytest.raises(KhabarError) as caught:
        build(other, "1.0.0")
    assert [(issue.where, issue.message) for issue in caught.value.issues] == [
        (f"annotations/pilot/batch.jsonl:{number}", f"article {article} is not in this project")
        for number, article in absent
    ]
    assert not (other.root / "dist").exists()


def test_all_faults_are_reported_at_once(built, khabar):
    judgements = pilot(built, "judgements").read_bytes().splitlines(keepends=True)
    first = json.loads(judgements[0])
    broken = [
        judgements[0][:50] + b"\n",
        json.dumps(first | {"span": []}).encode() + b"\n",
        json.dumps(first | {"seconds": "ten"}).encode() + b"\n",
        "زيادة".encode("windows-1256") + b"\n",
        json.dumps(first | {"annotation_id": 999, "spans": [{"start": 0, "end": 99_999, "label": "PERS"}]}).encode()
        + b"\n",
    ]
    pilot(built, "judgements").write_bytes(b"".join([*judgements, *broken]))
    splits = built.annotations / "splits.jsonl"
    splits.write_text(splits.read_text(encoding="utf-8").replace('"train"', '"tarin"', 1), encoding="utf-8")
    number = splits.read_text(encoding="utf-8").split("tarin")[0].count("\n") + 1
    before = snapshot(built.root / "dist") | snapshot(built.annotations)

    done = khabar("build", "2.0.0", cwd=built.root)

    places = [line.split(": ")[0] for line in done.stderr.splitlines() if not line.startswith("    ")]
    assert done.returncode == 2
    assert places == [f"annotations/pilot/judgements.jsonl:{n}" for n in range(91, 96)] + [
        f"annotations/splits.jsonl:{number}"
    ]
    assert done.stderr.count("    fix: ") == 6
    assert "Traceback" not in done.stderr
    assert snapshot(built.root / "dist") | snapshot(built.annotations) == before


def test_taken_down_article_may_stay_in_annotations(built):
    one = read_jsonl(pilot(built, "judgements"), Judgement)[0]
    write_jsonl(pilot(built, "decisions"), [Decision(one.article_id, one.text_sha, "lead", (), (), "")])
    takedown(built, one.article_id, "asked for")

    assert build(built, "2.0.0").state == "new"
