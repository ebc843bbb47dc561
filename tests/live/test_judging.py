"""`khabar check --watch` beside a real Label Studio, while people work."""

import signal
import subprocess
import sys
import time

import pytest

from builder import state
from builder.annotation import annotator
from tests.live.test_send import make, send

pytestmark = pytest.mark.live
__all__ = ("make",)


def read_until(path, words, seconds=60):
    """What a process has written into a file, as soon as these words are there."""
    end = time.monotonic() + seconds
    while words not in (said := path.read_text(encoding="utf-8")):
        assert time.monotonic() < end, f"no {words!r} in {said}"
        time.sleep(0.1)
    return said


def test_watch_shows_a_fault_while_people_work_and_ends_when_it_is_told_to(label_studio, make, tmp_path):
    project = make(3, assignment="pool")
    send(project)
    place = state.place_of(project, "pilot")
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "builder.cli",
        "-C",
        str(project.root),
        "check",
        "--watch",
        "--every",
        "1",
    ]
    log = tmp_path / "said"
    with log.open("w") as out, subprocess.Popen(command, stdout=out, stderr=out) as watching:
        try:
            read_until(log, "too-few-annotators")
            with annotator.log_in(place["url"], *label_studio.logins[0]) as person:
                task = person.next_task(int(place["project_id"]))
                value = {"start": 0, "end": 3, "text": "غير", "labels": ["PERS"]}
                odd = {"type": "labels", "from_name": "ner", "to_name": "text", "id": "x", "value": value}
                person.submit(task, [odd], seconds=5.0, skipped=False)
            read_until(log, "span-text")
            time.sleep(2.5)
            watching.send_signal(signal.SIGINT)
            watching.wait(timeout=30)
        finally:
            watching.kill()
    said = log.read_text(encoding="utf-8")

    assert watching.returncode == 130
    assert said.count("error[span-text]") == 1, "a fault is told once"
    assert f"data?task={task['id']}" in said
    assert "interrupted: nothing acknowledged is lost" in said
    assert "Traceback" not in said
