"""Disputes go to a real Label Studio as questions beside settled mentions, an adjudicator rules, and gold holds it."""

import itertools
import json
import random
import secrets
import shutil
import signal
import time
from collections import Counter
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from builder.annotation.adjudication.asked import OTHER
from builder.annotation.adjudication.decisions import NONE
from builder.annotation.pseudonyms import pseudonym
from builder.annotation.simulate import parse_knowledge
from builder.annotation.simulate import simulate_answer as simulated
from builder.commands.adjudicate import EARLIER_PROJECT, PROJECT, adjudicate
from builder.commands.build import build
from builder.commands.clean import clean
from builder.commands.ingest import ingest
from builder.commands.sample import sample
from builder.commands.schema_migrate import migrate
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.labelstudio import annotator, client
from builder.labelstudio.api.projects import find_project
from builder.labelstudio.config import render_config
from builder.labelstudio.tasks import key_of, result_of, task_of
from builder.project.annotations import read_asked
from builder.project.corpus import read_articles
from builder.project.migration.state import note_versions
from builder.project.project import Project
from builder.project.services import project_mark
from builder.records import BatchItem, Decision, Dispute, Gold, Judgement, KhabarError, Span, mark_set
from tests.asking import answers, asking
from tests.conftest import DAY, ROOT, drawn
from tests.live.child import child_of
from tests.live.page import drag_over, log_in

pytestmark = pytest.mark.live
KNOWLEDGE = parse_knowledge((ROOT / "examples" / "simulation.yaml").read_text(encoding="utf-8"))
NUMBERS = itertools.count(1)
"""Each test has a batch, and so an adjudication project, of its own on the session's server."""
PEOPLE = ("a-0000000001", "a-0000000002")
KEYS = "qwertasdfgzxcvbyiophjklnm"


@pytest.fixture
def judged(project, label_studio, monkeypatch):
    """A project whose batch two simulated annotators judged, and which talks to the session's server."""
    monkeypatch.setenv("LABEL_STUDIO_URL", label_studio.running.url)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", label_studio.running.token)
    ingest(project, [ROOT / "examples" / "articles"])
    clean(project)
    sample(project, f"pilot-{next(NUMBERS)}", 16)
    judge(project, PEOPLE)
    return project


@pytest.fixture
def open_page(browser, label_studio):
    """Open an adjudication project as its adjudicator: the stream, or a task of the list."""
    contexts = []

    def opened(url, road, login=0):
        context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="en-US")
        contexts.append(context)
        page = context.new_page()
        log_in(page, label_studio.running.url, label_studio.logins[login])
        page.goto(f"{url}?labeling=1" if road == "stream" else url)
        if road == "list":
            page.locator("[class*=row-wrapper]").first.click(timeout=20_000)
        expect(page.locator(".kh-target").first).to_be_visible(timeout=20_000)
        page.wait_for_timeout(800)
        return page

    yield opened
    for context in contexts:
        context.close()


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


def golds_of(project):
    return {gold.article_id: gold for gold in read_jsonl(project.work / "gold.jsonl", Gold)}


def place_of(report):
    url = report.sent.url
    return url, int(url.split("/projects/")[1].split("/")[0])


def tasks_at(label_studio, number):
    return list(label_studio.connection.client.tasks.list(project=number, fields="all", page_size=100))


def choices(data, pick):
    """The results of answering each question with what `pick` chooses of its answers."""
    return [
        {"id": f"c{slot}", "from_name": f"stance_{slot}", "to_name": "text", "type": "choices",
         "value": {"choices": [pick([option["alias"] for option in target["options"]])]}}
        for slot, target in enumerate(data["targets"]) if target["id"] != "-"
    ]  # fmt: skip


def rule(label_studio, number, pick, login=0, most=None):
    """Answer pages of the stream, all or at most a number, as the browser would, starting from what they open with."""
    done = 0
    with annotator.log_in(label_studio.running.url, *label_studio.logins[login]) as me:
        while done != most and (task := me.next_task(number)) is not None:
            opening = [part for one in task["predictions"] for part in one["result"]]  # none where a send was killed
            me.submit(task, [*opening, *choices(task["data"], pick)], seconds=5, skipped=False)
            done += 1
    return done


def first_mark(answers):
    return answers[0]


