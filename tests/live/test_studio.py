"""A real Label Studio: start, send, annotate over HTTP, collect; and everything that goes wrong on the way."""

import contextlib
import fcntl
import http.server
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from builder.annotation.pseudonyms import pseudonym
from builder.io.plain import to_plain
from builder.labelstudio import annotator
from builder.labelstudio import client as studio
from builder.labelstudio.download.sync import collect
from builder.labelstudio.server.install import VERSION, install
from builder.labelstudio.server.ports import is_ours
from builder.labelstudio.server.process import accounts, down, new_credentials, status, up
from builder.labelstudio.tasks import key_of
from builder.records import KhabarError, Span, Stance

pytestmark = pytest.mark.live
CONSTRAINTS = Path(__file__).parent.parent.parent / "constraints-studio.txt"

TEXT = "قال المدير \N{GRINNING FACE} إن ميناء مرجانة رقم {} يعمل، ثم زار مترو العاصمة."


def name(who):
    return pseudonym(b"key", who)


def refusal(call, *arguments, **named):
    with pytest.raises(KhabarError) as caught:
        call(*arguments, **named)
    return caught.value.exit_code, str(caught.value), caught.value.issues[0].fix


@pytest.fixture
def tasks(article, task):
    """Tasks of invented articles, with a number in each."""

    def make(number, start=0):
        return [task(article(start + n, TEXT.replace("{}", str(n)))) for n in range(start, start + number)]

    return make


@pytest.fixture
def title(request):
    return re.sub(r"\W+", " ", request.node.name)[-45:].strip()


def there(label_studio, sent):
    listed = label_studio.connection.client.tasks.list(project=int(sent.project_id), fields="task_only", page_size=1000)
    return Counter(key_of(task.data) for task in listed)


@contextlib.contextmanager
def session_of(login, url):
    """A browser's session of an annotator, for what khabar itself never does."""
    with httpx.Client(base_url=url, trust_env=False) as session:
        session.get("/user/login/")
        form = {"email": login[0], "password": login[1], "csrfmiddlewaretoken": session.cookies["csrftoken"]}
        session.post("/user/login/", data=form, headers={"Referer": url})
        session.headers["X-CSRFToken"] = session.cookies["csrftoken"]
        session.headers["Referer"] = url
        yield session


# Starting and stopping


def test_a_second_up_finds_the_server_that_runs(label_studio):
    said = []
    again = up(label_studio.work, progress=said.append)

    assert again == label_studio.running == status(label_studio.work)
    assert said == [f"Label Studio is already running at {again.url}"]


def test_a_second_install_does_nothing(installed, tmp_path):
    said = []

    assert install(tmp_path / "no-such-constraints.txt", said.append) == installed
    assert said == []


