"""From files to a batch over shards: nothing is lost, and nothing hangs on how many shards there are, or on kills."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from builder.commands.clean import clean
from builder.commands.dedup import dedup
from builder.commands.ingest import ingest
from builder.commands.init import init
from builder.commands.sample import sample
from builder.corpus.dedup import pipeline
from builder.executor.start import LOCAL, ExecutorConfig
from builder.project import groups as grouping
from builder.project.annotations import read_batch
from builder.project.corpus import iter_records, read_articles, read_columns, read_documents, select_rows, stage_shards
from builder.project.project import Project
from builder.records import Article, Document, Dropped, Group, KhabarError, Progress
from builder.release.splits.assign import assign
from builder.schema.dataset import Splits
from tests.conftest import ROOT

pytestmark = pytest.mark.slow  # each walks a project through several verbs

PLACES = "مرجانة الغار ديلمار السنديان الخزامى الصنوبر الزيتون المرسى العالية الساقية".split()  # noqa: SIM905
VERBS = "افتتح أعلن أطلق دشن وقع ناقش أقر عرض نفى أكد".split()  # noqa: SIM905
THINGS = "الميناء المترو السد المعرض القانون الميزانية الجسر المستشفى الملعب المتحف".split()  # noqa: SIM905


def news(number):
    """An invented article that is like no other of another number."""
    chance = random.Random(number)  # noqa: S311
    return "\n".join(
        " ".join(chance.choice(words) + (str(chance.randrange(999)) if chance.random() < 0.2 else "")
                 for words in (VERBS, THINGS, PLACES) * 5) + "."
        for _ in range(6)
    )  # fmt: skip


def copied(number):
    """A copy with a sentence of its own."""
    return f"{news(number)}\nوقال مصدر في {PLACES[number % 10]} إن التفاصيل ستعلن قريبا."


def lines(path, texts, source="nasim"):
    path.parent.mkdir(parents=True, exist_ok=True)
    records = [{"text": text, "source": source, "published_at": f"2026-01-{1 + len(text) % 28:02}"} for text in texts]
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
    return path


def tables(project):
    """What a project knows of its articles, whatever its shards."""
    articles = sorted((a.id, a.text, a.edits, a.title) for a in read_articles(project))
    every = [one for batch in iter_records(project, "groups", Group) for one in batch]
    return articles, sorted((g.article_id, g.group_id, g.similarity, g.kind) for g in every)


def gathered(project, *inputs, run=LOCAL):
    ingest(project, inputs, run=run)
    clean(project, run)
    dedup(project, run)
    sample(project, "pilot", 20, run)
    return tables(project), (project.annotations / "pilot" / "batch.jsonl").read_bytes()


def fresh(path):
    init(path, card=str)
    return Project(path)


TEXTS = [*map(news, range(120)), *map(copied, range(0, 120, 7)), *map(news, range(3))]


def test_one_shard_and_forty_give_the_same_here_and_in_two_processes(tmp_path):
    lines(tmp_path / "one" / "nasim.jsonl", TEXTS)
    whole = gathered(fresh(tmp_path / "a"), tmp_path / "one")
    for number in range(40):
        lines(tmp_path / "forty" / f"{number:02}" / "nasim.jsonl", TEXTS[number::40])
    many = fresh(tmp_path / "b")
    for number in range(40):
        ingest(many, [tmp_path / "forty" / f"{number:02}"])

    assert len(stage_shards(many, "documents")) == 40
    assert gathered(many, tmp_path / "forty", run=ExecutorConfig(workers=2)) == whole
    assert {kind for *_, kind in whole[0][1]} == {"single", "near"}


@pytest.mark.parametrize("store", ["memory", "objects"])
def test_the_crawl_may_lie_in_a_store_that_renames_nothing(tmp_path, store):
    lines(tmp_path / "nasim.jsonl", TEXTS)
    here = gathered(fresh(tmp_path / "a"), tmp_path / "nasim.jsonl")
    project = fresh(tmp_path / "b")
    settings = project.root / "schema" / "dataset.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + f"crawl: {store}://bucket/news\n", encoding="utf-8")
    fsspec.register_implementation("objects", Objects, clobber=True)
    files = fsspec.filesystem(store)
    try:
        assert gathered(Project(project.root), tmp_path / "nasim.jsonl") == here
        assert not (project.work / "corpus").exists()
        files.invalidate_cache()
        assert {path.split("/")[3] for path in files.find("/bucket/news")} == {
            "articles", "documents", "filters", "groups", "keys",
        }  # fmt: skip
    finally:
        files.invalidate_cache()
        files.rm("/bucket", recursive=True)


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


def test_groups_of_an_earlier_version_are_made_again(project, tmp_path, monkeypatch):
    ingest(project, [lines(tmp_path / "one.jsonl", TEXTS[:20])])
    clean(project)
    dedup(project)
    before, found = project.stamped("dedup"), []
    monkeypatch.setattr(
        pipeline, "find_groups", lambda *given, find=pipeline.find_groups: found.append(1) or find(*given)
    )
    dedup(project)
    assert (found, project.stamped("dedup")) == ([], before)
    monkeypatch.setattr(pipeline, "VERSION", pipeline.VERSION + 1)
    dedup(project)
    assert found == [1]
    assert project.stamped("dedup") != before


def test_new_shards_leave_every_group_its_name_and_every_article_its_split(project, tmp_path):
    frozen, names, groups = {}, {}, {}
    for number in range(4):
        first = 60 * number
        texts = [*map(news, range(first, first + 60)), *map(copied, range(0, first, 5))]
        ingest(project, [lines(tmp_path / f"{number}.jsonl", texts)])
        clean(project)
        dedup(project)
        articles = read_articles(project)
        groups = {g.article_id: g.group_id for g in grouping.groups_for(project, [a.id for a in articles])}

        assert {article: groups[article] for article in names} == names
        splits, aside = assign(groups, Splits(), frozen)
        assert {article: splits[article] for article in frozen} == frozen
        assert not aside
        names, frozen = groups, splits
    assert max(Counter(groups.values()).values()) >= 2


def test_a_changed_file_adds_what_is_new_and_takes_nothing_away(project, tmp_path):
    path = lines(tmp_path / "nasim.jsonl", [news(1), news(2)])
    ingest(project, [path])
    lines(path, [news(2), news(3)])
    report = ingest(project, [path])
    again = ingest(project, [path])

    assert {document.raw for document in read_documents(project)} == {news(1), news(2), news(3)}
    assert (report.accounts[0].taken, report.accounts[0].kept) == (2, 1)
    assert report.set_aside == (Dropped("ingest", "nasim.jsonl:1", "already ingested", "nasim.jsonl:2"),)
    assert (again.accounts[0].kept, again.accounts[0].set_aside) == (0, {"already ingested": 2})


def test_a_broken_record_ends_nothing_and_is_told(project, khabar, tmp_path):
    path = lines(tmp_path / "nasim.jsonl", [news(1)])
    path.write_text(path.read_text(encoding="utf-8") + "{broken\n", encoding="utf-8")
    done = khabar("ingest", path, cwd=project.root)
    again = khabar("ingest", path, "--json", cwd=project.root)

    assert (done.returncode, again.returncode) == (0, 0)
    assert done.stdout.startswith("ingest: 2 files and records in, 1 kept\n         1  not JSON\n")
    assert done.stderr.startswith(f"{path}:2:2: warning[unreadable] not JSON: ")
    assert json.loads(again.stdout)["accounts"][0]["set_aside"] == {"already ingested": 1, "not JSON": 1}
    steps = [json.loads(line) for line in again.stderr.splitlines()]
    assert [(step["stage"], step["shards"], step["of"]) for step in steps] == [("ingest", 1, 1)]


def test_steps_are_told_with_what_was_set_aside(project, tmp_path):
    told = []
    paths = [lines(tmp_path / str(number) / "a.jsonl", [news(number), "", "خبر"]) for number in range(3)]
    for path in paths:
        ingest(project, [path], run=ExecutorConfig(say=told.append))
    clean(project, ExecutorConfig(say=told.append))
    cleaned = [step for step in told if step.stage == "clean"]

    assert [(step.shards, step.of) for step in cleaned] == [(1, 3), (2, 3), (3, 3)]
    assert isinstance(cleaned[-1], Progress)
    assert told[0].set_aside == {"empty": 1}
    assert cleaned[-1].taken == 4


def test_a_filter_marks_and_comes_back(project, tmp_path):
    ingest(project, [lines(tmp_path / "a.jsonl", [news(1), news(2), "The minister opened it. " * 20])])
    english = clean(project).accounts[-1]
    settings = project.root / "schema" / "dataset.yaml"
    before = settings.read_text(encoding="utf-8")
    settings.write_text(before + "filters:\n  arabic: 0\n  least_words: 85\n  per_source: 1\n", encoding="utf-8")
    changed = Project(project.root)
    sampled = sample(changed, "pilot", 5)

    assert (english.kept, english.set_aside) == (2, {"not in Arabic script": 1})
    assert sampled.accounts[0].set_aside == {"too few words": 1}
    assert sampled.accounts[1].set_aside == {"filtered: over 1 of one source": 1, "filtered: too few words": 1}
    settings.write_text(before, encoding="utf-8")
    (changed.annotations / "pilot" / "batch.jsonl").unlink()
    assert sample(Project(project.root), "pilot", 5).accounts[0] == english


def test_a_cap_leaves_so_many_of_a_source(project, tmp_path):
    ingest(project, [lines(tmp_path / f"{name}.jsonl", map(news, range(at, at + 9)), name)
                               for at, name in ((0, "nasim"), (20, "barq"))])  # fmt: skip
    clean(project)
    settings = project.root / "schema" / "dataset.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + "filters:\n  per_source: 4\n", encoding="utf-8")
    report = sample(Project(project.root), "pilot", 50)

    assert report.accounts[1].set_aside == {"filtered: over 4 of one source": 10}
    assert Counter(item.source for item in read_batch(project, "pilot")) == {"nasim": 4, "barq": 4}


@pytest.mark.parametrize("name", ["ray", "dask"])
def test_an_engine_that_is_not_installed_is_refused_with_the_command(project, khabar, tmp_path, name):
    khabar("ingest", lines(tmp_path / "a.jsonl", [news(1)]), cwd=project.root)
    done = khabar("clean", "--engine", name, cwd=project.root)

    assert done.returncode == 2
    assert (
        done.stderr == f"error[no-engine] the engine {name} is not installed\n    fix: pip install 'khabar[{name}]'\n"
    )


KINDS = (
    (b"{broken", "not JSON"), (b'["x"]', "not an object"), (b'{"title": "x"}', "no text"), (b'{"text": null}', "no text"),
    (b'{"text": 5}', "not a string"), (b'{"text": "x", "url": []}', "not a string"), (b'{"text": "  "}', "empty"),
    (b'{"text": "\xff\xfe"}', "not UTF-8"), (rb'{"text": "\ud800"}', "half a surrogate pair"),
    (b"[" * 5000, "not JSON"), (b'{"n": ' + b"1" * 5000 + b"}", "not JSON"),
    ('{"text": "\ufe8f\ufe8e\ufe98\ufedb"}'.encode(), "visual order"),
)  # fmt: skip


@pytest.mark.slow
def test_of_100_000_records_exactly_the_1_000_poisoned_are_set_aside(project, tmp_path):
    chance = random.Random(5)  # noqa: S311
    poisoned = dict(zip(chance.sample(range(100_000), 1000), [KINDS[n % 12] for n in range(1000)], strict=True))
    for part in range(4):
        with (tmp_path / f"{part}.jsonl").open("wb") as out:
            for number in range(part * 25_000, (part + 1) * 25_000):
                good = json.dumps({"text": f"خبر رقم {number}: افتتح المعرض في مرجانة."}, ensure_ascii=False).encode()
                out.write((poisoned[number][0] if number in poisoned else good) + b"\n")
    report = ingest(project, sorted(tmp_path.glob("?.jsonl")), run=ExecutorConfig(workers=2))
    places = {(f"{number // 25_000}.jsonl:{number % 25_000 + 1}", reason) for number, (_, reason) in poisoned.items()}

    assert {(":".join(a.what.split(":")[:2]), a.reason) for a in report.set_aside} == places
    assert (report.accounts[0].taken, report.accounts[0].kept) == (100_000, 99_000)
    assert read_columns(project, "documents", ["id"]).num_rows == 99_000


CHAIN = """
import sys
from builder import gathering
from builder.project.corpus import Run
from builder.project.project import Project
project, run = Project(__import__("pathlib").Path(sys.argv[1])), Run(workers=2)
gathering.ingest(project, sys.argv[2:], run=run)
gathering.clean(project, run)
gathering.dedup(project, run)
gathering.sample(project, "pilot", 20, run)
"""


def chain(project, inputs, seconds=None):
    """Ingest, clean, dedup and sample in a process group of its own, which is killed after so long."""
    command = [sys.executable, "-c", CHAIN, str(project.root), *map(str, inputs)]
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True, stderr=subprocess.PIPE)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    said = process.communicate()[1].decode()
    assert process.returncode in (0, -signal.SIGKILL), said
    return process.returncode


def digest(project):
    found = hashlib.sha256(repr(tables(project)).encode())
    found.update((project.annotations / "pilot" / "batch.jsonl").read_bytes())
    return found.hexdigest()


@pytest.mark.slow
def test_after_ten_kills_all_is_as_if_there_had_been_none(tmp_path):
    inputs = [lines(tmp_path / f"{number}" / "nasim.jsonl", TEXTS[number::6] * (1 + number % 2)) for number in range(6)]
    calm = fresh(tmp_path / "calm")
    began = time.monotonic()
    assert chain(calm, inputs) == 0
    whole = time.monotonic() - began
    chance, killed = random.Random(8), 0  # noqa: S311
    project = fresh(tmp_path / "killed")
    for _ in range(10):
        killed += chain(project, inputs, chance.uniform(0.3, whole)) != 0
        project = Project(project.root)
    assert chain(project, inputs) == 0

    assert killed >= 5
    assert digest(project) == digest(calm)
    assert not (project.work / "corpus" / "incoming").exists()
    documents = [document.id for batch in iter_records(project, "documents", Document) for document in batch]
    assert len(documents) == len({*documents}) == len({*TEXTS})


def test_an_article_is_found_by_its_id_in_any_shard(project, tmp_path):
    for number in range(3):
        ingest(project, [lines(tmp_path / f"{number}.jsonl", [news(number)])])
    clean(project)
    ids = [article.id for article in read_articles(project)]

    assert [a.id for a in select_rows(project, "articles", Article, "id", ids[1:2])] == ids[1:2]
    assert select_rows(project, "articles", Article, "id", ["none"]) == []


def test_verbs_before_anything_was_ingested_say_so(project):
    for verb in (clean, dedup):
        with pytest.raises(KhabarError, match="the project has no documents"):
            verb(project)
