"""The whole pipeline: repeated, killed, reordered, over any number of shards."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from typing import ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from builder.commands.adjudicate import adjudicate
from builder.commands.agree import agree
from builder.commands.build import build
from builder.commands.check import check
from builder.commands.clean import clean
from builder.commands.dedup import dedup
from builder.commands.ingest import ingest
from builder.commands.init import init
from builder.commands.sample import sample
from builder.commands.status import STAGES
from builder.executor.start import ExecutorConfig
from builder.project.corpus import iter_records, read_articles, read_documents
from builder.project.project import Project
from builder.project.stages.shards import stage_shards
from builder.records import Document
from builder.text.aligned import unpack_edits
from tests.builders import fresh, judge, snapshot, walk
from tests.conftest import ROOT, SHARED
from tests.news import CHAIN, TEXTS, digest, lines, run_corpus

pytestmark = pytest.mark.slow  # each test runs several commands on a project


def test_every_command_can_be_repeated(project):
    examples = [ROOT / "examples" / "articles"]
    walk(project, examples)
    judge(project)
    check(project)
    agree(project)
    adjudicate(project)
    build(project, "1.0.0")
    before = {
        k: v for k, v in snapshot(project.root).items() if "accounts/ingest" not in k and "set_aside/ingest" not in k
    }

    again = ingest(project, examples)
    clean(project)
    dedup(project)
    sample(project, "pilot", None)
    agree(project)
    adjudicate(project)
    build(project, "1.0.0")

    assert again.accounts[0].kept == 0
    after = {k: v for k, v in snapshot(project.root).items() if k in before}
    assert after == before


def test_counts_of_every_stage_balance(project):
    walk(project, [ROOT / "examples" / "articles"])
    judge(project)
    adjudicate(project)
    build(project, "1.0.0")

    accounts = [account for stage in STAGES for account in project.accounts(stage)]

    assert {account.stage for account in accounts} >= {
        "ingest",
        "clean",
        "dedup",
        "sample",
        "check",
        "adjudicate",
        "build",
    }
    assert all(account.balanced for account in accounts)


def test_order_of_articles_does_not_matter(project, tmp_path):
    init(tmp_path / "other", card=str)
    other = Project(tmp_path / "other")
    folders = sorted((ROOT / "examples" / "articles").iterdir())
    walk(project, folders)
    walk(other, folders[::-1])
    judge(project)
    judge(other)

    build(project, "1.0.0")
    build(other, "1.0.0")

    assert snapshot(project.release("1.0.0")) == snapshot(other.release("1.0.0"))


@pytest.mark.shared
def test_scraped_page_goes_through_the_pipeline(project):
    scraped = SHARED / "articles" / "scraped-000.txt"
    gold = json.loads((SHARED / "articles" / "scraped-000.gold.json").read_text(encoding="utf-8"))
    walk(project, [scraped])
    judge(project)
    adjudicate(project)
    build(project, "1.0.0", accept="one page says too little of agreement")
    articles = {a.part: a for a in read_articles(project)}
    raw = read_documents(project)[0].raw

    assert sorted(articles) == [0, 1]
    drops = {(d.start, d.end): d for a in articles.values() for d in a.drops}
    for line in gold["lines"]:
        place, label = (line["start"], line["end"]), line["label"]
        if label.startswith("body_article"):
            text = line["text"].strip().replace("\N{ARABIC FATHATAN}", "").replace("\N{ARABIC SHADDA}", "")
            article = articles[int(label[-1]) - 1]
            start = article.text.index(text)
            raw_start, raw_end = unpack_edits(article.text, raw, article.edits).raw_span(start, start + len(text))
            assert raw[raw_start:raw_end] == line["text"].strip()
        elif label != "blank":
            assert drops[place].rule
    assert [d.extracted for d in articles[0].drops if d.extracted] == [{"source_name": gold["source_name"]}]
    assert articles[1].title == next(x["text"] for x in gold["lines"] if x["label"] == "article_2_headline")
    links = [drops[x["start"], x["end"]].rule for x in gold["lines"] if x["label"] == "link_list_item"]
    assert len(links) == 10


def test_number_of_shards_and_workers_does_not_matter(tmp_path):
    lines(tmp_path / "one" / "nasim.jsonl", TEXTS)
    expected = run_corpus(fresh(tmp_path / "a"), tmp_path / "one")
    for number in range(40):
        lines(tmp_path / "forty" / f"{number:02}" / "nasim.jsonl", TEXTS[number::40])
    many = fresh(tmp_path / "b")
    for number in range(40):
        ingest(many, [tmp_path / "forty" / f"{number:02}"])

    assert len(stage_shards(many, "documents")) == 40
    assert run_corpus(many, tmp_path / "forty", run=ExecutorConfig(workers=2)) == expected
    assert {kind for *_, kind in expected[0][1]} == {"single", "near"}


class Objects(MemoryFileSystem):
    """A store as S3 is: without folders, and a listing is remembered until that is forgotten."""

    protocol = "objects"
    store: ClassVar = {}
    pseudo_dirs: ClassVar = [""]
    listings: ClassVar = {}

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.replace("objects://", "memory://"))

    def makedirs(self, path, exist_ok=False):
        """Nothing: there are no folders."""

    mkdir = makedirs

    def ls(self, path, detail=True, **kwargs):
        """What was there when this was first asked."""
        key = self._strip_protocol(path), detail
        if key not in self.listings:
            self.listings[key] = super().ls(path, detail, **kwargs)
        return self.listings[key]

    def invalidate_cache(self, path=None):  # noqa: ARG002
        """Forget."""
        self.listings.clear()


@pytest.mark.parametrize("store", ["memory", "objects"])
def test_corpus_in_an_object_store(tmp_path, store):
    lines(tmp_path / "nasim.jsonl", TEXTS)
    here = run_corpus(fresh(tmp_path / "a"), tmp_path / "nasim.jsonl")
    project = fresh(tmp_path / "b")
    settings = project.root / "schema" / "dataset.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + f"crawl: {store}://bucket/news\n", encoding="utf-8")
    fsspec.register_implementation("objects", Objects, clobber=True)
    files = fsspec.filesystem(store)
    try:
        assert run_corpus(Project(project.root), tmp_path / "nasim.jsonl") == here
        assert not (project.work / "corpus").exists()
        files.invalidate_cache()
        assert {path.split("/")[3] for path in files.find("/bucket/news")} == {
            "articles", "documents", "filters", "groups", "keys", "sightings",
        }  # fmt: skip
    finally:
        files.invalidate_cache()
        files.rm("/bucket", recursive=True)


def run_chain(project, inputs, seconds=None):
    """Ingest, clean, dedup and sample in a process group of its own, which is killed after so long."""
    command = [sys.executable, "-c", CHAIN, str(project.root), *map(str, inputs)]
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True, stderr=subprocess.PIPE)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    errors = process.communicate()[1].decode()
    assert process.returncode in (0, -signal.SIGKILL), errors
    return process.returncode


@pytest.mark.slow
def test_ten_kills_change_nothing(tmp_path):
    inputs = [lines(tmp_path / f"{number}" / "nasim.jsonl", TEXTS[number::6] * (1 + number % 2)) for number in range(6)]
    calm = fresh(tmp_path / "calm")
    began = time.monotonic()
    assert run_chain(calm, inputs) == 0
    duration = time.monotonic() - began
    chance, killed = random.Random(8), 0  # noqa: S311
    project = fresh(tmp_path / "killed")
    for _ in range(10):
        killed += run_chain(project, inputs, chance.uniform(0.3, duration)) != 0
        project = Project(project.root)
    assert run_chain(project, inputs) == 0

    assert killed >= 5
    assert digest(project) == digest(calm)
    assert not (project.work / "corpus" / "incoming").exists()
    documents = [document.id for batch in iter_records(project, "documents", Document) for document in batch]
    assert len(documents) == len({*documents}) == len({*TEXTS})
