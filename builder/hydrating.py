"""The verb hydrate: a stand-off edition and the raw pages make the full edition again, on this machine only."""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from builder import servers
from builder.project import Project
from builder.records import MANIFEST, Account, Issue, Refused, Report, refuse

if TYPE_CHECKING:
    from builder.release.hydration import Returned
    from builder.release.tables import Tables

NOTE = "standoff"
"""The input that names the stand-off edition in the manifest of a hydrated release."""


def hydrate(
    project: Project, name: str, files: Sequence[Path], *, base: Path, to: Path | None = None, rehearse: bool = False
) -> Report:
    """Write the full edition of a stand-off release from the pages that someone has.

    `name` is a folder below `base`, a version, or a revision of a dataset on a Hub (opening.where); `files` are read as
    `ingest` reads them. Documents that are not given, or whose text differs, are named each, and the rows of the others
    are written; the report's exit code is 1 then. Raises Refused: 1 the release is damaged, or nothing comes back; 2
    it is no stand-off edition, or the folder to write holds something else; 3 trouble with the Hub.
    """
    from builder.corpus.readers import read_documents
    from builder.release import edition_facts, hydration, verifying
    from builder.release.features import arrow_schema, features
    from builder.release.folder import read_manifest, write_release
    from builder.release.readback import shards
    from builder.release.scratch import scratch
    from builder.release.standoff import hydrated

    with _found(project, name, base, rehearse=rehearse) as folder:
        release = read_manifest(folder)
        target = base / to if to else base / "hydrated" / f"v{release.version}"
        _refuse_other(target)
        if release.edition != "standoff":
            raise refuse("edition", "this is the full edition: it holds its texts", where=str(folder),
                         fix="name a stand-off edition")  # fmt: skip
        whole = verifying.manifest(folder, release)
        if whole.state == "failed":
            raise Refused(*whole.issues, exit_code=1)
        reading = read_documents([base / path for path in files])
        found = shards(list(release.files))
        paths = {c: {s: [folder / path for path in own] for s, own in of.items()} for c, of in found.items()}
        names = hydration.names_noted(paths)
        columns = features(names)
        back = hydration.come_back(paths, reading.documents)
        target.parent.mkdir(parents=True, exist_ok=True)
        with scratch(target.parent) as kept:
            tables: Tables = {
                config: {
                    split: kept.table(
                        f"{config}-{split}",
                        arrow_schema(columns[config]),
                        hydrated(config, hydration.batches(own), names, back.texts),
                    )
                    for split, own in paths[config].items()
                }
                for config in release.splits
                if config in paths
            }
            if not any(table.num_rows for table in tables.get("entities", {}).values()):
                raise Refused(*back.issues, *_nothing(target), exit_code=1)
            digest = hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
            number = sum(release.splits["articles"].values())
            card = hydration.card(
                (folder / "README.md").read_text(encoding="utf-8"), release.version, names, tables,
                edition_facts.hydrated(len(back.texts), number, digest),
            )  # fmt: skip
            inputs = {**release.inputs, NOTE: digest}
            kept_as_they_are = ["CHANGELOG.md", *(path for path in release.files if path.startswith("assets/"))]
            written = write_release(
                target, tables, {"README.md": card, **{path: (folder / path).read_bytes() for path in kept_as_they_are}},
                replace(release, edition="full", inputs=inputs, splits={}, files={}), rest=kept.rest,
            )  # fmt: skip
        accounts = (*_accounts(back), *_rows(release.splits, tables))
    facts = {"release": f"{target} ({written.state})", "documents given": str(len(reading.documents)),
             "load": f'load_dataset("{target}", "entities")'}  # fmt: skip
    return Report("hydrate", accounts, (*back.issues, *reading.issues), facts, 1 if back.issues else 0, back.set_aside)


@contextmanager
def _found(project: Project, name: str, base: Path, *, rehearse: bool) -> Iterator[Path]:
    from builder.release import opening, verifying
    from builder.release.remote import connect

    place = opening.where(name, project, base)
    if place.folder:
        yield place.folder
        return
    with (
        servers.hub(project, rehearse=rehearse) as (endpoint, token),
        tempfile.TemporaryDirectory(prefix="khabar-hydrate-", ignore_cleanup_errors=True) as copy,
    ):
        folder, _ = verifying.fetch(connect(endpoint, token, place.repo_id), place.revision, Path(copy))
        yield folder


def _refuse_other(target: Path) -> None:
    """What a hydrated release may replace: nothing, an empty folder, or another hydrated release."""
    from builder.release.folder import read_manifest

    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    if (target / MANIFEST).is_file() and NOTE in read_manifest(target).inputs:
        return
    raise refuse("exists", "this is there already, and is no hydrated release", where=str(target),
                 fix="name another folder with --to")  # fmt: skip


def _nothing(target: Path) -> list[Issue]:
    message = "no row of `entities` comes back, so nothing was written"
    return [Issue("error", "hydrate", message, where=str(target), fix="give the pages that the dataset was made of")]


def _accounts(back: "Returned") -> tuple[Account, ...]:
    return (back.documents, back.titles) if back.titles.taken else (back.documents,)


def _rows(splits: dict[str, dict[str, int]], tables: "Tables") -> Iterator[Account]:
    for config, of in splits.items():
        taken = sum(of.values())
        kept = sum(table.num_rows for table in tables.get(config, {}).values())
        gone = {"its document did not come back": taken - kept} if kept < taken else {}
        yield Account("hydrate", f"rows of {config}", taken, kept, gone)
