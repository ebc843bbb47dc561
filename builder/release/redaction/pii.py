"""PII patterns: e-mail and web addresses, telephone numbers, account mentions, IBANs and IP addresses in running text.

Names, street addresses and images are not detected. A match never begins or ends inside a longer number or word.
Offsets are code points, end exclusive.
"""

import ipaddress
import re
from collections.abc import Callable, Collection, Iterator
from typing import Literal, NamedTuple

Kind = Literal["email", "phone", "url", "mention", "iban", "ip"]

KINDS: tuple[Kind, ...] = ("url", "email", "iban", "ip", "phone", "mention")
"""Precedence of the kinds if several matches begin at the same offset."""


class PiiMatch(NamedTuple):
    """A match in a text, and its kind."""

    start: int
    end: int
    kind: Kind


_D = "0-9\u0660-\u0669\u06f0-\u06f9"

_DIGITS = {ord(digit): str(n % 10) for start in ("\u0660", "\u06f0") for n, digit in enumerate(map(chr, range(ord(start), ord(start) + 10)))}  # fmt: skip

_HARD = '\\s<>"«»“”،؛؟…'

_URL = re.compile(rf"(?<![A-Za-z0-9])(?:(?:https?|ftp)://|www\.)(?=\w)[^{_HARD}]*[^{_HARD}.,:;!?'’()\[\]]", re.IGNORECASE)  # fmt: skip

_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9_%+-][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9])"
)

_MENTION = re.compile(r"(?<![\w@./+-])@\w{2,50}(?![\w@])")

_IBAN = re.compile(rf"(?<![A-Za-z{_D}])[A-Z]{{2}}[{_D}]{{2}}(?:[ -]?[A-Z{_D}]{{1,4}}){{3,9}}(?![A-Za-z{_D}])")

_IPV4 = re.compile(rf"(?<![\w.,\u066b\u066c])(?:[{_D}]{{1,3}}\.){{3}}[{_D}]{{1,3}}(?!\w|[.,\u066b\u066c][{_D}])")

_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])")

_SEPARATOR = r"[ .()/\-\u2010-\u2013]"

_RUN = re.compile(
    rf"(?<!\w)(?<![{_D}][:\u066b./\-])[+(]{{0,2}}[{_D}]+(?:{_SEPARATOR}{{1,2}}[{_D}]+)*\+?(?!\w|[:\u066b][{_D}]|[,\u066c][{_D}]{{3}}(?![{_D}])|[%\u066a])"
)

_GROUP = re.compile(f"[{_D}]+")

_CUE = re.compile(
    r"(?:هاتف|الهاتف|هاتفيا|هاتفه|هاتفها|هاتفنا|اتصل|اتصلوا|الاتصال|تلفون|تليفون|جوال|الجوال|موبايل|الموبايل|محمول|فاكس|الفاكس|واتساب|واتس اب|للتواصل|للاتصال|tel|phone|mobile|fax|whatsapp)"
    r"(?:\s*(?:رقم|الرقم|بالرقم|على الرقم|بنا على|على|no))?\s*[:.\-–/]?\s*\Z",
    re.IGNORECASE,
)

_BEFORE = 40
"""Code points before a number that are searched for a cue word such as هاتف."""

_COUNTRY = re.compile(r"(?:96[0-8]|97[0-9]|21[2368]|249|222|252|253)\d{8,9}\Z|201[0125]\d{8}\Z")
"""Numbers of Arab countries without a plus sign, which must have this length and no separators."""


def find_pii(text: str, kinds: Collection[Kind]) -> list[PiiMatch]:
    """Find the matches of these kinds in a text, in order and without overlaps.

    Of overlapping matches the one that begins first wins, then the one whose kind comes first in KINDS.

    >>> [(match.kind, "اتصل على +970 59 912 3456 في 2023-2024"[match.start:match.end])
    ...  for match in find_pii("اتصل على +970 59 912 3456 في 2023-2024", KINDS)]
    [('phone', '+970 59 912 3456')]
    """
    candidates = [(start, rank, end, kind) for rank, kind in enumerate(KINDS) if kind in kinds for start, end in _FINDERS[kind](text)]  # fmt: skip
    matches: list[PiiMatch] = []
    for start, _, end, kind in sorted(candidates):
        if not matches or start >= matches[-1].end:
            matches.append(PiiMatch(start, end, kind))
    return matches


