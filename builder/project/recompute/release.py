"""Every check of a release that needs nothing but its files, with gold and agreement from its annotations."""

from builder.project.recompute.agreement import recompute_agreement
from builder.project.recompute.gold import recompute_gold
from builder.release.verification.content import Content
from builder.release.verification.derive import CONTRADICTORY, derive_again
from builder.release.verification.result import Check, guarded


def recompute_release(content: Content) -> list[Check]:
    """Derive everything that follows from the rows of a release, with the gold and the agreement of its annotations."""
    found = derive_again(content)
    if any(check.name in ("rows", "columns") and check.state == "failed" for check in found):
        return [*found, *(Check(name, "not possible", CONTRADICTORY) for name in ("gold", "agreement"))]
    return [*found, guarded("gold", recompute_gold, content), guarded("agreement", recompute_agreement, content)]
