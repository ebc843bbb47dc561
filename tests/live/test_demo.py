"""The whole road as its user goes it: `khabar demo` in an empty folder, with real servers."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]


def run(*arguments, cwd):
    command = [sys.executable, "-m", "builder", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=580, check=False)


def release_of(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def walked(tmp_path_factory, installed):
    """A demonstration that was kept up, and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    done = run("demo", "--keep", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    yield folder / "khabar-demo", json.loads(done.stdout), done.stderr
    stopped = run("-C", folder / "khabar-demo", "studio", "down", cwd=folder)
    assert "stopped" in stopped.stdout


def test_every_stage_says_what_it_kept_and_why_not_the_rest(walked):
    _, report, said = walked

    for account in report["accounts"]:
        assert account["taken"] == account["kept"] + sum(account["set_aside"].values())
    assert {account["stage"] for account in report["accounts"]} >= {"ingest", "clean", "send", "collect", "build"}
    assert said.count("(simulated annotator)") == 3


def test_agreement_is_printed_with_intervals(walked):
    _, report, _ = walked
    figures = report["reports"]["agree"]["figures"]

    for layer in ("entities", "stance"):
        assert any(
            (one["layer"], one["label"], one["between"]) == (layer, "all", "")
            and one["low"] < one["value"] < one["high"]
            for one in figures
        )


def test_the_release_is_what_a_fresh_clone_builds(walked, tmp_path):
    folder, _, _ = walked
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    for command in (["ingest", "examples/articles"], ["clean"], ["build", "1.0.0"]):
        done = run(*command, cwd=clone)
        assert done.returncode == 0, done.stderr

    assert release_of(clone / "dist" / "v1.0.0") == release_of(folder / "dist" / "v1.0.0")


def test_the_same_road_again_gives_the_same_bytes(walked, tmp_path):
    folder, _, _ = walked
    done = run("demo", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert release_of(tmp_path / "khabar-demo" / "dist" / "v1.0.0") == release_of(folder / "dist" / "v1.0.0")
    assert "was not running" in run("-C", "khabar-demo", "studio", "down", cwd=tmp_path).stdout


def test_label_studio_stays_up_and_the_logins_are_printed(walked):
    _, report, _ = walked
    address = report["page"].split("/projects/")[0]

    with urllib.request.urlopen(f"{address}/health", timeout=10) as answer:
        assert answer.status == 200
    assert [login["email"].split("@")[0] for login in report["logins"]] == ["annotator-1", "annotator-2", "annotator-3"]


def test_collecting_again_changes_no_byte(walked):
    folder, _, _ = walked
    path = folder / "annotations" / "demo" / "judgements.jsonl"
    before = path.read_bytes()

    done = run("-C", folder, "collect", cwd=folder)

    assert done.returncode == 0, done.stderr
    assert path.read_bytes() == before


def test_pseudonyms_with_another_key_do_not_overwrite_what_is_there(walked, monkeypatch):
    folder, _, _ = walked
    path = folder / "annotations" / "demo" / "judgements.jsonl"
    before = path.read_bytes()
    monkeypatch.setenv("KHABAR_SECRET", "another")

    done = run("-C", folder, "collect", cwd=folder)

    assert done.returncode == 1
    assert "90 of 90 annotations in" in done.stderr
    assert path.read_bytes() == before


def test_sending_again_creates_nothing(walked):
    folder, _, _ = walked

    done = run("-C", folder, "send", "--json", cwd=folder)

    (account,) = json.loads(done.stdout)["accounts"]
    assert (account["kept"], account["set_aside"]) == (0, {"already there": account["taken"]})


def test_no_secret_and_no_mail_address_is_in_what_is_published(walked):
    folder, report, _ = walked
    passwords = [login["password"] for login in report["logins"]]
    token = (folder / ".khabar" / "studio" / "token").read_text()

    for path in [*Path(folder / "dist").rglob("*"), *Path(folder / "annotations").rglob("*")]:
        if path.is_file():
            content = path.read_bytes()
            assert b"@khabar" not in content
            assert not any(secret.encode() in content for secret in (*passwords, token))


def test_a_folder_with_other_things_is_not_replaced(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("do not delete")

    done = run("demo", "mine", cwd=tmp_path)

    assert done.returncode == 2
    assert "not empty" in done.stderr
    assert (tmp_path / "mine" / "thesis.txt").exists()
