"""What an article is asked: stance targets, and the answers and keys of each question."""

from builder.records import Article
from builder.schema.labels import Labels, StanceTarget
from builder.text.profiles import profile

SLOTS = 5
"""Stance questions that the page has room for."""

UNUSED = "_unused"
"""The answer of a question that an article does not ask; it never leaves tasks.py."""

KEY_ROWS = ("qwert", "asdfg", "zxcvb", "yiop", "hjkl", "nm", "67890", "12345")
"""Neighbouring keys; without `u`, which Label Studio itself uses to unselect."""


def slots_of(labels: Labels) -> int:
    """How many stance questions the page has: never more than there are targets."""
    return min(SLOTS, len(labels.target_ids))


def stance_keys(labels: Labels) -> tuple[tuple[str, ...], ...]:
    """One row of neighbouring keys for each stance question, none of them an entity's key.

    A question gets fewer keys than it has answers only when the keyboard is used up.
    """
    taken = {entity.key for entity in labels.entities}
    rows = ["".join(key for key in row if key not in taken) for row in KEY_ROWS]
    wanted = len(labels.stances.values) if labels.stances else 0
    questions: list[tuple[str, ...]] = []
    for _ in range(slots_of(labels)):
        row = next((r for r in rows if len(r) >= wanted), None)
        keys = row[:wanted] if row else "".join(rows)[:wanted]
        questions.append(tuple(keys))
        rows = [r for r in ("".join(k for k in r if k not in keys) for r in rows if r != row) if r]
    return tuple(questions)


def targets_for(article: Article, labels: Labels) -> tuple[StanceTarget, ...]:
    """The targets that an article is asked about: one of their keywords is in its folded title or text.

    In the order of labels.yaml, at most as many as the page has room for.
    """
    if labels.stances is None:
        return ()
    fold = profile("standard@1").fold
    body = fold(f"{article.title or ''}\n{article.text}")
    asked = [target for target in labels.stances.targets if any(fold(word) in body for word in target.keywords)]
    return tuple(asked[: slots_of(labels)])