def test_disputes_are_sent_ruled_on_and_closed(judged, label_studio):
    adjudicate(judged)
    disputes, before = disputes_of(judged), golds_of(judged)
    kinds = Counter(dispute.what.split(":")[0] for dispute in disputes)
    assert min(kinds["span"], kinds["stance"]) >= 1

    first = adjudicate(judged, *judged.batches(), send=True)
    again = adjudicate(judged, send=True)

    url, number = place_of(first)
    assert place_of(again) == (url, number)
    (name,) = judged.batches()
    pages = read_asked(judged, name)
    assert sorted((q.article_id, q.what) for page in pages for q in page.questions) == sorted(
        (d.article_id, d.what) for d in disputes
    )
    assert [(a.taken, a.kept) for r in (first, again) for a in r.accounts if a.stage == "disputes"] == [
        (len(pages), len(pages)), (len(pages), 0),
    ]  # fmt: skip
    assert rule(label_studio, number, first_mark) == len(pages)
    report = adjudicate(judged, collect=True)

    me = pseudonym(judged.pseudonym_key(), label_studio.logins[0][0])
    assert disputes_of(judged) == []
    assert (report.exit_code, report.issues, report.open_disputes) == (0, (), 0)
    asked = {(d.article_id, d.what): min({*d.answers.values()} - {NONE}) for d in disputes if d.what.startswith("span")}
    for article_id, gold in golds_of(judged).items():
        ruled = {
            (*map(int, what.split(":")[1:]), answer)
            for (article, what), answer in asked.items()
            if article == article_id
        }
        assert mark_set(before[article_id].spans) <= mark_set(gold.spans)
        assert mark_set(gold.spans) - mark_set(before[article_id].spans) == ruled
        assert {what for article, what in asked if article == article_id} == {
            w for w in gold.decided if w.startswith("span")
        }
        assert (f"decision of {me}" in {one.method for one in gold.confidence}) == bool(gold.decided)
    lines = (folder_of(judged) / "decisions.jsonl").read_bytes()
    assert label_studio.logins[0][0].encode() not in lines
    adjudicate(judged, collect=True, send=True)
    assert (folder_of(judged) / "decisions.jsonl").read_bytes() == lines
    build(judged, "1.0.0")


@pytest.mark.parametrize("road", ["stream", "list"])
def test_page_opens_with_settled_mentions_and_is_answered_by_keys(judged, label_studio, open_page, road, tmp_path):
    url, number = place_of(adjudicate(judged, send=True))
    before = golds_of(judged)
    (name,) = judged.batches()
    first, *_ = read_asked(judged, name)

    page = open_page(url, road)
    page.screenshot(path=tmp_path / f"{road}.png")
    shown = page.evaluate(
        "() => Htx.annotationStore.selected.regions.map(r => [r.id.split('-')[0], r.text, r.labels.join()])"
    )
    marks = [kind for kind, *_ in shown]
    assert marks.count("settled") == len(first.settled)
    assert marks.count("asked") == sum(question.what.startswith("span") for question in first.questions)
    assert page.locator(".kh-target:visible").count() == len(first.questions)
    seen = page.locator(".kh-page").inner_text() + page.locator(".kh-side").inner_text()
    assert all(who in seen for who in PEOPLE)

    task = next(one.data for one in tasks_at(label_studio, number) if one.data["article_id"] == first.article_id)
    keys = [target["options"][0]["hotkey"] for target in task["targets"] if target["id"] != "-"]
    page.locator(".kh-source").click()
    for key in keys:
        page.keyboard.press(key)
        page.wait_for_timeout(100)
    page.keyboard.press("Control+Enter")
    page.wait_for_timeout(2000)
    report = adjudicate(judged, collect=True)

    gold = golds_of(judged)[first.article_id]
    assert (report.exit_code, report.issues) == (0, ())
    assert mark_set(before[first.article_id].spans) <= mark_set(gold.spans)
    answers = {target["id"]: target["options"][0]["alias"] for target in task["targets"] if target["id"] != "-"}
    assert {*gold.decided} == {*answers}
    assert not [d for d in disputes_of(judged) if d.article_id == first.article_id]


