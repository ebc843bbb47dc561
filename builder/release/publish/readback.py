"""A child process that loads a release as a researcher would, and compares it with its Parquet files.

First the folder on this disk, so that what cannot be read is never published; then, when asked,
a revision on the Hub: every file by its sha256, and every config through `datasets.load_dataset`.
Both compare version, features, splits and each row, in batches. One JSON document a line: the
job and then a revision on stdin, an outcome for each on stdout. HF_ENDPOINT, HF_TOKEN and an
empty HF_HOME come from the environment: a cache would be compared instead of the Hub.
"""

import contextlib
import functools
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, HTTPError

from builder.io.hashing import file_sha256
from builder.io.plain import from_plain, to_plain
from builder.release.publish.readback_client import Finding, Job, Outcome
from builder.release.tables.shards import shards

BATCH = 1000
"""Rows that are compared at a time."""

MOST_ROWS = 3
"""Differing rows that are named, for each column of a batch."""


@dataclass(frozen=True, slots=True)
class _Source:
    """What load_dataset is asked for."""

    path: str
    revision: str | None
    cache: str | None


def read_folder(job: Job) -> Outcome:
    """Load the release folder itself, and compare it with its Parquet files."""
    rows: dict[str, dict[str, int]] = {}
    with tempfile.TemporaryDirectory() as cache:
        load = _Source(job.folder, None, cache)
        findings = [f for config in shards(list(job.files)) for f in _compare_config(job, load, config, rows)]
    return Outcome("", rows, tuple(findings))


def read_back(job: Job, revision: str) -> Outcome:
    """Read a revision back and compare it; trouble with the Hub is an outcome too."""
    commit = ""
    rows: dict[str, dict[str, int]] = {}
    findings: list[Finding] = []
    try:
        commit = str(HfApi().repo_info(job.repo_id, repo_type="dataset", revision=revision).sha)
        findings += _compare_files(job, commit)
        load = _Source(job.repo_id, revision, None)
        findings += [f for config in shards(list(job.files)) for f in _compare_config(job, load, config, rows)]
    except (HTTPError, OSError) as error:
        status = getattr(getattr(error, "response", None), "status_code", 0)
        said = getattr(error, "server_message", None) or f"{type(error).__name__}: {error}".split("\n")[0]
        return Outcome(commit, rows, tuple(findings), said, status)
    return Outcome(commit, rows, tuple(findings))


def _compare_files(job: Job, commit: str) -> Iterator[Finding]:
    api = HfApi()
    remote = set(api.list_repo_files(job.repo_id, repo_type="dataset", revision=commit))
    for path, sha in job.files.items():
        if path not in remote:
            yield Finding(path, "the file is not there")
            continue
        # load_dataset finds these downloads in the cache, and does not fetch them again.
        copy = api.hf_hub_download(job.repo_id, path, repo_type="dataset", revision=commit)
        found = file_sha256(Path(copy))
        if found != sha:
            yield Finding(path, f"the bytes differ: sha256 {found[:16]}..., the manifest says {sha[:16]}...")
    folders = tuple(f"{config}/" for config in shards(list(job.files)))
    for path in sorted(remote - job.files.keys()):
        if path.startswith(folders):
            yield Finding(path, "the file is not part of the release, but readers would load it")


def _compare_config(job: Job, source: _Source, config: str, rows: dict[str, dict[str, int]]) -> Iterator[Finding]:
    rows[config] = {}
    splits = shards(list(job.files))[config]
    try:
        local = datasets.load_dataset_builder(job.folder, config, cache_dir=source.cache).info
        loaded = datasets.load_dataset(source.path, config, revision=source.revision, cache_dir=source.cache)
    except Exception as error:  # noqa: BLE001 - whatever datasets raises is told apart here
        if trouble := _trouble(error):
            raise trouble from None
        yield Finding(config, f"load_dataset fails: {type(error).__name__}: {_root(error)}")
        return
    if sorted(loaded) != sorted(splits):
        yield Finding(config, f"the splits are {', '.join(sorted(loaded))}, not {', '.join(sorted(splits))}")
    for split in sorted(set(loaded) & set(splits)):
        found, where = loaded[split], f"{config}/{split}"
        rows[config][split] = len(found)
        if str(found.info.version) != job.version:
            yield Finding(where, f"the version is {found.info.version}, not {job.version}")
        if found.features != local.features:
            yield from _compare_features(found.features, local.features or {}, where)
        else:
            yield from _compare_rows(job, found, splits[split], where)


def _trouble(error: BaseException | None) -> BaseException | None:
    """What went wrong on the way to the Hub, below what a library made of it; None where the data are at fault."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, HfHubHTTPError):
            # 404 is an answer: what readers look for is not there.
            return None if error.response.status_code == 404 else error
        if isinstance(error, (HTTPError, ConnectionError)):
            return error
        error = error.__cause__ or error.__context__
    return None


def _root(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).strip().split("\n")[0]


def _compare_features(found: dict[str, Any], wanted: dict[str, Any], where: str) -> Iterator[Finding]:
    for name in sorted(found.keys() | wanted.keys()):
        if found.get(name) != wanted.get(name):
            yield Finding(where, f"column {name} is {found.get(name)}, not {wanted.get(name)}")
    if list(found) != list(wanted) and sorted(found) == sorted(wanted):
        yield Finding(where, f"the columns are in another order: {', '.join(found)}")


def _compare_rows(job: Job, found: Any, paths: Sequence[str], where: str) -> Iterator[Finding]:
    schema = found.features.arrow_schema
    remote = found.with_format("arrow")
    start = 0
    for batch in _batches(Path(job.folder), paths):
        local = batch.select(schema.names).cast(schema)
        yield from _compare_batch(remote[start : start + len(local)], local, start, where)
        start += len(local)
    if start != len(found):
        yield Finding(where, f"there are {len(found)} rows, not {start}")


def _batches(folder: Path, paths: Sequence[str]) -> Iterator[pa.Table]:
    for path in paths:
        with pq.ParquetFile(folder / path) as shard:
            for batch in shard.iter_batches(BATCH):
                yield pa.Table.from_batches([batch])


def _compare_batch(remote: pa.Table, local: pa.Table, start: int, where: str) -> Iterator[Finding]:
    both = min(len(remote), len(local))
    key = next((name for name in ("id", "article_id") if name in local.column_names), None)
    for name in local.column_names:
        theirs, ours = remote[name].slice(0, both), local[name].slice(0, both)
        if theirs.equals(ours):
            continue
        differing = [i for i, pair in enumerate(zip(theirs, ours, strict=True)) if not pair[0].equals(pair[1])]
        for i in differing[:MOST_ROWS]:
            row = str(local[key][i]) if key else str(start + i)
            what = f"row {row}: column {name} is {_short(theirs[i])}, not {_short(ours[i])}"
            yield Finding(where, what, row if key else "")
        if len(differing) > MOST_ROWS:
            yield Finding(where, f"column {name} differs in {len(differing) - MOST_ROWS} more rows")


def _short(value: object) -> str:
    shown = repr(value.as_py()) if hasattr(value, "as_py") else repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def main() -> None:
    """Answer the job, then every revision that is asked for, until stdin ends."""
    job = from_plain(Job, json.loads(sys.stdin.readline()))
    _answer(lambda: read_folder(job))
    for line in sys.stdin:
        _answer(functools.partial(read_back, job, json.loads(line)))


def _answer(read: Callable[[], Outcome]) -> None:
    with contextlib.redirect_stdout(sys.stderr):
        outcome = read()
    sys.stdout.write(json.dumps(to_plain(outcome)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
