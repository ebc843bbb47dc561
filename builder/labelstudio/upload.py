"""Upload of a batch: the Label Studio projects it goes to, their tasks, and the annotators of each.

It asks servers about accounts and earlier texts; studio.py sends the tasks of one project. E-mails are only printed
for the person who sends, and never written to disk.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from builder.annotation.preannotate import Predicted
from builder.annotation.pseudonyms import pseudonym
from builder.annotation.questions import known_answers
from builder.annotation.transfer import TransferredJudgements
from builder.labelstudio import earlier
from builder.labelstudio.api.connection import Connection
from builder.labelstudio.api.projects import ProjectMark, find_project
from builder.labelstudio.client import (
    PAGE,
    Sent,
    retry_while_unavailable,
    send,
    show_predictions,
    translate_errors,
)
from builder.labelstudio.config import guide_html, render_config, slots_in
from builder.labelstudio.earlier import Earlier, with_annotations
from builder.labelstudio.server.install import OWNER
from builder.labelstudio.server.process import new_credentials
from builder.labelstudio.tasks import key_of, task_of, with_predictions
from builder.records import (
    GOLD,
    Article,
    BatchItem,
    Dropped,
    Issue,
    Notify,
    Prediction,
    StageCounts,
    count_by_reason,
    user_error,
)
from builder.schema.loading import Schema


@dataclass(frozen=True, slots=True)
class AnnotatorProject:
    """A Label Studio project that tasks are sent to: one annotator's, or everybody's if `annotator` is empty."""

    connection: Connection
    wanted: ProjectMark
    annotator: str = ""
    email: str = field(default="", repr=False)


def annotator_projects(
    connections: Sequence[tuple[str, Connection]],
    schema: Schema,
    mark: Callable[[str], ProjectMark],
    key: bytes,
    names: Sequence[str] = (),
    recorded: Iterable[str] = (),
) -> list[AnnotatorProject]:
    """Return the projects that a batch is sent to, according to `assignment`.

    `connections` are pairs of a pseudonym (empty if not `isolated`) and a server; `mark` tells the project of a
    pseudonym from others. With `separate`, the annotators are those in `names`, or all accounts of khabar's own server except
    its owner, plus those `recorded` as having tasks already.
    Raises KhabarError if `names` do not fit the assignment, an account does not exist, or there are no annotators.
    """
    mode = schema.dataset.assignment
    if names and mode != "separate":
        raise user_error(
            "annotators",
            f"--annotators requires assignment: separate, but the project uses {mode}",
            fix="omit --annotators, or change assignment in schema/dataset.yaml",
        )
    if mode == "pool":
        return [AnnotatorProject(connection, mark("")) for _, connection in connections]
    if mode == "isolated":
        known = {who: emails_by_name(connection, key).get(who, "") for who, connection in connections}
        return [AnnotatorProject(connection, mark(who), who, known[who]) for who, connection in connections]
    ((_, connection),) = connections
    emails = emails_by_name(connection, key)
    wanted = {pseudonym(key, email): email for email, _ in new_credentials(names)}
    absent = [wanted[who] for who in wanted if who not in emails]
    if absent:
        raise user_error(
            "annotators",
            f"Label Studio at {connection.url} has no account for {', '.join(absent)}",
            fix="create it with `khabar studio invite NAME`, or send them your server's invitation link",
        )
    if not wanted and pseudonym(key, OWNER) in emails:
        wanted = {who: email for who, email in emails.items() if email != OWNER}
    roster = sorted({*wanted, *recorded})
    if not roster:
        raise user_error(
            "annotators",
            f"cannot tell which accounts at {connection.url} are annotators",
            fix="pass --annotators leila@example.org,omar@example.org",
        )
    return [AnnotatorProject(connection, mark(who), who, emails.get(who, "")) for who in roster]


def emails_by_name(connection: Connection, key: bytes) -> dict[str, str]:
    """Return the e-mails of a server's accounts by pseudonym."""
    with translate_errors(connection.url):
        users = connection.client.users.list()
    return {pseudonym(key, str(user.email)): str(user.email) for user in users}


