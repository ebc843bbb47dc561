"""Which Label Studio projects a batch goes to, with which tasks, and who works where.

Asks servers about accounts and earlier texts; what goes to one project is sent by studio.py. E-mails
are for the screen of whoever sends: nothing here writes them anywhere.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from builder.annotation.preannotate import Predicted
from builder.annotation.pseudonyms import pseudonym
from builder.annotation.transfer import Moved
from builder.labelstudio.client import PAGE, Connection, Sent, patiently, project_called, send, show, spoken
from builder.labelstudio.config import guide_html, render_config
from builder.labelstudio.server.install import OWNER
from builder.labelstudio.server.process import logins
from builder.labelstudio.tasks import key_of, task_of, with_predictions
from builder.records import (
    GOLD,
    AnnotatorAssignment,
    Article,
    BatchItem,
    Dropped,
    Notify,
    Prediction,
    StageCounts,
    count_by_reason,
    user_error,
)
from builder.schema import Schema


@dataclass(frozen=True, slots=True)
class Desk:
    """A Label Studio project that tasks go to: of one annotator, or of all where `annotator` is empty."""

    connection: Connection
    title: str
    annotator: str = ""
    email: str = field(default="", repr=False)


def desks(
    connections: Sequence[tuple[str, Connection]],
    schema: Schema,
    title: Callable[[str], str],
    key: bytes,
    names: Sequence[str] = (),
    recorded: Iterable[str] = (),
) -> list[Desk]:
    """Where the tasks of a batch go, as `assignment` says; `title` makes a project's title of a pseudonym.

    With `separate` the annotators are those named, or all accounts of khabar's own server but its owner; to them
    come those `recorded`, who have tasks already. Raises Refused.
    """
    mode = schema.dataset.assignment
    if names and mode != "separate":
        raise user_error(
            "annotators",
            f"--annotators goes with assignment: separate, but it is {mode}",
            fix="leave --annotators out, or change schema/dataset.yaml",
        )
    if mode == "pool":
        return [Desk(connection, title("")) for _, connection in connections]
    if mode == "isolated":
        known = {who: emails_by_name(connection, key).get(who, "") for who, connection in connections}
        return [Desk(connection, title(who), who, known[who]) for who, connection in connections]
    ((_, connection),) = connections
    emails = emails_by_name(connection, key)
    wanted = {pseudonym(key, email): email for email, _ in logins(names)}
    absent = [wanted[who] for who in wanted if who not in emails]
    if absent:
        raise user_error(
            "annotators",
            f"Label Studio at {connection.url} has no account of {', '.join(absent)}",
            fix="make one with `khabar studio invite NAME`, or send them your server's invitation",
        )
    if not wanted and pseudonym(key, OWNER) in emails:
        wanted = {who: email for who, email in emails.items() if email != OWNER}
    roster = sorted({*wanted, *recorded})
    if not roster:
        raise user_error(
            "annotators",
            f"who of the accounts at {connection.url} annotates?",
            fix="name them: --annotators leila@example.org,omar@example.org",
        )
    return [Desk(connection, title(who), who, emails.get(who, "")) for who in roster]


def emails_by_name(connection: Connection, key: bytes) -> dict[str, str]:
    """The e-mail of each account of a server, by pseudonym."""
    with spoken(connection.url):
        users = connection.client.users.list()
    return {pseudonym(key, str(user.email)): str(user.email) for user in users}


def texts_there(places: Iterable[Desk], articles: Mapping[str, Article]) -> dict[tuple[str, str], str]:
    """Texts that the tasks of some articles have on the servers, by article and hash."""
    found: dict[tuple[str, str], str] = {}
    for desk in places if articles else ():
        with spoken(desk.connection.url):
            number = project_called(desk.connection, desk.title)
            if number is None:
                continue
            listing = desk.connection.client.tasks.list(
                project=number, fields="task_only", include="id,data", page_size=PAGE
            )
            for task in listing:
                key = key_of(task.data)
                if key and key[0] in articles and isinstance(text := task.data.get("text"), str):
                    found[key] = text
    return found


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes to one desk: tasks in the order of work, and the origin of the predictions to show on the page."""

    desk: Desk
    tasks: tuple[dict[str, Any], ...]
    shown: str


@dataclass(frozen=True, slots=True)
class Material:
    """What tasks are made of: articles and their sources by id, items of the batch, and predictions."""

    schema: Schema
    articles: Mapping[str, Article]
    sources: Mapping[str, str]
    items: Mapping[str, BatchItem]
    predicted: Predicted | None = None
    carried: Mapping[tuple[str, str], Prediction] = field(default_factory=dict)
    """By article and annotator; where annotators have a desk each, they find their own and nobody else's."""
    published: Mapping[tuple[str, str], Prediction] = field(default_factory=dict)
    """What a reopened release says, by article and who says it; a desk of one's own has one's own and the gold."""


