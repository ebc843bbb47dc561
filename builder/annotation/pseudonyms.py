"""Keyed pseudonyms of annotators."""

import hashlib
import hmac


def pseudonym(key: bytes, annotator: int | str) -> str:
    """A name for an annotator that only the holder of the key can lead back: `a-` and 10 hex digits.

    The first 40 bits of HMAC-SHA256 (RFC 2104) over the e-mail in lower case, or the number.

    >>> pseudonym(b"key", "Layla@example.org") == pseudonym(b"key", "layla@example.org")
    True
    """
    name = str(annotator).strip().casefold()
    return "a-" + hmac.new(key, name.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:10]
