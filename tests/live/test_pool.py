"""What one annotator can see of another's work where both use one server: nothing where work is offered."""

import re

import pytest
from playwright.sync_api import expect

from builder.annotation.pseudonyms import pseudonym
from builder.commands.check import accept_changes, check
from builder.commands.collect import collect
from builder.io.jsonl import read_jsonl
from builder.labelstudio import annotator
from builder.labelstudio import client as studio
from builder.labelstudio.download import sync
from builder.labelstudio.server.process import accounts
from builder.project.annotations import labelstudio_project_of
from builder.records import Judgement, KhabarError, Stance
from builder.release.card.wording import ASSIGNMENTS
from tests.conftest import ROOT
from tests.live.desks import REMARK, answer_some, enter, label, project_of, send, session_of, submit, told_by
from tests.live.page import TEXT, choose
from tests.tables import project_judgements

pytestmark = pytest.mark.live
__all__ = ("enter",)
DOCS = (ROOT / "docs" / "annotation.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def people(label_studio):
    """Two annotators whose names stand in nothing else."""
    return accounts(label_studio.work, ["zahra", "bilal"])


@pytest.fixture
def pool(label_studio, config, article, task, request):
    """A project of one article, for two."""
    title = re.sub(r"\W+", " ", request.node.name)[-45:].strip()
    sent = studio.send(label_studio.connection, title, config, [task(article(950, TEXT))], overlap=2, progress=print)
    return title, {"url": sent.url, "project_id": sent.project_id}


def test_pool_hides_other_annotators_answers_in_the_browser(label_studio, people, pool, enter, tmp_path):
    title, place = pool
    first = enter(people[0], place)
    label(first.page, tmp_path)
    first.page.keyboard.press("Control+Enter")
    dialog = first.page.locator(".ant-modal-content")
    expect(dialog).to_be_visible()
    refused = [line for line in dialog.inner_text().splitlines() if line]
    first.page.screenshot(path=tmp_path / "refused.png")
    saved_too_early = sync.collect(label_studio.connection, title, str).judgements
    first.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    guide = first.page.locator(".kh-guide h1")
    beside = (guide.is_visible(), guide.inner_text(), guide.bounding_box()["y"] < 700)
    submit(first.page)
    (task,) = label_studio.connection.client.tasks.list(project=int(place["project_id"]), fields="all")
    second = enter(people[1], place)
    second.page.screenshot(path=tmp_path / "second.png")
    regions = second.page.locator(".kh-text .htx-highlight").count()
    (taken,) = sync.collect(label_studio.connection, title, lambda who: pseudonym(b"k", who)).judgements
    shown = second.page.inner_text("body")
    told = {part["id"] for part in task.annotations[0]["result"]} | {REMARK, "created_username", '"completed_by"'}
    told |= {f'"start":{span.start}' for span in taken.spans}

    assert refused == ["Warning", "حدّد الموقف من كل هدف", "OK"]
    assert saved_too_early == ()
    assert beside == (True, "إرشادات", True)
    assert [(TEXT[s.start : s.end], s.label) for s in taken.spans] == [
        ("سلمى الراوي", "PERS"), ("ميناء مرجانة", "FAC"), ("مرجانة", "GPE"),
    ]  # fmt: skip
    assert taken.stances == (Stance("metro", "neutral"), Stance("port", "against"))
    assert taken.remark == REMARK
    assert regions == 0
    assert second.page.locator("input[type=radio]:checked:visible").count() == 0
    assert second.page.input_value(".kh-side textarea") == ""
    assert "Labeled regions will appear here" in shown
    assert [word for word in ("zahra", "ZA", REMARK) if word in shown] == []
    assert "zahra" not in second.page.content()
    assert len(second.answered) > 15
    assert {word: second.holding(word) for word in told if second.holding(word)} == {}
    # That the first annotator has an account, and has answered, stands in what the browser gets, though not on the page.
    assert second.holding("zahra@") == {"/api/users"}
    answerer = f'"updated_by":[{{"user_id":{task.annotations[0]["completed_by"]}}}]'
    assert second.holding(answerer) == {"/api/tasks", "/api/dm/actions"}
    assert second.holding('"total_annotations":1,') == {"/api/tasks", "/api/dm/actions"}


def test_list_answers_reach_the_stream_but_not_its_page(label_studio, people, pool, enter):
    """Whoever opens the list and shows the column of answers does so for all: the card's words rest on this."""
    _, place = pool
    client, number = label_studio.connection.client, int(place["project_id"])
    with annotator.log_in(place["url"], *people[0]) as person:
        one = person.next_task(number)
        begin = TEXT.index("سلمى الراوي")
        own = [{"id": "zz", "from_name": "ner", "to_name": "text", "type": "labels",
                "value": {"start": begin, "end": begin + 11, "text": "سلمى الراوي", "labels": ["PERS"]}}]  # fmt: skip
        person.submit(one, own, seconds=3, skipped=False)
    (view,) = client.views.list(project=number)
    shown = {"title": "Default", "hiddenColumns": {"explore": [], "labeling": []}}
    client.views.update(view.id, project=number, data=shown)
    second = enter(people[1], place)

    assert second.holding(f"start: {begin}") == {"/api/tasks"}
    assert second.page.locator(".kh-text .htx-highlight").count() == 0
    assert f"start: {begin}" not in second.page.inner_text("body")
    assert "an annotator who opens the list of all tasks can see them" in ASSIGNMENTS["pool"]
    assert "the list of tasks shows them, to whoever opens it" in DOCS
    assert "and the answers too once somebody shows their column in the list of tasks" in DOCS


def test_separate_projects_do_not_offer_others_answers(label_studio, people, enter, tmp_path):
    project = project_of(tmp_path / "side", "separate", 4, overlap=1)
    (project.work / "studio").symlink_to(label_studio.work)
    send(project, annotators=[email for email, _ in people])
    names = [pseudonym(project.pseudonym_key(), email) for email, _ in people]
    first, second = (labelstudio_project_of(project, "pilot", who) for who in names)
    answer_some(people[0], first, 1)
    window = enter(people[1], second)
    shown = window.page.inner_text("body")
    with session_of(people[1], second["url"]) as session:
        projects = {one["id"] for one in session.get("/api/projects?page_size=1000").json()["results"]}
        open_to_all = told_by(session, [first["project_id"]])
        own = told_by(session, [second["project_id"]])
    answer_some(people[1], first, 1)
    collect(project, None, prune=False)
    warned = {(issue.code, issue.annotator) for issue in check(project).issues}

    assert [word for word in ("zahra", REMARK) if word in shown] == []
    assert window.holding("port-by-zahra") | window.holding(REMARK) == set()
    assert [path for path, said in own.items() if "port-by-zahra" in said] == []
    assert {int(first["project_id"]), int(second["project_id"])} <= projects
    assert [path.split("?")[0] for path, said in open_to_all.items() if "port-by-zahra" in said] == [
        "/api/tasks", f"/api/projects/{first['project_id']}/export",
    ]  # fmt: skip
    assert ("not-assigned", names[1]) in warned, "who worked at another's desk is found"
    assert "the server does not keep an annotator out of the projects of others" in ASSIGNMENTS["separate"]
    assert "the free edition keeps nobody out of the other projects" in DOCS


def counting(project):
    """The judgements that count, with their stances."""
    judgements = project_judgements(project)
    return [(one.annotator, one.stances) for one in judgements]


def test_an_answer_that_a_colleague_updates_from_the_list_is_set_aside_until_accepted(
    label_studio, people, enter, tmp_path
):
    project = project_of(tmp_path / "swap", "pool", 1)
    (project.work / "studio").symlink_to(label_studio.work)
    send(project)
    place = labelstudio_project_of(project, "pilot", "")
    (article_id,) = answer_some(people[0], place, 1)
    collect(project, None, prune=False)
    first, second = (pseudonym(project.pseudonym_key(), email) for email, _ in people)
    path = project.annotations / "pilot" / "judgements.jsonl"
    (before,) = read_jsonl(path, Judgement)
    own = check(project)
    page = enter(people[1], place).page
    page.goto(f"{place['url']}/projects/{place['project_id']}/data")
    page.locator(".dm-table__row-wrapper, .lsf-table__row-wrapper").first.click()
    expect(page.locator(".kh-text .htx-highlight").first).to_be_visible()
    choose(page, 0, "مؤيّد")
    page.screenshot(path=tmp_path / "from-the-list.png")
    page.click("button:has-text('Update')")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1000)
    taken = collect(project, None, prune=False)
    (changed,) = read_jsonl(path, Judgement)
    found = check(project)
    (finding,) = [issue for issue in found.issues if issue.code == "changed-by-another"]
    waiting = counting(project)
    accept_changes(project, [f"{article_id}/{first}"])
    accepted = check(project)
    counted = counting(project)
    with pytest.raises(KhabarError) as refused:
        accept_changes(project, [f"{article_id}/{second}"])

    assert (before.annotator, before.changed_by) == (first, "")
    assert "changed-by-another" not in {issue.code for issue in own.issues}
    assert taken.exit_code == 0
    assert (changed.annotator, changed.changed_by, changed.annotation_id) == (first, second, before.annotation_id)
    assert changed.stances != before.stances
    assert (finding.article_id, finding.annotator) == (article_id, first)
    assert {first, second} <= set(re.findall(r"a-[0-9a-f]{10}", finding.message))
    assert (waiting, counted) == ([], [(first, changed.stances)])
    assert "changed-by-another" not in {issue.code for issue in accepted.issues}
    assert refused.value.exit_code == 2
