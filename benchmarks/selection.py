"""How many articles `khabar sample --next` saves against chance: a simulation on labels that others published.

    python benchmarks/selection.py [--seeds 5] [--data ../shared/data] [--json] [--write]

From a seed set drawn by chance, batches are added: by chance, or as next_up chooses. After each, the same small model
learns from what was chosen, and is measured on texts that neither way may choose. Both ways begin with the same
articles. Which parts next_up ranks by was settled on Wojood alone; the others were not looked at before.
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
"""Student's t at .975, by the number of seeds."""
MOST = 2500
"""Articles of a data set that are used, drawn by the seed: the time of a run."""
Chosen = list[int]


@dataclass(frozen=True, slots=True)
class Grown:
    """How a set grew: after each batch its size in articles and words, the figure, and the rare labels it holds."""

    sizes: tuple[int, ...]
    words: tuple[int, ...]
    scores: tuple[float, ...]
    rare: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over seeds, and half its 95% interval (Student's t)."""

    value: float
    within: float

    def __str__(self) -> str:
        return (
            f"{self.value:.3f} ± {self.within:.3f}" if abs(self.value) < 2 else f"{self.value:.0f} ± {self.within:.0f}"
        )


@dataclass(frozen=True, slots=True)
class Found:
    """Both ways on one data set, and what the second saves; differences are of the same seed."""

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
        """What may be said: a saving only where its interval holds no 0."""
        if self.saved.value - self.saved.within > 0:
            return f"saves {self.saved} of {self.sizes[-1]} {self.unit}"
        if self.saved.value + self.saved.within < 0:
            return f"costs {Mean(-self.saved.value, self.saved.within)} {self.unit} more than chance"
        return "saves none that can be told from chance"


def main() -> None:
    """Grow sets both ways, and print what is saved."""
    options = _options()
    found = []
    for data in published(options.data) if options.data.is_dir() else [invented(options.seeds)]:
        found.append(_compare(data, range(options.seeds)))
        print(*_lines(found[-1]), sep="\n", flush=True)
    if options.write:
        write_part("selection", _markdown(options.seeds, found))
    if options.json:
        print(json.dumps([{**asdict(one), "verdict": one.verdict} for one in found]))


def _compare(data: Data, seeds: Sequence[int]) -> Found:
    by_chance, by_next = ([_grow(data, seed, way) for seed in seeds] for way in (_chance, _next))
    pairs = list(zip(by_chance, by_next, strict=True))
    return Found(
        data.name, data.role, data.measure, data.unit, by_chance[0].sizes,
        [_mean(column) for column in zip(*(one.scores for one in by_chance), strict=True)],
        [_mean(column) for column in zip(*(one.scores for one in by_next), strict=True)],
        _mean([float(np.mean(ours.scores) - np.mean(plain.scores)) for plain, ours in pairs]),
        _mean([_saved(plain, ours, plain.sizes, ours.sizes) for plain, ours in pairs]),
        _mean([_saved(plain, ours, plain.words, ours.words) for plain, ours in pairs]),
        (_mean([one.rare[-1] for one in by_chance]), _mean([one.rare[-1] for one in by_next])),
    )  # fmt: skip


def _grow(data: Data, seed: int, choose: Callable[[Data, Chosen, Chosen, int], Chosen]) -> Grown:
    """Grow a set from a seed; what it is measured on is a third of the articles, the same for both ways."""
    dice = random.Random(seed)  # noqa: S311 - seeded simulation
    every = dice.sample(range(len(data.articles)), min(MOST, len(data.articles)))
    test = set(every[: len(every) // 3])
    shared = {data.articles[place].text for place in test}
    pool = [place for place in every if place not in test and data.articles[place].text not in shared]
    measure = _figure(data, sorted(test))
    chosen, sizes, words, scores, rare = sorted(pool[: data.start]), [], [], [], []
    rarest = _rarest(data, pool)
    while True:
        sizes.append(len(chosen))
        words.append(sum(len(data.articles[place].text.split()) for place in chosen))
        scores.append(measure(chosen))
        rare.append(sum(name in rarest for place in chosen for name in _names(data.golds[place])))
        if len(chosen) + data.step > min(data.stop, len(pool)):
            return Grown(tuple(sizes), tuple(words), tuple(scores), tuple(rare))
        left = sorted(set(pool) - set(chosen))
        chosen = sorted([*chosen, *choose(data, chosen, left, seed)])


def _chance(data: Data, chosen: Chosen, left: Chosen, seed: int) -> Chosen:
    return random.Random(f"{seed} {len(chosen)}").sample(left, data.step)  # noqa: S311 - seeded simulation


def _next(data: Data, chosen: Chosen, left: Chosen, seed: int) -> Chosen:
    place = {data.articles[one].id: one for one in left}
    picked = select_articles([data.articles[one] for one in left], [data.articles[one] for one in chosen],
                     [data.golds[one] for one in chosen], [], data.labels, data.step, seed)  # fmt: skip
    return [place[choice.article_id] for choice in picked]


def _figure(data: Data, test: Chosen) -> Callable[[Chosen], float]:
    """What a small model that learnt from some articles reaches on the test: strict span F1, or macro-F1 of stances."""
    if data.measure == "macro-F1":
        rows = hashed(_compared(article.text) for article in data.articles)
        answers = [gold.stances[0].value for gold in data.golds]

        def stances(chosen: Chosen) -> float:
            model = learn(rows[chosen], [answers[place] for place in chosen], 0)
            given = [model.answers[best] for best in model.expects(rows[test]).argmax(axis=1)]
            return macro_f1([answers[place] for place in test], given)

        return stances
    words = tokenize_texts([article.text for article in data.articles])
    truth = [{(s.start, s.end, s.label) for s in outermost(gold.spans)} for gold in data.golds]

    def spans(chosen: Chosen) -> float:
        own = np.array(chosen)
        model = learn(words.features[words.rows(own)], tags_of(words, own, [data.golds[p].spans for p in chosen]), 0)
        best = model.expects(words.features[words.rows(np.array(test))]).argmax(axis=1)
        ends = np.cumsum([words.cuts[place + 1] - words.cuts[place] for place in test])
        right = total = 0
        for place, own_tags in zip(test, np.split(best, ends[:-1]), strict=True):
            made = {(s.start, s.end, s.label) for s in spans_of(words, place, [model.answers[tag] for tag in own_tags])}
            right += len(made & truth[place])
            total += len(made) + len(truth[place])
        return 2 * right / total if total else 0.0

    return spans


def _compared(text: str) -> list[str]:
    """The features of two headlines, one against the other: next_up's own model does not compare, and learns nothing."""
    one, two = (set(profile("search@1").fold(line).split()) for line in text.split("\n"))
    like = len(one & two) / max(1, len(one | two))
    alike = [f"shared {part}" for part in range(int(like * 10))]
    return ["bias", *sorted(f"1 {word}" for word in one - two), *sorted(f"2 {word}" for word in two - one), *alike * 3]


def macro_f1(truth: Sequence[str], given: Sequence[str]) -> float:
    """The mean of each true answer's F1."""
    names = sorted(set(truth))
    both = Counter(one for one, other in zip(truth, given, strict=True) if one == other)
    told, said = Counter(truth), Counter(given)
    return float(np.mean([2 * both[name] / (told[name] + said[name]) for name in names]))


def _saved(plain: Grown, ours: Grown, spent: Sequence[int], own: Sequence[int]) -> float:
    """How much less ours needs for what chance reached at its end; below 0, as far as can be told, how much more.

    Where ours never reaches it, what chance needs for the most that ours reached is taken from all that ours took.
    """
    goal, reached = max(plain.scores), max(ours.scores)
    if reached >= goal:
        return _first(plain, spent, goal) - _first(ours, own, goal)
    return _first(plain, spent, reached) - _first(ours, own, reached)


def _first(grown: Grown, spent: Sequence[int], goal: float) -> float:
    """Where a curve first reaches a figure, on the straight line between two batches."""
    for place, score in enumerate(grown.scores):
        if score >= goal:
            if not place:
                return spent[0]
            before, step = grown.scores[place - 1], spent[place] - spent[place - 1]
            return spent[place - 1] + step * (goal - before) / (score - before)
    raise ValueError("the curve does not reach the figure")


def _names(gold: Gold) -> Iterator[str]:
    yield from (span.label for span in gold.spans)
    yield from (stance.value for stance in gold.stances)


def _rarest(data: Data, pool: Chosen) -> set[str]:
    """The rarer half of the labels of the pool; of stances, the rarest value."""
    counts = Counter(name for place in pool for name in _names(data.golds[place]))
    return {name for name, _ in sorted(counts.items(), key=lambda pair: (pair[1], pair[0]))[: max(1, len(counts) // 2)]}


def _mean(values: Sequence[float]) -> Mean:
    count = len(values)
    within = T95[count] * float(np.std(values, ddof=1)) / count**0.5 if count > 1 else float("inf")
    return Mean(float(np.mean(values)), within)


def _lines(found: Found) -> Iterator[str]:
    yield f"{found.name} ({found.role}), {found.measure}: {found.verdict}"
    for size, plain, ours in zip(found.sizes, found.chance, found.next_up, strict=True):
        yield f"  {size:5} {found.unit}: chance {plain}, next {ours}"
    yield f"  mean over the curve {found.gain}; words saved {found.words_saved}"
    yield f"  of the rarer half of the labels: chance {found.rare[0]}, next {found.rare[1]}"


def _markdown(seeds: int, every: Sequence[Found]) -> str:
    rows = [
        f"| {one.name} ({one.role}) | {one.measure} | {one.sizes[0]} to {one.sizes[-1]} {one.unit} | {one.chance[-1]} | "
        f"{one.next_up[-1]} | {one.gain} | {one.saved} | {one.words_saved} | {one.rare[0]} | {one.rare[1]} |"
        for one in every
    ]
    return "\n".join([
        "# Benchmark of choosing what to annotate next", "",
        f"Written by `python benchmarks/selection.py --seeds {seeds} --write`; another run overwrites this part.", "",
        f"- Python {platform.python_version()}; {seeds} seeds, 95% intervals over them (Student's t); differences are of the same seed.",
        "- From a set drawn by chance, batches by chance or by `next_up`; the same small model is trained on what was chosen, and measured on a third that neither may choose.",
        "- What is ranked by was settled on the development data; the reported data were not looked at before. Of the headlines, the model that measures was changed after a first look, the choosing was not.",
        "- A unit is a sentence, a tweet or a pair of headlines, not an article: whole articles were not published with labels that we have.",
        "- Saved: how many fewer are needed for the best that chance reached; words likewise, as longer texts take longer.",
        "- Headlines are measured by a model that compares the two; the model that `next_up` chooses by reads one text on a target, and cannot tell such pairs apart.",
        "- Annotators' disagreement is not in it: the published labels are gold alone.", "",
        "| data | measure | grown from | chance, at the end | next, at the end | mean gain over the curve | units saved | words saved | rare labels, chance | rare labels, next |",
        "|---|---|---|---:|---:|---:|---:|---:|---:|---:|",
        *rows, "",
        *(f"- {one.name}: {one.verdict}." for one in every),
    ])  # fmt: skip


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, choices=sorted(T95), default=5, help="seeds to grow from (default 5)")
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data",
                        help="published data; invented articles where there is none")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print the figures as JSON in the last line")
    parser.add_argument("--write", action="store_true", help="write the figures to benchmarks/results.md")
    return parser.parse_args()


if __name__ == "__main__":
    main()
