"""The command `schema migrate`: bring annotations to the names of labels.yaml."""

from collections.abc import Iterator
from dataclasses import dataclass

import click

from builder.annotation.migration.plan import Step
from builder.annotation.migration.rename import DIFFER, TWICE
from builder.cli.output import Console
from builder.cli.road import project_of, road
from builder.io.jsonl import write_jsonl
from builder.project.annotations import check_batch_name, read_batch, read_merged
from builder.project.cleaning import keep_basis
from builder.project.migration import apply
from builder.project.migration.state import say
from builder.project.project import Project
from builder.records import BatchItem, Line, Report, Requeued, StageCounts, user_error


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrateReport(Report):
    """The report of `schema migrate`: the steps, and what was rewritten, or would be in a dry run."""

    steps: tuple[Step, ...]
    rewritten: int
    """Number of lines."""
    files: int
    again: int
    """Number of articles that are queued again, because answers that are one now differ."""
    was_sent: bool
    dry_run: bool

    def lines(self) -> Iterator[Line]:
        """Return the steps, what was rewritten, and what to do next."""
        if not self.steps:
            yield Line("steps", "none: annotations have the names of labels.yaml")
            return
        yield Line("steps", "\n".join(map(say, self.steps)))
        yield Line("rewritten", f"{'would be ' * self.dry_run}{self.rewritten:,} lines in {self.files} files")
        if self.again:
            yield Line("queued again", f"{self.again} articles: {DIFFER}")
        if not self.dry_run:
            yield Line("undo", "khabar schema migrate --undo")
            if self.was_sent:
                yield Line("on the server", "the next `khabar send` shows what it changes there, and asks")


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoneReport(Report):
    """The report of `schema migrate --undo`: the files that are as they were."""

    files: tuple[str, ...]

    def lines(self) -> Iterator[Line]:
        """Return what was undone."""
        yield Line("undone", "annotations are as they were before the last migration")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgainReport(Report):
    """The report of `schema migrate --again`: the batch of the articles to be annotated again."""

    batch: str
    articles: int

    def lines(self) -> Iterator[Line]:
        """Return the batch, and how to go on."""
        yield Line("batch", f"{self.batch}: {self.articles} articles; run `khabar send --batch {self.batch}`")


def migrate(project: Project, *, dry_run: bool = False) -> MigrateReport:
    """Rewrite all annotations to the names of labels.yaml. A kill leaves all files as they were, or all as they become.

    Raises KhabarError (exit code 2) with every fault of `formerly` and `retired`.
    """
    made = apply.migrate(project, dry_run=dry_run)
    done = made.rewritten
    moved = sum(step.used for step in made.steps if step.layer == "entities" and step.kind in ("rename", "merge"))
    aside = {TWICE: len(done.aside)} if done.aside else {}
    account = StageCounts("migrate", "spans with another name", moved, moved - len(done.aside), aside)
    return MigrateReport(
        "schema migrate", (account,) if made.steps else (), set_aside=tuple(done.aside), steps=made.steps,
        rewritten=done.lines, files=made.files, again=len(done.counts),
        was_sent=(project.work / "notes" / "sent").exists(), dry_run=dry_run,
    )  # fmt: skip


def undo(project: Project) -> UndoneReport:
    """Give annotations and caches back what they had before the last migration, byte for byte.

    Raises KhabarError (exit code 1) if files changed since, as that would be lost.
    """
    return UndoneReport("schema migrate", files=apply.undo(project))


def annotate_again(project: Project, batch: str) -> AgainReport:
    """Make a batch of the marked articles, which are then no longer marked. Answers in it replace earlier ones.

    Raises KhabarError (exit code 2) if no article is marked, or the batch exists with other articles.
    """
    check_batch_name(batch, "again-1")
    with project.lock():
        path = project.annotations / "requeue.jsonl"
        marked = {one.article_id for one in read_merged(project, path, Requeued)}
        if not marked:
            raise user_error("requeue", "no article is marked to be annotated again", fix="run `khabar schema migrate`")
        known = {item.article_id: item for name in project.batches() for item in read_batch(project, name)}
        items = [BatchItem(batch, i.article_id, i.text_sha, i.group_id, i.source) for i in known.values() if i.article_id in marked]  # fmt: skip
        if batch in project.batches() and {i.article_id for i in read_batch(project, batch)} != marked:
            fix = "choose another name"
            raise user_error("batch", f"batch {batch} already exists with other articles", where=str(path), fix=fix)
        keep_basis(project, batch, items)
        write_jsonl(project.annotations / batch / "batch.jsonl", items)
        path.unlink()
    return AgainReport("schema migrate", batch=batch, articles=len(items))


@click.command("migrate")
@click.option("--dry-run", is_flag=True, help="Only print the steps, and what would be rewritten.")
@click.option("--undo", "back", is_flag=True, help="Take the last migration of this machine back, byte for byte.")
@click.option("--again", metavar="BATCH", help="Make a batch of the articles that are marked to be annotated again.")
@road
def cli(console: Console, dry_run: bool, back: bool, again: str | None) -> MigrateReport | UndoneReport | AgainReport:
    """Bring annotations to the names of labels.yaml: rename, merge, retire and add labels, targets and stances.

    `formerly: [OLD]` at a label renames OLD to it, or merges both; `retired: true` no longer offers it, and its
    annotations no longer count. Two labels that are formerly a retired one split it: its articles are marked in
    annotations/requeue.jsonl, as are those of a label whose definition changed. Judgements, decisions, known answers,
    published annotations and disputes are rewritten, all or none. No server is needed: the next `khabar send` shows what
    it changes there, and asks. Until then `build` and `send` refuse to run.
    """
    if dry_run + back + (again is not None) > 1:
        raise click.UsageError("--dry-run, --undo and --again exclude each other")
    project = project_of(console)
    if again is not None:
        return annotate_again(project, again)
    return undo(project) if back else migrate(project, dry_run=dry_run)
