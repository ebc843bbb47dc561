"""Texts to compare normalisers on: the examples, invented vocalised sentences, and every code point."""

import json
import unicodedata
from functools import cache
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples" / "articles"
VOCALIZED = [
    "أَعْلَنَتْ وِزَارَةُ النَّقْلِ فِي مَرْجَانَةَ أَمْسِ.",
    "قَالَ سَالِمٌ: «لَنْ نَتَأَخَّرَ»، وَأَضَافَ أَنَّ الكُلْفَةَ 3.5 مِلْيُون.",
    "شُؤُونُ البِيئَةِ وَآثَارُ السَّيْلِ عَلَى القُرَى",
    "إِنَّ مُحَمَّدًا وَصَلَ مَسَاءً، ثُمَّ عَادَ رَاضِيًا مُطْمَئِنًّا.",
    "هَٰذَا بَيَانٌ لِلنَّاسِ وَهُدًى، وَذَٰلِكَ خَيْرٌ وَأَبْقَى.",
    "سَأَلَ المُؤْتَمَرُ الوُزَرَاءَ: مَتَى يَنْتَهِي بِنَاءُ المَرْفَإِ؟",
    "مَلَأَتِ الأَمْطَارُ سَدَّ الوَادِي، فَامْتَلَأَتِ الآبَارُ مَاءً عَذْبًا.",
]


@cache
def corpus():
    """The texts of the examples and the vocalised sentences."""
    pages = [path.read_text("utf-8") for path in sorted(EXAMPLES.rglob("*.txt"))]
    lines = (EXAMPLES / "barq.jsonl").read_text("utf-8").splitlines()
    return [*pages, *(json.loads(line)["text"] for line in lines), *VOCALIZED]


def shared_texts(shared):
    """What others wrote: news, claims, tweets with emoji; as they are."""
    files = sorted(path for path in shared.rglob("*") if path.suffix in {".txt", ".csv", ".jsonl"})
    arabic = [path for path in files if {"articles", "entities", "stance"} & set(path.parts)]
    return [line for path in arabic for line in path.read_bytes().decode().split("\n") if line.strip()]


@cache
def still_and_others():
    """All code points in two: those that surely mean nothing to Arabic, and all others.

    The first are unassigned or private, unified ideographs and Hangul syllables, but no noncharacter.
    """
    still, others = [], []
    for character in map(chr, range(0x110000)):
        (still if _is_still(character) else others).append(character)
    return still, others


def _is_still(character):
    if ord(character) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(character) <= 0xFDEF:
        return False
    category = unicodedata.category(character)
    ideograph = category == "Lo" and unicodedata.name(character, "CJK UNIFIED").startswith(("CJK UNIFIED", "HANGUL S"))
    return ideograph or category in ("Cn", "Co")


def between(character):
    return f"ب{character}ب"


@cache
def still_pages():
    still = still_and_others()[0]
    pieces = [still[first : first + 5000] for first in range(0, len(still), 5000)]
    return ["".join(f"{between(c)} {c} " for c in piece) for piece in pieces]
