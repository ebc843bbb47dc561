"""Published answers to questions on whole texts: imported, measured, released, exported and imported again."""

import json

import pytest

from builder.commands.adjudicate import adjudicate
from builder.commands.agree import agree
from builder.commands.build import build
from builder.commands.check import check
from builder.commands.export import export
from builder.commands.import_ import import_set
from builder.commands.verify import verify
from builder.io.jsonl import read_jsonl
from builder.project.corpus import read_articles
from builder.project.imports.predictions import predict_imported
from builder.records import Decision, Gold, Judgement, Stance
from tests.asking import answers, asking
from tests.builders import fresh
from tests.published import no_floors, put

pytestmark = pytest.mark.slow  # each test runs several commands on a project

FLAGS = """\
id,text,tone,politics,economy,sport
1,وافق المجلس على ميزانية الميناء,good,1,1,0
2,فازت مرجانة في المباراة,good,0,0,1
3,أقيم المعرض في الساحة,bad,0,0,0
"""

FLAG_RULES = """\
table: {text: text, id: id}
questions:
  tone: {columns: [tone], values: {good: positive, bad: negative}}
  topic: {flags: {politics: politics, economy: economy, sport: sport}, nothing: culture}
"""

PEOPLE = """\
id,text,tone_1,topic_1,tone_2,topic_2
1,وافق المجلس على ميزانية الميناء,positive,politics+economy,positive,economy
2,فازت مرجانة في المباراة,even,sport,negative,sport
3,أقيم المعرض في الساحة,even,culture,even,culture
"""

PEOPLE_RULES = """\
role: judgement
table: {text: text, id: id, annotators: {ali: [tone_1, topic_1], mona: [tone_2, topic_2]}}
questions:
  tone: {columns: [tone_1, tone_2]}
  topic: {columns: [topic_1, topic_2], separator: +}
"""


@pytest.fixture
def bare(project):
    return no_floors(asking(project))


def run(project, rules, content, kind="table", name="train__csv"):
    folder, where = put(project, rules, **{name: content})
    return import_set(project, [folder], kind, where)


def released(project):
    check(project)
    adjudicate(project)
    build(project, "1.0.0")
    return project.release("1.0.0")


def test_gold_answers_become_a_verified_release_without_mentions_or_stances(bare):
    report = run(bare, FLAG_RULES, FLAGS)
    released(bare)
    found = {
        one.name: one.state
        for one in verify(bare, str(bare.release("1.0.0")), base=bare.root, rehearse=False, progress=print).checks
    }
    said = {one.answers for one in read_jsonl(bare.annotations / "press" / "decisions.jsonl", Decision)}

    assert (report.articles, report.mentions, report.stances, report.answers) == (3, 0, 0, 7)
    assert said == {
        answers("positive", "economy", "politics"), answers("positive", "sport"), answers("negative", "culture"),
    }  # fmt: skip
    assert not [name for name, state in found.items() if state == "failed"]
    assert sorted(path.name for path in bare.release("1.0.0").iterdir() if path.is_dir()) == [
        "articles", "assets", "questions",
    ]  # fmt: skip


def test_answers_go_out_and_come_in_again(bare, tmp_path):
    run(bare, FLAG_RULES, FLAGS)
    released(bare)
    report = export(bare, "1.0.0", "jsonl", base=bare.root, target=tmp_path / "out")
    first, *_ = lines = (tmp_path / "out" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    other = no_floors(asking(fresh(tmp_path / "other")))
    rules = "questions: {tone: {columns: [answers.tone]}, topic: {columns: [answers.topic]}}\n"
    run(other, rules, "\n".join(lines), "jsonl", "train__jsonl")

    assert report.files == 1
    assert json.loads(first) == {
        "id": "1", "text": "وافق المجلس على ميزانية الميناء",
        "answers": {"tone": ["positive"], "topic": ["politics", "economy"]},
    }  # fmt: skip
    assert answers_of(other) == answers_of(bare)


def answers_of(project):
    adjudicate(project)
    return sorted(gold.answers for gold in read_jsonl(project.work / "gold.jsonl", Gold))


def test_columns_of_annotators_are_measured_and_settled(bare):
    run(bare, PEOPLE_RULES, PEOPLE)
    judgements = read_jsonl(bare.annotations / "press" / "judgements.jsonl", Judgement)
    figures = {(f.layer, f.label): f for f in agree(bare).figures if f.batch == "all" and not f.between}
    adjudicate(bare)

    assert len({one.annotator for one in judgements}) == 2
    assert len(judgements) == 6
    assert figures["questions", "tone"].n == figures["questions", "topic"].n == 3
    assert figures["questions", "topic"].value < 1
    assert answers("even", "culture") in {gold.answers for gold in read_jsonl(bare.work / "gold.jsonl", Gold)}
    assert not [issue for issue in check(bare).issues if issue.severity == "error"]


def test_predicted_answers_are_kept_as_predictions(bare):
    run(bare, f"role: prediction\n{FLAG_RULES}", FLAGS)

    assert not (bare.annotations / "press" / "decisions.jsonl").exists()
    assert '"value": "culture"' in (bare.annotations / "press" / "imported.jsonl").read_text(encoding="utf-8")


def test_gold_answers_and_stances_are_shown_as_pre_annotations(bare):
    stances = FLAG_RULES.replace("id: id}", "id: id, stances: {metro: [stance]}}")
    header, *rows = FLAGS.splitlines()
    one, two, three = (f"{row},favor" for row in rows)
    run(bare, stances, "\n".join([f"{header},stance", one, two.replace("مرجانة", "مترو العاصمة"), three]))
    articles = read_articles(bare)
    named = next(article.id for article in articles if "مترو العاصمة" in article.text)
    predicted = predict_imported(bare, "press", articles)

    assert predicted.of(named).answers == answers("positive", "sport")
    assert predicted.of(named).stances == (Stance("metro", "favor"),)
    assert {one.reason for one in predicted.unused} == {"the article is not asked about the target"}
    assert len(predicted.unused) == 2
    assert len(predicted.articles) == 3
    assert predicted.of("nothing") is None