def test_the_pinned_version_is_the_one_that_is_asked_for():
    pins = CONSTRAINTS.read_text().splitlines()

    assert f"label-studio=={VERSION}" in pins
    assert [pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", pin)] == []


def test_two_installs_at_once_wait_for_each_other(tmp_path, monkeypatch):
    monkeypatch.setenv("KHABAR_HOME", str(tmp_path))
    home = tmp_path / f"studio-{VERSION}"
    (home / "venv" / "bin").mkdir(parents=True)
    said, done = [], []
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = threading.Thread(target=lambda: done.append(install(tmp_path / "constraints.txt", said.append)))
        second.start()
        deadline = time.monotonic() + 10
        while not said and time.monotonic() < deadline:
            time.sleep(0.01)
        done_before = list(done)
        (home / "venv" / "bin" / "python").touch()
        (home / ".complete").touch()
    second.join(timeout=10)

    assert said == ["waiting: another khabar is installing Label Studio"]
    assert (done_before, done) == ([], [home])


def test_server_listens_on_loopback_only(label_studio):
    sockets = {
        str(link.readlink()) for link in Path(f"/proc/{label_studio.running.pid}/fd").iterdir() if link.is_symlink()
    }
    port = int(label_studio.running.url.rsplit(":", 1)[1])
    rows = [
        line.split() for family in ("tcp", "tcp6") for line in Path(f"/proc/net/{family}").read_text().splitlines()[1:]
    ]
    ours = [row for row in rows if f"socket:[{row[9]}]" in sockets]

    assert [row[1] for row in ours if row[3] == "0A"] == [f"0100007F:{port:04X}"], "listening"
    assert {row[2].split(":")[0] for row in ours if row[3] != "0A"} <= {"0100007F"}, "talking"


def test_no_secret_stands_where_others_read(label_studio):
    process = Path(f"/proc/{label_studio.running.pid}")
    secret = [label_studio.running.token, *(password for _, password in label_studio.logins)]
    seen = process.joinpath("cmdline").read_bytes() + process.joinpath("environ").read_bytes()
    files = [path for path in label_studio.work.rglob("*") if path.is_file()]
    holding = {path.name for path in files for word in secret if word.encode() in path.read_bytes()}

    assert [word for word in secret if word.encode() in seen] == []
    assert holding == {"token"}
    assert oct((label_studio.work / "token").stat().st_mode)[-3:] == "600"
    assert oct((label_studio.work / "data").stat().st_mode)[-3:] == "700"
    assert oct((label_studio.work / "data" / ".env").stat().st_mode)[-3:] == "600"
    assert label_studio.running.token not in repr(label_studio)


def test_nobody_signs_up_alone(label_studio):
    with httpx.Client(base_url=label_studio.running.url, trust_env=False) as session:
        session.get("/user/signup/")
        form = {"email": "x@example.org", "password": "12345678", "csrfmiddlewaretoken": session.cookies["csrftoken"]}
        answer = session.post("/user/signup/", data=form, headers={"Referer": label_studio.running.url})

    assert answer.status_code == 403


def test_after_a_crash_up_works_and_the_data_are_there(installed, tmp_path, monkeypatch, config, tasks):
    monkeypatch.setenv("HF_TOKEN", "hf_secret_of_the_user")
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "key_of_the_user")
    first = up(tmp_path, progress=print)
    try:
        environment = Path(f"/proc/{first.pid}/environ").read_bytes()
        studio.send(studio.connect(first.url, first.token), "kept", config, tasks(3), overlap=2, progress=print)
        os.kill(first.pid, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while status(tmp_path) and time.monotonic() < deadline:
            time.sleep(0.05)
        after_crash = status(tmp_path)
        second = up(tmp_path, progress=print)
        again = studio.send(
            studio.connect(second.url, second.token), "kept", config, tasks(3), overlap=2, progress=print
        )
    finally:
        stopped = down(tmp_path)

    assert b"hf_secret_of_the_user" not in environment
    assert b"key_of_the_user" not in environment
    assert after_crash is None
    assert second.pid != first.pid
    assert (second.url, second.token) == (first.url, first.token), "links and the token stay good"
    assert (again.created, again.present) == (0, 3)
    assert stopped
    assert not is_ours(second.pid, tmp_path), "an orphan that nobody has waited for has no command line"
    assert down(tmp_path) is False


def test_a_process_that_got_the_number_of_a_dead_server_is_left_alone(tmp_path):
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as stranger:
        (tmp_path / "state.json").write_text(json.dumps({"pid": stranger.pid, "port": 8080}))
        found, stopped, alive = status(tmp_path), down(tmp_path), stranger.poll()
        stranger.kill()

    assert (found, stopped, alive) == (None, False, None)


@pytest.mark.parametrize("content", ["", "[]", '{"pid": "x"}', '{"pid": 1}'])
def test_a_broken_state_is_no_server(tmp_path, content):
    (tmp_path / "state.json").write_text(content)

    assert status(tmp_path) is None


def test_a_busy_port_is_refused_by_its_number_and_nothing_is_started(installed, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = refusal(up, tmp_path / "studio", port=port, progress=print)

    assert found == (
        2,
        f"port {port} on 127.0.0.1 is in use by another program",
        "choose another port with --port, or omit --port",
    )
    assert not (tmp_path / "studio").exists()


def test_up_without_an_install_says_what_to_run(tmp_path, monkeypatch):
    monkeypatch.setenv("KHABAR_HOME", str(tmp_path))

    assert refusal(up, tmp_path / "studio", progress=print) == (
        2,
        "Label Studio is not installed",
        "run `khabar studio install`",
    )


def test_an_install_that_pip_refuses_leaves_nothing_that_looks_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("KHABAR_HOME", str(tmp_path))
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("label-studio==0.0.1\n")
    code, message, _ = refusal(install, constraints, print)

    assert code == 3
    assert message.startswith("installing Label Studio failed: ERROR: ")
    assert refusal(up, tmp_path / "studio", progress=print)[1] == "Label Studio is not installed"


@pytest.mark.parametrize("given", ["", "two words", "a@b@c", "-x", "ليلى", "a" * 90])
def test_what_is_neither_a_name_nor_an_email_is_refused(given):
    assert refusal(new_credentials, [given])[:2] == (
        2,
        f"{given!r} is neither a name (a-z, 0-9, '.', '_', '-') nor an e-mail",
    )


def test_second_invitation_replaces_the_password(label_studio):
    ((email, first),) = accounts(label_studio.work, ["late.comer"])
    ((_, second),) = accounts(label_studio.work, ["late.comer"])
    url = label_studio.running.url

    assert annotator.annotate_as(url, email, second, _empty_project(label_studio), {}) == 0
    assert refusal(annotator.annotate_as, url, email, first, 1, {}) == (
        3,
        f"Label Studio at {url} rejected the login of {email}",
        "run `khabar studio invite NAME` to set a new password",
    )


def _empty_project(label_studio):
    return label_studio.connection.client.projects.create(title="nothing to do").id


# Connecting


def test_a_wrong_token_is_refused_without_being_shown(label_studio):
    url = label_studio.running.url
    head, body, signature = label_studio.running.token.split(".")
    forged = f"{head}.{body}.{signature[::-1]}"
    for token in ("0123456789abcdef0123456789abcdef01234567", forged):
        found = refusal(studio.connect, url, token)

        assert found == (
            3,
            f"Label Studio at {url} refused the token (401)",
            "create a token under Account & Settings in Label Studio, and set LABEL_STUDIO_API_KEY to it",
        )


def test_a_legacy_token_is_as_good_where_the_server_allows_it(label_studio):
    client, url = label_studio.connection.client, label_studio.running.url
    settings = client.jwt_settings.get()
    client.jwt_settings.update(api_token_ttl_days=settings.api_token_ttl_days, legacy_api_tokens_enabled=True)
    try:
        with session_of(label_studio.logins[0], url) as session:
            token = session.get("/api/current-user/token").json()["token"]
        email = studio.connect(url, token).client.users.whoami().email
    finally:
        client.jwt_settings.update(api_token_ttl_days=settings.api_token_ttl_days, legacy_api_tokens_enabled=False)

    assert email == label_studio.logins[0][0]
    assert refusal(studio.connect, url, token)[:2] == (3, f"Label Studio at {url} refused the token (401)")


def test_a_server_that_is_down_is_said_with_what_to_run():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    found = refusal(studio.connect, url, "0123456789abcdef")

    assert found == (3, f"no Label Studio answers at {url}", "run `khabar studio up`, or correct LABEL_STUDIO_URL")


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://x", "", "http://"])
def test_what_is_not_an_address_is_refused(url):
    assert refusal(studio.connect, url, "t")[:2] == (2, f"{url!r} is not a Label Studio URL")


@pytest.mark.parametrize("token", ["legacy", "jwt"])
def test_another_program_on_the_port_is_not_taken_for_label_studio(tmp_path, label_studio, token):
    class Web(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>hello</html>")

        def do_POST(self):
            self.do_GET()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{web.server_address[1]}"
        given = label_studio.running.token if token == "jwt" else "0123456789abcdef"
        found = refusal(studio.connect, url, given)
        web.shutdown()

    assert found == (3, f"the server at {url} is not Label Studio", "correct LABEL_STUDIO_URL")


# Sending


def test_sending_twice_creates_nothing(label_studio, config, tasks, title):
    def send(number, **named):
        return studio.send(label_studio.connection, title, config, tasks(number), overlap=2, progress=print, **named)

    planned = send(5, dry_run=True)
    first, again, more = send(5), send(5), send(7, batch_size=1)

    assert (planned.project_id, planned.created) == ("", 5)
    assert [(s.created, s.present) for s in (first, again, more)] == [(5, 0), (0, 5), (2, 5)]
    assert len({s.project_id for s in (first, again, more)}) == 1
    assert there(label_studio, more) == Counter(key_of(t["data"]) for t in tasks(7))


def test_a_text_that_changed_is_a_new_task(label_studio, config, article, task, title):
    old, new = task(article(1, "نص قديم")), task(article(1, "نص جديد"))
    studio.send(label_studio.connection, title, config, [old], overlap=1, progress=print)
    sent = studio.send(label_studio.connection, title, config, [new], overlap=1, progress=print)

    assert (sent.created, sum(there(label_studio, sent).values())) == (1, 2)


def test_the_page_and_the_overlap_follow_the_schema(label_studio, config, tasks, title):
    studio.send(label_studio.connection, title, config, tasks(1), overlap=1, progress=print)
    changed = config.replace("منظمة", "مؤسسة")
    sent = studio.send(label_studio.connection, title, changed, tasks(1), overlap=3, progress=print)
    project = label_studio.connection.client.projects.get(id=int(sent.project_id))

    assert project.label_config == changed
    assert project.maximum_annotations == 3


def test_a_task_that_is_there_twice_becomes_one_again(label_studio, config, tasks, title):
    sent = studio.send(label_studio.connection, title, config, tasks(3), overlap=1, progress=print)
    label_studio.connection.client.projects.import_tasks(int(sent.project_id), request=tasks(2))
    doubled = sum(there(label_studio, sent).values())
    again = studio.send(label_studio.connection, title, config, tasks(3), overlap=1, progress=print)

    assert doubled == 5
    assert (again.created, again.present) == (0, 3)
    assert set(there(label_studio, sent).values()) == {1}


def test_an_import_that_outlives_its_killed_sender_leaves_no_double(label_studio, config, tasks, title):
    """The ghost is an import of the same tasks that ends between our own batches."""
    client = label_studio.connection.client
    ghosts = []

    def ghost(_):
        if not ghosts:
            (project,) = [p for p in client.projects.list(title=title) if p.title == title]
            ghosts.append(client.projects.import_tasks(project.id, request=tasks(6)))

    sent = studio.send(label_studio.connection, title, config, tasks(6), overlap=1, progress=ghost, batch_size=3)

    assert ghosts[0].task_count == 6
    assert there(label_studio, sent) == Counter(key_of(t["data"]) for t in tasks(6))


def test_of_a_double_the_one_that_somebody_works_on_is_kept(label_studio, config, tasks, title):
    sent = studio.send(label_studio.connection, title, config, tasks(2), overlap=3, progress=print)
    client = label_studio.connection.client
    client.projects.import_tasks(int(sent.project_id), request=tasks(2))
    *_, drafted, annotated = sorted(task.id for task in client.tasks.list(project=int(sent.project_id)))
    client.annotations.create(id=annotated, result=[], was_cancelled=True)
    with session_of(label_studio.logins[1], sent.url) as session:
        session.post(f"/api/tasks/{drafted}/drafts", json={"result": [], "lead_time": 1}).raise_for_status()
    studio.send(label_studio.connection, title, config, tasks(2), overlap=3, progress=print)

    assert {task.id for task in client.tasks.list(project=int(sent.project_id))} == {drafted, annotated}


SENDER = """
import json, sys
from builder.labelstudio import client
url, token, title, config, tasks = json.load(sys.stdin)
client.send(client.connect(url, token), title, config, tasks, overlap=1, batch_size=2,
            progress=lambda message: print(message, flush=True))
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_a_send_that_was_stopped_goes_on_without_a_double(label_studio, config, tasks, title, number):
    running = label_studio.running
    order = json.dumps([running.url, running.token, title, config, tasks(60)])
    with subprocess.Popen(
        [sys.executable, "-c", SENDER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as child:
        child.stdin.write(order)
        child.stdin.close()
        for _ in range(4):
            child.stdout.readline()
        child.send_signal(number)
        child.wait(timeout=30)
    sent = studio.send(label_studio.connection, title, config, tasks(60), overlap=1, progress=print)

    assert child.returncode != 0
    assert 8 <= sent.present < 60
    assert sent.created == 60 - sent.present
    assert there(label_studio, sent) == Counter(key_of(t["data"]) for t in tasks(60))


def test_two_projects_with_the_title_are_a_conflict(label_studio, config, tasks, title):
    ids = [label_studio.connection.client.projects.create(title=title).id for _ in range(2)]
    code, message, _ = refusal(studio.send, label_studio.connection, title, config, tasks(1), overlap=1, progress=print)

    assert code == 4
    assert message.startswith(f"Label Studio has 2 projects called {title!r}: ")
    assert sorted(map(int, message.split(": ")[1].split(", "))) == sorted(ids)


def test_a_title_that_label_studio_would_not_take_is_refused(label_studio, config, tasks):
    for title in ("ab", "x" * 51):
        found = refusal(studio.send, label_studio.connection, title, config, tasks(1), overlap=1, progress=print)

        assert found[:2] == (2, f"a project title must have 3 to 50 characters: {title!r}")


def test_a_page_that_label_studio_refuses_is_a_refusal_with_its_reason(label_studio, tasks, title):
    code, message, _ = refusal(
        studio.send, label_studio.connection, title, "<View><Nonsense", tasks(1), overlap=1, progress=print
    )

    assert code == 3
    assert message.startswith(f"Label Studio at {label_studio.running.url} rejected the request (400): ")


# Annotating and collecting


def answers_of(tasks, seed, answer):
    """Different answers of each annotator, with nested spans behind an emoji, and one skipped article."""
    given = {}
    for number, task in enumerate(tasks):
        text = task["data"]["text"]
        outer, inner = text.index("ميناء"), text.index("مرجانة")
        spans = (Span(outer, inner + 6, "FAC", "a"), Span(inner, inner + 6, "GPE", "b"))
        values = ("favor", "against", "neutral")
        stances = (Stance("metro", values[(number + seed) % 3]), Stance("port", values[seed % 3]))
        skipped = number == seed
        given[task["data"]["article_id"]] = (
            answer(skipped=True) if skipped else answer(spans[: 1 + (number + seed) % 2], stances, 3.25 + number)
        )
    return given


def test_what_three_annotators_submit_is_what_collect_gives_back(label_studio, config, tasks, title, answer):
    batch = tasks(8)
    sent = studio.send(label_studio.connection, title, config, batch, overlap=3, progress=print)
    submitted = {}
    for seed, (email, password) in enumerate(label_studio.logins):
        given = answers_of(batch, seed, answer)
        number = annotator.annotate_as(sent.url, email, password, int(sent.project_id), given)
        again = annotator.annotate_as(sent.url, email, password, int(sent.project_id), given)
        submitted |= {(article_id, name(email)): said for article_id, said in given.items()}

        assert (number, again) == (8, 0)
    found = collect(label_studio.connection, title, name)
    second = collect(label_studio.connection, title, name)
    collected = {
        (j.article_id, j.annotator): answer(j.spans, j.stances, j.seconds, j.status == "skipped")
        for j in found.judgements
    }

    assert collected == submitted
    assert len(found.judgements) == 24
    assert (found.drafts, found.issues) == (0, ())
    assert [json.dumps(to_plain(j)) for j in found.judgements] == [json.dumps(to_plain(j)) for j in second.judgements]
    assert [(j.article_id, j.annotator) for j in found.judgements] == sorted(submitted)
    assert "@" not in repr(found)
    texts = {task["data"]["article_id"]: task["data"]["text"] for task in batch}
    assert {texts[j.article_id][s.start : s.end] for j in found.judgements for s in j.spans} == {
        "ميناء مرجانة",
        "مرجانة",
    }


def test_drafts_are_counted_and_tasks_without_an_answer_give_nothing(label_studio, config, tasks, title, answer):
    sent = studio.send(label_studio.connection, title, config, tasks(3), overlap=3, progress=print)
    with session_of(label_studio.logins[1], sent.url) as session:
        task = session.get(f"/api/projects/{sent.project_id}/next/").json()
        draft = {"result": [], "lead_time": 1, "draft_id": 0}
        session.post(f"/api/tasks/{task['id']}/drafts", json=draft).raise_for_status()
    found = collect(label_studio.connection, title, name)

    assert (found.judgements, found.drafts, found.issues) == ((), 1, ())


def test_nonsense_that_the_server_takes_is_an_issue_not_a_crash(label_studio, config, tasks, title):
    sent = studio.send(label_studio.connection, title, config, tasks(1), overlap=3, progress=print)
    client = label_studio.connection.client
    client.projects.import_tasks(int(sent.project_id), request=[{"data": dict(tasks(2)[1]["data"], article_id=5)}])
    (ours,) = [t for t in client.tasks.list(project=int(sent.project_id)) if key_of(t.data)]
    nonsense = [{"type": "relation", "from_id": "x@example.org", "to_id": "b", "direction": "right"}]
    client.annotations.create(id=ours.id, result=nonsense, lead_time=-4.0)
    found = collect(label_studio.connection, title, name)

    assert [issue.message for issue in found.issues] == [
        "a result that cannot be read: from_id: String should match pattern '^[\\w.:#~ -]{0,200}$'",
        "not a task that khabar sent: data.article_id: Input should be a valid string",
    ]
    assert [(j.spans, j.seconds) for j in found.judgements] == [((), None)]
    assert "example.org" not in repr(found)


def test_an_annotator_who_has_no_answer_for_a_task_stops_and_says_so(label_studio, config, tasks, title):
    sent = studio.send(label_studio.connection, title, config, tasks(1), overlap=1, progress=print)
    email, password = label_studio.logins[0]
    found = refusal(annotator.annotate_as, sent.url, email, password, int(sent.project_id), {})

    assert found[:2] == (2, f"the annotator has no answer for article {tasks(1)[0]['data']['article_id']}")


def test_collect_leaves_no_copy_of_the_export_on_the_server(label_studio, config, tasks, title):
    sent = studio.send(label_studio.connection, title, config, tasks(1), overlap=1, progress=print)
    collect(label_studio.connection, title, name)

    assert list(label_studio.connection.client.projects.exports.list(int(sent.project_id))) == []


def test_a_project_that_is_not_there_is_said(label_studio):
    found = refusal(collect, label_studio.connection, "never sent", name)

    assert found == (
        3,
        f"Label Studio at {label_studio.running.url} has no project called 'never sent'",
        "run `khabar send` first, or check LABEL_STUDIO_URL",
    )


def test_a_server_that_goes_away_during_a_send_is_a_refusal(installed, tmp_path, config, tasks, monkeypatch):
    monkeypatch.setattr(studio, "RETRY_SECONDS", 0.5)
    running = up(tmp_path, progress=print)
    with contextlib.ExitStack() as stack:
        stack.callback(down, tmp_path)
        connection = studio.connect(running.url, running.token)
        code, message, fix = refusal(
            studio.send, connection, "gone", config, tasks(6), overlap=1, batch_size=2,
            progress=lambda _: down(tmp_path),
        )  # fmt: skip

    assert (code, message) == (3, f"no Label Studio answers at {running.url}")
    assert fix == "run `khabar studio up`, or correct LABEL_STUDIO_URL"
