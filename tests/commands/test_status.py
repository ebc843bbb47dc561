"""The command `status`: stages, batches and releases."""

import json

import pytest

from builder.project.stages.table import ROAD
from tests.builders import snapshot

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
