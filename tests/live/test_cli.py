"""Faults of remotes as the command line says them: exact message, exit code, nothing half written."""

import os
import signal
import subprocess
import sys
import time

import pytest

from builder.commands.build import build
from builder.local_hub.server import serve
from tests.builders import judge, walk
from tests.conftest import ROOT

pytestmark = pytest.mark.live


@pytest.fixture
def sampled(project):
    walk(project, [ROOT / "examples" / "articles"])
    return project


@pytest.fixture
def built(sampled):
    judge(sampled)
    build(sampled, "1.0.0")
    return sampled


def test_label_studio_not_running(sampled, khabar):
    done = khabar("send", cwd=sampled.root)

    assert (done.returncode, done.stderr) == (3, (
        "error[studio-down] Label Studio is not running for this project\n"
        "    fix: run `khabar studio up`, or set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY\n"
    ))  # fmt: skip


def test_nothing_answers_at_the_users_own_address(sampled, khabar):
    done = khabar("send", cwd=sampled.root, LABEL_STUDIO_URL="http://127.0.0.1:9", LABEL_STUDIO_API_KEY="k")

    assert done.returncode == 3
    assert done.stderr.startswith("error[no-studio] no Label Studio answers at http://127.0.0.1:9\n")


def test_a_wrong_token_is_said_and_not_repeated(sampled, khabar, label_studio):
    url = label_studio.running.url
    done = khabar("send", cwd=sampled.root, LABEL_STUDIO_URL=url, LABEL_STUDIO_API_KEY="0123456789abcdef")

    assert done.returncode == 3
    assert done.stderr.startswith(f"error[token] Label Studio at {url} refused the token (401)\n")
    assert "0123456789abcdef" not in done.stderr + done.stdout


def test_the_users_own_label_studio_is_used(sampled, khabar, label_studio):
    own = {"LABEL_STUDIO_URL": label_studio.running.url, "LABEL_STUDIO_API_KEY": label_studio.running.token}

    first = khabar("send", cwd=sampled.root, **own)
    again = khabar("send", cwd=sampled.root, **own)
    collected = khabar("collect", cwd=sampled.root, **own)

    assert "30 articles in, 30 kept" in first.stdout
    assert "30 articles in, 0 kept" in again.stdout
    assert (collected.returncode, "0 annotations in, 0 kept" in collected.stdout) == (0, True)


def test_ctrl_c_during_send_ends_with_130_and_send_completes_it(sampled, khabar, label_studio):
    (sampled.root / "schema" / "dataset.yaml").write_text(
        (sampled.root / "schema" / "dataset.yaml").read_text().replace("demo-news", "interrupted"), encoding="utf-8"
    )
    own = {"LABEL_STUDIO_URL": label_studio.running.url, "LABEL_STUDIO_API_KEY": label_studio.running.token}
    with subprocess.Popen(
        [sys.executable, "-m", "builder", "send"], cwd=sampled.root, env=os.environ | own, stderr=subprocess.PIPE
    ) as child:
        lock = sampled.work / "lock"
        deadline = time.monotonic() + 30
        while f"process {child.pid}" not in lock.read_text() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.6)
        child.send_signal(signal.SIGINT)
        said = child.stderr.read().decode()
    again = khabar("send", "--json", cwd=sampled.root, **own)
    third = khabar("send", cwd=sampled.root, **own)

    assert child.returncode in (0, 130)  # 0: it was done before the signal came
    assert "Traceback" not in said
    assert again.returncode == 0
    assert "30 articles in, 0 kept" in third.stdout


def test_a_hub_that_answers_401(built, khabar, tmp_path):
    with serve(tmp_path / "hub", deny=["wrong-token"]) as hub:
        done = khabar("push", "1.0.0", "--yes", cwd=built.root, HF_ENDPOINT=hub.url, HF_TOKEN="wrong-token")

    assert done.returncode == 3
    assert "401" in done.stderr
    assert "HF_TOKEN" in done.stderr
    assert "wrong-token" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_the_users_own_hub_gets_one_commit_and_one_tag(built, khabar, tmp_path):
    with serve(tmp_path / "hub") as hub:
        own = {"HF_ENDPOINT": hub.url, "HF_TOKEN": "good"}
        dry = khabar("push", "1.0.0", "--dry-run", cwd=built.root, **own)
        done = khabar("push", "1.0.0", "--yes", cwd=built.root, **own)
        again = khabar("push", "1.0.0", "--yes", cwd=built.root, **own)
        verified = khabar("verify", "1.0.0", cwd=built.root, **own)

    assert "would upload" in dry.stdout
    assert "committed, read back, compared, tagged" in done.stdout
    assert "was there already, the same" in again.stdout
    assert (verified.returncode, "files at v1.0.0" in verified.stdout) == (0, True)


def test_a_published_version_is_not_built_over(built, khabar, tmp_path):
    with serve(tmp_path / "hub") as hub:
        khabar("push", "1.0.0", "--yes", cwd=built.root, HF_ENDPOINT=hub.url, HF_TOKEN="good")
    card = built.root / "dataset_card.md"
    card.write_text(card.read_text().replace("demonstration", "display"), encoding="utf-8")

    done = khabar("build", "1.0.0", cwd=built.root)

    assert done.returncode == 4
    assert "a published version never changes: build the next one" in done.stderr


def test_a_rehearsal_is_kept_for_verify(built, khabar):
    pushed = khabar("push", "1.0.0", "--rehearse", cwd=built.root)
    verified = khabar("verify", "1.0.0", "--rehearse", cwd=built.root)

    assert (pushed.returncode, verified.returncode) == (0, 0), pushed.stderr + verified.stderr
    assert khabar("verify", "1.0.1", "--rehearse", cwd=built.root).returncode == 3
