"""Simulated annotators for the demonstration, seeded, and never presented as people. Pure.

Every choice is drawn from a hash, so answers are the same on every machine. Only the given surface forms and
phrases are recognised.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from builder.annotation.questions import targets_for
from builder.io.yaml import parse_yaml
from builder.records import Article, Span, Stance
from builder.schema.fields import Part
from builder.schema.labels import Labels
from builder.text.profiles import profile
from builder.text.tokens import canonical_span

CONFUSED = {
    "GPE": ("LOC", "FAC"), "LOC": ("GPE", "FAC"), "FAC": ("LOC", "GPE"), "ORG": ("GPE",), "NORP": ("GPE",), "OCC": ("PERS",),
}  # fmt: skip
"""Entity types that simulated annotators confuse."""

HARD = 0.35
"""Share of hard stance questions, on which a simulated annotator softens the answer half of the time."""

_CLITICS = "(?:[وف]?[بلك]|[وف])?"


class _Phrase(Part):
    phrase: str
    values: dict[str, str]


class _Simulation(Part):
    mentions: dict[str, tuple[str, ...]]
    stances: tuple[_Phrase, ...]


@dataclass(frozen=True, slots=True)
class Knowledge:
    """The answers known for the invented articles: surface forms by label, and phrases with the stances they imply."""

    mentions: dict[str, tuple[str, ...]]
    stances: tuple[tuple[str, dict[str, str]], ...]


@dataclass(frozen=True, slots=True)
class SimulatedAnswer:
    """One simulated annotator's submission for one article, with the time it took."""

    spans: tuple[Span, ...]
    stances: tuple[Stance, ...]
    seconds: float
    skipped: bool


@dataclass(frozen=True, slots=True)
class _Habits:
    """The random habits of one annotator on one article."""

    seed: int
    annotator: int
    article_id: str

    def draw(self, question: str, of: Span | Stance | None = None) -> float:
        """Draw a number in [0, 1) for a question, about a span or stance if one is given."""
        about = (of.start, of.end, of.label) if isinstance(of, Span) else (of.target,) if of else ()
        return _draw(self.seed, self.annotator, self.article_id, question, *about)

    @property
    def misses(self) -> float:
        """The share of mentions this annotator overlooks, between 0.05 and 0.12, the same in every article."""
        return 0.05 + 0.07 * _draw(self.seed, self.annotator, "misses")


def parse_knowledge(text: str) -> Knowledge:
    """Parse the content of examples/simulation.yaml.

    Raises KhabarError (exit code 2) with every fault at file:line:column.
    """
    parsed = parse_yaml(text, _Simulation, "examples/simulation.yaml")
    return Knowledge(parsed.mentions, tuple((stance.phrase, stance.values) for stance in parsed.stances))


def truth(article: Article, knowledge: Knowledge, labels: Labels) -> tuple[tuple[Span, ...], tuple[Stance, ...]]:
    """Return every known mention in an article as whole words, and its stance on each target it is asked about.

    Mentions of one label do not overlap; of several that begin together the longest counts. Without a known phrase
    the stance is neutral, or the first value of labels.yaml if there is no neutral.
    """
    text = profile("standard@1").apply(article.text)
    spans: set[Span] = set()
    for label, surfaces in knowledge.mentions.items():
        if label not in labels.entity_names or not surfaces:
            continue
        for match in _pattern([_plain(surface) for surface in surfaces]).finditer(text.text):
            edges = canonical_span(article.text, *text.raw_span(*match.span()))
            spans |= {Span(*edges, label)} if edges else set()
    body = f"{_plain(article.title or '')}\n{text.text}"
    known: dict[str, str] = {}
    for phrase, values in knowledge.stances:
        if _plain(phrase) in body:
            known = values | known
    names = [value.name for value in labels.stances.values] if labels.stances else []
    usual = "neutral" if "neutral" in names else "".join(names[:1])
    stances = (Stance(target.id, known.get(target.id, usual)) for target in targets_for(article, labels))
    return tuple(sorted(spans)), tuple(sorted(stances))


