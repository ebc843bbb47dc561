"""Opening a release that was built before: a folder, or a revision of a dataset on a Hub.

Of a revision only manifest, card, changelog and Parquet are fetched. Every file is held against the manifest's
sha256 before it is read. Writes nothing that stays, but for the ledger of releases.
"""

import hashlib
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from builder.project import Project, read_jsonl, write_jsonl
from builder.records import MANIFEST, Refused, Release, refuse
from builder.release.diff import Side
from builder.release.diff_records import About
from builder.release.folder import read_manifest
from builder.release.readback import shards
from builder.release.remote import Remote, connect, explained
from builder.release.rowwise import BATCH
from builder.release.versions import numbers, order, refuse_backwards

CARD, CHANGES = "README.md", "CHANGELOG.md"
LEDGER = "releases.jsonl"
REPOSITORY = re.compile(r"(?P<repo>[\w.-]{1,96}/[\w.-]{1,96})(?:@(?P<revision>[\w][\w./-]{0,120}))?")
REMOTE = re.compile(r"(?:(?P<repo>[\w.-]{1,96}/[\w.-]{1,96})@|@?)(?P<revision>[\w][\w./-]{0,120})")
SAFE = re.compile(r"\w[\w.-]*/\w[\w.-]*\.parquet")
LARGEST_MANIFEST = 50_000_000


@dataclass(frozen=True, slots=True)
class Where:
    """Where a release is: a folder on this machine, or else a revision of a dataset on the Hub."""

    folder: Path | None = None
    repo_id: str = ""
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """A release to compare, and its changelog."""

    side: Side
    changelog: str


@dataclass(frozen=True, slots=True)
class Line:
    """A version that was built: one line of annotations/releases.jsonl, and the sha256 of its manifest."""

    version: str
    manifest: str


def where(name: str, project: Project, base: Path) -> Where:
    """What a name means: a folder below `base`, a version in dist/, else NAME/DATASET@REVISION, or @REVISION of our own.

    Raises Refused (exit code 2) for anything else.
    """
    folder = base / name
    if folder.is_dir():
        return Where(folder)
    version = name.removeprefix("v")
    found = REMOTE.fullmatch(name)
    if numbers(version):
        built = project.release(version)
        return Where(built) if built.is_dir() else Where(repo_id=_own(project), revision=f"v{version}")
    if found is None or not (found["repo"] or name.startswith("@")):
        raise refuse(
            "no-release", f"{name!r} is not a release",
            fix="give a folder, a version such as v1.0.0, NAME/DATASET@REVISION, or @REVISION of this dataset",
        )  # fmt: skip
    return Where(repo_id=found["repo"] or _own(project), revision=found["revision"])


def _own(project: Project) -> str:
    return project.schema.dataset.repo_id


@contextmanager
def opened(place: Where, endpoint: str | None, token: str | None) -> Iterator[Opened]:
    """Open a release, for as long as the block lasts.

    Raises Refused: 1 where a file is not the one that was built, 2 where no release is there, 3 for trouble with the Hub.
    """
    if place.folder:
        yield _open(place.folder)
        return
    with tempfile.TemporaryDirectory(prefix="khabar-release-", ignore_cleanup_errors=True) as scratch:
        yield _open(_fetch(connect(endpoint, token, place.repo_id), place.revision, Path(scratch)))


def _fetch(remote: Remote, revision: str, scratch: Path) -> Path:
    with explained(remote, f"reading {revision} of"):
        commit = str(remote.api.repo_info(remote.repo_id, repo_type="dataset", revision=revision).sha)

        def get(path: str) -> Path:
            return Path(remote.api.hf_hub_download(
                remote.repo_id, path, repo_type="dataset", revision=commit, local_dir=scratch
            ))  # fmt: skip

        present = set(remote.api.list_repo_files(remote.repo_id, repo_type="dataset", revision=commit))
        if MANIFEST in present and get(MANIFEST).stat().st_size <= LARGEST_MANIFEST:
            for path in _files(read_manifest(scratch)):
                if path in present:
                    get(path)
            return scratch
    raise refuse("no-release", f"{remote.repo_id}@{revision} has no {MANIFEST}: khabar did not make it",
                 where=remote.url(revision))  # fmt: skip


def _files(release: Release) -> list[str]:
    """What is read of a release; a path that a release of ours cannot have is none of them."""
    wanted = (CARD, CHANGES)
    return [path for path in sorted(release.files) if path in wanted or SAFE.fullmatch(path)]