def _plain(pattern: re.Pattern[str]) -> Callable[[str], Iterator[tuple[int, int]]]:
    """Return a finder for all matches of a pattern."""
    return lambda text: (match.span() for match in pattern.finditer(text))


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the longest piece of each candidate whose check digits are valid (ISO 13616)."""
    for match in _IBAN.finditer(text):
        ends = [at for at in range(match.start() + 15, match.end() + 1) if not text[at : at + 1].isalnum()]
        for end in reversed(ends):
            plain = re.sub("[ -]", "", text[match.start() : end]).translate(_DIGITS)
            if 15 <= len(plain) <= 34 and int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1:
                yield match.start(), end
                break


def _ips(text: str) -> Iterator[tuple[int, int]]:
    """Yield the IPv4 and IPv6 addresses."""
    for pattern in (_IPV4, _IPV6):
        for match in pattern.finditer(text):
            if len(match[0]) > 2 and _is_ip(match[0].translate(_DIGITS)):
                yield match.span()


def _is_ip(written: str) -> bool:
    """Return whether a string is an IP address."""
    try:
        ipaddress.ip_address(written)
    except ValueError:
        return False
    return True


def _phones(text: str) -> Iterator[tuple[int, int]]:
    """Yield the telephone numbers."""
    for run in _RUN.finditer(text):
        groups = [group.span() for group in _GROUP.finditer(text, run.start(), run.end())]
        end = _phone_end(text, run.start(), run.end(), groups)
        if end is not None:
            start = run.start() if text[run.start() : end].count("(") <= text[run.start() : end].count(")") else groups[0][0]  # fmt: skip
            yield start, end


def _phone_end(text: str, start: int, end: int, groups: list[tuple[int, int]]) -> int | None:
    """Return the end of the telephone number at the start of a run of digits, or None."""
    digits = ["".join(text[low:high]).translate(_DIGITS) for low, high in groups]
    whole = "".join(digits)
    head = text[start : groups[0][0]]
    if text[end - 1] == "+":
        return end if len(groups) == 1 and 10 <= len(whole) <= 15 else None
    if len(groups) == 1 and _COUNTRY.match(whole):
        return end
    if "+" in head or whole.startswith("00"):
        prefix = 0 if "+" in head else 2
        return _cut(text, groups, digits, 8 + prefix, 15 + prefix, 11 + prefix)
    decimal = digits[0] == "0" and (len(groups) == 1 or "." in text[groups[0][1] : groups[1][0]])
    if whole.startswith("0") and not decimal:
        return _cut(text, groups, digits, 8, 11, 9)
    if _CUE.search(text[max(0, start - _BEFORE) : start]):
        return _cut(text, groups, digits, 6, 15, 9)
    return None


def _cut(text: str, groups: list[tuple[int, int]], digits: list[str], least: int, most: int, enough: int) -> int | None:
    """Return the end of the first groups that together have `least` to `most` digits, or None.

    The end is at a space. No further group is added once there are `enough` digits.
    """
    total, best = 0, None
    for number, group_digits in enumerate(digits):
        total += len(group_digits)
        if total > most:
            break
        following = text[groups[number][1] : groups[number + 1][0]] if number + 1 < len(groups) else " "
        if " " not in following:
            continue
        if total >= least and _shaped(text, groups[: number + 1], digits[: number + 1], whole=enough > 9):
            best = groups[number][1]
            if total >= enough:
                break
    return best


def _shaped(text: str, groups: list[tuple[int, int]], digits: list[str], *, whole: bool) -> bool:
    """Return whether groups of digits can be a telephone number and not a date.

    Unless the country code is given (`whole`), short groups such as scores are rejected as well.
    """
    sizes = [len(group_digits) for group_digits in digits]
    if len(sizes) == 3 and (max(sizes[:2]) <= 2 and sizes[2] in (2, 4)):
        between = {text[groups[index][1] : groups[index + 1][0]] for index in (0, 1)}
        if len(between) == 1 and between <= {"/", "-", "."}:
            return False
    return whole or max(sizes) >= 3 or (len(sizes) >= 4 and all(size == 2 for size in sizes))


_FINDERS: dict[Kind, Callable[[str], Iterator[tuple[int, int]]]] = {
    "url": _plain(_URL), "email": _plain(_EMAIL), "iban": _ibans, "ip": _ips, "phone": _phones, "mention": _plain(_MENTION),
}  # fmt: skip
