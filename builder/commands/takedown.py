"""The command `takedown`: keep an article, or the work of an annotator, out of all later releases."""

import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from builder.cli.output import Console
from builder.cli.road import project_of, road
from builder.io.jsonl import write_jsonl
from builder.project import groups
from builder.project.annotations import (
    read_batch,
    read_decisions,
    read_judgements,
    read_takedowns,
    read_withdrawals,
)
from builder.project.corpus import refuse_stale, select_rows
from builder.project.judgements import current_gold
from builder.project.project import Project
from builder.project.stages.states import was_sent
from builder.records import (
    Article,
    Gold,
    Group,
    Issue,
    Line,
    Report,
    Takedown,
    Withdrawal,
    counted,
    mark_set,
    user_error,
)
from builder.text.invisible import show_on_one_line


@dataclass(frozen=True, slots=True, kw_only=True)
class TakedownReport(Report):
    """The report of `takedown ID`: the articles that were not listed before, and the file that lists them."""

    articles: tuple[str, ...]
    path: Path

    def lines(self) -> Iterator[Line]:
        """Return the articles, and what becomes of them."""
        yield Line("taken down", ", ".join(self.articles) or "none (already listed)")
        yield Line("written to", str(self.path))
        yield Line("later releases", "leave it out; published versions still contain it")


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalReport(Report):
    """The report of `takedown --annotator`: the person's work, and how many articles' gold changes of those that have gold."""

    entry: Withdrawal
    is_new: bool
    judgements: int
    decisions: int
    changed: int
    golds: int
    path: Path

    def lines(self) -> Iterator[Line]:
        """Return what was withdrawn, and what becomes of the gold."""
        who, reason = self.entry.annotator, self.entry.reason
        work = f"{counted(self.judgements, 'judgement')} and {counted(self.decisions, 'decision')} of {who}: {reason}"
        yield Line("withdrawn", work if self.is_new else f"none ({who} is already listed: {reason})")
        yield Line("gold", f"{self.changed} of {self.golds} articles change")
        yield Line("written to", str(self.path))
        yield Line("disputes", "`khabar adjudicate` lists what is disputed without them")
        yield Line("later releases", "leave them out; published versions still contain them")


@click.command("takedown")
@click.argument("name", metavar="[ID]", required=False)
@click.option("--annotator", metavar="PSEUDONYM", help="Keep the work of this annotator out instead of an article.")
@click.option("--reason", required=True, help="One line, printed in the dataset's changelog.")
@click.option("--copies", is_flag=True, help="Take down the other articles of its group too, without asking.")
@road
def cli(
    console: Console, name: str | None, annotator: str | None, reason: str, copies: bool
) -> TakedownReport | WithdrawalReport:
    """Keep article ID, or all articles of document ID, out of every later release.

    Copies of the article and reports of the same event share its group. They are listed, and on a terminal the command
    asks whether to take them down too.

    With --annotator, keep the judgements and decisions of a person out who withdraws them. Gold is computed again, and
    each article whose gold changes is listed.
    """
    if bool(name) == bool(annotator):
        raise user_error("usage", "takedown takes an ID or --annotator", fix="pass one of the two")
    project = project_of(console)
    if annotator:
        return withdraw(project, annotator, reason)
    return takedown(project, name or "", reason, ask=(lambda _: True) if copies else _ask)


def _ask(others: Sequence[Article]) -> bool:
    """List the other articles of a group on a terminal, and ask whether to take them down too."""
    if not sys.stdin.isatty():
        return False
    for article in others:
        click.echo(f"{article.id}  {show_on_one_line(article.title or '')}", err=True)
    question = f"Its group has {len(others)} more {'article' if len(others) == 1 else 'articles'}. Take down too?"
    return click.confirm(question, err=True)


LONGEST = 300
"""Most characters of a reason. It is printed in the dataset's changelog."""


def takedown(
    project: Project, name: str, reason: str, *, ask: Callable[[Sequence[Article]], bool] = lambda _: False
) -> TakedownReport:
    """Keep an article, or all articles of a document, out of every later release.

    `ask` is given the other articles of their groups, and returns whether they are taken down too. Published versions
    stay as they are. Raises KhabarError (exit code 2) if the id is unknown, or if the reason is empty or has several
    lines.
    """
    _check_reason(reason)
    with project.lock():
        refuse_stale(project)
        found = sorted({article.id for column in ("id", "document_id")
                        for article in select_rows(project, "articles", Article, column, [name])})  # fmt: skip
        if not found:
            raise user_error(
                "no-article",
                f"no article or document has the id {name!r}",
                fix="give the whole id, as the release's `id` column has it",
            )
        path = project.annotations / "takedowns.jsonl"
        known = {entry.article_id: entry for entry in read_takedowns(project)}
        others = _others_of_groups(project, {*found, *known}, found)
        if others and ask(others):
            found, others = sorted({*found, *(article.id for article in others)}), []
        fresh = [Takedown(article, reason.strip()) for article in found if article not in known]
        known |= {entry.article_id: entry for entry in fresh}
        write_jsonl(path, [known[article] for article in sorted(known)])
        issues = [*_copies_left(others), *_tasks_left(project, {entry.article_id for entry in fresh})]
    articles = tuple(entry.article_id for entry in fresh)
    return TakedownReport("takedown", issues=tuple(issues), articles=articles, path=path)


