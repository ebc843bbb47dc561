"""The command `run`: exactly the stale steps run, a run stops where people must work, and one that was killed goes on."""

import hashlib
import json
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
from builder.project.stages.table import ROAD
from builder.records import AskedPage, Decision, Dispute, Judgement
from tests.builders import judge, kept, walk
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


def test_one_decision_runs_gold_and_the_build(done):
    dispute = read_jsonl(done.work / "disputes.jsonl", Dispute)[0]
    item = next(one for one in read_jsonl(done.annotations / "pilot" / "judgements.jsonl", Judgement)
                if one.article_id == dispute.article_id)  # fmt: skip
    ruling = Decision(item.article_id, item.text_sha, "lead", item.spans, (), "")
    write_jsonl(done.annotations / "pilot" / "decisions.jsonl", [ruling])

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
    assert report.facts["collect"] == "waits (batch pilot has 35 of 36 judgements: khabar collect --batch pilot)"


def test_a_dry_run_says_the_same_and_changes_nothing(done):
    edit(done.root / "schema" / "labels.yaml", 'definition: "', 'definition: "كلمة ')
    report = run(Project(done.root), "build", dry=True)

    assert [step.command for step in report.steps if step.done == "would run"] == ["build"]
    assert states.state_of(Project(done.root), "build").state == "stale"


def test_a_step_behind_a_stale_one_is_stale_in_a_dry_run(done, khabar):
    edit(done.root / "schema" / "boilerplate.yaml", "version: 1", "version: 2")
    report = json.loads(khabar("run", "--dry-run", "--json", cwd=done.root).stdout)

    assert report["facts"]["clean"] == "would run (boilerplate.yaml changed)"
    assert report["facts"]["check"] == "would run (clean comes first)"
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
    assert report.facts["adjudicate"].startswith("stopped (1 of 1 disputes that were sent are open: khabar adjudicate")


def test_a_run_never_rebuilds_what_is_pushed(done):
    done.note("pushed/v1.0.0", {"commit": "0", "url": "x"})
    edit(done.root / "schema" / "labels.yaml", 'definition: "', 'definition: "كلمة ')
    report = again(done)

    assert report.exit_code == 5
    assert report.facts["build"].endswith("labels.yaml changed since 1.0.0, which is pushed: khabar build 1.1.0)")


def test_errors_of_check_stop_a_run(done):
    path = done.annotations / "pilot" / "judgements.jsonl"
    first, *others = read_jsonl(path, Judgement)
    from dataclasses import replace

    write_jsonl(path, [replace(first, changed_by="a-9"), *others])
    report = again(done)

    assert report.exit_code == 1
    assert [step.command for step in report.steps][-1] == "check"
    assert states.state_of(Project(done.root), "check").why == "it reported errors"


@pytest.mark.parametrize("step", ["clean", "build"])
def test_a_run_that_is_killed_goes_on(done, tmp_path, step):
    """The run is killed by SIGKILL at several moments of a step; the last one ends with the bytes of one that is not."""
    edit(done.root / "schema" / "boilerplate.yaml", "version: 1", "version: 2")
    whole = Project(shutil.copytree(done.root, tmp_path / "whole"))
    again(whole)
    if step == "build":
        run(Project(done.root), "adjudicate")
    killed = 0
    for _ in range(4):
        command = [sys.executable, "-m", "builder", "-C", str(done.root), "run", "--to", "build"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=ROOT) as child:
            next((line for line in child.stderr if line.startswith(f"{step}: ")), None)
            time.sleep(0.05 * (1 + killed) ** 2)
            child.send_signal(signal.SIGKILL)
        killed += child.returncode == -signal.SIGKILL
    report = again(done)

    assert killed
    assert report.exit_code == 0
    assert bytes_of(done) == bytes_of(whole)
    assert ran(again(done)) == {}


def bytes_of(project):
    """The hash of each file of the release."""
    folder = project.release("1.0.0")
    return {path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*") if path.is_file()}  # fmt: skip


def test_the_table_names_what_is_known(done):
    for step in ROAD:
        assert states.read_by(done, step.command).keys() == {*step.reads}, step.command


def test_kept_annotations_of_the_repository_are_judged(project):
    kept(project)
    found = {each.command: each.state for each in states.states(project)}

    assert {found[command] for command in ("ingest", "clean", "sample", "send", "collect")} == {"done"}
    assert found["check"] == "never"
