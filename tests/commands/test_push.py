"""The command `push`: copies to a folder, without a Hub."""

import pytest

from tests.builders import snapshot

pytestmark = pytest.mark.slow  # each test runs several commands on a project


def test_push_to_a_folder_copies_and_reads_back(built, khabar):
    first = khabar("push", "1.0.0", "--to", "copies", cwd=built.root)
    second = khabar("push", "1.0.0", "--to", "copies", cwd=built.root)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "copied, read back, compared" in first.stdout
    assert "was there already, the same" in second.stdout
    assert snapshot(built.root / "copies" / "v1.0.0") == snapshot(built.release("1.0.0"))


def test_push_to_a_folder_replaces_no_other_bytes(built, khabar):
    card = built.root / "copies" / "v1.0.0" / "README.md"
    card.parent.mkdir(parents=True)
    card.write_text("mine", encoding="utf-8")

    done = khabar("push", "1.0.0", "--to", "copies", cwd=built.root)

    assert (done.returncode, done.stdout) == (4, "")
    assert "a published version never changes" in done.stderr
    assert card.read_text(encoding="utf-8") == "mine"
    assert not card.with_name("MANIFEST.json").exists()


def test_dry_run_copies_nothing(built, khabar):
    done = khabar("push", "1.0.0", "--to", "copies", "--dry-run", cwd=built.root)

    assert done.returncode == 0, done.stderr
    assert "would copy" in done.stdout
    assert not (built.root / "copies").exists()


def test_a_folder_is_no_rehearsal(project, khabar):
    done = khabar("push", "1.0.0", "--to", "copies", "--rehearse", cwd=project.root)

    assert (done.returncode, done.stdout) == (2, "")
    assert "--rehearse is for a Hub, and --to is a folder without one" in done.stderr


def test_version_that_was_not_built_is_refused(project, khabar):
    done = khabar("push", "1.0.0", "--to", "copies", cwd=project.root)

    assert (done.returncode, done.stdout) == (2, "")
    assert not (project.root / "copies").exists()
