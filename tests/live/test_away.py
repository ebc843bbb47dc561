"""A server that is away for a while: behind a proxy that says so, restarting, or without the project that was there."""

import contextlib
import http.client
import http.server
import re
import threading
from collections import Counter
from urllib.parse import urlsplit

import pytest

from builder.annotation.pseudonyms import pseudonym
from builder.labelstudio import client
from builder.labelstudio.download import cache
from builder.labelstudio.download.sync import ProjectRef, collect, update_cache
from builder.labelstudio.server.process import down, up
from builder.labelstudio.tasks import key_of, result_of
from builder.records import KhabarError, Span, Stance

pytestmark = pytest.mark.live
TEXT = "قال المدير \N{GRINNING FACE} إن ميناء مرجانة رقم {} يعمل، ثم زار مترو العاصمة."
SORRY = b"<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>"


def name(who):
    return pseudonym(b"key", who)


@pytest.fixture
def title(request):
    return re.sub(r"\W+", " ", request.node.name)[-45:].strip()


@pytest.fixture
def tasks(article, task):
    """Tasks of invented articles, each with one annotation where `judged`."""

    def make(number, *, judged=False):
        made = [task(article(8000 + n, TEXT.replace("{}", str(n)))) for n in range(number)]
        for one in made if judged else ():
            start = one["data"]["text"].index("ميناء")
            stances = [Stance("metro", "favor"), Stance("port", "against")]
            result = result_of([Span(start, start + 12, "FAC", "a")], stances, one["data"])
            one["annotations"] = [{"result": result, "ground_truth": False, "lead_time": 5.0}]
        return made

    return make


@contextlib.contextmanager
def proxy(url, sorry):
    """A proxy before a Label Studio; `sorry` says of each request, by method and path, what is wrong with it.

    `(503, False)`: it is answered by the proxy alone; `(504, True)`: it reaches the server, whose answer is lost.
    """
    there = urlsplit(url)

    class Proxy(http.server.BaseHTTPRequestHandler):
        def forward(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, reaches = sorry(self.command, self.path) or (0, True)
            answer, kind = SORRY, "text/html"
            if reaches:
                connection = http.client.HTTPConnection(there.hostname, there.port, timeout=60)
                headers = {key: value for key, value in self.headers.items() if key.lower() != "connection"}
                connection.request(self.command, self.path, body, headers)
                given = connection.getresponse()
                content = given.read()
                if not status:
                    status, answer, kind = given.status, content, given.headers.get("Content-Type", "")
                connection.close()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = forward  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{web.server_address[1]}"
        web.shutdown()


def there(connection, project_id):
    listed = connection.client.tasks.list(project=int(project_id), fields="task_only", page_size=1000)
    return Counter(key_of(task.data) for task in listed)


@pytest.mark.parametrize(
    ("status", "reaches"), [(502, False), (503, False), (504, True)], ids=["502", "503", "504 after it was done"]
)
def test_send_waits_for_a_server_that_is_away_twice_and_makes_no_double(
    label_studio, config, tasks, title, status, reaches
):
    wanted, answered, said = tasks(6), [], []

    def sorry(method, path):
        if method == "POST" and path.split("?")[0].endswith("/import"):
            answered.append(path)
            return (status, reaches) if len(answered) in (2, 3) else None
        return None

    with proxy(label_studio.running.url, sorry) as url:
        connection = client.connect(url, label_studio.running.token)
        sent = client.send(connection, title, config, wanted, overlap=1, progress=said.append, batch_size=2)

    assert (sent.created, sent.present) == (6, 0)
    assert there(label_studio.connection, sent.project_id) == Counter(key_of(one["data"]) for one in wanted)
    assert said[:2] == ["sent 2 of 6", f"Label Studio at {url} does not answer: waiting"]
    assert len(answered) == (3 if reaches else 5)


def test_collect_waits_for_a_server_that_is_away_twice(label_studio, config, tasks, title, tmp_path):
    sent = client.send(label_studio.connection, title, config, [], overlap=1, progress=print)
    label_studio.connection.client.projects.import_tasks(int(sent.project_id), request=tasks(4, judged=True))
    answered, said = [], []

    def sorry(_, path):
        if "/exports" in path:
            answered.append(path)
            return (503, False) if len(answered) in (3, 4) else None
        return None

    with proxy(label_studio.running.url, sorry) as url, cache.open_cache(tmp_path / "kept.sqlite3") as db:
        connection = client.connect(url, label_studio.running.token)
        update_cache(db, ProjectRef(connection, title), name, progress=said.append, patience=8.0)
        counts, found = cache.counts(db), cache.load_all(db)

    assert counts == cache.Counts(4, 4, 0, 0)
    assert found == collect(label_studio.connection, title, name)
    assert said[0] == f"Label Studio at {url} does not answer: waiting"
    assert len(answered) > 4


def test_a_server_that_stays_away_is_said_with_what_to_do(label_studio, config, tasks, title, monkeypatch):
    monkeypatch.setattr(client, "RETRY_SECONDS", 0.5)
    with proxy(label_studio.running.url, lambda _, path: (503, False) if "/import" in path else None) as url:
        connection = client.connect(url, label_studio.running.token)
        with pytest.raises(KhabarError) as caught:
            client.send(connection, title, config, tasks(2), overlap=1, progress=print)

    (issue,) = caught.value.issues
    assert (caught.value.exit_code, issue.code) == (3, "no-studio")
    assert (issue.message, issue.fix) == (
        f"Label Studio at {url} is temporarily unavailable (503)",
        "run the same command again to resume",
    )


def test_a_server_that_restarts_in_the_middle_of_a_send_is_waited_for(installed, config, tasks, tmp_path):
    wanted, said = tasks(8), []
    running = up(tmp_path, progress=print)
    restart = threading.Thread(target=up, args=(tmp_path,), kwargs={"progress": print})

    def progress(message):
        if not said:
            down(tmp_path)
            restart.start()
        said.append(message)

    try:
        connection = client.connect(running.url, running.token)
        sent = client.send(connection, "restarted", config, wanted, overlap=1, progress=progress, batch_size=2)
        restart.join()
        held = there(connection, sent.project_id)
        again = client.send(connection, "restarted", config, wanted, overlap=1, progress=print)
    finally:
        down(tmp_path)

    waiting = f"Label Studio at {running.url} does not answer: waiting"
    assert said == ["sent 2 of 8", waiting, "sent 2 of 6", "sent 4 of 6", "sent 6 of 6"]
    assert held == Counter(key_of(one["data"]) for one in wanted)
    assert [(one.created, one.present) for one in (sent, again)] == [(8, 0), (0, 8)]


def test_a_project_that_was_deleted_there_is_made_again_whole(label_studio, config, tasks, title):
    def send():
        return client.send(label_studio.connection, title, config, tasks(3), overlap=1, progress=print)

    first = send()
    label_studio.connection.client.projects.delete(id=int(first.project_id))
    second = send()

    assert second.project_id != first.project_id
    assert (second.created, second.present) == (3, 0)
    assert there(label_studio.connection, second.project_id) == Counter(key_of(one["data"]) for one in tasks(3))
