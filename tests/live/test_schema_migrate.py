"""Labels that change while people work: what `schema migrate` and `send` do to a running project."""

import json
import re
import shutil
from collections import Counter

import httpx
import pytest
from playwright.sync_api import expect

from builder.annotation.questions import UNUSED
from builder.commands.check import check
from builder.commands.collect import collect
from builder.commands.schema_migrate import migrate, undo
from builder.io.hashing import sha16
from builder.io.jsonl import read_jsonl
from builder.io.plain import from_plain
from builder.labelstudio import annotator, client
from builder.labelstudio.refresh import projects as refresh
from builder.labelstudio.tasks import key_of, result_of
from builder.project.annotations import labelstudio_project_of, read_judgements
from builder.project.migration.kept import read_versions
from builder.project.project import Project
from builder.records import Judgement, KhabarError, Span, Stance
from tests.live.desks import project_of, send, session_of
from tests.live.page import TEXT, log_in

pytestmark = pytest.mark.live

PORT = TEXT.index("ميناء مرجانة")
SPANS = (Span(PORT, PORT + 12, "FAC", "x"), Span(PORT + 6, PORT + 12, "GPE", "y"), Span(0, 3, "OCC", "z"))
STANCES = (Stance("metro", "neutral"), Stance("port-expansion", "against"))


@pytest.fixture
def running(label_studio, tmp_path, request):
    """A project that two people work on: three answers, one draft, one task that nobody has opened."""
    project = project_of(tmp_path / f"m{sha16(request.node.name)[:6]}", "pool", 4)
    (project.work / "studio").symlink_to(label_studio.work)
    send(project)
    place = labelstudio_project_of(project, "pilot")
    for login, number in ((label_studio.logins[0], 2), (label_studio.logins[1], 1)):
        with annotator.log_in(place["url"], *login) as person:
            for _ in range(number):
                task = person.next_task(int(place["project_id"]))
                person.submit(task, result_of(SPANS, STANCES, task["data"], "ملاحظة"), seconds=9, skipped=False)
    draft(label_studio.logins[0], place)
    return project, label_studio, place


def draft(login, place):
    """Leave a draft on the next task of an annotator."""
    with session_of(login, place["url"]) as session:
        task = session.get(f"/api/projects/{place['project_id']}/next/").json()
        body = {"result": result_of(SPANS, STANCES, task["data"]), "lead_time": 4.0}
        session.post(f"/api/tasks/{task['id']}/drafts", json=body).raise_for_status()


def edit(project):
    """The project after FAC was renamed, OCC retired, VENUE and a target added."""
    path = project.root / "schema" / "labels.yaml"
    text = path.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if "name: DATE" in line)
    venue = line.replace("DATE", "VENUE").replace("تاريخ", "ملعب").replace('"9"', '"0"')
    target = "    - {id: budget, ar: الموازنة, en: Budget, keywords: [مرجانة]}\n"
    text = text.replace("{name: FAC,", "{name: PLACE, formerly: [FAC],").replace(
        "{name: OCC,", "{name: OCC, retired: true,"
    )
    path.write_text(text.replace(line, f"{line}\n{venue}") + target, encoding="utf-8")
    return Project(project.root)


def on_server(studio, place):
    """The answers and drafts of a project, and its tasks' data, as the server has them."""
    api, number = studio.connection.client, int(place["project_id"])
    tasks = list(api.tasks.list(project=number, fields="task_only", include="id,data"))
    get = lambda path: api._client_wrapper.httpx_client.request(path, method="GET").json()  # noqa: E731
    answers = [one for task in tasks for one in get(f"api/tasks/{task.id}/annotations/")]
    drafts = [one for task in tasks for one in get(f"api/tasks/{task.id}/drafts")]
    return answers, drafts, [dict(task.data) for task in tasks], api.projects.get(id=number).label_config


def marked(found):
    return sorted({name for one in found for part in one["result"] for name in part["value"].get("labels", ())})


