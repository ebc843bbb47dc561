"""Who judges which article: seeded, even, and stable when articles or annotators are added.

Chance is a hash of the seed and the names, so that nothing hangs on the order of files. Pure:
annotators are pseudonyms here. Does not make projects or tasks: sending.py and tasks.py do.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from builder.records import AnnotatorAssignment, AssignmentKind, user_error
from builder.schema.dataset import Dataset


def assign(
    batch: str,
    articles: Sequence[str],
    annotators: Collection[str],
    dataset: Dataset,
    known: Collection[str] = (),
    before: Iterable[AnnotatorAssignment] = (),
) -> list[AnnotatorAssignment]:
    """Who is to judge each article of a batch, sorted by article and annotator.

    All annotators judge the `known` articles, `dataset.calibration` more, and of what is left the share
    `dataset.shared`; each other article goes to exactly `dataset.overlap` of them, evenly to within one.
    Pairs in `before` stay, so that what is added goes to whoever has the least.

    Raises Refused (exit code 2) where there are fewer annotators than `overlap`.

    >>> dataset = Dataset(format=1, repo_id="a/b", title="t", overlap=1, shared=0,
    ...                   licence={"text": "cc0-1.0", "annotations": "cc0-1.0"})
    >>> [(one.article_id, one.why) for one in assign("b", ["x-0", "y-0"], ["a-1", "a-2"], dataset)]
    [('x-0', 'overlap'), ('y-0', 'overlap')]
    """
    if len(annotators) < dataset.overlap:
        message = f"each article is to go to {dataset.overlap} annotators, but there are {len(annotators)}"
        raise user_error("too-few-annotators", message, fix="invite more, or lower `overlap` in schema/dataset.yaml")
    chance = _chance(dataset.sampling.seed)
    earlier: dict[str, list[AnnotatorAssignment]] = {}
    for one in before:
        earlier.setdefault(one.article_id, []).append(one)
    kinds = _kinds(sorted(set(articles), key=chance), dataset, known, earlier)
    given = {article: {one.annotator for one in earlier.get(article, ())} for article in kinds}
    load = Counter(annotator for article, kind in kinds.items() if kind == "overlap" for annotator in given[article])
    for article, kind in kinds.items():
        if kind != "overlap":
            given[article] |= set(annotators)
            continue
        free = sorted(set(annotators) - given[article], key=lambda name: (load[name], chance(f"{article}\0{name}")))
        chosen = free[: max(0, dataset.overlap - len(given[article]))]
        load.update(chosen)
        given[article] |= set(chosen)
    pairs = [AnnotatorAssignment(batch, article, name, kinds[article]) for article in given for name in given[article]]
    gone = [replace(one, batch=batch) for article, kept in earlier.items() if article not in kinds for one in kept]
    return sorted([*pairs, *gone], key=lambda one: (one.article_id, one.annotator))


def in_order(assigned: Iterable[AnnotatorAssignment], annotator: str, seed: int) -> list[str]:
    """The articles of one annotator in the order of work: calibration first, then as chance has it.

    Known articles stand anywhere among the others, so that nobody can tell them.
    """
    chance = _chance(seed)
    own = {one.article_id: one.why for one in assigned if one.annotator == annotator}
    return sorted(own, key=lambda article: (own[article] != "calibration", chance(article)))


def _chance(seed: int) -> Callable[[str], str]:
    return lambda name: hashlib.sha256(f"{seed}\0assign\0{name}".encode()).hexdigest()


def _kinds(
    shuffled: Sequence[str], dataset: Dataset, known: Collection[str], earlier: dict[str, list[AnnotatorAssignment]]
) -> dict[str, AssignmentKind]:
    """Why each article is judged; one that was assigned keeps its kind, unless it has become a known one."""
    kinds: dict[str, AssignmentKind] = {article: earlier[article][0].why for article in shuffled if article in earlier}
    kinds |= dict.fromkeys((article for article in shuffled if article in known), "known")
    fresh = [article for article in shuffled if article not in kinds]
    count = Counter(kinds.values())
    lacking = max(0, dataset.calibration - count["calibration"])
    kinds |= dict.fromkeys(fresh[:lacking], "calibration")
    rest = fresh[lacking:]
    others = count["shared"] + count["overlap"] + len(rest)
    seen_by_all = max(0, int(dataset.shared * others + 0.5) - count["shared"])
    kinds |= dict.fromkeys(rest[:seen_by_all], "shared")
    kinds |= dict.fromkeys(rest[seen_by_all:], "overlap")
    return {article: kinds[article] for article in shuffled}
