"""Collecting from a real Label Studio: what changed, what went, what was killed, what went wrong on the way."""

import functools
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time

import httpx
import pytest

from builder.annotation.pseudonyms import pseudonym
from builder.io.jsonl import read_jsonl
from builder.labelstudio import annotator
from builder.labelstudio import client as studio
from builder.labelstudio.download import cache, sync
from builder.labelstudio.server.install import OWNER
from builder.labelstudio.server.process import down, up
from builder.labelstudio.tasks import result_of
from builder.project.annotations import collected_path
from builder.records import AnnotatorAssignment, Judgement, KhabarError, Span, Stance
from tests.builders import walk
from tests.conftest import ROOT
from tests.live.projects import name

pytestmark = pytest.mark.live
TEXT = "قال المدير \N{GRINNING FACE} إن ميناء مرجانة رقم {} يعمل، ثم زار مترو العاصمة."


def refusal(call, *arguments, **named):
    with pytest.raises(KhabarError) as caught:
        call(*arguments, **named)
    return caught.value.exit_code, str(caught.value), caught.value.issues[0].fix


@pytest.fixture
def title(request):
    return re.sub(r"\W+", " ", request.node.name)[-45:].strip()


@pytest.fixture
def annotated(article, task):
    """Tasks that come to the server with one annotation each."""

    def make(number):
        made = []
        for n in range(number):
            one = task(article(7000 + n, TEXT.replace("{}", str(n))))
            start = one["data"]["text"].index("ميناء")
            stances = [Stance("metro", "favor"), Stance("port", "against")]
            result = result_of([Span(start, start + 12, "FAC", "a")], stances, one["data"])
            made.append(one | {"annotations": [{"result": result, "ground_truth": False, "lead_time": 5.0}]})
        return made

    return make


@pytest.fixture
def send(label_studio, config, title):
    """Send annotated tasks, and give back their numbers on the server."""

    def make(tasks, connection=None):
        connection = connection or label_studio.connection
        sent = studio.send(connection, title, config, [], overlap=1, progress=print)
        done = connection.client.projects.import_tasks(int(sent.project_id), request=tasks, return_task_ids=True)
        return int(sent.project_id), list(done.task_ids)

    return make


def gather(connection, title, path, **named):
    """Collect into a store; what is in it, and which tasks were asked for."""
    asked = []
    with cache.open_cache(path) as db:
        before = {place: cache.task_states(db, place) for place in cache.source_names(db)}
        place = sync.update_cache(db, sync.ProjectRef(connection, title), name, **named)
        after = cache.task_states(db, place)
        asked = sorted(task for task, seen in after.items() if before.get(place, {}).get(task) != seen)
        return cache.load_all(db), cache.counts(db), asked


def test_incremental_collect_equals_a_full_one(label_studio, annotated, send, title, tmp_path):
    client, kept = label_studio.connection.client, tmp_path / "kept.sqlite3"
    _, ids = send(annotated(30))
    first, counts, _ = gather(label_studio.connection, title, kept)
    nothing, _, unasked = gather(label_studio.connection, title, kept)
    edited = client.annotations.list(id=ids[3])[0]
    client.annotations.update(id=edited.id, result=edited.result, lead_time=99.0)
    client.annotations.create(id=ids[4], result=[], was_cancelled=True)
    client.annotations.delete(id=client.annotations.list(id=ids[5])[0].id)
    changed, _, asked = gather(label_studio.connection, title, kept)
    client.tasks.delete(id=str(ids[6]))
    less, last, _ = gather(label_studio.connection, title, kept)

    assert counts == cache.Counts(30, 30, 0, 0)
    assert (nothing, unasked) == (first, [])
    assert asked == [ids[3], ids[4], ids[5]]
    assert {j.seconds for j in changed.judgements if j.task_id == ids[3]} == {99.0}
    assert sorted(j.status for j in changed.judgements if j.task_id == ids[4]) == ["skipped", "submitted"]
    assert [j for j in changed.judgements if j.task_id == ids[5]] == []
    assert {j.task_id for j in less.judgements} == {*ids} - {ids[5], ids[6]}
    assert last == cache.Counts(29, 29, 0, 0)
    assert less == sync.collect(label_studio.connection, title, name)
    assert gather(label_studio.connection, title, kept, full=True)[0] == less


