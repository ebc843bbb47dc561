"""The command `demo`: it replaces no folder but its own."""

import pytest


@pytest.mark.slow  # starts the command line
def test_folder_with_other_files_is_refused(tmp_path, khabar):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine", encoding="utf-8")

    done = khabar("demo", "mine", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert "the folder is not empty, and no earlier demonstration made it" in done.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]
