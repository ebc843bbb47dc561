"""The command `demo`: it replaces no folder but its own."""

import pytest

from builder.commands.adjudicate import adjudicate
from builder.commands.demo import decide
from builder.io.jsonl import read_jsonl
from builder.records import Decision, Dispute
from tests.builders import kept
from tests.conftest import ROOT


@pytest.mark.slow  # starts the command line
def test_folder_with_other_files_is_refused(tmp_path, khabar):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine", encoding="utf-8")

    done = khabar("demo", "mine", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert "the folder is not empty, and no earlier demonstration made it" in done.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


@pytest.mark.slow  # prepares the demonstration
def test_the_decisions_of_the_demonstration_are_on_what_is_in_dispute(project):
    kept(project)
    path = project.annotations / "demo" / "decisions.jsonl"
    path.unlink()
    adjudicate(project)
    disputes = read_jsonl(project.work / "disputes.jsonl", Dispute)
    decide(project)
    made = read_jsonl(path, Decision)
    settled = {(one.article_id, passage.what) for one in made for passage in one.scope}
    settled |= {(one.article_id, f"stance:{stance.target}") for one in made for stance in one.stances}
    last = max(dispute.article_id for dispute in disputes)

    assert settled == {(one.article_id, one.what) for one in disputes if one.article_id != last}
    assert all(one.scope or one.spans is None for one in made)
    assert path.read_bytes() == (ROOT / "annotations" / "demo" / "decisions.jsonl").read_bytes()
    assert {one.article_id for one in read_jsonl(project.work / "disputes.jsonl", Dispute)} >= {last}
    assert adjudicate(project).open_disputes == sum(one.article_id == last for one in disputes)
