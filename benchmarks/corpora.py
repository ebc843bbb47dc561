"""Synthetic texts for the benchmarks, generated from the repository's invented articles and marked pages.

A sentence takes the shape of a source sentence (its length and punctuation) and draws words with the frequencies of
the sources, so lengths and frequencies are those of news and no paragraph occurs twice. Noise is added at rates
measured in real Arabic news (see RATES).
"""

import hashlib
import json
import random
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

from builder.io.hashing import sha16
from builder.records import Document
from builder.text.tokens import sentences

ROOT = Path(__file__).parent.parent
PUNCTUATION = ".,،؛:!?؟…«»\"'()[]“”‘’-–—/"
TATWEEL = "\N{ARABIC TATWEEL}"
RLM = "\N{RIGHT-TO-LEFT MARK}"
NBSP = "\N{NO-BREAK SPACE}"
MARK = re.compile("[\u064b-\u0652\u0670]")
SHADDA = "\N{ARABIC SHADDA}"
SUKUN = "\N{ARABIC SUKUN}"
HARAKAT = "\N{ARABIC FATHA}" * 3 + "\N{ARABIC DAMMA}" + "\N{ARABIC KASRA}" * 2
TANWEEN = "\N{ARABIC FATHATAN}\N{ARABIC DAMMATAN}\N{ARABIC KASRATAN}"
LONG = "اىآ"
"""Letters that rarely carry a mark."""

RATES = {
    "Moroccan news": {"forms": 1294 / 696, "nbsp": 594 / 696, "tatweel": 99 / 696, "bidi": 64 / 696, "farsi": 25 / 696},
    "ANERcorp": {"forms": 4 / 1200, "nbsp": 0, "tatweel": 251 / 1200, "bidi": 1128 / 1200, "farsi": 0},
}
"""Noise characters per 1000 characters in two collections. Each collection models half of the documents."""
MARKS = 1.2
"""Words with marks per 1000 letters. Real news has 0.8 to 1.8 marks, and some words have two."""
SPREAD = {"marks": 0.9, "others": 0.2}
"""Variation between documents: the shape of the gamma distribution of their marks and of their other noise.

Of documents assembled at random from sentences of real news, 86 % need an edit and 56 % need only the removal of
marks. These shapes give about the same. Evenly spread noise would leave no document clean.
"""
EVEN = {"marks": 1000.0, "others": 1000.0}
"""Nearly no variation between documents, to measure the effect of SPREAD."""
LETTERS = 0.8
"""The share of letters among the characters of news."""
EMOJI = HIJRI = 0.02
"""Share of documents with an emoji, and with a Hijri year, whose heh keeps its tatweel. Chosen, not measured."""

Shape = tuple[tuple[str, str], ...]
"""The punctuation before and after each word of a sentence."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The material from which texts are generated."""

    words: Sequence[str]
    """Every word as often as it occurs, without noise."""
    marked: Sequence[str]
    """Words with marks, as typed."""
    shapes: Sequence[Shape]
    furniture: Mapping[str, Sequence[str]]
    """The boilerplate lines of marked pages, by kind."""
    digest: str


@cache
def sources() -> Sources:
    """Read the invented articles and the marked pages of the tests."""
    lines, furniture = _read()
    words: list[str] = []
    marked: list[str] = []
    shapes: list[Shape] = []
    for line in lines:
        for start, end in sentences(line):
            shape: list[tuple[str, str]] = []
            for piece in line[start:end].split():
                bare = piece.strip(PUNCTUATION + RLM)
                word = _plain(bare)
                if word and bare != "ه" + TATWEEL:
                    before, _, after = piece.partition(bare)
                    shape.append((_plain(before), _plain(after)))
                    words.append(word)
                    marked += [bare] if MARK.search(bare) else []
            if shape:
                shapes.append(tuple(shape))
    digest = hashlib.sha256("\n".join([*lines, *(line for kind in furniture.values() for line in kind)]).encode())
    return Sources(words, marked, shapes, furniture, digest.hexdigest()[:8])


def _read() -> tuple[list[str], dict[str, list[str]]]:
    """Read the lines of articles, and the boilerplate lines of marked pages by kind."""
    folder = ROOT / "examples" / "articles"
    texts = [path.read_text("utf-8") for path in sorted(folder.rglob("*.txt"))]
    for path in sorted(folder.rglob("*.jsonl")):
        texts += [json.loads(line)["text"] for line in path.read_text("utf-8").splitlines()]
    lines = [line for text in texts for line in text.splitlines() if len(line) > 60]
    furniture: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests" / "cases" / "pages").rglob("*.tsv")):
        for line in path.read_text("utf-8").split("\n"):
            kind, _, text = line.partition("\t")
            if kind in {"body", "embedded-body"}:
                lines.append(text)
            elif text:
                furniture.setdefault(kind, []).append(text)
    return lines, furniture


