"""Parts of lines that are not article text: what stands before a paragraph's first sentence, or behind its last."""

from collections.abc import Sequence
from dataclasses import replace

from builder.corpus.cleaning.decisions import LineDecision, Part, line_offset
from builder.corpus.cleaning.edges import END_MARKS, GRAM, LABEL, LONG, fields, mask, rest, suffix
from builder.corpus.cleaning.evidence import ALONE, AUTHOR, RARER, Evidence, is_formula, letters
from builder.corpus.cleaning.matching.rules import Candidates

SIGNATURE_SHARE = 0.3
"""Share of the source's pages that show a field at an edge, from which on it signs the prefix of a paragraph."""

PREFIX, SUFFIXED = "recurring-prefix", "recurring-suffix"
"""Reasons for a part of a line: it signs the source's paragraphs; it ends many of them."""


OPENING = frozenset('([«"“*')
"""Signs before a credit, as in (نسيم); it needs fewer sightings than bare words behind a sentence."""


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
        parts = _ruled_parts(folded[i], candidates[i]) if candidates[i].parts else []
        if i == body[0] and (part := _prefix(evidence, folded[i])):
            parts.append(part)
        if i == body[-1] and (part := _suffix(evidence, folded[i])):
            parts.append(part)
        if parts:
            made[i] = _without(lines[i], folded[i], made[i], parts)
    return made if any(made[i].role == "body" for i in body) else [*decisions]


def _ruled_parts(line: str, candidates: Candidates) -> list[Part]:
    """Return the parts of a line that hard rules for parts take."""
    parts: list[Part] = []
    for ready in candidates.parts:
        found = ready.search(line) if len(line) <= ready.longest else None
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


def _prefix(evidence: Evidence, line: str) -> Part | None:
    """Return the first words of a paragraph, up to a colon, that name the record's author or sign the source."""
    before, colon, _ = line[: LONG + 1].partition(":")
    if not colon or len(before) > LABEL:
        return None
    end = len(before) + 1
    if letters(before) == letters(evidence.author) != "":
        return Part(0, end, AUTHOR)
    if any(evidence.count("field", part) >= evidence.share(SIGNATURE_SHARE) for part in fields(before)):
        return Part(0, end, PREFIX)
    return None


def _suffix(evidence: Evidence, line: str) -> Part | None:
    """Return the last words of a page's last paragraph, behind a sentence's end, that end many of its source's."""
    if line[-1:] in END_MARKS or not evidence.pages():
        return None
    start = _recurring_suffix(evidence, line) or _recurring_rest(evidence, line)
    return Part(start, len(line), SUFFIXED) if start and not is_formula(line[start:]) else None


def _recurring_suffix(evidence: Evidence, line: str) -> int:
    """Return where GRAM or more words that recur begin, or 0."""
    shortest = suffix(line, GRAM[0])
    times = evidence.count("suffix", shortest) if shortest else 0
    if times < max(1, evidence.alone()) or times < RARER * evidence.count("inside suffix", shortest):
        return 0
    words = line.split(" ")
    for size in range(GRAM[1], GRAM[0] - 1, -1):
        if evidence.count("suffix", suffix(line, size)) >= evidence.alone():
            return _behind_a_sentence(line, len(line) - len(" ".join(words[-size:])))
    return 0


def _recurring_rest(evidence: Evidence, line: str) -> int:
    """Return where the few words behind the last sentence begin, if they recur, or 0."""
    start = rest(line)
    words = line[start:]
    masked = mask(words) if start else ""
    times = evidence.count("rest", masked) if masked else 0
    is_credit = words[:1] in OPENING or all(len(word) == 1 for word in words.split(" "))
    least = max(1, evidence.alone()) if is_credit else ALONE
    return start if times >= least and times >= RARER * evidence.count("inside rest", masked) else 0


def _behind_a_sentence(line: str, start: int) -> int:
    """Return where a suffix begins: at `start` or in the word before, which may be glued to it, behind an end mark; or 0.

    >>> _behind_a_sentence("انتهي العام.شارك الخبر", 17), _behind_a_sentence("انتهي العام شارك الخبر", 17)
    (12, 0)
    """
    glued = line[line.rfind(" ", 0, start - 1) + 1 : start].rstrip()
    mark = max(glued.rfind(mark) for mark in '.!؟…»"”')
    return start - 1 - len(glued) + mark + 1 + (mark == len(glued) - 1) if mark >= 0 else 0
