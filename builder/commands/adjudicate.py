"""The command `adjudicate`: turn annotations into gold by votes and decisions."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from builder.annotation.adjudication.adjudicate import AdjudicationResult
from builder.annotation.pseudonyms import pseudonym
from builder.cli.options import batch_option
from builder.cli.output import Console
from builder.cli.road import project_of, road
from builder.io.jsonl import write_jsonl
from builder.labelstudio import adjudication, client
from builder.labelstudio.api.connection import Connection
from builder.labelstudio.config import guide_html, render_config
from builder.labelstudio.download.sync import collect
from builder.labelstudio.tasks import task_of
from builder.project.annotations import batch_name, read_batch, read_decisions, read_merged
from builder.project.batches import batch_documents
from builder.project.judgements import canonical_judgements, compute_gold, load_batch_inputs, save_accounts
from builder.project.project import Project
from builder.project.services import connect, note_sent, project_mark
from builder.project.stages import states
from builder.records import (
    Article,
    Decision,
    Dispute,
    Dropped,
    Issue,
    Judgement,
    KhabarError,
    Line,
    Notify,
    Report,
    StageCounts,
    count_by_reason,
    user_error,
)
from builder.records.arrow import records_of


@dataclass(frozen=True, slots=True)
class Rulings:
    """The decisions that adjudicators' rulings became, and their file."""

    decisions: int
    adjudicators: int
    path: Path


@dataclass(frozen=True, slots=True)
class DawidSkeneFit:
    """How the model of stances ended, and how often each annotator is right by it."""

    questions: int
    converged: bool
    rounds: int
    accuracy: dict[str, float]

    def lines(self) -> Iterator[Line]:
        """Return how it ended, and a line for each annotator."""
        ended = "converged" if self.converged else "did not converge"
        yield Line("Dawid-Skene", f"{self.questions} questions, {ended} after {self.rounds} rounds")
        for who, share in self.accuracy.items():
            yield Line(f"  {who} is right", f"{share:.1%}")


@dataclass(frozen=True, slots=True)
class SentDisputes:
    """The batch whose disputes were sent, and where to adjudicate them; no address if there are none."""

    batch: str
    url: str = ""


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
        if self.rulings:
            made = self.rulings
            yield Line("rulings", f"{made.decisions} of {made.adjudicators} adjudicators in {made.path}")
        yield Line("gold", ", ".join(f"{number} {source}" for source, number in self.gold.items()) or "none")
        yield Line("open disputes", str(self.open_disputes))
        if self.model:
            yield from self.model.lines()
        if self.sent:
            yield Line("adjudicate at", self.sent.url or f"nothing of batch {self.sent.batch} is in dispute")


@dataclass(frozen=True, slots=True)
class _Collected:
    """The rulings that were collected, with their counts and issues."""

    made: Rulings | None = None
    accounts: tuple[StageCounts, ...] = ()
    issues: tuple[Issue, ...] = ()
    set_aside: tuple[Dropped, ...] = ()


@dataclass(frozen=True, slots=True)
class _Sent:
    """The disputes that were sent, with their counts."""

    place: SentDisputes | None = None
    accounts: tuple[StageCounts, ...] = ()


def adjudicate(
    project: Project, batch: str | None = None, *,
    send: bool = False, collect: bool = False, progress: Notify = lambda _: None,
) -> AdjudicateReport:  # fmt: skip
    """Compute gold from the judgements by majority vote. Ties become disputes.

    With `collect`, first turn the rulings of the batch's adjudication project into decisions. With `send`, then
    upload the articles that still have open disputes to that project.
    """
    with project.lock():
        name = batch_name(project, batch) if send or collect else ""
        ruled = _collect_rulings(project, name) if collect else _Collected()
        project = project.snapshot()
        loaded = load_batch_inputs(project)
        inputs = states.read_by(project, "adjudicate")
        canonical = canonical_judgements(loaded)
        save_accounts(project, canonical)
        result = compute_gold(loaded, read_decisions(project), canonical.table)
        write_jsonl(project.work / "gold.jsonl", result.golds)
        write_jsonl(project.work / "disputes.jsonl", result.disputes)
        project.save_account("adjudicate", [result.account, result.spans])
        states.finish(project, "adjudicate", inputs)
        sent = _Sent()
        if send:
            said = records_of(canonical.table, Judgement)
            sent = _send_disputes(project, name, loaded.articles, said, result.disputes, progress)
    sources = Counter(gold.source for gold in result.golds)
    return AdjudicateReport(
        "adjudicate",
        (*ruled.accounts, *canonical.accounts, result.account, result.spans, *sent.accounts),
        (*ruled.issues, *result.issues),
        exit_code=1 if any(issue.severity == "error" for issue in ruled.issues) else 0,
        set_aside=ruled.set_aside,
        gold=dict(sorted(sources.items())),
        open_disputes=len(result.disputes),
        model=_fit(result),
        rulings=ruled.made,
        sent=sent.place,
    )