def test_settled_mention_of_a_retired_label_has_its_name_and_is_offered_no_more(
    judged, label_studio, open_page, tmp_path
):
    adjudicate(judged, send=True)
    (name,) = judged.batches()
    note_versions(judged)
    path = judged.root / "schema" / "labels.yaml"
    first = next(page for page in read_asked(judged, name) if page.settled)
    gone = first.settled[0].label
    arabic = next(one.ar for one in judged.schema.labels.entities if one.name == gone)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(f"{{name: {gone},", f"{{name: {gone}, retired: true,"), encoding="utf-8")
    project = Project(judged.root)
    migrate(project)
    url, number = place_of(adjudicate(Project(judged.root), send=True, yes=True))
    task = next(one for one in tasks_at(label_studio, number) if one.data["article_id"] == first.article_id)

    page = open_page(f"{url}?task={task.id}", "task")
    page.screenshot(path=tmp_path / "retired.png")
    shown = page.evaluate(
        "() => [...document.querySelectorAll('.kh-text span')].map(s => getComputedStyle(s, '::after').content)"
    )
    assert [label for label in shown if f"{arabic} ({gone})" in label]
    offered = page.locator(".kh-bar .lsf-label:visible").all_inner_texts()
    assert len(offered) == len(project.schema.labels.entities)
    assert not [one for one in offered if gone in one]
    page.locator(".kh-source").click()
    for target in [one for one in task.data["targets"] if one["id"] != "-"]:
        page.keyboard.press(target["options"][0]["hotkey"])
        page.wait_for_timeout(100)
    page.keyboard.press("Control+Enter")
    page.wait_for_timeout(2000)
    report = adjudicate(Project(judged.root), collect=True)
    assert (report.exit_code, report.rulings.overrules) == (0, 0)


def test_questions_on_the_whole_article_are_ruled_on_by_clicks(judged, label_studio, open_page, tmp_path):
    project, path = asking(judged), folder_of(judged) / "judgements.jsonl"
    said = (answers("positive", "politics"), answers("negative", "politics", "sport"))
    write_jsonl(path, [
        replace(one, spans=(), stances=(), answers=said[PEOPLE.index(one.annotator)])
        for one in read_jsonl(path, Judgement)
    ])  # fmt: skip
    url, _ = place_of(adjudicate(project, send=True))
    first = read_asked(project, *project.batches())[0]
    wanted = {question.what for question in first.questions}
    assert {"question:tone", "question:topic"} <= wanted

    page = open_page(url, "list")
    page.screenshot(path=tmp_path / "questions.png")
    cards = page.locator(".kh-target:visible")
    assert cards.count() == len(wanted)
    tone, topic = (cards.filter(has_text=text) for text in ("ما نبرة المقال؟", "عمّ يتحدث المقال؟"))
    tone.locator("label", has_text="إيجابية").click()
    tone.locator("label", has_text="متوازنة").click()
    for text in ("رياضة", "ثقافة"):
        topic.locator("label", has_text=text).click()
    page.keyboard.press("Control+Enter")
    page.wait_for_timeout(2000)
    adjudicate(project, collect=True)

    gold = golds_of(project)[first.article_id]
    assert gold.answers == answers("even", "sport", "culture")
    assert gold.decided == ("question:tone", "question:topic")


