"""Seeded and balanced assignment of articles to annotators, stable when articles or annotators are added.

Random choices hash the seed with the names, so the result does not depend on input order. Annotators are
named by their pseudonyms. Pure.
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
    """Assign the articles of a batch to annotators, and return the pairs sorted by article and annotator.

    All annotators judge the `known` articles, `dataset.calibration` further ones, and a share `dataset.shared`
    of the rest. Each other article goes to exactly `dataset.overlap` annotators, and their loads differ by at
    most one. Pairs in `before` are kept, so new articles go to the annotators with the least work.

    Raises KhabarError (exit code 2) if there are fewer annotators than `dataset.overlap`.

    >>> dataset = Dataset(format=1, repo_id="a/b", title="t", overlap=1, shared=0,
    ...                   licence={"text": "cc0-1.0", "annotations": "cc0-1.0"})
    >>> [(pair.article_id, pair.why) for pair in assign("b", ["x-0", "y-0"], ["a-1", "a-2"], dataset)]
    [('x-0', 'overlap'), ('y-0', 'overlap')]
    """
    if len(annotators) < dataset.overlap:
        message = f"each article needs {dataset.overlap} annotators, but there are only {len(annotators)}"
        raise user_error("too-few-annotators", message, fix="invite more, or lower `overlap` in schema/dataset.yaml")
    chance = _chance(dataset.sampling.seed)
    earlier: dict[str, list[AnnotatorAssignment]] = {}
    for pair in before:
        earlier.setdefault(pair.article_id, []).append(pair)
    kinds = _kinds(sorted(set(articles), key=chance), dataset, known, earlier)
    given = {article: {pair.annotator for pair in earlier.get(article, ())} for article in kinds}
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
    removed = [replace(pair, batch=batch) for article, kept in earlier.items() if article not in kinds for pair in kept]
    return sorted([*pairs, *removed], key=lambda pair: (pair.article_id, pair.annotator))


def working_order(assigned: Iterable[AnnotatorAssignment], annotator: str, seed: int) -> list[str]:
    """Return one annotator's articles in working order: calibration articles first, the others in random order.

    Known articles are mixed with the others, so that annotators cannot recognise them.
    """
    chance = _chance(seed)
    kinds = {pair.article_id: pair.why for pair in assigned if pair.annotator == annotator}
    return sorted(kinds, key=lambda article: (kinds[article] != "calibration", chance(article)))


def _chance(seed: int) -> Callable[[str], str]:
    """Return a function that hashes a name with the seed, used as a random sort key."""
    return lambda name: hashlib.sha256(f"{seed}\0assign\0{name}".encode()).hexdigest()


def _kinds(
    shuffled: Sequence[str], dataset: Dataset, known: Collection[str], earlier: dict[str, list[AnnotatorAssignment]]
) -> dict[str, AssignmentKind]:
    """Return why each article is judged. An assigned article keeps its kind, unless it became a known one."""
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
