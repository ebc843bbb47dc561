"""Every check of a release that needs nothing but its files."""

from builder.release.exports.conll import edition_files
from builder.release.verification import files
from builder.release.verification.card import card
from builder.release.verification.content import Content
from builder.release.verification.exports import exports
from builder.release.verification.facts import facts
from builder.release.verification.result import Check, guarded
from builder.release.verification.rows import alike, derived
from builder.release.verification.tags import TagCounts

REST_ON_ROWS = ("leaks", "facts", "card", "exports")
"""Names of the checks that rows which contradict each other make impossible."""

CONTRADICTORY = "the rows contradict each other"


def derive_again(content: Content) -> list[Check]:
    """Derive everything that follows from the rows of a release, and compare it with what the release holds."""
    counted = TagCounts()
    found = [guarded("rows", files.rows, content), guarded("columns", lambda one: derived(one, counted), content)]
    if any(check.state == "failed" for check in found):
        return [*found, *(Check(name, "not possible", CONTRADICTORY) for name in REST_ON_ROWS)]
    flat = edition_files(content.release.edition, content.tables["entities"], content.names.entities)
    return [
        *found,
        guarded("leaks", alike, content),
        guarded("facts", lambda one: facts(one, flat, counted), content),
        guarded("card", lambda one: card(one, is_whole=True), content),
        guarded("exports", lambda one: exports(one, flat), content),
    ]
