"""Stages over shards: caching, poisoned rows, killed workers and storage."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.executor import shards, stage, worker
from builder.executor.markers import Shard, finished_shards
from builder.executor.shards import BatchResult, write_shard
from builder.executor.stage import canonical
from builder.executor.start import engine
from builder.io.hashing import file_sha256
from builder.records import Dropped, Issue, KhabarError
from tests.executor import poison
from tests.executor.poison import LENGTHS, Poison, bytes_of, corpus, lengths, pipeline, shards_of, table_of

pytestmark = pytest.mark.slow

ROOT = Path(poison.__file__).parents[2]
PLAIN = Poison()


@pytest.fixture
def here():
    with engine("local", 1) as pmap:
        yield pmap


@pytest.fixture
def run(here, tmp_path):
    """Run the stage `lengths`, here; gives back what is done, and the names of those that were run."""

    def run(inputs, config=PLAIN, *, folder=tmp_path / "out", function=lengths, **more):
        ran = []
        done = stage.run(
            "lengths", function, config, inputs, folder, here, schema=LENGTHS, required=("id", "text"),
            watch=lambda one, before: None if before else ran.append(one.shard.name), **more,
        )  # fmt: skip
        return done, ran

    return run


def _rows(done):
    return [row for one in done for row in pq.read_table(one.shard.uri).to_pylist()]


def test_finished_shards_are_not_run_again(run, tmp_path):
    inputs = corpus(tmp_path / "in", shards=3)
    first, ran = run(inputs)
    assert ran == ["in-000", "in-001", "in-002"]
    before = bytes_of(tmp_path / "out")
    second, ran = run(inputs)
    assert ran == []
    assert (second, bytes_of(tmp_path / "out")) == (first, before)
    assert finished_shards(tmp_path / "out") == first
    assert [(one.taken, one.kept, one.rows) for one in first] == [(300, 296, 296), (300, 297, 297), (300, 297, 297)]
    assert all(one.taken == one.kept + len(one.set_aside) for one in first)
    assert first[0].counts == {"code points": sum(row["length"] for row in _rows(first[:1]))}


def test_changed_configuration_or_input_runs_again(run, tmp_path):
    inputs = corpus(tmp_path / "in", shards=3)
    run(inputs)
    done, ran = run(inputs, Poison(word="مرجانة"))
    assert len(ran) == 3
    assert _rows(done) == []
    run(inputs)
    (changed,) = shards_of(tmp_path / "other", [table_of(["خبر واحد"])])
    done, ran = run([inputs[0], replace(changed, name="in-001"), inputs[2]])
    assert ran == ["in-001"]
    assert done[1].rows == 1
    assert run(inputs, digest=b"1")[1] == ["in-000", "in-001", "in-002"]
    assert run(inputs, replace(Poison(), slow=0.0001), digest=b"1")[1] == []


def test_changed_version_runs_again_and_changed_code_does_not(run, tmp_path):
    inputs = corpus(tmp_path / "in", shards=2)
    run(inputs)
    assert run(inputs, version=2)[1] == ["in-000", "in-001"]
    assert run(inputs, version=2, function=poison.doubled)[1] == []
    assert run(inputs)[1] == ["in-000", "in-001"]


def test_shards_no_longer_in_the_input_are_removed(run, tmp_path):
    inputs = corpus(tmp_path / "in", shards=3)
    run(inputs)
    (tmp_path / "out" / ".in-001.parquet.abcdefgh").write_bytes(b"of a write that was killed")
    done, ran = run(inputs[:1])
    assert ran == []
    assert len(done) == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["in-000.json", "in-000.parquet"]


@pytest.mark.parametrize(
    "harm",
    [
        lambda out: (out / "in-001.parquet").unlink(),
        lambda out: (out / "in-001.parquet").write_bytes((out / "in-001.parquet").read_bytes()[:-9]),
        lambda out: (out / "in-001.json").unlink(),
        lambda out: (out / "in-001.json").write_text('{"name": "in-0'),
        lambda out: (out / "in-001.json").write_bytes(b"\xff\xfe"),
        lambda out: (out / "in-001.json").write_text("[" * 100_000),
        lambda out: (out / "in-001.json").write_text((out / "in-000.json").read_text()),
        lambda out: _edit(out / "in-001.json", file="../in/in-001.parquet"),
        lambda out: _edit(out / "in-001.json", kept="many"),
        lambda out: _edit(out / "in-001.json", key="0" * 64),
    ],
    ids=["no data", "part", "no marker", "half", "bytes", "deep", "another's", "outside", "types", "key"],
)
def test_broken_marker_or_missing_data_counts_as_absent(run, tmp_path, harm):
    inputs = corpus(tmp_path / "in", shards=2)
    run(inputs)
    before = bytes_of(tmp_path / "out")
    harm(tmp_path / "out")
    assert run(inputs)[1] == ["in-001"]
    assert bytes_of(tmp_path / "out") == before


def _edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_moved_folder_is_still_finished(run, tmp_path):
    inputs = corpus(tmp_path / "in", shards=2)
    run(inputs)
    shutil.move(tmp_path / "out", tmp_path / "elsewhere")
    done, ran = run(inputs, folder=tmp_path / "elsewhere")
    assert ran == []
    assert done[0].shard.uri == str(tmp_path / "elsewhere" / "in-000.parquet")


def test_exactly_the_poisoned_rows_are_dropped(run, tmp_path):
    texts = [f"خبر {number}" for number in range(5_000)]
    chosen = [*sorted(random.Random(7).sample(range(4_999), 40)), 4_999]  # noqa: S311 - where the poison lies
    for number in chosen:
        texts[number] += " سم" * 100
    (done,), _ = run(shards_of(tmp_path / "in", [table_of(texts)]))
    assert [one.what for one in done.set_aside] == [f"d{number}" for number in chosen]
    assert {one.reason for one in done.set_aside} == {"raised ValueError"}
    assert done.set_aside[0].detail == f"{texts[chosen[0]]} cannot be drunk"[:200]
    assert (done.taken, done.kept, done.rows) == (5_000, 5_000 - 41, 5_000 - 41)
    assert [row["id"] for row in _rows([done])] == [f"d{n}" for n in range(5_000) if n not in chosen]


@given(st.lists(st.sampled_from(["خبر", "سم", "", None, b"\xd8"]), max_size=40), st.integers(1, 9))
def test_poisoned_rows_are_found_in_any_batch_size(tmp_path_factory, texts, size):
    folder = tmp_path_factory.mktemp("stage")
    inputs = shards_of(folder / "in", [_raw(texts)])
    with engine("local", 1) as pmap, pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "ROWS", size)
        (done,) = stage.run("lengths", lengths, Poison(), inputs, folder / "out", pmap, schema=LENGTHS,
                             watch=lambda *_: None, required=("text",))  # fmt: skip
    reasons = {"سم": "raised ValueError", "": "empty", None: "null", b"\xd8": "invalid UTF-8"}
    wanted = sorted((f"d{row}", reasons[text]) for row, text in enumerate(texts) if text in reasons)
    assert sorted((one.what, one.reason) for one in done.set_aside) == wanted
    assert [row["id"] for row in _rows([done])] == [f"d{row}" for row, text in enumerate(texts) if text == "خبر"]
    assert done.taken == len(texts)
    assert done.kept == done.rows + texts.count("")  # the function took these, and set them aside itself


def _raw(texts, ids=None):
    """A table whose texts need not be UTF-8."""
    ids = [f"d{row}" for row in range(len(texts))] if ids is None else ids
    return pa.table({"id": _strings(ids), "text": _strings(texts)})


def _strings(values):
    plain = [value.encode() if isinstance(value, str) else value for value in values]
    array = pa.array(plain, pa.binary())
    return pa.StringArray.from_buffers(len(array), array.buffers()[1], array.buffers()[2], array.buffers()[0])


def test_row_without_readable_id_is_named_by_place(run, tmp_path):
    table = _raw(["خبر", "سم", "خبر", b"\xff", None, "خبر"], ["a", None, b"\xff", "", "e", "f"])
    (done,), _ = run(shards_of(tmp_path / "in", [table]))
    assert [(one.what, one.reason, one.detail) for one in done.set_aside] == [
        ("in-000 row 1", "null", "in the column id"),
        ("in-000 row 2", "invalid UTF-8", "in the column id"),
        ("in-000 row 3", "invalid UTF-8", "in the column text"),
        ("e", "null", "in the column text"),
    ]
    assert (done.taken, done.kept) == (6, 2)


def test_invalid_utf_8_is_found_inside_lists(run, tmp_path):
    words = pa.ListArray.from_arrays(pa.array([0, 1, 2, 3]), _strings(["a", b"\xff", "c"]))
    table = table_of(["خبر"] * 3).append_column("words", words)
    (done,), _ = run(shards_of(tmp_path / "in", [table]))
    assert [(one.what, one.detail) for one in done.set_aside] == [("d1", "in the column words")]


def test_only_the_named_columns_are_read_and_validated(tmp_path):
    table = table_of(["خبر", "سم"]).append_column("note", _strings([b"\xff", "x"]))
    inputs = shards_of(tmp_path / "in", [table])
    with engine("local", 1) as pmap:
        (done,) = stage.run("columns", poison.read_columns, None, inputs, tmp_path / "out", pmap, schema=LENGTHS,
                            watch=lambda *_: None, columns=("text", "id", "absent"))  # fmt: skip
    assert (done.kept, done.counts) == (2, {"id": 1, "text": 1})


def test_empty_huge_and_failing_shards_have_results(run, tmp_path):
    heavy = ["خبر", "ب" * 10_000_000, "خبر"]
    done, _ = run(shards_of(tmp_path / "in", [table_of([]), table_of(["سم"]), table_of(heavy)]))
    assert [(one.taken, one.kept, one.rows, len(one.set_aside)) for one in done] == [
        (0,) * 4,
        (1, 0, 0, 1),
        (3, 3, 3, 0),
    ]
    assert pq.read_schema(done[0].shard.uri).equals(LENGTHS)
    assert [row["length"] for row in _rows(done)] == [3, 10_000_000, 3]


def test_error_of_no_single_row_ends_the_stage(run, tmp_path):
    inputs = corpus(tmp_path / "in", shards=1)
    with pytest.raises(MemoryError):
        run(inputs, function=poison.out_of_memory)
    with pytest.raises(KhabarError, match="there is no profile x"):
        run(inputs, function=poison.refusing)
    with engine("local", 2) as pmap, pytest.raises(KhabarError, match="there is no profile x") as caught:
        stage.run("x", poison.refusing, None, corpus(tmp_path / "more", shards=2), tmp_path / "o", pmap,
                   schema=LENGTHS, watch=lambda *_: None)  # fmt: skip
    assert caught.value.issues[0] == Issue("error", "bad-profile", "there is no profile x", fix="choose another")


def test_missing_or_broken_shard_is_named(run, tmp_path):
    with pytest.raises(KhabarError, match="the shard a cannot be read: it does not exist") as caught:
        run([Shard("a", str(tmp_path / "a.parquet"), "0")])
    assert caught.value.issues[0].where == str(tmp_path / "a.parquet")
    (tmp_path / "b.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(KhabarError, match="the shard b cannot be read: "):
        run([Shard("b", str(tmp_path / "b.parquet"), "0")])
    with pytest.raises(ValueError, match="two shards have one name"):
        run([Shard("b", "x", "0"), Shard("b", "y", "0")])


def test_store_without_rename_keeps_what_markers_name(run, tmp_path):
    memory = fsspec.filesystem("memory")
    inputs = corpus(tmp_path / "in", shards=2)
    try:
        plain, _ = run(inputs)
        done, ran = run(inputs, folder="memory://bucket/lengths")
        assert len(ran) == 2
        assert [one.shard.digest for one in done] == [one.shard.digest for one in plain]
        assert done[0].shard.uri == f"memory://bucket/lengths/in-000-{done[0].key[:8]}.parquet"
        assert run(inputs, folder="memory://bucket/lengths")[1] == []
        with engine("local", 1) as pmap:
            after = stage.run("doubled", poison.doubled, None, [one.shard for one in done], "memory://bucket/doubled",
                               pmap, schema=LENGTHS, watch=lambda *_: None)  # fmt: skip
        assert [one.rows for one in after] == [one.rows for one in done]
        others, ran = run(inputs[:1], Poison(word="مرجانة"), folder="memory://bucket/lengths")
        assert ran == ["in-000"]
        names = sorted(path.rsplit("/", 1)[1] for path in memory.find("/bucket/lengths"))
        assert names == [f"in-000-{others[0].key[:8]}.parquet", "in-000.json"]
        memory.rm_file(f"/bucket/lengths/{names[0]}")
        assert finished_shards("memory://bucket/lengths") == []
        assert finished_shards("memory://bucket/nothing") == []
    finally:
        memory.store.clear()


def test_folder_not_shared_by_workers_is_refused(tmp_path):
    inputs = corpus(tmp_path / "in", shards=2)
    with engine("local", 2) as pmap, pytest.raises(KhabarError) as caught:
        stage.run("lengths", lengths, Poison(), inputs, "memory://bucket/each-its-own", pmap, schema=LENGTHS,
                   watch=lambda *_: None)  # fmt: skip
    [issue] = caught.value.issues
    assert issue.message.startswith(
        "4 files that workers wrote are missing from memory://bucket/each-its-own, such as "
    )
    assert issue.fix == "use a folder that all workers share, such as s3://"


def test_unknown_store_is_refused(run, tmp_path):
    with pytest.raises(KhabarError, match=r"^nowhere://host/x cannot be used: Protocol not known: nowhere$"):
        run(corpus(tmp_path / "in", shards=1), folder="nowhere://me:secret@host/x")


def test_shard_is_written_from_reader_batches(tmp_path):
    aside = (Dropped("ingest", "file.txt:3", "empty", "half a pair: \udc80"),)
    batches = [BatchResult(table_of(["خبر"]), {"bytes": 6}), BatchResult(table_of(["آخر"], 1), {"bytes": 6}, aside)]
    done = write_shard(tmp_path, "c0ffee-00000", "0" * 64, poison.TEXTS, iter(batches))
    assert (done.taken, done.kept, done.rows, done.counts) == (3, 2, 2, {"bytes": 12})
    assert done.set_aside == (Dropped("ingest", "file.txt:3", "empty", "half a pair: ?"),)
    assert finished_shards(tmp_path) == [done]
    assert [row["text"] for row in _rows([done])] == ["خبر", "آخر"]
    assert done.shard.digest == file_sha256(tmp_path / "c0ffee-00000.parquet")


def test_row_groups_depend_only_on_the_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "GROUP_ROWS", 3)
    batches = [BatchResult(table_of(["خبر"] * size)) for size in (1, 1, 0, 2, 1)]
    done = write_shard(tmp_path, "a", "0" * 64, poison.TEXTS, batches)
    metadata = pq.read_metadata(done.shard.uri)
    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == [4, 1]


def test_configuration_hash_is_the_same_in_every_process(schema_rules):
    script = "from tests.executor.poison import canonical_configuration; print(canonical_configuration())"
    seen = {
        subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
            env=_environment() | {"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(seen) == 1
    assert canonical(schema_rules) != canonical(schema_rules.model_copy(update={"version": 2}))
    with pytest.raises(TypeError, match="a configuration cannot hold object: give a digest"):
        canonical(object())


@pytest.fixture
def schema_rules():
    from builder.schema.boilerplate import Boilerplate

    return Boilerplate(version=1)


def test_full_disk_names_the_file_and_next_run_resumes(run, tmp_path):
    inputs = corpus(tmp_path / "in", shards=2, rows=3_000)
    code = (
        "import resource, sys\nresource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))\n"
        "from builder.executor import stage\nfrom builder.executor.start import engine\n"
        "from tests.executor.poison import *\n"
        "try:\n"
        "    with engine('local', 1) as pmap:\n"
        "        stage.run('lengths', lengths, Poison(), given(sys.argv[1]), sys.argv[2], pmap, schema=LENGTHS,\n"
        "                  watch=lambda *_: None, required=('id', 'text'))\n"
        "except OSError as error:\n"
        "    print(error.filename, error.strerror)\n"
    )
    said = subprocess.run([sys.executable, "-c", code, str(tmp_path / "in"), str(tmp_path / "out")], cwd=ROOT,
                          env=_environment(), capture_output=True, text=True, check=True).stdout  # fmt: skip
    assert said == f"{tmp_path}/out/in-000.parquet File too large\n"
    assert [*(tmp_path / "out").iterdir()] == []
    assert len(run(inputs)[1]) == 2


def test_killed_worker_changes_nothing(tmp_path):
    with engine("local", 1) as pmap:
        pipeline(tmp_path / "calm", pmap, Poison())
    killer = Poison(killer="خبر 1000 من مرجانة", flags=str(tmp_path / "flag"))
    with engine("local", 2) as pmap:
        first, second = pipeline(tmp_path / "killed", pmap, killer)
    assert (tmp_path / "flag").exists()
    assert bytes_of(tmp_path / "killed") == bytes_of(tmp_path / "calm")
    assert sum(one.taken for one in first) == 3_600
    assert sum(one.rows for one in second) == 3_600 - 38


@pytest.mark.slow
def test_ten_kills_leave_the_result_of_a_calm_run(tmp_path):
    with engine("local", 1) as pmap:
        pipeline(tmp_path / "calm", pmap, Poison())
    corpus(tmp_path / "killed" / "in")
    seeded, progress = random.Random(10), []  # noqa: S311 - when it is killed
    for _ in range(10):
        child = _started(tmp_path / "killed")
        time.sleep(seeded.uniform(0.8, 3.0))
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        progress.append(len(finished_shards(tmp_path / "killed" / "lengths")))
    assert progress == sorted(progress)  # what was done stays done
    last = _started(tmp_path / "killed")
    assert last.wait(timeout=120) == 0
    assert bytes_of(tmp_path / "killed") == bytes_of(tmp_path / "calm")


def _started(place):
    code = "import sys; from tests.executor.poison import main; main(*sys.argv[1:])"
    return subprocess.Popen([sys.executable, "-c", code, "local", "2", str(place), "", "0.01"], cwd=ROOT,
                            env=_environment(), start_new_session=True)  # fmt: skip


def _environment():
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *(path for path in sys.path if path)])}
