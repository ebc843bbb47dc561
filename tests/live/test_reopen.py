"""A release goes back to a real Label Studio, its annotators submit what they find there unedited, and it is the same."""

from collections import Counter, defaultdict

import pyarrow.parquet as pq
import pytest

from builder.annotation.pseudonyms import pseudonym
from builder.annotation.quality.repeats import REPEAT_REASON
from builder.annotation.simulate import parse_knowledge
from builder.annotation.simulate import simulate_answer as simulated
from builder.commands import reopen
from builder.commands.adjudicate import adjudicate
from builder.commands.build import build
from builder.commands.clean import clean
from builder.commands.collect import collect
from builder.commands.ingest import ingest
from builder.commands.sample import sample
from builder.commands.send import send
from builder.io.jsonl import read_jsonl
from builder.labelstudio import annotator
from builder.labelstudio.tasks import key_of
from builder.project.annotations import labelstudio_project_of
from builder.project.corpus import read_articles
from builder.records import Judgement
from tests.builders import snapshot
from tests.conftest import ROOT

pytestmark = pytest.mark.live
KNOWLEDGE = parse_knowledge((ROOT / "examples" / "simulation.yaml").read_text(encoding="utf-8"))
SIZE = 6


@pytest.fixture
def released(project, label_studio, monkeypatch):
    """A project whose release was annotated by three people on the session's server."""
    monkeypatch.setenv("LABEL_STUDIO_URL", label_studio.running.url)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", label_studio.running.token)
    settings = project.root / "schema" / "dataset.yaml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("demo-news", "reopened"), encoding="utf-8")
    ingest(project, [ROOT / "examples" / "articles"])
    clean(project)
    sample(project, "first", SIZE)
    send(project, "first", dry_run=False, progress=print)
    articles = {one.id: one for one in read_articles(project)}
    number = int(labelstudio_project_of(project, "first")["project_id"])
    for place, (email, password) in enumerate(label_studio.logins):
        answers = {one: simulated(articles[one], KNOWLEDGE, project.schema.labels, place, 13) for one in articles}
        annotator.annotate_as(label_studio.running.url, email, password, number, answers)
    collect(project, "first", prune=False)
    adjudicate(project)
    build(project, "1.0.0", accept="six articles say too little of agreement")
    return project


def test_what_every_annotator_submits_unedited_builds_the_same_bytes(released, label_studio):
    before = snapshot(released.release("1.0.0"))
    people = {pseudonym(released.pseudonym_key(), email): (email, password) for email, password in label_studio.logins}
    judged = defaultdict(set)
    for one in read_jsonl(released.annotations / "first" / "judgements.jsonl", Judgement):
        if one.status == "submitted":
            judged[one.article_id].add(one.annotator)

    reopen.reopen(released, "1.0.0", base=released.root)
    send(released, "reopen-1-0-0", dry_run=False, progress=print)
    again = send(released, "reopen-1-0-0", dry_run=False, progress=print)

    number = int(labelstudio_project_of(released, "reopen-1-0-0")["project_id"])
    listed = list(label_studio.connection.client.tasks.list(project=number, fields="all", page_size=100))
    found = {key_of(task.data)[0]: {p.model_version: p.result for p in task.predictions} for task in listed}
    assert again.accounts[0].kept == 0
    for article, predictions in found.items():
        assert {*predictions} - {"gold v1.0.0"} == {f"{who} v1.0.0" for who in judged[article]}
    settled = {
        article
        for config, column in (("entities", "id"), ("stance", "article_id"))
        for path in (released.release("1.0.0") / config).glob("*.parquet")
        for article in pq.read_table(path, columns=[column])[column].to_pylist()
    }
    assert {article for article, predictions in found.items() if "gold v1.0.0" in predictions} == settled
    assert len(found) == SIZE >= len(settled) > 2

    submitted = Counter()
    for who, (email, password) in people.items():
        with annotator.log_in(label_studio.running.url, email, password) as at_work:
            while (task := at_work.next_task(number)) is not None:
                own = found[key_of(task["data"])[0]].get(f"{who} v1.0.0")
                at_work.submit(task, own or [], seconds=3.0, skipped=own is None)
                submitted["skipped" if own is None else "said again"] += 1
    collected = collect(released, "reopen-1-0-0", prune=False)
    report = build(released, "1.0.0", accept="six articles say too little of agreement")

    said = sum(map(len, judged.values()))
    assert submitted["said again"] == said > 2 * SIZE
    assert collected.accounts[0].kept == submitted.total()
    assert released.accounts("check")[0].set_aside == {REPEAT_REASON: said}
    assert report.state == "same"
    assert snapshot(released.release("1.0.0")) == before
