"""Models of schema/sources.yaml: the name of each source, and how its pages are read.

The file is optional. A source is listed by the host of its pages, and its entry also holds for the hosts below it.
"""

import re
from collections.abc import Mapping
from typing import Annotated
from zoneinfo import ZoneInfo

from lxml import etree
from pydantic import AfterValidator, BeforeValidator, Field

from builder.schema.fields import Part, Text

FORMAT_CODES = frozenset("YymdHIMSpfzj%")
"""The codes of a date format that mean the same in every language of the machine."""


def _xpath(source: str) -> str:
    """Return the XPath; raise ValueError if it is malformed or selects no elements."""
    try:
        selected = etree.XPath(source)(etree.Element("html"))
    except etree.XPathError as error:
        raise ValueError(f"{source!r} is not an XPath: {str(error).lower()}") from None
    if not isinstance(selected, list) or re.search(r"/(?:@[\w:-]+|text\(\))\s*$", source):
        raise ValueError(f"{source!r} selects no elements; write an XPath such as //div[@class='story']")
    return source


def _date_format(source: str) -> str:
    """Return the date format; raise ValueError if it has a code that is unknown or depends on the machine's language."""
    codes = re.findall("%(.?)", source)
    if unknown := sorted({f"%{code}" for code in codes if code not in FORMAT_CODES}):
        message = f"{', '.join(unknown)} is not read; the codes are %Y %y %m %d %H %I %M %S %p %f %z %j"
        raise ValueError(f"{message}, and dates with names of months need no format")
    if not {"Y", "y"} & {*codes} or not ({"m", "d"} <= {*codes} or "j" in codes):
        raise ValueError(f"{source!r} names no day; write a format such as %d/%m/%Y")
    if twice := sorted({f"%{code}" for code in codes if code != "%" and codes.count(code) > 1}):
        raise ValueError(f"{source!r} has {', '.join(twice)} twice; write each code once")
    return source


def _zone(name: str) -> str:
    """Return the name of a time zone; raise ValueError if there is none of this name."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone; write one of the IANA database, such as Asia/Riyadh") from None
    return name


def _host(name: str) -> str:
    """Return the host; raise ValueError if it is written otherwise than hosts of pages are compared."""
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+", name):
        raise ValueError(f"{name!r} is not a host; write it in small letters, without https:// and path: nasim.example")
    if name.startswith(("www.", "m.", "amp.", "mobile.", "wap.")) and name.count(".") > 1:
        raise ValueError(f"write {name.partition('.')[2]!r}: hosts are compared without {name.partition('.')[0]}.")
    return name


def _listed(value: object) -> object:
    """Return a single XPath as a list of one."""
    return [value] if isinstance(value, str) else value


XPath = Annotated[Text, AfterValidator(_xpath)]

XPaths = Annotated[tuple[XPath, ...], BeforeValidator(_listed)]

Host = Annotated[str, AfterValidator(_host)]


class SourceRules(Part):
    """Reading rules for the pages of one source; each field is optional."""

    name: Text | None = None
    """The name of the source in the dataset; the host if it is missing."""
    body: XPaths = ()
    """XPaths of the elements that hold the article; the first that selects any counts."""
    strip: XPaths = ()
    """XPaths of the elements that are removed before the text is extracted."""
    date_format: Annotated[Text, AfterValidator(_date_format)] | None = None
    """The format of the dates on the page, as in Python's `strptime`: `%d/%m/%Y`."""
    zone: Annotated[Text, AfterValidator(_zone)] | None = None
    """The time zone of dates that name none."""


class Sources(Part):
    """The content of schema/sources.yaml."""

    sources: Mapping[Host, SourceRules] = Field(default_factory=dict)

    def rules_of(self, host: str | None) -> SourceRules | None:
        """Return the entry of a host, else that of the nearest host above it; None if there is none.

        >>> Sources(sources={"nasim.example": {"name": "nasim"}}).rules_of("sport.nasim.example").name
        'nasim'
        """
        while host:
            if host in self.sources:
                return self.sources[host]
            host = host.partition(".")[2]
        return None


NO_SOURCES = Sources()
