"""The command `adjudicate`: turn annotations into gold by votes and decisions."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from builder.annotation.adjudication.adjudicate import AdjudicationResult
from builder.annotation.adjudication.asked import new_pages, open_pages
from builder.annotation.adjudication.dawid_skene import DawidSkeneFit
from builder.annotation.adjudication.merging import closed_meanwhile, merge_decisions, merge_whole
from builder.annotation.adjudication.rulings import Rulebook, read_rulings
from builder.annotation.adjudication.whole_rulings import read_whole_rulings
from builder.annotation.pseudonyms import pseudonym
from builder.cli.consent import ask_first
from builder.cli.options import batch_option
from builder.cli.output import Console
from builder.cli.road import project_of, road
from builder.io.json_rows import write_table_lines
from builder.io.jsonl import write_jsonl
from builder.labelstudio import client
from builder.labelstudio.adjudication import SHOWN, page_task
from builder.labelstudio.api.connection import Connection
from builder.labelstudio.config import guide_html, render_ruling_config
from builder.labelstudio.download.persons import Past
from builder.labelstudio.download.sync import collect
from builder.labelstudio.parse import ParsedAnnotations
from builder.labelstudio.refresh.projects import Behind
from builder.labelstudio.tasks import task_of
from builder.labelstudio.upload import AnnotatorProject
from builder.project.annotations import asked_path, batch_name, read_asked, read_batch, read_decisions, read_merged
from builder.project.batches import batch_articles, batch_documents
from builder.project.judgements import canonical_judgements, compute_gold, load_batch_inputs, save_accounts
from builder.project.migration.findings import pending_warnings
from builder.project.migration.kept import read_versions
from builder.project.migration.running import bring_up_pages
from builder.project.migration.state import refuse_pending
from builder.project.project import Project
from builder.project.services import connect, note_sent, project_mark
from builder.project.stages import states
from builder.records import (
    Article,
    Decision,
    Dispute,
    Dropped,
    Gold,
    Issue,
    KhabarError,
    Line,
    Notify,
    Report,
    StageCounts,
    count_by_reason,
    counted,
    user_error,
)


@dataclass(frozen=True, slots=True)
class Rulings:
    """The decisions that adjudicators' rulings became, and their file.

    `overrules` counts the settled mentions that rulings changed, `accepted` those of them that count.
    """

    decisions: int
    adjudicators: int
    path: Path
    overrules: int
    accepted: int


@dataclass(frozen=True, slots=True)
class SentDisputes:
    """The batch whose disputes were sent, and where to adjudicate them; no address if there are none."""

    batch: str
    url: str = ""
    behind: tuple[Behind, ...] = ()
    """The adjudication project, if it was brought up to date with labels.yaml."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjudicateReport(Report):
    """The report of `adjudicate`: gold by its source, what is still in dispute, the model, and what went to and fro."""

    gold: dict[str, int]
    open_disputes: int
    model: DawidSkeneFit | None = None
    rulings: Rulings | None = None
    sent: SentDisputes | None = None

    def lines(self) -> Iterator[Line]:
        """Return the rulings, the gold, the model, and the place of the disputes."""
        if made := self.rulings:
            decisions = counted(made.decisions, "decision")
            yield Line("rulings", f"{decisions} of {counted(made.adjudicators, 'adjudicator')} in {made.path}")
            if made.overrules:
                changed = counted(made.overrules, "settled mention")
                yield Line("overrules", f"{changed} changed, {made.accepted} of them accepted")
        yield Line("gold", ", ".join(f"{number} {source}" for source, number in self.gold.items()) or "none")
        yield Line("open disputes", str(self.open_disputes))
        if self.model:
            yield from self.model.lines()
        if self.sent:
            if self.sent.behind:
                yield Line("changed", "; ".join(map(str, self.sent.behind)))
            yield Line("adjudicate at", self.sent.url or f"nothing of batch {self.sent.batch} is in dispute")


@dataclass(frozen=True, slots=True)
class _Collected:
    """The rulings that were collected: all decisions of the batch by its name, and the `fresh` ones on pages."""

    made: Rulings | None = None
    decisions: Mapping[str, Sequence[Decision]] = field(default_factory=dict)
    fresh: tuple[Decision, ...] = ()
    accounts: tuple[StageCounts, ...] = ()
    issues: tuple[Issue, ...] = ()
    set_aside: tuple[Dropped, ...] = ()