def existing_texts(
    destinations: Iterable[AnnotatorProject], articles: Mapping[str, Article]
) -> dict[tuple[str, str], str]:
    """Return the texts of the existing tasks of some articles on the servers, by article id and text hash."""
    texts: dict[tuple[str, str], str] = {}
    for destination in destinations if articles else ():
        with translate_errors(destination.connection.url):
            number = find_project(destination.connection, destination.wanted)
            if number is None:
                continue
            listing = destination.connection.client.tasks.list(
                project=number, fields="task_only", include="id,data", page_size=PAGE
            )
            for task in listing:
                key = key_of(task.data)
                if key and key[0] in articles and isinstance(text := task.data.get("text"), str):
                    texts[key] = text
    return texts


@dataclass(frozen=True, slots=True)
class Upload:
    """The tasks to send to one project, in annotation order, and the origin of the predictions to show on the page."""

    desk: AnnotatorProject
    tasks: tuple[dict[str, Any], ...]
    shown: str
    slots: int = 0
    """Places for stance questions on the project's page, if it exists."""
    judged: frozenset[tuple[str, str]] = frozenset()
    """Keys of the tasks that are not created, because they have been judged; some may exist."""


@dataclass(frozen=True, slots=True)
class UploadInputs:
    """Inputs of the tasks: articles by id, source names by document id, batch items by article id, and predictions."""

    schema: Schema
    articles: Mapping[str, Article]
    sources: Mapping[str, str]
    items: Mapping[str, BatchItem]
    predicted: Predicted | None = None
    carried: Mapping[tuple[str, str], Prediction] = field(default_factory=dict)
    """Transferred annotations by article and annotator. In a project of their own, annotators see only their own."""
    published: Mapping[tuple[str, str], Prediction] = field(default_factory=dict)
    """Annotations of a reopened release by article and annotator or GOLD.

    In a project of their own, annotators see their own and the gold.
    """
    judged: Earlier = field(default_factory=dict)
    """The latest judgement of each annotator of a text in this batch."""
    emails: Mapping[str, str] = field(default_factory=dict, repr=False)
    """E-mails of the accounts of a pool's server, by the pseudonym in use."""


def existing_slots(destination: AnnotatorProject) -> int:
    """Return the number of places for stance questions on a project's page, or 0 if there is no such project."""
    with translate_errors(destination.connection.url):
        number = find_project(destination.connection, destination.wanted)
        projects = destination.connection.client.projects
        return slots_in(projects.get(id=number).label_config or "") if number is not None else 0


def build_upload(
    destination: AnnotatorProject, article_ids: Iterable[str], material: UploadInputs, slots: int = 0
) -> Upload:
    """Build the tasks of some articles for one project, with their predictions.

    Each has at least so many places for stance questions.

    Transferred annotations, and those of a reopened release, are shown on the page only in a project of one annotator,
    because in a pool they would reveal other annotators' work.
    """
    guide = guide_html(material.schema.guidelines, material.schema.guideline_version)
    predicted, tasks, published, carried = material.predicted, [], material.published, material.carried
    annotator = destination.annotator
    carriers = {annotator} if annotator else {who for _, who in carried}
    publishers = {annotator, GOLD} if annotator else {who for _, who in published}
    chosen = list(article_ids)
    for article_id in chosen:
        article = material.articles[article_id]
        predictions = [carried[article_id, who] for who in sorted(carriers) if (article_id, who) in carried]
        predictions += [published[article_id, who] for who in sorted(publishers) if (article_id, who) in published]
        if predicted and (own := predicted.of(article_id)):
            predictions.append(own)
        task = task_of(
            article, material.items[article_id], material.schema, material.sources[article.document_id], guide, slots
        )
        task = with_predictions(task, predictions)
        earlier_ones = () if annotator else material.judged.get((article_id, article.text_sha), ())
        labels = material.schema.labels
        judged = [replace(one, answers=known_answers(one.answers, labels)) for one in earlier_ones]
        tasks.append(with_annotations(task, judged, material.emails))
    has_carried = any(who == annotator for _, who in carried)
    released = next((version.origin for (_, who), version in published.items() if who == annotator), "")
    shown = predicted.origin if predicted else released or (annotator if has_carried else "")
    done = {one for one in chosen if _is_judged(annotator, one, material)}
    keys = frozenset((article_id, material.articles[article_id].text_sha) for article_id in done)
    return Upload(destination, tuple(tasks), shown, slots, keys)


