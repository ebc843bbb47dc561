"""The names of months, and the pattern of a date whose month is named.

All patterns are of folded text: one spelling of each letter, ASCII digits and no marks.
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache

from builder.text.profiles import profile

MONTHS = (
    "كانون الثاني، يناير، جانفي، january، jan",
    "شباط، فبراير، فيفري، february، feb",
    "آذار، مارس، march، mar",
    "نيسان، أبريل، أفريل، april، apr",
    "أيار، مايو، ماي، may",
    "حزيران، يونيو، يونيه، جوان، june، jun",
    "تموز، يوليو، يوليه، يوليوز، جويلية، july، jul",
    "آب، أغسطس، غشت، أوت، august، aug",
    "أيلول، سبتمبر، شتنبر، september، sept، sep",
    "تشرين الأول، أكتوبر، october، oct",
    "تشرين الثاني، نوفمبر، نونبر، november، nov",
    "كانون الأول، ديسمبر، دجنبر، december، dec",
)
"""The names of each month in the Levant, in Egypt, in the Maghreb and in English."""

HIJRI_MONTHS = ("محرم", "صفر", "ربيع", "جمادى", "رجب", "شعبان", "رمضان", "شوال", "القعدة", "الحجة")


def fold(text: str) -> str:
    """Return a text in one spelling, with ASCII digits, and without marks and characters that are not visible."""
    return " ".join(map(_word, text.split())).casefold()


@lru_cache(10_000)
def _word(word: str) -> str:
    """Return one folded word; few words recur in all dates of a crawl."""
    return word if word.isascii() else profile("search@1").fold(word)


@cache
def month_numbers() -> Mapping[str, int]:
    """Return the number of each month by its folded names."""
    return {fold(name): number for number, names in enumerate(MONTHS, 1) for name in names.split("، ")}


@cache
def month_pattern() -> str:
    """Return the alternatives of a pattern that matches a month's name, the longest first."""
    return "|".join(sorted(map(re.escape, month_numbers()), key=len, reverse=True))


@cache
def hijri_month() -> re.Pattern[str]:
    """Return the pattern of a month of the Hijri calendar."""
    return re.compile(rf"\b(?:{'|'.join(map(fold, HIJRI_MONTHS))})\b")


@cache
def named_date() -> re.Pattern[str]:
    """Return the pattern of a date whose month is named, with the day before it or after it."""
    month = rf"\b(?P<{{}}>{month_pattern()})\b"
    gap = r"[\s،,/.()\-]{0,4}"
    return re.compile(
        rf"(?<!\d)(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?{gap}(?:of |من |شهر )*{month.format('m1')}"
        rf"(?:\s?[/(\-]\s?{month.format('m2')}\)?)?{gap}(?:من )?(?:عام |سنه )?(?P<y1>\d{{4}})(?!\d)"
        rf"|{month.format('m3')}{gap}(?P<d3>\d{{1,2}})(?:st|nd|rd|th)?{gap}(?P<y3>\d{{4}})(?!\d)"
    )
