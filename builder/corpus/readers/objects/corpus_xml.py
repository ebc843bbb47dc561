"""Reader for XML corpora such as Abu El-Khair's: a root, an element for each article, and in it flat elements.

Such files often hold bare ampersands and stray characters, so they are read as text, element by element. Entities that
the file declares are not expanded.
"""

import html
import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice

from builder.corpus.readers.detection.kinds import PROLOGUE
from builder.corpus.readers.encodings import Encoding, decode_as
from builder.corpus.readers.feed.plain import plain
from builder.corpus.readers.objects.records import Value, records_of
from builder.corpus.readers.rows import MAX_BYTES, BadRecord, File, ReadItem
from builder.corpus.readers.streams import CHUNK, decoded_blocks, opened
from builder.corpus.readers.text import recoding
from builder.schema.dataset import Fields

OPEN = re.compile(r"<([^\W\d][\w.-]*)(?:\s[^<>]*)?(?<!/)>")

CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)

MARKUP = re.compile(r"</?(?:p|br|div|b|i|a|span|h\d|ul|li|strong|em)\b[^<>]*>", re.IGNORECASE)

CLOSING = re.compile(r"</([^\W\d][\w.-]*)>")

ENTRIES = "pass RSS or Atom files, or XML with an element for each article that holds elements such as `Text`"

CLOSE = "close the element, or fetch the file again; the articles before it were read"

USUAL = {
    "text": ("text", "body", "content", "article"),
    "title": ("title", "headline", "healine", "head"),
    "url": ("url", "link"),
    "published_at": ("dateline", "date", "published_at", "pubdate"),
    "source": ("source", "publisher"),
    "author": ("author", "byline", "writer"),
}
"""Names of elements that are read for each field, in any case, unless `fields` maps it."""

DEEPEST = 6
"""Elements that may stand around the first element without elements."""

MOST_FIELDS = 100
"""Elements of one article that are read."""


def corpus(file: File, fields: Fields, declared: str | None) -> Iterator[ReadItem]:
    """Yield the articles of an XML corpus, each placed by the line at which its element begins."""
    return records_of(file, fields, declared, partial(_articles, file, fields), kind="XML ")


def _articles(file: File, fields: Fields, encoding: Encoding) -> Iterator[Value | ReadItem]:
    """Yield the articles of a file as values."""
    with opened(file) as stream:
        yield from _values(decoded_blocks(stream, encoding), fields, encoding)


def _article(content: str, fields: Fields, place: str, encoding: Encoding) -> Value | BadRecord | None:
    """Return the elements of an article as an object, None if it has none, or a fault if too many bytes are invalid."""
    said = encoding.said
    if encoding.name == "utf-8" and any("\udc80" <= letter <= "\udcff" for letter in set(content)):
        damaged = content.encode("utf-8", "surrogateescape")
        try:
            decoded = decode_as(damaged, encoding)
        except UnicodeDecodeError as error:
            return BadRecord(place, "not UTF-8", f"not UTF-8 at byte {error.start} of the element", recoding(damaged))
        content, said = decoded.text, decoded.said
    values = _fields(content, fields)
    return Value(values, place, said) if values else None


def _values(blocks: Iterator[str], fields: Fields, encoding: Encoding) -> Iterator[Value | BadRecord]:
    """Yield the elements of articles as objects."""
    text = next(blocks, "")
    at = _first(text)
    line = 1 + text.count("\n", 0, at)
    articles, others, other = 0, 0, ""
    while True:
        opening = OPEN.search(text, at)
        closing = f"</{opening[1]}>" if opening else ""
        end = text.find(closing, opening.end()) if opening else -1
        if opening and end >= 0:
            line += text.count("\n", at, opening.start())
            if article := _article(text[opening.end() : end], fields, f":{line}", encoding):
                articles += 1
                yield article
            else:
                others, other = others + 1, other or opening[1]
            line += text.count("\n", opening.start(), end)
            at = end + len(closing)
        elif len(text) - at > MAX_BYTES:
            yield BadRecord(f":{line}:1", "too long", f"more than {MAX_BYTES:,} characters in one article", CLOSE)
            return
        elif read := [*islice(blocks, 1 + (len(text) - at) // CHUNK)]:
            text, at = text[at:] + "".join(read), 0
        else:
            break
    if opening:
        line += text.count("\n", at, opening.start())
        yield BadRecord(f":{line}:1", "truncated", f"the element `{opening[1]}` has no end", CLOSE)
    if others or not articles:
        such = (
            f"{others:,} of its elements hold no elements, such as `{other}`" if others else "it holds no whole article"
        )
        yield BadRecord("", "no entries", f"the XML is no feed, and {such}", "" if articles else ENTRIES)


def _first(text: str) -> int:
    """Return where the first article begins: the element that holds the first element without elements.

    The file may have a root, elements that group articles, or articles one after another without a root.
    """
    prologue = PROLOGUE.match(text)
    at = prologue.end() if prologue else 0
    tags = [*islice(OPEN.finditer(text, at), DEEPEST)]
    for article, inner, following in zip(tags, tags[1:], [*tags[2:], None], strict=True):
        at = article.start()
        if following is None or text[inner.end() : following.start()].strip():
            break
    return at


def _fields(content: str, fields: Fields) -> dict[str, object]:
    """Return the elements of an article by name, and by field name where the field has its default name."""
    elements: dict[str, object] = {}
    missing: set[str] = set()
    at = 0
    while (found := OPEN.search(content, at)) and len(elements) < MOST_FIELDS:
        at, name = found.end(), found[1]
        end = -1 if name in missing else content.find(f"</{name}>", at)
        if end < 0:
            missing.add(name)
            continue
        elements.setdefault(name, _value(content[at:end], is_page=name == fields.html))
        at = end
    lower = {name.casefold(): name for name in reversed(elements)}
    for key, names in USUAL.items():
        if getattr(fields, key) == key and (used := next((lower[name] for name in names if name in lower), None)):
            elements[key] = elements.pop(used)
    return elements


def _value(content: str, *, is_page: bool) -> str:
    """Return the text of an element, or the markup of a page.

    Text with markup of its own becomes lines. Each element inside it is a line too, as Scrapy writes lists.
    """
    parts = CDATA.split(content)  # every second part is the content of a CDATA section
    if not is_page and any(map(CLOSING.search, parts[::2])):
        parts[::2] = _without_elements(parts[::2], "<br>" if MARKUP.search(content) else "\n")
        parts[0] = parts[0].removeprefix("\n")
        parts[-1] = parts[-1].removesuffix("\n")
    text = "".join(part if number % 2 else html.unescape(part) for number, part in enumerate(parts))
    return plain(text) if MARKUP.search(text) and not is_page else text


def _without_elements(parts: Sequence[str], end: str) -> Iterator[str]:
    """Yield text with `end` in place of the tags of elements that are not HTML."""
    whole = "".join(parts)
    inner = {found[1] for found in OPEN.finditer(whole)} & {found[1] for found in CLOSING.finditer(whole)}
    names = sorted(name for name in inner if not MARKUP.fullmatch(f"<{name}>"))
    if not names:
        yield from parts
        return
    tags = re.compile(rf"(?:</?(?:{'|'.join(map(re.escape, names))})(?:\s[^<>]*)?>\s*)+")
    yield from (tags.sub(end, part) for part in parts)
