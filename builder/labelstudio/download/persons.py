"""Whose an annotation is, as one server tells it: deleted accounts, and answers that another person changed.

A deleted account's annotations stay under the pseudonym that they had. Label Studio keeps the first person of an
annotation when somebody else changes it, and names the last one in `updated_by`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from builder.labelstudio.download.faults import DELETED, UNKNOWN
from builder.labelstudio.earlier import Key
from builder.labelstudio.parse import Pseudonym
from builder.labelstudio.remarks import without_persons
from builder.records import Issue, Judgement, LabelVersions


@dataclass(frozen=True, slots=True)
class Past:
    """State before a download: the judgements collected earlier, and the function that keys a server's name."""

    judgements: Sequence[Judgement] = ()
    origin: Callable[[str], str] = lambda _: ""
    versions: LabelVersions = field(default_factory=dict)
    """The known versions of labels.yaml, with the present names of what their pages showed."""


@dataclass(frozen=True, slots=True)
class Roster:
    """The people of one server.

    `emails` asks the server for the e-mails of its accounts by number. `known` are the judgements that were collected
    from it before, by annotation number. `origin` is its keyed name.
    """

    name: Pseudonym
    emails: Callable[[], Mapping[int, str]]
    known: Mapping[int, Judgement]
    origin: str = ""
    earlier: Mapping[Key, Judgement] = field(default_factory=dict)
    """The judgements collected before from any server, to recognise those that were imported."""
    versions: LabelVersions = field(default_factory=dict)
    names: Callable[[], Collection[str]] = tuple
    """Asks the server for the names of its accounts, which no remark may hold."""

    def whose(self, annotator: int | str) -> str:
        """Return the pseudonym of an e-mail or number; that of a deleted account was filled in by `with_persons`."""
        return annotator[1:] if isinstance(annotator, str) and annotator.startswith(FORMER) else self.name(annotator)


FORMER = "\N{NULL}"
"""Prefix of the pseudonym of a deleted account where an e-mail is expected. No e-mail begins with it."""


@dataclass(frozen=True, slots=True)
class TaskWithPersons:
    """A downloaded task with every account, who changed what, and a warning for each account that was deleted."""

    task: dict[str, Any]
    changers: Mapping[int, str]
    """The person who last changed each annotation: a pseudonym, empty for the annotator, absent if nobody knows."""
    issues: tuple[Issue, ...]


def with_persons(task: dict[str, Any], roster: Roster) -> TaskWithPersons:
    """Fill in the accounts of a downloaded task that were deleted."""
    annotations: list[dict[str, Any]] = []
    changers: dict[int, str] = {}
    issues: list[Issue] = []
    for plain in task["annotations"]:
        number, changer = int(plain["id"]), plain.get("updated_by")
        if plain.get("completed_by") is None:
            former, issue = _former(task["id"], number, roster)
            annotations.append(plain | {"completed_by": {"id": 0, "email": FORMER + former}})
            issues.append(issue)
        else:
            annotations.append(plain)
        if changer is not None:
            own = _number(changer) == _number(plain.get("completed_by"))
            changers[number] = "" if own else roster.name(_email(changer, roster))
    return TaskWithPersons(task | {"annotations": annotations}, changers, tuple(issues))


def with_origin(judgement: Judgement, changers: Mapping[int, str], roster: Roster) -> Judgement:
    """Return the judgement with its origin, and with the person who changed it last, if that is not its annotator.

    A save that left the answers as they were collected before, such as a mark as ground truth, is not a change.
    """
    before = roster.known.get(judgement.annotation_id)
    changer = changers.get(judgement.annotation_id)
    # Earlier versions of khabar, which know no origin, took changed answers without a word.
    if changer != "" and before and before.origin and _is_same(before, judgement, roster):
        changer = before.changed_by
    return replace(
        judgement, origin=roster.origin, changed_by="" if changer in (None, judgement.annotator) else changer
    )


def answers(judgement: Judgement) -> tuple[object, ...]:
    """Return what a judgement says, without its times, numbers and ids of spans."""
    spans = sorted((span.start, span.end, span.label) for span in judgement.spans)
    said = judgement.stances, judgement.answers, judgement.status, judgement.remark, len(judgement.relations)
    return judgement.article_id, judgement.text_sha, tuple(spans), *said


def _is_same(before: Judgement, judgement: Judgement, roster: Roster) -> bool:
    """Return whether a judgement says what it said before, also if that still named a person who is taken out now."""
    now = answers(judgement)
    return answers(before) == now or answers(without_persons(before, roster.names, "").judgement) == now


def _former(task: int, number: int, roster: Roster) -> tuple[str, Issue]:
    """Return the pseudonym of an annotation whose account was deleted, and the warning about it."""
    where = f"task {task}, annotation {number}"
    if before := roster.known.get(number):
        message = "its account was deleted in Label Studio; it stays under the pseudonym that it had"
        return before.annotator, Issue("warning", DELETED, message, where)
    message = "its account was deleted in Label Studio before it was collected; it counts as a person of its own"
    own = roster.name(f"deleted account of annotation {number}, {roster.origin}")
    return own, Issue("warning", UNKNOWN, message, where)


def _number(person: Any) -> int | None:
    """Return the number of a person as the server sends it: an object, a number, or None."""
    number = person.get("id") if isinstance(person, dict) else person
    return number if isinstance(number, int) else None


def _email(person: Any, roster: Roster) -> int | str:
    """Return the e-mail of a person, or the number of one without an e-mail."""
    number = _number(person) or 0
    known = person.get("email") if isinstance(person, dict) else roster.emails().get(number)
    return str(known) if known else number
