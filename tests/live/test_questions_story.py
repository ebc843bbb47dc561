"""A project that asks two questions, from articles to a release on a real Label Studio, with its pages in a browser."""

import json
from collections import Counter

import datasets
import pytest
from playwright.sync_api import expect

from builder.annotation.simulate import parse_knowledge, simulate_answer
from builder.commands.adjudicate import adjudicate
from builder.commands.agree import agree
from builder.commands.audit import audit
from builder.commands.build import build
from builder.commands.check import check
from builder.commands.clean import clean
from builder.commands.collect import collect
from builder.commands.diff import diff
from builder.commands.export import export
from builder.commands.ingest import ingest
from builder.commands.reopen import reopen
from builder.commands.sample import sample
from builder.commands.send import send
from builder.commands.verify import verify
from builder.io.jsonl import read_jsonl
from builder.labelstudio import annotator
from builder.labelstudio.tasks import key_of, result_of
from builder.project.annotations import labelstudio_project_of
from builder.project.corpus import read_articles
from builder.project.project import Project
from builder.records import Answer, Dispute, Gold, Judgement
from tests.asking import QUESTIONS, asking
from tests.conftest import ROOT
from tests.live.page import log_in
from tests.published import no_floors

pytestmark = pytest.mark.live

KNOWLEDGE = parse_knowledge((ROOT / "examples" / "simulation.yaml").read_text(encoding="utf-8"))
MORE = (
    "صحة", "تعليم", "بيئة", "بحر", "صيد", "نقل", "قضاء", "أمن", "سكن", "زراعة", "طاقة", "سياحة", "تقنية", "علوم", "طقس",
    "أخرى",
)  # fmt: skip
"""With the four of tests/asking.py these are twenty topics."""
SIZE = 6


@pytest.fixture
def asked(project, label_studio, monkeypatch):
    """A project that asks for one tone and several of twenty topics, and talks to the session's server."""
    monkeypatch.setenv("LABEL_STUDIO_URL", label_studio.running.url)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", label_studio.running.token)
    asking(no_floors(project))
    labels = project.root / "schema" / "labels.yaml"
    more = "".join(f"      - {{name: topic-{n}, ar: {ar}, en: Topic {n}}}\n" for n, ar in enumerate(MORE, 5))
    labels.write_text(labels.read_text(encoding="utf-8").replace(QUESTIONS, QUESTIONS + more), encoding="utf-8")
    return Project(project.root)


def said_by(who, number):
    """What an annotator answers to the article of a number: topics overlap, and the tone of the first is tied."""
    tone = ("positive", "negative", "even")[who] if number == 0 else ("positive", "even")[number % 2]
    topics = ("politics", "economy", "topic-12")[: who + 1] if number % 2 else ("topic-20",)
    return (Answer("tone", tone), *(Answer("topic", topic) for topic in topics))


def annotate(project, label_studio, batch):
    """Answer every task as three annotators, the articles in the order of their ids."""
    place, labels = labelstudio_project_of(project, batch), project.schema.labels
    articles = {article.id: article for article in read_articles(project)}
    order: list[str] = []
    for who, login in enumerate(label_studio.logins):
        with annotator.log_in(place["url"], *login) as me:
            while (task := me.next_task(int(place["project_id"]))) is not None:
                name = key_of(task["data"])[0]
                order += [name] if name not in order else []
                answer = simulate_answer(articles[name], KNOWLEDGE, labels, who, 13)
                chosen = said_by(who, order.index(name))
                me.submit(
                    task,
                    result_of(answer.spans, answer.stances, task["data"], answers=chosen),
                    seconds=20,
                    skipped=False,
                )
    return order


def open_first(browser, label_studio, url, login):
    """Open the first task of a label stream in a browser."""
    page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
    log_in(page, label_studio.running.url, label_studio.logins[login])
    page.goto(url)
    expect(page.locator(".kh-target").first).to_be_visible(timeout=20_000)
    page.wait_for_timeout(800)
    return page


