"""What the card says in words of how a dataset was made, for each way that dataset.yaml may name."""

import json
from functools import cache
from pathlib import Path

ASSIGNMENTS = {
    "pool": "Assignment `pool`: one project for all annotators; an article is offered to {overlap} of them. What is offered "
    "shows nothing of another's answers, but an annotator who opens the list of all tasks can see them: the annotators "
    "were blind as far as they kept to what was offered.",
    "separate": "Assignment `separate`: one project for each annotator on one server; an article is given to {overlap} of them, "
    "and {shared:.0%} of each batch to all. A project shows nothing of another's, but the server does not keep an "
    "annotator out of the projects of others: the annotators were blind as far as they kept to their own.",
    "isolated": "Assignment `isolated`: one server with its own data for each annotator; an article is given to {overlap} of them, "
    "and {shared:.0%} of each batch to all. No annotator could reach the answers of another.",
}
"""What is true of blindness on the free edition of Label Studio, which has no roles."""

SETTLED = {
    "majority": "a stance, where more than half of those who answered gave it.",
    "dawid-skene": "a stance, where the model of Dawid and Skene (1979), which weighs each annotator by the answers of "
    "all, gives it a probability of at least 0.9, though fewer may have given it.",
}
"""How a stance becomes gold, by adjudication.stance of dataset.yaml."""

STRATEGIES = {
    "random": "drawn by chance with a fixed seed, and shared out so that each split has its share of each source and stance",
    "by_time": "by time: the oldest articles are in `train`, the newest in `test`, and the borders stay between versions",
    "by_source": "by source: each source is in one split only",
    "by_target": "by target: each stance target is in one split only",
}
"""How groups found their split, by splits.strategy of dataset.yaml."""


@cache
def recall() -> str:
    """How many of the copies that were planted in an invented corpus the search finds, by how like they are.

    The figures are those that benchmarks/bulk.py measured last.
    """
    said = json.loads(Path(__file__).with_name("recall.json").read_text(encoding="utf-8"))
    articles = said.pop("articles")
    said.pop("seed")
    whole = min((edge for edge in said if all(said[e] == 1 for e in said if e >= edge)), default="1.00")
    parts = [f"{edge}: {said[edge]:.1%}" for edge in sorted(said) if edge < whole]
    least = f"from {whole} on all" if whole < "1.00" else ""
    return f"of copies planted in {articles:,} invented articles it finds, by Jaccard similarity, {', '.join([*parts, least])}"