def _fit(result: AdjudicationResult) -> DawidSkeneFit | None:
    """Return what the Dawid-Skene model estimates of each annotator, if stances were settled by one."""
    model = result.model
    if model is None:
        return None
    accuracy = {who: model.accuracy(who) for who in sorted(model.confusion)}
    return DawidSkeneFit(len(model.posterior), model.converged, model.rounds, accuracy)


def _send_disputes(
    project: Project, name: str, articles: Sequence[Article], judgements: Sequence[Judgement],
    disputes: Sequence[Dispute], progress: Notify,
) -> _Sent:  # fmt: skip
    """Upload the disputed articles of a batch to its adjudication project, with each annotator's version."""
    schema, by_id = project.schema, {article.id: article for article in articles}
    disputed = {dispute.article_id for dispute in disputes}
    items = [item for item in read_batch(project, name) if item.article_id in disputed]
    if not items:
        return _Sent(SentDisputes(name))
    connection, mine = _adjudication_server(project), {item.article_id for item in items}
    sources = {document.id: document.source for document in batch_documents(project)}
    guide = guide_html(schema.guidelines, schema.guideline_version)
    payload = [
        adjudication.with_versions(task_of(a, item, schema, sources[a.document_id], guide), judgements)
        for item in items
        for a in [by_id[item.article_id]]
    ]
    path = project.annotations / name / "disputed.jsonl"
    asked = adjudication.merge_disputes(
        read_merged(project, path, Dispute), [d for d in disputes if d.article_id in mine]
    )
    write_jsonl(path, asked)  # before sending: a ruling counts only for what was asked
    sent = client.send(connection, project_mark(project, name, "disputes"),
                       render_config(schema.labels), payload, overlap=1, progress=progress)  # fmt: skip
    note_sent(project, name, "disputes", sent)
    account = StageCounts("disputes", "articles", len(items), sent.created,
                      {"already there": sent.present} if sent.present else {})  # fmt: skip
    return _Sent(SentDisputes(name, f"{sent.url}/projects/{sent.project_id}/data"), (account,))


def _adjudication_server(project: Project) -> Connection:
    """Connect to the Label Studio for adjudication: the project's own, never an annotator's."""
    try:
        return connect(project)
    except KhabarError as refused:
        if refused.issues[0].code != "studio-down" or project.schema.dataset.assignment != "isolated":
            raise
        message = "with assignment: isolated each annotator has a Label Studio, but adjudicators have none"
        raise user_error(
            "isolated",
            message,
            exit_code=3,
            fix="for this command, set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY to one that you run",
        ) from None


def _collect_rulings(project: Project, name: str) -> _Collected:
    """Turn what was submitted in the batch's adjudication project into decisions."""
    key, folder = project.pseudonym_key(), project.annotations / name
    asked = read_merged(project, folder / "disputed.jsonl", Dispute)
    if not asked:
        raise user_error(
            "nothing-asked",
            f"no dispute of batch {name} was sent to an adjudicator",
            where=str(folder / "disputed.jsonl"),
            fix="run `khabar adjudicate --send` first",
        )
    mark = project_mark(project, name, "disputes")
    found = collect(_adjudication_server(project), mark, lambda who: pseudonym(key, who))
    done = adjudication.decisions_from_rulings(found.judgements, asked)
    path = folder / "decisions.jsonl"
    write_jsonl(path, adjudication.merge_decisions(read_merged(project, path, Decision), done.decisions))
    account = count_by_reason("rulings", "rulings", len(found.judgements), len(done.decisions), done.set_aside)
    made = Rulings(len(done.decisions), len({decision.adjudicator for decision in done.decisions}), path)
    return _Collected(made, (account,), (*found.issues, *done.issues), tuple(done.set_aside))


@click.command("adjudicate")
@batch_option
@click.option("--send", "sends", is_flag=True, help="Upload articles with open disputes to an adjudication project.")
@click.option(
    "--collect", "collects", is_flag=True, help="First download the adjudicators' rulings into decisions.jsonl."
)
@road
def cli(console: Console, batch: str | None, sends: bool, collects: bool) -> AdjudicateReport:
    """Turn annotations into gold by majority vote; ties are disputes until a decision settles them.

    --send uploads each disputed article to a separate Label Studio project, with every annotator's version beside
    it. Use it when the annotators have finished, because they would see it too. --collect writes the adjudicators'
    rulings to annotations/<batch>/decisions.jsonl; lines written there by hand are kept. A ruling counts only for
    what was in dispute: the article's spans as a whole, and each disputed stance.
    """
    project = project_of(console)
    return adjudicate(project, batch, send=sends, collect=collects, progress=console.progress)
