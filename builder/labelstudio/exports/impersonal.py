"""Annotations of an export without the persons in what was typed."""

from collections.abc import Iterable
from dataclasses import replace

from builder.annotation.persons import Roster
from builder.labelstudio.parse import ParsedAnnotations
from builder.labelstudio.remarks import names_of, without_persons


def impersonal(found: ParsedAnnotations, roster: Roster, given: Iterable[str]) -> ParsedAnnotations:
    """Take the accounts of the export, and the persons whom the user named, out of remarks and labels."""
    named = {name for person in given for name in names_of(person, person.partition("@")[0])}
    names = named.union(*(names_of(account.email) for account in roster.accounts.values()))
    kept = [without_persons(one, lambda: names, f"annotation {one.annotation_id}") for one in found.judgements]
    issues = (*found.issues, *(issue for one in kept for issue in one.issues))
    return replace(found, judgements=tuple(one.judgement for one in kept), issues=issues)
