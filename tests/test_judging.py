"""Judgements into a project: from a file, through the command line; and what check says of them."""

import json

import pytest

from builder.commands import check, collect
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.project.annotations import read_judgements
from builder.project.corpus import read_articles
from builder.records import BatchItem, Decision, Judgement, KhabarError
from tests.conftest import ROOT
from tests.test_flow import judge, walk

pytestmark = pytest.mark.slow  # each walks a project through several verbs


@pytest.fixture
def sampled(project):
    walk(project, [ROOT / "examples" / "articles"], size=4)
    return project


def export_of(project, file, *, strange=1, who="huda@example.org"):
    """An export of another Label Studio: each article of the batch judged once, and tasks of no article."""
    texts = {a.id: a.text for a in read_articles(project)}
    items = read_jsonl(project.annotations / "pilot" / "batch.jsonl", BatchItem)
    times = {"created_at": "2026-02-01T09:00:00Z", "updated_at": "2026-02-01T09:00:00Z"}
    value = {"start": 0, "end": 3, "labels": ["PERS"]}
    result = [{"id": "a", "from_name": "label", "type": "labels", "value": value}]
    tasks = [
        {"id": n, "data": {"text": texts[item.article_id]}, "annotations": [
            {"id": n, "completed_by": {"id": 3, "email": who}, "result": result, **times}]}
        for n, item in enumerate(items)
    ]  # fmt: skip
    gone = {"id": 99, "data": {"text": "نص"}, "annotations": [{"id": 99, "completed_by": 1, "result": []}]}
    path = project.root / file
    path.write_text(json.dumps(tasks + [gone] * strange), encoding="utf-8")
    return path


def test_an_export_made_elsewhere_comes_in_and_coming_twice_changes_nothing(sampled):
    path = export_of(sampled, "elsewhere.json")
    judged = sampled.annotations / "pilot" / "judgements.jsonl"
    report = collect.collect(sampled, None, prune=False, source=path)
    before = judged.read_bytes()
    collect.collect(sampled, None, prune=False, source=path)
    found = read_jsonl(judged, Judgement)

    assert judged.read_bytes() == before
    assert len(found) == 4
    assert {len(j.spans) for j in found} == {1}
    (account,) = report.accounts
    assert (account.taken, account.kept, account.set_aside) == (5, 4, {"no article matches": 1})
    assert [(i.severity, i.code, i.where) for i in report.issues] == [("warning", "unmatched-task", "task 99")]
    assert report.exit_code == 0


def test_judgements_that_were_there_stay_when_a_file_comes_in(sampled):
    judge(sampled)
    collect.collect(sampled, None, prune=False, source=export_of(sampled, "elsewhere.json", strange=0))

    assert len(read_judgements(sampled)) == 4 * 3 + 4


def test_no_file_and_no_log_holds_an_email_of_an_export(sampled, khabar):
    for shape in ({"id": 3, "email": "huda@example.org"}, 3):
        path = export_of(sampled, "elsewhere.json")
        tasks = json.loads(path.read_text())
        for task in tasks:
            task["annotations"][0]["completed_by"] = shape
            task["annotations"].append({"completed_by": "huda@example.org", "result": [{"type": "huda@example.org"}]})
        path.write_text(json.dumps(tasks))
        done = khabar("collect", "--from", "elsewhere.json", "--json", "-v", cwd=sampled.root)
        said = khabar("check", "-v", cwd=sampled.root)
        path.unlink()
        files = [one for one in sampled.root.rglob("*") if one.is_file() and b"huda" in one.read_bytes()]

        assert (done.returncode, said.returncode) == (1, 1), done.stderr
        assert "unreadable-annotation" in said.stderr
        assert "huda" not in done.stdout + done.stderr + said.stdout + said.stderr
        assert files == []


def test_a_file_that_is_not_there_or_no_export_is_said(sampled, khabar):
    (sampled.root / "table.csv").write_text("id,text\n1,a\n")

    absent = khabar("collect", "--from", "no.json", cwd=sampled.root)
    table = khabar("collect", "--from", "table.csv", cwd=sampled.root)
    assert (absent.returncode, table.returncode) == (2, 2)
    assert "error[export] cannot be read: No such file or directory" in absent.stderr
    assert "table.csv: error[export] not JSON: line 1, column 1" in table.stderr


def test_check_says_what_is_missing_what_is_known_and_what_could_not_be_read(sampled):
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


def test_watch_shows_only_what_is_new_and_ends_when_all_is_done(sampled, monkeypatch):
    judge(sampled)
    path = sampled.annotations / "pilot" / "judgements.jsonl"
    whole = path.read_bytes()
    short = b"".join(whole.splitlines(keepends=True)[:-1])
    turns = iter([short, short, whole])
    monkeypatch.setattr(collect, "collect", lambda *_, **__: path.write_bytes(next(turns)))
    shown, said = [], []
    report = check.watch(sampled, seconds=0.01, show=shown.append, progress=said.append)

    assert [issue.code for issue in shown[0]].count("too-few-annotators") == 1
    assert shown[1] == []
    assert "too-few-annotators" not in [issue.code for issue in shown[2]]
    assert said[-1].startswith("1 faults mended; ")
    assert report.verb == "check"


def test_watch_says_once_that_no_server_answers_and_ends_after_its_rounds(sampled):
    judge(sampled)
    shown = []
    check.watch(sampled, seconds=0.01, show=shown.append, progress=print, rounds=2)

    assert shown[0][0].code == "studio-down"
    assert shown[1] == []


def test_a_batch_that_nobody_was_assigned_to_is_said(sampled, monkeypatch):
    sampled.__dict__["schema"] = sampled.schema.__class__(**{
        **{f: getattr(sampled.schema, f) for f in sampled.schema.__slots__},
        "dataset": sampled.schema.dataset.model_copy(update={"assignment": "separate"}),
    })  # fmt: skip
    monkeypatch.setattr("builder.project.services.connections", lambda _: [("", None)])
    with pytest.raises(KhabarError, match="batch pilot was not sent yet: nobody was assigned to its articles"):
        collect.collect(sampled, None, prune=False)
