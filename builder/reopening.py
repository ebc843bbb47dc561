"""The verb reopen: a published version becomes a batch again, with every answer and the gold as predictions."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from builder import crawl, grouping, servers, state
from builder.project import Project, write_jsonl
from builder.records import GOLD, Answer, Article, BatchItem, Document, Issue, Refused, Report, SetAside, refuse, tally

if TYPE_CHECKING:
    from builder.release.answers import Answers, Page


def reopen(
    project: Project, name: str, *, base: Path, only_disputed: bool = False, batch: str | None = None
) -> Report:  # fmt: skip
    """Make a batch of the articles of a release, and of its answers the predictions that `send` takes along.

    `name` is a version, a folder below `base`, or a revision on the Hub (opening.where). A batch that is there stays
    as it is. Raises Refused: 1 the release is damaged, 2 an article is not in this project, has another text that
    cannot be compared, or the batch is there with other content, 3 trouble with the Hub.
    """
    from builder.annotation import reopened

    if batch is not None and not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,30}", batch):
        raise refuse(
            "batch", f"{batch!r} is not a batch name: a-z, 0-9, '-' and '_', at most 31", fix="such as again-1"
        )
    with project.lock():
        version, found = _read(project, name, base)
        state.refuse_stale(project)
        articles = {one.id: one for one in crawl.where(project, "articles", Article, "id", [*found.pages])}
        gone = state.taken_down(project)
        wanted = reopened.disputed(found.answers, found.unsettled) if only_disputed else {*found.pages}
        chosen = sorted(wanted - gone)
        _refuse_empty(name, chosen, only_disputed=only_disputed)
        others = _other_texts(chosen, found.pages, articles)
        placed = reopened.place((one for one in found.answers if one.article_id in {*chosen}), articles, others)
        kind = "disputed" if only_disputed else "reopen"
        batch = batch or f"{kind}-{version.replace('.', '-')}"
        fresh = _write(project, batch, [articles[article] for article in chosen], placed.answers)
        aside = [SetAside("reopen", article, "taken down" if article in gone else "not in dispute")
                 for article in sorted({*found.pages} - {*chosen})]  # fmt: skip
        accounts = (
            tally("reopen", "articles", len(found.pages), len(chosen), aside),
            tally("reopen", "spans", placed.taken, placed.taken - len(placed.set_aside), placed.set_aside),
        )
        project.save_account("reopen", accounts, [*aside, *placed.set_aside])
    people = len({one.who for one in placed.answers} - {GOLD})
    facts = {
        "batch": f"{batch}: {len(chosen)} articles of version {version}{'' if fresh else ', as it was before'}",
        "predictions": f"{len(placed.answers)}, of {people} annotators and the gold",
        "next": f"`khabar send --batch {batch}`",
    }
    if others:
        facts["other texts"] = f"{len(others)} articles: spans whose words did not change were moved with them"
    return Report("reopen", accounts, facts=facts, set_aside=(*aside, *placed.set_aside))


def _read(project: Project, name: str, base: Path) -> tuple[str, "Answers"]:
    from builder.release import opening
    from builder.release.answers import read_answers

    place = opening.where(name, project, base)
    with servers.hub(project, rehearse=False) as hub, opening.opened(place, *hub) as release:
        try:
            return release.side.about.version, read_answers(release.side)
        except (KeyError, IndexError, TypeError) as error:
            raise refuse("release", f"its tables are not those of a release that khabar builds now: {error}",
                         where=name, fix="name a release with the configs entities, annotations and articles") from None  # fmt: skip


def _refuse_empty(name: str, chosen: Sequence[str], *, only_disputed: bool) -> None:
    if not chosen:
        message = "no article of it is or was in dispute" if only_disputed else "it has no article to reopen"
        raise refuse("nothing-to-reopen", message, where=name, fix="leave --disputed out, or name another release")


def _other_texts(chosen: Sequence[str], pages: Mapping[str, "Page"], articles: Mapping[str, Article]) -> dict[str, str]:
    """The published texts of articles that have another text here; raises Refused with each that cannot be placed."""
    issues: list[Issue] = []
    texts: dict[str, str] = {}
    for article_id in chosen:
        page, article = pages[article_id], articles.get(article_id)
        if article is None:
            message = f"its page is not in this project{f' ({page.origin})' if page.origin else ''}"
            fix = "run `khabar ingest` with the file that it came from, then `khabar clean`"
            issues.append(Issue("error", "no-article", message, article_id, fix))
        elif article.text_sha != page.text_sha and page.text is None:
            message = f"its text is another one here, and the release holds no text: {page.text_sha} was published"
            fix = "run `khabar clean` with the profile and the rules that the release was made with"
            issues.append(Issue("error", "stale-text", message, article_id, fix))
        elif article.text_sha != page.text_sha:
            texts[article_id] = page.text or ""
    if issues:
        raise Refused(*issues)
    return texts


def _write(project: Project, batch: str, articles: Sequence[Article], answers: Sequence[Answer]) -> bool:
    """Write a batch and what was said of it, the batch last; False where both are there already."""
    from builder.annotation import reopened

    folder = project.annotations / batch
    if (folder / "batch.jsonl").exists():
        there = {(one.article_id, one.text_sha) for one in state.read_batch(project, batch)}
        same = there == {(article.id, article.text_sha) for article in articles}
        if not same or state.read_published(project, batch) != [*answers]:
            raise refuse("batch", f"batch {batch} is there, and holds something else", where=str(folder),
                         fix="give this one another name with --batch")  # fmt: skip
        return False
    group_of = {one.article_id: one.group_id for one in grouping.groups_of(project, {one.id for one in articles})}
    pages = {article.document_id for article in articles}
    sources = {one.id: one.source for one in crawl.where(project, "documents", Document, "id", pages)}
    items = [
        BatchItem(batch, article.id, article.text_sha, group_of[article.id], sources[article.document_id])
        for article in articles
    ]
    write_jsonl(state.published_path(project, batch), answers)
    if project.schema.dataset.assignment != "pool":
        people = {one.annotator for one in state.read_judgements(project)}
        write_jsonl(folder / "assignment.jsonl", reopened.assigned(batch, answers, people))
    write_jsonl(folder / "batch.jsonl", items)
    return True
