"""Proposals of boilerplate rules, each with what speaks for it and against it. Nothing is applied unseen."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from builder.corpus.cleaning.counts import Counts
from builder.corpus.cleaning.evidence import LABEL_RARER, RARER, is_formula
from builder.corpus.cleaning.matching.examples import check_examples
from builder.corpus.cleaning.matching.rules import Rules, every_rule
from builder.corpus.cleaning.suggest.counterexamples import Against, against
from builder.corpus.cleaning.suggest.counting import RESTS, Candidate, Name, blocks, collect, frequent
from builder.corpus.cleaning.suggest.patterns import longest_of, pattern_of, takes_of
from builder.corpus.cleaning.suggest.sightings import read_pages
from builder.records import Document
from builder.schema.boilerplate import Boilerplate, LineRule
from builder.text.profiles import Profile

MIN_DOCUMENTS = 5
"""Fewest documents of a proposal, unless another number is asked for."""

PRECISE = 0.5
"""Lowest estimated precision of a proposal."""

NEW = 0.5
"""Share of the lines that a rule takes which no proposal with more documents takes."""

NEARLY = 0.9
"""Share of the documents of some words from which on more words name the same thing."""

MANY, SHARE = 10, 0.002
"""Fewest documents, and share of the source's pages, of a label or a field."""

WORD_SHARE = 0.01
"""Share of the source's pages that show one word before or behind a changing rest: a rarer one may be a name."""

Z = 1.96
"""The normal quantile of a two-sided interval of 95 %."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One or more rules for something that recurs at the edges of a source's pages.

    `precision` is a lower bound of the share of pages with a match that have it at an edge (see `wilson`). It knows
    nothing of the meaning of a line; `warning` gives a reason why it may be article text all the same.
    """

    id: str
    source: str
    kind: str
    """A kind of sightings.Kind, or `block`: neighbouring lines, with one rule for each."""
    documents: int
    """Different pages that show it at an edge; pages that begin or end alike count once."""
    of: int
    """Different pages of the source."""
    share: float
    precision: float
    matching: int
    """Pages on which the rule matches any line, at an edge or not; for a block, of its worst rule."""
    inside: int
    """Those of them on which it matches a line that is not at an edge."""
    dropped: float | None
    """Share of its pages on which cleaning drops it by counts alone; None where no counts are known."""
    examples: tuple[str, ...]
    counter_examples: tuple[str, ...]
    """Lines and sentences inside texts that the rules would match, or else those that are most like them."""
    warning: str
    rules: tuple[LineRule, ...]


@dataclass(frozen=True, slots=True)
class _Ruled:
    """A candidate with its rule, and what inside texts speaks against it."""

    candidate: Candidate
    rule: LineRule
    against: Against

    @property
    def is_rare_inside(self) -> bool:
        """Whether so few pages have it inside their text as cleaning asks for: a tenth where the rest changes."""
        changes = self.candidate.kind in ("label", "opening", "ending", "suffix")
        return self.against.inside * (LABEL_RARER if changes else RARER) <= self.against.pages

    @property
    def precision(self) -> float:
        return wilson(self.against.pages - self.against.inside, self.against.pages)


def wilson(hits: int, trials: int) -> float:
    """Return the lower bound of Wilson's 95 % interval for a share (Wilson 1927), or 0 of no trials.

    >>> round(wilson(3, 3), 2), round(wilson(100, 100), 2), wilson(0, 0)
    (0.44, 0.96, 0.0)
    """
    if not trials:
        return 0.0
    share, square = hits / trials, Z * Z / trials
    width = Z * ((share * (1 - share) + square / 4) / trials) ** 0.5
    return float((share + square / 2 - width) / (1 + square))


def suggest_rules(
    read: Callable[[], Iterable[Document]],
    profile: Profile,
    rules: Rules,
    *,
    counts: Counts | None = None,
    min_documents: int = MIN_DOCUMENTS,
) -> list[Proposal]:
    """Propose rules for what recurs in at least `min_documents` documents of a source and no rule takes.

    `read` returns the documents; it is called three times, to count, to collect what recurs, and to search all lines for
    what the rules would match. `counts` are those that cleaning uses. Proposals are sorted by source, and within a
    source by documents, the most first.
    """
    known, pages = frequent(read_pages(read(), profile, rules), min_documents)
    if not known:
        return []
    candidates = collect(read_pages(read(), profile, rules), known, rules, counts)
    chosen = {
        name: one for name, one in candidates.items()
        if one.documents >= min_documents and _is_worth(one, pages[one.source])
    }  # fmt: skip
    ready = {name: rule for name, one in chosen.items() if (rule := _rule(one))}
    found = against(read_pages(read(), profile, rules), ready)
    ruled = [_Ruled(chosen[name], rule, found[name]) for name, rule in ready.items()]
    accepted = _accept([one for one in ruled if one.is_rare_inside and one.precision >= PRECISE], min_documents)
    taken = {rule.id for rule in every_rule(rules.boilerplate)}
    lines = [name for name, one in accepted.items() if one.candidate.kind == "line"]
    groups = [*blocks(candidates, lines)]
    grouped = {name for group in groups for name in group}
    groups += [[name] for name in accepted if name not in grouped]
    made = [_proposal([accepted[name] for name in group], pages, taken, counts) for group in groups]
    proposals = [one for one in made if one is not None]
    return sorted(proposals, key=lambda one: (one.source, -one.documents, one.id))


