"""The command `adjudicate`: turn annotations into gold by votes and decisions."""

from collections import Counter
from collections.abc import Sequence

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
from builder.labelstudio.download.persons import Past
from builder.labelstudio.download.sync import collect
from builder.labelstudio.tasks import task_of
from builder.project.annotations import batch_name, read_batch, read_merged
from builder.project.batches import batch_articles, batch_documents
from builder.project.judgements import canonical_judgements, compute_gold
from builder.project.migration.state import read_versions
from builder.project.project import Project
from builder.project.services import connect, note_sent, project_mark
from builder.project.stages import states
from builder.records import (
    Article,
    Decision,
    Dispute,
    Judgement,
    KhabarError,
    Notify,
    Report,
    StageCounts,
    count_by_reason,
    user_error,
)


def adjudicate(
    project: Project, batch: str | None = None, *,
    send: bool = False, collect: bool = False, progress: Notify = lambda _: None,
) -> Report:  # fmt: skip
    """Compute gold from the judgements by majority vote. Ties become disputes.

    With `collect`, first turn the rulings of the batch's adjudication project into decisions. With `send`, then
    upload the articles that still have open disputes to that project.
    """
    with project.lock():
        name = batch_name(project, batch) if send or collect else ""
        ruled = _collect_rulings(project, name) if collect else Report("adjudicate")
        project = project.snapshot()
        articles = batch_articles(project)
        inputs = states.read_by(project, "adjudicate")
        judgements, accounts = canonical_judgements(project, articles)
        result = compute_gold(project, articles, judgements)
        write_jsonl(project.work / "gold.jsonl", result.golds)
        write_jsonl(project.work / "disputes.jsonl", result.disputes)
        project.save_account("adjudicate", [result.account, result.spans])
        states.finish(project, "adjudicate", inputs)
        sent = Report("adjudicate")
        if send:
            sent = _send_disputes(project, name, articles, judgements, result.disputes, progress)
    sources = Counter(gold.source for gold in result.golds)
    facts = {"gold": ", ".join(f"{n} {source}" for source, n in sorted(sources.items())) or "none",
             "open disputes": str(len(result.disputes))} | _model_facts(result)  # fmt: skip
    return Report(
        "adjudicate",
        (*ruled.accounts, *accounts, result.account, result.spans, *sent.accounts),
        (*ruled.issues, *result.issues),
        ruled.facts | facts | sent.facts,
        exit_code=ruled.exit_code,
        set_aside=ruled.set_aside,
    )


def _model_facts(result: AdjudicationResult) -> dict[str, str]:
    """Return what the Dawid-Skene model estimates of each annotator, if stances were settled by one."""
    model = result.model
    if model is None:
        return {}
    ended = "converged" if model.converged else "did not converge"
    facts = {"Dawid-Skene": f"{len(model.posterior)} questions, {ended} after {model.rounds} rounds"}
    return facts | {f"  {who} is right": f"{model.accuracy(who):.1%}" for who in sorted(model.confusion)}


def _send_disputes(
    project: Project, name: str, articles: Sequence[Article], judgements: Sequence[Judgement],
    disputes: Sequence[Dispute], progress: Notify,
) -> Report:  # fmt: skip
    """Upload the disputed articles of a batch to its adjudication project, with each annotator's version."""
    schema, by_id = project.schema, {article.id: article for article in articles}
    disputed = {dispute.article_id for dispute in disputes}
    items = [item for item in read_batch(project, name) if item.article_id in disputed]
    if not items:
        return Report("adjudicate", facts={"adjudicate at": f"nothing of batch {name} is in dispute"})
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
    return Report("adjudicate", (account,), facts={"adjudicate at": f"{sent.url}/projects/{sent.project_id}/data"})


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


def _collect_rulings(project: Project, name: str) -> Report:
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
    found = collect(
        _adjudication_server(project), mark, lambda who: pseudonym(key, who), past=Past(versions=read_versions(project))
    )
    done = adjudication.decisions_from_rulings(found.judgements, asked)
    path = folder / "decisions.jsonl"
    write_jsonl(path, adjudication.merge_decisions(read_merged(project, path, Decision), done.decisions))
    account = count_by_reason("rulings", "rulings", len(found.judgements), len(done.decisions), done.set_aside)
    issues = (*found.issues, *done.issues)
    people = len({decision.adjudicator for decision in done.decisions})
    facts = {"rulings": f"{len(done.decisions)} of {people} adjudicators in {path}"}
    code = 1 if any(issue.severity == "error" for issue in issues) else 0
    return Report("adjudicate", (account,), issues, facts, code, done.set_aside)


@click.command("adjudicate")
@batch_option
@click.option("--send", "sends", is_flag=True, help="Upload articles with open disputes to an adjudication project.")
@click.option(
    "--collect", "collects", is_flag=True, help="First download the adjudicators' rulings into decisions.jsonl."
)
@road
def cli(console: Console, batch: str | None, sends: bool, collects: bool) -> Report:
    """Turn annotations into gold by majority vote; ties are disputes until a decision settles them.

    --send uploads each disputed article to a separate Label Studio project, with every annotator's version beside
    it. Use it when the annotators have finished, because they would see it too. --collect writes the adjudicators'
    rulings to annotations/<batch>/decisions.jsonl; lines written there by hand are kept. A ruling counts only for
    what was in dispute: the article's spans as a whole, and each disputed stance.
    """
    project = project_of(console)
    return adjudicate(project, batch, send=sends, collect=collects, progress=console.progress)
