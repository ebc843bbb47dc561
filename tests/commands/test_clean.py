"""The command `clean`: what it drops, its progress, and its refusals."""

import json

import pytest

from builder.commands.clean import clean
from builder.commands.dedup import dedup
from builder.commands.ingest import ingest
from builder.executor.start import ExecutorConfig
from builder.records import KhabarError, Progress
from tests.conftest import ROOT
from tests.news import lines, news

pytestmark = pytest.mark.slow  # each test runs several commands on a project


def test_dropped_documents_are_listed(project, khabar):
    done = khabar("ingest", "-v", ROOT / "examples" / "articles", cwd=project.root)
    cleaned = khabar("clean", "--json", cwd=project.root)

    assert "articles/sahel-news/12.txt: empty" in done.stdout
    assert [one["reason"] for one in json.loads(cleaned.stdout)["set_aside"]] == ["no body"]


def test_progress_counts_shards_and_drops(project, tmp_path):
    steps = []
    paths = [lines(tmp_path / str(number) / "a.jsonl", [news(number), "", "خبر"]) for number in range(3)]
    for path in paths:
        ingest(project, [path], run=ExecutorConfig(say=steps.append))
    clean(project, ExecutorConfig(say=steps.append))
    cleaned = [step for step in steps if step.stage == "clean"]

    assert [(step.shards, step.of) for step in cleaned] == [(1, 3), (2, 3), (3, 3)]
    assert isinstance(cleaned[-1], Progress)
    assert steps[0].set_aside == {"empty": 1}
    assert cleaned[-1].taken == 4


def test_clean_and_dedup_need_documents(project):
    for verb in (clean, dedup):
        with pytest.raises(KhabarError, match="the project has no documents"):
            verb(project)


def test_learn_is_now_schema_suggest(project, khabar):
    done = khabar("clean", "--learn", cwd=project.root)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error[usage] --learn is now a command of its own\n    fix: run `khabar schema suggest`\n"