def test_overrules_on_the_page_are_listed_and_count_only_when_accepted(judged, label_studio, open_page, tmp_path):
    url, _ = place_of(adjudicate(judged, send=True))
    before = golds_of(judged)
    (name,) = judged.batches()
    first, *_ = read_asked(judged, name)
    text = next(a.text for a in read_articles(judged) if a.id == first.article_id)
    alone = [s for s in first.settled if text.count(text[s.start : s.end]) == 1]
    removed, changed = alone[0], next(s for s in alone[1:] if s.label != "LOC")
    added = next(word for word in text.split() if word.isalpha() and text.count(word) == 1 and len(word) > 4
                 and not any(s.start < text.index(word) + len(word) and text.index(word) < s.end for s in before[first.article_id].spans)
                 and all(word not in text[s.start : s.end] for s in first.settled))  # fmt: skip

    page = open_page(url, "stream")
    for span, key in ((removed, "Backspace"), (changed, "4")):
        page.locator(".htx-highlight", has_text=text[span.start : span.end]).first.click()
        page.wait_for_timeout(300)
        page.keyboard.press(key)
        page.wait_for_timeout(300)
    page.keyboard.press("Escape")
    page.locator(".kh-bar .lsf-label").first.click()
    drag_over(page, added)
    page.screenshot(path=tmp_path / "overruled.png")
    page.keyboard.press("Escape")
    page.keyboard.press("q")
    page.keyboard.press("Control+Enter")
    page.wait_for_timeout(2000)
    listed = adjudicate(judged, collect=True)
    unchanged = golds_of(judged)[first.article_id]
    accepted = adjudicate(judged, collect=True, accept_overrules=True)
    overruled = golds_of(judged)[first.article_id]
    adjudicate(judged, collect=True)

    at = text.index(added)
    mine = [issue for issue in listed.issues if issue.code == "overrule"]
    assert sorted(issue.message.split(": ", 1)[1] for issue in mine) == sorted([
        f"«{text[removed.start : removed.end]}» {removed.start}:{removed.end} becomes no mention, and was {removed.label}; it does not count",
        f"«{text[changed.start : changed.end]}» {changed.start}:{changed.end} becomes LOC, and was {changed.label}; it does not count",
        f"«{added}» {at}:{at + len(added)} becomes PERS, and was no mention; it does not count",
    ])  # fmt: skip
    assert mark_set(before[first.article_id].spans) <= mark_set(unchanged.spans)
    assert mark_set(unchanged.spans) - mark_set(before[first.article_id].spans) == {
        (*map(int, first.questions[0].what.split(":")[1:]), max(first.questions[0].answers.values()))
    }
    assert (accepted.rulings.overrules, accepted.rulings.accepted) == (3, 3)
    assert mark_set(overruled.spans) ^ mark_set(unchanged.spans) == {
        (removed.start, removed.end, removed.label), (changed.start, changed.end, changed.label),
        (changed.start, changed.end, "LOC"), (at, at + len(added), "PERS"),
    }  # fmt: skip
    me = pseudonym(judged.pseudonym_key(), label_studio.logins[0][0])
    assert (f"span:{removed.start}:{removed.end}", NONE, f"decision of {me}") in {
        (one.what, one.answer, one.method) for one in overruled.confidence
    }
    assert golds_of(judged)[first.article_id] == overruled


def test_list_and_stream_show_columns_for_people_and_one_opening(judged, label_studio):
    _, number = place_of(adjudicate(judged, send=True))
    (view,) = label_studio.connection.client.views.list(project=number)

    with annotator.log_in(label_studio.running.url, *label_studio.logins[1]) as me:
        streamed = me.next_task(number)
        opened = me.client.get(f"{me.url}/api/tasks/{streamed['id']}", params={"project": number}).json()

    assert [p["result"] for p in streamed["predictions"]] == [p["result"] for p in opened["predictions"]]
    assert [p["model_version"] for p in opened["predictions"]] == ["settled"]
    hidden = {column.removeprefix("tasks:data.") for column in view.data["hiddenColumns"]["explore"]}
    assert opened["data"].keys() - hidden == {"title", "source_name", "text", "questions"}


def test_a_second_ruling_replaces_the_first_and_a_decision_by_hand_stays(judged, label_studio):
    _, number = place_of(adjudicate(judged, send=True))
    path = folder_of(judged) / "decisions.jsonl"
    task = next(t for t in tasks_at(label_studio, number) if t.data["targets"][0]["id"].startswith("span"))
    article_id, what = task.data["article_id"], task.data["targets"][0]["id"]
    other = next(a for a in read_articles(judged) if a.id != article_id)
    by_hand = Decision(other.id, other.text_sha, "lead", None, (), "by hand")
    write_jsonl(path, [by_hand])
    opening = task.predictions[0].result
    made = label_studio.connection.client.annotations.create(
        id=task.id, result=[*opening, *choices(task.data, first_mark)]
    )

    adjudicate(judged, collect=True)
    first = read_jsonl(path, Decision)
    label_studio.connection.client.annotations.update(
        id=made.id, result=[*opening, *choices(task.data, lambda answers: NONE if NONE in answers else answers[1])]
    )
    adjudicate(judged, collect=True)
    second = read_jsonl(path, Decision)

    assert by_hand in first
    assert by_hand in second
    assert len(first) == len(second) == 2
    spans = [next(d for d in found if d.article_id == article_id).spans for found in (first, second)]
    assert spans[0]
    assert spans[1] == ()
    assert what not in {d.what for d in disputes_of(judged) if d.article_id == article_id}


