"""What earlier verbs made, read back; what is missing or stale is refused with the verb to run.

Reads the project's files and runs the pure stages that a later verb rests on; prints nothing.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from builder import crawl
from builder.project import Project, read_jsonl, read_table, write_table
from builder.records import (
    Account,
    Agreement,
    Answer,
    Article,
    Assigned,
    BatchItem,
    Decision,
    Document,
    Judgement,
    SetAside,
    Takedown,
    refuse,
    sha16,
    tally,
)

if TYPE_CHECKING:
    from builder.annotation.adjudicate import Adjudicated
    from builder.text.profiles import Profile


def refuse_empty(project: Project) -> None:
    """Raise Refused where the project has no documents."""
    if not any(one.kept for one in crawl.done(project, "documents")):
        raise refuse("no-documents", "the project has no documents", fix="run `khabar ingest FILES` first")


def refuse_stale(project: Project) -> None:
    """Raise Refused where something changed since the documents were cleaned."""
    refuse_empty(project)
    if project.stamped("clean") != clean_inputs(project):
        message = "the documents, the profile or the boilerplate rules changed since the last `khabar clean`"
        raise refuse("stale", message, fix="run `khabar clean` first")


def read_documents(project: Project) -> list[Document]:
    """All documents, in memory; raises Refused when there are none."""
    refuse_empty(project)
    found = [one for batch in crawl.batches(project, "documents", Document) for one in batch]
    return sorted(found, key=lambda one: one.id)


def profile_of(project: Project) -> "Profile":
    """The profile that the project's texts are normalised with."""
    from builder.text.profiles import profile

    return profile(project.schema.dataset.profile, project.schema.own_profile)


def clean_inputs(project: Project) -> str:
    """The hash of all that cleaning depends on: documents, profile, rules."""
    rules = project.schema.boilerplate.model_dump_json()
    return sha16("\n".join([profile_of(project).id, rules, crawl.digest(project, "documents")]))


def read_articles(project: Project) -> list[Article]:
    """All articles, in memory; raises Refused when something changed since they were cleaned."""
    refuse_stale(project)
    found = [one for batch in crawl.batches(project, "articles", Article) for one in batch]
    return sorted(found, key=lambda one: one.id)


def sampled_articles(project: Project) -> list[Article]:
    """The articles that batches hold; raises Refused when something changed since they were cleaned.

    They are kept beside the crawl: a verb that is about a batch does not go through all of it.
    """
    refuse_stale(project)
    wanted = sampled(project)
    inputs = sha16("\n".join([crawl.digest(project, "articles"), *sorted(wanted)]))
    path = project.work / "sampled" / "articles.parquet"
    if project.stamped("sampled") != inputs or not path.exists():
        articles = sorted(crawl.where(project, "articles", Article, "id", wanted), key=lambda one: one.id)
        pages = {article.document_id for article in articles}
        documents = sorted(crawl.where(project, "documents", Document, "id", pages), key=lambda one: one.id)
        write_table(project.work / "sampled" / "documents.parquet", documents, Document)
        write_table(path, articles, Article)
        project.stamp("sampled", inputs)
        return articles
    return read_table(path, Article)


def sampled_documents(project: Project) -> list[Document]:
    """The documents of the articles that batches hold."""
    sampled_articles(project)
    return read_table(project.work / "sampled" / "documents.parquet", Document)


def last_sampled(project: Project) -> list[Article]:
    """The articles that batches held when a verb last asked, whatever changed since."""
    return read_table(project.work / "sampled" / "articles.parquet", Article)


def sampled(project: Project) -> set[str]:
    """The ids of the articles that batches hold."""
    return {item.article_id for batch in project.batches() for item in read_batch(project, batch)}


def batch_name(project: Project, batch: str | None) -> str:
    """The named batch, or the only one; raises Refused when there is none, or when several could be meant."""
    names = project.batches()
    if batch is None and len(names) > 1:
        raise refuse("which-batch", f"there are {len(names)} batches: {', '.join(names)}", fix="name one with --batch")
    if batch is None and names:
        return names[0]
    if batch is None or batch not in names:
        raise refuse("no-batch", f"there is no batch {batch or ''}".strip(), fix="run `khabar sample` first")
    return batch


def read_batch(project: Project, batch: str) -> list[BatchItem]:
    """The articles of one batch, in the order of the file."""
    return read_jsonl(project.annotations / batch / "batch.jsonl", BatchItem)


def read_assigned(project: Project, batch: str) -> list[Assigned]:
    """Who was to judge what in one batch, where annotators have a project or a server each."""
    return read_jsonl(project.annotations / batch / "assignment.jsonl", Assigned)


