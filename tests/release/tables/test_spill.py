"""Parquet files that are written while other tables are made."""

import errno
from concurrent.futures import CancelledError, Future

import pytest

from builder.records import Release
from builder.release.publish.folder import write_release
from builder.release.tables.spill import EarlyShards, open_spill
from tests.release.material import build_tables

RELEASE = Release("1.0.0", "a/b", "", "", "", "", {}, {}, {})


def test_files_written_early_are_those_written_late(material, tmp_path):
    late = write_release(tmp_path / "late", build_tables(material).tables, {}, RELEASE)
    with open_spill(tmp_path / "work") as spill:
        tables = build_tables(material, spill, early=True).tables
        early = write_release(tmp_path / "early", tables, {}, RELEASE, spill=spill)

        assert [*spill.folder.rglob("*.parquet")] == []
    assert early.release == late.release
    assert [*(tmp_path / "work").iterdir()] == []


def test_a_fault_of_early_writing_leaves_no_release(material, tmp_path):
    full = Future()
    full.set_exception(OSError(errno.ENOSPC, "No space left on device"))
    with open_spill(tmp_path / "work") as spill:
        tables = build_tables(material, spill, early=True).tables
        spill.early[0] = EarlyShards(spill.early[0].table, full)
        with pytest.raises(OSError, match="No space left on device") as fault:
            write_release(tmp_path / "v1.0.0", tables, {}, RELEASE, spill=spill)

    assert fault.value.filename == str(tmp_path / "v1.0.0")
    assert [path.name for path in tmp_path.iterdir()] == ["work"]


def test_writing_stops_where_the_build_ends(material, tmp_path):
    with open_spill(tmp_path) as spill:
        tables = build_tables(material, spill).tables
        spill.stop.set()
        spill.write_early(tables["entities"], "entities")
        with pytest.raises(CancelledError):
            spill.early[0].writing.result()
