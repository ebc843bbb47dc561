"""The command `run`: exactly the stale steps run, a run stops where people must work, and one that was killed goes on."""

import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

from builder.commands.build import build
from builder.commands.run import run
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.project.batches import batch_articles
from builder.project.corpus import profile_of
from builder.project.project import Project
from builder.project.stages import states
from builder.project.stages.shards import stage_digest
from builder.project.stages.table import ROAD
from builder.records import AskedPage, Decision, Dispute, Judgement
from tests.builders import judge, said, walk
from tests.conftest import ROOT
from tests.news import news

pytestmark = pytest.mark.slow  # each test runs several commands on a project


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A project with a release, in which every step that khabar runs alone is done."""
    from builder.commands.init import init

    project = Project(tmp_path_factory.mktemp("finished") / "project")
    init(project.root, card=str)
    walk(project, [ROOT / "examples" / "articles"], size=12)
    judge(project)
    build(project, "1.0.0")
    run(project)
    return project.root


@pytest.fixture
def done(finished, tmp_path):
    return Project(shutil.copytree(finished, tmp_path / "done"))


def ran(report):
    """Why each step of a run ran."""
    return {step.command: step.why for step in report.steps if step.done == "ran"}


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def again(project):
    return run(Project(project.root), "build")


def test_a_second_run_runs_nothing(done):
    report = again(done)

    assert ran(report) == {}
    assert [step.done for step in report.steps] == ["up to date"] * 10
    assert report.exit_code == 0


def test_one_rule_runs_cleaning_and_what_its_texts_change(done):
    rules = done.root / "schema" / "boilerplate.yaml"
    rules.write_text(rules.read_text(encoding="utf-8").replace("version: 1", "version: 2", 1), encoding="utf-8")

    assert ran(again(done)) == {"clean": "boilerplate.yaml changed", "build": "boilerplate.yaml changed"}
    assert ran(again(done)) == {}


def test_one_rule_that_changes_a_text_runs_what_reads_texts(done):
    """The rule drops one line of an annotated article: its judgements are of another text, which people must look at."""
    text = batch_articles(done)[0].text
    line = min((line for line in text.splitlines() if 20 < len(line) < 200), key=len)
    folded = profile_of(done).fold(line)
    rule = {
        "id": "one-more", "evidence": "hard", "match": f"^{re.escape(folded)}$", "action": "drop_line", "max_length": 200,
        "examples": {"matches": [line], "leaves": ["سطر آخر من الخبر"]},
    }  # fmt: skip
    edit(done.root / "schema" / "boilerplate.yaml", "cuts:\n", f"cuts:\n  - {json.dumps(rule, ensure_ascii=False)}\n")
    report = again(done)

    assert ran(report) == {
        "clean": "boilerplate.yaml changed", "dedup": "articles changed", "check": "texts of batches changed",
    }  # fmt: skip
    assert report.exit_code == 1
    assert {issue.code for issue in report.issues if issue.severity == "error"} == {"stale-text"}


def test_one_definition_runs_the_build_alone(done):
    edit(done.root / "schema" / "labels.yaml", 'definition: "', 'definition: "كلمة ')

    assert ran(again(done)) == {"build": "labels.yaml changed"}
    assert ran(again(done)) == {}


def decide(project):
    """Settle the first dispute."""
    dispute = read_jsonl(project.work / "disputes.jsonl", Dispute)[0]
    item = next(one for one in read_jsonl(project.annotations / "pilot" / "judgements.jsonl", Judgement)
                if one.article_id == dispute.article_id)  # fmt: skip
    ruling = Decision(item.article_id, item.text_sha, "lead", item.spans, (), "")
    write_jsonl(project.annotations / "pilot" / "decisions.jsonl", [ruling])


def test_one_decision_runs_gold_and_the_build(done):
    decide(done)

    assert ran(again(done)) == {"adjudicate": "decisions changed", "build": "decisions changed"}
    assert ran(again(done)) == {}


def test_one_article_runs_cleaning_and_grouping_and_no_release(done, tmp_path):
    from builder.commands.ingest import ingest

    (tmp_path / "new.txt").write_text(news(977), encoding="utf-8")
    ingest(done, [tmp_path / "new.txt"])

    assert ran(again(done)) == {"clean": "documents changed", "dedup": "articles changed"}
    assert ran(again(done)) == {}


def test_one_judgement_runs_what_reads_judgements(done):
    path = done.annotations / "pilot" / "judgements.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:-1]), encoding="utf-8")
    report = again(done)

    assert ran(report) == dict.fromkeys(("check", "agree", "adjudicate", "build"), "judgements changed")
    assert said(report)["collect"] == "waits (batch pilot has 35 of 36 judgements: khabar collect --batch pilot)"


def test_a_dry_run_says_the_same_and_changes_nothing(done):
    edit(done.root / "schema" / "labels.yaml", 'definition: "', 'definition: "كلمة ')
    report = run(Project(done.root), "build", dry=True)

    assert [step.command for step in report.steps if step.done == "would run"] == ["build"]
    assert states.state_of(Project(done.root), "build").state == "stale"


def test_a_step_behind_a_stale_one_is_stale_in_a_dry_run(done, khabar):
    edit(done.root / "schema" / "boilerplate.yaml", "version: 1", "version: 2")
    report = json.loads(khabar("run", "--dry-run", "--json", cwd=done.root).stdout)

    assert {"command": "clean", "done": "would run", "why": "boilerplate.yaml changed"} in report["steps"]
    assert {"command": "check", "done": "would run", "why": "clean comes first"} in report["steps"]
    assert report["next"] == {"command": "khabar clean", "why": "boilerplate.yaml changed"}


def test_a_clone_makes_everything_but_what_is_in_git(done, tmp_path, khabar):
    clone = tmp_path / "clone"
    shutil.copytree(done.root, clone, ignore=shutil.ignore_patterns(".khabar", "dist"))
    first = khabar("run", "--to", "build", "--json", cwd=clone)
    assert first.returncode == 5
    assert json.loads(first.stdout)["next"] == {"command": "khabar ingest FILES", "why": "no documents yet"}

    khabar("ingest", ROOT / "examples" / "articles", cwd=clone)
    second = khabar("run", "--to", "build", cwd=clone)

    assert second.returncode == 5, second.stderr
    assert "next: khabar build 1.1.0 (no release yet)" in second.stdout


def test_a_run_stops_before_people_and_names_what_they_do(project, khabar):
    walk(project, [ROOT / "examples" / "articles"], size=4)
    done = khabar("run", "--json", cwd=project.root)
    report = json.loads(done.stdout)

    assert done.returncode == 0, done.stderr
    assert report["steps"][-1] == {
        "command": "send", "done": "stopped", "why": "batch pilot was not sent: khabar send --batch pilot",
    }  # fmt: skip
    assert report["next"] == {"command": "khabar send --batch pilot", "why": "batch pilot was not sent"}
    assert khabar("run", "--to", "check", cwd=project.root).returncode == 5

    judge(project)
    done = khabar("run", cwd=project.root)
    assert done.stdout.splitlines()[-1] == "next: khabar build 1.0.0 (no release yet)"


@pytest.mark.parametrize("name", ["asked.jsonl", "disputed.jsonl"])  # earlier versions wrote the latter
def test_a_run_waits_for_disputes_that_were_sent(done, name):
    sent = read_jsonl(done.work / "disputes.jsonl", Dispute)[:1]
    page = AskedPage(sent[0].article_id, "t", 1, (), (sent[0],))
    write_jsonl(done.annotations / "pilot" / name, [page] if name == "asked.jsonl" else sent)
    report = again(done)

    assert report.exit_code == 5
    assert said(report)["adjudicate"].startswith("stopped (1 of 1 disputes that were sent are open: khabar adjudicate")


def test_a_run_never_rebuilds_what_is_pushed(done):
    done.note("pushed/v1.0.0", {"commit": "0", "url": "x"})
    edit(done.root / "schema" / "labels.yaml", 'definition: "', 'definition: "كلمة ')
    report = again(done)

    assert report.exit_code == 5
    assert said(report)["build"].endswith("labels.yaml changed since 1.0.0, which is pushed: khabar build 1.1.0)")


def test_errors_of_check_stop_a_run(done):
    path = done.annotations / "pilot" / "judgements.jsonl"
    first, *others = read_jsonl(path, Judgement)
    from dataclasses import replace

    write_jsonl(path, [replace(first, changed_by="a-9"), *others])
    report = again(done)

    assert report.exit_code == 1
    assert [step.command for step in report.steps][-1] == "check"
    assert states.state_of(Project(done.root), "check").why == "it reported errors"


KILLED = """
import os, signal, sys
from pathlib import Path
root, step, left = sys.argv[1], sys.argv[2], int(sys.argv[3])
from builder.commands.run import run
from builder.project.project import Project

