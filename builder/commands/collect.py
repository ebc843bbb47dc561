"""The command `collect`: download annotations from Label Studio or read an export."""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.annotation.migration.offered import in_present_names
from builder.annotation.persons import People, Roster, resolve
from builder.annotation.pseudonyms import origin_name, pseudonym
from builder.cli.options import batch_option
from builder.cli.output import Console
from builder.cli.road import project_of, road
from builder.io.atomic import atomic_write
from builder.io.jsonl import write_jsonl
from builder.labelstudio.api.connection import Connection
from builder.labelstudio.download import cache, faults, rewrite
from builder.labelstudio.download.pages import pages
from builder.labelstudio.download.persons import Past
from builder.labelstudio.download.remote import ProjectRef
from builder.labelstudio.download.sync import update_cache
from builder.labelstudio.exports.impersonal import impersonal
from builder.labelstudio.exports.merge import ImportCounts, Imported, ImportOptions, cache_unknown, follow, merge_export
from builder.labelstudio.exports.read import parse, read
from builder.labelstudio.exports.stream import is_json, read_elements
from builder.project.annotations import (
    batch_name,
    collected_path,
    read_aliases,
    read_assigned,
    read_batch_ids,
    read_judgements,
    read_judgements_of,
    write_aliases,
)
from builder.project.batches import batch_articles, batch_documents
from builder.project.migration.kept import read_versions
from builder.project.migration.state import names_mark, note_collected
from builder.project.project import Project
from builder.project.services import connections, project_mark
from builder.records import Issue, Judgement, Line, Notify, Report, count_by_reason, counted, user_error

if TYPE_CHECKING:
    from sqlite3 import Connection as Store


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectReport(Report):
    """The report of `collect`: the judgements of the batch, their annotators and file, and what came from where."""

    judgements: int
    annotators: int
    path: Path
    imported: ImportCounts | None
    kept: int
    """Judgements that no server has any more."""

    def lines(self) -> Iterator[Line]:
        """Return the numbers."""
        yield Line("judgements", f"{self.judgements} of {counted(self.annotators, 'annotator')} in {self.path}")
        if self.imported:
            yield Line("file", str(self.imported))
        if self.kept:
            yield Line("kept", f"{counted(self.kept, 'judgement')} that no server has any more")


@click.command("collect")
@batch_option
@click.option("--prune", is_flag=True, help="Delete annotations that are no longer on the server, or not in the file.")
@click.option("--keep", "keeps", is_flag=True, help="Keep annotations of a server or project that was lost.")
@click.option("--full", is_flag=True, help="Download everything, not only changes since the last collect.")
@click.option(
    "--from", "source", type=click.Path(path_type=Path), metavar="FILE", help="Read an export of another Label Studio instead."
)  # fmt: skip
@click.option("--origin", default="", metavar="NAME", help="Name of the server that the file is from.")
@click.option(
    "--annotator",
    "people",
    multiple=True,
    metavar="ACCOUNT=PERSON",
    help="Who an account of the file is, such as 1=huda: number or e-mail, then name, e-mail or pseudonym.",
)
@road
def cli(
    console: Console, batch: str | None, prune: bool, keeps: bool, full: bool, source: Path | None, origin: str,
    people: tuple[str, ...],
) -> CollectReport:  # fmt: skip
    """Download annotations into annotations/<batch>/judgements.jsonl: what changed since the last collect.

    --from reads an export of another Label Studio, Community or Enterprise: JSON, or JSON-MIN and CSV for what they
    hold. Its tasks are matched to the batch's articles by article_id, raw text or cleaned text. Tasks without a match
    are listed. An annotation that was collected before adds nothing, and one that the file lacks stays, unless --prune
    is given. --origin and --annotator say whose annotations they are where the file has numbers instead of e-mails.

    --keep goes on beside what was collected earlier, after a server or a project of it was lost. --prune accepts the loss.
    """
    if not source and (origin or people):
        raise user_error("options", "--origin and --annotator are for a file", fix="name the file with --from")
    return collect(
        project_of(console), batch, prune=prune, keep=keeps, full=full, progress=console.progress,
        source=console.folder / source if source else None, options=ImportOptions(origin, _given(people), prune),
    )  # fmt: skip


def _given(people: tuple[str, ...]) -> dict[str, str]:
    """Return the person of each account. Raises KhabarError (exit code 2) for words that do not say so."""
    pairs = [tuple(part.strip() for part in word.split("=", 1)) for word in people]
    wrong = [word for word, pair in zip(people, pairs, strict=True) if len(pair) != 2 or not all(pair)]
    if wrong:
        message = f"--annotator {wrong[0]!r} does not say who an account is"
        raise user_error("annotators", message, fix="write ACCOUNT=PERSON, such as 1=huda")
    return {account.casefold(): person for account, person in pairs}


