"""The command `send`: send a batch to Label Studio."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from builder.annotation import assignment, reopen, transfer
from builder.annotation.persons import resolve
from builder.annotation.transfer import TransferredJudgements
from builder.cli.consent import ask_first
from builder.cli.options import batch_option
from builder.cli.output import Console
from builder.cli.road import project_of, road
from builder.io.jsonl import write_jsonl
from builder.labelstudio import upload
from builder.labelstudio.earlier import latest_judgements
from builder.labelstudio.refresh.projects import Behind
from builder.labelstudio.upload import AnnotatorProject, UploadInputs, UploadResult
from builder.project.annotations import (
    batch_name,
    read_aliases,
    read_assigned,
    read_batch,
    read_judgements_of,
    read_known,
    read_published,
    taken_down,
)
from builder.project.batches import batch_articles, batch_documents, refuse_other_texts
from builder.project.imports import predictions
from builder.project.migration.running import bring_up
from builder.project.migration.state import refuse_pending
from builder.project.project import Project
from builder.project.services import connections, note_sent, project_mark
from builder.project.stages import states
from builder.records import (
    AnnotatorAssignment,
    Article,
    BatchItem,
    Document,
    Dropped,
    Issue,
    Line,
    Notify,
    Report,
    StageCounts,
    count_by_reason,
    counted,
    user_error,
)

Watch = Callable[[Iterable[list[Document]], int, str], Iterable[list[Document]]]
"""Iterates over batches of documents, and reports progress."""


@dataclass(frozen=True, slots=True)
class SentTo:
    """A project that tasks went to: its annotator, if it has one, its articles, and its address unless it was a dry run."""

    annotator: str
    """The e-mail where it is known, or else the pseudonym."""
    articles: int
    new: int
    url: str | None

    def line(self) -> Line:
        """Return where to annotate; with the number of articles where they are one annotator's."""
        link = self.url or "would be created"
        work = f"{self.articles} articles, {self.new} of them new: {link}"
        return Line(self.annotator or "annotate at", work if self.annotator else link)


@dataclass(frozen=True, slots=True)
class SentPredictions:
    """The origin of the predictions, and how many articles have some."""

    origin: str
    articles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SendReport(Report):
    """The report of `send`: where to annotate, and which predictions are shown.

    It is the only output that contains e-mails, and is not stored.
    """

    assigned: dict[str, int]
    """Articles by the reason of their assignment; empty in a pool."""
    places: tuple[SentTo, ...]
    predictions: SentPredictions | None
    shown: tuple[str, ...]
    behind: tuple[Behind, ...] = ()
    """The running projects that are brought up to date, or would be in a dry run."""
    dry_run: bool = False

    def lines(self) -> Iterator[Line]:
        """Return a line for each project, for the predictions, and for what running projects are brought up to."""
        if self.assigned:
            yield Line(
                "assigned", ", ".join(f"{counted(number, 'article')} {why}" for why, number in self.assigned.items())
            )
        for place in self.places:
            yield place.line()
        if self.predictions:
            said = f"{self.predictions.origin}: for {counted(self.predictions.articles, 'article')}, on new tasks only"
            yield Line("predictions", said)
        if self.shown:
            yield Line("shown on the page", ", ".join(self.shown))
        if self.behind:
            yield Line("would change" if self.dry_run else "changed", "; ".join(map(str, self.behind)))