def _plain(piece: str) -> str:
    """Return a piece without marks, tatweel, controls, presentation forms, Farsi letters and symbols."""
    piece = MARK.sub("", unicodedata.normalize("NFKC", piece)).replace(TATWEEL, "")
    piece = piece.translate({0x06CC: "ي", 0x06A9: "ك"})
    return "".join(c for c in piece if unicodedata.category(c)[0] in "LNP")


def paragraphs(chance: random.Random) -> Iterator[list[str]]:
    """Yield paragraphs endlessly, each a list of words with their punctuation."""
    source = sources()
    while True:
        words: list[str] = []
        for shape in chance.choices(source.shapes, k=chance.choice((1, 1, 1, 2))):
            drawn = chance.choices(source.words, k=len(shape))
            words += [before + word + after for word, (before, after) in zip(drawn, shape, strict=True)]
        if len(words) >= 12:  # shorter ones would occur twice
            yield words


def _documents(seed: int) -> Iterator[list[list[str]]]:
    """Yield documents of 5 to 6 KB endlessly, each a list of paragraphs of words."""
    chance = random.Random(seed)  # noqa: S311 - seeded texts
    endless = paragraphs(chance)
    while True:
        document: list[list[str]] = []
        remaining = chance.randint(4700, 5700)
        while remaining > 0:
            document.append(next(endless))
            remaining -= sum(len(word.encode()) + 1 for word in document[-1])
        yield document


def news(size: int, seed: int = 1, spread: Mapping[str, float] = SPREAD) -> list[str]:
    """Generate news texts with noise, at least `size` bytes of UTF-8 in total."""
    noise = random.Random(seed + 1)  # noqa: S311 - seeded texts
    return _filled(size, ("\n".join(noisy(document, noise, spread)) for document in _documents(seed)))


def vocalised(size: int, seed: int = 1) -> list[str]:
    """Generate the same news fully vocalised and without noise, at least `size` bytes of UTF-8 in total."""
    chance = random.Random(seed + 1)  # noqa: S311 - seeded texts
    variants: dict[str, list[str]] = {}

    def vocalise(word: str) -> str:
        if word not in variants:
            variants[word] = [_vocalise(word, chance) for _ in range(6)]
        return chance.choice(variants[word])

    return _filled(
        size,
        ("\n".join(" ".join(map(vocalise, words)) for words in document) for document in _documents(seed)),
    )


def _filled(size: int, texts: Iterator[str]) -> list[str]:
    """Take texts until they have at least `size` bytes in total; raise AssertionError if two are equal."""
    filled: list[str] = []
    while size > 0:
        filled.append(next(texts))
        size -= len(filled[-1].encode())
    if len(set(filled)) < len(filled):
        raise AssertionError("two generated documents are equal")
    return filled


def _vocalise(word: str, chance: random.Random) -> str:
    """Put a mark on nearly every letter of a word: a vowel, shadda with a vowel, sukun, or tanween at the end."""
    vocalised: list[str] = []
    letters = [index for index, c in enumerate(word) if "\u0620" <= c <= "\u064a"]
    for index, letter in enumerate(word):
        vocalised.append(letter)
        if index not in letters or chance.random() < (0.94 if letter in LONG else 0.11):
            continue
        if index == letters[-1] and chance.random() < 0.2:
            vocalised.append(chance.choice(TANWEEN))
        elif index and chance.random() < 0.15:
            vocalised.append(SUKUN)
        else:
            vocalised.append((SHADDA if chance.random() < 0.11 else "") + chance.choice(HARAKAT))
    return "".join(vocalised)


def noisy(document: Sequence[Sequence[str]], chance: random.Random, spread: Mapping[str, float] = SPREAD) -> list[str]:
    """Return the paragraphs of a document as lines, with the noise of one of the two collections."""
    marks, others = (chance.gammavariate(shape, 1 / shape) for shape in spread.values())
    rates = {kind: others * rate for kind, rate in chance.choice([*RATES.values()]).items()}
    rates["marks"] = marks * MARKS * LETTERS
    lines = [" ".join(_noised([*words], rates, chance)) for words in document]
    if chance.random() < EMOJI:
        lines[-1] = "\N{BOOKS} " + lines[-1]
    if chance.random() < HIJRI:
        lines[-1] += f" 1447 ه{TATWEEL}"
    return lines