def simulate_answer(
    article: Article, knowledge: Knowledge, labels: Labels, annotator: int, seed: int
) -> SimulatedAnswer:
    """Return what annotator number `annotator` (from 0) submits: the true answers with typical mistakes.

    Some mentions are overlooked, nested ones more often. Some types are confused, some spans include titles or
    punctuation, and some stances are softened. Every third annotator occasionally skips an article.
    """
    habits = _Habits(seed, annotator, article.id)
    spans, stances = truth(article, knowledge, labels)
    seconds = round(45 + 6 * len(spans) + 90 * habits.draw("seconds"), 1)
    if annotator % 3 == 2 and habits.draw("skips") < 0.06:
        return SimulatedAnswer((), (), seconds, skipped=True)
    marked = {_seen(span, spans, article.text, labels, habits) for span in spans if not _missed(span, spans, habits)}
    chosen = tuple(_felt(stance, labels, habits) for stance in stances)
    return SimulatedAnswer(tuple(sorted(marked)), chosen, seconds, skipped=False)


@cache
def _plain(text: str) -> str:
    return profile("standard@1").apply(text).text


def _draw(*question: object) -> float:
    """Return a number in [0, 1) from the hash of a question."""
    digest = hashlib.sha256("\0".join(map(str, question)).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _pattern(surfaces: Sequence[str]) -> re.Pattern[str]:
    """Return a pattern of the surface forms as whole words with proclitics. After li- the article loses its alef."""
    longest = sorted(set(surfaces), key=lambda surface: (-len(surface), surface))
    after_li = [f"[وف]?لل{re.escape(surface[2:])}" for surface in longest if surface.startswith("ال")]
    plain = [f"{_CLITICS}{re.escape(surface)}" for surface in longest]
    return re.compile(rf"(?<!\w)(?:{'|'.join([*plain, *after_li])})(?!\w)")


def _missed(span: Span, spans: Sequence[Span], habits: _Habits) -> bool:
    """Return whether the annotator overlooks a mention."""
    nested = any(o != span and o.start <= span.start and span.end <= o.end for o in spans)
    return habits.draw("misses", span) < (0.3 if nested else habits.misses)


def _seen(span: Span, spans: Sequence[Span], text: str, labels: Labels, habits: _Habits) -> Span:
    """Return a mention as this annotator marks it, which is mostly correct."""
    others = [name for name in CONFUSED.get(span.label, ()) if name in labels.entity_names]
    if others and habits.draw("confuses", span) < 0.04:
        return replace(span, label=others[int(habits.draw("for", span) * len(others))])
    title = [s for s in spans if s.label == "OCC" and s.end + 1 == span.start and text[s.end] == " "]
    if span.label == "PERS" and title and habits.draw("title", span) < 0.2:
        return replace(span, start=title[0].start)
    slip = habits.draw("edge", span)
    if slip < 0.03 and text[span.end : span.end + 1] in {"،", ".", "»", "؛", ":", " "}:
        return replace(span, end=span.end + 1)
    if slip < 0.06 and span.start and text[span.start - 1] in {"«", "(", '"'}:
        return replace(span, start=span.start - 1)
    return span


def _felt(stance: Stance, labels: Labels, habits: _Habits) -> Stance:
    """Return a stance as this annotator answers it: sometimes softened, more often on hard questions."""
    hard = _draw(habits.seed, habits.article_id, "hard", stance.target) < HARD
    if habits.draw("softens", stance) >= (0.5 if hard else 0.05):
        return stance
    names = [value.name for value in labels.stances.values] if labels.stances else []
    softer = [name for name in ("neutral", "unclear") if name in names and name != stance.value]
    return replace(stance, value=softer[int(habits.draw("to", stance) * len(softer))]) if softer else stance
