"""A real Label Studio that changes under khabar: a clock that was ahead, other titles, deleted accounts, changed answers."""

import dataclasses
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace

import pytest

from builder.annotation.pseudonyms import pseudonym
from builder.commands.check import check
from builder.commands.collect import collect
from builder.io.jsonl import read_jsonl
from builder.labelstudio import annotator, client
from builder.labelstudio.download import cache
from builder.labelstudio.download.remote import ProjectRef
from builder.labelstudio.download.sync import update_cache
from builder.labelstudio.server import data_dir
from builder.labelstudio.server.process import down, new_credentials, up
from builder.project.project import Project
from builder.records import Judgement, KhabarError
from tests.builders import said
from tests.live.desks import answer_some, project_of, send, session_of
from tests.live.projects import name

pytestmark = pytest.mark.live
HUDA, SAMIR, RIMA = "annotator-1", "annotator-2", "annotator-3"
RIMA_NAME = pseudonym(b"key", new_credentials([RIMA])[0][0])


@dataclass(frozen=True)
class Desk:
    """A server of the tests' own, its project with a batch, and the logins of three people."""

    project: Project
    url: str
    connection: client.Connection
    logins: dict[str, tuple[str, str]]

    def place(self):
        return self.project.noted("sent/pilot")

    def answer(self, who, number):
        return answer_some(self.logins[who], self.place(), number)

    def collect(self, **named):
        return collect(self.project, "pilot", prune=named.pop("prune", False), **named)

    def judgements(self):
        return read_jsonl(self.project.annotations / "pilot" / "judgements.jsonl", Judgement)

    def people(self):
        return sorted((one.annotator, one.annotation_id) for one in self.judgements())

    def projects(self):
        return {one.id: one.title for one in self.connection.client.projects.list(page_size=1000)}


@pytest.fixture(scope="module")
def server(installed, tmp_path_factory):
    work = tmp_path_factory.mktemp("servers") / ".khabar" / "studio"
    logins = new_credentials((HUDA, SAMIR, RIMA))
    running = up(work, accounts=logins, progress=print)
    yield work, running, dict(zip((HUDA, SAMIR, RIMA), logins, strict=True))
    down(work)


@pytest.fixture
def desk(server, tmp_path, monkeypatch):
    _, running, logins = server
    monkeypatch.setenv("LABEL_STUDIO_URL", running.url)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", running.token)
    monkeypatch.setenv("KHABAR_SECRET", "key")
    project = project_of(tmp_path / tmp_path.name[-12:], "pool", 6)
    send(project)
    return Desk(project, running.url, client.connect(running.url, running.token), logins)


def refusal(call):
    with pytest.raises(KhabarError) as caught:
        call()
    return caught.value


def in_the_file(server, statement, *values):
    with closing(sqlite3.connect(data_dir.database_file(server[0]), timeout=30)) as base:
        base.execute(statement, values)
        base.commit()


@pytest.mark.parametrize("embedded", [False, True], ids=["over HTTP", "from the file"])
def test_nothing_is_left_out_after_a_clock_that_was_ahead(server, desk, embedded, tmp_path):
    connection = dataclasses.replace(desk.connection, data=data_dir.database_file(server[0]) if embedded else None)
    number = int(desk.place()["project_id"])

    def numbers():
        with cache.open_cache(tmp_path / "kept.sqlite3") as db:
            update_cache(db, ProjectRef(connection, desk.projects()[number]), name)
            counts = cache.counts(db)
            return (counts.annotations, counts.judgements), cache.gaps(db)

    desk.answer(HUDA, 3)
    in_the_file(server, "update task set updated_at = '2029-01-01 00:00:00' where project_id = ?", number)
    first = numbers()
    desk.answer(SAMIR, 4)
    second = numbers()
    session = session_of(desk.logins[HUDA], desk.url)
    changed = min(task.id for task in connection.client.tasks.list(project=number, fields="task_only", include="id"))
    with session as http:  # an edit leaves every count as it was
        (one, *_) = http.get(f"/api/tasks/{changed}/annotations").json()
        http.patch(f"/api/annotations/{one['id']}", json={"result": [], "lead_time": 1}).raise_for_status()
    third = numbers()
    with cache.open_cache(tmp_path / "kept.sqlite3") as db:
        spans = {j.annotation_id: len(j.spans) for j in cache.load_all(db).judgements}

    assert (first, second, third) == (((3, 3), []), ((7, 7), []), ((7, 7), []))
    assert spans.pop(one["id"]) == 0
    assert set(spans.values()) == {1}


def test_answers_that_the_server_counts_and_does_not_give_are_never_exit_0(desk, monkeypatch):
    desk.answer(HUDA, 3)
    monkeypatch.setattr("builder.labelstudio.download.sync.chosen_ids", lambda body, tasks: [])
    report = desk.collect()
    (account,) = report.accounts

    assert report.exit_code == 1
    assert (account.taken, account.kept, account.set_aside) == (3, 0, {"not downloaded": 3})
    assert [issue.code for issue in report.issues] == ["incomplete"]
    monkeypatch.undo()


