"""Benchmark of active learning (`khabar sample --next`) against random sampling, simulated on published datasets.

    python benchmarks/selection.py [--seeds 5] [--data ../shared/data] [--json] [--write]

From the same random seed set, batches are added at random or as next_up selects them. After each batch, the same small
model is trained on the selected articles and evaluated on held-out texts. The ranking criteria of next_up were chosen
on Wojood alone; the other datasets were not looked at before.
"""

import argparse
import json
import platform
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from labelled import Data, invented, published
from results import write_part

from builder.annotation.active_learning.model import hashed, learn, outermost, spans_of, tags_of, tokenize_texts
from builder.annotation.active_learning.select import select_articles
from builder.records import Gold
from builder.text.profiles import profile

T95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}
"""The 0.975 quantile of Student's t, by the number of seeds."""
MOST = 2500
"""Maximum number of articles used per dataset, drawn with the seed, to limit the running time."""
Chosen = list[int]


@dataclass(frozen=True, slots=True)
class Grown:
    """A learning curve: after each batch, its size in articles and words, the score, and the number of rare labels."""

    sizes: tuple[int, ...]
    words: tuple[int, ...]
    scores: tuple[float, ...]
    rare: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over seeds, with half the width of its 95% confidence interval (Student's t)."""

    value: float
    within: float

    def __str__(self) -> str:
        return (
            f"{self.value:.3f} ± {self.within:.3f}" if abs(self.value) < 2 else f"{self.value:.0f} ± {self.within:.0f}"
        )


@dataclass(frozen=True, slots=True)
class Found:
    """Random sampling and active learning on one dataset, and the savings. Differences are paired by seed."""

    name: str
    role: str
    measure: str
    unit: str
    sizes: tuple[int, ...]
    chance: list[Mean]
    next_up: list[Mean]
    gain: Mean
    saved: Mean
    words_saved: Mean
    rare: tuple[Mean, Mean]

    @property
    def verdict(self) -> str:
        """Return the conclusion. A saving is claimed only if its confidence interval excludes 0."""
        if self.saved.value - self.saved.within > 0:
            return f"saves {self.saved} of {self.sizes[-1]} {self.unit}"
        if self.saved.value + self.saved.within < 0:
            return f"costs {Mean(-self.saved.value, self.saved.within)} {self.unit} more than random sampling"
        return "no significant difference from random sampling"


def main() -> None:
    """Compare random sampling and active learning, and print the savings."""
    options = _options()
    results = []
    for data in published(options.data) if options.data.is_dir() else [invented(options.seeds)]:
        results.append(_compare(data, range(options.seeds)))
        print(*_lines(results[-1]), sep="\n", flush=True)
    if options.write:
        write_part("selection", _markdown(options.seeds, results))
    if options.json:
        print(json.dumps([{**asdict(result), "verdict": result.verdict} for result in results]))


def _compare(data: Data, seeds: Sequence[int]) -> Found:
    """Compare both ways on one dataset over several seeds."""
    by_chance, by_next = ([_grow(data, seed, way) for seed in seeds] for way in (_chance, _next))
    pairs = list(zip(by_chance, by_next, strict=True))
    return Found(
        data.name, data.role, data.measure, data.unit, by_chance[0].sizes,
        [_mean(column) for column in zip(*(curve.scores for curve in by_chance), strict=True)],
        [_mean(column) for column in zip(*(curve.scores for curve in by_next), strict=True)],
        _mean([float(np.mean(ours.scores) - np.mean(plain.scores)) for plain, ours in pairs]),
        _mean([_saved(plain, ours, plain.sizes, ours.sizes) for plain, ours in pairs]),
        _mean([_saved(plain, ours, plain.words, ours.words) for plain, ours in pairs]),
        (_mean([curve.rare[-1] for curve in by_chance]), _mean([curve.rare[-1] for curve in by_next])),
    )  # fmt: skip


def _grow(data: Data, seed: int, choose: Callable[[Data, Chosen, Chosen, int], Chosen]) -> Grown:
    """Grow a training set and return its learning curve. A third of the articles, the same for both ways, is the test."""
    dice = random.Random(seed)  # noqa: S311 - seeded simulation
    drawn = dice.sample(range(len(data.articles)), min(MOST, len(data.articles)))
    test = set(drawn[: len(drawn) // 3])
    shared = {data.articles[index].text for index in test}
    pool = [index for index in drawn if index not in test and data.articles[index].text not in shared]
    measure = _figure(data, sorted(test))
    chosen, sizes, words, scores, rare = sorted(pool[: data.start]), [], [], [], []
    rarest = _rarest(data, pool)
    while True:
        sizes.append(len(chosen))
        words.append(sum(len(data.articles[index].text.split()) for index in chosen))
        scores.append(measure(chosen))
        rare.append(sum(name in rarest for index in chosen for name in _names(data.golds[index])))
        if len(chosen) + data.step > min(data.stop, len(pool)):
            return Grown(tuple(sizes), tuple(words), tuple(scores), tuple(rare))
        left = sorted(set(pool) - set(chosen))
        chosen = sorted([*chosen, *choose(data, chosen, left, seed)])


def _chance(data: Data, chosen: Chosen, left: Chosen, seed: int) -> Chosen:
    """Select a batch at random."""
    return random.Random(f"{seed} {len(chosen)}").sample(left, data.step)  # noqa: S311 - seeded simulation


def _next(data: Data, chosen: Chosen, left: Chosen, seed: int) -> Chosen:
    """Select a batch with next_up."""
    index_of = {data.articles[index].id: index for index in left}
    picked = select_articles([data.articles[index] for index in left], [data.articles[index] for index in chosen],
                     [data.golds[index] for index in chosen], [], data.labels, data.step, seed)  # fmt: skip
    return [index_of[choice.article_id] for choice in picked]


def _figure(data: Data, test: Chosen) -> Callable[[Chosen], float]:
    """Return a function that trains a small model on selected articles and scores it on the test articles.

    The score is strict span F1, or macro-F1 of stances.
    """
    if data.measure == "macro-F1":
        rows = hashed(_compared(article.text) for article in data.articles)
        answers = [gold.stances[0].value for gold in data.golds]

        def stances(chosen: Chosen) -> float:
            model = learn(rows[chosen], [answers[index] for index in chosen], 0)
            predicted = [model.answers[best] for best in model.expects(rows[test]).argmax(axis=1)]
            return macro_f1([answers[index] for index in test], predicted)

        return stances
    words = tokenize_texts([article.text for article in data.articles])
    truth = [{(s.start, s.end, s.label) for s in outermost(gold.spans)} for gold in data.golds]

    def spans(chosen: Chosen) -> float:
        train = np.array(chosen)
        tags = tags_of(words, train, [data.golds[index].spans for index in chosen])
        model = learn(words.features[words.rows(train)], tags, 0)
        best = model.expects(words.features[words.rows(np.array(test))]).argmax(axis=1)
        ends = np.cumsum([words.cuts[index + 1] - words.cuts[index] for index in test])
        right = total = 0
        for index, best_tags in zip(test, np.split(best, ends[:-1]), strict=True):
            predicted = spans_of(words, index, [model.answers[tag] for tag in best_tags])
            mentions = {(span.start, span.end, span.label) for span in predicted}
            right += len(mentions & truth[index])
            total += len(mentions) + len(truth[index])
        return 2 * right / total if total else 0.0

    return spans


def _compared(text: str) -> list[str]:
    """Return features that compare two headlines. The model of next_up does not compare them, so it learns nothing."""
    first, second = (set(profile("search@1").fold(line).split()) for line in text.split("\n"))
    similarity = len(first & second) / max(1, len(first | second))
    shared = [f"shared {part}" for part in range(int(similarity * 10))]
    only_first, only_second = (
        sorted(f"1 {word}" for word in first - second),
        sorted(f"2 {word}" for word in second - first),
    )
    return ["bias", *only_first, *only_second, *shared * 3]


def macro_f1(truth: Sequence[str], predicted: Sequence[str]) -> float:
    """Return the mean F1 over the true answers."""
    names = sorted(set(truth))
    right = Counter(true for true, answer in zip(truth, predicted, strict=True) if true == answer)
    true_counts, predicted_counts = Counter(truth), Counter(predicted)
    return float(np.mean([2 * right[name] / (true_counts[name] + predicted_counts[name]) for name in names]))


def _saved(plain: Grown, ours: Grown, plain_costs: Sequence[int], our_costs: Sequence[int]) -> float:
    """Return how much less active learning needs to reach the best score of random sampling.

    If it never reaches that score, both are compared at its own best score, and the result is negative if it needs
    more than random sampling.
    """
    goal, reached = max(plain.scores), max(ours.scores)
    if reached >= goal:
        return _first(plain, plain_costs, goal) - _first(ours, our_costs, goal)
    return _first(plain, plain_costs, reached) - _first(ours, our_costs, reached)


def _first(grown: Grown, costs: Sequence[int], goal: float) -> float:
    """Return the cost at which a learning curve first reaches a score, interpolated between two batches."""
    for index, score in enumerate(grown.scores):
        if score >= goal:
            if not index:
                return costs[0]
            before, step = grown.scores[index - 1], costs[index] - costs[index - 1]
            return costs[index - 1] + step * (goal - before) / (score - before)
    raise ValueError("the curve does not reach the score")


def _names(gold: Gold) -> Iterator[str]:
    """Yield the labels and stance values of a gold answer."""
    yield from (span.label for span in gold.spans)
    yield from (stance.value for stance in gold.stances)


def _rarest(data: Data, pool: Chosen) -> set[str]:
    """Return the rarer half of the labels of the pool (of three stance values, the rarest)."""
    counts = Counter(name for index in pool for name in _names(data.golds[index]))
    return {name for name, _ in sorted(counts.items(), key=lambda pair: (pair[1], pair[0]))[: max(1, len(counts) // 2)]}


def _mean(values: Sequence[float]) -> Mean:
    """Return the mean of values over seeds, with its confidence interval."""
    count = len(values)
    within = T95[count] * float(np.std(values, ddof=1)) / count**0.5 if count > 1 else float("inf")
    return Mean(float(np.mean(values)), within)


def _lines(result: Found) -> Iterator[str]:
    """Yield the lines of text that report one dataset."""
    yield f"{result.name} ({result.role}), {result.measure}: {result.verdict}"
    for size, plain, ours in zip(result.sizes, result.chance, result.next_up, strict=True):
        yield f"  {size:5} {result.unit}: random {plain}, active learning {ours}"
    yield f"  mean gain over the curve {result.gain}; words saved {result.words_saved}"
    yield f"  labels of the rarer half: random {result.rare[0]}, active learning {result.rare[1]}"


def _markdown(seeds: int, results: Sequence[Found]) -> str:
    """Return the section of benchmarks/results.md."""
    rows = [
        f"| {result.name} ({result.role}) | {result.measure} | {result.sizes[0]} to {result.sizes[-1]} {result.unit} | "
        f"{result.chance[-1]} | {result.next_up[-1]} | {result.gain} | {result.saved} | {result.words_saved} | "
        f"{result.rare[0]} | {result.rare[1]} |"
        for result in results
    ]
    return "\n".join([
        "# Benchmark of active learning", "",
        f"Written by `python benchmarks/selection.py --seeds {seeds} --write`; each run overwrites this section.", "",
        f"- Python {platform.python_version()}; {seeds} seeds, 95% confidence intervals over seeds (Student's t); differences are paired by seed.",
        "- From a random seed set, batches are added at random or by `next_up`. The same small model is trained on the selected texts and evaluated on a held-out third.",
        "- The ranking criteria were chosen on the development data; the reported data were not looked at before. For the headlines, the evaluation model was changed after a first look, the selection was not.",
        "- A unit is a sentence, a tweet or a pair of headlines, not an article, because no labelled whole articles were available.",
        "- Saved: how many fewer units reach the best score of random sampling. The same for words, because longer texts take longer to annotate.",
        "- Headlines are evaluated by a model that compares the two. The model inside `next_up` reads one text and a target, and cannot tell such pairs apart.",
        "- Annotator disagreement is not simulated, because the datasets publish gold labels only.", "",
        "| data | measure | grown from | random, final | active learning, final | mean gain over the curve | units saved | words saved | rare labels, random | rare labels, active learning |",
        "|---|---|---|---:|---:|---:|---:|---:|---:|---:|",
        *rows, "",
        *(f"- {result.name}: {result.verdict}." for result in results),
    ])  # fmt: skip


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, choices=sorted(T95), default=5, help="number of random seeds (default 5)")
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data",
                        help="folder of published datasets; without it, synthetic articles are used")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print the figures as JSON on the last line")
    parser.add_argument("--write", action="store_true", help="write the figures to benchmarks/results.md")
    return parser.parse_args()


if __name__ == "__main__":
    main()
