"""The command `collect`: download annotations from Label Studio or read an export."""

import functools
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.annotation.pseudonyms import origin_name, pseudonym
from builder.cli.options import batch_option, verb
from builder.cli.output import Console
from builder.io.atomic import atomic_write
from builder.labelstudio import exports
from builder.labelstudio.api.connection import Connection
from builder.labelstudio.download import cache
from builder.labelstudio.download.persons import Past
from builder.labelstudio.download.remote import ProjectRef
from builder.labelstudio.download.sync import update_cache
from builder.labelstudio.parse import ParsedAnnotations
from builder.project.annotations import (
    batch_name,
    collected_path,
    read_assigned,
    read_batch,
    read_judgements_of,
)
from builder.project.batches import batch_articles
from builder.project.project import Project, find_project
from builder.project.services import connections, project_mark
from builder.records import Judgement, Notify, Report, count_by_reason, user_error

if TYPE_CHECKING:
    from sqlite3 import Connection as Store


@click.command("collect")
@batch_option
@click.option("--prune", is_flag=True, help="Delete local annotations that no longer exist on the server.")
@click.option("--keep", "keeps", is_flag=True, help="Keep annotations of a server or project that was lost.")
@click.option("--full", is_flag=True, help="Download everything, not only changes since the last collect.")
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Read a JSON export of another Label Studio instead.",
)
@verb
def cli(console: Console, batch: str | None, prune: bool, keeps: bool, full: bool, source: Path | None) -> Report:
    """Download annotations into annotations/<batch>/judgements.jsonl: what changed since the last collect.

    --from reads a JSON export of another Label Studio, Community or Enterprise. Its tasks are matched to the batch's
    articles by article_id, or else by equal text. Tasks without a match are listed.

    --keep goes on beside what was collected earlier, after a server or a project of it was lost. --prune accepts the loss.
    """
    return collect(
        find_project(console.folder), batch, prune=prune, keep=keeps, full=full, progress=console.progress,
        source=console.folder / source if source else None,
    )  # fmt: skip


def collect(
    project: Project,
    batch: str | None,
    *,
    prune: bool,
    keep: bool = False,
    full: bool = False,
    source: Path | None = None,
    progress: Notify = lambda _: None,
) -> Report:
    """Download annotations into the batch's judgements.jsonl, sorted and pseudonymous.

    Downloads only changes since the last time, or everything with `full`. With `source`, reads an export file.
    Annotations that are gone stop the command, unless `keep` keeps them or `prune` lets go of them.
    """
    if keep and prune:
        raise user_error("options", "--keep and --prune exclude each other", fix="pass one of them")
    with project.lock():
        name = batch_name(project, batch)
        path = project.annotations / name / "judgements.jsonl"
        with cache.open_cache(collected_path(project, name)) as db:
            if source:
                _read_file(project, name, db, source)
            else:
                _fetch(project, name, db, full, progress)
            before = read_judgements_of(project, name)
            _carry(db, before if keep else [], prune=prune)
            _refuse_loss(path, before, cache.keys(db), prune=prune)
            with atomic_write(path) as out:
                out.writelines(f"{line}\n".encode() for line in cache.judgements(db))
            aside = cache.set_aside(db, name)
            annotations, judged, drafts, _ = cache.counts(db)
            issues, people = cache.issues(db), len({who for _, who, *_ in cache.keys(db)})
            kept = len(cache.judgements_of(db, cache.KEPT))
        account = count_by_reason("collect", "annotations", annotations + drafts, judged, aside)
        project.save_account("collect", [account], aside)
    facts = {"judgements": f"{judged} of {people} annotators in {path}"}
    if kept:
        facts["kept"] = f"{kept} judgements that no server has any more"
    code = 1 if any(issue.severity == "error" for issue in issues) else 0
    return Report("collect", (account,), tuple(issues), facts, code, tuple(aside))


def _carry(db: "Store", wanted: Sequence[Judgement], *, prune: bool) -> None:
    """Keep the judgements that were kept before, and the `wanted` ones, unless a server has them again."""
    held = [] if prune else [*cache.judgements_of(db, cache.KEPT), *wanted]
    cache.keep(db, {_key(one): one for one in missing(held, cache.keys(db, besides=cache.KEPT))}.values())


def _fetch(project: Project, name: str, db: "Store", full: bool, progress: Notify) -> None:
    """Update the batch's local cache from each of its Label Studio projects."""
    key = project.pseudonym_key()
    past = Past(read_judgements_of(project, name), functools.partial(origin_name, key))
    # Pseudonyms made with another key, or judgements read by another version of the reader, are no use.
    stamp = f"{cache.PARSER_VERSION} {pseudonym(key, 'khabar')}"
    places: list[str] = []
    for server, connection in connections(project):
        for desk in _annotator_projects(project, name, server):
            site = ProjectRef(connection, project_mark(project, name, desk), functools.partial(_again, project, server))
            # With a server of their own, whoever logs in there is the annotator.
            named = functools.partial(_named, server) if server else functools.partial(pseudonym, key)
            places.append(
                update_cache(db, site, named, stamp=stamp, full=full, past=past, progress=progress)
            )  # fmt: skip
    cache.retain(db, places)


def _again(project: Project, server: str) -> Connection:
    return dict(connections(project))[server]


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


def _read_file(project: Project, name: str, db: "Store", source: Path) -> None:
    """Add the annotations of an export file to the batch's local cache."""
    key = project.pseudonym_key()
    articles = {article.id: article for article in batch_articles(project)}
    chosen = [item.article_id for item in read_batch(project, name)]
    own = {article_id: articles[article_id] for article_id in chosen if article_id in articles}
    plain = exports.parse(source.name, _content(source))
    found = exports.read(plain, own, project.schema.labels, name, lambda who: pseudonym(key, who))
    if not cache.source_names(db):
        fresh = {(j.article_id, j.annotator, j.annotation_id) for j in found.judgements}
        before = read_judgements_of(project, name)
        kept = [j for j in before if (j.article_id, j.annotator, j.annotation_id) not in fresh]
        cache.put_source(db, "before the file", ParsedAnnotations(tuple(kept)))
    cache.put_source(db, cache.FILES + source.name, found)


def _content(source: Path) -> bytes:
    try:
        return source.read_bytes()
    except OSError as error:
        raise user_error(
            "export", f"cannot be read: {error.strerror}", where=str(source), fix="name the file of an export"
        ) from None


def _key(judgement: Judgement) -> cache.Key:
    return judgement.article_id, judgement.annotator, judgement.annotation_id, judgement.origin


def missing(judgements: Iterable[Judgement], now: Collection[cache.Key]) -> list[Judgement]:
    """Return the judgements that are not among these keys. One of an earlier version of khabar has no origin."""
    bare = {key[:3] for key in now}
    return [j for j in judgements if _key(j) not in now and (j.origin or _key(j)[:3] not in bare)]


def _refuse_loss(path: Path, before: Sequence[Judgement], now: Collection[cache.Key], *, prune: bool) -> None:
    gone = missing(before, now)
    if gone and not prune:
        message = f"{len(gone)} of {len(before)} annotations in {path} are no longer on the server"
        fix = "check LABEL_STUDIO_URL; to go on beside them, run `khabar collect --keep`; to accept the deletion, run `khabar collect --prune`"
        raise user_error("would-lose", message, fix=fix, exit_code=1)