@dataclass(frozen=True, slots=True)
class _Sent:
    """The disputes that were sent, with their counts."""

    place: SentDisputes | None = None
    accounts: tuple[StageCounts, ...] = ()


PROJECT = "rulings"
"""Ending of the title of a batch's adjudication project."""

EARLIER_PROJECT = "disputes"
"""Ending of the title that earlier versions gave it. They asked for the whole article again."""


def adjudicate(
    project: Project, batch: str | None = None, *,
    send: bool = False, collect: bool = False, accept_overrules: bool = False, yes: bool = False,
    progress: Notify = lambda _: None,
) -> AdjudicateReport:  # fmt: skip
    """Compute gold from the judgements by majority vote. Ties become disputes.

    With `collect`, first turn the rulings of the batch's adjudication project into decisions; what they change of
    settled mentions counts only with `accept_overrules`. With `send`, then ask in that project what is still in dispute;
    `yes` agrees to bring its pages up to date after labels changed.
    """
    if accept_overrules and not collect:
        raise user_error("options", "--accept-overrules is for rulings", fix="pass it with --collect")
    with project.lock():
        if send:
            refuse_pending(project, "adjudicate --send")
        name = batch_name(project, batch) if send or collect else ""
        ruled = _collect_rulings(project, name, accept_overrules) if collect else _Collected()
        project = project.snapshot()
        loaded = load_batch_inputs(project)
        inputs = states.read_by(project, "adjudicate")
        canonical = canonical_judgements(loaded)
        save_accounts(project, canonical)
        result = compute_gold(loaded, read_decisions(project, ruled.decisions), canonical.table)
        more = pending_warnings(project)
        if ruled.fresh and not more:
            votes = compute_gold(loaded, (), canonical.table)
            pages = read_asked(project, name)
            golds, disputes = votes.records({page.article_id for page in pages})
            more = closed_meanwhile(ruled.fresh, pages, golds, disputes)
        write_table_lines(project.work / "gold.jsonl", result.golds, Gold)
        write_table_lines(project.work / "disputes.jsonl", result.disputes, Dispute)
        project.save_account("adjudicate", [result.account, result.spans])
        states.finish(project, "adjudicate", inputs)
        sent = _send_disputes(project, name, loaded.articles, result, progress, yes=yes) if send else _Sent()
    return AdjudicateReport(
        "adjudicate",
        (*ruled.accounts, *canonical.accounts, result.account, result.spans, *sent.accounts),
        (*ruled.issues, *more, *result.issues),
        exit_code=1 if any(issue.severity == "error" for issue in ruled.issues) else 0,
        set_aside=ruled.set_aside,
        gold=dict(sorted(Counter(result.golds["source"].to_pylist()).items())),
        open_disputes=result.disputes.num_rows,
        model=DawidSkeneFit.of(result.model) if result.model else None,
        rulings=ruled.made,
        sent=sent.place,
    )


def _send_disputes(
    project: Project, name: str, articles: Sequence[Article], result: AdjudicationResult, progress: Notify, *, yes: bool
) -> _Sent:
    """Ask the open disputes of a batch in its adjudication project: those that were not asked before on new pages."""
    items = {item.article_id: item for item in read_batch(project, name)}
    golds, mine = result.records(items)
    if not mine:
        return _Sent(SentDisputes(name))
    connection, schema = _adjudication_server(project), project.schema
    known = read_asked(project, name)
    pages = [*known, *new_pages(golds, mine, known, schema.labels)]
    pages.sort(key=lambda page: (page.article_id, page.text_sha, page.page))
    by_id = {article.id: article for article in articles}
    sources = {document.id: document.source for document in batch_documents(project)}
    guide = guide_html(schema.guidelines, schema.guideline_version)
    payload = [
        page_task(task_of(a, items[a.id], schema, sources[a.document_id], guide), page, schema.labels)
        for page in open_pages(pages, mine, by_id)
        for a in [by_id[page.article_id]]
    ]
    desk = AnnotatorProject(connection, project_mark(project, name, PROJECT))
    behind = bring_up_pages(project, desk, pages, progress, yes=yes)
    write_jsonl(asked_path(project, name), pages)  # before sending: a ruling counts only for what was asked
    sent = client.send(connection, desk.wanted,
                       render_ruling_config(schema.labels), payload, overlap=1, progress=progress)  # fmt: skip
    note_sent(project, name, PROJECT, sent)
    client.show_predictions(connection, sent.project_id, SHOWN, instead=True)
    account = StageCounts("disputes", "pages", len(payload), sent.created,
                          {"already there": sent.present} if sent.present else {})  # fmt: skip
    return _Sent(SentDisputes(name, f"{sent.url}/projects/{sent.project_id}/data", behind), (account,))