def send(  # noqa: PLR0913 - a send has these parts
    project: Project,
    batch: str | None,
    *,
    dry_run: bool,
    progress: Notify,
    changed: bool = False,
    predict: str | None = None,
    annotators: Sequence[str] = (),
    folder: Path | None = None,
    refresh: bool = False,
    yes: bool = False,
) -> SendReport:
    """Upload a batch to Label Studio, without what was taken down. Articles that are already there are not uploaded again.

    `changed` makes articles with another text than the batch's new tasks, with their annotations transferred. `predict`
    names pre-annotations, with paths relative to `folder`. `annotators` are e-mails or names. `refresh` gives tasks that
    were sent the present guidelines. `yes` agrees to changes of a running project.
    """
    with project.lock():
        refuse_pending(project, "send")
        schema, name = project.schema, batch_name(project, batch)
        articles = {article.id: article for article in batch_articles(project)}
        everything, gone, before = read_batch(project, name), taken_down(project), read_assigned(project, name)
        items = [item for item in everything if item.article_id not in gone]
        refuse_other_texts(name, items, articles, changed=changed)
        present = {i.article_id: replace(i, text_sha=articles[i.article_id].text_sha) for i in items}
        known, issues = _known(project, name, present, gone)
        desks = _desks(project, name, annotators, {duty.annotator for duty in before})
        people, pooled = [desk.annotator for desk in desks], schema.dataset.assignment == "pool"
        assigned = [] if pooled else assignment.assign(name, list(present), people, schema.dataset, known, before)
        chosen = [articles[article_id] for article_id in present]
        predicted = predictions.predict(project, predict, chosen, folder or project.root) if predict else None
        moved = _moved(project, name, desks, items, articles)
        published = reopen.predictions(read_published(project, name), articles, schema.labels)
        judged = latest_judgements(read_judgements_of(project, name))
        material = upload.UploadInputs(
            schema, articles, {document.id: document.source for document in batch_documents(project)}, present,
            predicted, moved.predictions, published, judged, _emails(project, desks) if judged else {},
        )  # fmt: skip
        behind = bring_up(project, desks, articles, progress, refresh=refresh, yes=yes, dry_run=dry_run)
        if assigned and not dry_run:
            write_jsonl(project.annotations / name / "assignment.jsonl", assigned)
        delivered = _upload(project, name, desks, assigned, material, progress, dry_run=dry_run)
        taken = tuple(Dropped("send", item.article_id, "taken down") for item in everything if item.article_id in gone)
        sent, left = upload.accounts(delivered, moved, predicted)
        accounts, aside = (*sent, *_not_sent(len(everything), taken)), (*left, *taken)
        issues += [*upload.offered_again(delivered, material), *moved.warnings()]
        if not dry_run:
            if (lines := [present.get(item.article_id, item) for item in everything]) != everything:
                write_jsonl(project.annotations / name / "batch.jsonl", lines)
            project.save_account("send", accounts, aside)
            states.finish(project, f"send-{name}", states.read_by_send(project, name))
    return SendReport(
        "send", accounts, tuple(issues), set_aside=aside, assigned=_reasons(assigned),
        places=tuple(_place(done, dry_run=dry_run) for done in delivered),
        predictions=SentPredictions(predicted.origin, len(predicted.articles)) if predicted else None,
        shown=tuple(sorted({done.shown for done in delivered if done.shown})), behind=behind, dry_run=dry_run,
    )  # fmt: skip


def _desks(project: Project, name: str, annotators: Sequence[str], before: Collection[str]) -> list[AnnotatorProject]:
    """Return the Label Studio projects of a batch: one for each annotator, or one for all."""
    return upload.annotator_projects(
        connections(project), project.schema, lambda who: project_mark(project, name, who),
        project.pseudonym_key(), annotators, before,
    )  # fmt: skip


def _not_sent(articles: int, taken: Sequence[Dropped]) -> Iterator[StageCounts]:
    """Yield the account of the articles of a batch, if some of them were taken down."""
    if taken:
        yield count_by_reason("send", "articles of the batch", articles, articles - len(taken), taken)


def _reasons(assigned: Sequence[AnnotatorAssignment]) -> dict[str, int]:
    """Return the number of articles by the reason of their assignment."""
    return dict(sorted(Counter({duty.article_id: duty.why for duty in assigned}.values()).items()))


def _place(done: UploadResult, *, dry_run: bool) -> SentTo:
    desk, sent = done.parcel.desk, done.sent
    url = None if dry_run else f"{sent.url}/projects/{sent.project_id}/data?labeling=1"
    return SentTo(desk.email or desk.annotator, len(done.parcel.tasks), sent.created, url)


def _upload(
    project: Project, name: str, desks: Sequence[AnnotatorProject], assigned: Sequence[AnnotatorAssignment], material: UploadInputs,
    progress: Notify, *, dry_run: bool,
) -> list[UploadResult]:  # fmt: skip
    """Upload a batch to each annotator's project, or to the shared one, and note where it went."""
    seed = project.schema.dataset.sampling.seed
    delivered: list[UploadResult] = []
    for desk in desks:
        articles = assignment.working_order(assigned, desk.annotator, seed) if desk.annotator else list(material.items)
        own = (article for article in articles if article in material.items)
        parcel = upload.build_upload(desk, own, material, upload.existing_slots(desk))
        done = upload.upload(parcel, project.schema, progress=progress, dry_run=dry_run)
        delivered.append(done)
        if not dry_run:
            note_sent(project, name, desk.annotator, done.sent)
    return delivered