def _noised(words: list[str], rates: Mapping[str, float], chance: random.Random) -> list[str]:
    """Add noise to words at the given rates per 1000 characters, in place."""
    thousands = sum(len(word) + 1 for word in words) / 1000

    def indices(rate: float) -> Iterator[int]:
        return (chance.randrange(len(words)) for _ in range(int(rate * thousands + chance.random())))

    for at in indices(rates["forms"] / 4.5):  # the rate counts letters, and a word has about 4.5
        words[at] = _shaped(words[at])
    for at in indices(rates["tatweel"]):
        words[at] = _inserted(words[at], TATWEEL, chance)
    for at in indices(rates["bidi"]):
        words[at] = chance.choice((RLM + words[at], _inserted(words[at], RLM, chance)))
    for at in indices(rates["farsi"]):
        words[at] = words[at].replace("ي", "\N{ARABIC LETTER FARSI YEH}")
    for at in indices(rates["marks"]):
        words[at] = chance.choice(sources().marked)
    for at in indices(rates["nbsp"]):
        words[at : at + 2] = [NBSP.join(words[at : at + 2])]
    return words


def _inserted(word: str, put: str, chance: random.Random) -> str:
    """Insert a string at a random position inside a word."""
    at = chance.randint(1, max(1, len(word) - 1))
    return word[:at] + put + word[at:]


@cache
def _forms() -> dict[tuple[str, str], str]:
    """Return the presentation form of each letter by its position in the word (initial, medial, final, isolated)."""
    forms = {}
    for form in map(chr, range(0xFE80, 0xFEFD)):
        position, *letters = unicodedata.decomposition(form).split()
        forms["".join(chr(int(letter, 16)) for letter in letters), position] = form
    return forms


def _shaped(word: str) -> str:
    """Convert a word to presentation forms, with lam-alef as a ligature."""
    forms = _forms()
    pieces = re.findall("ل[اأإآ]|.", word)
    positions = ["<initial>", *["<medial>"] * (len(pieces) - 2), "<final>"][: len(pieces)]
    return "".join(
        forms.get((piece, position)) or forms.get((piece, "<final>")) or forms.get((piece, "<isolated>"), piece)
        for piece, position in zip(pieces, positions, strict=True)
    )


def pages(count: int, seed: int = 1) -> Iterator[Document]:
    """Generate pages like those scraped from six sites: an article with boilerplate around and inside it."""
    chance = random.Random(seed)  # noqa: S311 - seeded texts
    endless = paragraphs(chance)
    for number in range(count):
        raw = "\n".join(_page(endless, chance))
        yield Document(sha16(raw), f"site{number % 6}", None, None, None, raw, f"pages/{number}.txt")


def _page(endless: Iterator[list[str]], chance: random.Random) -> Iterator[str]:
    """Yield the lines of one page."""

    def furniture(kind: str, most: int = 1) -> list[str]:
        lines = sources().furniture.get(kind, [])
        return [_varied(chance.choice(lines), chance) for _ in range(chance.randint(1, most))] if lines else []

    def headline() -> str:
        return " ".join(next(endless)[:9]).rstrip(PUNCTUATION)

    body = noisy([*islice(endless, chance.randint(8, 12))], chance)
    middle = chance.randrange(1, len(body))
    yield from (*furniture("navigation", 4), "", headline(), *furniture("byline"), *furniture("published"))
    yield from (*furniture("share", 3), "", *body[:middle])
    match chance.randrange(3):
        case 0:
            yield from ("", *furniture("marker"), headline(), "", *body[middle:])
        case 1:
            yield from (*body[middle:], *furniture("source"), "", *furniture("marker"), "", headline(), "")
            yield from noisy([*islice(endless, chance.randint(3, 6))], chance)
        case _:
            yield from (*furniture("caption"), *body[middle:])
    yield from (*furniture("source"), "", *furniture("marker"))
    bullet = chance.choice(("  • ", "- ", "◄ ", ""))
    yield from (bullet + headline() for _ in range(chance.randint(4, 10)))
    yield from ("", *furniture("tags"), *furniture("follow"), *furniture("rights"))


def _varied(line: str, chance: random.Random) -> str:
    """Randomise the last digits of a line, so that years, days and hours differ from page to page."""
    return re.sub("(?<=[0-2])[0-9](?![0-9])", lambda _: chance.choice("0123456789"), line)
