"""Texts for the benchmark, made from the repository's own invented articles and marked pages.

A sentence is the shape of a real one (its length and punctuation) with words drawn as often as the
sources have them, so lengths and frequencies are those of news and no paragraph occurs twice.
News noise comes at rates measured in real Arabic news (see RATES). Measures nothing.
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
"""Letters that seldom bear a mark of their own."""

RATES = {
    "Moroccan news": {"forms": 1294 / 696, "nbsp": 594 / 696, "tatweel": 99 / 696, "bidi": 64 / 696, "farsi": 25 / 696},
    "ANERcorp": {"forms": 4 / 1200, "nbsp": 0, "tatweel": 251 / 1200, "bidi": 1128 / 1200, "farsi": 0},
}
"""Characters of each noise per 1000 characters of two collections; each is the model of half of the documents."""
MARKS = 1.2
"""Words with marks per 1000 letters: real news has 0.8 to 1.8 marks, and some words have two."""
SPREAD = {"marks": 0.9, "others": 0.2}
"""How unlike documents are: the shape of the gamma law of their marks and of their other noise.

Of documents put together at random from sentences of real news, 86 % need an edit and 56 % nothing but
the removal of marks; these shapes give about that. Noise spread evenly would leave no document clean.
"""
EVEN = {"marks": 1000.0, "others": 1000.0}
"""All documents alike, to see how much hangs on SPREAD."""
LETTERS = 0.8
"""Letters among characters of news."""
EMOJI = HIJRI = 0.02
"""Documents with an emoji, and with the year of the Hijra, whose heh keeps its tatweel; our choice, not measured."""

Shape = tuple[tuple[str, str], ...]
"""The punctuation before and after each word of a sentence."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What texts are made of."""

    words: Sequence[str]
    """Every word as often as it occurs, without noise."""
    marked: Sequence[str]
    """Words with marks, as they were typed."""
    shapes: Sequence[Shape]
    furniture: Mapping[str, Sequence[str]]
    """The lines of marked pages by kind."""
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
    digest = hashlib.sha256("\n".join([*lines, *(one for kind in furniture.values() for one in kind)]).encode())
    return Sources(words, marked, shapes, furniture, digest.hexdigest()[:8])


def _read() -> tuple[list[str], dict[str, list[str]]]:
    """The lines of articles, and the other lines of marked pages by kind."""
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
    """A piece without marks, tatweel, controls, presentation forms, Farsi letters and symbols."""
    piece = MARK.sub("", unicodedata.normalize("NFKC", piece)).replace(TATWEEL, "")
    piece = piece.translate({0x06CC: "ي", 0x06A9: "ك"})
    return "".join(c for c in piece if unicodedata.category(c)[0] in "LNP")


def paragraphs(chance: random.Random) -> Iterator[list[str]]:
    """Paragraphs without end, each a list of words with their punctuation."""
    source = sources()
    while True:
        words: list[str] = []
        for shape in chance.choices(source.shapes, k=chance.choice((1, 1, 1, 2))):
            drawn = chance.choices(source.words, k=len(shape))
            words += [before + word + after for word, (before, after) in zip(drawn, shape, strict=True)]
        if len(words) >= 12:  # shorter ones would occur twice
            yield words


def _documents(seed: int) -> Iterator[list[list[str]]]:
    """Documents of 5 to 6 KB without end, as paragraphs of words."""
    chance = random.Random(seed)  # noqa: S311 - seeded texts
    endless = paragraphs(chance)
    while True:
        document: list[list[str]] = []
        left = chance.randint(4700, 5700)
        while left > 0:
            document.append(next(endless))
            left -= sum(len(word.encode()) + 1 for word in document[-1])
        yield document


def news(size: int, seed: int = 1, spread: Mapping[str, float] = SPREAD) -> list[str]:
    """News with noise: at least so many bytes as UTF-8."""
    noise = random.Random(seed + 1)  # noqa: S311 - seeded texts
    return _filled(size, ("\n".join(noisy(document, noise, spread)) for document in _documents(seed)))


