"""Temporary folders: removed after use, and after a kill by the next that is opened."""

import subprocess
import sys
import tempfile

import pytest

from builder.io.scratch import scratch_folder

HOLD = """
import sys
from builder.io.scratch import scratch_folder
with scratch_folder("push") as folder:
    (folder / "big").write_bytes(b"x")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def holder():
    child = subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return child, child.stdout.readline().strip()


def test_folder_is_removed_after_the_block_and_after_an_error(temporary):
    with pytest.raises(ZeroDivisionError), scratch_folder("verify") as folder:
        (folder / "big").write_bytes(bytes(1 // 0))

    assert list(temporary.iterdir()) == []


def test_folder_of_a_killed_process_is_removed_and_that_of_a_running_one_stays(temporary):
    (temporary / "khabar-notes.log").write_text("of somebody else")
    (temporary / "khabar-folder").mkdir()
    killed, left = holder()
    running, kept = holder()
    killed.kill()
    killed.communicate()
    with scratch_folder("push") as folder:
        there = {path.name for path in temporary.iterdir()}

    assert there == {"khabar-notes.log", "khabar-folder", kept.rpartition("/")[2], folder.name}
    assert left.rpartition("/")[2] not in there
    running.communicate()
    assert {path.name for path in temporary.iterdir()} == {"khabar-notes.log", "khabar-folder"}
