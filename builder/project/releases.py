"""Resolve a release reference, and keep the ledger of versions."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from builder.io.hashing import file_digest
from builder.io.jsonl import write_jsonl
from builder.project.annotations import read_merged
from builder.project.project import Project
from builder.records import LEDGER, MANIFEST, KhabarError, LedgerEntry, Notify, user_error
from builder.release.diff.compare import ReleaseView
from builder.release.diff.semver import refuse_backwards
from builder.release.diff.version import parse_version, version_key
from builder.release.publish import storage, verify
from builder.release.publish.client import connect
from builder.release.publish.folder import read_manifest
from builder.release.publish.open import REMOTE, ReleaseRef, open_release

HubAddress = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class FoundRelease:
    """A release to verify: its local folder, where it came from, and its revision on the Hub."""

    folder: Path
    place: str
    revision: str = ""
    repo_id: str = ""


@contextmanager
def find_release(
    project: Project, name: str, base: Path, hub: HubAddress, scratch: Path, progress: Notify
) -> Iterator[FoundRelease]:  # fmt: skip
    """Yield the release that `name` refers to, copied to `scratch` if it is remote."""
    if "://" in name:
        progress(f"copying {name} here")
        with storage.fetched(name, scratch) as folder:
            yield FoundRelease(folder, name)
        return
    place = resolve_release(name, project, base)
    version = name.removeprefix("v")
    if place.folder:
        published = bool(parse_version(version)) and place.folder == project.release(version)
        revision = f"v{version}" if published else ""
        repo_id = read_manifest(place.folder).repo_id if published else ""
        yield FoundRelease(place.folder, str(place.folder), revision, repo_id)
        return
    progress(f"copying {place.revision} of {place.repo_id} here")
    folder, commit = verify.fetch(connect(*hub, place.repo_id), place.revision, scratch)
    yield FoundRelease(folder, f"commit {commit}", commit, place.repo_id)


def resolve_release(name: str, project: Project, base: Path) -> ReleaseRef:
    """Resolve a reference to a release.

    A reference is a folder below `base`, a version (in dist/, else on the Hub), NAME/DATASET@REVISION, or @REVISION of
    the project's own dataset. Raises KhabarError (exit code 2) for anything else.
    """
    folder = base / name
    if folder.is_dir():
        return ReleaseRef(folder)
    version = name.removeprefix("v")
    reference = REMOTE.fullmatch(name)
    if parse_version(version):
        built = project.release(version)
        return ReleaseRef(built) if built.is_dir() else ReleaseRef(repo_id=_own(project), revision=f"v{version}")
    if reference is None or not (reference["repo"] or name.startswith("@")):
        raise user_error(
            "no-release",
            f"{name!r} is not a release",
            fix="give a folder, a version such as v1.0.0, NAME/DATASET@REVISION, or @REVISION of this dataset",
        )
    return ReleaseRef(repo_id=reference["repo"] or _own(project), revision=reference["revision"])


def _own(project: Project) -> str:
    return project.schema.dataset.repo_id


@contextmanager
def open_earlier(
    project: Project, version: str, name: str | None, hub: tuple[str | None, str | None]
) -> Iterator[tuple[ReleaseView, str] | None]:
    """Open the earlier release that a new version is compared with, and its changelog; yield None for a first version.

    The earlier release is the one that `name` refers to, else the one with the highest lower version. `hub` is the
    endpoint and the token. Raises KhabarError (exit code 2) if a higher version was built already, or if the earlier
    release is not on this machine.
    """
    known = _known(project)
    refuse_backwards(version, list(known))
    location = resolve_release(name, project, project.root) if name else _newest_below(project, version, known)
    if location is None:
        yield None
        return
    with open_release(location, *hub) as earlier:
        about = earlier.side.about
        if version_key(about.version) >= version_key(version):
            raise user_error(
                "version",
                f"{version} is not higher than {about.version}, the release given with --since",
                fix=f"build a version above {about.version}, or give an earlier release",
            )
        if not name and known[about.version] not in {"", about.manifest}:
            raise _elsewhere(project, about.version, f"dist/v{about.version} is not the {about.version} that "
                             f"annotations/{LEDGER} names")  # fmt: skip
        yield earlier.side, earlier.changelog


def _known(project: Project) -> Mapping[str, str]:
    """Map every version known to have been built to the sha256 of its manifest, empty if that is unknown."""
    names = [path.parent.name for path in project.root.glob(f"dist/v*/{MANIFEST}")]
    names += [path.stem for path in (project.work / "notes" / "pushed").glob("v*.json")]
    known = {name.removeprefix("v"): "" for name in names} | {
        line.version: line.manifest for line in read_merged(project, project.annotations / LEDGER, LedgerEntry)
    }
    return {version: manifest for version, manifest in known.items() if parse_version(version)}


def earlier_versions(project: Project, version: str) -> tuple[str, ...]:
    """List the lower versions in the ledger of releases, in ascending order."""
    lines = read_merged(project, project.annotations / LEDGER, LedgerEntry)
    return tuple(
        sorted((line.version for line in lines if version_key(line.version) < version_key(version)), key=version_key)
    )


def _newest_below(project: Project, version: str, known: Mapping[str, str]) -> ReleaseRef | None:
    lower = [built for built in known if version_key(built) < version_key(version)]
    if not lower:
        return None
    newest = max(lower, key=version_key)
    if not (project.release(newest) / MANIFEST).is_file():
        raise _elsewhere(project, newest, f"{version} cannot be compared with {newest}: it is not in dist/")
    return ReleaseRef(project.release(newest))


def _elsewhere(project: Project, version: str, message: str) -> KhabarError:
    return user_error("no-earlier", message, where=str(project.root),
                  fix=f"pass --since DIR, or --since {_own(project)}@v{version} from the Hub; if it was never "
                  f"published, delete its line in annotations/{LEDGER}")  # fmt: skip


def record(project: Project, version: str) -> str:
    """Record a built version in the ledger of releases, which is in git, and return the sha256 of its manifest.

    Raises KhabarError (exit code 4) if the version was published with another manifest.
    """
    path = project.annotations / LEDGER
    lines = {line.version: line for line in read_merged(project, path, LedgerEntry)}
    manifest = file_digest(project.release(version) / MANIFEST)
    if project.noted(f"pushed/v{version}") and version in lines and lines[version].manifest != manifest:
        raise user_error(
            "published",
            f"version {version} was published, and this build of it differs",
            where=str(project.release(version)),
            exit_code=4,
            fix="a published version never changes: delete this folder, and build the next one",
        )
    lines[version] = LedgerEntry(version, manifest)
    write_jsonl(path, [lines[built] for built in sorted(lines, key=lambda built: (version_key(built), built))])
    return manifest