def test_two_questions_from_articles_to_a_release(asked, label_studio, browser, tmp_path):
    ingest(asked, [ROOT / "examples" / "articles"])
    clean(asked)
    sample(asked, "questions-story", SIZE)
    send(asked, "questions-story", dry_run=False, progress=print)
    place = labelstudio_project_of(asked, "questions-story")
    page = open_first(browser, label_studio, f"{place['url']}/projects/{place['project_id']}/data?labeling=1", 0)
    tone, topic = (page.locator(".kh-target:visible").filter(has_text=text) for text in ("ما نبرة المقال؟", "عمّ يتحدث المقال؟"))  # fmt: skip
    topic.scroll_into_view_if_needed()
    page.screenshot(path=tmp_path / "questions.png")

    assert tone.locator("input[type=radio]").count() == 3
    assert topic.locator("input[type=checkbox]").count() == 20
    assert topic.evaluate("node => getComputedStyle(node).direction") == "rtl"
    assert all(label.bounding_box()["height"] >= 16 for label in topic.locator("label").all())
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), "nothing is cut at the side"
    page.context.close()

    first, *_ = order = annotate(asked, label_studio, "questions-story")
    collect(asked, "questions-story", prune=False)
    found = check(asked)
    figures = {(f.layer, f.label): f for f in agree(asked).figures if f.batch == "all" and not f.between}
    assert len(order) == SIZE
    assert (found.judgements, [i for i in found.issues if i.severity == "error"]) == (3 * SIZE, [])
    assert figures["questions", "tone"].n == figures["questions", "topic"].n == SIZE
    assert 0 < figures["questions", "topic"].value < 1

    sent = adjudicate(asked, send=True).sent
    assert (first, "question:tone") in {
        (d.article_id, d.what) for d in read_jsonl(asked.work / "disputes.jsonl", Dispute)
    }
    page = open_first(browser, label_studio, f"{sent.url}?labeling=1", 0)
    page.screenshot(path=tmp_path / "adjudicate.png")
    page.context.close()
    settle(asked, label_studio, sent.url)
    adjudicate(asked, collect=True)
    golds = {gold.article_id: gold for gold in read_jsonl(asked.work / "gold.jsonl", Gold)}
    assert "question:tone" in golds[first].decided
    released(asked, golds, tmp_path)


def settle(project, label_studio, url):
    """Rule on every page with the first answer that it offers."""
    number = int(url.split("/projects/")[1].split("/")[0])
    with annotator.log_in(label_studio.running.url, *label_studio.logins[0]) as me:
        while (task := me.next_task(number)) is not None:
            opening = [part for one in task["predictions"] for part in one["result"]]
            choices = [
                {"id": f"c{slot}", "from_name": f"stance_{slot}", "to_name": "text", "type": "choices",
                 "value": {"choices": [target["options"][0]["alias"]]}}
                for slot, target in enumerate(task["data"]["targets"]) if target["id"] != "-"
            ]  # fmt: skip
            me.submit(task, [*opening, *choices], seconds=5, skipped=False)


def released(project, golds, tmp_path):
    """Build, verify, compare, export and reopen, and compare each with the gold and the judgements."""
    build(project, "1.0.0")
    folder = project.release("1.0.0")
    rows = [
        row for split in datasets.load_dataset(str(folder), "questions", cache_dir=str(tmp_path / "cache")).values()
        for row in split
    ]  # fmt: skip
    judged = read_jsonl(project.annotations / "questions-story" / "judgements.jsonl", Judgement)
    votes = Counter((one.article_id, answer.question, answer.value) for one in judged for answer in one.answers)
    failed = [one for one in verify(project, str(folder), base=project.root, rehearse=False, progress=print).checks
              if one.state == "failed"]  # fmt: skip
    export(project, "1.0.0", "jsonl", base=project.root, target=tmp_path / "out")
    lines = [json.loads(line) for path in (tmp_path / "out").iterdir() for line in path.read_text(encoding="utf-8").splitlines()]  # fmt: skip
    reopen(project, "1.0.0", base=project.root, batch="again")
    compared = diff(project, "1.0.0", "1.0.0", base=project.root)

    assert failed == []
    assert {(row["article_id"], row["question"]): row["answers"] for row in rows} == {
        (name, question.id): [v for v in question.value_names if Answer(question.id, v) in gold.answers]
        for name, gold in golds.items() for question in project.schema.labels.questions
    }  # fmt: skip
    for row in rows:
        counts = [votes[row["article_id"], row["question"], value] for value in row["values"]]
        assert row["label_counts"] == counts
        assert row["soft_label"] == [count / 3 for count in counts]
    assert {line["id"]: line["answers"] for line in lines if "answers" in line} == {
        name: {row["question"]: row["answers"] for row in rows if row["article_id"] == name} for name in golds
    }
    assert compared.same_tables
    assert "leak" not in {issue.code for issue in audit(str(folder), base=project.root).issues}
