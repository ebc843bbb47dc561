"""Same inputs, same bytes: whatever the day, the place, the locale, the order; and whatever ended a build before.

Every build here is the real command line in a process of its own.
"""

import hashlib
import os
import random
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from builder import flow
from builder.project import Project, read_jsonl, write_jsonl
from builder.records import Assignment, BatchItem, Decision, Dispute, Stance
from tests.conftest import ROOT
from tests.test_flow import judge, walk

CLOCK = '''
"""A clock that is shifted by so many seconds: every way in which Python code asks for the time or the day."""
import ctypes
import datetime as days
import gc
import os
import time

SHIFT = float(os.environ["SHIFT"])
clocks = {name: getattr(time, name) for name in ("time", "time_ns", "localtime", "gmtime", "strftime")}
time.time = lambda: clocks["time"]() + SHIFT
time.time_ns = lambda: clocks["time_ns"]() + int(SHIFT * 1e9)
time.localtime = lambda *at: clocks["localtime"](*(at or (time.time(),)))
time.gmtime = lambda *at: clocks["gmtime"](*(at or (time.time(),)))
time.strftime = lambda form, *at: clocks["strftime"](form, *(at or (time.localtime(),)))


def put(kind, name, method):
    """In place of a method of a type of C code, which pyarrow and others hold by its address."""
    gc.get_referents(kind.__dict__)[0][name] = classmethod(method)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))


put(days.datetime, "now", lambda kind, tz=None: kind.fromtimestamp(time.time(), tz))
put(days.datetime, "utcnow", lambda kind: kind.fromtimestamp(time.time(), days.timezone.utc).replace(tzinfo=None))
put(days.datetime, "today", lambda kind: kind.fromtimestamp(time.time()))
put(days.date, "today", lambda kind: kind.fromtimestamp(time.time()))
'''
PLACES = {
    "here": {"LANG": "C.UTF-8", "TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "1", "SHIFT": "0"},
    # Two and a half years on, on the other side of the date line, in a locale that knows ASCII only.
    "there": {"LANG": "C", "LC_ALL": "C", "TZ": "America/Los_Angeles", "PYTHONHASHSEED": "97", "PYTHONUTF8": "0",
              "PYTHONCOERCECLOCALE": "0", "SHIFT": "79000000"},
}  # fmt: skip


def digest(folder):
    """One hash of a folder: names and contents."""
    found = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        found.update(f"{path.relative_to(folder)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()


@pytest.fixture(scope="module")
def pattern(tmp_path_factory):
    """A project that is ready to be built: two batches, all judged, and a decision."""
    folder = tmp_path_factory.mktemp("pattern") / "project"
    flow.init(folder, card=str)
    project = Project(folder)
    walk(project, [ROOT / "examples" / "articles"], size=14)
    flow.sample(project, "second", 12)
    judge(project)
    judge(project, "second")
    decide(project)
    return folder


def decide(project):
    from builder import annotate

    annotate.adjudicate(project)
    disputes = [d for d in read_jsonl(project.work / "disputes.jsonl", Dispute) if d.what.startswith("stance:")]
    shas = {i.article_id: i.text_sha for name in project.batches() for i in
            read_jsonl(project.annotations / name / "batch.jsonl", BatchItem)}  # fmt: skip
    decisions = [
        Decision(d.article_id, shas[d.article_id], who, None, (Stance(d.what.removeprefix("stance:"), "neutral"),))
        for d in disputes[:2]
        for who in ("lead", "second lead")
    ]
    write_jsonl(project.annotations / "pilot" / "decisions.jsonl", decisions)


@pytest.fixture
def clock(tmp_path):
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock" / "sitecustomize.py").write_text(CLOCK, encoding="utf-8")
    return tmp_path / "clock"


def test_the_clock_of_these_tests_is_shifted(clock):
    asked = (
        "import time, datetime; print(datetime.datetime.now().year, datetime.date.today().year, time.localtime()[0])"
    )
    env = {"PYTHONPATH": str(clock), "SHIFT": str(10 * 366 * 86400)}
    said = subprocess.run([sys.executable, "-c", asked], env=env, capture_output=True, text=True, check=True).stdout

    assert {int(year) - time.localtime()[0] for year in said.split()} == {10}


def shuffled(folder, seed):
    """Every file of annotations with its lines in another order, written in another order."""
    chance = random.Random(seed)
    files = sorted(folder.rglob("*.jsonl"))
    chance.shuffle(files)
    for path in files:
        lines = path.read_bytes().splitlines(keepends=True)
        chance.shuffle(lines)
        path.unlink()
        path.write_bytes(b"".join(lines))


def test_two_folders_two_days_two_locales_and_shuffled_inputs_give_one_hash(pattern, clock, tmp_path, khabar):
    pages = sorted(path for path in (ROOT / "examples" / "articles").rglob("*") if path.is_file())
    hashes = set()
    for number, (place, environment) in enumerate(PLACES.items()):
        folder = tmp_path / place / ("a" * 40 * number + "project")
        chance = random.Random(number)
        other = [pages, chance.sample(pages, len(pages))][number]
        flow.init(folder, card=str)
        (folder / "annotations").rmdir()
        for name in sorted(("pilot", "second"), reverse=bool(number)):  # made in another order
            shutil.copytree(pattern / "annotations" / name, folder / "annotations" / name)
        if number:
            shuffled(folder / "annotations", seed=7)
        own = environment | {"PYTHONPATH": f"{clock}{os.pathsep}{ROOT}"}
        rounds = [pages] if not number else [other[:9], other[9:]]
        for paths in rounds:
            assert khabar("ingest", *paths, cwd=folder, **own).returncode in (0, 1)
        steps = [("clean",), ("dedup",), ("adjudicate",)][: 1 + 2 * number]
        for step in (*steps, ("build", "1.0.0")):
            done = khabar(*step, cwd=folder, **own)
            assert done.returncode == 0, done.stderr
        hashes.add(digest(folder / "dist" / "v1.0.0"))

    assert len(hashes) == 1
