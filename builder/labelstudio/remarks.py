"""Remarks of annotators without the persons in them: what was typed leaves the server, but no address, number or name."""

import re
from collections.abc import Sequence

from builder.records import Issue
from builder.release.redaction.pii import Kind
from builder.release.redaction.redact import redact_text

KINDS: Sequence[Kind] = ("email", "phone")

NAME = "REDACTED_NAME"

LEAST = 3
"""Fewest letters of a name that is looked for; shorter ones are parts of other words."""


def remark_of(written: Sequence[str], account: int | str, where: str) -> tuple[str, list[Issue]]:
    """Return the remark that is kept, and a warning if a person was taken out of it.

    E-mails and telephone numbers go, and the name of the annotator, which is the part of the account's e-mail before
    the @.

    >>> remark_of(["راجعوا huda على huda@nasim.example"], "huda@nasim.example", "task 1")[0]
    'راجعوا REDACTED_NAME على REDACTED_EMAIL'
    """
    remark = "\n".join(written)
    if not remark:
        return "", []
    kept = redact_text(remark, KINDS)
    name = str(account).partition("@")[0] if "@" in str(account) else ""
    if len(name) >= LEAST:
        kept = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", NAME, kept, flags=re.IGNORECASE)
    if kept == remark:
        return remark, []
    message = "an e-mail, a telephone number or the annotator's name was taken out of the remark"
    return kept, [Issue("warning", "person-in-remark", message, where, "ask annotators to write no names in remarks")]
