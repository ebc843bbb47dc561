"""One function per verb between Label Studio and agreement: collect, check, watch; thin: read, stage, write."""

import functools
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from builder import servers, state
from builder.project import Project, read_jsonl, replacing
from builder.records import Issue, Judgement, Refused, Report, refuse, tally

if TYPE_CHECKING:
    from sqlite3 import Connection as Store

    from builder.annotation.studio import Connection

Progress = Callable[[str], None]


def collect(
    project: Project,
    batch: str | None,
    *,
    prune: bool,
    full: bool = False,
    source: Path | None = None,
    progress: Progress = lambda _: None,
) -> Report:
    """Fetch what annotators answered into the batch's judgements.jsonl, sorted and pseudonymous.

    Only what changed since the last time, or all with `full`; or, from a file, what was exported elsewhere.
    """
    from builder.annotation import store

    with project.lock():
        name = state.batch_name(project, batch)
        path = project.annotations / name / "judgements.jsonl"
        with store.opened(state.collected_path(project, name)) as db:
            if source:
                _read_file(project, name, db, source)
            else:
                _fetch(project, name, db, full, progress)
            before = {(j.article_id, j.annotator, j.annotation_id) for j in read_jsonl(path, Judgement)}
            _refuse_loss(path, before, store.keys(db), prune=prune)
            with replacing(path) as out:
                out.writelines(f"{line}\n".encode() for line in store.judgements(db))
            aside = store.set_aside(db, name)
            annotations, judged, drafts, _ = store.counts(db)
            issues, people = store.issues(db), len({who for _, who, _ in store.keys(db)})
        account = tally("collect", "annotations", annotations + drafts, judged, aside)
        project.save_account("collect", [account], aside)
    facts = {"judgements": f"{judged} of {people} annotators in {path}"}
    code = 1 if any(issue.severity == "error" for issue in issues) else 0
    return Report("collect", (account,), tuple(issues), facts, code, tuple(aside))


def _fetch(project: Project, name: str, db: "Store", full: bool, progress: Progress) -> None:
    """Bring a batch's store up to date with each of its Label Studio projects."""
    from builder.annotation import collecting, store, tasks

    key = project.pseudonym_key()
    # Pseudonyms made with another key, or judgements read by another version of the reader, are no use.
    stamp = f"{store.READER} {tasks.pseudonym(key, 'khabar')}"
    places: list[str] = []
    for server, connection in servers.connections(project):
        for desk in _desks(project, name, server):
            title = state.project_title(project, name, desk)
            site = collecting.Site(connection, title, functools.partial(_again, project, server))
            # With a server of their own, whoever logs in there is the annotator.
            named = functools.partial(_named, server) if server else functools.partial(tasks.pseudonym, key)
            places.append(collecting.gather(db, site, named, stamp=stamp, full=full, progress=progress))
    store.retain(db, places)


def _again(project: Project, server: str) -> "Connection":
    return dict(servers.connections(project))[server]


def _named(server: str, _: int | str) -> str:
    return server


def _desks(project: Project, name: str, server: str) -> list[str]:
    """The annotators who have a project of their own on a server; one empty name where all share it."""
    if project.schema.dataset.assignment == "pool":
        return [""]
    people = sorted({one.annotator for one in state.read_assigned(project, name)})
    if not people:
        message = f"batch {name} was not sent yet: nobody was assigned to its articles"
        raise refuse("no-project", message, fix="run `khabar send` first", exit_code=3)
    return [one for one in people if server in ("", one)]  # who was invited later has no project of this batch


def _read_file(project: Project, name: str, db: "Store", source: Path) -> None:
    """Bring what an export of another Label Studio says into a batch's store."""
    from builder.annotation import foreign, store, tasks
    from builder.annotation.reading import Collected

    key = project.pseudonym_key()
    articles = {article.id: article for article in state.sampled_articles(project)}
    chosen = [item.article_id for item in state.read_batch(project, name)]
    own = {article_id: articles[article_id] for article_id in chosen if article_id in articles}
    plain = foreign.parse(source.name, _content(source))
    found = foreign.read(plain, own, project.schema.labels, name, lambda who: tasks.pseudonym(key, who))
    if not store.places(db):
        fresh = {(j.article_id, j.annotator, j.annotation_id) for j in found.judgements}
        before = read_jsonl(project.annotations / name / "judgements.jsonl", Judgement)
        kept = [j for j in before if (j.article_id, j.annotator, j.annotation_id) not in fresh]
        store.keep_whole(db, "before the file", Collected(tuple(kept)))
    store.keep_whole(db, store.FILES + source.name, found)


