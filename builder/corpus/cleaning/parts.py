"""Parts of lines that are not article text: what stands before a paragraph's first sentence, or behind its last."""

from collections.abc import Sequence
from dataclasses import replace

from builder.corpus.cleaning.decisions import LineDecision, line_offset
from builder.corpus.cleaning.evidence import Evidence, Part
from builder.corpus.cleaning.rules import Candidates


def without_parts(
    lines: Sequence[str], folded: Sequence[str], candidates: Sequence[Candidates], decisions: Sequence[LineDecision],
    evidence: Evidence,
) -> list[LineDecision]:  # fmt: skip
    """Cut what is not article text from the begin and from the end of lines; a line that is all cut is dropped.

    Where nothing would be left, nothing is cut.
    """
    made = [*decisions]
    body = [i for i, decision in enumerate(decisions) if decision.role == "body"]
    for i in body:
        parts = _ruled_parts(folded[i], candidates[i])
        if i == body[0] and (part := evidence.prefix(folded[i])):
            parts.append(part)
        if i == body[-1] and (part := evidence.suffix(folded[i])):
            parts.append(part)
        if parts:
            made[i] = _without(lines[i], folded[i], made[i], parts)
    return made if any(made[i].role == "body" for i in body) else [*decisions]


def _ruled_parts(line: str, candidates: Candidates) -> list[Part]:
    """Return the parts of a line that hard rules for parts take."""
    parts: list[Part] = []
    for ready in candidates.lines:
        if ready.rule.takes != "line" and ready.rule.evidence == "hard" and len(line) <= ready.longest:
            found = ready.search(line)
            if found and found.end() > found.start():
                parts.append(Part(found.start(), found.end(), ready.rule.id))
    return parts


def _without(line: str, folded: str, decision: LineDecision, parts: Sequence[Part]) -> LineDecision:
    """Return the decision on a body line without its parts: those at its begin are one, and those at its end."""
    heads = [part for part in parts if part.start == 0]
    tails = [part for part in parts if part.start > 0]
    cut: list[Part] = []
    if heads:
        longest = max(heads, key=lambda part: part.end)
        cut.append(Part(0, line_offset(line, folded, longest.end), longest.reason))
    if tails:
        longest = min(tails, key=lambda part: part.start)
        cut.append(Part(line_offset(line, folded, longest.start), len(line), longest.reason))
    low = cut[0].end if heads else 0
    high = cut[-1].start if tails else len(line)
    if not line[low:high].strip():
        return LineDecision("drop", decision.part, cut[0].reason)
    return replace(decision, cut=tuple(cut))