def test_a_task_deleted_and_another_added_are_both_seen(label_studio, annotated, send, title, tmp_path):
    tasks = annotated(4)
    project, ids = send(tasks[:3])
    gather(label_studio.connection, title, tmp_path / "kept.sqlite3")
    label_studio.connection.client.tasks.delete(id=str(ids[0]))
    label_studio.connection.client.projects.import_tasks(project, request=tasks[3:])
    found, _, _ = gather(label_studio.connection, title, tmp_path / "kept.sqlite3")

    assert {j.article_id for j in found.judgements} == {task["data"]["article_id"] for task in tasks[1:]}


def test_drafts_are_counted_as_they_come_and_go(label_studio, annotated, send, title, tmp_path):
    _, ids = send(annotated(3))
    email, password = label_studio.logins[1]
    kept = tmp_path / "kept.sqlite3"
    numbers = [gather(label_studio.connection, title, kept)[1].drafts]
    with httpx.Client(base_url=label_studio.running.url, trust_env=False) as session:
        session.get("/user/login/")
        form = {"email": email, "password": password, "csrfmiddlewaretoken": session.cookies["csrftoken"]}
        session.post("/user/login/", data=form, headers={"Referer": label_studio.running.url})
        headers = {"X-CSRFToken": session.cookies["csrftoken"], "Referer": label_studio.running.url}
        draft = session.post(f"/api/tasks/{ids[0]}/drafts", json={"result": [], "lead_time": 1}, headers=headers).json()
        numbers.append(gather(label_studio.connection, title, kept)[1].drafts)
        session.delete(f"/api/drafts/{draft['id']}", headers=headers).raise_for_status()
    numbers.append(gather(label_studio.connection, title, kept)[1].drafts)

    assert numbers == [0, 1, 0]


def test_another_key_of_pseudonyms_reads_all_again(label_studio, annotated, send, title, tmp_path):
    send(annotated(2))
    with cache.open_cache(tmp_path / "kept.sqlite3") as db:
        for key in (b"one", b"two"):
            site = sync.ProjectRef(label_studio.connection, title)
            sync.update_cache(db, site, lambda who, key=key: pseudonym(key, who), stamp=pseudonym(key, "khabar"))
        found = cache.load_all(db)

    assert {j.annotator for j in found.judgements} == {pseudonym(b"two", OWNER)}


COLLECTOR = """
import json, sys
from pathlib import Path
from builder.annotation.pseudonyms import pseudonym
from builder.labelstudio import client
from builder.labelstudio.download import cache, sync
url, token, title, path = json.load(sys.stdin)
sync.CHUNK = 2
with cache.open_cache(Path(path)) as db:
    site = sync.ProjectRef(client.connect(url, token), title)
    print("ready", flush=True)
    said = lambda message: print(message, flush=True)
    sync.update_cache(db, site, lambda who: pseudonym(b"key", who), progress=said)
"""


def test_collect_killed_ten_times_loses_and_leaves_nothing(label_studio, annotated, send, title, tmp_path):
    project, _ = send(annotated(60))
    kept, running = tmp_path / "kept.sqlite3", label_studio.running
    moments = random.Random(7)  # noqa: S311 - moments, not secrets
    order = json.dumps([running.url, running.token, title, str(kept)])
    sizes = []
    for number in range(10):
        with subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", COLLECTOR], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as child:
            child.stdin.write(order)
            child.stdin.close()
            child.stdout.readline()
            if number % 2:
                child.stdout.readline()  # a part was kept, however slow the machine is
            time.sleep(moments.uniform(0.3, 2.5))
            child.send_signal(signal.SIGKILL)
        with cache.open_cache(kept) as db:
            sizes.append(cache.counts(db).judgements)
    found, counts, _ = gather(label_studio.connection, title, kept)
    client = label_studio.connection.client

    assert sizes == sorted(sizes), "what is kept stays"
    assert len({*sizes}) > 2, "some were killed in the middle"
    assert counts == cache.Counts(60, 60, 0, 0)
    assert found == sync.collect(label_studio.connection, title, name)
    assert list(client.projects.exports.list(project)) == []
    assert [view.data["title"] for view in client.views.list(project=project)] == ["Default"], "the one of the project"


