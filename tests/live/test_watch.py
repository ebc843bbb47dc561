"""`khabar check --watch` beside people who work: a fault is said once, a restart is survived, Ctrl-C ends it."""

import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

from builder.commands.send import send
from builder.labelstudio import annotator
from builder.labelstudio.server.process import down, new_credentials, up
from builder.labelstudio.tasks import result_of
from builder.project.annotations import labelstudio_project_of
from builder.records import Span, Stance
from tests.live.desks import PORT, project_of
from tests.live.page import TEXT

pytestmark = pytest.mark.live
WHERE = TEXT.index("الوزيرة سلمى")
STANCES = (Stance("metro", "neutral"), Stance("port-expansion", "against"))


class Watched:
    """A running `khabar check --watch`, and the lines that it has said on stderr so far."""

    def __init__(self, folder):
        self.child = subprocess.Popen(
            [sys.executable, "-m", "builder", "check", "--watch", "--every", "1"],
            cwd=folder, env=os.environ | {"NO_COLOR": "1"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.lines = []
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.child.stderr))
        self.reader.start()

    def said(self, word):
        return [line for line in list(self.lines) if word in line]

    def wait(self, word, number=1, seconds=60):
        deadline = time.monotonic() + seconds
        while len(self.said(word)) < number and time.monotonic() < deadline:
            assert self.child.poll() is None, self.lines
            time.sleep(0.05)
        assert len(self.said(word)) >= number, self.lines

    def stop(self):
        self.child.send_signal(signal.SIGINT)
        out = self.child.stdout.read()
        self.child.wait(timeout=30)
        self.reader.join(timeout=30)
        self.child.stdout.close()
        self.child.stderr.close()
        return out


@pytest.fixture
def live(installed, tmp_path):
    """A pool of three articles on a server of its own, and two annotators."""
    project = project_of(tmp_path / "watched", "pool", 3)
    logins = new_credentials(["zahra", "bilal"])
    work = project.work / "studio"
    up(work, accounts=logins, progress=print)
    try:
        send(project, "pilot", dry_run=False, progress=print)
        yield project, logins, work
    finally:
        down(work)


def test_watch_reports_a_fault_once_until_ctrl_c(live):
    project, logins, work = live
    place = labelstudio_project_of(project, "pilot")

    def answer(login, spans, stances=STANCES):
        with annotator.log_in(place["url"], *login) as person:
            task = person.next_task(int(place["project_id"]))
            person.submit(task, result_of(spans, stances, task["data"]), seconds=9, skipped=False)
            return task["id"]

    watched = Watched(project.root)
    try:
        watched.wait("too-few-annotators")
        began = time.monotonic()
        task = answer(logins[0], [Span(WHERE, WHERE + 12, "OCC", "a"), Span(WHERE + 8, WHERE + 19, "PERS", "b")])
        watched.wait("crossing")
        took = time.monotonic() - began
        down(work)
        watched.wait("studio-down")
        up(work, progress=print)
        watched.wait("resolved")
        answer(logins[1], [Span(PORT, PORT + 12, "FAC", "c")], stances=())
        watched.wait("stance")
    finally:
        out = watched.stop()
    crossing, link = watched.said("crossing"), f"{place['url']}/projects/{place['project_id']}/data?task={task}"

    assert len(crossing) == 1
    assert watched.said(link)
    assert took < 8, "an interval of one second, and the time to look"
    assert len(watched.said("[studio-down]")) == 1
    assert len(watched.said("[too-few-annotators]")) == 1, "its figures changed meanwhile"
    assert watched.child.returncode == 130
    assert watched.lines[-1] == "Interrupted. Progress is saved; run the same command again to resume.\n"
    assert "Traceback" not in "".join(watched.lines) + out
    assert not re.search(r"[\w.]+@[\w.]+", "".join(watched.lines) + out)
