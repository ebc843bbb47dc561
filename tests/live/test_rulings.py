"""Disputes go to a real Label Studio with everyone's version, an adjudicator rules there, and gold holds the rulings."""

import itertools
import json
from collections import Counter

import pytest

from builder.annotation.pseudonyms import pseudonym
from builder.annotation.simulate import parse_knowledge, truth
from builder.annotation.simulate import simulate_answer as simulated
from builder.commands.adjudicate import adjudicate
from builder.commands.build import build
from builder.commands.clean import clean
from builder.commands.ingest import ingest
from builder.commands.sample import sample
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.labelstudio import annotator
from builder.labelstudio.tasks import key_of
from builder.project.annotations import read_judgements
from builder.project.corpus import read_articles
from builder.project.project import Project
from builder.records import BatchItem, Decision, Dispute, Gold, Judgement, KhabarError, Stance
from tests.conftest import ROOT
from tests.tables import project_judgements

pytestmark = pytest.mark.live
KNOWLEDGE = parse_knowledge((ROOT / "examples" / "simulation.yaml").read_text(encoding="utf-8"))
NUMBERS = itertools.count(1)
"""Each test has a batch, and so an adjudication project, of its own on the session's server."""
PEOPLE = ("a-0000000001", "a-0000000002", "a-0000000003")


@pytest.fixture
def judged(project, label_studio, monkeypatch):
    """A project whose batch three simulated annotators judged, and which talks to the session's server."""
    monkeypatch.setenv("LABEL_STUDIO_URL", label_studio.running.url)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", label_studio.running.token)
    ingest(project, [ROOT / "examples" / "articles"])
    clean(project)
    sample(project, f"pilot-{next(NUMBERS)}", 16)
    judge(project, PEOPLE)
    return project


def folder_of(project):
    (name,) = project.batches()
    return project.annotations / name


def judge(project, people):
    schema, articles = project.schema, {a.id: a for a in read_articles(project)}
    judgements = []
    for item in read_jsonl(folder_of(project) / "batch.jsonl", BatchItem):
        for number, who in enumerate(people):
            said = simulated(articles[item.article_id], KNOWLEDGE, schema.labels, number, 13)
            judgements.append(Judgement(
                item.article_id, item.text_sha, item.batch, who, said.spans, said.stances, "submitted", said.seconds, "t", "t",
                schema.guideline_version, schema.label_hash, 1, len(judgements),
            ))  # fmt: skip
    write_jsonl(folder_of(project) / "judgements.jsonl", judgements)


def disputes_of(project):
    return read_jsonl(project.work / "disputes.jsonl", Dispute)


def place_of(report):
    url = report.sent.url
    return url, int(url.split("/projects/")[1].split("/")[0])


def tasks_at(label_studio, number):
    return list(label_studio.connection.client.tasks.list(project=number, fields="all", page_size=100))


def rule(label_studio, number, answers, login=0):
    email, password = label_studio.logins[login]
    return annotator.annotate_as(label_studio.running.url, email, password, number, answers)


def test_disputes_are_sent_ruled_on_and_closed(judged, label_studio, answer):
    adjudicate(judged)
    disputes = disputes_of(judged)
    disputed = {dispute.article_id for dispute in disputes}
    kinds = Counter(dispute.what.split(":")[0] for dispute in disputes)
    assert min(kinds["span"], kinds["stance"]) >= 1

    first = adjudicate(judged, *judged.batches(), send=True)
    again = adjudicate(judged, send=True)

    url, number = place_of(first)
    assert place_of(again) == (url, number)
    assert [(a.taken, a.kept) for r in (first, again) for a in r.accounts if a.stage == "disputes"] == [
        (len(disputed), len(disputed)), (len(disputed), 0),
    ]  # fmt: skip
    listed = tasks_at(label_studio, number)
    assert Counter(key_of(task.data)[0] for task in listed) == Counter(disputed)
    assert read_jsonl(folder_of(judged) / "disputed.jsonl", Dispute) == sorted(
        disputes, key=lambda d: (d.article_id, d.what)
    )

    asked = {(d.article_id, d.what) for d in disputes}
    articles = {a.id: a for a in read_articles(judged)}
    right = {name: truth(articles[name], KNOWLEDGE, judged.schema.labels) for name in disputed}
    answers = {name: answer(spans, stances) for name, (spans, stances) in right.items()}
    assert rule(label_studio, number, answers) == len(disputed)
    assert rule(label_studio, number, answers) == 0
    report = adjudicate(judged, collect=True)

    me = pseudonym(judged.pseudonym_key(), label_studio.logins[0][0])
    assert disputes_of(judged) == []
    assert (report.exit_code, report.issues, report.open_disputes) == (0, (), 0)
    golds = {gold.article_id: gold for gold in read_jsonl(judged.work / "gold.jsonl", Gold)}
    for name in disputed:
        spans, stances = right[name]
        gold = golds[name]
        assert gold.source == "adjudicated"
        if any(what.startswith("span:") for article, what in asked if article == name):
            assert {(s.start, s.end, s.label) for s in gold.spans} == {(s.start, s.end, s.label) for s in spans}
        for stance in stances:
            if (name, f"stance:{stance.target}") in asked:
                assert stance in gold.stances
        assert f"decision of {me}" in {one.method for one in gold.confidence}
    assert not any(golds[name].source == "adjudicated" for name in golds.keys() - disputed)
    before = (folder_of(judged) / "decisions.jsonl").read_bytes()
    assert label_studio.logins[0][0].encode() not in before
    adjudicate(judged, collect=True, send=True)
    assert (folder_of(judged) / "decisions.jsonl").read_bytes() == before
    build(judged, "1.0.0")