def collect(
    project: Project,
    batch: str | None,
    *,
    prune: bool,
    keep: bool = False,
    full: bool = False,
    source: Path | None = None,
    options: ImportOptions | None = None,
    progress: Notify = lambda _: None,
) -> CollectReport:
    """Download annotations into the batch's judgements.jsonl, sorted and pseudonymous.

    Downloads only changes since the last time, or everything with `full`. With `source`, reads an export file.
    Annotations that are gone stop the command, unless `keep` keeps them or `prune` lets go of them.
    """
    if keep and prune:
        raise user_error("options", "--keep and --prune exclude each other", fix="pass one of them")
    imported: Imported | None = None
    with project.lock():
        name = batch_name(project, batch)
        path = project.annotations / name / "judgements.jsonl"
        with cache.open_cache(collected_path(project, name)) as db:
            follow(db, read_judgements_of(project, name))
            if source:
                imported = _read_file(project, name, db, source, options or ImportOptions(prune=prune))
            else:
                _fetch(project, name, db, full, progress)
            aliases = read_aliases(project)
            rewrite.rename_annotators(db, {alias: resolve(alias, aliases) for alias in aliases})
            _rename(project, aliases)
            if not source:  # what a file lacks stays
                before = read_judgements_of(project, name)
                _carry(db, before if keep else [], prune=prune)
                _refuse_loss(path, before, _gone(db, before), prune=prune)
            with atomic_write(path) as out:
                out.writelines(f"{line}\n".encode() for line in cache.judgements(db))
            note_collected(project, pages(db))
            aside = cache.set_aside(db, name)
            held = cache.counts(db)
            issues, people = faults.issues(db), len({who for _, who, *_ in cache.keys(db)})
            kept = len(cache.judgements_of(db, cache.KEPT))
        account = count_by_reason("collect", "annotations", held.annotations + held.drafts, held.judgements, aside)
        project.save_account("collect", [account], aside)
    if source and imported:
        issues = [*grouped(issues), *imported.issues, *_nothing(imported, source)]
    return CollectReport(
        "collect", (account,), tuple(issues), exit_code=1 if any(issue.severity == "error" for issue in issues) else 0,
        set_aside=tuple(aside), judgements=held.judgements, annotators=people, path=path,
        imported=imported.counts if imported else None, kept=kept,
    )  # fmt: skip


def _read_file(project: Project, name: str, db: "Store", source: Path, options: ImportOptions) -> Imported:
    """Add the annotations of an export file to the batch's local cache, and the aliases of its people to the project."""
    articles = {article.id: article for article in batch_articles(project)}
    chosen = read_batch_ids(project, name)
    own = {article_id: articles[article_id] for article_id in chosen if article_id in articles}
    roster = Roster()
    elements = read_elements(source) if is_json(source) else parse(source.name, source.read_bytes())
    raws = {document.id: document.raw for document in batch_documents(project)}
    found = read(elements, own, project.schema.labels, name, roster.name, raws)
    found = impersonal(found, roster, options.given.values())
    found = replace(found, issues=tuple(_in_file(issue, source) for issue in found.issues))
    every, versions = read_judgements(project), read_versions(project)
    found = replace(found, judgements=tuple(in_present_names(one, versions) for one in found.judgements))
    cache_unknown(db, (judgement for judgement in every if judgement.batch == name))
    assigned = {duty.annotator for batch in project.batches() for duty in read_assigned(project, batch)}
    people = People(project.pseudonym_key(), read_aliases(project), assigned, options.given)
    elsewhere = [judgement for judgement in every if judgement.batch != name]
    imported = merge_export(db, found, roster.accounts, elsewhere, people, options, _label(source))
    write_aliases(project, imported.aliases)
    return imported


def _nothing(imported: Imported, source: Path) -> list[Issue]:
    """Return an error if nothing of an export was kept."""
    fix = "check that the batch has the texts that were annotated: `khabar collect --batch NAME`"
    return (
        [] if imported.kept else [Issue("error", "nothing-kept", "no annotation of it was kept", _label(source), fix)]
    )


