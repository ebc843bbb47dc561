"""The edges of a page: which of its lines recurrence may judge, and what of them is counted.

Everything here takes folded lines, and gives masked text: words only, each number as 0, each address as one word.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from builder.corpus.cleaning.page import BULLETS, paragraphs

HEAD, TAIL = 6, 14
"""Most lines at the beginning and at the end of a page that are judged by recurrence."""

LONG = 100
"""Code points; a longer line is a paragraph, and never goes by recurrence."""

GRAM = (5, 14)
"""Fewest and most words of a suffix of a paragraph."""

REST = 4
"""Most words behind the last sentence of a paragraph that are counted."""

PART = 4
"""Fewest words of a part of a line."""

WORDS = 6
"""Most words of a label or of a field."""

LABEL = 60
"""Most code points of a label."""

LONE = 10
"""Most words of a line that stands alone above or below the paragraphs."""

PROSE = 0.8
"""Share of paragraphs among a page's other lines, from which on a line at its edge can stand alone."""

END_MARKS = frozenset(".!؟?…:،,؛;")
"""Ends of a sentence, or of a line that goes on."""

QUOTES = frozenset('»"”')

_ADDRESS = re.compile(
    r"\S*@\S+|https?:\S*|\bwww\.\S+|\b[\w-]+(?:\.[\w-]+)*\.(?:com|net|org|info|tv|co|me)\b\S*", re.ASCII
)

_MAY_BE_ADDRESS = re.compile(r"@|https?:|www\.|\.(?:com|net|org|info|tv|co|me)", re.ASCII)
"""What every address holds; most lines hold none of it, and are not searched for addresses."""

_SEPARATOR = re.compile(r"\s*[–—|/\\]+\s*|\s+-\s*|-\s+")

_MAY_SEPARATE = re.compile(r"[–—|/\\-]")

_REST = re.compile(r"""(?:(?<=\w\w)|(?<=[»”")\]]))\s?(?P<mark>[.!؟…»”"])[.!…]*(?:\s+|(?=[(\[]))(?P<words>[^.!؟…]+)$""")
"""The last end of a sentence in a paragraph, and the words behind it."""

_MAY_END = re.compile(r"""[.!؟…»”"]""")

_NUMBER = re.compile(r"\d+")

_SIGNS = re.compile(r"[\W_]+")


def mask(folded: str) -> str:
    """Return the words of a line, with each number as 0 and each address as `address`.

    A line that is an address keeps its words, so that one columnist's address is not another's. A line of signs stays.

    >>> mask("للتواصل: 0123-45 او bahr@nasim.example.com")
    'للتواصل 0 0 او address'
    >>> mask("bahr@nasim.example.com"), mask("* * *")
    ('bahr nasim example com', '* * *')
    """
    if folded.replace(" ", "").isalpha() and " ".join(folded.split()) == folded:
        return folded
    words = folded
    if _MAY_BE_ADDRESS.search(folded):
        words = _ADDRESS.sub(" address ", folded)
        if _SIGNS.sub(" ", words).strip() == "address":
            words = folded
    return " ".join(filter(None, _bare(words))) or folded


def _bare(folded: str) -> list[str]:
    """Return each word with numbers as 0 and without signs at its ends; a word of signs is empty."""
    return [word if word.isalpha() else _bare_word(word) for word in folded.split(" ")]


@lru_cache(maxsize=1 << 14)
def _bare_word(word: str) -> str:
    return _SIGNS.sub(" ", _NUMBER.sub("0", word)).strip()


@dataclass(frozen=True, slots=True)
class Edges:
    """The lines above a page's first paragraph and below its last, at most HEAD and TAIL of them."""

    first: int
    """The first paragraph, or the number of lines where there is none."""
    last: int
    """The last paragraph, or -1 where there is none."""
    head: range
    tail: range
    prose: Sequence[bool]
    """Whether each line is a paragraph."""


def edges(folded: Sequence[str], told: Sequence[bool] | None = None) -> Edges:
    """Find the first and the last paragraph: a line of more than LONG code points, or a shorter one that ends in a stop.

    `told` is what `paragraphs` returns of the lines, if it is known.

    >>> found = edges(["عنوان", "ا" * 120, "شارك"])
    >>> found.first, found.last, found.head, found.tail
    (1, 1, range(0, 1), range(2, 3))
    """
    prose = [long or len(line) > LONG for line, long in zip(folded, told or paragraphs(folded), strict=True)]
    count = len(folded)
    first, last = (prose.index(True), count - 1 - prose[::-1].index(True)) if True in prose else (count, -1)
    return Edges(first, last, range(min(first, HEAD)), range(max(last + 1, count - TAIL), count), prose)


def fields(folded: str) -> list[str]:
    """Return the masked parts of a short line between dashes or bars, or nothing where there is only one.

    >>> fields("نسيم – مرفا السدر")
    ['نسيم', 'مرفا السدر']
    """
    if len(folded) > LONG or not _MAY_SEPARATE.search(folded):
        return []
    parts = [mask(part) for part in _SEPARATOR.split(folded)]
    return parts if len(parts) > 1 and all(part and part.count(" ") < WORDS for part in parts) else []


