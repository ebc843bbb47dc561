"""Keyed pseudonyms of annotators."""

import hashlib
import hmac


def pseudonym(key: bytes, annotator: int | str) -> str:
    """Return the keyed pseudonym of an annotator: `a-` and 10 hex digits.

    The digits are the first 40 bits of HMAC-SHA256 (RFC 2104) over the case-folded e-mail, or over the user's number.

    >>> pseudonym(b"key", "Layla@example.org") == pseudonym(b"key", "layla@example.org")
    True
    """
    name = str(annotator).strip().casefold()
    return "a-" + hmac.new(key, name.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:10]
