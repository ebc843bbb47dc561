"""One function per verb from a batch to its gold: read, stage, write; the rest of the road is flow.py."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from builder import servers, state
from builder.project import (
    Project,
    read_jsonl,
    write_bytes,
    write_jsonl,
)
from builder.records import (
    Account,
    Agreement,
    Article,
    Assigned,
    BatchItem,
    Decision,
    Dispute,
    Document,
    Issue,
    Judgement,
    Refused,
    Report,
    refuse,
    tally,
)

if TYPE_CHECKING:
    from builder.annotation.adjudicate import Adjudicated
    from builder.annotation.carry import Moved
    from builder.annotation.sending import Delivered, Desk
    from builder.annotation.studio import Connection

Progress = Callable[[str], None]
Watch = Callable[[Iterable[list[Document]], int, str], Iterable[list[Document]]]
"""Shows how far batches of documents are, of so many, in doing what it names."""


def send(
    project: Project,
    batch: str | None,
    *,
    dry_run: bool,
    progress: Progress,
    changed: bool = False,
    predict: str | None = None,
    annotators: Sequence[str] = (),
    folder: Path | None = None,
) -> Report:
    """Send a batch to Label Studio; articles that are there already are not sent again.

    `changed` agrees that articles with another text than the batch's become new tasks, with what was judged
    carried over; `predict` names predictions, with paths from `folder`; `annotators` are e-mails or names.
    """
    from builder.annotation import assign, reopened, sending
    from builder.annotation import predict as predictions

    with project.lock():
        schema, name = project.schema, state.batch_name(project, batch)
        articles = {article.id: article for article in state.sampled_articles(project)}
        items = state.read_batch(project, name)
        _refuse_other_texts(name, items, articles, changed=changed)
        present = {i.article_id: replace(i, text_sha=articles[i.article_id].text_sha) for i in items}
        known, issues = _known(project, name, present)
        before = state.read_assigned(project, name)
        desks = sending.desks(
            servers.connections(project), schema, lambda who: state.project_title(project, name, who),
            project.pseudonym_key(), annotators, {one.annotator for one in before},
        )  # fmt: skip
        assigned: list[Assigned] = []
        if schema.dataset.assignment != "pool":
            people = [desk.annotator for desk in desks]
            assigned = assign.assign(name, list(present), people, schema.dataset, known, before)
        chosen = [articles[article_id] for article_id in present]
        predicted = predictions.predict(predict, chosen, schema.labels, folder or project.root) if predict else None
        moved = _moved(project, name, desks, {i.article_id: articles[i.article_id] for i in items
                                              if i.text_sha != present[i.article_id].text_sha})  # fmt: skip
        sources = {document.id: document.source for document in state.sampled_documents(project)}
        published = reopened.predictions(state.read_published(project, name), articles, schema.labels)
        material = sending.Material(schema, articles, sources, present, predicted, moved.predictions, published)
        if assigned and not dry_run:
            write_jsonl(project.annotations / name / "assignment.jsonl", assigned)
        delivered: list[Delivered] = []
        for desk in desks:
            own = assign.in_order(assigned, desk.annotator, schema.dataset.sampling.seed) if desk.annotator else present
            parcel = sending.parcel(desk, (one for one in own if one in present), material)
            done = sending.deliver(parcel, schema, progress=progress, dry_run=dry_run)
            delivered.append(done)
            if not dry_run:
                place = {"url": done.sent.url, "project_id": done.sent.project_id}
                project.note(f"sent/{name}/{desk.annotator}" if desk.annotator else f"sent/{name}", place)
        accounts, aside = sending.accounts(delivered, moved, predicted)
        if not dry_run:
            if list(present.values()) != items:
                write_jsonl(project.annotations / name / "batch.jsonl", present.values())
            project.save_account("send", accounts, aside)
    issues += [
        Issue("warning", "stale-span", f"{one.reason}{f': {one.detail}' if one.detail else ''}", where=one.what)
        for one in moved.stale
    ]
    facts = sending.facts(delivered, assigned, predicted, dry_run=dry_run)
    return Report("send", accounts, tuple(issues), facts, 0, aside)


def _known(project: Project, batch: str, present: Mapping[str, BatchItem]) -> tuple[set[str], list[Issue]]:
    """The articles of a batch whose answers are known, and what is to be said of them."""
    known = state.read_known(project, batch)
    path = str(project.annotations / batch / "known.jsonl")
    absent = [one.article_id for one in known if one.article_id not in present]
    if absent:
        message = f"{len(absent)} known articles are not in batch {batch}, such as {absent[0]}"
        raise refuse("known", message, where=path, fix="add them to batch.jsonl, or take them out")
    issues = [
        Issue("warning", "known-stale", "its known answers are of another text", path, "answer again", one.article_id)
        for one in known
        if one.text_sha != present[one.article_id].text_sha
    ]
    if known and project.schema.dataset.assignment == "pool":
        message = "in a pool a known article goes to `overlap` annotators, not to all"
        fix = "with assignment: separate or isolated all annotators get it"
        issues.append(Issue("warning", "known-pool", message, path, fix))
    return {one.article_id for one in known}, issues


def _moved(project: Project, batch: str, desks: Sequence["Desk"], stale: Mapping[str, Article]) -> "Moved":
    """What was judged on older texts of some articles of a batch, carried over to their present ones."""
    from builder.annotation import carry, sending

    path = project.annotations / batch / "judgements.jsonl"
    judgements = [one for one in read_jsonl(path, Judgement) if one.article_id in stale]
    return carry.carry_judgements(judgements, stale, sending.texts_there(desks, stale), project.schema.labels)


@dataclass(frozen=True, slots=True)
class Measured(Report):
    """A report that also has every figure of agreement."""

    figures: tuple[Agreement, ...] = ()


def agree(project: Project, page: Path | None = None, *, every: bool = False) -> Measured:
    """Measure agreement, written as HTML too where `page` names a file; exit code 1 where a figure is below its floor.

    The facts say `every` figure, or those that are read first.
    """
    from builder.annotation import floors
    from builder.annotation.agreement_lines import lines
    from builder.annotation.agreement_page import page as html

    with project.lock():
        articles = state.sampled_articles(project)
        judgements, _ = state.canonical_judgements(project, articles)
        figures = state.agreement_of(project, articles, judgements)
        write_jsonl(project.work / "agreement.jsonl", figures)
    if page:
        judged = {judgement.article_id for judgement in judgements}
        shown = {article.id: article for article in articles if article.id in judged}
        title = project.schema.dataset.title
        write_bytes(page, html(figures, judgements, shown, project.schema.labels, title=title).encode())
    issues = floors.shortfalls(figures, project.schema.dataset.floors, project.schema.labels)
    facts = {"agreement": "\n".join(lines(figures, every=every))} | ({"page": str(page)} if page else {})
    return Measured("agree", issues=issues, facts=facts, exit_code=1 if issues else 0, figures=figures)


def adjudicate(
    project: Project, batch: str | None = None, *,
    send: bool = False, collect: bool = False, progress: Progress = lambda _: None,
) -> Report:  # fmt: skip
    """Make gold of the judgements; what votes cannot settle becomes a dispute.

    With `collect`, the rulings of a batch's adjudication project become decisions first; with `send`, the
    articles whose disputes are still open go there after.
    """
    with project.lock():
        name = state.batch_name(project, batch) if send or collect else ""
        articles = state.sampled_articles(project)
        ruled = _collect_rulings(project, name) if collect else Report("adjudicate")
        judgements, accounts = state.canonical_judgements(project, articles)
        result = state.gold_of(project, articles, judgements)
        write_jsonl(project.work / "gold.jsonl", result.golds)
        write_jsonl(project.work / "disputes.jsonl", result.disputes)
        project.save_account("adjudicate", [result.account, result.spans])
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


def _model_facts(result: "Adjudicated") -> dict[str, str]:
    """How the model sees each annotator, where stances were settled by one."""
    model = result.model
    if model is None:
        return {}
    ended = "converged" if model.converged else "did not converge"
    facts = {"Dawid-Skene": f"{len(model.posterior)} questions, {ended} after {model.rounds} rounds"}
    return facts | {f"  {who} is right": f"{model.accuracy(who):.1%}" for who in sorted(model.confusion)}


def _send_disputes(
    project: Project, name: str, articles: Sequence[Article], judgements: Sequence[Judgement],
    disputes: Sequence[Dispute], progress: Progress,
) -> Report:  # fmt: skip
    """Bring the disputed articles of a batch to its adjudication project, with each annotator's version."""
    from builder.annotation import interface, rulings, studio, tasks

    schema, by_id = project.schema, {article.id: article for article in articles}
    disputed = {dispute.article_id for dispute in disputes}
    items = [item for item in state.read_batch(project, name) if item.article_id in disputed]
    if not items:
        return Report("adjudicate", facts={"adjudicate at": f"nothing of batch {name} is in dispute"})
    connection, mine = _bench(project), {item.article_id for item in items}
    sources = {document.id: document.source for document in state.sampled_documents(project)}
    guide = interface.guide_html(schema.guidelines, schema.guideline_version)
    payload = [
        rulings.with_versions(tasks.task_of(a, item, schema, sources[a.document_id], guide), judgements)
        for item in items
        for a in [by_id[item.article_id]]
    ]
    path = project.annotations / name / "disputed.jsonl"
    asked = rulings.all_asked(read_jsonl(path, Dispute), [d for d in disputes if d.article_id in mine])
    write_jsonl(path, asked)  # before sending: a ruling counts only for what was asked
    sent = studio.send(connection, state.project_title(project, name, "disputes"),
                       interface.render_config(schema.labels), payload, overlap=1, progress=progress)  # fmt: skip
    account = Account("disputes", "articles", len(items), sent.created,
                      {"already there": sent.present} if sent.present else {})  # fmt: skip
    return Report("adjudicate", (account,), facts={"adjudicate at": f"{sent.url}/projects/{sent.project_id}/data"})


