"""The command `check`: faults in annotations, once or while they come in."""

import pytest

from builder.commands import check, check_watch
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.records import Decision, Judgement
from tests.builders import judge

pytestmark = pytest.mark.slow  # each test runs several commands on a project


def test_missing_and_wrong_answers_are_reported(sampled):
    judge(sampled)
    path = sampled.annotations / "pilot" / "judgements.jsonl"
    judgements = read_jsonl(path, Judgement)
    first = judgements[0]
    write_jsonl(path, judgements[:-1])
    write_jsonl(
        path.with_name("known.jsonl"), [Decision(first.article_id, first.text_sha, "lead", (), ())],
    )  # fmt: skip
    codes = {issue.code for issue in check.check(sampled).issues}

    assert {"too-few-annotators", "known-missed"} <= codes


def test_watch_shows_only_new_issues(sampled, monkeypatch):
    judge(sampled)
    path = sampled.annotations / "pilot" / "judgements.jsonl"
    complete = path.read_bytes()
    short = b"".join(complete.splitlines(keepends=True)[:-1])
    turns = iter([short, short, complete])
    monkeypatch.setattr(check_watch, "collect", lambda *_, **__: path.write_bytes(next(turns)))
    shown, progress = [], []
    report = check_watch.watch(sampled, seconds=0.01, show=shown.append, progress=progress.append)

    assert [issue.code for issue in shown[0]].count("too-few-annotators") == 1
    assert shown[1] == []
    assert "too-few-annotators" not in [issue.code for issue in shown[2]]
    assert progress[-1].startswith("1 fault resolved; ")
    assert report.verb == "check"


def test_watch_reports_a_stopped_server_once(sampled):
    judge(sampled)
    shown = []
    check_watch.watch(sampled, seconds=0.01, show=shown.append, progress=print, rounds=2)

    assert shown[0][0].code == "studio-down"
    assert shown[1] == []


def test_splits_is_now_audit(project, khabar):
    done = khabar("check", "--splits", "dist/v1.0.0", cwd=project.root)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error[usage] --splits is now a command of its own\n    fix: run `khabar audit DIR_OR_REPO`\n"
    )
