"""Annotations of exports as they name their people: by number, by e-mail, by organisation, or not at all."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from builder.annotation.persons import Account
from builder.labelstudio.payloads import MAX_RESULTS, Id, Shape, Word


def _number(value: object) -> object:
    """Return digits in a string as a number; some exports quote ids."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19 else value


Number = Annotated[Id, BeforeValidator(_number)]
"""An id, or its digits in a string."""


class Person(Shape):
    """An annotator, if the export has more than a number."""

    id: Number | None = None
    email: Word | None = None
    organization: Any = None
    active_organization: Any = None


class Annotation(Shape):
    """One annotation of an export; `completed_by` is None if the account was deleted or is not kept."""

    id: Number
    completed_by: Number | Person | Word | None = None
    result: Annotated[list[Any], Field(max_length=MAX_RESULTS)]
    was_cancelled: bool = False
    lead_time: float | None = None
    created_at: Word | None = None
    updated_at: Word | None = None


def place_of(task: Mapping[str, Any]) -> str:
    """Return the lasting id of the project or organisation that a task names, or "" if it names none.

    A bare project number is none: every new server has a project 1.
    """
    project = task.get("project")
    nested = project if isinstance(project, dict) else {}
    uid = next((uid for uid in (task.get("project_uid"), nested.get("uid")) if isinstance(uid, str) and uid), None)
    return f"project {uid[:200]}" if uid else _organisation(task.get("organization") or nested.get("organization"))


def _organisation(given: object) -> str:
    number = given.get("id") if isinstance(given, dict) else given
    return f"organisation {number}" if isinstance(number, int | str) and number and len(str(number)) <= 200 else ""


def account_of(completed_by: int | str | Person | None, place: str) -> Account:
    """Return the account that an annotation names."""
    if isinstance(completed_by, Person):
        own = _organisation(completed_by.organization or completed_by.active_organization)
        return Account(place or own, completed_by.id, completed_by.email or "")
    if isinstance(completed_by, str):
        return Account(place, None, completed_by)
    return Account(place, completed_by)
