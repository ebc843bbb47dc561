"""Every check of a release that needs nothing but its files, with gold and agreement from its annotations."""

from collections.abc import Iterator

from builder.project.recompute.agreement import recompute_agreement
from builder.project.recompute.gold import recompute_gold
from builder.release.verification.content import Content
from builder.release.verification.derive import CONTRADICTORY, derive_again
from builder.release.verification.result import Check, guarded


def recompute_release(content: Content) -> Iterator[Check]:
    """Derive everything that follows from the rows of a release, with the gold and the agreement of its annotations.

    The checks that load_dataset waits for come first: rows, columns and card.
    """
    is_sound = True
    for check in derive_again(content):
        is_sound &= check.name not in ("rows", "columns") or check.state != "failed"
        yield check
    if is_sound:
        yield guarded("gold", recompute_gold, content)
        yield guarded("agreement", recompute_agreement, content)
    else:
        yield from (Check(name, "not possible", CONTRADICTORY) for name in ("gold", "agreement"))