def test_a_server_that_restarts_in_the_middle_is_waited_for(installed, config, annotated, send, title, tmp_path):
    work, said = tmp_path / "studio", []
    running = up(work, progress=print)
    try:
        connection = studio.connect(running.url, running.token)
        send(annotated(6), connection)
        restart = threading.Thread(target=up, args=(work,), kwargs={"progress": print})

        def progress(message):
            if not said:
                down(work)
                restart.start()
            said.append(message)

        sync.CHUNK, before = 2, sync.CHUNK
        try:
            found, counts, _ = gather(connection, title, tmp_path / "kept.sqlite3", progress=progress)
        finally:
            sync.CHUNK = before
        restart.join()
        expected = sync.collect(connection, title, name)
        lost = []

        def lose(message):
            if not lost:
                down(work)
            lost.append(message)

        sync.CHUNK = 2
        try:
            with cache.open_cache(tmp_path / "other.sqlite3") as db:
                site = sync.ProjectRef(connection, title)
                partial = refusal(sync.update_cache, db, site, name, progress=lose, patience=0.5)
        finally:
            sync.CHUNK = before
    finally:
        down(work)

    waiting = f"Label Studio at {running.url} does not answer: waiting"
    assert said == ["collected 2 of 6 tasks", waiting, "collected 4 of 6 tasks", "collected 6 of 6 tasks"]
    assert (counts, found) == (cache.Counts(6, 6, 0, 0), expected)
    assert partial == (
        5,
        f"Label Studio at {running.url} became unavailable after 4 tasks were collected",
        "run `khabar collect` again to resume",
    )


def test_a_token_that_the_server_takes_no_longer_is_renewed_once(label_studio, annotated, send, title):
    send(annotated(2))
    running = label_studio.running
    stale = studio.connect(running.url, running.token)
    tokens = stale.client._client_wrapper._tokens_client
    head, body, signature = tokens.api_key.split(".")
    tokens._access_token = f"{head}.{body}.{signature[::-1]}"
    renewed = []

    def again():
        renewed.append(1)
        return label_studio.connection

    with cache.open_cache(None) as db:
        sync.update_cache(db, sync.ProjectRef(stale, title, again), name)
        counts = cache.counts(db)
    refused = refusal(sync.collect, stale, title, name)

    assert (counts, renewed) == (cache.Counts(2, 2, 0, 0), [1])
    assert refused[:2] == (3, f"Label Studio at {running.url} refused the token (401)")


def test_an_access_token_that_expires_is_made_anew_by_the_client(label_studio, annotated, send, title):
    send(annotated(1))
    import jwt

    stale = studio.connect(label_studio.running.url, label_studio.running.token)
    stale.client._client_wrapper._tokens_client._access_token = jwt.encode({"exp": 1}, "k" * 32, algorithm="HS256")

    assert len(sync.collect(stale, title, name).judgements) == 1


def test_deleted_project_keeps_collected_annotations(label_studio, annotated, send, title, tmp_path, monkeypatch):
    project, _ = send(annotated(6))
    monkeypatch.setattr(sync, "CHUNK", 2)
    done = []

    def delete(message):
        if not done:
            label_studio.connection.client.projects.delete(id=project)
        done.append(message)

    with cache.open_cache(tmp_path / "kept.sqlite3") as db:
        site = sync.ProjectRef(label_studio.connection, title)
        found = refusal(sync.update_cache, db, site, name, progress=delete)
        counts = cache.counts(db)

    assert found == (
        3,
        f"the project {title!r} was deleted in Label Studio at {label_studio.running.url}",
        "annotations collected so far are kept; to create the project again, run `khabar send`, then `khabar collect --keep`",
    )
    assert counts == cache.Counts(4, 4, 0, 0), "what was on its way too"


