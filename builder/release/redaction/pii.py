"""What of a person stands in running text: addresses of mail and web, telephone numbers, accounts, IBANs, IPs.

Patterns, not understanding: names, streets and faces are not looked for. A match never begins or ends inside a longer
number or word. Offsets are code points, end exclusive. Pure.
"""

import ipaddress
import re
from collections.abc import Callable, Collection, Iterator
from typing import Literal, NamedTuple

Kind = Literal["email", "phone", "url", "mention", "iban", "ip"]

KINDS: tuple[Kind, ...] = ("url", "email", "iban", "ip", "phone", "mention")
"""In the order in which they are asked where several begin at one place."""


class Found(NamedTuple):
    """A stretch of a text, and what it is."""

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
"""Code points before a number in which a word for a telephone is looked for."""

_COUNTRY = re.compile(r"(?:96[0-8]|97[0-9]|21[2368]|249|222|252|253)\d{8,9}\Z|201[0125]\d{8}\Z")
"""Numbers of Arab countries without a plus: of this length, and in one piece."""


def find(text: str, kinds: Collection[Kind]) -> list[Found]:
    """What of these kinds stands in a text, in order, without overlaps; of two that overlap, the first, then by KINDS.

    >>> [(one.kind, "اتصل على +970 59 912 3456 في 2023-2024"[one.start:one.end])
    ...  for one in find("اتصل على +970 59 912 3456 في 2023-2024", KINDS)]
    [('phone', '+970 59 912 3456')]
    """
    every = [(start, rank, end, kind) for rank, kind in enumerate(KINDS) if kind in kinds for start, end in _FINDERS[kind](text)]  # fmt: skip
    found: list[Found] = []
    for start, _, end, kind in sorted(every):
        if not found or start >= found[-1].end:
            found.append(Found(start, end, kind))
    return found


def _plain(pattern: re.Pattern[str]) -> Callable[[str], Iterator[tuple[int, int]]]:
    return lambda text: (one.span() for one in pattern.finditer(text))


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    """ISO 13616: the longest piece whose check digits are right."""
    for one in _IBAN.finditer(text):
        ends = [place for place in range(one.start() + 15, one.end() + 1) if not text[place : place + 1].isalnum()]
        for end in reversed(ends):
            plain = re.sub("[ -]", "", text[one.start() : end]).translate(_DIGITS)
            if 15 <= len(plain) <= 34 and int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1:
                yield one.start(), end
                break


def _ips(text: str) -> Iterator[tuple[int, int]]:
    for pattern in (_IPV4, _IPV6):
        for one in pattern.finditer(text):
            if len(one[0]) > 2 and _is_ip(one[0].translate(_DIGITS)):
                yield one.span()


def _is_ip(written: str) -> bool:
    try:
        ipaddress.ip_address(written)
    except ValueError:
        return False
    return True


def _phones(text: str) -> Iterator[tuple[int, int]]:
    for run in _RUN.finditer(text):
        groups = [one.span() for one in _GROUP.finditer(text, run.start(), run.end())]
        end = _phone_end(text, run.start(), run.end(), groups)
        if end is not None:
            start = run.start() if text[run.start() : end].count("(") <= text[run.start() : end].count(")") else groups[0][0]  # fmt: skip
            yield start, end


def _phone_end(text: str, start: int, end: int, groups: list[tuple[int, int]]) -> int | None:
    """Where the telephone number that a run of digits begins with ends, or None."""
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
    """The end of the first groups that together have so many digits; at a space where these are enough."""
    total, best = 0, None
    for number, own in enumerate(digits):
        total += len(own)
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
    """Whether groups of digits can be a telephone number: no date and, unless the country is said (`whole`), no scores."""
    sizes = [len(own) for own in digits]
    if len(sizes) == 3 and (max(sizes[:2]) <= 2 and sizes[2] in (2, 4)):
        between = {text[groups[place][1] : groups[place + 1][0]] for place in (0, 1)}
        if len(between) == 1 and between <= {"/", "-", "."}:
            return False
    return whole or max(sizes) >= 3 or (len(sizes) >= 4 and all(size == 2 for size in sizes))


_FINDERS: dict[Kind, Callable[[str], Iterator[tuple[int, int]]]] = {
    "url": _plain(_URL), "email": _plain(_EMAIL), "iban": _ibans, "ip": _ips, "phone": _phones, "mention": _plain(_MENTION),
}  # fmt: skip
