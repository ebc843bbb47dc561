"""Keyed pseudonyms of annotators, and keyed names of where their annotations came from."""

import hashlib
import hmac


def pseudonym(key: bytes, annotator: int | str) -> str:
    """Return the keyed pseudonym of an annotator: `a-` and 10 hex digits.

    The digits are the first 40 bits of HMAC-SHA256 (RFC 2104) over the case-folded e-mail, or over the user's number.

    >>> pseudonym(b"key", "Layla@example.org") == pseudonym(b"key", "layla@example.org")
    True
    """
    return "a-" + _digits(key, str(annotator).strip().casefold())


def number_pseudonym(key: bytes, origin: str, number: int) -> str:
    """Return the keyed pseudonym of a user number on a server; the number alone counts where the origin is unknown.

    >>> number_pseudonym(b"key", "o-0123456789", 1) == number_pseudonym(b"key", "o-9876543210", 1)
    False
    >>> number_pseudonym(b"key", "", 1) == pseudonym(b"key", 1)
    True
    """
    return pseudonym(key, f"{origin} {number}" if origin else number)


def origin_name(key: bytes, origin: str) -> str:
    """Return the keyed name of a server, an organisation or an export: `o-` and 10 hex digits."""
    return "o-" + _digits(key, f"origin {origin}")


def _digits(key: bytes, name: str) -> str:
    return hmac.new(key, name.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:10]