def read_known(project: Project, batch: str) -> list[Decision]:
    """The articles of one batch whose answers the lead annotator wrote down."""
    return read_jsonl(project.annotations / batch / "known.jsonl", Decision)


def published_path(project: Project, batch: str) -> Path:
    """Where it stands what the release says that one batch reopened."""
    return project.annotations / batch / "predictions.jsonl"


def read_published(project: Project, batch: str) -> list[Answer]:
    """What the release says that one batch reopened; of another batch, nothing."""
    return read_jsonl(published_path(project, batch), Answer)


def place_of(project: Project, batch: str, annotator: str = "") -> dict[str, str]:
    """Where a batch was sent, as `url` and `project_id`: of one annotator, where each has a project; else of all."""
    own = project.noted(f"sent/{batch}/{annotator}") if annotator else {}
    return own or project.noted(f"sent/{batch}")


def project_title(project: Project, batch: str, annotator: str = "") -> str:
    """The title of a Label Studio project, which may hold 50 characters: no two datasets or annotators share one."""
    repo_id = project.schema.dataset.repo_id
    for whose in (repo_id, sha16(repo_id)[:8]):
        title = f"{whose} {batch} {annotator}".rstrip()
        if len(title) <= 50:
            return title
    return f"{sha16(f'{repo_id} {batch}')} {annotator}".rstrip()


def collected_path(project: Project, batch: str) -> Path:
    """Where it is kept what was collected of a batch so far."""
    return project.work / "collected" / f"{batch}.sqlite3"


def read_judgements(project: Project) -> list[Judgement]:
    """The judgements of all batches."""
    batches = project.batches()
    return [j for name in batches for j in read_jsonl(project.annotations / name / "judgements.jsonl", Judgement)]


def read_decisions(project: Project) -> list[Decision]:
    """The adjudicators' decisions in all batches; of what one decided in several, that of the batch reopened last."""
    from builder.annotation.again import latest

    read = [
        (read_published(project, name), read_jsonl(project.annotations / name / "decisions.jsonl", Decision))
        for name in project.batches()
    ]
    plain = [decision for published, decisions in read if not published for decision in decisions]
    later = sorted((pair for pair in read if pair[0]), key=lambda pair: _number(pair[0][0].version))
    return latest([plain, *(decisions for _, decisions in later)])


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def said_once(project: Project, articles: Mapping[str, Article]) -> tuple[list[Judgement], Account, list[SetAside]]:
    """The judgements of all batches without those that only say again what counts already, and the account of these."""
    from builder.annotation.again import parted

    every = read_judgements(project)
    once, aside = parted(every, articles, project.schema.labels)
    return once, tally("check", "submissions", len(every), len(once), aside), aside


def canonical_judgements(project: Project, articles: Sequence[Article]) -> tuple[list[Judgement], list[Account]]:
    """The judgements that count, with canonical spans, and the accounts of the others, which are saved.

    What was only said again is in the saved accounts: a release does not rest on it.
    """
    from builder.annotation.check import canonicalise
    from builder.annotation.reopened import at_home

    by_id = {article.id: article for article in articles}
    once, again, repeated = said_once(project, by_id)
    judgements, accounts, aside = canonicalise(once, by_id, project.schema.labels)
    project.save_account("check", [again, *accounts] if repeated else accounts, [*repeated, *aside])
    reopened = {name for name in project.batches() if published_path(project, name).exists()}
    if reopened:
        batches = {name: [item.article_id for item in read_batch(project, name)] for name in project.batches()}
        judgements = at_home(judgements, batches, reopened)
    return judgements, accounts


def gold_of(project: Project, articles: Sequence[Article], judgements: Sequence[Judgement]) -> "Adjudicated":
    """Gold and disputes by the votes of these judgements and the project's decisions."""
    from builder.annotation.adjudicate import adjudicate

    by_id = {article.id: article for article in articles}
    rules = project.schema.dataset.adjudication
    return adjudicate(judgements, read_decisions(project), by_id, project.schema.labels, rules)


def agreement_of(
    project: Project, articles: Sequence[Article], judgements: Sequence[Judgement]
) -> tuple[Agreement, ...]:
    """Every figure of agreement of the canonical judgements."""
    from builder.annotation.agreement import agree

    return tuple(agree(judgements, project.schema.labels, {article.id: len(article.text) for article in articles}))


def taken_down(project: Project) -> set[str]:
    """The articles that no release may hold any more."""
    return {one.article_id for one in read_jsonl(project.annotations / "takedowns.jsonl", Takedown)}
