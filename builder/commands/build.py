"""The command `build`: build a release folder from gold."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click

from builder.annotation.agreement.measure import headline
from builder.annotation.agreement.thresholds import accepted, shortfalls
from builder.cli.output import Console
from builder.cli.road import project_of, road
from builder.io.hashing import file_digest, read_hashed
from builder.io.jsonl import write_jsonl
from builder.project import release_inputs, services, validation
from builder.project.corpus import profile_of
from builder.project.migration.state import refuse_pending
from builder.project.project import Project
from builder.project.release_inputs import ReleaseInputs
from builder.project.releases import earlier_versions, open_earlier, record
from builder.project.stages import states
from builder.records import TOOL, KhabarError, Line, Release, Report, counted, format_of
from builder.release.card.inputs import CardInputs, compute_facts, render_card, text_files
from builder.release.card.markdown import below_thresholds
from builder.release.diff.changelog import Removals
from builder.release.diff.semver import make_changelog
from builder.release.diff.version import check_version
from builder.release.editions import standoff
from builder.release.editions.reading import declared_encodings, record_reading
from builder.release.exports.conll import edition_files
from builder.release.exports.write import export_files
from builder.release.publish.folder import write_release
from builder.release.tables.spill import open_spill


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReport(Report):
    """The report of `build`: the release's folder, what became of it, its manifest's hash, its card, and its rows."""

    folder: Path
    state: Literal["new", "same", "replaced"]
    manifest_sha256: str
    card: Path
    rows: dict[str, dict[str, int]]
    """Number of rows by config and split."""
    accepted_floors: int | None = None
    """Floors that were not reached and accepted; None if nothing was to be accepted."""

    @property
    def release(self) -> str:
        """Return the folder, and what became of it."""
        return f"{self.folder} ({self.state})"

    def lines(self) -> Iterator[Line]:
        """Return the release, its hash, its card and its rows."""
        yield Line("release", self.release)
        yield Line("manifest sha256", self.manifest_sha256)
        yield Line("card", str(self.card))
        if self.accepted_floors is not None:
            missed = f"{counted(self.accepted_floors, 'floor')} not reached, and the card says why"
            yield Line("agreement", missed if self.accepted_floors else "reaches its floors: nothing to accept")
        yield from row_lines(self.rows)


def row_lines(rows: Mapping[str, Mapping[str, int]]) -> Iterator[Line]:
    """Yield a line for each config, with the number of rows of each split."""
    for config, splits in rows.items():
        yield Line(config, ", ".join(f"{split} {number}" for split, number in splits.items()))


@click.command("build")
@click.argument("version")
@click.option(
    "--accept-low-agreement",
    metavar="REASON",
    help="Build although agreement is below a threshold of dataset.yaml; the card prints the reason and the figures.",
)
@click.option(
    "--since",
    metavar="REF",
    help="The earlier release to compare with (default: the newest lower one in dist/): a folder, or NAME/DATASET@v1.0.0.",
)
@road
def cli(console: Console, version: str, accept_low_agreement: str | None, since: str | None) -> BuildReport:
    """Build release VERSION (such as 1.0.0) into dist/: Parquet files, card and manifest.

    Exit 1 where agreement is below a floor of dataset.yaml, or undefined where there is a floor. Exit 2 where the
    number is too small for what changed since the earlier release: other labels, texts or splits, changed or
    removed columns and removed rows ask for a new first number, added rows, columns or configs for a new second one,
    anything else for a new third one.
    """
    if since and (console.folder / since).is_dir():
        since = str((console.folder / since).resolve())
    return build(project_of(console), version, accept=accept_low_agreement, since=since)


def build(project: Project, version: str, *, accept: str | None = None, since: str | None = None) -> BuildReport:
    """Build a release into dist/: splits, tables, card and manifest. The same inputs give the same bytes.

    Raises KhabarError with exit code 1 if agreement is below a threshold of dataset.yaml, unless `accept` gives a
    reason, which the card then prints with the figures. Raises KhabarError with exit code 2 if the version number is
    too low for what changed since the previous release, or since the release that `since` names.
    """
    check_version(version)
    project = project.snapshot()
    with (
        project.lock(),
        services.hub(project, rehearse=False) as hub,
        open_earlier(project, version, since, hub) as past,
        open_spill(project.work) as kept,
    ):
        refuse_pending(project, "build")
        _refuse_open(project)
        validation.validate_annotations(project)
        schema, dataset, fold = project.schema, project.schema.dataset, profile_of(project).fold_batch
        gathered = release_inputs.load_release_inputs(project, kept)
        low = accepted(shortfalls(gathered.agreement, schema.dataset.floors, schema.labels), accept)
        material = gathered.material
        built = standoff.build_edition(dataset.text, material, fold, kept)
        flat = edition_files(dataset.text, built.tables["entities"], schema.labels.entity_names)
        accounts, aside = (*built.accounts, *flat.accounts), (*built.set_aside, *flat.set_aside)
        prose = read_hashed(project.root / "dataset_card.md").decode("utf-8")
        basis = CardInputs(version, TOOL, prose, dataset, schema.labels,
                      tuple(figure for figure in gathered.agreement if headline(figure)), gathered.accounts,
                      accounts, built.cut_spans, built.cut_inner, dict(gathered.changes),
                      below_thresholds(low, accept or ""), dict(gathered.redacted), earlier_versions(project, version),
                       (accept or "") if low else "", gathered.sources.imports.sets, gathered.leaks,
                       dict(gathered.asked), dict(gathered.asked_targets), dict(gathered.new_questions))  # fmt: skip
        facts = compute_facts(basis, built.tables)
        card = render_card(basis, built.tables, facts)
        beside = export_files(built.tables, dataset, flat, version=version, template=prose, facts=facts,
                              agreement=basis.agreement)  # fmt: skip
        removed = Removals(tuple(gathered.sources.takedowns), tuple(gathered.sources.withdrawals))
        changelog, earlier = make_changelog(past, version, schema.dataset, built.tables, card, removed)
        kept.rest()
        inputs = release_inputs.hash_inputs(gathered, prose, TOOL) | earlier
        release = Release(version, schema.dataset.repo_id, "", TOOL, schema.hash, gathered.sources.profile.id,
                          inputs, {}, {}, dataset.text,
                          record_reading(dataset.fields, declared_encodings(material)),
                          format_of(asked=bool(material.asked), questions=bool(schema.labels.questions)))  # fmt: skip
        read = states.read_by(project, "build")
        # Before the release: one that is there never lacks its ledger, whenever this is killed.
        ledger = _write_ledger(project, gathered)
        folder = project.release(version)
        texts = text_files(basis, card, built.tables, changelog)
        written = write_release(folder, built.tables, {**texts, **beside.files, **gathered.guidelines}, release,
                                frozen=bool(project.noted(f"pushed/v{version}")), spill=kept,
                                describe=beside.describe, look=standoff.file_audit(dataset.text, material, fold))  # fmt: skip
        manifest = record(project, version)
        project.save_account("build", accounts, aside)
        states.finish(project, "build", read | ledger)
    return BuildReport(
        "build", accounts, gathered.issues, set_aside=aside,
        folder=folder, state=written.state, manifest_sha256=manifest, card=folder / "README.md",
        rows=written.release.splits, accepted_floors=None if accept is None else len(low),
    )  # fmt: skip


def _refuse_open(project: Project) -> None:
    """Raise KhabarError (exit code 2) for each field of dataset.yaml that `khabar init` left open."""
    issues = validation.open_issues(project)
    if issues:
        raise KhabarError(*issues)


def _write_ledger(project: Project, gathered: ReleaseInputs) -> dict[str, str]:
    """Write the splits, and their borders in time, if they changed; return their digests by the names of the inputs."""
    splits, borders = project.annotations / "splits.jsonl", project.annotations / "borders.jsonl"
    if [*gathered.ledger] != [*gathered.sources.splits]:
        write_jsonl(splits, gathered.ledger)
    if [*gathered.borders] != [*gathered.sources.borders]:
        write_jsonl(borders, gathered.borders)
    return {"splits": file_digest(splits), "borders of splits": file_digest(borders)}
