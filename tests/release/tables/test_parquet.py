"""Parquet as the viewer and every reader take it: bounded row groups, shards, and nothing lost between them."""

import resource
import subprocess
import sys
from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.release.tables.parquet import GROUP_ROWS, dictionary_paths, row_sizes, write_shards
from builder.release.tables.shards import shards
from tests.conftest import ROOT

SCHEMA = pa.schema(
    [("id", pa.string()), ("places", pa.list_(pa.struct([("start", pa.int32()), ("text", pa.string())])))]
)
ROWS = st.lists(
    st.fixed_dictionaries({
        "id": st.text(st.sampled_from("ابت"), max_size=9),
        "places": st.none() | st.lists(
            st.fixed_dictionaries({"start": st.integers(0, 9), "text": st.none() | st.text(st.sampled_from("اب"), max_size=5)}),
            max_size=3,
        ),
    }),
    min_size=1, max_size=30,
)  # fmt: skip


def written(folder, split="train"):
    return [pq.ParquetFile(path) for path in sorted(folder.glob(f"{split}-*"))]


def of_row(row):
    places = row["places"] or []
    return 4 + len(row["id"].encode()) + 4 + sum(4 + 4 + len((place["text"] or "").encode()) for place in places)


@given(ROWS, st.integers(1, 200), st.integers(1, 400))
def test_row_groups_and_shards_are_bounded_and_hold_every_row_in_order(tmp_path_factory, rows, group, shard):
    folder = tmp_path_factory.mktemp("shards")
    table = pa.Table.from_pylist(rows, SCHEMA)
    write_shards(table, folder, "train", rest=lambda: None, group=group, shard=shard)
    files = written(folder)
    own = row_sizes(table).tolist()
    place, sizes = 0, []
    for file in files:
        sizes.append([])
        for number in range(file.num_row_groups):
            count = file.metadata.row_group(number).num_rows
            sizes[-1].append(sum(own[place : place + count]))
            assert count == 1 or sizes[-1][-1] <= group
            place += count

    assert own == [of_row(row) for row in rows]
    assert pa.concat_tables([file.read() for file in files]).to_pylist() == table.to_pylist()
    assert all(sum(groups) <= shard or len(groups) == 1 for groups in sizes)
    assert all(sum(one) + other[0] > shard for one, other in pairwise(sizes))


def test_shards_are_named_so_that_they_are_found_by_config_and_split(tmp_path):
    (tmp_path / "entities").mkdir()
    table = pa.table({"id": [f"{n:03}" for n in range(30)]})
    write_shards(table, tmp_path / "entities", "train", rest=lambda: None, group=70, shard=70)
    names = [path.relative_to(tmp_path).as_posix() for path in sorted(tmp_path.rglob("*.parquet"))]

    assert names == [f"entities/train-{n:05}-of-00003.parquet" for n in range(3)]
    assert shards(names) == {"entities": {"train": names}}


def test_a_row_group_has_no_more_rows_than_the_viewer_shows_fast(tmp_path):
    write_shards(pa.table({"n": range(2 * GROUP_ROWS + 1)}), tmp_path, "train", rest=lambda: None)
    (file,) = written(tmp_path)
    counts = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]

    assert counts == [GROUP_ROWS, GROUP_ROWS, 1]


def test_the_same_rows_in_other_chunks_are_the_same_shards(tmp_path):
    table = pa.table({"text": ["خبر قصير " * (n % 7) for n in range(3000)]})
    parts = pa.concat_tables([table.slice(start, 500) for start in range(0, 3000, 500)])
    found = []
    for name, one in (("whole", table), ("parts", parts)):
        (tmp_path / name).mkdir()
        write_shards(one, tmp_path / name, "train", rest=lambda: None, group=20_000, shard=100_000)
        found.append([(f.metadata.num_rows, f.num_row_groups) for f in written(tmp_path / name)])

    assert found[0] == found[1]
    assert len(found[0]) > 1


def test_every_column_has_zstd_pages_with_an_index(built, tmp_path):
    for config, splits in built.tables.items():
        (tmp_path / config).mkdir()
        write_shards(splits["train"], tmp_path / config, "train", rest=lambda: None)
        (file,) = written(tmp_path / config)
        columns = [file.metadata.row_group(0).column(number) for number in range(file.metadata.num_columns)]
        wanted = set(dictionary_paths(file.schema_arrow))

        assert {column.compression for column in columns} == {"ZSTD"}
        assert all(column.has_offset_index for column in columns)
        flags = {name for name in ("adjudicated",) if name in splits["train"].column_names}  # a bit needs no dictionary
        assert {c.path_in_schema for c in columns if "RLE_DICTIONARY" in c.encodings} == wanted - flags
        assert file.schema_arrow.equals(splits["train"].schema)
        assert file.schema_arrow.metadata[b"huggingface"] == splits["train"].schema.metadata[b"huggingface"]


FULL = """
import resource, sys
from pathlib import Path
import pyarrow as pa
from builder.records import Release
from builder.release.publish.folder import write_release
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
rows = pa.table({"text": [str(hash((n, m))) for n in range(500) for m in range(9)]})
release = Release("1.0.0", "a/b", "", "", "", "", {}, {}, {})
try:
    write_release(Path(sys.argv[1]) / "v1.0.0", {"entities": {"train": rows}}, {"README.md": "", "CHANGELOG.md": ""}, release)
except OSError as error:
    print(error.strerror or error)
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no limit on the size of files here")
def test_a_disk_that_takes_no_more_leaves_nothing_of_a_release(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert "File too large" in done.stdout, done.stderr
    assert list(tmp_path.iterdir()) == []