def test_a_running_project_follows_its_labels(running):
    project, studio, place = running
    collect(project, "pilot", prune=False)
    old = project.schema.label_hash
    before = read_judgements(project)
    project = edit(project)
    answers, drafts, data, config = on_server(studio, place)

    with pytest.raises(KhabarError) as refused:
        send(project, yes=True)
    assert refused.value.exit_code == 1
    assert "send waits: label FAC is renamed to PLACE: 3 spans have it" in [i.message for i in refused.value.issues]
    migrate(project)
    migrated = (project.annotations / "pilot" / "judgements.jsonl").read_bytes()
    with pytest.raises(KhabarError, match="send would change what people work on: project") as refused:
        send(Project(project.root))
    assert "4 tasks, with 3 answers and drafts in 1 tasks" in refused.value.issues[0].message
    assert on_server(studio, place) == (answers, drafts, data, config)

    collect(Project(project.root), "pilot", prune=False)  # the server still has the old names
    assert (project.annotations / "pilot" / "judgements.jsonl").read_bytes() == migrated

    send(Project(project.root), yes=True)
    now_answers, now_drafts, now_data, now_config = on_server(studio, place)
    assert (marked(answers), marked(now_answers)) == (["FAC", "GPE", "OCC"], ["GPE", "OCC", "PLACE"])
    assert (marked(drafts), marked(now_drafts)) == (["FAC", "GPE", "OCC"], ["GPE", "OCC", "PLACE"])
    assert "FAC" in config
    assert all(f'alias="{name}"' in now_config for name in ("PLACE", "VENUE"))
    assert not any(f'alias="{name}"' in now_config for name in ("FAC", "OCC"))
    assert {one["schema"] for one in now_data} == {project.schema.label_hash}
    assert all("budget" in {target["id"] for target in one["targets"]} for one in now_data)
    assert [one["completed_by"] for one in now_answers] == [one["completed_by"] for one in answers]

    said = send(Project(project.root), yes=True)  # a second time there is nothing to do
    assert said.behind == ()
    collect(Project(project.root), "pilot", prune=False)
    again = read_jsonl(project.annotations / "pilot" / "judgements.jsonl", Judgement)
    assert {one.schema for one in again} == {old}
    assert {one.changed_by for one in again} == {""}
    assert again == [json_judgement(line) for line in migrated.splitlines()]
    assert len(before) == len(again) == 3
    new_answer(project, studio, place)


def json_judgement(line):
    return from_plain(Judgement, json.loads(line))


def new_answer(project, studio, place):
    """An answer on the new page is asked for the new label and target; the earlier ones were not."""
    with annotator.log_in(place["url"], *studio.logins[2]) as person:
        task = person.next_task(int(place["project_id"]))
        stances = (*STANCES, Stance("budget", "favor"))
        result = result_of((Span(PORT, PORT + 12, "VENUE", "v"),), stances, task["data"])
        person.submit(task, result, seconds=9, skipped=False)
    collect(Project(project.root), "pilot", prune=False)
    found = [one for one in read_judgements(project) if any(span.label == "VENUE" for span in one.spans)]
    issues = check(Project(project.root)).issues

    assert [one.schema for one in found] == [project.schema.label_hash]
    assert Stance("budget", "favor") in found[0].stances
    assert not [issue for issue in issues if issue.severity == "error"]
    assert len(read_versions(Project(project.root))) == 2


def test_a_migration_that_is_taken_back_leaves_the_server_as_it_was(running):
    project, studio, place = running
    collect(project, "pilot", prune=False)
    before = (project.annotations / "pilot" / "judgements.jsonl").read_bytes()
    labels = (project.root / "schema" / "labels.yaml").read_bytes()
    held = on_server(studio, place)
    migrate(edit(project))
    undo(Project(project.root))
    (project.root / "schema" / "labels.yaml").write_bytes(labels)
    said = send(Project(project.root))
    collect(Project(project.root), "pilot", prune=False)

    assert said.behind == ()
    assert on_server(studio, place) == held
    assert (project.annotations / "pilot" / "judgements.jsonl").read_bytes() == before


def said(found):
    """What answers or drafts mark and answer."""
    return [
        sorted((part["value"]["start"], part["value"]["end"], *part["value"]["labels"]) for part in one["result"] if part["type"] == "labels")
        + sorted((part["from_name"], *part["value"]["choices"]) for part in one["result"] if part["type"] == "choices" and part["value"]["choices"] != [UNUSED])
        for one in found
    ]  # fmt: skip


def merge(project):
    """The project after `edit`, and after OCC was merged into GPE."""
    path = edit(project).root / "schema" / "labels.yaml"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if "{name: OCC," not in line]
    text = "\n".join(lines).replace("{name: GPE,", "{name: GPE, formerly: [OCC],")
    path.write_text(f"{text}\n", encoding="utf-8")
    return Project(project.root)