def grouped(issues: Iterable[Issue]) -> list[Issue]:
    """Return one issue for each cause, with the number of its places."""
    places: dict[tuple[str, ...], list[Issue]] = {}
    for issue in issues:
        file, _, rest = issue.where.partition(FILE_MARK)
        key = issue.severity, issue.code, issue.message, issue.link, file if rest else ""
        places.setdefault(key, []).append(issue)
    return [
        group[0] if len(group) == 1
        else replace(group[0], where=f"{group[0].where} and {len(group) - 1:,} more place{'s' * (len(group) > 2)}")
        for group in places.values()
    ]  # fmt: skip


FILE_MARK = ": "
"""Stands between the name of an exported file and a place in it."""


def _in_file(issue: Issue, source: Path) -> Issue:
    """Return an issue of an export with the file's name."""
    return replace(issue, where=f"{_label(source)}{FILE_MARK}{issue.where}")


def _label(source: Path) -> str:
    """Return the name of a file with its folder, because exports of several servers often have the same name."""
    return f"{source.parent.name}/{source.name}".removeprefix("/")


def _rename(project: Project, aliases: Mapping[str, str]) -> None:
    """Give the judgements of all batches to the pseudonyms that stand for their annotators."""
    for name in project.batches():
        path = project.annotations / name / "judgements.jsonl"
        lines = read_judgements_of(project, name) if aliases else []
        renamed: list[Judgement] = [replace(one, annotator=resolve(one.annotator, aliases)) for one in lines]
        if renamed != lines:
            renamed.sort(key=attrgetter("article_id", "annotator", "annotation_id"))
            write_jsonl(path, renamed)


def _carry(db: "Store", wanted: Sequence[Judgement], *, prune: bool) -> None:
    """Keep the judgements that were kept before, and the `wanted` ones, unless a server has them again."""
    held = [] if prune else [*cache.judgements_of(db, cache.KEPT), *wanted]
    cache.keep(db, {cache.key_of(one): one for one in _gone(db, held, besides=cache.KEPT)}.values())


def _gone(db: "Store", judgements: Sequence[Judgement], *, besides: str = "") -> list[Judgement]:
    """Return the judgements that the cache lacks, and that no server got again with the tasks of a new project."""
    gone = cache.missing(judgements, cache.keys(db, besides=besides))
    served = cache.served(db) if gone else set()
    return [one for one in gone if cache.Served(one.article_id, one.annotator, one.created_at) not in served]


def _fetch(project: Project, name: str, db: "Store", full: bool, progress: Notify) -> None:
    """Update the batch's local cache from each of its Label Studio projects."""
    key, versions = project.pseudonym_key(), read_versions(project)
    past = Past(read_judgements_of(project, name), functools.partial(origin_name, key), versions)
    # Pseudonyms of another key, and judgements of another version of the reader or in earlier names, are no use.
    stamp = f"{cache.PARSER_VERSION} {pseudonym(key, 'khabar')}{names_mark(versions)}"
    aliases = read_aliases(project)
    places: list[str] = []
    for server, connection in connections(project):
        for desk in _annotator_projects(project, name, server):
            site = ProjectRef(connection, project_mark(project, name, desk), functools.partial(_again, project, server))
            # With a server of their own, whoever logs in there is the annotator.
            named = functools.partial(_named, server) if server else functools.partial(_person, key, aliases)
            places.append(update_cache(db, site, named, stamp=stamp, full=full, past=past, progress=progress))
    cache.retain(db, places)


def _again(project: Project, server: str) -> Connection:
    return dict(connections(project))[server]


def _person(key: bytes, aliases: Mapping[str, str], who: int | str) -> str:
    return resolve(pseudonym(key, who), aliases)


def _named(server: str, _: int | str) -> str:
    return server


def _annotator_projects(project: Project, name: str, server: str) -> list[str]:
    """Return the annotators who have a project of their own on a server, or one empty name if all share it."""
    if project.schema.dataset.assignment == "pool":
        return [""]
    people = sorted({assigned.annotator for assigned in read_assigned(project, name)})
    if not people:
        message = f"batch {name} was not sent yet: nobody was assigned to its articles"
        raise user_error("no-project", message, fix="run `khabar send` first", exit_code=3)
    return [person for person in people if server in ("", person)]  # who was invited later has no project of this batch


def _refuse_loss(path: Path, before: Sequence[Judgement], gone: Sequence[Judgement], *, prune: bool) -> None:
    if gone and not prune:
        message = f"{len(gone)} of {len(before)} annotations in {path} are no longer on the server"
        fix = "check LABEL_STUDIO_URL; to go on beside them, run `khabar collect --keep`; to accept the deletion, run `khabar collect --prune`"
        raise user_error("would-lose", message, fix=fix, exit_code=1)
