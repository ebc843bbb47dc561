"""The text of feed elements: HTML to lines, WordPress's last line, and texts that only begin an article."""

import html
import re
from html.parser import HTMLParser

BLOCKS = frozenset((
    "address", "article", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption", "figure", "h1", "h2", "h3", "h4",
    "h5", "h6", "hr", "li", "ol", "p", "pre", "section", "table", "td", "tr", "ul",
))  # fmt: skip

SILENT = frozenset(("script", "style", "template"))

REFERENCE = re.compile(r"&(?:#\d+|#[xX][0-9a-fA-F]+|[A-Za-z]\w{1,30});")

_PIECE = "(?:هذا )?(?:المقالة|المقال|التدوينة|الخبر|الموضوع)"

TAIL = re.compile(
    rf"(?:\A|\n|(?<=[.…\]؟!»\"]) )[^\S\n]*((?:ظهرت? {_PIECE} (?:[^\n]{{1,400}} )?[أا]ول(?:اً|ًا|ا) (?:على|في) "
    rf"|{_PIECE} (?:[^\n]{{1,400}} )?ظهرت? [أا]ول(?:اً|ًا|ا) (?:على|في) "
    r"|The post [^\n]{1,400} (?:appeared first|first appeared) on )[^\n]{1,200})\s*\Z"
)
"""What WordPress puts below each entry, on a line of its own or behind a sentence: the title and the name of the site."""

CUT_OFF = re.compile(
    r"(?:\.\.\.|…|\[(?:\.\.\.|…|&hellip;)\]|[\[(«]?\s*(?:(?:ل?قراءة|[إا]?قر[أا]|لقراءه|طالع|تابع(?: القراءة)?)\s+"
    r"(?:ال)?(?:مزيد|بقية|تتمة|مقال|الخبر|التفاصيل)(?:\s+\S{1,20}){0,4}|المزيد|التفاصيل"
    r"|read more|continue reading(?:\s+[^\n]{0,100})?)\s*[\])»]?)[\s.…»←\N{RIGHTWARDS ARROW}]*\Z",
    re.IGNORECASE,
)
"""The end of a text that is continued elsewhere."""

TEASER_WORDS = 60
"""Words below which a description without a full text beside it is taken for a summary."""


class _Text(HTMLParser):
    """Collector of the visible text of HTML, with a newline at each block."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.silent += tag in SILENT
        if tag.rpartition(":")[2] in BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in SILENT and self.silent > 0
        if tag.rpartition(":")[2] in BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.parts.append(re.sub(r"\s+", " ", data))


def plain(text: str) -> str:
    r"""Convert an HTML fragment to text, one line for each block; text without tags and references is unchanged.

    >>> plain("<p>افتتح <b>الوزير</b></p><p>المعرض &amp; غادر</p>")
    'افتتح الوزير\nالمعرض & غادر'
    """
    if "<" not in text and "&" not in text:
        return text
    parser = _Text()
    parser.feed(text)
    parser.close()
    lines = (line.strip() for line in "".join(parser.parts).split("\n"))
    return "\n".join(line for line in lines if line)


def one_line(markup: str) -> str:
    """Convert the HTML of a title or a name to one line; references that were escaped twice are decoded too.

    >>> one_line("وزير <b>النفط</b>: &amp;quot;نعم&amp;quot;")
    'وزير النفط: "نعم"'
    """
    text = plain(markup)
    return " ".join((html.unescape(text) if REFERENCE.search(text) else text).split())


def split_tail(text: str) -> tuple[str, str]:
    r"""Return a text without the line that WordPress puts below it, and that line.

    >>> split_tail("افتتح الوزير المعرض.\nظهرت المقالة المعرض أولاً على نسيم.")
    ('افتتح الوزير المعرض.', 'ظهرت المقالة المعرض أولاً على نسيم.')
    """
    found = TAIL.search(text)
    return (text[: found.start()].rstrip(), found[1].strip()) if found else (text, "")


def is_teaser(text: str, *, is_summary: bool) -> bool:
    """Return whether a text is only the beginning or a summary of an article.

    A text that ends as continued elsewhere is one; so is a short one that stands where feeds put summaries.

    >>> is_teaser("افتتح الوزير المعرض […]", is_summary=False), is_teaser("افتتح الوزير المعرض.", is_summary=False)
    (True, False)
    """
    return bool(CUT_OFF.search(text[-300:])) or (is_summary and len(text.split()) < TEASER_WORDS)
