"""The command `status`: stages, batches and releases."""

import json
import subprocess
import sys

import pytest

from builder.project.stages.table import ROAD
from tests.builders import snapshot
from tests.conftest import ROOT

pytestmark = pytest.mark.slow  # each test runs several commands on a project


def test_new_project_has_no_stage_yet(project, khabar):
    done = khabar("status", "--json", cwd=project.root)
    report = json.loads(done.stdout)

    assert done.returncode == 0, done.stderr
    assert report["accounts"] == []
    assert (report["batches"], report["open_disputes"], report["releases"]) == ([], [], [])
    assert {step["state"] for step in report["steps"]} == {"never", "waits"} - {"waits"}
    assert [step["command"] for step in report["steps"]] == [step.command for step in ROAD]
    assert report["next"] == {"command": "khabar ingest FILES", "why": "no documents yet"}


def test_stages_batches_and_releases_are_shown(built, khabar):
    before = snapshot(built.root)
    done = khabar("status", "--json", cwd=built.root)
    report = json.loads(done.stdout)

    assert done.returncode == 0, done.stderr
    assert {"ingest", "clean", "build"} <= {account["stage"] for account in report["accounts"]}
    assert report["batches"] == [{"name": "demo", "articles": 30, "judgements": 90}]
    assert report["releases"] == [{"version": "1.0.0", "pushed": None}]
    assert snapshot(built.root) == before


LOADED = """
import sys
from builder.main import khabar
try:
    khabar(sys.argv[1:], standalone_mode=False)
except SystemExit as ended:
    assert not ended.code, ended.code
print("LOADED", sorted({"numpy", "pyarrow", "pandas", "datasets", "httpx", "ssl", "huggingface_hub"} & sys.modules.keys()))
"""


def test_status_without_disputes_loads_no_heavy_library(built):
    command = [sys.executable, "-c", LOADED, "status", "-C", str(built.root)]
    (built.work / "disputes.jsonl").unlink(missing_ok=True)
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)

    assert done.stdout.splitlines()[-1] == "LOADED []"


def test_an_open_dispute_is_shown_with_the_words_of_its_span(built, khabar):
    (built.work / "disputes.jsonl").unlink(missing_ok=True)
    khabar("adjudicate", cwd=built.root)
    shown = json.loads(khabar("status", "--json", cwd=built.root).stdout)["open_disputes"]
    text = khabar("status", cwd=built.root).stdout

    assert len(shown) == 2
    assert ("span:39:49", "تل الزيتون") in {(one["dispute"]["what"], one["words"]) for one in shown}
    assert "  e2524203a15eb023-0 span:39:49 «تل الزيتون»" in text
