"""The card's wording for each option of dataset.yaml that says how a dataset was made."""

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
"""Assignment and blindness of annotators, by `assignment`; the free edition of Label Studio has no roles."""

SETTLED = {
    "majority": "a stance, where more than half of those who answered gave it.",
    "dawid-skene": "a stance, where the model of Dawid and Skene (1979), which weighs each annotator by the answers of "
    "all, gives it a probability of at least 0.9, though fewer may have given it.",
}
"""The rule by which a stance becomes gold, by `adjudication.stance`."""

STRATEGIES = {
    "random": "drawn by chance with a fixed seed, and shared out by source and stance",
    "by_time": "by time: the oldest to `train`, the newest to `test`, and the borders stay between versions",
    "by_source": "by source",
    "by_target": "by stance target",
}
"""The placement of groups in splits, by `splits.strategy`."""


@cache
def recall() -> str:
    """Return the measured recall of the near-duplicate search on a synthetic corpus, by Jaccard similarity, as text.

    The figures are from the last run of benchmarks/bulk.py.
    """
    measured = json.loads(Path(__file__).with_name("recall.json").read_text(encoding="utf-8"))
    articles = measured.pop("articles")
    measured.pop("seed")
    whole = min((edge for edge in measured if all(measured[e] == 1 for e in measured if e >= edge)), default="1.00")
    parts = [f"{edge}: {measured[edge]:.1%}" for edge in sorted(measured) if edge < whole]
    least = f"from {whole} on all" if whole < "1.00" else ""
    return f"of copies planted in {articles:,} invented articles it finds, by Jaccard similarity, {', '.join([*parts, least])}"
