"""Questions on whole articles, from labels.yaml to a release that is read back."""

import json
from collections import Counter
from dataclasses import replace

import datasets
import pyarrow.parquet as pq
import pytest

from builder.commands.adjudicate import adjudicate
from builder.commands.agree import agree
from builder.commands.build import build
from builder.commands.check import check
from builder.commands.hydrate import hydrate
from builder.commands.reopen import reopen
from builder.commands.verify import verify
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.project.project import Project
from builder.records import Answer, Decision, Dispute, Gold, Judgement, KhabarError, PublishedAnnotation
from tests.asking import SAID, answers, asking
from tests.builders import judge, walk
from tests.conftest import ROOT

pytestmark = pytest.mark.slow  # each test runs several commands on a project


def answered(project):
    """The project with three annotators' answers to every question; those to the first article are tied."""
    walk(project, [ROOT / "examples" / "articles"], size=20)
    judge(project)
    path = project.annotations / "pilot" / "judgements.jsonl"
    judgements = read_jsonl(path, Judgement)
    first = judgements[0].article_id
    write_jsonl(path, [
        replace(one, answers=answers(*("even", "sport") if (one.article_id, one.annotator) == (first, "a-1")
                                     else SAID[int(one.annotator[-1])]) if one.status == "submitted" else ())
        for one in judgements
    ])  # fmt: skip
    return first


def build_with(project, version):
    check(project)
    adjudicate(project)
    build(project, version, accept="a test")


def rows_of(folder, config):
    """The rows of a config of a release, split after split."""
    return [row for path in sorted((folder / config).iterdir()) for row in pq.read_table(path).to_pylist()]


@pytest.fixture
def asked(project):
    asking_project = asking(project)
    answered(asking_project)
    return asking_project


def test_questions_go_from_judgements_to_a_verified_release(asked):
    first = read_jsonl(asked.annotations / "pilot" / "judgements.jsonl", Judgement)[0].article_id
    check(asked)
    adjudicate(asked)
    golds = {gold.article_id: gold for gold in read_jsonl(asked.work / "gold.jsonl", Gold)}
    disputes = {(d.article_id, d.what): d.answers for d in read_jsonl(asked.work / "disputes.jsonl", Dispute)}

    assert disputes[first, "question:tone"] == {"a-0": "positive", "a-1": "even", "a-2": "negative"}
    assert Answer("topic", "economy") in golds[first].answers
    full = next(gold for gold in golds.values() if gold.annotators == 3 and gold.article_id != first)
    assert full.answers == answers("positive", "economy", "politics")

    build(asked, "1.0.0", accept="a test")
    folder = asked.release("1.0.0")
    by_id = {row["id"]: row for row in rows_of(folder, "questions")}
    tone, topic = by_id[f"{full.article_id}:tone"], by_id[f"{full.article_id}:topic"]

    assert f"{first}:tone" not in by_id
    assert (tone["answers"], tone["label_counts"], tone["n_annotators"]) == (["positive"], [2, 1, 0], 3)
    assert (topic["answers"], topic["label_counts"]) == (["politics", "economy"], [3, 2, 1, 0])
    assert topic["values"] == ["politics", "economy", "sport", "culture"]
    assert topic["soft_label"] == [1.0, 2 / 3, 1 / 3, 0.0]
    assert topic["confidence"] == 2 / 3
    assert json.loads((folder / "MANIFEST.json").read_text())["format"] == 4
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert (
        "| `topic` | What the article is about | one or several | `culture` | ثقافة | Culture | 0 | 0 | 0 | 0 |" in card
    )
    assert "Passonneau 2006" in card
    published = Counter(
        tuple((a["question"], a["value"]) for a in row["answers"]) for row in rows_of(folder, "annotations")
    )
    assert published[("tone", "positive"), ("topic", "economy"), ("topic", "politics")] > 3
    report = verify(asked, str(folder), base=asked.root, rehearse=False, progress=print)
    found = {check.name: (check.state, check.said) for check in report.checks}

    assert not [name for name, (state, _) in found.items() if state == "failed"]
    assert found["agreement"][0] == "done"


