"""Restore the data directories of Label Studio from a backup."""

import shutil
import tempfile
from pathlib import Path

from builder.io.atomic import write_bytes
from builder.labelstudio.server import data_dir, postgres
from builder.labelstudio.server.archive import DUMP, KEY, Manifest, check_archive, open_archive, unpack
from builder.labelstudio.server.process import is_running
from builder.records import Issue, Notify, user_error


def restore(
    source: Path,
    root: Path,
    *,
    isolated: bool,
    database: postgres.Database | None,
    overwrite: bool,
    progress: Notify,
) -> tuple[tuple[str, ...], tuple[Issue, ...]]:
    """Put the Label Studios of a backup into the folder `root`; gives back their names, and what to know.

    All is unpacked and compared before anything is replaced; the old data go when the new are in place.
    Raises Refused (exit code 2): a server runs, data are there and `overwrite` is not said, another version
    or kind, a file that is damaged or not a backup; 3 where Postgres fails.
    """
    with open_archive(source) as packed:
        manifest = check_archive(packed, source)
        _refuse_other_kind(manifest, source, isolated=isolated)
        for name in manifest.servers:
            data_dir.settle(root / name)
        databases = {name: _target(root / name, kind, database) for name, kind in manifest.servers.items()}
        for name, goes_to in databases.items():
            _refuse_in_use(root / name, goes_to, overwrite=overwrite)
        root.mkdir(parents=True, exist_ok=True)
        _refuse_full_disk(manifest, root)
        for left in (*root.glob("restore.*"), *root.glob("backup.*")):  # of one that was killed
            shutil.rmtree(left)
        with tempfile.TemporaryDirectory(dir=root, prefix="restore.") as scratch:
            for number, (name, entry) in enumerate(manifest.files.items(), 1):
                unpack(packed, name, entry, Path(scratch) / name, source)
                if number % 1000 == 0:
                    progress(f"unpacked {number} of {len(manifest.files)} files")
            for name, goes_to in databases.items():
                progress(f"restoring {name}")
                _put(Path(scratch) / name, root / name, goes_to)
            issues = _key(Path(scratch) / KEY, root / KEY)
    return tuple(manifest.servers), issues


def _refuse_other_kind(manifest: Manifest, source: Path, *, isolated: bool) -> None:
    alone = set(manifest.servers) == {"studio"}
    if alone == isolated:
        whose = "one server for all" if alone else "a server for each annotator"
        raise user_error(
            "backup",
            f"the backup is of {whose}, which is not this project's assignment",
            where=str(source),
            fix=f"set assignment in schema/dataset.yaml: {'pool or separate' if alone else 'isolated'}",
        )


def _target(work: Path, kind: str, given: postgres.Database | None) -> postgres.Database | None:
    """The Postgres database that a copy goes to; None for SQLite."""
    if kind == "sqlite":
        if given:
            raise user_error("database", "the backup is of SQLite, which no Postgres takes", fix="leave --database out")
        return None
    found = given or postgres.remembered(work / "data")
    if found is None:
        raise user_error("database", "the backup is of Postgres, and this project has no such database",
                     fix="name one: --database postgresql://user@127.0.0.1:5432/name")  # fmt: skip
    return found


def _refuse_in_use(work: Path, goes_to: postgres.Database | None, *, overwrite: bool) -> None:
    if is_running(work):
        raise user_error(
            "studio-up",
            "Label Studio is running for this project",
            where=str(work),
            fix="run `khabar studio down`, then this again",
        )
    if (work / "data").exists() and not overwrite:
        raise user_error(
            "exists",
            "this project's Label Studio has data already",
            where=str(work),
            fix="back them up, then say --yes: they are replaced",
        )
    if goes_to and overwrite:
        postgres.holding(goes_to)
    elif goes_to:
        postgres.refuse_taken(goes_to)


def _refuse_full_disk(manifest: Manifest, root: Path) -> None:
    total, free = sum(entry.size for entry in manifest.files.values()), shutil.disk_usage(root).free
    if total > free:
        raise user_error(
            "disk",
            f"the backup needs {total:,} bytes, and {free:,} are free",
            where=str(root),
            fix="make room, then run this again",
        )


def _put(unpacked: Path, work: Path, goes_to: postgres.Database | None) -> None:
    """Put one Label Studio in its place."""
    work.mkdir(parents=True, exist_ok=True)
    if goes_to:
        postgres.load(goes_to, unpacked / DUMP)
        (unpacked / DUMP).unlink()
        postgres.remember(unpacked, goes_to)
    unpacked.chmod(0o700)
    data_dir.replace(work, unpacked)


def _key(unpacked: Path, kept: Path) -> tuple[Issue, ...]:
    """Bring the key of the pseudonyms back where there is none; never over another."""
    if not unpacked.exists():
        return ()
    if not kept.exists():
        write_bytes(kept, unpacked.read_bytes(), mode=0o600)
    elif kept.read_bytes() != unpacked.read_bytes():
        message = "the backup has another pseudonym key than this project, which keeps its own"
        fix = "were judgements collected elsewhere? bring pseudonym.key from there"
        return (Issue("warning", "pseudonym-key", message, where=str(kept), fix=fix),)
    return ()
