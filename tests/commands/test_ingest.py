"""The command `ingest`: what is read, and what is dropped with its reason."""

import json
import os
import random
import sys
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from builder.commands.clean import clean
from builder.commands.ingest import ingest
from builder.commands.sample import sample
from builder.corpus.readers import sources
from builder.executor import storage
from builder.executor.shards import BatchResult, write_shard
from builder.executor.start import ExecutorConfig
from builder.main import _report_bug
from builder.project.corpus import read_columns, read_documents
from builder.project.stages.shards import stage_folder, stage_shards
from builder.records import Document, Dropped
from builder.records.arrow import arrow_schema
from tests.news import lines, news

pytestmark = pytest.mark.slow  # each test runs several commands on a project


def test_changed_file_adds_only_new_documents(project, tmp_path):
    path = lines(tmp_path / "nasim.jsonl", [news(1), news(2)])
    ingest(project, [path])
    lines(path, [news(2), news(3)])
    report = ingest(project, [path])
    again = ingest(project, [path])

    assert {document.raw for document in read_documents(project)} == {news(1), news(2), news(3)}
    assert (report.accounts[0].taken, report.accounts[0].kept) == (2, 1)
    assert report.set_aside == (Dropped("ingest", "nasim.jsonl:1", "already ingested", "nasim.jsonl:2"),)
    assert (again.accounts[0].kept, again.accounts[0].set_aside) == (0, {"already ingested": 2})


def forget_authors(project):
    """Write the documents again as an earlier khabar did: without the column, in shards of other names."""
    schema = arrow_schema(Document)
    earlier = schema.remove(schema.get_field_index("author"))
    folder = stage_folder(project, "documents")
    tables = [pq.read_table(shard.uri).select(earlier.names) for shard in stage_shards(project, "documents")]
    storage.remove(folder, [*storage.listed(folder)])
    for number, table in enumerate(tables):
        write_shard(folder, f"{number:016}", f"{number:064}", earlier, [BatchResult(table)])


def test_shards_without_authors_are_read_with_null_beside_those_with_them(project, tmp_path):
    records = [json.dumps({"text": news(number), "author": f"سلمى {number}"}) for number in range(2)]
    (tmp_path / "a.jsonl").write_text(records[0], encoding="utf-8")
    (tmp_path / "b.jsonl").write_text(records[1], encoding="utf-8")
    ingest(project, [tmp_path / "a.jsonl"])
    forget_authors(project)
    clean(project)
    again = ingest(project, [tmp_path / "a.jsonl"])
    ingest(project, [tmp_path / "b.jsonl"])
    documents = {document.raw: document.author for document in read_documents(project)}

    assert again.accounts[0].set_aside == {"already ingested": 1}
    assert documents == {news(0): None, news(1): "سلمى 1"}
    assert clean(project).exit_code == 0
    storage.remove(folder := stage_folder(project, "documents"), [*storage.listed(folder)])
    ingest(project, [tmp_path / "a.jsonl", tmp_path / "b.jsonl"])
    assert {document.author for document in read_documents(project)} == {"سلمى 0", "سلمى 1"}


def test_broken_record_is_a_warning(project, khabar, tmp_path):
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


KINDS = (
    (b"{broken", "not JSON"), (b'["x"]', "not an object"), (b'{"title": "x"}', "no text"), (b'{"text": null}', "no text"),
    (b'{"text": 5}', "not a string"), (b'{"text": "x", "url": []}', "not a string"), (b'{"text": "  "}', "empty"),
    (b'{"text": "\xff\xfe"}', "not UTF-8"), (rb'{"text": "\ud800"}', "half a surrogate pair"),
    (b"[" * 5000, "not JSON"), (b'{"n": ' + b"1" * 5000 + b"}", "not JSON"),
    ('{"text": "\ufe8f\ufe8e\ufe98\ufedb"}'.encode(), "visual order"),
)  # fmt: skip


@pytest.mark.slow
def test_1_000_poisoned_of_100_000_records_are_dropped(project, tmp_path):
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


def test_unread_dates_of_all_pieces_are_one_warning(project, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "MANY", 1)
    for number in range(3):
        record = {"text": news(number), "published_at": f"0{number + 1}/07/2015"}
        (tmp_path / f"{number}.jsonl").write_text(json.dumps(record), encoding="utf-8")
    report = ingest(project, [tmp_path / f"{number}.jsonl" for number in range(3)])
    again = ingest(project, [tmp_path / f"{number}.jsonl" for number in range(3)])

    (issue,) = report.issues
    assert issue.message.startswith("3 dates are kept as written")
    assert issue.where.endswith("0.jsonl:1:1")
    assert again.issues == report.issues


