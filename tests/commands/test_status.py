"""The command `status`: stages, batches and releases."""

import json

import pytest

from tests.builders import snapshot

pytestmark = pytest.mark.slow  # each test runs several commands on a project


def test_new_project_has_no_stage_yet(project, khabar):
    done = khabar("status", "--json", cwd=project.root)
    report = json.loads(done.stdout)

    assert done.returncode == 0, done.stderr
    assert report["accounts"] == []
    assert report["facts"].pop("open disputes") == "0"
    assert {step["state"] for step in report["steps"]} == {"never", "waits"} - {"waits"}
    assert report["facts"].keys() == {step["command"] for step in report["steps"]}
    assert report["next"] == {"command": "khabar ingest FILES", "why": "no documents yet"}


def test_stages_batches_and_releases_are_shown(built, khabar):
    before = snapshot(built.root)
    done = khabar("status", "--json", cwd=built.root)
    report = json.loads(done.stdout)

    assert done.returncode == 0, done.stderr
    assert {"ingest", "clean", "build"} <= {account["stage"] for account in report["accounts"]}
    assert report["facts"]["batch demo"] == "30 articles, 90 judgements"
    assert report["facts"]["release v1.0.0"] == "built, not pushed"
    assert snapshot(built.root) == before
