"""Decoding of pages, which are read although some of their bytes are bad."""

import codecs
import re
from dataclasses import dataclass

from builder.corpus.readers.encodings import BYTE_ORDER_MARK, LOST, Decoded, Encoding, decode

HEAD_BYTES = 4096

DECLARATION = re.compile(
    rb"""<(?:\?xml\b[^>]{0,200}?\bencoding|meta\b[^>]{0,200}?\bcharset)\s*=\s*["']?\s*([\w-]+)""", re.IGNORECASE
)

WINDOWS_1256 = ("windows-1256", "cp1256", "cp-1256", "x-cp1256")

MOST_LOST = 0.01
"""Share of a text's visible characters that were lost in decoding, above which the text is set aside."""


@dataclass(frozen=True, slots=True)
class DecodedPage:
    """A decoded page; `fault` is the first fault of its bytes, if they were not all decoded."""

    decoded: Decoded
    declared: str | None
    fault: UnicodeDecodeError | None = None


def decode_page(content: bytes, declared: str | None, http_charset: str | None = None) -> DecodedPage:
    """Decode a page: what cannot be decoded becomes the replacement character, and a cut last letter is left out.

    The encoding is the declared one, else windows-1256 if HTTP or the page's head names it, else the detected one.
    """
    named = declared or _windows_1256(http_charset) or declared_encoding(content)
    try:
        decoded = decode(content, named)
        if decoded.known != "damaged":
            return DecodedPage(decoded, named)
        content.decode(Encoding(decoded.encoding, "damaged").codec)
    except UnicodeDecodeError as error:
        decoder = codecs.getincrementaldecoder(error.encoding)("replace")
        text = decoder.decode(content).removeprefix(BYTE_ORDER_MARK)
        return DecodedPage(Decoded(text, error.encoding, "damaged", text.count(LOST)), named, error)
    return DecodedPage(decoded, named)


def declared_encoding(content: bytes) -> str | None:
    """Return the encoding that the head of a page declares if it is windows-1256, else None.

    UTF-8 and UTF-16 are recognised by their bytes, and other declarations are mostly server defaults.

    >>> declared_encoding(b'<meta charset="windows-1256">')
    'windows-1256'
    >>> declared_encoding(b'<meta charset="iso-8859-1">') is None
    True
    """
    match = DECLARATION.search(content[:HEAD_BYTES])
    return _windows_1256(match[1].decode("ascii", "replace")) if match else None


def share_lost(text: str) -> float:
    """Return the share of a text's visible characters that are replacement characters.

    >>> share_lost("ab \N{REPLACEMENT CHARACTER}d")
    0.25
    """
    visible = sum(map(len, text.split()))
    return text.count(LOST) / visible if visible else 0.0


def _windows_1256(name: str | None) -> str | None:
    """Return the name of windows-1256 if that is meant, else None."""
    return "windows-1256" if name and name.strip(" \"'").lower() in WINDOWS_1256 else None