def aliases(config):
    """The labels that a page offers."""
    return re.findall(r'<Label [^>]*alias="(\w+)"', config)


@pytest.mark.parametrize("change", [edit, merge])
def test_a_migration_that_is_taken_back_after_send_brings_the_server_back(running, change):
    project, studio, place = running
    collect(project, "pilot", prune=False)
    before = (project.annotations / "pilot" / "judgements.jsonl").read_bytes()
    labels = (project.root / "schema" / "labels.yaml").read_bytes()
    answers, drafts, _, config = on_server(studio, place)
    migrate(change(project))
    send(Project(project.root), yes=True)
    assert "PLACE" in marked(on_server(studio, place)[0])
    undo(Project(project.root))
    (project.root / "schema" / "labels.yaml").write_bytes(labels)

    collect(Project(project.root), "pilot", prune=False)  # the server still has the names of the migration
    assert (project.annotations / "pilot" / "judgements.jsonl").read_bytes() == before
    with pytest.raises(KhabarError, match="send would change what people work on: project") as refused:
        send(Project(project.root))
    assert "4 tasks, with 3 answers and drafts in 1 tasks" in refused.value.issues[0].message
    assert "PLACE" in marked(on_server(studio, place)[0])

    send(Project(project.root), yes=True)
    now_answers, now_drafts, now_data, now_config = on_server(studio, place)
    assert said(now_answers) == said(answers)
    assert marked(now_drafts) == (
        marked(drafts) if change is edit else ["FAC", "GPE"]
    )  # nothing tells what a draft had
    assert aliases(now_config) == aliases(config)
    assert {one["names"] for one in now_data} == {project.schema.label_hash}
    assert send(Project(project.root), yes=True).behind == ()
    collect(Project(project.root), "pilot", prune=False)
    assert (project.annotations / "pilot" / "judgements.jsonl").read_bytes() == before
    assert [i for i in check(Project(project.root)).issues if i.severity == "error"] == []


def test_targets_that_were_merged_keep_their_answers_on_the_server(running):
    project, *_ = running
    collect(project, "pilot", prune=False)
    path = project.root / "schema" / "labels.yaml"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if "{id: port-expansion," not in line]
    text = "\n".join(lines).replace("{id: metro,", "{id: metro, formerly: [port-expansion],")
    path.write_text(f"{text}\n", encoding="utf-8")
    migrate(Project(project.root))
    migrated = read_judgements(project)
    send(Project(project.root), yes=True)
    collect(Project(project.root), "pilot", prune=False)

    assert {one.stances for one in migrated} == {(Stance("metro", "against"), Stance("metro", "neutral"))}
    assert [one.stances for one in read_judgements(project)] == [one.stances for one in migrated]
    assert send(Project(project.root), yes=True).behind == ()


def test_a_clone_without_the_migration_changes_nothing_of_a_project_that_has_it(running, tmp_path):
    project, studio, place = running
    collect(project, "pilot", prune=False)
    other = shutil.copytree(project.root, tmp_path / "clone", symlinks=True)
    migrate(edit(project))
    send(Project(project.root), yes=True)
    held = on_server(studio, place)
    with pytest.raises(KhabarError, match="has labels that this project does not know") as refused:
        send(Project(other), yes=True)

    assert refused.value.exit_code == 1
    assert on_server(studio, place) == held


