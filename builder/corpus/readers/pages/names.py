"""Titles, sites and authors of pages, and what among them is none."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from html import unescape
from itertools import islice
from typing import TYPE_CHECKING

from builder.corpus.readers.dates.months import MONTHS
from builder.corpus.readers.rows import person_names
from builder.text.profiles import profile

if TYPE_CHECKING:
    from lxml.html import HtmlElement

LONGEST, LOOKED_AT, MOST_TEXTS = 1_000, 5_000, 1_000
"""Most code points of a title, and most code points and pieces of a text that are looked at."""

SEPARATOR = r"\s*(?:\s[-–—|•·»«:/]\s|\s?[|»«]{1,2}\s?|\s::\s|\s[-–—]|[-–—]\s)\s*"
"""What stands between a title and the name of its site."""

AGENCIES = (
    "رويترز", "فرانس برس", "أ ف ب", "أف ب", "د ب أ", "أ ب", "أسوشيتد برس", "الأناضول", "واس", "وام", "كونا", "بترا", "قنا", "سانا",
    "وفا", "بنا", "واج", "وات", "ومع", "شينخوا", "أ ش أ", "أش أ", "سبوتنيك", "بلومبرغ", "بلومبرج", "إفي", "تاس", "نوفوستي", "معا", "صفا",
    "reuters", "afp", "ap", "associated press", "dpa", "anadolu", "aa", "xinhua", "efe", "tass", "sputnik", "bloomberg", "spa", "wam",
    "kuna", "mena", "upi", "ansa", "agencies", "rt", "map", "aps", "tap",
)  # fmt: skip

DESKS = (
    "بقلم", "كتب", "كتبت", "إعداد", "الكاتب", "كاتب", "المؤلف", "by",
    "admin", "administrator", "editor", "editors", "webmaster", "newsroom", "newsdesk", "news desk", "staff", "user", "root", "author",
    "المحرر", "محرر", "المحررون", "التحرير", "هيئة التحرير", "فريق التحرير", "قسم التحرير", "إدارة التحرير", "أسرة التحرير", "رئيس التحرير", "غرفة الأخبار",
    "قسم الأخبار", "الموقع", "إدارة الموقع", "الإدارة", "متابعات", "متابعة", "خاص", "الأخبار", "مدير الموقع", "مراسلون", "المراسل", "فريق العمل",
)  # fmt: skip

AGENCY_WORDS = re.compile(r"^(?:ال)?وكال(?:ة|ات|ه)\b|\b(?:news )?agenc(?:y|ies)\b", re.IGNORECASE)

BYLINE = re.compile(
    r"^\W*(?:(?:بقلم|كتبت?ها?|كتبت?|إعداد|اعداد|تقرير|حوار|ترجمة|المحرر|الكاتبة?|كاتب المقال|المؤلف|تحرير|by|written by|author)\s*(?:/|:|\s)\s*)+",
    re.IGNORECASE,
)  # fmt: skip

NAMES_OF_MONTHS = sorted((name for names in MONTHS for name in names.split("، ")), key=len, reverse=True)

DATED = re.compile(
    rf"(?:^|\s)(?:(?:ال(?:أحد|اثنين|إثنين|ثلاثاء|[أا]ربعاء|خميس|جمعة|سبت)|{'|'.join(NAMES_OF_MONTHS)})\s+)*\d.*$",
    re.IGNORECASE | re.DOTALL,
)  # fmt: skip
"""A date or another number behind a name, with the names of its day and month."""

LEAST_LETTERS, MOST_WORDS = 2, 8
"""Letters of a name, at least, and words, at most."""

ADDRESS = re.compile(r"@|https?:|www\.|\w\.(?:com|net|org|info|tv|news)\b", re.IGNORECASE)

SHORTENED = re.compile(r"\.\.\.$|\N{HORIZONTAL ELLIPSIS}$")


def key(text: str | None) -> str:
    """Return what titles and names are compared by: the letters and digits of the text, folded as for search.

    >>> key("أخبار «نسيم»") == key("اخبار نَسيم")
    True
    """
    return "".join(filter(str.isalnum, profile("search@1").fold(text or "")))


def one_line(text: str | None) -> str:
    """Return the beginning of a text on one line, without characters that are invisible or control a terminal.

    References that are escaped twice, or stand in JSON-LD, become the characters that they mean.

    >>> one_line("المعرض &quot;السنوي&quot; &#32; 2026")
    'المعرض "السنوي" 2026'
    """
    begin = unescape((text or "")[:LOOKED_AT])
    return " ".join("".join(map(_visible, begin)).split())


def _visible(character: str) -> str:
    """Return a character, a space for one that separates words, or nothing for one that is not shown."""
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) in ("Cc", "Cf") else character


def text_of(element: "HtmlElement") -> str:
    """Return the text of an element on one line; `br` separates words."""
    return one_line((" " if element.find(".//br") is not None else "").join(islice(element.itertext(), MOST_TEXTS)))


def title_of(
    headings: Sequence[str], headlines: Sequence[str], page_title: str | None, sites: Sequence[str]
) -> str | None:
    """Return the title of a page.

    It is the heading (`h1`) that stands in a headline, or whose beginning a shortened headline is; else the first headline,
    else the title of the page, without the site's name.
    """
    heads = [text for heading in headings if key(text := one_line(heading)) not in {"", *map(key, sites)}]
    lines = [text for line in headlines if (text := cut_site(one_line(line), sites))]
    whole = cut_site(one_line(page_title), sites)
    for line in (*lines, whole):
        for head in heads:
            if _is_same(key(head), key(line), SHORTENED.search(line) is not None):
                return cut_site(head, sites)[:LONGEST]
    found = next((text for text in (*lines, heads[0] if len(heads) == 1 else "", whole, *heads) if text), "")
    return found[:LONGEST] or None


def _is_same(heading: str, headline: str, is_shortened: bool) -> bool:
    """Return whether a heading is most of a headline, or a headline is the beginning of the heading."""
    if not heading or not headline:
        return False
    if heading in headline:
        return len(heading) * 2 >= len(headline)
    return heading.startswith(headline) and (is_shortened or len(headline) >= 60)


def site_in(page_title: str | None, headings: Sequence[str]) -> str | None:
    """Return what stands beside a heading in the title of the page, which is the name of the site; None if nothing does.

    >>> site_in("افتتاح المعرض - نسيم نيوز", ["افتتاح المعرض"])
    'نسيم نيوز'
    """
    title = one_line(page_title)
    for heading in map(one_line, headings):
        if (
            heading
            and title.startswith(heading)
            and (beside := re.fullmatch(f"{SEPARATOR}(.+)", title[len(heading) :]))
        ):
            return re.split(SEPARATOR, beside[1])[-1]
    return None


def cut_site(title: str, sites: Iterable[str]) -> str:
    """Return a title without the name of its site at its end or at its beginning.

    >>> cut_site("افتتاح المعرض | أخبار نسيم", ["نسيم"]), cut_site("نسيم - افتتاح المعرض", ["نسيم"]), cut_site("نسيم", ["نسيم"])
    ('افتتاح المعرض', 'افتتاح المعرض', 'نسيم')
    """
    names = [name for site in sites if len(name := key(site)) > 1]
    parts = re.split(f"({SEPARATOR})", title)
    while len(parts) > 1 and _is_site(key(parts[-1]), names):
        parts = parts[:-2]
    while len(parts) > 1 and _is_site(key(parts[0]), names):
        parts = parts[2:]
    return "".join(parts).strip()


def _is_site(part: str, names: Sequence[str]) -> bool:
    """Return whether a part of a title is a site's name, perhaps with a word or two beside it."""
    return not part or any(part == name or (name in part and len(part) <= 2 * len(name) + 12) or (part in name and len(part) > 3)
                           for name in names)  # fmt: skip


