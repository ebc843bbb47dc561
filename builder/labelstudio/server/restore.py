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
    """Restore the Label Studio servers of a backup into the folder `root`; return their names, and warnings.

    Every file is unpacked and verified before anything is replaced. The old data are deleted once the new data
    are in place. Raises KhabarError with exit code 2 if a server is running, if data exist and `overwrite` is False, if
    the backup is of another version or assignment mode, or if the file is damaged or not a backup; with exit code 3
    if Postgres fails.
    """
    with open_archive(source) as packed:
        manifest = check_archive(packed, source)
        _refuse_other_kind(manifest, source, isolated=isolated)
        for name in manifest.servers:
            data_dir.recover_replace(root / name)
        targets = {name: _target(root / name, kind, database) for name, kind in manifest.servers.items()}
        for name, target in targets.items():
            _refuse_in_use(root / name, target, overwrite=overwrite)
        root.mkdir(parents=True, exist_ok=True)
        _refuse_full_disk(manifest, root)
        for leftover in (*root.glob("restore.*"), *root.glob("backup.*")):  # of a killed backup or restore
            shutil.rmtree(leftover)
        with tempfile.TemporaryDirectory(dir=root, prefix="restore.") as scratch:
            for number, (name, entry) in enumerate(manifest.files.items(), 1):
                unpack(packed, name, entry, Path(scratch) / name, source)
                if number % 1000 == 0:
                    progress(f"unpacked {number} of {len(manifest.files)} files")
            for name, target in targets.items():
                progress(f"restoring {name}")
                _put(Path(scratch) / name, root / name, target)
            issues = _key(Path(scratch) / KEY, root / KEY)
    return tuple(manifest.servers), issues


def _refuse_other_kind(manifest: Manifest, source: Path, *, isolated: bool) -> None:
    """Raise KhabarError if the backup is of an `isolated` project and this one is not, or the other way round."""
    alone = set(manifest.servers) == {"studio"}
    if alone == isolated:
        servers = "one server for all" if alone else "a server for each annotator"
        raise user_error(
            "backup",
            f"the backup is of {servers}, which does not match this project's assignment",
            where=str(source),
            fix=f"set assignment in schema/dataset.yaml: {'pool or separate' if alone else 'isolated'}",
        )


def _target(work: Path, kind: str, given: postgres.Database | None) -> postgres.Database | None:
    """Return the Postgres database to restore into, or None for SQLite; raises KhabarError if it is not known."""
    if kind == "sqlite":
        if given:
            raise user_error(
                "database",
                "the backup holds a SQLite database, which cannot be restored into Postgres",
                fix="leave --database out",
            )
        return None
    database = given or postgres.load_config(work / "data")
    if database is None:
        raise user_error(
            "database",
            "the backup holds a Postgres database, but this project has none to restore into",
            fix="pass one: --database postgresql://user@127.0.0.1:5432/name",
        )
    return database


def _refuse_in_use(work: Path, target: postgres.Database | None, *, overwrite: bool) -> None:
    """Raise KhabarError if the server is running, or if data would be replaced and `overwrite` is False."""
    if is_running(work):
        raise user_error(
            "studio-up",
            "Label Studio is running for this project",
            where=str(work),
            fix="run `khabar studio down`, then retry",
        )
    if (work / "data").exists() and not overwrite:
        raise user_error(
            "exists",
            "this project's Label Studio has data already",
            where=str(work),
            fix="back up the data, then pass --yes to replace them",
        )
    if target and overwrite:
        postgres.inspect_database(target)  # raises if the database cannot be reached, before anything is replaced
    elif target:
        postgres.require_empty(target)


def _refuse_full_disk(manifest: Manifest, root: Path) -> None:
    total, free = sum(entry.size for entry in manifest.files.values()), shutil.disk_usage(root).free
    if total > free:
        raise user_error(
            "disk",
            f"the backup needs {total:,} bytes, but only {free:,} are free",
            where=str(root),
            fix="free disk space, then retry",
        )


def _put(unpacked: Path, work: Path, target: postgres.Database | None) -> None:
    """Replace the data of one server with the unpacked data folder; load its dump if `target` is a database."""
    work.mkdir(parents=True, exist_ok=True)
    if target:
        postgres.load(target, unpacked / DUMP)
        (unpacked / DUMP).unlink()
        postgres.save_config(unpacked, target)
    unpacked.chmod(0o700)
    data_dir.replace(work, unpacked)


def _key(unpacked: Path, kept: Path) -> tuple[Issue, ...]:
    """Restore the pseudonym key if the project has none; return a warning if it has a different one, which it keeps."""
    if not unpacked.exists():
        return ()
    if not kept.exists():
        write_bytes(kept, unpacked.read_bytes(), mode=0o600)
    elif kept.read_bytes() != unpacked.read_bytes():
        message = "the backup has a different pseudonym key; the project keeps its own"
        fix = "if annotations were collected in another project, copy pseudonym.key from there"
        return (Issue("warning", "pseudonym-key", message, where=str(kept), fix=fix),)
    return ()