def test_adjudicator_sees_versions_by_name_only_in_the_list(judged, label_studio):
    _, number = place_of(adjudicate(judged, send=True))
    voters = {j.article_id: {} for j in read_judgements(judged)}
    canonical = project_judgements(judged)
    for judgement in canonical:
        voters[judgement.article_id][judgement.annotator] = {(s.start, s.end, s.label) for s in judgement.spans}

    email, password = label_studio.logins[1]
    with annotator.log_in(label_studio.running.url, email, password) as me:
        streamed = me.next_task(number)
        opened = me.client.get(f"{me.url}/api/tasks/{streamed['id']}", params={"project": number}).json()

    assert streamed["predictions"] == []
    shown = {
        one["model_version"]: {
            (r["value"]["start"], r["value"]["end"], r["value"]["labels"][0])
            for r in one["result"]
            if r["type"] == "labels"
        }
        for one in opened["predictions"]
    }
    assert shown == voters[opened["data"]["article_id"]]


def test_a_second_ruling_replaces_the_first_and_a_decision_by_hand_stays(judged, label_studio, answer):
    _, number = place_of(adjudicate(judged, send=True))
    path = folder_of(judged) / "decisions.jsonl"
    dispute = next(d for d in disputes_of(judged) if d.what.startswith("stance:"))
    target, article_id = dispute.what.removeprefix("stance:"), dispute.article_id
    other = next(a for a in read_articles(judged) if a.id != article_id)
    by_hand = Decision(other.id, other.text_sha, "lead", None, (), "by hand")
    write_jsonl(path, [by_hand])
    client = label_studio.connection.client
    task = next(t for t in tasks_at(label_studio, number) if key_of(t.data)[0] == article_id)
    slot = next(place for place, one in enumerate(task.data["targets"]) if one["id"] == target)
    choice = {
        "id": "c",
        "from_name": f"stance_{slot}",
        "to_name": "text",
        "type": "choices",
        "value": {"choices": ["favor"]},
    }
    made = client.annotations.create(id=task.id, result=[choice])

    adjudicate(judged, collect=True)
    first = read_jsonl(path, Decision)
    client.annotations.update(id=made.id, result=[choice | {"value": {"choices": ["neutral"]}}])
    adjudicate(judged, collect=True)
    second = read_jsonl(path, Decision)

    assert by_hand in first
    assert by_hand in second
    assert len(first) == len(second) == 2
    stances = [next(d for d in found if d.article_id == article_id).stances for found in (first, second)]
    assert stances == [(Stance(target, "favor"),), (Stance(target, "neutral"),)]
    assert dispute.what not in {d.what for d in disputes_of(judged) if d.article_id == article_id}


def test_rulings_are_looked_for_where_disputes_were_sent(judged, khabar):
    (name,) = judged.batches()
    with pytest.raises(KhabarError, match=f"no dispute of batch {name} was sent to an adjudicator"):
        adjudicate(judged, collect=True)
    adjudicate(judged)
    write_jsonl(folder_of(judged) / "disputed.jsonl", disputes_of(judged))
    with pytest.raises(KhabarError, match=f"has no project called 'khabar/demo-news {name} disputes'") as caught:
        adjudicate(judged, collect=True)

    assert caught.value.exit_code == 3
    done = khabar("adjudicate", "--json", cwd=judged.root)
    assert done.returncode == 0
    assert json.loads(done.stdout)["open_disputes"] > 0


def test_isolated_annotators_need_an_adjudication_server(judged, monkeypatch):
    monkeypatch.delenv("LABEL_STUDIO_URL")
    settings = judged.root / "schema" / "dataset.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + "assignment: isolated\n", encoding="utf-8")

    with pytest.raises(KhabarError, match="each annotator has a Label Studio, but adjudicators have none") as caught:
        adjudicate(Project(judged.root), send=True)

    assert caught.value.exit_code == 3
    assert "LABEL_STUDIO_URL" in caught.value.issues[0].fix
    assert not (folder_of(judged) / "disputed.jsonl").exists()
