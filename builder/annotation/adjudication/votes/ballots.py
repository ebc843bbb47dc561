"""The vote on a pair of edges that annotators gave several labels. No tie is broken at random."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations


@dataclass(frozen=True, slots=True)
class Outcome:
    """The labels that won, the votes of each label, and whether the edges are in dispute."""

    won: frozenset[str]
    counts: Mapping[str, int]
    is_open: bool


@dataclass(frozen=True, slots=True)
class Ballot:
    """The labels that annotators gave the edges, by their judgements, and how many annotators vote on them."""

    answers: Mapping[int, set[str]]
    voters: int


def method_of(votes: int | None) -> str:
    """Return the name of the method by which `votes` votes settle a question."""
    return f"{votes} votes" if votes else "majority"


def vote(ballot: Ballot, votes: int | None) -> Outcome:
    """Settle one question by `votes` votes. Without a number, more than half of the voters settle it."""
    voters = ballot.voters
    need = votes or voters // 2 + 1
    counts = Counter(label for chosen in ballot.answers.values() for label in chosen)
    ahead = {label for label, count in counts.items() if count >= need}
    rivals = {label for pair in combinations(ahead, 2) if not _together(ballot, pair) for label in pair}
    won = ahead - rivals
    undecided = any(count < need and voters - count < need for count in counts.values())
    unnamed = not won and voters - len(ballot.answers) < need
    return Outcome(frozenset(won), counts, bool(rivals) or undecided or unnamed)


def _together(ballot: Ballot, pair: Iterable[str]) -> bool:
    """Return whether any annotator gave both labels of a pair."""
    return any({*pair} <= chosen for chosen in ballot.answers.values())
