"""The project folder: atomic writes, the lock, and what is kept."""

import subprocess
import sys
import time
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.io.atomic import write_bytes
from builder.io.hashing import sha16
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.io.parquet import read_table, write_table
from builder.io.plain import to_plain
from builder.records import Article, Drop, Judgement, KhabarError, Span, StageCounts, Stance
from builder.records.arrow import arrow_schema

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@st.composite
def articles(draw):
    text = draw(TEXTS)
    edits = tuple(draw(st.lists(st.integers(0, 99), max_size=6)))
    drops = (Drop(0, 3, "source", {"source_name": draw(TEXTS)}),) * draw(st.integers(0, 2))
    return Article("d-0", "d", 0, draw(st.none() | TEXTS), text, edits, drops, "standard@1+0", sha16(text))


@given(st.lists(articles(), max_size=3))
def test_parquet_gives_back_equal_records(tmp_path_factory, records):
    path = tmp_path_factory.mktemp("t") / "articles.parquet"
    write_table(path, records, Article)

    assert read_table(path, Article) == records


def test_jsonl_gives_back_equal_records(tmp_path):
    judgement = Judgement(
        "d-0", "t", "b", "a-1", (Span(0, 3, "PERS", "s0"),), (Stance("dam", "favor"),), "submitted", 1.5,
        "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "g", "s", 1, 2, "ملاحظة",
    )  # fmt: skip
    write_jsonl(tmp_path / "j.jsonl", [judgement])

    assert read_jsonl(tmp_path / "j.jsonl", Judgement) == [judgement]


def test_each_malformed_line_is_named(tmp_path):
    path = tmp_path / "j.jsonl"
    path.write_text('{"stage": "clean"}\n{"stage": 1\n')

    with pytest.raises(KhabarError) as caught:
        read_jsonl(path, StageCounts)

    assert {issue.where for issue in caught.value.issues} == {f"{path}:1", f"{path}:2"}


def test_arrow_schema_has_the_fields_of_the_record():
    assert arrow_schema(Article).names == [f.name for f in fields(Article)]
    assert list(to_plain(Span(0, 1, "PERS"))) == [f.name for f in fields(Span)]


@pytest.mark.slow
def test_a_kill_in_the_middle_of_a_write_leaves_the_old_file_whole(tmp_path):
    path = tmp_path / "big"
    write_bytes(path, b"old" * 1000)
    code = (
        "import sys; from pathlib import Path; from builder.project.project import write_bytes\n"
        "while True: write_bytes(Path(sys.argv[1]), b'new' * 3_000_000)"
    )
    for wait in (0.25, 0.31, 0.37):
        child = subprocess.Popen([sys.executable, "-c", code, str(path)])
        time.sleep(wait)
        child.kill()
        child.wait()

        assert path.read_bytes() in (b"old" * 1000, b"new" * 3_000_000)


def test_the_lock_is_held_by_one_and_freed_by_a_kill(project):
    code = (
        "import sys, time; from pathlib import Path; from builder.project.project import Project\n"
        "with Project(Path(sys.argv[1])).lock(): print('held', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(project.root)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    with pytest.raises(KhabarError, match=f"process {child.pid}"), project.lock():
        pass
    child.kill()
    child.wait()
    child.stdout.close()

    with project.lock():
        pass


def test_an_unbalanced_account_is_refused(project):
    with pytest.raises(KhabarError, match="do not add up") as caught:
        project.save_account("clean", [StageCounts("clean", "lines", 5, 3, {"share": 1})])

    assert caught.value.exit_code == 1


def test_the_local_pseudonym_key_is_private_and_stays(project, monkeypatch):
    monkeypatch.delenv("KHABAR_SECRET", raising=False)
    first = project.pseudonym_key()
    mode = (project.work / "pseudonym.key").stat().st_mode & 0o777

    assert mode == 0o600
    assert project.pseudonym_key() == first
    monkeypatch.setenv("KHABAR_SECRET", "given")
    assert project.pseudonym_key() == b"given"