def test_another_repo_id_or_title_is_the_same_project(desk):
    desk.answer(HUDA, 3)
    desk.collect()
    before, projects = desk.people(), desk.projects()
    number = int(desk.place()["project_id"])
    path = desk.project.root / "schema" / "dataset.yaml"
    path.write_text(path.read_text().replace("repo_id: khabar/", "repo_id: renamed/"), encoding="utf-8")
    moved = dataclasses.replace(desk, project=Project(desk.project.root))
    sent = send(moved.project)
    desk.connection.client.projects.update(id=number, title="named by hand")
    again, report = send(moved.project), moved.collect(prune=True, full=True)

    assert [one.accounts[0].set_aside["already there"] for one in (sent, again)] == [6, 6]
    assert moved.projects() == projects | {number: "named by hand"}
    assert (moved.people(), report.exit_code) == (before, 0)


def test_a_strangers_project_of_the_same_title_is_left_alone(desk):
    title = desk.projects()[int(desk.place()["project_id"])]
    desk.connection.client.projects.delete(id=int(desk.place()["project_id"]))
    stranger = desk.connection.client.projects.create(
        title=title, label_config="<View><Text name='t' value='$t'/></View>"
    )
    desk.connection.client.projects.import_tasks(stranger.id, request=[{"data": {"t": "نص"}}])
    with pytest.raises(KhabarError) as sent:
        send(desk.project)
    with pytest.raises(KhabarError) as collected:
        desk.collect(prune=True)
    there = desk.connection.client.projects.get(id=stranger.id)
    desk.connection.client.projects.delete(id=stranger.id)

    assert [(one.value.exit_code, one.value.issues[0].code) for one in (sent, collected)] == [(4, "other-project")] * 2
    assert (there.task_number, there.label_config) == (1, "<View><Text name='t' value='$t'/></View>")


def test_work_goes_on_beside_a_project_that_was_lost(desk):
    done = desk.answer(HUDA, 3) + desk.answer(SAMIR, 3)
    desk.collect()
    before = desk.people()
    desk.connection.client.projects.delete(id=int(desk.place()["project_id"]))
    lost = refusal(desk.collect)
    sent = send(desk.project)
    judged = {article for article in done if done.count(article) == 2}
    imported = len(set(done) - judged)
    refused = refusal(desk.collect) if judged else None
    offered = desk.answer(RIMA, 6 - len(judged))
    first, second = desk.collect(keep=True), desk.collect()

    assert (lost.exit_code, lost.issues[0].code) == (3, "no-project")
    if refused:
        assert (refused.exit_code, refused.issues[0].code) == (1, "would-lose")
        assert "khabar collect --keep" in refused.issues[0].fix
    assert sent.accounts[0].set_aside.get("judged before", 0) == len(judged)
    assert not judged & set(offered)
    assert sorted(who for who, _ in desk.people()) == sorted([who for who, _ in before] + [RIMA_NAME] * len(offered))
    assert (first.exit_code, second.exit_code, said(first)) == (0, 0, said(second))
    kept = len(before) - imported
    assert first.kept == kept


def test_pool_offers_nobody_what_she_judged_on_a_lost_server(installed, desk, tmp_path, monkeypatch):
    done = desk.answer(HUDA, 3) + desk.answer(SAMIR, 1)
    desk.collect()
    before = {(one.article_id, one.annotator): one for one in desk.judgements()}
    logins = new_credentials((HUDA, SAMIR))
    work = tmp_path / "other" / ".khabar" / "studio"
    running = up(work, accounts=logins, progress=print)
    try:
        monkeypatch.setenv("LABEL_STUDIO_URL", running.url)
        monkeypatch.setenv("LABEL_STUDIO_API_KEY", running.token)
        sent, again = send(desk.project), send(desk.project)
        both = {article for article in done if done.count(article) == 2}
        with session_of(logins[0], running.url) as http:
            there = http.get(f"/api/tasks?project={desk.place()['project_id']}&fields=all").json()["tasks"]
        first = answer_some(logins[0], desk.place(), 3)
        with annotator.log_in(running.url, *logins[0]) as person:
            nothing_more = person.next_task(int(desk.place()["project_id"]))
        second = answer_some(logins[1], desk.place(), 5)
        report = desk.collect(keep=bool(both))
        found = {(one.article_id, one.annotator): one for one in desk.judgements()}
        checked = {issue.code for issue in check(desk.project).issues}
        own = next(found[key] for key in before if key[0] in set(done[:3]) - both)
        with session_of(logins[0], running.url) as http:  # she thinks better of an imported answer
            http.patch(f"/api/annotations/{own.annotation_id}", json={"result": [], "lead_time": 1}).raise_for_status()
        desk.collect(keep=bool(both))
        rethought = {(one.article_id, one.annotator): one for one in desk.judgements()}
        desk.collect(keep=bool(both), full=True)
        whole = {(one.article_id, one.annotator): one for one in desk.judgements()}
    finally:
        down(work)
        shutil.rmtree(work, ignore_errors=True)

    alike = [replace(found[key], annotation_id=0, task_id=0, origin="") for key in sorted(before)]
    assert [len(task["annotations"]) for task in there].count(1) == len(set(done) - both)
    assert (sent.issues, again.accounts[0].set_aside["already there"]) == ((), 6 - len(both))
    assert not set(first) & set(done[:3])
    assert nothing_more is None
    assert done[3] not in second
    assert report.exit_code == 0
    assert alike == [replace(before[key], annotation_id=0, task_id=0, origin="") for key in sorted(before)]
    assert "superseded" not in checked
    assert len(found) == len(rethought) == len(before) + len(first) + len(second)
    key = own.article_id, own.annotator
    assert (rethought[key].spans, rethought[key].created_at) == ((), before[key].created_at)
    assert whole == rethought


