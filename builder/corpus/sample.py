"""What to annotate next: one article of each near-duplicate group, spread over the sources.

Chance is a hash of the seed and the group's name, so that the choice does not depend on order
and an article that is added does not reshuffle the rest. Does not write the batch.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence

from builder.records import Account, Article, BatchItem, Group

MIN_CHARACTERS = 200
"""Code points; a shorter article has too little to annotate."""


def sample(
    articles: Sequence[Article],
    groups: Sequence[Group],
    sources: Mapping[str, str],
    batch: str,
    size: int,
    seed: int,
    taken: Collection[str],
) -> tuple[list[BatchItem], Account]:
    """At most `size` items, in the order of choosing, and the account of every article.

    `sources` names the source of each document id, `taken` the groups of earlier batches. The
    group's root stands for it, or the smallest id that is long enough.
    """
    group_of = {row.article_id: row.group_id for row in groups}
    reasons: Counter[str] = Counter()
    chosen: dict[str, Article] = {}
    for article in sorted(articles, key=lambda article: article.id):
        name = group_of[article.id]
        if len(article.text) < MIN_CHARACTERS:
            reasons["too short"] += 1
        elif name in taken:
            reasons["in an earlier batch"] += 1
        elif name in chosen:
            reasons["same group"] += 1
        else:
            chosen[name] = article
    by_source: dict[str, list[str]] = defaultdict(list)
    for name, article in chosen.items():
        by_source[sources[article.document_id]].append(name)
    picked = _in_turn(by_source, seed)[:size]
    reasons["not chosen"] += len(chosen) - len(picked)
    items = [
        BatchItem(batch, chosen[name].id, chosen[name].text_sha, name, sources[chosen[name].document_id])
        for name in picked
    ]
    set_aside = {reason: number for reason, number in sorted(reasons.items()) if number}
    return items, Account("sample", "articles", len(articles), len(items), set_aside)


def _in_turn(by_source: Mapping[str, list[str]], seed: int) -> list[str]:
    """Group names, one of each source in turn for as long as it has any."""

    def chance(name: str) -> str:
        return hashlib.sha256(f"{seed}\0{name}".encode()).hexdigest()

    turns = [
        (turn, chance(source), name)
        for source, names in by_source.items()
        for turn, name in enumerate(sorted(names, key=chance))
    ]
    return [name for _, _, name in sorted(turns)]