counts, seen = False, 0

def begin(message):
    global counts
    counts = message.startswith(step + ":")

def changes_files(event, given):
    if event == "open":
        return str(given[0]).startswith(root) and given[1] is not None and not {*"wax+"}.isdisjoint(str(given[1]))
    return event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link")

def hook(event, given):
    global seen
    if counts and changes_files(event, given):
        seen += 1
        if seen == left:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(hook)
code = run(Project(Path(root)), "build", progress=begin).exit_code
print(seen)
sys.exit(code)
"""
"""Run what is stale, and die by SIGKILL just before the n-th change of a file by one step, or count the changes."""

MOMENTS = 3
"""Moments at which a step is killed, beside its first change and its last."""


def die(project, step, moment):
    command = [sys.executable, "-c", KILLED, str(project.root), step, str(moment)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


@pytest.fixture(scope="module")
def changed(finished, tmp_path_factory):
    """A project in which a rule, a decision and the articles changed, and a copy of it that was run without a kill."""
    from builder.commands.ingest import ingest

    folder = tmp_path_factory.mktemp("changed")
    project = Project(shutil.copytree(finished, folder / "changed"))
    (folder / "new.txt").write_text(news(977), encoding="utf-8")
    ingest(project, [folder / "new.txt"])
    edit(project.root / "schema" / "boilerplate.yaml", "version: 1", "version: 2")
    decide(project)
    whole = Project(shutil.copytree(project.root, folder / "whole"))
    assert [*ran(again(whole))] == ["clean", "dedup", "adjudicate", "build"]
    return project, whole


@pytest.mark.parametrize("step", ["clean", "dedup", "adjudicate", "build"])
def test_a_run_that_is_killed_goes_on(changed, tmp_path, step):
    """A step is killed at seeded moments; the next run ends with the bytes of one that was not killed."""
    project, whole = changed
    counted = die(Project(shutil.copytree(project.root, tmp_path / "counted")), step, 0)
    assert counted.returncode == 0, counted.stderr
    number = int(counted.stdout.splitlines()[-1])
    chosen = random.Random(17).sample(range(2, number), MOMENTS)  # noqa: S311 - seeded
    for moment in (1, *chosen, number):
        copy = Project(shutil.copytree(project.root, tmp_path / f"killed-{moment}"))
        killed = die(copy, step, moment)
        age(copy)
        report = again(copy)

        assert killed.returncode == -signal.SIGKILL, (moment, killed.stderr)
        assert report.exit_code == 0
        assert step in ran(report) or moment > 1, "before its first change a step is not done"
        assert made(copy) == made(whole), moment
        assert ran(again(copy)) == {}
        assert names(copy) ^ names(whole) == set(), moment


def made(project):
    """The hash of each file of the release, and of all else that a run makes."""
    folder = project.release("1.0.0")
    paths = [*folder.rglob("*"), project.work / "gold.jsonl", project.work / "disputes.jsonl"]
    files = {path.relative_to(project.root): hashlib.sha256(path.read_bytes()).hexdigest()
             for path in paths if path.is_file()}  # fmt: skip
    stages = {stage: stage_digest(project, stage) for stage in ("articles", "groups")}
    stamps = {step.command: project.stamped_step(step.command) for step in ROAD}
    return files, stages, stamps


def age(project):
    """Make what killed writes left two hours old."""
    for path in project.work.rglob(".*"):
        os.utime(path, (time.time() - 7200,) * 2)


LATER = (".khabar/.tables.", ".khabar/corpus/filters")
"""What a later command brings up to date: `build` removes old tables, and `sample` runs the filters."""


def names(project):
    """The names of all files of a project."""
    paths = (path.relative_to(project.root).as_posix() for path in project.root.rglob("*"))
    return {path for path in paths if not path.startswith(LATER)}
