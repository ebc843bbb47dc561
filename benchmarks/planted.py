"""A corpus of invented articles with planted duplicates, of any size, and the truth about them. Measures nothing.

Four of five articles are new; 5 % are exact copies but for marks, tatweel and the spelling of alef; 15 % are made from
another: with edits of a strength spread so that the Jaccard similarity of their runs of five words covers .5 to 1,
with or without a tail of boilerplate; a tenth of those stand inside a longer text, or are a part of a longer one.
What is copied is drawn by popularity (Zipf), as few stories run everywhere. Seeded, and kept for the next time.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

HOME = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "khabar"
VERSION = 6
WORDS = 50_000
"""Words of the invented vocabulary; the n-th is drawn as 1 / (n + 20)."""
LENGTH, SPREAD = 5.27, 0.45
"""Words of an article: the mean and the deviation of their logarithm; 2.3 KB on average."""
EXACT, NEAR, INSIDE = 0.05, 0.15, 0.1
TAILS, TAILED = 12, 0.3
SHARD, LEAST_SHARDS = 20_000, 8
"""Articles of a Parquet file, at most."""
FORMS = 6
"""A word by itself, with tatweel, with a mark, with a comma, with a full stop and a line end; with another alef."""

Ids = NDArray[np.int64]
KINDS = ("new", "exact", "near", "contained")


def corpus(articles: int, seed: int = 1) -> Path:
    """The folder of a corpus of so many articles: `articles/*.parquet`, `truth.npz` and `about.json`."""
    folder = HOME / f"bulk-{VERSION}-{seed}-{articles}"
    if not (folder / "about.json").exists():
        (folder / "articles").mkdir(parents=True, exist_ok=True)
        about = _write(folder, articles, seed)
        (folder / "about.json").write_text(json.dumps(about) + "\n", encoding="utf-8")
    return folder


def _write(folder: Path, articles: int, seed: int) -> dict[str, int]:
    chance = np.random.default_rng(seed)
    forms = _vocabulary(chance)
    weights = 1 / (np.arange(WORDS) + 20)
    share = np.cumsum(weights / weights.sum())
    base = round(articles * (1 - EXACT - NEAR))
    lengths = np.clip(np.exp(chance.normal(LENGTH, SPREAD, base)), 25, 1500).astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    text = np.searchsorted(share, chance.random(starts[-1], np.float32)).astype(np.int32)
    tails = [np.searchsorted(share, chance.random(chance.integers(8, 25))) for _ in range(TAILS)]
    kind, source = _plan(chance, articles, base)
    jaccard = np.ones(articles, np.float32)
    order = chance.permutation(articles)
    size, rows, shard = 0, [], min(SHARD, -(-articles // LEAST_SHARDS))
    for number, place in enumerate(order.tolist()):
        own = text[starts[source[place]] : starts[source[place] + 1]]
        if kind[place] == 2:
            own, jaccard[place] = _edited(chance, own, share, tails)
        elif kind[place] == 3:
            own, jaccard[place] = _around(chance, own, share)
        rows.append(_written(chance, forms, own, plain=kind[place] == 0))
        if len(rows) == shard or number == articles - 1:
            size += _shard(folder / "articles" / f"{number // shard:05}.parquet", rows, number + 1 - len(rows))
            rows = []
    np.savez(folder / "truth.npz", cluster=source[order], kind=kind[order], jaccard=jaccard[order])
    return {"articles": articles, "seed": seed, "bytes": size, "clusters": base, "shard": shard}


def _plan(chance: np.random.Generator, articles: int, base: int) -> tuple[NDArray[np.int8], Ids]:
    """What each article is (place in KINDS), and of which new one it is a copy."""
    kind = np.zeros(articles, np.int8)
    source = np.arange(articles)
    copies = articles - base
    popularity = 1 / (np.arange(max(base // 10, 1)) + 30)
    popular = np.searchsorted(np.cumsum(popularity / popularity.sum()), chance.random(copies))
    source[base:] = chance.permutation(base)[np.minimum(popular, base - 1)]
    exact = chance.random(copies) < EXACT / (EXACT + NEAR)
    kind[base:] = np.where(exact, 1, np.where(chance.random(copies) < INSIDE, 3, 2))
    return kind, source


def _edited(
    chance: np.random.Generator, own: NDArray[np.int32], share: NDArray[np.float64], tails: list[Ids]
) -> tuple[NDArray[np.int32], float]:
    """A copy with words changed, left out and put in, often cut at the end, with a tail of boilerplate or none."""
    new = own.copy()
    # An edit costs five runs on both sides: Jaccard j takes about (1 - j) / (1 + j) / 5 of the words.
    aim = chance.uniform(0.5, 1) if chance.random() < 0.6 else chance.uniform(0.85, 1)
    edits = int(len(own) * (1 - aim) / (1 + aim) / 5 + chance.random())
    at = chance.integers(0, len(own), edits)
    new[at] = np.searchsorted(share, chance.random(edits)).astype(np.int32)
    gone = at[chance.random(edits) < 0.3]
    new = np.delete(new, gone)
    if chance.random() < TAILED:
        new = np.concatenate([new, tails[chance.integers(TAILS)]]).astype(np.int32)
    return new, similarity(own, new)


def _around(
    chance: np.random.Generator, own: NDArray[np.int32], share: NDArray[np.float64]
) -> tuple[NDArray[np.int32], float]:
    """The half of an article by itself, or all of it inside another text."""
    if chance.random() < 0.5 and len(own) > 80:
        cut = int(len(own) * chance.uniform(0.3, 0.55))
        begin = chance.integers(0, len(own) - cut)
        new = own[begin : begin + cut]
    else:
        more = np.searchsorted(share, chance.random(int(len(own) * chance.uniform(1, 2)))).astype(np.int32)
        cut = chance.integers(0, len(more))
        new = np.concatenate([more[:cut], own, more[cut:]])
    return new, similarity(own, new)


def similarity(left: NDArray[np.int32], right: NDArray[np.int32]) -> float:
    """The Jaccard similarity of the runs of five words of two texts, given as numbers of words."""
    one, other = ({tuple(text[at : at + 5].tolist()) for at in range(len(text) - 4)} for text in (left, right))
    return len(one & other) / len(one | other) if one or other else 0.0


def _vocabulary(chance: np.random.Generator) -> list[list[str]]:
    """Words in all their forms: each form folds to the same word."""
    letters = np.array(list("بتثجحخدذرزسشصضطظعغفقكلمنهوياال"))
    words: dict[str, None] = {}
    while len(words) < WORDS:
        word = "".join(chance.choice(letters, chance.integers(3, 8)))
        words[word if len(word) < 5 or chance.random() < 0.5 else "ال" + word[2:]] = None
    plain = list(words)
    return [
        plain,
        [word[:2] + "\N{ARABIC TATWEEL}" * 2 + word[2:] for word in plain],
        [word[:2] + "\N{ARABIC FATHA}" + word[2:] + "\N{ARABIC KASRATAN}" for word in plain],
        [word + "\N{ARABIC COMMA}" for word in plain],
        [word + ".\n" for word in plain],
        [word.replace("ا", "أ", 1) for word in plain],
    ]


def _written(chance: np.random.Generator, forms: list[list[str]], words: NDArray[np.int32], *, plain: bool) -> str:
    """The words as a text: with commas, full stops, and the noise of a source."""
    noise = np.cumsum((0.0, 0.0, 0.0) if plain and chance.random() < 0.5 else (0.002, 0.004, 0.05))
    drawn = np.searchsorted(noise, chance.random(len(words)), "right")
    between = (words * 31 + np.append(words[1:], 0)) % 100  # a comma stands where it stood in what is copied
    chosen = np.where(between < 6, 3, np.where(between < 9, 4, np.array([1, 2, 5, 0])[drawn]))
    return " ".join([forms[which][word] for which, word in zip(chosen.tolist(), words.tolist(), strict=True)])


def _shard(path: Path, texts: list[str], first: int) -> int:
    table = pa.table({
        "id": [f"{number:016x}-0" for number in range(first, first + len(texts))],
        "published_at": [f"2025-{1 + n // 28 % 12:02}-{1 + n % 28:02}" for n in range(first, first + len(texts))],
        "title": [" ".join(text.split(None, 7)[:7]) for text in texts],
        "text": texts,
    })  # fmt: skip
    pq.write_table(table, path, compression="zstd", row_group_size=5000, use_dictionary=False)
    return sum(len(text.encode()) for text in texts)


def truth(folder: Path) -> dict[str, NDArray[np.float32]]:
    """Of each article, in the order of its id: its cluster, what it is, how like it is to what it was made from."""
    return dict(np.load(folder / "truth.npz"))


def shards(folder: Path) -> Iterator[Path]:
    """The Parquet files of a corpus."""
    yield from sorted((folder / "articles").glob("*.parquet"))