def _is_judged(annotator: str, article_id: str, material: UploadInputs) -> bool:
    """Return whether an article need not be asked: judged by the project's annotator, or in a pool by `overlap` people."""
    judged = material.judged.get((article_id, material.articles[article_id].text_sha), ())
    people = {one.annotator for one in judged}
    return annotator in people if annotator else len(people) >= material.schema.dataset.overlap


def offered_again(results: Sequence["UploadResult"], material: UploadInputs) -> list[Issue]:
    """Return a warning if a pool may offer new tasks again to people who judged their articles before."""
    created = sum(result.sent.created for result in results if not result.parcel.desk.annotator)
    wanted = {
        (name, article.text_sha): material.judged.get((name, article.text_sha), ())
        for name, article in material.articles.items()
        if name in material.items and not _is_judged("", name, material)
    }
    return earlier.offered_again(created, wanted, material.emails)


@dataclass(frozen=True, slots=True)
class UploadResult:
    """Result of sending one parcel. `shown` is the origin of the predictions shown on the page, or empty."""

    parcel: Upload
    sent: Sent
    shown: str = ""


def upload(prepared: Upload, schema: Schema, *, progress: Notify, dry_run: bool) -> UploadResult:
    """Send the tasks of one project and choose the predictions shown on its page; raises KhabarError if the server fails."""
    destination, annotator = prepared.desk, prepared.desk.annotator
    sent = send(
        destination.connection,
        destination.wanted,
        render_config(schema.labels, prepared.slots),
        prepared.tasks,
        overlap=1 if annotator else schema.dataset.overlap,
        progress=(lambda message: progress(f"{annotator}: {message}")) if annotator else progress,
        dry_run=dry_run,
        judged=prepared.judged,
    )
    if dry_run or not sent.project_id:
        return UploadResult(prepared, sent)
    # An annotator's own earlier answers are only a default: they do not replace predictions shown already.
    instead = not (annotator and prepared.shown.startswith(annotator))
    shown = retry_while_unavailable(
        destination.connection.url,
        lambda: show_predictions(destination.connection, sent.project_id, prepared.shown, instead=instead),
        progress=progress,
    )
    return UploadResult(prepared, sent, shown)


def accounts(
    results: Sequence[UploadResult], moved: TransferredJudgements, predicted: Predicted | None
) -> tuple[tuple[StageCounts, ...], tuple[Dropped, ...]]:
    """Return the accounts of a send, and the spans that it set aside."""
    created = sum(result.sent.created for result in results)
    present = sum(result.sent.present for result in results)
    judged = sum(result.sent.judged for result in results)
    unit = "tasks" if any(result.parcel.desk.annotator for result in results) else "articles"
    aside = {why: number for why, number in (("already there", present), ("judged before", judged)) if number}
    totals = [StageCounts("send", unit, created + present + judged, created, aside)]
    if moved.taken:
        kept = moved.taken - len(moved.stale)
        totals.append(count_by_reason("send", "spans on older texts", moved.taken, kept, moved.stale))
    if predicted:
        spans = sum(map(len, predicted.spans.values()))
        taken = spans + len(predicted.set_aside)
        totals.append(count_by_reason("send", "predicted spans", taken, spans, predicted.set_aside))
        others = sum(len(said) for of in (predicted.stances, predicted.answers) for said in of.values())
        if others or predicted.unused:
            taken, unit = others + len(predicted.unused), "predicted stances and answers"
            totals.append(count_by_reason("send", unit, taken, others, predicted.unused))
    aside_of = (*predicted.set_aside, *predicted.unused) if predicted else ()
    return tuple(totals), (*moved.stale, *aside_of)