def _others_of_groups(project: Project, known: Collection[str], articles: Sequence[str]) -> list[Article]:
    """Return the articles that share a group with some articles and are not among the `known` ones, sorted by id."""
    named = {group.group_id for group in groups.groups_for(project, articles)}
    members = {group.article_id for group in select_rows(project, "groups", Group, "group_id", named)} - {*known}
    return sorted(select_rows(project, "articles", Article, "id", members), key=lambda article: article.id)


def _copies_left(others: Sequence[Article]) -> Iterator[Issue]:
    """Yield a warning for each article of the groups that later releases may still hold."""
    for article in others:
        title = f": {article.title}" if article.title else ""
        yield Issue("warning", "copy", f"an article of the same group stays{title}", article_id=article.id,
                    fix=f"khabar takedown {article.id}, or run the command again with --copies")  # fmt: skip


def _tasks_left(project: Project, articles: Collection[str]) -> Iterator[Issue]:
    """Yield a warning for each batch that was sent with articles that are taken down now."""
    for batch in project.batches():
        sent = sorted({item.article_id for item in read_batch(project, batch)} & {*articles})
        if sent and was_sent(project, batch):
            message = f"the tasks of {len(sent)} of these articles stay in Label Studio, such as {sent[0]}"
            yield Issue("warning", "task-left", message, where=f"batch {batch}", fix="delete the tasks there")


def _check_reason(reason: str) -> None:
    if not (reason.isprintable() and reason.strip() and len(reason) <= LONGEST):
        raise user_error(
            "reason",
            f"--reason takes one line of at most {LONGEST} characters",
            fix='such as --reason "asked for by the publisher"',
        )


def withdraw(project: Project, annotator: str, reason: str) -> WithdrawalReport:
    """Keep the judgements and decisions of an annotator out of every later release, and list the gold that changes.

    They stay in annotations/, and published versions stay as they are. Raises KhabarError (exit code 2) if nobody has
    the pseudonym, or if the reason is empty or has several lines.
    """
    _check_reason(reason)
    with project.lock():
        known = {entry.annotator: entry for entry in read_withdrawals(project)}
        judged = [one.article_id for one in read_judgements(project) if one.annotator == annotator]
        decided = [one.article_id for one in read_decisions(project) if one.adjudicator == annotator]
        if not judged and not decided and annotator not in known:
            raise user_error(
                "no-annotator",
                f"no annotation of this project is of {annotator!r}",
                fix="give the whole pseudonym, as the `annotator` field of annotations/*/judgements.jsonl has it",
            )
        before = current_gold(project)
        is_new = annotator not in known
        entry = known.setdefault(annotator, Withdrawal(annotator, reason.strip()))
        path = project.annotations / "withdrawals.jsonl"
        write_jsonl(path, [known[who] for who in sorted(known)])
        issues = _gold_changes(before, current_gold(project))
    return WithdrawalReport(
        "takedown", issues=tuple(issues), entry=entry, is_new=is_new, judgements=len(judged), decisions=len(decided),
        changed=len(issues), golds=len(before), path=path,
    )  # fmt: skip


def _gold_changes(before: Mapping[str, Gold], after: Mapping[str, Gold]) -> list[Issue]:
    """Return a warning for each article whose gold is another one, with what changes."""
    issues = []
    for article_id in sorted({*before, *after}):
        old, new = before.get(article_id), after.get(article_id)
        what = "no gold is left" if new is None else _difference(old, new) if old else "it has gold now"
        if what:
            issues.append(Issue("warning", "gold-changed", what, article_id=article_id))
    return issues


def _difference(old: Gold, new: Gold) -> str:
    """Return what changes from one gold of an article to another, or an empty string."""
    lost, found = mark_set(old.spans) - mark_set(new.spans), mark_set(new.spans) - mark_set(old.spans)
    parts = [
        f"{len(marks)} {'span' if len(marks) == 1 else 'spans'} {how}"
        for marks, how in ((lost, "fewer"), (found, "more"))
        if marks
    ]
    given = {stance.target: stance.value for stance in old.stances}
    now = {stance.target: stance.value for stance in new.stances}
    parts += [
        f"{target}: {given.get(target, 'none')} -> {now.get(target, 'none')}"
        for target in sorted({*given, *now})
        if given.get(target) != now.get(target)
    ]
    for question in sorted({answer.question for answer in (*old.answers, *new.answers)}):
        before, after = (
            "+".join(answer.value for answer in gold.answers if answer.question == question) for gold in (old, new)
        )
        parts += [f"{question}: {before or 'none'} -> {after or 'none'}"] if before != after else []
    return ", ".join(parts) or ("other votes" if old != new else "")
