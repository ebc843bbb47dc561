"""Each profile's text, slowly: one character at a time, from what the profiles say, not from how they are built.

Shares nothing with builder/text. Policies follow one another in the order of the words of
`khabar schema render`, each over the whole text, until nothing changes. Gives no edits.
"""

import unicodedata
from functools import cache

HAMZA = "\N{ARABIC MADDAH ABOVE}\N{ARABIC HAMZA ABOVE}\N{ARABIC HAMZA BELOW}"
LETTERS = "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىي\N{ARABIC LETTER ALEF WASLA}"
TATWEEL = "\N{ARABIC TATWEEL}"
FARSI_YEH, KEHEH = "\N{ARABIC LETTER FARSI YEH}", "\N{ARABIC LETTER KEHEH}"
FATHATAN, SHADDA = "\N{ARABIC FATHATAN}", "\N{ARABIC SHADDA}"
LINE_ENDS = ["\r\n", "\r", "\v", "\f", "\N{NEXT LINE}", "\N{LINE SEPARATOR}", "\N{PARAGRAPH SEPARATOR}"]
MARK_RANGES = [
    (0x0610, 0x061A), (0x064B, 0x0652), (0x0656, 0x065F), (0x0670, 0x0670), (0x06D6, 0x06DC), (0x06DF, 0x06E8),
    (0x06EA, 0x06ED), (0x0898, 0x089F), (0x08CA, 0x08E1), (0x08E3, 0x08FF),
]  # fmt: skip
CONTROL_RANGES = [
    (0x00, 0x08), (0x0E, 0x1F), (0x7F, 0x84), (0x86, 0x9F), (0xAD, 0xAD), (0x061C, 0x061C), (0x200B, 0x200B),
    (0x200E, 0x200F), (0x202A, 0x202E), (0x2060, 0x2060), (0x2066, 0x2069), (0xFDD0, 0xFDEF), (0xFEFF, 0xFEFF),
    (0xFFFE, 0xFFFF),
]  # fmt: skip
FORM_RANGES = [(0xFB50, 0xFDCF), (0xFE70, 0xFEFC)]


def text_of(raw, name):
    """The text that a profile must make of a raw text."""
    for end in LINE_ENDS:
        raw = raw.replace(end, "\n")
    before, text = None, raw
    while text != before:
        before, text = text, once(text, keeps_marks=name == "light@1")
    return folded(text) if name == "search@1" else text


def once(text, *, keeps_marks):
    text = unicodedata.normalize("NFC", "".join(put(character) for character in text))
    text = without_tatweel(text)
    if keeps_marks:
        return with_fathatan_before_alef(text)
    bare = "".join(character for character in text if not is_mark(character))
    return with_arabic_words(unicodedata.normalize("NFC", bare))


def inside(character, ranges):
    return any(first <= ord(character) <= last for first, last in ranges)


@cache
def is_mark(character):
    return inside(character, MARK_RANGES)


@cache
def put(character):
    """What becomes of a character that no neighbour has a say in."""
    if inside(character, CONTROL_RANGES):
        return ""
    if character == "\t" or (unicodedata.category(character) == "Zs"):
        return " "
    if inside(character, FORM_RANGES):
        letters = unicodedata.normalize("NFKC", character).strip(" " + TATWEEL)
        return letters if 0 < len(letters) <= 3 else character
    return character


def without_tatweel(text):
    kept = [c for place, c in enumerate(text) if c != TATWEEL or is_after_lone_heh(text, place)]
    return "".join(kept)


def is_after_lone_heh(text, place):
    """Whether a tatweel makes heh an abbreviation: no letter or mark before it, no letter or digit after."""
    if text[place - 1 : place] != "ه":
        return False
    before = text[place - 2] if place > 1 else " "
    in_word = unicodedata.combining(before) or (before.isalnum() and not before.isdecimal())
    after = text[place + 1 :].lstrip(TATWEEL + HAMZA + "".join(filter(is_mark, set(text))))
    return not in_word and not (after[:1].isalnum() or after[:1] == "_")


def with_fathatan_before_alef(text):
    """Alef and fathatan as fathatan and alef, after a letter or shadda, where no letter follows."""
    done = list(text)
    for place in range(1, len(text) - 1):
        follows = text[place + 2 : place + 3]
        pair = text[place : place + 2] == "ا" + FATHATAN
        if pair and text[place - 1] in LETTERS + SHADDA and (not follows or follows not in LETTERS):
            done[place : place + 2] = [FATHATAN, "ا"]
    return "".join(done)


def with_arabic_words(text):
    """Farsi yeh and keheh as Arabic ones in words of which every other letter is Arabic, and at least one."""
    done, word = [], ""
    for character in text:
        if character.isalnum() or character == "_" or is_mark(character) or character in HAMZA:
            word += character
        else:
            done += [arabic(word), character]
            word = ""
    return "".join([*done, arabic(word)])


def arabic(word):
    rest = {c for c in word if not is_mark(c)} - {FARSI_YEH, KEHEH, TATWEEL, *HAMZA}
    if rest and rest <= set(LETTERS):
        return word.replace(FARSI_YEH, "ي").replace(KEHEH, "ك")
    return word


def folded(text):
    """Bare letters, Western digits, lower-case Latin: a key."""
    return unicodedata.normalize("NFC", "".join(key_of(character) for character in text))


@cache
def key_of(character):
    if character in HAMZA:
        return ""
    if "\u0660" <= character <= "\u0669" or "\u06f0" <= character <= "\u06f9":
        return str(unicodedata.digit(character))
    if character in "ةى\N{ARABIC LETTER ALEF WASLA}":
        return {"ة": "ه", "ى": "ي"}.get(character, "ا")
    if "\u0620" <= character <= "\u06ff" and unicodedata.normalize("NFD", character)[1:] in {*HAMZA}:
        return unicodedata.normalize("NFD", character)[0]
    if unicodedata.category(character) in ("Lu", "Lt") and unicodedata.name(character, "").startswith("LATIN"):
        lower = character.lower()[0]
        return lower if inside(character, [(0x41, 0x5A), (0xC0, 0x24F), (0x1E00, 0x1EFF)]) else character
    return character
