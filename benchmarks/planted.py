"""Synthetic corpus of any size with planted duplicates and the ground truth about them.

Four of five articles are new. 5 % are exact copies except for marks, tatweel and the spelling of alef. 15 % are derived
from another article by edits, with or without a tail of boilerplate; the strength of the edits is spread so that the
Jaccard similarity of 5-word shingles covers 0.5 to 1. A tenth of those are contained in a longer text, or are part of
a longer one. The copied articles are drawn by popularity (Zipf), because few stories run everywhere. The corpus is
seeded and cached on disk.
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
"""Size of the invented vocabulary. The n-th word is drawn with a frequency proportional to 1 / (n + 20)."""
LENGTH, SPREAD = 5.27, 0.45
"""Mean and standard deviation of the logarithm of an article's length in words; 2.3 KB on average."""
EXACT, NEAR, INSIDE = 0.05, 0.15, 0.1
TAILS, TAILED = 12, 0.3
SHARD, LEAST_SHARDS = 20_000, 8
"""Maximum articles per Parquet file, and the minimum number of files."""
FORMS = 6
"""Forms of a word: plain, with tatweel, with marks, with a comma, with a full stop and a line end, with another alef."""

Ids = NDArray[np.int64]
KINDS = ("new", "exact", "near", "contained")


def corpus(articles: int, seed: int = 1) -> Path:
    """Return the folder of a corpus, generating it if needed: `articles/*.parquet`, `truth.npz` and `about.json`."""
    folder = HOME / f"bulk-{VERSION}-{seed}-{articles}"
    if not (folder / "about.json").exists():
        (folder / "articles").mkdir(parents=True, exist_ok=True)
        about = _write(folder, articles, seed)
        (folder / "about.json").write_text(json.dumps(about) + "\n", encoding="utf-8")
    return folder


def _write(folder: Path, articles: int, seed: int) -> dict[str, int]:
    """Generate and write a corpus, and return what about.json records."""
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
    for number, index in enumerate(order.tolist()):
        words = text[starts[source[index]] : starts[source[index] + 1]]
        if kind[index] == 2:
            words, jaccard[index] = _edited(chance, words, share, tails)
        elif kind[index] == 3:
            words, jaccard[index] = _around(chance, words, share)
        rows.append(_written(chance, forms, words, plain=kind[index] == 0))
        if len(rows) == shard or number == articles - 1:
            size += _shard(folder / "articles" / f"{number // shard:05}.parquet", rows, number + 1 - len(rows))
            rows = []
    np.savez(folder / "truth.npz", cluster=source[order], kind=kind[order], jaccard=jaccard[order])
    return {"articles": articles, "seed": seed, "bytes": size, "clusters": base, "shard": shard}


def _plan(chance: np.random.Generator, articles: int, base: int) -> tuple[NDArray[np.int8], Ids]:
    """Return the kind of each article (an index into KINDS) and the new article that it copies."""
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
    chance: np.random.Generator, words: NDArray[np.int32], share: NDArray[np.float64], tails: list[Ids]
) -> tuple[NDArray[np.int32], float]:
    """Return an edited copy of an article, sometimes with a tail of boilerplate, and its similarity to the article."""
    new = words.copy()
    # An edit changes five shingles on both sides: Jaccard j takes edits of about (1 - j) / (1 + j) / 5 of the words.
    aim = chance.uniform(0.5, 1) if chance.random() < 0.6 else chance.uniform(0.85, 1)
    edits = int(len(words) * (1 - aim) / (1 + aim) / 5 + chance.random())
    at = chance.integers(0, len(words), edits)
    new[at] = np.searchsorted(share, chance.random(edits)).astype(np.int32)
    deleted = at[chance.random(edits) < 0.3]
    new = np.delete(new, deleted)
    if chance.random() < TAILED:
        new = np.concatenate([new, tails[chance.integers(TAILS)]]).astype(np.int32)
    return new, similarity(words, new)


def _around(
    chance: np.random.Generator, words: NDArray[np.int32], share: NDArray[np.float64]
) -> tuple[NDArray[np.int32], float]:
    """Return about half of an article, or all of it inside another text, and the similarity to the article."""
    if chance.random() < 0.5 and len(words) > 80:
        cut = int(len(words) * chance.uniform(0.3, 0.55))
        begin = chance.integers(0, len(words) - cut)
        new = words[begin : begin + cut]
    else:
        host = np.searchsorted(share, chance.random(int(len(words) * chance.uniform(1, 2)))).astype(np.int32)
        cut = chance.integers(0, len(host))
        new = np.concatenate([host[:cut], words, host[cut:]])
    return new, similarity(words, new)


def similarity(left: NDArray[np.int32], right: NDArray[np.int32]) -> float:
    """Return the Jaccard similarity of the 5-word shingles of two texts, given as word ids."""
    first, second = ({tuple(text[at : at + 5].tolist()) for at in range(len(text) - 4)} for text in (left, right))
    return len(first & second) / len(first | second) if first or second else 0.0


def _vocabulary(chance: np.random.Generator) -> list[list[str]]:
    """Generate the vocabulary in all forms; every form of a word folds to the same key."""
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
    """Return words as a text, with commas, full stops and the noise of a source."""
    noise = np.cumsum((0.0, 0.0, 0.0) if plain and chance.random() < 0.5 else (0.002, 0.004, 0.05))
    drawn = np.searchsorted(noise, chance.random(len(words)), "right")
    # Punctuation depends on the two words around it, so a copy has its commas where the original has them.
    between = (words * 31 + np.append(words[1:], 0)) % 100
    chosen = np.where(between < 6, 3, np.where(between < 9, 4, np.array([1, 2, 5, 0])[drawn]))
    return " ".join([forms[form][word] for form, word in zip(chosen.tolist(), words.tolist(), strict=True)])


def _shard(path: Path, texts: list[str], first: int) -> int:
    """Write one Parquet file of articles, numbered from `first`, and return the bytes of their texts."""
    table = pa.table({
        "id": [f"{number:016x}-0" for number in range(first, first + len(texts))],
        "published_at": [f"2025-{1 + n // 28 % 12:02}-{1 + n % 28:02}" for n in range(first, first + len(texts))],
        "title": [" ".join(text.split(None, 7)[:7]) for text in texts],
        "text": texts,
    })  # fmt: skip
    pq.write_table(table, path, compression="zstd", row_group_size=5000, use_dictionary=False)
    return sum(len(text.encode()) for text in texts)


def truth(folder: Path) -> dict[str, NDArray[np.float32]]:
    """Read the cluster, kind and similarity to its original of each article, in id order."""
    return dict(np.load(folder / "truth.npz"))


def shards(folder: Path) -> Iterator[Path]:
    """Yield the Parquet files of a corpus, sorted."""
    yield from sorted((folder / "articles").glob("*.parquet"))
