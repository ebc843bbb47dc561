"""What a release promises, looked at one promise at a time: its bytes, its rows, its card, its splits.

Every check is done, failed, or not possible, with the reason; none of them writes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from builder.io.hashing import file_sha256
from builder.records import MANIFEST, TOOL, Issue, KhabarError, Release, user_error
from builder.release.card import check
from builder.release.card.check import CARD
from builder.release.card.inputs import FILE, Basis, card_of, facts_of, read_basis
from builder.release.card.plots import plots
from builder.release.publish.client import Remote, explained
from builder.release.publish.folder import read_manifest
from builder.release.publish.readback_client import Job, reading
from builder.release.publish.storage import safe
from builder.release.splits import leakage
from builder.release.splits.strategies import NAMES
from builder.release.tables.build import Tables
from builder.release.tables.features import arrow_schema, features
from builder.release.tables.shards import shards
from builder.text.profiles import profile

State = Literal["done", "failed", "not possible"]


@dataclass(frozen=True, slots=True)
class Check:
    """One promise: what it is, whether it is kept, and what was looked at."""

    name: str
    state: State
    said: str
    issues: tuple[Issue, ...] = ()


def fetch(remote: Remote, revision: str, scratch: Path) -> tuple[Path, str]:
    """A revision of a dataset copied to a folder, all that its manifest names, and its commit.

    Raises Refused: 2 khabar did not make it, 3 trouble with the Hub.
    """
    with explained(remote, f"reading {revision} of"):
        commit = str(remote.api.repo_info(remote.repo_id, repo_type="dataset", revision=revision).sha)

        def get(path: str) -> None:
            remote.api.hf_hub_download(remote.repo_id, path, repo_type="dataset", revision=commit, local_dir=scratch)

        present = set(remote.api.list_repo_files(remote.repo_id, repo_type="dataset", revision=commit))
        if MANIFEST in present:
            get(MANIFEST)
            release = read_manifest(scratch)
            folders = tuple(f"{config}/" for config in shards(list(release.files)))
            for path in sorted(present):
                if safe(path) and (path in release.files or path.startswith(folders)):
                    get(path)
            return scratch, commit
    raise user_error(
        "no-release",
        f"{remote.repo_id}@{revision} has no {MANIFEST}: khabar did not make it",
        where=remote.url(revision),
    )


def checks(folder: Path, release: Release, remote: Remote, revision: str = "") -> list[Check]:
    """Look at all that a release promises; with `revision`, that the Hub has the same there.

    Raises Refused (exit code 3) for trouble with the Hub.
    """
    whole = manifest(folder, release)
    others = {"rows": rows, "leaks": alike, "card": card}
    names = ["loads", *(["read back"] if revision else []), *others]
    if whole.state == "failed":
        return [whole, *(Check(name, "not possible", "the files are not those that were built") for name in names)]
    read = loads(folder, release, remote, revision)
    return [whole, *read, *(guarded(name, look, folder, release) for name, look in others.items())]


def manifest(folder: Path, release: Release) -> Check:
    """Whether every file is the one that was built, and no other would be loaded beside them."""
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    folders = tuple(f"{config}/" for config in shards(list(release.files)))
    issues = [_issue(path, "the file is missing") for path in sorted(release.files.keys() - there)]
    issues += [
        _issue(path, "the bytes are not those of the manifest: the sha256 differs")
        for path in sorted(release.files.keys() & there)
        if file_sha256(folder / path) != release.files[path]
    ]
    issues += [
        _issue(path, "the file is not part of the release, but readers would load it")
        for path in sorted(there - release.files.keys())
        if folders and path.startswith(folders)
    ]
    return _judged("manifest", issues, f"{len(release.files)} files have the sha256 of the manifest")


def loads(folder: Path, release: Release, remote: Remote, revision: str = "") -> list[Check]:
    """Whether load_dataset reads it with the version, the features and the rows of its Parquet files.

    With `revision`, whether it reads the same from the Hub, whose files are those of the folder.
    """
    files = release.files | {MANIFEST: file_sha256(folder / MANIFEST)}
    job = Job(str(folder.resolve()), remote.repo_id, release.version, files)
    found: list[Check] = []
    with reading(job, remote) as reader:
        try:
            reader.compare_folder()
            found.append(
                Check("loads", "done", f"load_dataset reads {len(release.splits)} configs with their features")
            )
            if revision:
                outcome = reader.compare_revision(revision)
                found.append(Check("read back", "done", f"{len(files)} files at {revision}, commit {outcome.commit}"))
        except KhabarError as refused:
            if refused.exit_code != 1:
                raise
            found.append(_judged("read back" if found else "loads", list(refused.issues), ""))
    if revision and len(found) == 1:
        found.append(Check("read back", "not possible", "the files themselves do not load"))
    return found


def rows(folder: Path, release: Release) -> Check:
    """Whether the manifest's counts are those of the Parquet files; the card's own are held by load_dataset."""
    found = shards(list(release.files))
    counted = {
        config: {split: sum(pq.read_metadata(folder / path).num_rows for path in paths) for split, paths in of.items()}
        for config, of in found.items()
    }
    wanted = {config: {split: n for split, n in of.items() if split in counted.get(config, {})}
              for config, of in release.splits.items()}  # fmt: skip
    lost = [f"{config}/{split}" for config, of in release.splits.items() for split, n in of.items()
            if n and split not in counted.get(config, {})]  # fmt: skip
    issues = [_issue(MANIFEST, f"{place} has rows, but no file") for place in lost]
    issues += [
        _issue(MANIFEST, f"{config}: the files have {counted[config]}, the manifest says {wanted.get(config)}")
        for config in sorted(counted)
        if counted[config] != wanted.get(config)
    ]
    total = sum(sum(of.values()) for of in counted.values())
    return _judged("rows", issues, f"{total} rows, as the manifest and the card count them")


def alike(folder: Path, release: Release) -> Check:
    """Whether no text of one split is one of another, a copy of it, inside it, or under the same title."""
    there = shards(list(release.files)).get("articles", {})
    found = {split: there[split] for split in sorted(there, key=[*NAMES, *there].index)}
    texts = {split: _column(folder, paths, "text") for split, paths in found.items()}
    if not found or any(column is None for column in texts.values()):
        return Check("leaks", "not possible", f"a {release.edition} edition holds no texts to compare")
    try:
        fold = profile(release.profile.split("+")[0]).fold_batch
    except ValueError:
        return Check("leaks", "not possible", f"the profile {release.profile} is the project's own")
    names = [name for paths in found.values() for name in _ids(folder, paths)]
    home = [split for split, column in texts.items() for _ in column or ()]
    titles = [title or "" for paths in found.values() for title in _column(folder, paths, "title") or ()]
    pairs = leakage.pairs(fold([text for column in texts.values() for text in column or ()]), fold(titles))
    said = f"of {len(names)} articles none is alike to one in another split: {len(pairs)} pairs compared"
    return _judged("leaks", leakage.across(pairs, names, home, ""), said)


def card(folder: Path, release: Release) -> Check:
    """Whether the card, made again from the rows and from what it rests on, is the card that is there.

    Words of the card change with khabar, so that it is compared within one version of the tool.
    """
    if release.tool != TOOL:
        return Check("card", "not possible", f"the card was made by {release.tool}, this is {TOOL}")
    if not (folder / FILE).is_file():
        return Check("card", "not possible", f"{FILE}, which it rests on, is not part of this release")
    basis = read_basis((folder / FILE).read_bytes(), FILE)
    tables = tables_of(folder, release, basis)
    said = (folder / CARD).read_text(encoding="utf-8", errors="replace")
    facts = facts_of(basis, tables)
    issues = check.faults(said, facts)
    issues += check.differences(said, card_of(basis, tables, facts), basis.template)
    for path, drawn in plots(tables, basis.labels, basis.agreement).items():
        if not (folder / path).is_file() or (folder / path).read_bytes() != drawn.encode():
            issues.append(_issue(path, "the plot is not the one that the rows give"))
    errors = [issue for issue in issues if issue.severity == "error"]
    if errors:
        return Check("card", "failed", f"{len(errors)} faults", tuple(issues))
    mended = f", {len(issues)} lines of prose changed since" if issues else ""
    return Check("card", "done", f"its numbers, head and plots are those of the rows{mended}", tuple(issues))


def tables_of(folder: Path, release: Release, basis: Basis) -> Tables:
    """The tables of a release as a build made them, with those that have no rows and no file.

    What another version of khabar made may lack columns that came later.
    """
    found = shards(list(release.files))
    tables: Tables = {}
    for config, columns in features(basis.labels, release.edition).items():
        there = {
            name for of in found.get(config, {}).values() for path in of for name in pq.read_schema(folder / path).names
        }
        older = release.tool != TOOL and there
        schema = arrow_schema({name: one for name, one in columns.items() if name in there} if older else columns)
        tables[config] = {}
        for split in NAMES:
            paths = found.get(config, {}).get(split, [])
            parts = [pq.ParquetFile(folder / path).read().cast(schema) for path in paths]
            tables[config][split] = pa.concat_tables(parts) if parts else schema.empty_table()
    return tables


def _column(folder: Path, paths: list[str], name: str) -> list[str] | None:
    tables = [pq.ParquetFile(folder / path) for path in paths]
    if any(name not in table.schema_arrow.names for table in tables):
        return None
    return [value for table in tables for value in table.read([name])[name].to_pylist()]


def _ids(folder: Path, paths: list[str]) -> list[str]:
    return _column(folder, paths, "id") or []


def _judged(name: str, issues: list[Issue], kept: str) -> Check:
    if not issues:
        return Check(name, "done", kept)
    return Check(name, "failed", f"{len(issues)} differences", tuple(issues))


def _issue(where: str, message: str) -> Issue:
    return Issue("error", "differs", message, where=where)


def guarded(name: str, look: Callable[[Path, Release], Check], folder: Path, release: Release) -> Check:
    """A check that fails where the files cannot even be read."""
    try:
        return look(folder, release)
    except KhabarError as refused:
        return Check(name, "failed", f"{len(refused.issues)} faults", refused.issues)
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        return Check(name, "failed", f"{type(error).__name__}: {error}".split("\n")[0])
