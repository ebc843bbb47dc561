"""The project folder: lock, balanced counts, pseudonym key."""

import os
import subprocess
import sys
import time

import pytest

from builder.records import KhabarError, StageCounts


def test_lock_is_exclusive_and_freed_by_a_kill(project):
    code = (
        "import sys, time; from pathlib import Path; from builder.project.project import Project\n"
        "with Project(Path(sys.argv[1])).lock(): print('held', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(project.root)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    with pytest.raises(KhabarError, match=f"process {child.pid}"), project.lock():
        pass
    child.kill()
    child.wait()
    child.stdout.close()

    with project.lock():
        pass


def test_unbalanced_counts_are_refused(project):
    with pytest.raises(KhabarError, match="do not add up") as caught:
        project.save_account("clean", [StageCounts("clean", "lines", 5, 3, {"share": 1})])

    assert caught.value.exit_code == 1


def test_pseudonym_key_is_private_and_stays(project, monkeypatch):
    monkeypatch.delenv("KHABAR_SECRET", raising=False)
    first = project.pseudonym_key()
    mode = (project.work / "pseudonym.key").stat().st_mode & 0o777

    assert mode == 0o600
    assert project.pseudonym_key() == first
    monkeypatch.setenv("KHABAR_SECRET", "given")
    assert project.pseudonym_key() == b"given"


def test_old_leftovers_of_killed_writes_are_removed_and_new_ones_stay(project):
    old, new = project.work / "stamps" / ".clean.1a2b3c", project.work / "accounts" / ".clean.jsonl.4d5e6f"
    for path in (old, new):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    os.utime(old, (time.time() - 7200,) * 2)
    with project.lock():
        assert (old.exists(), new.exists()) == (False, True)