def test_work_goes_on_beside_a_server_that_was_lost(installed, desk, tmp_path, monkeypatch):
    desk.answer(HUDA, 2)
    desk.collect()
    before, origins = desk.people(), {one.origin for one in desk.judgements()}
    logins = new_credentials((SAMIR, RIMA))
    work = tmp_path / "other" / ".khabar" / "studio"
    running = up(work, accounts=logins, progress=print)
    try:
        monkeypatch.setenv("LABEL_STUDIO_URL", running.url)
        monkeypatch.setenv("LABEL_STUDIO_API_KEY", running.token)
        sent = send(desk.project)
        answer_some(logins[0], desk.place(), 6)
        report = desk.collect(keep=True)
    finally:
        down(work)
        shutil.rmtree(work, ignore_errors=True)

    found = desk.judgements()
    assert report.exit_code == 0
    assert [one for one in desk.people() if one in before] == before
    assert len(found) == 8
    assert {one.origin for one in found} > origins
    assert len({one.origin for one in found}) == 2
    assert len({(one.origin, one.annotation_id) for one in found}) == 8
    assert [issue.code for issue in sent.issues] == ["judged-before"], "Huda has no account there"


def test_deleted_account_keeps_its_pseudonym(desk, server):
    both = desk.answer(HUDA, 3), desk.answer(SAMIR, 3)
    desk.collect()
    before = desk.people()
    email = new_credentials(("annotator-9",))[0][0]
    desk.connection.client.users.create(email=email, username=email, first_name="", last_name="")
    guest = next(one.id for one in desk.connection.client.users.list() if one.email == email)
    number = int(desk.place()["project_id"])
    in_the_file(
        server,
        "update task_completion set completed_by_id = ?, updated_by_id = ? where project_id = ? and completed_by_id = 2",
        guest,
        guest,
        number,
    )
    in_the_file(server, "update task set updated_at = datetime('now') where project_id = ?", number)
    desk.collect(prune=True)
    moved = desk.people()
    desk.connection.client.users.delete(id=guest)
    reports = [desk.collect(), desk.collect(full=True)]
    answer_some(desk.logins[SAMIR], desk.place(), 1)
    reports.append(desk.collect())
    checked = check(desk.project)

    assert len(both[0] + both[1]) == 6
    assert moved != before
    assert [report.exit_code for report in reports] == [0, 0, 0]
    assert desk.people()[: len(moved)] == moved or set(moved) <= set(desk.people())
    assert len(desk.people()) == 7
    assert {issue.code for issue in reports[2].issues} == {"account-deleted"}
    assert "account-deleted" in {issue.code for issue in checked.issues}


@pytest.mark.parametrize("embedded", [False, True], ids=["export", "file"])
def test_an_answer_changed_by_another_names_both(server, desk, embedded):
    desk.answer(HUDA, 2)
    number = int(desk.place()["project_id"])
    tasks = desk.connection.client.tasks.list(project=number, fields="all", include="id,annotations_ids")
    task, annotation = next((one.id, int(str(one.annotations_ids))) for one in tasks if one.annotations_ids)
    with session_of(desk.logins[SAMIR], desk.url) as http:  # as the button Update does
        http.patch(
            f"/api/annotations/{annotation}?taskID={task}", json={"result": [], "lead_time": 9}
        ).raise_for_status()
    connection = dataclasses.replace(desk.connection, data=data_dir.database_file(server[0]) if embedded else None)
    with cache.open_cache(None) as db:
        update_cache(db, ProjectRef(connection, desk.projects()[number]), name)
        found = {one.annotation_id: (one.annotator, one.changed_by) for one in cache.load_all(db).judgements}

    huda, samir = (name(desk.logins[who][0]) for who in (HUDA, SAMIR))
    assert found.pop(annotation) == (huda, samir)
    assert [*found.values()] == [(huda, "")]
