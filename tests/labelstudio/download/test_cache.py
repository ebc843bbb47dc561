"""The cache of downloaded annotations: what is locked, broken, kept, or not what the server counts."""

import sqlite3

import pytest

from builder.labelstudio.download import cache, store
from builder.labelstudio.download.cache import CachedTask
from builder.labelstudio.parse import ParsedAnnotations
from builder.records import Issue, Judgement, KhabarError

SOURCE = "http://ls/projects/1"


def judgement(number, who="a-1", **fields):
    return Judgement("0-0", "s", "pilot", who, (), (), "submitted", None, "", "", "", "", 5, number, **fields)


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.1)
    return tmp_path / "kept.sqlite3"


def fill(db, *numbers, counted):
    cache.begin(db, SOURCE, "stamp")
    found = ParsedAnnotations(tuple(judgement(number) for number in numbers))
    cache.put_tasks(db, SOURCE, [CachedTask(5, "2026-01-05T00:00:00.000000+00:00", numbers, found)])
    cache.finish(db, SOURCE, "2026-01-01T00:00:00.000000+00:00", counted)


@pytest.mark.parametrize("mode", ["exclusive", "immediate"])
def test_locked_cache_is_not_deleted(path, mode):
    with cache.open_cache(path) as db:
        fill(db, 1, 2, counted=2)
    other = sqlite3.connect(path)
    other.execute(f"begin {mode}")
    with pytest.raises(KhabarError) as caught, cache.open_cache(path) as db:
        fill(db, 3, counted=1)
    other.close()

    assert (caught.value.exit_code, caught.value.issues[0].code) == (2, "cache")
    assert "locked" in str(caught.value)
    with cache.open_cache(path) as db:
        assert {number for _, _, number, _ in cache.keys(db)} == {1, 2}


def read_only(connect):
    """Connect to a file that cannot be written, also where the tests run as root."""
    return lambda path, **named: connect(f"file:{path}?mode=ro", uri=True, **named)


def test_cache_that_cannot_be_written_is_not_deleted(path, monkeypatch):
    with cache.open_cache(path) as db:
        fill(db, 1, counted=1)
    monkeypatch.setattr(store.sqlite3, "connect", read_only(sqlite3.connect))
    with pytest.raises(KhabarError, match="readonly"), cache.open_cache(path) as db:
        fill(db, 2, counted=1)

    assert path.exists()


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_broken_cache_is_begun_anew(path, content):
    path.write_bytes(content)
    with cache.open_cache(path) as db:
        assert cache.keys(db) == set()


@pytest.mark.parametrize(
    ("counted", "taken", "aside"), [(2, 2, []), (None, 2, []), (6, 6, ["not downloaded"] * 4), (1, 2, [])]
)
def test_another_number_than_the_servers_is_an_error_and_counted(counted, taken, aside):
    with cache.open_cache(None) as db:
        fill(db, 1, 2, counted=counted)
        found, dropped = cache.issues(db), cache.set_aside(db, "pilot")

        assert cache.counts(db) == cache.Counts(taken, 2, 0, 0)
    assert [one.reason for one in dropped] == aside
    assert [(one.severity, one.code) for one in found] == [("error", "incomplete")] * (counted not in (2, None))


def test_the_next_download_begins_no_later_than_now_whatever_the_server_wrote():
    with cache.open_cache(None) as db:
        fill(db, 1, counted=1)

        assert cache.begin(db, SOURCE, "stamp") == "2026-01-01T00:00:00.000000+00:00"


def test_kept_judgements_stay_when_their_source_goes():
    with cache.open_cache(None) as db:
        fill(db, 1, counted=1)
        cache.keep(db, [judgement(9, origin="o-1")])
        cache.retain(db, [])

        assert cache.keys(db) == {("0-0", "a-1", 9, "o-1")}
        assert cache.keys(db, besides=cache.KEPT) == set()
        cache.keep(db, [])
        assert cache.keys(db) == set()


def test_issues_of_deleted_accounts_are_one_line_for_each_cause():
    with cache.open_cache(None) as db:
        given = [
            Issue("warning", code, code, f"task {n}") for n, code in enumerate([cache.DELETED] * 3 + ["span-text"])
        ]
        cache.begin(db, SOURCE, "stamp")
        cache.put_tasks(db, SOURCE, [CachedTask(5, "", (), ParsedAnnotations(issues=tuple(given)))])

        assert [(one.code, one.where) for one in cache.issues(db)] == [
            ("span-text", "task 3"),
            (cache.DELETED, "task 0 and 2 more annotations"),
        ]