def parcel(desk: Desk, article_ids: Iterable[str], material: Material) -> Parcel:
    """The tasks of some articles for one desk, with their predictions.

    Carried judgements, and those of a reopened release, are shown where a desk is one annotator's: in a pool they
    would show others' work.
    """
    guide = guide_html(material.schema.guidelines, material.schema.guideline_version)
    own = {desk.annotator} if desk.annotator else {annotator for _, annotator in material.carried}
    predicted, made, published = material.predicted, [], material.published
    said = {desk.annotator, GOLD} if desk.annotator else {who for _, who in published}
    for article_id in article_ids:
        article = material.articles[article_id]
        predictions = [
            material.carried[article_id, who] for who in sorted(own) if (article_id, who) in material.carried
        ]
        predictions += [published[article_id, who] for who in sorted(said) if (article_id, who) in published]
        if predicted and article_id in predicted.spans:
            predictions.append(Prediction(predicted.origin, predicted.spans[article_id]))
        task = task_of(
            article, material.items[article_id], material.schema, material.sources[article.document_id], guide
        )
        made.append(with_predictions(task, predictions))
    carries = any(who == desk.annotator for _, who in material.carried)
    own_version = next((one.origin for (_, who), one in published.items() if who == desk.annotator), "")
    return Parcel(
        desk, tuple(made), predicted.origin if predicted else own_version or (desk.annotator if carries else "")
    )


@dataclass(frozen=True, slots=True)
class Delivered:
    """A parcel that was sent, and whose predictions annotators find on the page there: an origin, or nothing."""

    parcel: Parcel
    sent: Sent
    shown: str = ""


def deliver(one: Parcel, schema: Schema, *, progress: Notify, dry_run: bool) -> Delivered:
    """Send one parcel; raises Refused."""
    desk = one.desk
    sent = send(
        desk.connection,
        desk.title,
        render_config(schema.labels),
        one.tasks,
        overlap=1 if desk.annotator else schema.dataset.overlap,
        progress=(lambda said: progress(f"{desk.annotator}: {said}")) if desk.annotator else progress,
        dry_run=dry_run,
    )
    if dry_run or not sent.project_id:
        return Delivered(one, sent)
    instead = not (desk.annotator and one.shown.startswith(desk.annotator))
    shown = patiently(
        desk.connection.url,
        lambda: show(desk.connection, sent.project_id, one.shown, instead=instead),
        progress=progress,
    )
    return Delivered(one, sent, shown)


def accounts(
    delivered: Sequence[Delivered], moved: Moved, predicted: Predicted | None
) -> tuple[tuple[StageCounts, ...], tuple[Dropped, ...]]:
    """The accounts of a send, and what it set aside."""
    created, there = (sum(getattr(one.sent, name) for one in delivered) for name in ("created", "present"))
    unit = "tasks" if any(one.parcel.desk.annotator for one in delivered) else "articles"
    made = [StageCounts("send", unit, created + there, created, {"already there": there} if there else {})]
    if moved.taken:
        kept = moved.taken - len(moved.stale)
        made.append(count_by_reason("send", "spans on older texts", moved.taken, kept, moved.stale))
    if predicted:
        spans = sum(map(len, predicted.spans.values()))
        taken = spans + len(predicted.set_aside)
        made.append(count_by_reason("send", "predicted spans", taken, spans, predicted.set_aside))
    return tuple(made), (*moved.stale, *(predicted.set_aside if predicted else ()))


def facts(
    delivered: Sequence[Delivered],
    assigned: Sequence[AnnotatorAssignment],
    predicted: Predicted | None,
    *,
    dry_run: bool,
) -> dict[str, str]:
    """Where to annotate, for the screen only: this is the one place where e-mails stand."""
    said: dict[str, str] = {}
    if assigned:
        kinds = Counter({one.article_id: one.why for one in assigned}.values())
        said["assigned"] = ", ".join(f"{number} articles {why}" for why, number in sorted(kinds.items()))
    for one in delivered:
        desk, sent = one.parcel.desk, one.sent
        link = "would be created" if dry_run else f"{sent.url}/projects/{sent.project_id}/data?labeling=1"
        work = f"{len(one.parcel.tasks)} articles, {sent.created} of them new: {link}"
        said[desk.email or desk.annotator or "annotate at"] = work if desk.annotator else link
    if predicted:
        number = sum(map(bool, predicted.spans.values()))
        said["predictions"] = f"{predicted.origin}: for {number} articles, on new tasks only"
    shown = sorted({one.shown for one in delivered if one.shown})
    if shown:
        said["shown on the page"] = ", ".join(shown)
    return said
