"""Release checks: file hashes, row counts, split leakage and the card.

Every check is done, failed or not possible, with the reason. None of them writes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from builder.io.hashing import file_sha256
from builder.records import MANIFEST, TOOL, Issue, KhabarError, Release
from builder.release.card import check
from builder.release.card.check import CARD
from builder.release.card.inputs import FILE, CardInputs, compute_facts, parse_card_inputs, render_card
from builder.release.card.plots import plots
from builder.release.publish.client import Remote, no_release, translate_hub_errors
from builder.release.publish.folder import read_manifest, refuse_unsafe
from builder.release.publish.readback_client import Job, start_readback
from builder.release.splits import leakage
from builder.release.splits.strategies import SPLIT_NAMES
from builder.release.splits.titles import shared_titles
from builder.release.tables.build import Tables
from builder.release.tables.features import arrow_schema, features
from builder.release.tables.shards import shards
from builder.text.profiles import profile

State = Literal["done", "failed", "not possible"]


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check: its name, its state, a summary in one line, and the issues."""

    name: str
    state: State
    said: str
    issues: tuple[Issue, ...] = ()


def fetch(remote: Remote, revision: str, scratch: Path) -> tuple[Path, str]:
    """Download a revision of a dataset to the folder `scratch`, and return the folder and the commit.

    These are the files that its manifest lists, and any other file that load_dataset would load. Raises KhabarError: 1 a
    path leaves the folder, 2 it is not a release of khabar, 3 an error of the Hub.
    """
    with translate_hub_errors(remote, f"reading {revision} of"):
        commit = str(remote.api.repo_info(remote.repo_id, repo_type="dataset", revision=revision).sha)

        def get(path: str) -> None:
            remote.api.hf_hub_download(remote.repo_id, path, repo_type="dataset", revision=commit, local_dir=scratch)

        present = set(remote.api.list_repo_files(remote.repo_id, repo_type="dataset", revision=commit))
        if MANIFEST in present:
            get(MANIFEST)
            release = read_manifest(scratch, remote.url(commit))
            folders = tuple(f"{config}/" for config in shards(list(release.files)))
            wanted = sorted(path for path in present if path in release.files or path.startswith(folders))
            refuse_unsafe(wanted, remote.url(commit))
            for path in wanted:
                get(path)
            return scratch, commit
    raise no_release(remote, revision)


def checks(folder: Path, release: Release, remote: Remote, revision: str = "") -> list[Check]:
    """Run every check of a release folder; with `revision`, also compare it with that revision on the Hub.

    Raises KhabarError (exit code 3) for an error of the Hub.
    """
    whole = manifest(folder, release)
    others = {"rows": rows, "leaks": alike, "card": card}
    names = ["loads", *(["read back"] if revision else []), *others]
    if whole.state == "failed":
        return [whole, *(Check(name, "not possible", "the files are not those that were built") for name in names)]
    read = loads(folder, release, remote, revision)
    return [whole, *read, *(guarded(name, look, folder, release) for name, look in others.items())]


def manifest(folder: Path, release: Release) -> Check:
    """Check that every file has the sha256 of the manifest, and that load_dataset would load no other file."""
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
    """Check that load_dataset reads the folder with the version, features and rows of its Parquet files.

    With `revision`, also check that the Hub has the same files and that load_dataset reads the same from there.
    """
    files = release.files | {MANIFEST: file_sha256(folder / MANIFEST)}
    job = Job(str(folder.resolve()), remote.repo_id, release.version, files)
    found: list[Check] = []
    with start_readback(job, remote) as reader:
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
    """Check that the manifest's row counts are those of the Parquet files; load_dataset checks those of the card."""
    found = shards(list(release.files))
    counted = {
        config: {split: sum(pq.read_metadata(folder / path).num_rows for path in paths) for split, paths in of.items()}
        for config, of in found.items()
    }
    wanted = {config: {split: n for split, n in of.items() if split in counted.get(config, {})}
              for config, of in release.splits.items()}  # fmt: skip
    lost = [f"{config}/{split}" for config, of in release.splits.items() for split, n in of.items()
            if n and split not in counted.get(config, {})]  # fmt: skip
    issues = [_issue(MANIFEST, f"{name} has rows, but no file") for name in lost]
    issues += [
        _issue(MANIFEST, f"{config}: the files have {counted[config]}, the manifest says {wanted.get(config)}")
        for config in sorted(counted)
        if counted[config] != wanted.get(config)
    ]
    total = sum(sum(of.values()) for of in counted.values())
    return _judged("rows", issues, f"{total} rows, as the manifest and the card count them")


def alike(folder: Path, release: Release) -> Check:
    """Check for leakage: no article equals, nearly copies or contains one of another split; shared titles are listed."""
    there = shards(list(release.files)).get("articles", {})
    found = {split: there[split] for split in sorted(there, key=[*SPLIT_NAMES, *there].index)}
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
    leaks = leakage.cross_split_errors(pairs, names, home, "")
    return (
        _judged("leaks", leaks, said)
        if leaks
        else Check("leaks", "done", said, tuple(shared_titles(pairs, names, home)))
    )


def card(folder: Path, release: Release) -> Check:
    """Check that the card equals one rendered again from the rows and the stored card inputs, and so do its plots.

    Cards are compared within one version of khabar, because their wording changes.
    """
    if release.tool != TOOL:
        return Check("card", "not possible", f"the card was made by {release.tool}, this is {TOOL}")
    if not (folder / FILE).is_file():
        return Check("card", "not possible", f"{FILE}, which it rests on, is not part of this release")
    basis = parse_card_inputs((folder / FILE).read_bytes(), FILE)
    tables = tables_of(folder, release, basis)
    said = (folder / CARD).read_text(encoding="utf-8", errors="replace")
    facts = compute_facts(basis, tables)
    issues = check.faults(said, facts)
    issues += check.differences(said, render_card(basis, tables, facts), basis.template)
    for path, drawn in plots(tables, basis.labels, basis.agreement).items():
        if not (folder / path).is_file() or (folder / path).read_bytes() != drawn.encode():
            issues.append(_issue(path, "the plot is not the one that the rows give"))
    errors = [issue for issue in issues if issue.severity == "error"]
    if errors:
        return Check("card", "failed", f"{len(errors)} faults", tuple(issues))
    mended = f", {len(issues)} lines of prose changed since" if issues else ""
    return Check("card", "done", f"its numbers, head and plots are those of the rows{mended}", tuple(issues))


def tables_of(folder: Path, release: Release, basis: CardInputs) -> Tables:
    """Read the tables of a release as a build made them, with an empty table for a split without a file.

    Releases of another version of khabar may lack columns that came later.
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
        for split in SPLIT_NAMES:
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
    """Run a check, and return it as failed if the files cannot be read."""
    try:
        return look(folder, release)
    except KhabarError as refused:
        return Check(name, "failed", f"{len(refused.issues)} faults", refused.issues)
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        return Check(name, "failed", f"{type(error).__name__}: {error}".split("\n")[0])