def _adjudication_server(project: Project) -> Connection:
    """Connect to the Label Studio for adjudication: the project's own, never an annotator's."""
    try:
        return connect(project)
    except KhabarError as refused:
        if refused.issues[0].code != "studio-down" or project.schema.dataset.assignment != "isolated":
            raise
        message = "with assignment: isolated each annotator has a Label Studio, but adjudicators have none"
        fix = "for this command, set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY to one that you run"
        raise user_error("isolated", message, exit_code=3, fix=fix) from None


def _collect_rulings(project: Project, name: str, accepts: bool) -> _Collected:
    """Turn what was submitted in the batch's adjudication project into decisions."""
    pages = read_asked(project, name)
    whole = read_merged(project, project.annotations / name / "disputed.jsonl", Dispute)
    if not pages and not whole:
        message, fix = f"no dispute of batch {name} was sent to an adjudicator", "run `khabar adjudicate --send` first"
        raise user_error("nothing-asked", message, where=str(asked_path(project, name)), fix=fix)
    path = project.annotations / name / "decisions.jsonl"
    before = read_merged(project, path, Decision)
    old = _rulings(project, name, EARLIER_PROJECT) if whole else ParsedAnnotations()
    done = read_whole_rulings(old.judgements, whole)
    new = _rulings(project, name, PROJECT) if pages else ParsedAnnotations()
    articles = {article.id: article for article in batch_articles(project)}
    by_key = {(page.article_id, page.text_sha, page.page): page for page in pages}
    read = read_rulings(new.judgements, Rulebook(by_key, articles, project.schema.labels, before, accepts))
    every = merge_decisions(merge_whole(before, done.decisions), read.decisions, pages)
    write_jsonl(path, every)
    decisions, aside = (*done.decisions, *read.decisions), (*done.set_aside, *read.set_aside)
    rulings = len(old.judgements) + len(new.judgements)
    return _Collected(
        Rulings(len(decisions), len({one.adjudicator for one in decisions}), path, read.overrules, read.accepted),
        {name: every},
        read.decisions,
        (count_by_reason("rulings", "rulings", rulings, rulings - len(aside), aside),),
        (*old.issues, *new.issues, *done.issues, *read.issues),
        aside,
    )


def _rulings(project: Project, name: str, desk: str) -> ParsedAnnotations:
    """Download what was submitted in an adjudication project of a batch."""
    key = project.pseudonym_key()
    mark, past = project_mark(project, name, desk), Past(versions=read_versions(project))
    return collect(_adjudication_server(project), mark, lambda who: pseudonym(key, who), past=past)


@click.command("adjudicate")
@batch_option
@click.option("--send", "sends", is_flag=True, help="Upload articles with open disputes to an adjudication project.")
@click.option("--collect", "collects", is_flag=True, help="First download the rulings into decisions.jsonl.")
@click.option(
    "--accept-overrules",
    "accepts",
    is_flag=True,
    help="With --collect: let what rulings change of settled mentions count, too.",
)
@click.option("--yes", is_flag=True,
              help="With --send: agree to changes of pages that were sent, after labels changed.")  # fmt: skip
@road
def cli(console: Console, batch: str | None, sends: bool, collects: bool, accepts: bool, yes: bool) -> AdjudicateReport:
    """Turn annotations into gold by majority vote; ties are disputes until a decision settles them.

    --send asks each dispute in a separate Label Studio project: the passage or target, who said what, and the choices,
    beside the article with its settled mentions. Use it when the annotators have finished, because they would see it
    too. --collect writes the adjudicators' rulings to annotations/<batch>/decisions.jsonl; lines written there by hand
    are kept. A ruling counts only for what was in dispute. Each settled mention that it changes is listed, and counts
    only with --accept-overrules.

    After `schema migrate`, --send brings pages that were sent up to date, with rulings and drafts. What would change is
    shown first, and nothing changes without a yes.
    """

    def run(agreed: bool) -> AdjudicateReport:
        return adjudicate(project_of(console), batch, send=sends, collect=collects, accept_overrules=accepts,
                          yes=agreed, progress=console.progress)  # fmt: skip

    return ask_first(run, agreed=yes)