def test_an_answer_saved_between_two_migrations_keeps_the_page_and_the_moment_it_was_saved_on(running):
    project, studio, place = running
    collect(project, "pilot", prune=False)
    project = edit(project)
    migrate(project)
    send(Project(project.root), yes=True)
    between = Project(project.root).schema.label_hash
    (first, *_) = on_server(studio, place)[0]
    login = studio.logins[[login[0] for login in studio.logins].index(first["created_username"].split(",")[0].strip())]
    with session_of(login, place["url"]) as session:
        kept = [part for part in first["result"] if part["value"].get("labels") != ["GPE"]]
        session.patch(f"/api/annotations/{first['id']}/", json={"result": kept}).raise_for_status()
    (saved,) = [one for one in on_server(studio, place)[0] if one["id"] == first["id"]]
    path = project.root / "schema" / "labels.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("{name: PLACE, formerly: [FAC],", "{name: SITE, formerly: [PLACE],"), encoding="utf-8")
    migrate(Project(project.root))
    send(Project(project.root), yes=True)
    collect(Project(project.root), "pilot", prune=False)
    (found,) = [one for one in read_judgements(project) if one.annotation_id == first["id"]]

    assert sorted(span.label for span in found.spans) == ["OCC", "SITE"]
    assert (found.schema, found.updated_at[:19]) == (between, saved["updated_at"][:19])
    assert {one.schema for one in read_judgements(project) if one.annotation_id != first["id"]} != {between}


def test_new_guidelines_reach_tasks_that_were_sent(running):
    project, studio, place = running
    collect(project, "pilot", prune=False)
    then = project.schema.guideline_version
    (project.root / "schema" / "guidelines.md").write_text("# إرشادات جديدة\n\nاقرأ المقال مرتين.\n", encoding="utf-8")
    project = Project(project.root)
    send(project)
    assert {one["guideline"] for one in on_server(studio, place)[2]} == {then}
    send(Project(project.root), refresh=True, yes=True)
    data = on_server(studio, place)[2]
    collect(Project(project.root), "pilot", prune=False)

    assert {one["guideline"] for one in data} == {project.schema.guideline_version}
    assert all("اقرأ المقال مرتين" in one["guide_html"] for one in data)
    assert {one.guideline for one in read_judgements(project)} == {then}
    assert {path.stem for path in (project.annotations / "guidelines").iterdir()} == {
        then,
        project.schema.guideline_version,
    }
    assert key_of(data[0])


def swap(project):
    """The project after GPE and LOC changed names, which no second rewriting may change back."""
    path = project.root / "schema" / "labels.yaml"
    text = path.read_text(encoding="utf-8")
    text = text.replace("{name: GPE,", "{name: X,").replace("{name: LOC,", "{name: GPE, formerly: [LOC],")
    path.write_text(text.replace("{name: X,", "{name: LOC, formerly: [GPE],"), encoding="utf-8")
    return Project(project.root)


def test_a_server_that_goes_away_at_any_request_loses_nothing_and_rewrites_nothing_twice(running, monkeypatch):
    project, studio, place = running
    collect(project, "pilot", prune=False)
    migrate(swap(project))
    migrated = read_judgements(project)
    answer, refused = refresh._request, []
    monkeypatch.setattr(client, "RETRY_SECONDS", 0)
    for allowed in range(1, 200):
        left = [allowed]

        def request(*arguments, left=left):
            left[0] -= 1
            if left[0] < 0:
                raise httpx.ConnectError("gone")
            return answer(*arguments)

        monkeypatch.setattr(refresh, "_request", request)
        try:
            send(Project(project.root), yes=True)
            break
        except KhabarError as error:
            refused.append((error.exit_code, error.issues[0].message))
    collect(Project(project.root), "pilot", prune=False)
    answers, drafts, data, _ = on_server(studio, place)

    assert len(refused) > 3
    assert {*refused} == {(3, f"no Label Studio answers at {place['url']}")}
    assert marked(answers) == marked(drafts) == ["FAC", "LOC", "OCC"]
    assert read_judgements(project) == migrated
    assert {one.changed_by for one in read_judgements(project)} == {""}
    assert not any("rewriting" in one for one in data)


def test_an_answer_is_updated_on_the_new_page_and_keeps_its_retired_label(running, browser, tmp_path):
    project, studio, place = running
    collect(project, "pilot", prune=False)
    project = edit(project)
    migrate(project)
    send(Project(project.root), yes=True)
    answers = on_server(studio, place)[0]
    tasks = Counter(one["task"] for one in answers)
    (before,) = (one for one in answers if tasks[one["task"]] == 1)  # the first person's second answer
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="en-US")
    page = context.new_page()
    log_in(page, place["url"], studio.logins[0])
    page.goto(f"{place['url']}/projects/{place['project_id']}/data?task={before['task']}")
    expect(page.locator(".kh-text .lsf-htx-richtext")).to_contain_text("ميناء مرجانة")
    page.locator(".kh-target").nth(2).get_by_text("معارض").click()
    page.get_by_text("Update", exact=True).click()
    page.wait_for_timeout(2500)
    page.screenshot(path=tmp_path / "updated.png")
    context.close()
    collect(Project(project.root), "pilot", prune=False)
    (after,) = [one for one in read_judgements(project) if one.annotation_id == before["id"]]

    assert after.schema == project.schema.label_hash
    assert Stance("budget", "against") in after.stances
    assert sorted(span.label for span in after.spans) == ["GPE", "OCC", "PLACE"]
    assert after.changed_by == ""