def test_a_decision_settles_a_question(asked):
    first = read_jsonl(asked.annotations / "pilot" / "judgements.jsonl", Judgement)[0]
    decided = answers("even", "culture")
    write_jsonl(
        asked.annotations / "pilot" / "decisions.jsonl",
        [Decision(first.article_id, first.text_sha, "a-9", answers=decided)],
    )
    adjudicate(asked)
    (gold,) = (g for g in read_jsonl(asked.work / "gold.jsonl", Gold) if g.article_id == first.article_id)

    assert (gold.answers, gold.decided) == (decided, ("question:tone", "question:topic"))
    assert {sure.what: sure.method for sure in gold.confidence if sure.what.startswith("question:")} == {
        "question:tone": "decision of a-9", "question:topic": "decision of a-9",
    }  # fmt: skip


def test_agreement_names_each_question(asked):
    figures = {(f.layer, f.label, f.measure): f for f in agree(asked).figures}

    assert figures["questions", "tone", "Krippendorff's alpha, nominal"].n == 20
    assert figures["questions", "topic", "Krippendorff's alpha, MASI"].unit == "articles answered by two"


def test_a_floor_of_questions_stops_a_build_until_it_is_accepted(asked):
    settings = asked.root / "schema" / "dataset.yaml"
    lines = "floors: {span_f1: null, stance_alpha: null, question_alpha: 0.5}\n"
    settings.write_text(settings.read_text(encoding="utf-8").split("floors:")[0] + lines, encoding="utf-8")
    strict = Project(asked.root)
    check(strict)
    adjudicate(strict)
    measured = agree(strict)
    with pytest.raises(KhabarError) as caught:
        build(strict, "1.0.0")
    build(strict, "1.0.0", accept="a pilot")
    card = (strict.release("1.0.0") / "README.md").read_text(encoding="utf-8")

    said = [issue.message for issue in measured.issues if issue.code == "below-floor"]
    assert measured.exit_code == caught.value.exit_code == 1
    assert [(issue.code, issue.message) for issue in caught.value.issues] == [("below-floor", one) for one in said]
    assert [one.split(":")[0] for one in said] == [
        "Krippendorff's alpha, nominal, question tone", "Krippendorff's alpha, MASI, question topic",
    ]  # fmt: skip
    assert "question topic" in card
    assert "> a pilot" in card


def test_a_question_and_a_value_that_are_gone_are_one_line_each_until_they_are_back(asked):
    path = asked.root / "schema" / "labels.yaml"
    before = path.read_text(encoding="utf-8")
    named = "      - {name: sport, ar: رياضة, en: Sport}\n"
    path.write_text(before.replace(named, "").replace("id: tone", "id: mood"), encoding="utf-8")
    given = [
        answer
        for one in read_jsonl(asked.annotations / "pilot" / "judgements.jsonl", Judgement)
        for answer in one.answers
    ]
    number = Counter("tone" if one.question == "tone" else one.value for one in given)
    said = [
        f"{number['sport']} answers are sport to the question topic, which labels.yaml no longer has",
        f"{number['tone']} answers are to the question tone, which labels.yaml no longer has",
    ]
    found = [issue for issue in check(Project(asked.root)).issues if issue.severity == "error"]
    with pytest.raises(KhabarError) as caught:
        build(Project(asked.root), "1.0.0")

    assert [issue.message for issue in found if issue.code != "question-missing"] == said
    assert [issue.message for issue in caught.value.issues] == [f"build waits: {one}" for one in said]
    assert caught.value.exit_code == 1
    path.write_text(before, encoding="utf-8")
    assert not [issue for issue in check(Project(asked.root)).issues if issue.severity == "error"]


