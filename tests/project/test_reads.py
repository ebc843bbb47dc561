"""What one build reads: each file of the project at most once."""

import json
import subprocess
import sys
import time

import pytest

from builder.commands.build import build
from builder.commands.init import init
from builder.commands.run import run
from builder.project import corpus
from builder.project.project import Project
from tests.builders import kept
from tests.conftest import ROOT

pytestmark = pytest.mark.slow  # it runs several commands on a project

COUNTED = """
import collections, json, os, sys
root, *arguments = sys.argv[1:]
reads = collections.Counter()
def hook(event, given):
    if event == "open" and isinstance(given[0], (str, os.PathLike)) and str(given[0]).startswith(root):
        if given[1] is None or "r" in str(given[1]):
            reads[str(given[0])[len(root) + 1:]] += 1
sys.addaudithook(hook)
sys.argv = ["khabar", "-C", root, *arguments]
from builder.main import khabar
try:
    khabar(standalone_mode=False)
except SystemExit as ended:
    assert not ended.code, ended.code
print(json.dumps(reads))
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The repository's demonstration with a release; its files are old enough to be told from later versions."""
    project = Project(tmp_path_factory.mktemp("reads") / "project")
    init(project.root, card=str)
    kept(project)
    build(project, "1.0.0")
    run(project)
    time.sleep(0.2)
    return project


def test_one_build_opens_each_file_of_the_project_at_most_once(finished):
    command = [sys.executable, "-c", COUNTED, str(finished.root), "-q", "build", "1.0.0"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    reads = json.loads(done.stdout.splitlines()[-1])
    given = {path: number for path, number in reads.items() if not path.startswith("dist/")}
    # The command writes its own stamp, and the next line reads it again.
    own = given.pop(".khabar/stamps/steps/build.json")

    assert {path: number for path, number in given.items() if number > 1} == {}
    assert own <= 2
    assert {"annotations/demo/judgements.jsonl", "annotations/demo/batch.jsonl", "schema/labels.yaml"} <= given.keys()


def test_one_build_asks_once_for_the_profile_and_for_staleness(finished, monkeypatch):
    made = []
    for name in ("profile", "clean_inputs"):
        whole = getattr(corpus, name)
        monkeypatch.setattr(corpus, name, lambda *given, name=name, whole=whole: made.append(name) or whole(*given))
    build(finished, "1.0.0")

    assert sorted(made) == ["clean_inputs", "profile"]


def test_a_snapshot_keeps_what_it_read_and_a_project_does_not(finished):
    path = finished.annotations / "demo" / "decisions.jsonl"
    before, snapshot = path.read_bytes(), finished.snapshot()
    digest = snapshot.digest(path)
    try:
        path.write_bytes(before + b"\n")
        assert snapshot.digest(path) == digest != finished.digest(path)
    finally:
        path.write_bytes(before)


def test_an_account_that_was_edited_by_hand_does_not_reach_the_card(finished):
    build(finished, "1.0.0")
    card = (finished.release("1.0.0") / "README.md").read_bytes()
    for path in (finished.work / "accounts").glob("*.jsonl"):
        path.write_text(path.read_text().replace('"taken": 3', '"taken": 9'), encoding="utf-8")
    build(finished, "1.0.0")

    assert (finished.release("1.0.0") / "README.md").read_bytes() == card