def test_teasers_of_feeds_are_read_and_not_sampled(project, tmp_path):
    items = "".join(
        f"<item><title>{number}</title><description>{news(number)} {'[…]' if number % 2 else ''}</description>"
        f"<content:encoded>{news(number) if number % 2 == 0 else ''}</content:encoded></item>"
        for number in range(6)
    )
    feed = tmp_path / "a.rss"
    space = 'xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    feed.write_text(f"<rss {space}><channel>{items}</channel></rss>", encoding="utf-8")
    report = ingest(project, [feed])
    clean(project)
    sampled = sample(project, "pilot", None)

    assert report.accounts[0].kept == 6
    assert {name: number for one in sampled.accounts for name, number in one.set_aside.items()}[
        "filtered: a teaser"
    ] == 3


def test_fields_without_a_column_are_kept_and_counted(project, khabar, tmp_path):
    records = [{"text": news(number), "id": number, "tags": ["اقتصاد"] if number else None} for number in range(3)]
    (tmp_path / "a.json").write_text(json.dumps(records), encoding="utf-8")
    done = khabar("ingest", tmp_path / "a.json", cwd=project.root)

    assert done.returncode == 0
    assert "fields kept as extra: id (3), tags (2)\n" in done.stdout
    assert {document.raw: document.facts.extra for document in read_documents(project)} == {
        news(0): {"id": "0"},
        news(1): {"id": "1", "tags": '["اقتصاد"]'},
        news(2): {"id": "2", "tags": '["اقتصاد"]'},
    }


def test_text_under_another_name_is_one_error_with_the_line_to_write(project, khabar, tmp_path):
    crawl = tmp_path / "crawl"
    crawl.mkdir()
    for number in range(120):
        (crawl / f"{number:03}.json").write_text(json.dumps({"content": news(number), "id": number}))
    done = khabar("ingest", crawl, cwd=project.root)
    schema = project.root / "schema" / "dataset.yaml"
    schema.write_text(schema.read_text(encoding="utf-8") + "\nfields:\n  text: content\n", encoding="utf-8")
    again = khabar("ingest", crawl, cwd=project.root)

    assert done.returncode == 2
    assert done.stderr == (
        f"{crawl}/000.json: error[field] no field `text` in its one record; it has content (1), id (1); "
        "so it is in 119 more files\n    fix: write `text: content` under `fields:` in schema/dataset.yaml\n"
    )
    assert again.returncode == 0
    assert again.stdout.startswith("ingest: 120 files and records in, 120 kept\n")


def test_names_that_are_not_utf_8_end_in_no_traceback(project, khabar, tmp_path):
    folder = tmp_path / os.fsdecode(b"\xce\xc8\xd1")
    folder.mkdir()
    (folder / os.fsdecode(b"caf\xe9.txt")).write_text(news(1), encoding="utf-8")
    (folder / os.fsdecode(b"\xff.jsonl")).write_text("{bad\n", encoding="utf-8")
    done = khabar("ingest", folder, "-v", cwd=project.root)
    none = khabar("ingest", folder / os.fsdecode(b"\xfe"), cwd=project.root)

    assert (done.returncode, none.returncode) == (0, 2)
    assert "\\xce\\xc8\\xd1/\\xff.jsonl:1:2: warning[unreadable] not JSON" in done.stderr
    assert none.stderr.startswith(f"{tmp_path}/\\xce\\xc8\\xd1/\\xfe: error[unreadable] there is no such file")


def test_report_of_a_bug_may_quote_any_name(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["khabar", "ingest", os.fsdecode(b"caf\xe9")])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    report = Path(_report_bug(RuntimeError("x")))

    assert "command: ingest caf\\udce9\n" in report.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [("a.csv", "title,text\n", None), ("a.json", "[]", "no records"), ("a.jsonl", "", "no records"), ("a.txt", " ", "empty")],
)  # fmt: skip
def test_files_without_records_and_faults_add_nothing(project, tmp_path, name, content, reason):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")

    for _ in range(2):
        (account,) = ingest(project, [path]).accounts
        assert (account.kept, account.set_aside) == (0, {reason: 1} if reason else {})
    assert not Path(stage_folder(project, "documents")).with_name("incoming").exists()
