"""Answers read from the embedded server's own file: the same as the server's export, or the server is asked."""

import dataclasses
import re
import sqlite3

import pytest

from builder.labelstudio import annotator
from builder.labelstudio import client as studio
from builder.labelstudio.download import sqlite
from builder.labelstudio.download.persons import Roster
from builder.labelstudio.download.snapshot import export_tasks
from builder.labelstudio.download.sync import _read, collect
from builder.labelstudio.server import data_dir
from builder.labelstudio.tasks import result_of
from builder.records import Span, Stance
from tests.live.projects import name

pytestmark = pytest.mark.live
TEXT = "قال المدير \N{GRINNING FACE} إن ميناء مرجانة رقم {} يعمل، ثم زار مترو العاصمة."


@pytest.fixture(scope="module")
def file(label_studio):
    return data_dir.database_file(label_studio.work)


@pytest.fixture(scope="module")
def answered(label_studio, config, article, task):
    """A project with all that a task may hold: answers of two, one skipped, a remark, a relation, a draft, nothing."""
    tasks = [task(article(8800 + n, TEXT.replace("{}", str(n)))) for n in range(12)]
    sent = studio.send(label_studio.connection, "bench of direct", config, tasks, overlap=2, progress=print)
    project, client = int(sent.project_id), label_studio.connection.client
    for number, login in enumerate(label_studio.logins):
        with annotator.log_in(label_studio.connection.url, *login) as me:
            for _ in range(6 + number):
                one = me.next_task(project)
                start = one["data"]["text"].index("ميناء")
                spans = [Span(start, start + 12, "FAC", "a"), Span(start + 6, start + 12, "GPE", "b")]
                result = result_of(spans, [Stance("metro", "favor"), Stance("port", "against")], one["data"])
                result.append({"type": "relation", "from_id": "a", "to_id": "b", "direction": "right"})
                result.append(
                    {"type": "textarea", "from_name": "remark", "to_name": "text", "value": {"text": ["«ملاحظة»"]}}
                )
                me.submit(one, result, seconds=3.25, skipped=number == 1)
            one = me.next_task(project)
            token = {"X-CSRFToken": me.client.cookies.get("csrftoken"), "Referer": me.url}
            draft = {"result": result, "lead_time": 1.0, "draft_id": 0}
            me.client.post(f"{me.url}/api/tasks/{one['id']}/drafts", json=draft, headers=token).raise_for_status()
    ids = [int(one.id) for one in client.tasks.list(project=project, fields="task_only", include="id")]
    client.tasks.delete(id=str(ids.pop(0)))
    return project, ids


def test_the_file_says_what_the_export_says(label_studio, file, answered):
    project, ids = answered
    connection = label_studio.connection
    place = f"{connection.url}/projects/{project}"

    of_file = sqlite.read_tasks(file, project, [*ids, 10**9])
    of_server = export_tasks(connection, project, ids)

    assert [one["id"] for one in of_file] == sorted(ids)
    assert sum(len(one["annotations"]) for one in of_file) >= 12
    assert any(one["drafts"] for one in of_file)
    roster = Roster(name, dict, {})
    by_id = sorted(of_server, key=lambda one: one["id"])
    pages = [list(_read(tasks, roster, place)) for tasks in (of_file, by_id)]
    assert [dataclasses.replace(p, annotations=tuple(sorted(p.annotations))) for p in pages[0]] == [
        dataclasses.replace(p, annotations=tuple(sorted(p.annotations))) for p in pages[1]
    ]
    assert {j.status for page in pages[0] for j in page.found.judgements} == {"submitted", "skipped"}
    assert {j.remark for page in pages[0] for j in page.found.judgements} == {"«ملاحظة»"}
    assert all(j.relations for page in pages[0] for j in page.found.judgements)
    assert not re.search(r"[\w.]+@[\w.]+", repr(pages))


def test_a_collect_takes_the_same_either_way(label_studio, file, answered):
    beside = dataclasses.replace(label_studio.connection, data=file)

    assert collect(beside, "bench of direct", name) == collect(label_studio.connection, "bench of direct", name)


def test_an_answer_whose_account_was_deleted_is_there_and_nobodys(file, answered, tmp_path):
    project, ids = answered
    copy = tmp_path / "copy.sqlite3"
    with sqlite3.connect(file) as base, sqlite3.connect(copy) as other:
        base.backup(other)
        other.execute("update task_completion set completed_by_id = null")
    other.close()
    found = [annotation for one in sqlite.read_tasks(copy, project, ids) for annotation in one["annotations"]]

    assert len(found) >= 12
    assert {annotation["completed_by"] for annotation in found} == {None}


def test_tasks_of_another_project_are_not_given(file, answered):
    project, ids = answered

    assert sqlite.read_tasks(file, project + 1, ids) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b"not a database"),
        lambda path: sqlite3.connect(path).execute("alter table task_completion rename column lead_time to took").connection.close(),
    ],
    ids=["gone", "broken", "another version"],
)  # fmt: skip
def test_a_file_that_is_no_use_leaves_the_server_to_be_asked(label_studio, file, answered, tmp_path, spoil):
    project, ids = answered
    copy = tmp_path / "copy.sqlite3"
    with sqlite3.connect(file) as base, sqlite3.connect(copy) as other:
        base.backup(other)
    other.close()
    spoil(copy)

    assert sqlite.read_tasks(copy, project, ids) is None
    beside = dataclasses.replace(label_studio.connection, data=copy)
    assert len(export_tasks(beside, project, ids)) == len(ids)
