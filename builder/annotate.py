"""One function per verb from a batch to its gold: read, stage, write; the rest of the road is flow.py."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from builder import servers, state
from builder.project import (
    Project,
    read_jsonl,
    write_jsonl,
)
from builder.records import (
    Account,
    Agreement,
    Article,
    BatchItem,
    Document,
    Issue,
    Judgement,
    Refused,
    Report,
    SetAside,
    refuse,
    sha16,
    tally,
)

Progress = Callable[[str], None]
Watch = Callable[[Iterable[list[Document]], int, str], Iterable[list[Document]]]
"""Shows how far batches of documents are, of so many, in doing what it names."""


def send(project: Project, batch: str | None, *, dry_run: bool, progress: Progress) -> Report:
    """Send a batch to Label Studio; articles that are there already are not sent again."""
    from builder.annotation import interface, studio, tasks

    with project.lock():
        schema = project.schema
        name = state.batch_name(project, batch)
        articles = {article.id: article for article in state.read_articles(project)}
        sources = {document.id: document.source for document in state.read_documents(project)}
        items = state.read_batch(project, name)
        _refuse_other_texts(name, items, articles)
        guide = interface.guide_html(schema.guidelines)
        payload = [
            tasks.task_of(articles[i.article_id], i, schema, sources[articles[i.article_id].document_id], guide)
            for i in items
        ]
        connection = servers.connect(project)
        sent = studio.send(
            connection, _title(project, name), interface.render_config(schema.labels), payload,
            overlap=schema.dataset.overlap, dry_run=dry_run, progress=progress,
        )  # fmt: skip
        present = {"already there": sent.present} if sent.present else {}
        account = Account("send", "articles", len(items), sent.created, present)
        if not dry_run:
            project.save_account("send", [account])
            project.note(f"sent/{name}", {"url": sent.url, "project_id": sent.project_id})
    where = "would be created" if dry_run else f"{sent.url}/projects/{sent.project_id}/data?labeling=1"
    return Report("send", (account,), facts={"annotate at": where})


def collect(project: Project, batch: str | None, *, prune: bool) -> Report:
    """Fetch all results of all annotators into the batch's judgements.jsonl, sorted and pseudonymous."""
    from builder.annotation import studio, tasks

    with project.lock():
        name = state.batch_name(project, batch)
        path = project.annotations / name / "judgements.jsonl"
        key = project.pseudonym_key()
        found = studio.collect(servers.connect(project), _title(project, name), lambda who: tasks.pseudonym(key, who))
        before = {(j.annotator, j.article_id, j.annotation_id) for j in read_jsonl(path, Judgement)}
        gone = before - {(j.annotator, j.article_id, j.annotation_id) for j in found.judgements}
        if gone and not prune:
            message = f"Label Studio no longer has {len(gone)} of the {len(before)} judgements in {path}"
            raise refuse(
                "would-lose", message, fix="is this the right server? else `khabar collect --prune`", exit_code=1
            )
        write_jsonl(path, found.judgements)
        aside = [SetAside("collect", f"batch {name}", "draft, not submitted")] * found.drafts
        broken = [issue for issue in found.issues if issue.code == "unreadable-annotation"]
        aside += [SetAside("collect", issue.where, "unreadable", issue.message) for issue in broken]
        taken = len(found.judgements) + len(aside)
        account = tally("collect", "annotations", taken, len(found.judgements), aside)
        project.save_account("collect", [account], aside)
    people = len({j.annotator for j in found.judgements})
    facts = {"judgements": f"{len(found.judgements)} of {people} annotators in {path}"}
    return Report("collect", (account,), found.issues, facts, 1 if found.issues else 0, tuple(aside))


