"""Withdrawal of an annotator, and answers that another person changed: what counts, what is listed, what a release holds."""

from dataclasses import replace

import pytest

from builder.commands.build import build
from builder.commands.check import accept_changes, check
from builder.commands.takedown import withdraw
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.project.annotations import read_decisions
from builder.project.judgements import current_gold
from builder.records import AcceptedChange, Decision, Judgement, KhabarError, Withdrawal
from tests.builders import judge, said
from tests.editions import release_text
from tests.tables import project_judgements

pytestmark = pytest.mark.slow


@pytest.fixture
def judged(sampled):
    """A project with a batch of four articles, each judged by three people."""
    judge(sampled)
    return sampled


def judgements_of(project):
    return read_jsonl(project.annotations / "pilot" / "judgements.jsonl", Judgement)


def test_work_of_a_person_who_withdraws_is_in_no_later_release(judged):
    first = judgements_of(judged)[0]
    ruled = Decision(first.article_id, first.text_sha, "a-1", ())
    write_jsonl(judged.annotations / "pilot" / "decisions.jsonl", [ruled])
    build(judged, "1.0.0")
    before = current_gold(judged)
    report = withdraw(judged, "a-1", "withdrew from the study")
    again = withdraw(judged, "a-1", "asked twice")
    after = current_gold(judged)
    changed = {one for one in {*before, *after} if before.get(one) != after.get(one)}

    assert {issue.article_id for issue in report.issues} == changed
    assert first.article_id in changed
    assert (report.judgements, report.decisions, report.is_new) == (4, 1, True)
    assert said(report)["withdrawn"] == "4 judgements and 1 decisions of a-1: withdrew from the study"
    assert (again.changed, again.golds) == (0, len(after))
    assert read_jsonl(judged.annotations / "withdrawals.jsonl", Withdrawal) == [
        Withdrawal("a-1", "withdrew from the study")
    ]
    assert read_decisions(judged) == []
    with pytest.raises(KhabarError, match="requires a major version bump"):
        build(judged, "1.1.0")
    build(judged, "2.0.0")
    old, new = (release_text(judged.release(version)) for version in ("1.0.0", "2.0.0"))
    assert "a-1" in old
    assert "a-1" not in new
    assert "judgements withdrawn: withdrew from the study." in new
    assert said(again)["withdrawn"] == "none (a-1 is already listed: withdrew from the study)"
    assert not [issue.message for issue in report.issues if issue.message.startswith("1 spans")]


def test_withdrawn_judgements_are_counted(judged):
    withdraw(judged, "a-2", "why")
    project_judgements(judged)

    (account, *_) = judged.accounts("check")
    assert (account.taken, account.set_aside) == (12, {"withdrawn": 4})
    assert "a-2" not in {issue.annotator for issue in check(judged).issues}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--annotator", "a-9"), "no annotation of this project is of 'a-9'"),
        (("--annotator", "a-1", "x-0"), "takedown takes an ID or --annotator"),
        ((), "takedown takes an ID or --annotator"),
    ],
)
def test_unknown_person_or_both_kinds_are_refused(judged, khabar, arguments, message):
    done = khabar("takedown", *arguments, "--reason", "why", cwd=judged.root)

    assert done.returncode == 2
    assert message in done.stderr
    assert not (judged.annotations / "withdrawals.jsonl").exists()


def test_changed_answer_counts_for_nobody_until_it_is_accepted(judged):
    path = judged.annotations / "pilot" / "judgements.jsonl"
    all_ = judgements_of(judged)
    one = next(j for j in all_ if j.status == "submitted")
    changed = replace(one, changed_by="a-9")
    write_jsonl(path, [changed if j == one else j for j in all_])
    bytes_before = path.read_bytes()

    def counting():
        return [j for j in project_judgements(judged) if j.annotation_id == one.annotation_id]

    def found():
        return [issue for issue in check(judged).issues if issue.code == "changed-by-another"]

    (issue,) = found()
    name = f"{one.article_id}/{one.annotator}"
    assert (issue.severity, issue.article_id, issue.annotator) == ("error", one.article_id, one.annotator)
    assert "a-9" in issue.message
    assert one.annotator in issue.message
    assert f"khabar check --accept {name}" in issue.fix
    assert counting() == []
    assert judged.accounts("check")[0].set_aside["changed by another person"] == 1
    accept_changes(judged, [name])
    assert found() == []
    assert [j.annotator for j in counting()] == [one.annotator]
    assert path.read_bytes() == bytes_before
    assert read_jsonl(judged.annotations / "accepted.jsonl", AcceptedChange) == [
        AcceptedChange(one.article_id, one.annotator, "a-9", one.updated_at)
    ]
    later = replace(changed, updated_at="2026-05-05T00:00:00Z")
    write_jsonl(path, [later if j == one else j for j in all_])
    assert len(found()) == 1, "a later change is another one"


def test_accepting_what_nobody_changed_is_refused(judged, khabar):
    done = khabar("check", "--accept", "x-0/a-1", "--accept", "y-0/a-1", cwd=judged.root)

    assert done.returncode == 2
    assert done.stderr.count("no answer of this name was changed by another person") == 2