def test_a_value_that_is_added_leaves_earlier_answers_whole(asked):
    build_with(asked, "1.0.0")
    path = asked.root / "schema" / "labels.yaml"
    grown = "      - {name: science, ar: علوم, en: Science}\n"
    path.write_text(path.read_text(encoding="utf-8") + grown, encoding="utf-8")
    later = Project(asked.root)

    assert not [issue for issue in check(later).issues if issue.severity == "error"]
    build_with(later, "2.0.0")
    assert {tuple(row["values"])[-1] for row in rows_of(later.release("2.0.0"), "questions")} == {"even", "science"}


def test_a_reopened_release_shows_its_answers(asked):
    build_with(asked, "1.0.0")
    reopen(asked, "1.0.0", base=asked.root, batch="again")
    lines = read_jsonl(asked.annotations / "again" / "predictions.jsonl", PublishedAnnotation)

    of_gold = {one.answers for one in lines if one.who == "gold"}
    of_first = tuple(Answer("topic", topic) for topic in ("economy", "politics", "sport"))

    assert of_gold == {answers("positive", "economy", "politics"), of_first}
    assert answers("negative", "economy", "politics", "sport") in {one.answers for one in lines if one.who == "a-2"}


def test_a_card_without_the_questions_is_refused(asked):
    card = asked.root / "dataset_card.md"
    card.write_text(card.read_text(encoding="utf-8").replace("{{questions}}", ""), encoding="utf-8")
    with pytest.raises(KhabarError) as caught:
        build_with(asked, "1.0.0")

    assert [(i.message, i.fix) for i in caught.value.issues] == [
        ("the card must show the questions of labels.yaml with their answers", "add {{questions}} to the card")
    ]


def test_without_questions_a_project_says_nothing_of_them(project):
    walk(project, [ROOT / "examples" / "articles"], size=20)
    judge(project)
    build_with(project, "1.0.0")
    folder = project.release("1.0.0")
    said = (project.annotations / "pilot" / "judgements.jsonl").read_text() + (project.work / "gold.jsonl").read_text()

    assert '"answers": []' not in said
    assert "questions" not in json.loads((folder / "facts.json").read_text())["labels"]
    assert json.loads((folder / "MANIFEST.json").read_text())["format"] == 2
    assert not (folder / "questions").exists()
    assert "answers" not in pq.read_schema(next((folder / "annotations").iterdir())).names


def test_a_stand_off_edition_gives_the_rows_back(asked, tmp_path):
    build_with(asked, "1.0.0")
    settings = asked.root / "schema" / "dataset.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + "text: standoff\n", encoding="utf-8")
    apart = Project(asked.root)
    build_with(apart, "2.0.0")
    hydrate(apart, "2.0.0", [ROOT / "examples" / "articles"], base=tmp_path, to=tmp_path / "back")
    full, standoff, back = (
        rows_of(folder, "questions") for folder in (asked.release("1.0.0"), apart.release("2.0.0"), tmp_path / "back")
    )

    assert back == full
    assert "text" not in standoff[0]
    assert [row["answers"] for row in standoff] == [row["answers"] for row in full]


def test_another_answer_is_a_major_change(asked):
    build_with(asked, "1.0.0")
    path = asked.annotations / "pilot" / "judgements.jsonl"
    write_jsonl(path, [
        replace(one, answers=answers("negative", "politics")) if one.annotator != "a-2" and one.answers else one
        for one in read_jsonl(path, Judgement)
    ])  # fmt: skip
    with pytest.raises(KhabarError) as caught:
        build_with(asked, "1.0.1")

    (issue,) = caught.value.issues
    assert "1.0.1 requires a major version bump from 1.0.0" in issue.message
    assert "rows of questions with another answers" in issue.message


def test_load_dataset_reads_the_questions(asked, tmp_path):
    build_with(asked, "1.0.0")
    dataset = datasets.load_dataset(str(asked.release("1.0.0")), "questions", split="train", cache_dir=str(tmp_path))

    assert {row["question"] for row in dataset} == {"tone", "topic"}
    assert dataset.features["answers"].feature.dtype == "string"
