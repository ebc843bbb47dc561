"""The votes on questions about whole articles.

The value that more than half of those who answered gave wins. Where a question takes several answers, each value is
voted on alone, and the question is disputed if any of its values is tied or if none wins.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import pyarrow as pa

from builder.annotation.adjudication.voting import Ballot, Outcome, vote
from builder.annotation.columns import Ints, items
from builder.records import Answer, question_of

Ticked = Mapping[str, Mapping[str, set[str]]]
"""What annotators answered to each question, by its id and then by annotator."""


def ticked(table: pa.Table, article: Ints, articles: int) -> list[Ticked]:
    """Return the answers to the questions of each article; `article` numbers those of the judgements."""
    found: list[dict[str, dict[str, set[str]]]] = [defaultdict(lambda: defaultdict(set)) for _ in range(articles)]
    whose, given = table["annotator"].to_pylist(), items(table, "answers")
    names = (given.values.field(name).to_pylist() for name in ("question", "value"))
    for row, question, value in zip(given.row.tolist(), *names, strict=True):
        found[article[row]][question][whose[row]].add(value)
    return [*found]


def question_outcomes(
    article_id: str, answers: Ticked, asked: Mapping[str, tuple[str, ...]], least: int
) -> list[Outcome]:
    """Return the outcome of the vote on each question that annotators were asked; `asked` names them.

    With fewer than `least` annotators it is disputed.
    """
    outcomes: list[Outcome] = []
    for question, voters in asked.items():
        given = answers.get(question, {})
        ballot = Ballot(article_id, f"question:{question}", {name: {*values} for name, values in given.items()}, voters)
        outcome = vote(ballot, len(given), None)
        if outcome.dispute or len(voters) < least:
            outcome = Outcome((), outcome.votes, ballot.dispute(), unanimous=False)
        outcomes.append(outcome)
    return outcomes


def settled_answers(outcomes: Sequence[Outcome], decided: Sequence[Answer]) -> tuple[Answer, ...]:
    """Return the answers of an article: those decided, and those voted on questions that were not decided."""
    closed = {answer.question for answer in decided}
    won = (Answer(question_of(sure.what) or "", sure.answer) for outcome in outcomes for sure in outcome.won)
    return tuple(sorted([*decided, *(answer for answer in won if answer.question not in closed)]))