def _is_worth(one: Candidate, pages: int) -> bool:
    """Return whether a candidate names something that a rule could take: no line that leads to others, no common word."""
    if one.leading * 4 > one.seen:
        return False
    if one.kind == "line":
        return True
    words = re.findall(r"[^\W\d_]{2,}", one.text.replace("address", ""))
    if not words or (one.kind not in ("prefix", "suffix") and len(one.rests) < RESTS):
        return False
    if one.kind in ("label", "opening", "suffix") and "0" in one.text.split(" "):
        return False  # a date or a score
    if one.kind in ("label", "field"):
        return one.documents >= max(MANY, SHARE * pages)
    return len(words) > 1 or one.kind == "prefix" or one.documents >= WORD_SHARE * pages


def _rule(one: Candidate) -> LineRule | None:
    """Return a candidate's rule, with its own name and what it must match, or None if it does not match that."""
    pattern = pattern_of(one)
    side = "any" if takes_of(one) != "line" else "head" if one.heads == one.seen else "tail" if not one.heads else "any"
    rule = LineRule.model_validate({
        "id": "x", "match": pattern, "evidence": "hard", "max_length": longest_of(one, pattern), "position": side,
        "takes": takes_of(one), "examples": {"matches": one.examples, "leaves": ["x"]},
    })  # fmt: skip
    return None if _fails(rule) else rule


def _fails(rule: LineRule) -> bool:
    return bool(check_examples(Boilerplate(version=1, lines=(rule,))))


def _accept(ruled: Sequence[_Ruled], least: int) -> dict[Name, _Ruled]:
    """Return the rules that take at least `least` lines, and half of theirs, that none with more documents takes.

    Of rules with nearly the same number of documents the one with more words is taken.
    """
    order = sorted(ruled, key=lambda one: (-one.candidate.documents, -len(one.candidate.text), one.candidate.text))
    by_source: dict[str, list[_Ruled]] = {}
    for one in order:
        by_source.setdefault(one.candidate.source, []).append(one)
    accepted: dict[Name, _Ruled] = {}
    for mine in by_source.values():
        taken: set[tuple[int, int]] = set()
        for one in mine:
            fresh = len(one.against.places - taken)
            if fresh >= max(least, NEW * len(one.against.places)) and not any(_extends(other, one) for other in mine):
                accepted[one.candidate.source, one.candidate.kind, one.candidate.text] = one
                taken |= one.against.places
    return accepted


def _extends(longer: _Ruled, one: _Ruled) -> bool:
    """Return whether another rule has the words of this one and more, and nearly as many documents."""
    other, mine = longer.candidate, one.candidate
    if other.source != mine.source or other.kind != mine.kind or len(other.text) <= len(mine.text):
        return False
    has = other.text.endswith(f" {mine.text}") if mine.kind == "ending" else other.text.startswith(f"{mine.text} ")
    return has and mine.kind in ("opening", "ending", "suffix") and other.documents >= NEARLY * mine.documents


def _proposal(
    group: Sequence[_Ruled], pages: Mapping[str, int], taken: set[str], counts: Counts | None
) -> Proposal | None:
    """Make the proposal of one rule, or of a block; None if no line can be shown that a rule must leave."""
    first, worst = group[0].candidate, min(group, key=lambda one: one.precision)
    kind = "block" if len(group) > 1 else first.kind
    name = _id(first.source, kind, [one.candidate.text for one in group], taken)
    rules = [_final(one, name if len(group) == 1 else f"{name}-{k}") for k, one in enumerate(group, 1)]
    if any(rule is None for rule in rules):
        return None
    wrong = [line for one in group for line in one.against.wrong] or [
        line for one in group for line in one.against.near
    ]
    examples = first.examples if len(group) == 1 else ["\n".join(one.candidate.examples[0] for one in group)]
    seen = sum(one.candidate.seen for one in group)
    documents = min(one.candidate.documents for one in group)
    return Proposal(
        name, first.source, kind, documents, pages[first.source], documents / pages[first.source], worst.precision,
        worst.against.pages, worst.against.inside,
        None if counts is None else sum(one.candidate.dropped for one in group) / seen,
        tuple(examples), tuple(dict.fromkeys(wrong))[:3], _warning([one.candidate for one in group]),
        tuple(rule for rule in rules if rule is not None),
    )  # fmt: skip


def _final(one: _Ruled, name: str) -> LineRule | None:
    """Return a rule with its id and a line that it leaves: a counter-example, or else its example in guillemets."""
    example = one.candidate.examples[0]
    for leaves in (*one.against.near, f"«{example}»", f"كلمة «{example}» في الخبر.", "كلمة", "1"):
        examples = one.rule.examples.model_copy(update={"leaves": (leaves,)})
        rule = one.rule.model_copy(update={"id": name, "examples": examples})
        if not _fails(rule):
            return rule
    return None


def _warning(group: Sequence[Candidate]) -> str:
    for one in group:
        if 2 * sum(is_formula(folded) for folded in one.folded) > len(one.folded):
            return "has words of a closing formula, which writers repeat; it is probably article text"
        if 2 * one.sentences > one.seen:
            return "reads like a sentence; copies of one report, or a writer's habit, may repeat it"
    return ""


def _id(source: str, kind: str, texts: Sequence[str], taken: set[str]) -> str:
    """Return an id that is the same as long as the source shows the same thing: its name, the kind, and a hash.

    >>> _id("نسيم.example", "line", ["شارك"], set())
    'example-line-717a07'
    """
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", source)
    plain = re.sub(r"^[^A-Za-z]+", "", plain)[:16].strip("-_") or "source"
    digest = sha256("\n".join((source, kind, *texts)).encode("utf-8", "surrogatepass")).hexdigest()
    size = 6
    while any(name == (made := f"{plain}-{kind}-{digest[:size]}") or name.startswith(f"{made}-") for name in taken):
        size += 1
    made = f"{plain}-{kind}-{digest[:size]}"
    taken.add(made)
    return made