def vocalised(size: int, seed: int = 1) -> list[str]:
    """The words of the same news, fully vocalised, without noise: at least so many bytes as UTF-8."""
    chance = random.Random(seed + 1)  # noqa: S311 - seeded texts
    known: dict[str, list[str]] = {}

    def spoken(word: str) -> str:
        if word not in known:
            known[word] = [_vocalise(word, chance) for _ in range(6)]
        return chance.choice(known[word])

    return _filled(
        size,
        ("\n".join(" ".join(map(spoken, words)) for words in document) for document in _documents(seed)),
    )


def _filled(size: int, texts: Iterator[str]) -> list[str]:
    filled: list[str] = []
    while size > 0:
        filled.append(next(texts))
        size -= len(filled[-1].encode())
    if len(set(filled)) < len(filled):
        raise AssertionError("a document was made twice")
    return filled


def _vocalise(word: str, chance: random.Random) -> str:
    """A word with a mark on nearly every letter: a vowel, shadda and a vowel, sukun, and tanween at the end."""
    spoken: list[str] = []
    letters = [index for index, c in enumerate(word) if "\u0620" <= c <= "\u064a"]
    for index, letter in enumerate(word):
        spoken.append(letter)
        if index not in letters or chance.random() < (0.94 if letter in LONG else 0.11):
            continue
        if index == letters[-1] and chance.random() < 0.2:
            spoken.append(chance.choice(TANWEEN))
        elif index and chance.random() < 0.15:
            spoken.append(SUKUN)
        else:
            spoken.append((SHADDA if chance.random() < 0.11 else "") + chance.choice(HARAKAT))
    return "".join(spoken)


def noisy(document: Sequence[Sequence[str]], chance: random.Random, spread: Mapping[str, float] = SPREAD) -> list[str]:
    """The paragraphs of a document as lines, with the noise of one of two collections."""
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
    thousands = sum(len(word) + 1 for word in words) / 1000

    def places(rate: float) -> Iterator[int]:
        return (chance.randrange(len(words)) for _ in range(int(rate * thousands + chance.random())))

    for at in places(rates["forms"] / 4.5):  # letters of a word
        words[at] = _shaped(words[at])
    for at in places(rates["tatweel"]):
        words[at] = _inserted(words[at], TATWEEL, chance)
    for at in places(rates["bidi"]):
        words[at] = chance.choice((RLM + words[at], _inserted(words[at], RLM, chance)))
    for at in places(rates["farsi"]):
        words[at] = words[at].replace("ي", "\N{ARABIC LETTER FARSI YEH}")
    for at in places(rates["marks"]):
        words[at] = chance.choice(sources().marked)
    for at in places(rates["nbsp"]):
        words[at : at + 2] = [NBSP.join(words[at : at + 2])]
    return words


def _inserted(word: str, put: str, chance: random.Random) -> str:
    at = chance.randint(1, max(1, len(word) - 1))
    return word[:at] + put + word[at:]


@cache
def _forms() -> dict[tuple[str, str], str]:
    """The presentation form of a letter in a place: initial, medial, final."""
    forms = {}
    for form in map(chr, range(0xFE80, 0xFEFD)):
        place, *letters = unicodedata.decomposition(form).split()
        forms["".join(chr(int(letter, 16)) for letter in letters), place] = form
    return forms


def _shaped(word: str) -> str:
    """A word in presentation forms, with lam-alef as one."""
    forms = _forms()
    pieces = re.findall("ل[اأإآ]|.", word)
    places = ["<initial>", *["<medial>"] * (len(pieces) - 2), "<final>"][: len(pieces)]
    return "".join(
        forms.get((piece, place)) or forms.get((piece, "<final>")) or forms.get((piece, "<isolated>"), piece)
        for piece, place in zip(pieces, places, strict=True)
    )


def pages(count: int, seed: int = 1) -> Iterator[Document]:
    """Whole scraped-like pages of six sites: an article with what stands around it and inside it."""
    chance = random.Random(seed)  # noqa: S311 - seeded texts
    endless = paragraphs(chance)
    for number in range(count):
        raw = "\n".join(_page(endless, chance))
        yield Document(sha16(raw), f"site{number % 6}", None, None, None, raw, f"pages/{number}.txt")


def _page(endless: Iterator[list[str]], chance: random.Random) -> Iterator[str]:
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
    """A line with other last digits, so that years, days and hours differ from page to page."""
    return re.sub("(?<=[0-2])[0-9](?![0-9])", lambda _: chance.choice("0123456789"), line)