def _open(folder: Path) -> Opened:
    release = read_manifest(folder)
    for path in _files(release):
        if not (folder / path).is_file() or _sha256(folder / path) != release.files[path]:
            raise refuse("release", f"{path} is not the file that was built: it is missing, or its sha256 is not the "
                         "manifest's", where=str(folder), fix="restore the folder, or build it again", exit_code=1)  # fmt: skip
    found = shards(_files(release))
    rows = {config: release.splits[config] for config in release.splits if config in found}
    try:
        schemas = {config: pq.read_schema(folder / next(iter(splits.values()))[0]) for config, splits in found.items()}
        counted = {
            config: {split: _rows(folder, found[config].get(split, [])) for split in rows[config]} for config in rows
        }
    except pa.ArrowException:
        raise refuse("release", "not Parquet", where=str(folder), fix="restore the folder", exit_code=1) from None
    if counted != rows or rows.keys() != found.keys():
        raise refuse("manifest", "the manifest does not say how many rows there are", where=str(folder / MANIFEST),
                     fix="restore the folder, or build it again", exit_code=1)  # fmt: skip
    about = About(release.version, release.repo_id, _sha256(folder / MANIFEST), release.edition)

    def read(config: str, column: str) -> pa.ChunkedArray:
        paths = [folder / path for split in rows[config] for path in found[config].get(split, [])]
        chunks = [chunk for path in paths for chunk in _chunks(path, column)]
        return pa.chunked_array(chunks, schemas[config].field(column).type)

    return Opened(Side(about, rows, schemas, read, _text(folder / CARD)), _text(folder / CHANGES))


def _chunks(path: Path, column: str) -> Iterator[pa.Array]:
    """One column of a file, a batch at a time: read as a whole, twice its size is held."""
    with pq.ParquetFile(path, memory_map=True, pre_buffer=False) as file:
        for batch in file.iter_batches(BATCH, columns=[column]):
            yield batch[column]


def _rows(folder: Path, paths: Sequence[str]) -> int:
    return sum(int(pq.read_metadata(folder / path).num_rows) for path in paths)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@contextmanager
def since(
    project: Project, version: str, name: str | None, hub: tuple[str | None, str | None]
) -> Iterator[tuple[Side, str] | None]:
    """The release that a new version is compared with, and its changelog; None for the first.

    That is the one that `name` names, else the newest lower one. Raises Refused (exit code 2) where the version goes
    backwards, and where the newest lower one is not on this machine.
    """
    known = _known(project)
    refuse_backwards(version, list(known))
    place = where(name, project, project.root) if name else _newest_below(project, version, known)
    if place is None:
        yield None
        return
    with opened(place, *hub) as found:
        about = found.side.about
        if order(about.version) >= order(version):
            raise refuse("version", f"{version} is not above {about.version}, which --since names",
                         fix=f"build a number above {about.version}, or name an earlier release")  # fmt: skip
        if not name and known[about.version] not in {"", about.manifest}:
            raise _elsewhere(project, about.version, f"dist/v{about.version} is not the {about.version} that "
                             f"annotations/{LEDGER} names")  # fmt: skip
        yield found.side, found.changelog


def _known(project: Project) -> Mapping[str, str]:
    """Every version that is known to have been built, and the sha256 of its manifest, where that is known too."""
    names = [path.parent.name for path in project.root.glob(f"dist/v*/{MANIFEST}")]
    names += [path.stem for path in (project.work / "notes" / "pushed").glob("v*.json")]
    known = {name.removeprefix("v"): "" for name in names} | {
        line.version: line.manifest for line in read_jsonl(project.annotations / LEDGER, Line)
    }
    return {version: manifest for version, manifest in known.items() if numbers(version)}


def before(project: Project, version: str) -> tuple[str, ...]:
    """The lower versions that the ledger of releases names, in their order."""
    lines = read_jsonl(project.annotations / LEDGER, Line)
    return tuple(sorted((one.version for one in lines if order(one.version) < order(version)), key=order))


def _newest_below(project: Project, version: str, known: Mapping[str, str]) -> Where | None:
    lower = [one for one in known if order(one) < order(version)]
    if not lower:
        return None
    newest = max(lower, key=order)
    if not (project.release(newest) / MANIFEST).is_file():
        raise _elsewhere(project, newest, f"{version} cannot be compared with {newest}: it is not in dist/")
    return Where(project.release(newest))


def _elsewhere(project: Project, version: str, message: str) -> Refused:
    return refuse("no-earlier", message, where=str(project.root),
                  fix=f"name it: --since DIR, or --since {_own(project)}@v{version} from the Hub; if it was never "
                  f"published, delete its line in annotations/{LEDGER}")  # fmt: skip


def record(project: Project, version: str) -> None:
    """Note in the ledger of releases, which is in git, that a version was built, and the sha256 of its manifest.

    Raises Refused (exit code 4) where it was published with another one.
    """
    path = project.annotations / LEDGER
    lines = {line.version: line for line in read_jsonl(path, Line)}
    manifest = _sha256(project.release(version) / MANIFEST)
    if project.noted(f"pushed/v{version}") and version in lines and lines[version].manifest != manifest:
        raise refuse("published", f"version {version} was published, and this build of it differs",
                     where=str(project.release(version)), exit_code=4,
                     fix="a published version never changes: delete this folder, and build the next one")  # fmt: skip
    lines[version] = Line(version, manifest)
    write_jsonl(path, [lines[one] for one in sorted(lines, key=lambda one: (order(one), one))])