def _content(source: Path) -> bytes:
    try:
        return source.read_bytes()
    except OSError as error:
        raise refuse(
            "export", f"cannot be read: {error.strerror}", where=str(source), fix="name the file of an export"
        ) from None


def _refuse_loss(path: Path, before: set[tuple[str, str, int]], now: set[tuple[str, str, int]], *, prune: bool) -> None:
    gone = before - now
    if gone and not prune:
        message = f"Label Studio no longer has {len(gone)} of the {len(before)} judgements in {path}"
        raise refuse("would-lose", message, fix="is this the right server? else `khabar collect --prune`", exit_code=1)


def check(project: Project) -> Report:
    """List every fault in the judgements; exit code 1 where one is an error."""
    from builder.annotation import check as checks
    from builder.annotation import crew, store

    articles = {article.id: article for article in state.sampled_articles(project)}
    judgements, _, _ = state.said_once(project, articles)
    labels, dataset = project.schema.labels, project.schema.dataset
    issues = checks.check(judgements, articles, labels, lambda one: _link(project, one))
    counting, _, _ = checks.canonicalise(judgements, articles, labels)
    issues += crew.paces(counting)
    for name in project.batches():
        items, assigned = state.read_batch(project, name), state.read_assigned(project, name)
        read = read_jsonl(project.annotations / name / "judgements.jsonl", Judgement)
        own, _, _ = checks.canonicalise(read, articles, labels)  # a later batch may repeat or replace them
        issues += crew.known_missed(own, state.read_known(project, name), articles, labels)
        issues += crew.coverage(name, own, items, assigned, dataset.overlap)
        path = state.collected_path(project, name)
        if path.exists():
            with store.opened(path) as db:
                issues += store.issues(db)
    errors = sum(issue.severity == "error" for issue in issues)
    facts = {"checked": f"{len(judgements)} judgements, {errors} errors, {len(issues) - errors} warnings"}
    return Report("check", (), tuple(issues), facts, exit_code=1 if errors else 0)


def _link(project: Project, judgement: Judgement) -> str:
    """The address of a judgement's task, or nothing where it came from a file."""
    place = state.place_of(project, judgement.batch, judgement.annotator) if judgement.task_id else {}
    return f"{place['url']}/projects/{place['project_id']}/data?task={judgement.task_id}" if place else ""


def watch(
    project: Project,
    *,
    seconds: float,
    show: Callable[[list[Issue]], None],
    progress: Progress,
    rounds: int | None = None,
) -> Report:
    """Collect and check again and again while people work, until every article has its annotators.

    Only faults that are new, and the number of those that were mended, are shown. `rounds` ends it sooner.
    """
    told: set[Issue] = set()
    done = 0
    while True:
        lost = _collect_all(project, progress)
        report = check(project)
        found = {_same(issue) for issue in (*lost, *report.issues)}
        fresh = [issue for issue in (*lost, *report.issues) if _same(issue) not in told]
        show(fresh)
        if mended := len(told - found):
            progress(f"{mended} faults mended; {report.facts['checked']}")
        elif fresh:
            progress(report.facts["checked"])
        told, done = found, done + 1
        waiting = any(issue.code == "too-few-annotators" for issue in report.issues)
        if not (waiting or lost) or done == rounds:
            return replace(report, issues=())
        time.sleep(seconds)


def _same(issue: Issue) -> Issue:
    """What tells a fault from another: of one that sums up many articles not the figures, which change all the time."""
    return issue if issue.article_id else replace(issue, message="")


def _collect_all(project: Project, progress: Progress) -> list[Issue]:
    """Collect every batch that was sent; what could not be collected is said, and tried again in the next round."""
    lost: list[Issue] = []
    for name in project.batches():
        try:
            collect(project, name, prune=False, progress=progress)
        except Refused as refused:
            lost += refused.issues
    return lost
