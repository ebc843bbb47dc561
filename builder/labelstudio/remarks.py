"""Annotations without the persons in them: what was typed leaves the server, but no address, number or name."""

import functools
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from builder.records import Issue, Judgement
from builder.release.redaction.pii import Kind
from builder.release.redaction.redact import redact_text

KINDS: Sequence[Kind] = ("email", "phone")

NAME = "REDACTED_NAME"

LEAST = 3
"""Fewest letters of a name that is looked for; shorter ones are parts of other words."""

JOINED = "[وفبلك]{0,2}"
"""Arabic particles that are written together with a name."""

FIX = "ask annotators to write no names in remarks"


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
    kept = _without_names(redact_text(remark, KINDS), frozenset(names_of(str(account))))
    if kept == remark:
        return remark, []
    message = "an e-mail, a telephone number or the annotator's name was taken out of the remark"
    return kept, [Issue("warning", "person-in-remark", message, where, FIX)]


def names_of(email: str, *others: str) -> set[str]:
    """Return the names of an account that are long enough to look for: the part of its e-mail before the @, and others.

    >>> sorted(names_of("huda@nasim.example", "هدى", "s."))
    ['huda', 'هدى']
    """
    before = [email.partition("@")[0]] if "@" in email else []
    return {name.strip() for name in (*before, *others) if len(name.strip()) >= LEAST}


@dataclass(frozen=True, slots=True)
class Impersonal:
    """A judgement without persons, and a warning if one was taken out."""

    judgement: Judgement
    issues: tuple[Issue, ...] = ()


def without_persons(judgement: Judgement, people: Callable[[], Collection[str]], where: str) -> Impersonal:
    """Take the names of other accounts out of a remark and of labels, and e-mails and telephone numbers out of labels.

    `people` gives the names of all accounts; it is called only if something was typed.
    """
    typed = [judgement.remark, *(label for link in judgement.relations for label in link.labels)]
    if not any(typed) and not any(map(_is_typed, {span.label for span in judgement.spans})):
        return Impersonal(judgement)
    names = frozenset(people())

    def kept(label: str) -> str:
        return _without_names(redact_text(label, KINDS), names) if _is_typed(label) else label

    found = replace(
        judgement, remark=_without_names(judgement.remark, names),
        spans=tuple(replace(span, label=kept(span.label)) for span in judgement.spans),
        relations=tuple(replace(link, labels=tuple(map(kept, link.labels))) for link in judgement.relations),
    )  # fmt: skip
    if found == judgement:
        return Impersonal(judgement)
    message = "an e-mail, a telephone number or the name of an annotator was taken out of a remark or a label"
    return Impersonal(found, (Issue("warning", "person-in-remark", message, where, FIX),))


@functools.cache
def _is_typed(label: str) -> bool:
    """Return whether a label cannot be one of labels.yaml: those of other servers and of relations may be any text."""
    return not re.fullmatch(r"[A-Z][A-Z0-9_-]*", label)


def _without_names(text: str, names: frozenset[str]) -> str:
    return _pattern(names).sub(rf"\1{NAME}", text) if names and text else text


@functools.lru_cache(maxsize=256)
def _pattern(names: frozenset[str]) -> re.Pattern[str]:
    """Return the pattern of names as whole words, with the particles that Arabic joins to them."""
    every = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.compile(rf"(?<!\w)({JOINED})(?:{every})(?!\w)", re.IGNORECASE)