def _emails(project: Project, desks: Sequence[AnnotatorProject]) -> dict[str, str]:
    """Return the e-mails of the accounts of a pool's server, by the pseudonym in use; none in other modes."""
    pools = [desk.connection for desk in desks if not desk.annotator]
    aliases, key = read_aliases(project), project.pseudonym_key()
    return {resolve(who, aliases): email for one in pools for who, email in upload.emails_by_name(one, key).items()}


def _known(
    project: Project, batch: str, present: Mapping[str, BatchItem], gone: Collection[str]
) -> tuple[set[str], list[Issue]]:
    """Return the articles of a batch whose answers are known, and the issues with them."""
    known = [decision for decision in read_known(project, batch) if decision.article_id not in gone]
    path = str(project.annotations / batch / "known.jsonl")
    absent = [decision.article_id for decision in known if decision.article_id not in present]
    if absent:
        message = f"{len(absent)} known articles are not in batch {batch}, such as {absent[0]}"
        raise user_error("known", message, where=path, fix="add them to batch.jsonl, or take them out")
    issues = [
        Issue(
            "warning", "known-stale", "its known answers are of another text", path, "answer again", decision.article_id
        )
        for decision in known
        if decision.text_sha != present[decision.article_id].text_sha
    ]
    if known and project.schema.dataset.assignment == "pool":
        message = "in a pool a known article goes to `overlap` annotators, not to all"
        fix = "with assignment: separate or isolated all annotators get it"
        issues.append(Issue("warning", "known-pool", message, path, fix))
    return {decision.article_id for decision in known}, issues


def _moved(
    project: Project, batch: str, desks: Sequence[AnnotatorProject], items: Sequence[BatchItem], articles: Mapping[str, Article]
) -> TransferredJudgements:  # fmt: skip
    """Transfer annotations made on older texts of a batch's articles to their present texts."""
    stale = {i.article_id: articles[i.article_id] for i in items if i.text_sha != articles[i.article_id].text_sha}
    judgements = [judgement for judgement in read_judgements_of(project, batch) if judgement.article_id in stale]
    return transfer.transfer_judgements(judgements, stale, upload.existing_texts(desks, stale), project.schema.labels)


@click.command("send")
@batch_option
@click.option("--dry-run", is_flag=True, help="Print what would be uploaded, and upload nothing.")
@click.option("--changed", is_flag=True, help="Upload articles whose text changed as new tasks; see below.")
@click.option(
    "--predict", metavar="FROM", help='import:NAME, release:DIR, gazetteer:FILE or command:"PROGRAM ARGUMENTS".'
)
@click.option("--refresh", is_flag=True, help="Also give tasks that were sent the present guidelines.")
@click.option("--yes", is_flag=True, help="Agree to changes of tasks that people work on, after labels changed.")
@click.option("--annotators", default="", help="Annotators for assignment: separate, such as a@x.org,b@y.org.")
@road
def cli(
    console: Console, batch: str | None, dry_run: bool, changed: bool, predict: str | None, refresh: bool, yes: bool,
    annotators: str,
) -> SendReport:  # fmt: skip
    """Upload a batch to Label Studio. Articles that are already there are not uploaded again.

    With `assignment: separate` or `isolated`, the link of each annotator is printed, and is not stored with the e-mail.

    --predict adds pre-annotations to new tasks: from an imported set, from an earlier release, from a file of TERM<TAB>LABEL lines, or from
    a program, which runs without a shell. For each article the program reads a line {"id", "title", "text"} and writes
    a line {"id", "spans": [{"start", "end", "label"}]}, in the same order. Offsets are code points of the text, end
    exclusive.

    After `schema migrate`, or with --refresh, tasks that were sent are brought up to date, with answers, drafts and
    predictions. What would change is shown first, and nothing changes without a yes.

    --changed transfers annotations of the older text to the new task where their words are the same, and lists the
    others as stale. Run `khabar collect` first.
    """
    names = [name for name in annotators.replace(",", " ").split() if name]

    def run(agreed: bool) -> SendReport:
        return send(project_of(console), batch, dry_run=dry_run, progress=console.progress, changed=changed,
                    predict=predict, annotators=names, folder=console.folder, refresh=refresh, yes=agreed)  # fmt: skip

    return ask_first(run, agreed=yes)
