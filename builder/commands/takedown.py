"""The command `takedown`: keep an article, or the work of an annotator, out of all later releases."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from builder.cli.output import Console
from builder.cli.road import project_of, road
from builder.io.jsonl import write_jsonl
from builder.project.annotations import (
    read_decisions,
    read_judgements,
    read_takedowns,
    read_withdrawals,
)
from builder.project.corpus import refuse_stale, select_rows
from builder.project.judgements import current_gold
from builder.project.project import Project
from builder.records import Article, Gold, Issue, Line, Report, Takedown, Withdrawal, mark_set, user_error


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
        work = f"{self.judgements} judgements and {self.decisions} decisions of {who}: {reason}"
        yield Line("withdrawn", work if self.is_new else f"none ({who} is already listed: {reason})")
        yield Line("gold", f"{self.changed} of {self.golds} articles change")
        yield Line("written to", str(self.path))
        yield Line("disputes", "`khabar adjudicate` lists what is disputed without them")
        yield Line("later releases", "leave them out; published versions still contain them")


@click.command("takedown")
@click.argument("name", metavar="[ID]", required=False)
@click.option("--annotator", metavar="PSEUDONYM", help="Keep the work of this annotator out instead of an article.")
@click.option("--reason", required=True, help="One line, printed in the dataset's changelog.")
@road
def cli(console: Console, name: str | None, annotator: str | None, reason: str) -> TakedownReport | WithdrawalReport:
    """Keep article ID, or all articles of document ID, out of every later release.

    With --annotator, keep the judgements and decisions of a person out who withdraws them. Gold is computed again, and
    each article whose gold changes is listed.
    """
    if bool(name) == bool(annotator):
        raise user_error("usage", "takedown takes an ID or --annotator", fix="pass one of the two")
    project = project_of(console)
    return withdraw(project, annotator, reason) if annotator else takedown(project, name or "", reason)


LONGEST = 300
"""Most characters of a reason. It is printed in the dataset's changelog."""


def takedown(project: Project, name: str, reason: str) -> TakedownReport:
    """Keep an article, or all articles of a document, out of every later release.

    Published versions stay as they are. Raises KhabarError (exit code 2) if the id is unknown, or if the reason is
    empty or has several lines.
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
        fresh = [Takedown(article, reason.strip()) for article in found if article not in known]
        known |= {entry.article_id: entry for entry in fresh}
        write_jsonl(path, [known[article] for article in sorted(known)])
    return TakedownReport("takedown", articles=tuple(entry.article_id for entry in fresh), path=path)


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
    return ", ".join(parts) or ("other votes" if old != new else "")
