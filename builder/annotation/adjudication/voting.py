"""The vote on one question. No tie is broken at random."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from builder.annotation.adjudication.decisions import NONE
from builder.records import Confidence, Dispute, Vote


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of the vote on one question: winning answers with their confidence, all votes, any dispute."""

    won: tuple[Confidence, ...]
    votes: tuple[Vote, ...]
    dispute: Dispute | None
    unanimous: bool
    modelled: bool = False


@dataclass(frozen=True, slots=True)
class Ballot:
    """The answers of an article's annotators to one question. `names` also lists those who did not answer."""

    article_id: str
    what: str
    answers: Mapping[str, set[str]]
    names: tuple[str, ...]

    def dispute(self) -> Dispute:
        """Return the question as a dispute, with each annotator's answer."""
        shown = {name: "+".join(sorted(self.answers.get(name, ()))) or NONE for name in self.names}
        return Dispute(self.article_id, self.what, shown)


def needed(voters: int, votes: int | None) -> int:
    """Return how many of the voters settle a question: `votes`, or more than half if that is None."""
    return votes or voters // 2 + 1


def method_of(votes: int | None) -> str:
    """Return the name of the method by which `votes` votes settle a question."""
    return f"{votes} votes" if votes else "majority"


def vote(ballot: Ballot, voters: int, votes: int | None) -> Outcome:
    """Settle one question among `voters` annotators by `votes` votes, or by more than half if that is None."""
    need = needed(voters, votes)
    counts = Counter(label for chosen in ballot.answers.values() for label in chosen)
    ahead = {label for label, count in counts.items() if count >= need}
    rivals = {label for pair in combinations(ahead, 2) if not _together(ballot, pair) for label in pair}
    won = sorted(ahead - rivals)
    undecided = any(count < need and voters - count < need for count in counts.values())
    unnamed = not won and voters - len(ballot.answers) < need
    tied = bool(rivals) or undecided or unnamed
    return Outcome(
        won=tuple(Confidence(ballot.what, label, method_of(votes), counts[label] / voters) for label in won),
        votes=tuple(Vote(ballot.what, label, count) for label, count in sorted(counts.items())),
        dispute=ballot.dispute() if tied else None,
        unanimous=not tied and all(count == voters for count in counts.values()),
    )


def _together(ballot: Ballot, pair: Iterable[str]) -> bool:
    """Return whether any annotator gave both labels of a pair."""
    return any({*pair} <= chosen for chosen in ballot.answers.values())