def check(project: Project) -> Report:
    """List every fault in the judgements; exit code 1 where one is an error."""
    from builder.annotation import check as checks

    articles = {article.id: article for article in state.read_articles(project)}
    judgements = state.read_judgements(project)
    places = {name: project.noted(f"sent/{name}") for name in project.batches()}

    def link(judgement: Judgement) -> str:
        place = places.get(judgement.batch) or {}
        return f"{place['url']}/projects/{place['project_id']}/data?task={judgement.task_id}" if place else ""

    issues = checks.check(judgements, articles, project.schema.labels, link)
    errors = sum(issue.severity == "error" for issue in issues)
    facts = {"checked": f"{len(judgements)} judgements, {errors} errors, {len(issues) - errors} warnings"}
    return Report("check", (), tuple(issues), facts, exit_code=1 if errors else 0)


def agree(project: Project) -> Report:
    """Measure agreement; exit code 1 where a figure is below its floor."""
    from builder.annotation import agreement

    with project.lock():
        judgements, _ = state.canonical_judgements(project, state.read_articles(project))
        figures = agreement.agree(judgements, project.schema.labels)
        write_jsonl(project.work / "agreement.jsonl", figures)
    floors = project.schema.dataset.floors
    issues = tuple(
        Issue(
            "error",
            "below-floor",
            f"{f.measure}: {f.value:.3f} is below the floor of {floor}",
            where=f"batch {f.batch}",
        )
        for f in figures
        for layer, floor in (("entities", floors.span_f1), ("stance", floors.stance_alpha))
        if (f.layer, f.label) == (layer, "all") and floor is not None and f.value is not None and f.value < floor
    )
    facts = {f"{f.layer} {f.label}" + ("" if f.batch == "all" else f" ({f.batch})"): _figure(f) for f in figures}
    return Report("agree", (), issues, facts, exit_code=1 if issues else 0)


def adjudicate(project: Project) -> Report:
    """Make gold of the judgements; what votes cannot settle becomes a dispute."""
    with project.lock():
        articles = state.read_articles(project)
        judgements, accounts = state.canonical_judgements(project, articles)
        result = state.gold_of(project, articles, judgements)
        write_jsonl(project.work / "gold.jsonl", result.golds)
        write_jsonl(project.work / "disputes.jsonl", result.disputes)
        project.save_account("adjudicate", [result.account, result.spans])
    sources = Counter(gold.source for gold in result.golds)
    facts = {"gold": ", ".join(f"{n} {source}" for source, n in sorted(sources.items())) or "none",
             "open disputes": str(len(result.disputes))}  # fmt: skip
    return Report("adjudicate", (*accounts, result.account, result.spans), result.issues, facts)


def _refuse_other_texts(batch: str, items: Sequence[BatchItem], articles: Mapping[str, Article]) -> None:
    """A batch is tied to the texts that it was sampled with: annotators must see those."""
    gone = [item.article_id for item in items if item.article_id not in articles]
    other = [i.article_id for i in items if i.article_id in articles and articles[i.article_id].text_sha != i.text_sha]
    issues = [
        Issue(
            "error", code, f"{len(ids)} of the {len(items)} articles of batch {batch} {what}, such as {ids[0]}", fix=fix
        )
        for code, ids, what, fix in (
            ("unknown-article", gone, "are not in this project", "ingest and clean the batch's documents"),
            ("stale-text", other, "have another text now", "restore the profile and the rules, or sample a new batch"),
        )
        if ids
    ]
    if issues:
        raise Refused(*issues)


def _title(project: Project, batch: str) -> str:
    """The title of a batch's Label Studio project, which may hold 50 characters: no two datasets share one."""
    repo_id = project.schema.dataset.repo_id
    title = f"{repo_id} {batch}"
    return title if len(title) <= 50 else f"{sha16(repo_id)[:8]} {batch}"


def _figure(figure: Agreement) -> str:
    if figure.value is None:
        return f"undefined: {figure.why} ({figure.measure})"
    interval = "" if figure.low is None else f" [{figure.low:.3f}, {figure.high:.3f}]"
    return f"{figure.value:.3f}{interval}, n = {figure.n} {figure.unit} ({figure.measure})"
