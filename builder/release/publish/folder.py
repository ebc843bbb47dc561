"""A release as a folder that `load_dataset` reads: Parquet, card, changelog, manifest.

The folder is made beside its place and then renamed, so that it is never there in part.
"""

import ctypes
import dataclasses
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from builder.io.atomic import add_path_to_error
from builder.io.hashing import file_sha256
from builder.io.jsonl import write_json
from builder.io.plain import from_plain, to_plain
from builder.records import MANIFEST, Release, user_error
from builder.release.tables.build import Tables, loadable
from builder.release.tables.parquet import write_shards

AT_FDCWD, RENAME_EXCHANGE = -100, 2
"""Of Linux: renameat2(2)."""

WRITERS = 2
"""Tables that are written at once."""


@dataclass(frozen=True, slots=True)
class Written:
    """A release folder, and whether it was new, the same as before, or replaced another."""

    release: Release
    state: Literal["new", "same", "replaced"]


def write_release(
    folder: Path, tables: Tables, texts: Mapping[str, str | bytes], release: Release, *, frozen: bool = False,
    rest: Callable[[], None] = lambda: None, look: Callable[[Path], None] = lambda _: None,
    describe: Callable[[Mapping[str, str]], Mapping[str, bytes]] = lambda _: {},
) -> Written:  # fmt: skip
    """Write a release folder: tables, and `texts` by their paths; `splits` and `files` of the manifest are filled here.

    `rest` is called whenever rows were written that need not be held in memory any more (Scratch.rest), `look` with the
    whole folder before it is put in its place: where that raises, nothing is. `describe` makes the texts that name all
    other files by their sha256.
    The same bytes again change nothing. Raises Refused (exit code 4) where the folder holds other
    bytes and is `frozen`, as a version that was published.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    old = folder.parent / f".{folder.name}.old"
    if old.exists() and not folder.exists():  # killed in the middle of _put
        old.rename(folder)
    for leftover in folder.parent.glob(f".{folder.name}.*"):
        shutil.rmtree(leftover)
    fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        fresh.chmod(0o755)
        made = _fill(fresh, tables, texts, release, rest, describe)
        look(fresh)
        if not folder.exists():
            fresh.rename(folder)
            return Written(made, "new")
        if _hashes(folder) == _hashes(fresh):
            return Written(made, "same")
        if frozen:
            raise user_error(
                "published",
                f"version {release.version} was published, and this build of it differs",
                where=str(folder),
                fix="a published version never changes: build the next one",
                exit_code=4,
            )
        _put(fresh, folder, old)
        return Written(made, "replaced")
    except OSError as error:
        add_path_to_error(error, folder)
        raise
    finally:
        for leftover in (fresh, old):
            shutil.rmtree(leftover, ignore_errors=True)


def _put(fresh: Path, folder: Path, old: Path) -> None:
    """Put a folder in the place of another: at one stroke where the system can exchange two names."""
    exchange = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if exchange and exchange(AT_FDCWD, os.fsencode(fresh), AT_FDCWD, os.fsencode(folder), RENAME_EXCHANGE) == 0:
        return
    folder.rename(old)
    fresh.rename(folder)


def _fill(
    folder: Path, tables: Tables, texts: Mapping[str, str | bytes], release: Release, rest: Callable[[], None],
    describe: Callable[[Mapping[str, str]], Mapping[str, bytes]],
) -> Release:  # fmt: skip
    tables = loadable(tables)
    _write(folder, texts)
    for config in tables:
        (folder / config).mkdir()
    # Parquet is compressed outside Python's lock.
    with ThreadPoolExecutor(WRITERS) as pool:
        writing = [
            pool.submit(write_shards, table, folder / config, split, rest=rest)
            for config, splits in tables.items()
            for split, table in splits.items()
        ]
    for one in writing:
        one.result()
    hashes = _hashes(folder)
    hashes |= _write(folder, describe(hashes))
    rows = {config: {split: table.num_rows for split, table in splits.items()} for config, splits in tables.items()}
    inputs = dict(sorted(release.inputs.items()))
    made = dataclasses.replace(release, inputs=inputs, splits=rows, files=dict(sorted(hashes.items())))
    write_json(folder / MANIFEST, to_plain(made))
    return made


def _write(folder: Path, texts: Mapping[str, str] | Mapping[str, bytes] | Mapping[str, str | bytes]) -> dict[str, str]:
    for path, content in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content.encode() if isinstance(content, str) else content)
    return {path: file_sha256(folder / path) for path in texts}


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): file_sha256(path) for path in files}


def read_manifest(folder: Path) -> Release:
    """The manifest of a release folder; raises Refused (exit code 2) where there is none that can be read."""
    path = folder / MANIFEST
    try:
        return from_plain(Release, json.loads(path.read_bytes()))
    except FileNotFoundError:
        raise user_error(
            "no-release", "no release is here", where=str(path), fix="run `khabar build VERSION`"
        ) from None
    except (ValueError, ValidationError):
        raise user_error(
            "manifest", "not a manifest", where=str(path), fix="run `khabar build VERSION` again"
        ) from None