def author_of(candidates: Sequence[Sequence[str]], sites: Sequence[str], host: str | None) -> str | None:
    """Return the first candidate list of names that has a person, joined; None if there is none.

    The site, addresses, agencies and desks of the editors are no persons.
    """
    for names in candidates:
        persons = [
            person
            for name in names
            for part in re.split(r"[،,;؛]|\s+&\s+", one_line(name))
            if (person := _person(part, sites, host))
        ]
        if joined := person_names(persons):
            return joined
    return None


def _person(written: str, sites: Sequence[str], host: str | None) -> str:
    """Return the person that a byline names, or an empty text."""
    name = DATED.sub("", BYLINE.sub("", written)).strip(" .:|/-–—*")
    parts = [part.strip(" .«»\"'()") for part in re.split(r"\s[-–—|/]\s|\s*[|/:]\s*|\s[-–—]|[-–—]\s|[()]", name)]
    known = [part for part in parts if part and not is_no_person(part, sites, host)]
    if len(known) < len([part for part in parts if part]):  # beside a site or an agency, one word is a city
        known = [
            part
            for part in known
            if len(part.split()) > 1 and not re.match(r"(?:أبو|ابو) ?ظبي|بيت لحم|رام الله|الدار البيضاء", part)
        ]
    return next((part for part in known if len(part.split()) > 1), known[0] if known else "")


def is_no_person(name: str, sites: Sequence[str], host: str | None) -> bool:
    """Return whether a name is that of a site, an address, an agency or a desk.

    >>> [is_no_person(name, ["نسيم نيوز"], "nasim.example") for name in ("وكالة الضفاف", "نسيم نيوز", "info@x.example", "سلمى الندى")]
    [True, True, True, False]
    """
    plain = key(name)
    if sum(map(str.isalpha, plain)) < LEAST_LETTERS or ADDRESS.search(name):
        return True
    if plain in _KNOWN or AGENCY_WORDS.search(name) or len(name) > 80 or len(name.split()) > MOST_WORDS:
        return True
    labels = {key(label) for label in (host or "").split(".")[:-1]} | {key(host)}
    names = [site for given in sites if len(site := key(given)) > 1]
    return plain in labels - {""} or any(site in plain or (plain in site and len(plain) > 3) for site in names)


_KNOWN = frozenset(map(key, (*AGENCIES, *DESKS)))