def label(folded: str) -> str:
    """Return the masked words before the first colon: two to WORDS of them, with something behind.

    >>> label("رابط الخبر في نسيم: عوده السفينه"), label("وقال: لا"), label("الساعه 12:30")
    ('رابط الخبر في نسيم', '', '')
    """
    before, colon, rest = folded[: LONG + 1].partition(":")
    if not colon or not rest.startswith(" ") or len(before) > LABEL:
        return ""
    words = mask(before.strip())
    return words if 0 < words.count(" ") < WORDS else ""


def ends(masked: str) -> list[str]:
    """Return the last and the first words of a line, without the others: PART words or more, most of the line.

    >>> ends("مرفا السدر 0 رجب 0 نسيم")
    ['… السدر 0 رجب 0 نسيم', 'مرفا السدر 0 رجب 0 …', '… 0 رجب 0 نسيم', 'مرفا السدر 0 رجب …']
    """
    words = masked.split(" ")
    sizes = range(len(words) - 1, max(PART, -(-len(words) * 3 // 5)) - 1, -1)
    return [part for size in sizes for part in (f"… {' '.join(words[-size:])}", f"{' '.join(words[:size])} …")]


def suffix(folded: str, size: int) -> str:
    """Return the last words of a paragraph, masked; nothing of a short paragraph."""
    return mask(_tail(folded, size)) if folded.count(" ") + 1 >= 2 * GRAM[1] else ""


def suffixes(folded: str) -> list[str]:
    """Return the suffix of each size, the shortest first; what `suffix` returns of each, at once.

    Numbers and signs do not reach across a space, so that each word is masked once. An address can be all of a suffix,
    which then keeps its words.
    """
    return suffixes_of(_tail(folded, GRAM[1])) if folded.count(" ") + 1 >= 2 * GRAM[1] else []


def suffixes_of(tail: str) -> list[str]:
    """Return the suffix of each size of a long paragraph, given its last words."""
    if _MAY_BE_ADDRESS.search(tail):
        return [mask(_tail(f" {tail}", size)) for size in range(GRAM[0], GRAM[1] + 1)]
    words = _bare(tail)
    whole = [" ".join(filter(None, words[-size:])) for size in range(GRAM[0], GRAM[1] + 1)]
    return [masked or _tail(f" {tail}", size) for size, masked in enumerate(whole, GRAM[0])]


def rest(folded: str) -> int:
    """Return where at most REST words behind a paragraph's last sentence begin, or 0 if there are none.

    A full stop ends a sentence behind a word of two letters or more, before a space or a bracket; behind a quotation, the
    words must be set apart themselves. They hold a letter and no digit: the rest of a number or of an address is none.

    >>> line = "وعادت السفينه الي المرفا مع البحاره كلهم. (نسيم)"
    >>> line[rest(line) :], rest("وعادت السفينه الي المرفا مع البحاره كلهم.")
    ('(نسيم)', 0)
    >>> line = 'وعادت السفينه الي المرفا مع البحاره. "نسيم"'
    >>> line[rest(line) :]
    '"نسيم"'
    >>> rest("وبلغت نسبه البطاله في الجزيره وسواحلها 2. 5 بالمئه"), rest('وكتبت عنه مرارا صحيفه الجزيره "لوموند" الفرنسيه')
    (0, 0)
    """
    if not _MAY_END.search(folded, len(folded) - sum(map(len, folded.rsplit(" ", REST + 1)[1:])) - REST - 1):
        return 0
    found = _REST.search(folded, _last_end(folded))
    if not found or found.start() < LONE or folded[-1] in END_MARKS:
        return 0
    words = found["words"]
    is_apart = words[0] in '([«"“*–—-' or words.startswith("المصدر")
    if words.count(" ") >= REST or not any(map(str.isalpha, words)) or any(map(str.isdigit, words)):
        return 0
    if found["mark"] in '»”"' and not is_apart:
        return 0
    return found.start("words")


def _last_end(folded: str) -> int:
    """Return where the run of marks with the last end of a sentence begins, or the space before it."""
    at = max(map(folded.rfind, ".!؟…"))
    while at > 0 and folded[at - 1] in '.!؟…»”"':
        at -= 1
    return max(at - 1, 0)


def _tail(folded: str, size: int) -> str:
    """Return the last words of a text of more words."""
    return folded[len(folded.rsplit(" ", size)[0]) + 1 :]


def is_lone(folded: Sequence[str], page: Edges, i: int) -> bool:
    """Return whether a line at a page's edge stands alone beside a paragraph, is short and ends in no mark.

    The other lines of the page are paragraphs, but for a fifth, and a paragraph above the line ends in a mark: the last
    line of text that was broken to a width, or of a poem, does not stand alone.
    """
    line, beside = folded[i], 1 if i == 0 else i - 1
    if not (line and len(folded) > 1 and page.prose[beside] and not page.prose[i] and can_be_lone(line)):
        return False
    return (i == 0 or is_ended(folded[beside])) and sum(page.prose) >= PROSE * (len(folded) - 1)


def can_be_lone(line: str) -> bool:
    """Return whether a line is short and ends in no mark."""
    return line.count(" ") < LONE and line[-1] not in END_MARKS and line[-1] not in QUOTES and line[0] not in BULLETS


def is_ended(paragraph: str) -> bool:
    """Return whether a paragraph ends in a mark, or behind one."""
    return paragraph[-1] in ".!؟?…" or paragraph[-1] in "»\"”')]}"