def test_rulings_that_were_collected_between_a_rename_and_its_migration_count(judged, label_studio):
    _, number = place_of(adjudicate(judged, send=True))
    note_versions(judged)
    rule(label_studio, number, first_mark)
    path = judged.root / "schema" / "labels.yaml"
    text = path.read_text(encoding="utf-8")
    names = {"GPE": "PLACE", "PERS": "PERSON", "favor": "pro"}
    for old, new in names.items():
        text = text.replace(f"{{name: {old},", f"{{name: {new}, formerly: [{old}],")
    path.write_text(text, encoding="utf-8")
    adjudicate(Project(judged.root), collect=True)
    between = read_jsonl(folder_of(judged) / "decisions.jsonl", Decision)
    migrate(Project(judged.root))
    migrated = read_jsonl(folder_of(judged) / "decisions.jsonl", Decision)
    report = adjudicate(Project(judged.root), collect=True)

    assert {span.label for one in between for span in one.spans or ()} & names.keys()
    assert not {span.label for one in migrated for span in one.spans or ()} & names.keys()
    assert read_jsonl(folder_of(judged) / "decisions.jsonl", Decision) == migrated
    assert (report.exit_code, report.open_disputes, report.rulings.overrules) == (0, 0, 0)


def test_contradicting_and_empty_answers_leave_the_dispute_open(judged, label_studio):
    _, number = place_of(adjudicate(judged, send=True))
    task = next(t for t in tasks_at(label_studio, number) if t.data["targets"][0]["id"].startswith("span"))
    opening = task.predictions[0].result
    with annotator.log_in(label_studio.running.url, *label_studio.logins[1]) as me:
        plain = {"id": task.id}
        me.submit(plain, [*opening, *choices(task.data, lambda answers: answers[0])], seconds=5, skipped=False)
    with annotator.log_in(label_studio.running.url, *label_studio.logins[2]) as other:
        picked = choices(task.data, lambda answers: OTHER if OTHER in answers else answers[0])
        other.submit(plain, [*opening, *picked], seconds=5, skipped=False)

    report = adjudicate(judged, collect=True)

    wrong = [issue for issue in report.issues if issue.code == "other"]
    assert len(wrong) == sum(target["id"].startswith("span") for target in task.data["targets"])
    assert report.exit_code == 1
    assert not [d for d in disputes_of(judged) if d.article_id == task.data["article_id"]]  # the first answer counts


def test_rulings_on_pages_of_earlier_versions_mean_all_spans(judged, label_studio):
    adjudicate(judged)
    (name,) = judged.batches()
    dispute = next(d for d in disputes_of(judged) if d.what.startswith("span"))
    write_jsonl(folder_of(judged) / "disputed.jsonl", [dispute])
    article = next(a for a in read_articles(judged) if a.id == dispute.article_id)
    item = next(i for i in read_jsonl(folder_of(judged) / "batch.jsonl", BatchItem) if i.article_id == article.id)
    task = task_of(article, item, judged.schema, "barq", "")
    sent = client.send(label_studio.connection, project_mark(judged, name, EARLIER_PROJECT),
                       render_config(judged.schema.labels), [task], overlap=1, progress=print)  # fmt: skip
    with annotator.log_in(label_studio.running.url, *label_studio.logins[0]) as me:
        plain = me.next_task(int(sent.project_id))
        me.submit(plain, result_of([Span(0, 4, "ORG")], (), plain["data"]), seconds=5, skipped=False)

    adjudicate(judged, collect=True, send=True)

    (decision,) = read_jsonl(folder_of(judged) / "decisions.jsonl", Decision)
    assert (decision.scope, mark_set(decision.spans)) == ((), {(0, 4, "ORG")})
    assert golds_of(judged)[article.id].decided == ("spans",)
    assert article.id not in {
        page.article_id for page in read_asked(judged, name) if any(q.what.startswith("span") for q in page.questions)
    }


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
    refused = khabar("adjudicate", "--accept-overrules", cwd=judged.root)
    assert (refused.returncode, refused.stderr.splitlines()[0]) == (
        2,
        "error[options] --accept-overrules is for rulings",
    )


def test_isolated_annotators_need_an_adjudication_server(judged, monkeypatch):
    monkeypatch.delenv("LABEL_STUDIO_URL")
    settings = judged.root / "schema" / "dataset.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + "assignment: isolated\n", encoding="utf-8")

    with pytest.raises(KhabarError, match="each annotator has a Label Studio, but adjudicators have none") as caught:
        adjudicate(Project(judged.root), send=True)

    assert caught.value.exit_code == 3
    assert "LABEL_STUDIO_URL" in caught.value.issues[0].fix
    assert not (folder_of(judged) / "asked.jsonl").exists()


