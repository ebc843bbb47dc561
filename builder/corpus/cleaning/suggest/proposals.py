"""Proposals of boilerplate rules, each with its examples and counterexamples. `khabar schema suggest` applies only named ones."""

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
class _Trial:
    """A candidate with its rule, and the counterexamples inside texts."""

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
        name: candidate for name, candidate in candidates.items()
        if candidate.documents >= min_documents and _is_worth(candidate, pages[candidate.source])
    }  # fmt: skip
    ready = {name: rule for name, candidate in chosen.items() if (rule := _rule(candidate))}
    found = against(read_pages(read(), profile, rules), ready)
    trials = [_Trial(chosen[name], rule, found[name]) for name, rule in ready.items()]
    accepted = _accept(
        [trial for trial in trials if trial.is_rare_inside and trial.precision >= PRECISE], min_documents
    )
    taken = {rule.id for rule in every_rule(rules.boilerplate)}
    lines = [name for name, trial in accepted.items() if trial.candidate.kind == "line"]
    groups = [*blocks(candidates, lines)]
    grouped = {name for group in groups for name in group}
    groups += [[name] for name in accepted if name not in grouped]
    made = [_proposal([accepted[name] for name in group], pages, taken, counts) for group in groups]
    proposals = [proposal for proposal in made if proposal is not None]
    return sorted(proposals, key=lambda proposal: (proposal.source, -proposal.documents, proposal.id))


def _is_worth(candidate: Candidate, pages: int) -> bool:
    """Return whether a candidate names something that a rule could take: no line that leads to others, no common word."""
    if candidate.leading * 4 > candidate.seen:
        return False
    if candidate.kind == "line":
        return True
    words = re.findall(r"[^\W\d_]{2,}", candidate.text.replace("address", ""))
    if not words or (candidate.kind not in ("prefix", "suffix") and len(candidate.rests) < RESTS):
        return False
    if candidate.kind in ("label", "opening", "suffix") and "0" in candidate.text.split(" "):
        return False  # a date or a score
    if candidate.kind in ("label", "field"):
        return candidate.documents >= max(MANY, SHARE * pages)
    return len(words) > 1 or candidate.kind == "prefix" or candidate.documents >= WORD_SHARE * pages


def _rule(candidate: Candidate) -> LineRule | None:
    """Return a candidate's rule, with its own name and what it must match, or None if it does not match that."""
    pattern = pattern_of(candidate)
    rule = LineRule.model_validate({
        "id": "x", "match": pattern, "evidence": "hard", "max_length": longest_of(candidate, pattern), "position": _position(candidate),
        "takes": takes_of(candidate), "examples": {"matches": candidate.examples, "leaves": ["x"]},
    })  # fmt: skip
    return None if _fails(rule) else rule


def _position(candidate: Candidate) -> str:
    """Return the edge of pages at which a candidate was seen, or `any`."""
    if takes_of(candidate) == "line" and candidate.heads in (0, candidate.seen):
        return "head" if candidate.heads else "tail"
    return "any"


def _fails(rule: LineRule) -> bool:
    return bool(check_examples(Boilerplate(version=1, lines=(rule,))))


def _accept(trials: Sequence[_Trial], least: int) -> dict[Name, _Trial]:
    """Return the rules that take at least `least` lines, and half of theirs, that none with more documents takes.

    Of rules with nearly the same number of documents the one with more words is taken.
    """
    order = sorted(
        trials, key=lambda trial: (-trial.candidate.documents, -len(trial.candidate.text), trial.candidate.text)
    )
    by_source: dict[str, list[_Trial]] = {}
    for trial in order:
        by_source.setdefault(trial.candidate.source, []).append(trial)
    accepted: dict[Name, _Trial] = {}
    for mine in by_source.values():
        taken: set[tuple[int, int]] = set()
        for trial in mine:
            fresh = len(trial.against.places - taken)
            if fresh >= max(least, NEW * len(trial.against.places)) and not any(
                _extends(other, trial) for other in mine
            ):
                accepted[trial.candidate.source, trial.candidate.kind, trial.candidate.text] = trial
                taken |= trial.against.places
    return accepted


def _extends(longer: _Trial, shorter: _Trial) -> bool:
    """Return whether a rule has all words of a shorter one and nearly as many documents."""
    long, short = longer.candidate, shorter.candidate
    if long.source != short.source or long.kind != short.kind or len(long.text) <= len(short.text):
        return False
    has = long.text.endswith(f" {short.text}") if short.kind == "ending" else long.text.startswith(f"{short.text} ")
    return has and short.kind in ("opening", "ending", "suffix") and long.documents >= NEARLY * short.documents


def _proposal(
    group: Sequence[_Trial], pages: Mapping[str, int], taken: set[str], counts: Counts | None
) -> Proposal | None:
    """Make the proposal of one rule, or of a block; None if no line can be shown that a rule must leave."""
    first, worst = group[0].candidate, min(group, key=lambda trial: trial.precision)
    kind = "block" if len(group) > 1 else first.kind
    name = _id(first.source, kind, [trial.candidate.text for trial in group], taken)
    rules = [_final(trial, name if len(group) == 1 else f"{name}-{k}") for k, trial in enumerate(group, 1)]
    if any(rule is None for rule in rules):
        return None
    wrong = [line for trial in group for line in trial.against.wrong] or [
        line for trial in group for line in trial.against.near
    ]
    examples = first.examples if len(group) == 1 else ["\n".join(trial.candidate.examples[0] for trial in group)]
    seen = sum(trial.candidate.seen for trial in group)
    documents = min(trial.candidate.documents for trial in group)
    return Proposal(
        name, first.source, kind, documents, pages[first.source], documents / pages[first.source], worst.precision,
        worst.against.pages, worst.against.inside,
        None if counts is None else sum(trial.candidate.dropped for trial in group) / seen,
        tuple(examples), tuple(dict.fromkeys(wrong))[:3], _warning([trial.candidate for trial in group]),
        tuple(rule for rule in rules if rule is not None),
    )  # fmt: skip


def _final(trial: _Trial, name: str) -> LineRule | None:
    """Return a rule with its id and a line that it leaves: a counter-example, or else its example in guillemets."""
    example = trial.candidate.examples[0]
    for leaves in (*trial.against.near, f"«{example}»", f"كلمة «{example}» في الخبر.", "كلمة", "1"):
        examples = trial.rule.examples.model_copy(update={"leaves": (leaves,)})
        rule = trial.rule.model_copy(update={"id": name, "examples": examples})
        if not _fails(rule):
            return rule
    return None


def _warning(group: Sequence[Candidate]) -> str:
    for candidate in group:
        if 2 * sum(is_formula(folded) for folded in candidate.folded) > len(candidate.folded):
            return "has words of a closing formula, which writers repeat; it is probably article text"
        if 2 * candidate.sentences > candidate.seen:
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
