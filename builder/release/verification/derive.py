"""Every check of a release that needs nothing but its files."""

from collections.abc import Iterator

from builder.release.exports.conll import edition_files
from builder.release.verification import files
from builder.release.verification.card import card
from builder.release.verification.content import Content
from builder.release.verification.exports import exports
from builder.release.verification.facts import facts
from builder.release.verification.result import Check, guarded
from builder.release.verification.rows import alike, derived
from builder.release.verification.tags import TagCounts

REST_ON_ROWS = ("card", "leaks", "facts", "exports")
"""Names of the checks that rows which contradict each other make impossible."""

CONTRADICTORY = "the rows contradict each other"


def derive_again(content: Content) -> Iterator[Check]:
    """Derive everything that follows from the rows of a release, and compare it with what the release holds.

    The checks that load_dataset waits for come first: rows, columns and card. Rows that no CoNLL file can be made of
    are an error before any check.
    """
    counted = TagCounts()
    found = [guarded("rows", files.rows, content), guarded("columns", lambda one: derived(one, counted), content)]
    if any(check.state == "failed" for check in found):
        yield from found
        yield from (Check(name, "not possible", CONTRADICTORY) for name in REST_ON_ROWS)
        return
    flat = edition_files(content.release.edition, content.tables["entities"], content.names.entities)
    yield from found
    yield guarded("card", lambda one: card(one, is_whole=True), content)
    yield guarded("leaks", alike, content)
    yield guarded("facts", lambda one: facts(one, flat, counted), content)
    yield guarded("exports", lambda one: exports(one, flat), content)