CHILD = """
import sys
from pathlib import Path
from builder.commands.adjudicate import adjudicate
from builder.labelstudio import client
from builder.project.project import Project
import label_studio_sdk
label_studio_sdk.LabelStudio  # imported at first use
client.send.__kwdefaults__["batch_size"] = 2  # many imports, so that a kill falls between or into them
print("ready", flush=True)
sys.stdin.readline()
adjudicate(Project(Path(sys.argv[1])), progress=lambda line: print(line, flush=True), **{sys.argv[2]: True})
print("done", flush=True)
"""


def seconds_of(project, work):
    with child_of(CHILD, project.root, work) as child:
        began = time.monotonic()
        assert [*child.stdout][-1] == "done\n"
        return time.monotonic() - began


def kill(project, work, seconds, imports=0):
    """Kill a child some seconds after it has reported this many imports."""
    with child_of(CHILD, project.root, work) as child:
        for _ in range(imports):
            child.stdout.readline()
        time.sleep(seconds)
        child.send_signal(signal.SIGKILL)
        child.wait(timeout=30)


def test_send_killed_at_any_import_asks_each_dispute_once_and_loses_no_ruling(
    judged, label_studio, tmp_path, record_property
):
    (name,) = judged.batches()
    judged.pseudonym_key()  # the same adjudicator in each copy
    fresh = shutil.copytree(judged.root, tmp_path / "fresh")
    duration = seconds_of(judged, "send")
    pages, disputes = read_asked(judged, name), disputes_of(judged)
    number = find_project(label_studio.connection, project_mark(judged, name, PROJECT))
    rule(label_studio, number, first_mark)
    adjudicate(judged, collect=True)
    wanted, early = golds_of(judged), []
    seed = secrets.randbits(32)
    moments = random.Random(seed)  # noqa: S311 - moments, not secrets
    turns = drawn(range(6), 2)
    record_property("drawn", f"kills after {[*turns]} imports, KHABAR_DAY={DAY}")
    for turn in turns:
        label_studio.connection.client.projects.delete(id=number)
        project = Project(shutil.copytree(fresh, tmp_path / f"killed-{turn}"))
        kill(project, "send", moments.random() * (0.02 if turn else duration), imports=turn)
        number = find_project(label_studio.connection, project_mark(project, name, PROJECT))
        early.append(rule(label_studio, number, first_mark) if number else 0)
        adjudicate(project, send=True)
        number = find_project(label_studio.connection, project_mark(project, name, PROJECT))
        sent = [key_of(task.data) for task in tasks_at(label_studio, number)]
        rule(label_studio, number, first_mark)
        report = adjudicate(project, send=True, collect=True)

        assert len(sent) == len({*sent}) == len(pages), f"turn {turn} of seed {seed}"
        assert read_asked(project, name) == pages
        assert (report.rulings.decisions, report.open_disputes) == (len({page.article_id for page in pages}), 0)
        assert golds_of(project) == wanted, f"turn {turn} of seed {seed}"
        assert report.sent.url == ""
    assert len(disputes) == sum(len(page.questions) for page in pages)
    assert {*early} - {0, len(pages)}, f"no kill came between imports: {early} of seed {seed}"


def test_collect_killed_at_any_moment_keeps_each_ruling_and_sends_only_open_pages_again(
    judged, label_studio, record_property
):
    _, number = place_of(adjudicate(judged, send=True))
    (name,) = judged.batches()
    pages, path = read_asked(judged, name), folder_of(judged) / "decisions.jsonl"
    rule(label_studio, number, first_mark, most=len(pages) // 2)
    duration = seconds_of(judged, "collect")
    whole, wanted = path.read_bytes(), golds_of(judged)
    seed = secrets.randbits(32)
    moments = random.Random(seed)  # noqa: S311 - moments, not secrets
    sixths = drawn(range(6), 3)
    record_property("drawn", f"kills in the sixths {[*sixths]}, KHABAR_DAY={DAY}")
    for turn in sixths:
        if turn % 2:
            path.unlink()
        kill(judged, "collect", duration * (turn + moments.random()) / 6)

        assert not path.exists() or path.read_bytes() == whole, f"turn {turn} of seed {seed}"
        adjudicate(judged, collect=True)
        assert path.read_bytes() == whole, f"turn {turn} of seed {seed}"
        assert golds_of(judged) == wanted
    report = adjudicate(judged, send=True)
    left = len(pages) - len(pages) // 2

    assert len(disputes_of(judged)) >= left > 0
    assert [(one.taken, one.kept) for one in report.accounts if one.stage == "disputes"] == [(left, 0)]
    assert len(tasks_at(label_studio, number)) == len(pages)