def test_a_task_edited_there_is_an_issue_with_its_link(label_studio, annotated, send, title):
    project, ids = send(annotated(1))
    client = label_studio.connection.client
    client.tasks.update(id=str(ids[0]), data=client.tasks.get(id=str(ids[0])).data | {"text": "نص آخر"})
    found = sync.collect(label_studio.connection, title, name)

    assert {issue.code for issue in found.issues} == {"text-edited"}
    assert found.issues[0].link == f"{label_studio.running.url}/projects/{project}/data?task={ids[0]}"
    assert len(found.judgements) == 1


def test_a_broken_store_is_begun_anew(label_studio, annotated, send, title, tmp_path):
    send(annotated(2))
    kept = tmp_path / "kept.sqlite3"
    kept.write_bytes(os.urandom(5000))

    assert gather(label_studio.connection, title, kept)[1] == cache.Counts(2, 2, 0, 0)


def test_no_email_is_in_any_file_that_collect_leaves(label_studio, annotated, send, title, tmp_path):
    _, ids = send(annotated(2))
    client = label_studio.connection.client
    client.annotations.create(id=ids[0], result=[{"type": "x@example.org"}], was_cancelled=False)
    said = []
    found, _, _ = gather(label_studio.connection, title, tmp_path / "kept.sqlite3", progress=said.append)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())

    assert len(found.issues) == 1
    assert b"khabar.localhost" not in written
    assert b"example.org" not in written
    assert "@" not in repr(found) + repr(said)


def separate(label_studio, project, khabar, answer, repo_id):
    """Answer a batch whose annotators have a project each, and return how to run the command line on it."""
    walk(project, [ROOT / "examples" / "articles"], size=6)
    path = project.root / "schema" / "dataset.yaml"
    text = path.read_text(encoding="utf-8").replace("demo-news", repo_id)
    path.write_text(re.sub(r"(?m)^overlap: .*$", "overlap: 2", text) + "assignment: separate\n", encoding="utf-8")
    own = {"LABEL_STUDIO_URL": label_studio.running.url, "LABEL_STUDIO_API_KEY": label_studio.running.token,
           "KHABAR_SECRET": "key"}  # fmt: skip
    run = functools.partial(khabar, cwd=project.root, **own)
    before, sent = run("collect"), run("send", "--annotators", ",".join(login[0] for login in label_studio.logins))
    assert (before.returncode, sent.returncode) == (3, 0), before.stderr + sent.stderr
    assert "batch pilot was not sent yet: nobody was assigned to its articles" in before.stderr
    for email, password in label_studio.logins:
        place = project.noted(f"sent/pilot/{name(email)}")
        given = {one.article_id: answer(skipped=True) for one in assigned(project) if one.annotator == name(email)}
        annotator.annotate_as(place["url"], email, password, int(place["project_id"]), given)
    return run


def assigned(project):
    return read_jsonl(project.annotations / "pilot" / "assignment.jsonl", AnnotatorAssignment)


def test_separate_projects_collect_only_changes(label_studio, project, khabar, answer):
    run = separate(label_studio, project, khabar, answer, "apart")
    first, again = run("collect", "--json"), run("collect", "--json")
    found = read_jsonl(project.annotations / "pilot" / "judgements.jsonl", Judgement)

    assert first.returncode == 0, first.stderr
    assert {(j.article_id, j.annotator) for j in found} == {
        (one.article_id, one.annotator) for one in assigned(project)
    }
    assert json.loads(first.stdout) == json.loads(again.stdout)
    assert {one.annotator for one in assigned(project)} == {name(email) for email, _ in label_studio.logins}


def test_cache_of_an_earlier_parser_is_read_anew(label_studio, project, khabar, answer):
    """Version 2 of the parser left the names of other annotators in remarks."""
    run = separate(label_studio, project, khabar, answer, "earlier")
    first = run("collect")
    found = (project.annotations / "pilot" / "judgements.jsonl").read_bytes()
    with cache.open_cache(collected_path(project, "pilot")) as db, db:
        db.execute("update place set stamp = '2' || substr(stamp, instr(stamp, ' '))")
        db.execute("update judgement set line = json_set(line, '$.remark', 'annotator-2')")
    again = run("collect")

    assert (first.returncode, again.returncode) == (0, 0), first.stderr + again.stderr
    assert b"annotator-2" not in found
    assert (project.annotations / "pilot" / "judgements.jsonl").read_bytes() == found