def _bench(project: Project) -> "Connection":
    """The Label Studio where disputes are ruled on: the project's own, never one annotator's."""
    try:
        return servers.connect(project)
    except Refused as refused:
        if refused.issues[0].code != "studio-down" or project.schema.dataset.assignment != "isolated":
            raise
        message = "with assignment: isolated each annotator has a Label Studio, but adjudicators have none"
        raise refuse("isolated", message, exit_code=3,
                     fix="for this command, set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY to one that you run") from None  # fmt: skip


def _collect_rulings(project: Project, name: str) -> Report:
    """Make decisions of what was submitted in a batch's adjudication project."""
    from builder.annotation import collecting, rulings, tasks

    key, folder = project.pseudonym_key(), project.annotations / name
    asked = read_jsonl(folder / "disputed.jsonl", Dispute)
    if not asked:
        raise refuse("nothing-asked", f"no dispute of batch {name} was sent to an adjudicator",
                     where=str(folder / "disputed.jsonl"), fix="run `khabar adjudicate --send` first")  # fmt: skip
    title = state.project_title(project, name, "disputes")
    found = collecting.collect(_bench(project), title, lambda who: tasks.pseudonym(key, who))
    done = rulings.ruled(found.judgements, asked)
    path = folder / "decisions.jsonl"
    write_jsonl(path, rulings.merged(read_jsonl(path, Decision), done.decisions))
    account = tally("rulings", "rulings", len(found.judgements), len(done.decisions), done.set_aside)
    issues = (*found.issues, *done.issues)
    people = len({decision.adjudicator for decision in done.decisions})
    facts = {"rulings": f"{len(done.decisions)} of {people} adjudicators in {path}"}
    code = 1 if any(issue.severity == "error" for issue in issues) else 0
    return Report("adjudicate", (account,), issues, facts, code, done.set_aside)


AGREE = "restore the profile and the rules; or collect, and make them new tasks with `khabar send --changed`"
"""What to do about articles whose text changed since they were sampled."""


def _refuse_other_texts(
    batch: str, items: Sequence[BatchItem], articles: Mapping[str, Article], *, changed: bool
) -> None:
    """A batch is tied to the texts that it was sampled with: annotators see those, unless `changed` says otherwise."""
    gone = [item.article_id for item in items if item.article_id not in articles]
    other = [i.article_id for i in items if i.article_id in articles and articles[i.article_id].text_sha != i.text_sha]
    issues = [
        Issue(
            "error", code, f"{len(ids)} of the {len(items)} articles of batch {batch} {what}, such as {ids[0]}", fix=fix
        )
        for code, ids, what, fix in (
            ("unknown-article", gone, "are not in this project", "ingest and clean the batch's documents"),
            ("stale-text", other, "have another text now", AGREE),
        )
        if ids and not (changed and code == "stale-text")
    ]
    if issues:
        raise Refused(*issues)
