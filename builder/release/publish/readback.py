"""Readback child process: loads a release with `datasets.load_dataset` and compares it with its Parquet files.

It first loads the release folder on this disk, so that an unreadable release is never published. For each requested
revision on the Hub it then compares every file by sha256 and loads every config. Both comparisons cover version,
features, splits and each row, in batches.

The protocol is one JSON document per line: the job and then revisions on stdin, one outcome for each on stdout. The
environment sets HF_ENDPOINT, HF_TOKEN and an empty HF_HOME, because a filled cache would be compared instead of the Hub.
"""

import contextlib
import functools
import json
import os
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
from huggingface_hub.errors import HfHubHTTPError, HTTPError, LocalEntryNotFoundError

from builder.io.hashing import file_sha256
from builder.io.plain import from_plain, to_plain
from builder.release.publish.client import NOT_JSON, is_web_page
from builder.release.publish.readback_client import Finding, Job, Outcome
from builder.release.tables.shards import shards

BATCH = 1000
"""Rows compared at a time."""

FAILS = "load_dataset fails"

MOST_OTHERS = 10
"""Files beside the release that are named."""

MOST_ROWS = 3
"""Differing rows named for each column of a batch."""


@dataclass(frozen=True, slots=True)
class _Source:
    """The arguments of load_dataset."""

    path: str
    revision: str | None
    cache: str | None


def read_folder(job: Job) -> Outcome:
    """Load the release folder on this disk, and compare it with its Parquet files."""
    rows: dict[str, dict[str, int]] = {}
    # In the folder that the parent removes, if it gave one: a child that is killed removes nothing.
    with tempfile.TemporaryDirectory(dir=os.environ.get("HF_HOME")) as cache:
        load = _Source(job.folder, None, cache)
        findings = [f for config in shards(list(job.files)) for f in _compare_config(job, load, config, rows)]
    return Outcome("", rows, tuple(findings))


def read_back(job: Job, revision: str) -> Outcome:
    """Read a revision back from the Hub and compare it; an error of the Hub is returned in the outcome."""
    commit = ""
    rows: dict[str, dict[str, int]] = {}
    findings: list[Finding] = []
    try:
        commit = str(HfApi().repo_info(job.repo_id, repo_type="dataset", revision=revision).sha)
        findings += _compare_files(job, commit)
        load = _Source(job.repo_id, revision, None)
        findings += [f for config in shards(list(job.files)) for f in _compare_config(job, load, config, rows)]
        if any(finding.message.startswith(FAILS) for finding in findings):
            findings += _beside(job, commit)
    except (HTTPError, OSError, json.JSONDecodeError) as error:
        status = getattr(getattr(error, "response", None), "status_code", 0)
        trouble = getattr(error, "server_message", None) or f"{type(error).__name__}: {error}".split("\n")[0]
        if is_web_page(error):
            trouble = NOT_JSON
        return Outcome(commit, rows, tuple(findings), trouble, status)
    return Outcome(commit, rows, tuple(findings))


def _beside(job: Job, commit: str) -> Iterator[Finding]:
    """Yield the files of a repository that are not of the release, any of which may keep load_dataset from loading it."""
    others = {*HfApi().list_repo_files(job.repo_id, repo_type="dataset", revision=commit)} - {
        *job.files,
        ".gitattributes",
    }
    if others:
        yield Finding(
            "other files", f"beside the release the repository holds {', '.join(sorted(others)[:MOST_OTHERS])}"
        )


def _compare_files(job: Job, commit: str) -> Iterator[Finding]:
    api = HfApi()
    remote = set(api.list_repo_files(job.repo_id, repo_type="dataset", revision=commit))
    for path, sha in job.files.items():
        if path not in remote:
            yield Finding(path, "the file is missing")
            continue
        # load_dataset takes these downloads from the cache and does not fetch them again.
        copy = api.hf_hub_download(job.repo_id, path, repo_type="dataset", revision=commit)
        actual = file_sha256(Path(copy))
        if actual != sha:
            yield Finding(path, f"the bytes differ: sha256 {actual[:16]}..., the manifest says {sha[:16]}...")
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
    except Exception as error:  # noqa: BLE001 - datasets documents no base class, and _trouble sorts them
        if trouble := _trouble(error):
            raise trouble from None
        yield Finding(config, f"{FAILS}: {type(error).__name__}: {_root(error)}")
        return
    if sorted(loaded) != sorted(splits):
        yield Finding(config, f"the splits are {', '.join(sorted(loaded))}, not {', '.join(sorted(splits))}")
    for split in sorted(set(loaded) & set(splits)):
        dataset, where = loaded[split], f"{config}/{split}"
        rows[config][split] = len(dataset)
        if str(dataset.info.version) != job.version:
            yield Finding(where, f"the version is {dataset.info.version}, not {job.version}")
        if dataset.features != local.features:
            yield from _compare_features(dataset.features, local.features or {}, where)
        else:
            yield from _compare_rows(job, dataset, splits[split], where)


def _trouble(error: BaseException | None) -> BaseException | None:
    """Return the network or HTTP error that caused an exception, or None if the data are at fault."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, HfHubHTTPError):
            # A 404 is a fault of the data, because a file that load_dataset needs is missing.
            return None if error.response.status_code == 404 else error
        if isinstance(error, (HTTPError, ConnectionError, TimeoutError, LocalEntryNotFoundError)) or is_web_page(error):
            return error
        error = error.__cause__ or error.__context__
    return None


def _root(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).strip().split("\n")[0]


def _compare_features(actual: dict[str, Any], expected: dict[str, Any], where: str) -> Iterator[Finding]:
    for name in sorted(actual.keys() | expected.keys()):
        if actual.get(name) != expected.get(name):
            yield Finding(where, f"column {name} is {actual.get(name)}, not {expected.get(name)}")
    if list(actual) != list(expected) and sorted(actual) == sorted(expected):
        yield Finding(where, f"the columns are in another order: {', '.join(actual)}")


def _compare_rows(job: Job, dataset: Any, paths: Sequence[str], where: str) -> Iterator[Finding]:
    schema = dataset.features.arrow_schema
    remote = dataset.with_format("arrow")
    start = 0
    for batch in _batches(Path(job.folder), paths):
        local = batch.select(schema.names).cast(schema)
        yield from _compare_batch(remote[start : start + len(local)], local, start, where)
        start += len(local)
    if start != len(dataset):
        yield Finding(where, f"there are {len(dataset)} rows, not {start}")


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
    """Compare the job's folder, then each requested revision, until stdin ends."""
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
