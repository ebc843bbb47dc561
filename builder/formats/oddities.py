"""What published files hold that nobody meant: blank tokens, values that a spreadsheet changed, invisible characters."""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.formats.published import Flags, sighting
from builder.records import Issue
from builder.text.invisible import IGNORABLE

UNSEEN = "\\s\N{NO-BREAK SPACE}" + IGNORABLE.replace("\\", "")

SPREADSHEET = (
    r"^(?:[0-9](?:[.,][0-9]+)?E\+[0-9]{1,3}|#{3,}|#(?:NAME|REF|VALUE|DIV/0|NUM|N/A)[?!]?"
    r"|[0-9]{1,2}-(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)(?:-[0-9]{2})?|TRUE|FALSE)$"
)
"""What a spreadsheet makes of long numbers, formulas, fractions and words."""

CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
"""Control characters, some of which no database or browser takes."""

KINDS = (
    ("spreadsheet", SPREADSHEET, "that look as a spreadsheet left them", "compare them with the publisher's other files"),
    ("control", CONTROL, "with control characters, which some servers refuse", "they are kept as published"),
    ("invisible", f"[{UNSEEN}]", "with invisible characters or spaces", "they are kept as published"),
)  # fmt: skip


def blank_tokens(tokens: pa.StringArray) -> Flags:
    """Return which tokens have nothing to see."""
    words = tokens.dictionary_encode()
    found = pc.match_substring_regex(words.dictionary, f"^[{UNSEEN}]*$").to_numpy(zero_copy_only=False)
    flags: Flags = np.asarray(found, bool)[words.indices.to_numpy()]
    return flags


def odd_tokens(tokens: pa.StringArray, places: Callable[[Sequence[int]], list[str]]) -> list[Issue]:
    """Return a warning for each kind of odd token, with its count and first places. Nothing is changed."""
    words = tokens.dictionary_encode()
    codes = words.indices.to_numpy()
    found = [(*kind, pc.match_substring_regex(words.dictionary, kind[1])) for kind in KINDS]
    composed = pc.equal(pc.utf8_normalize(words.dictionary, "NFC"), words.dictionary)
    found.append(
        (
            "not-nfc",
            "",
            "that are not in Unicode's composed form (NFC)",
            "they are kept as published",
            pc.invert(composed),
        )
    )
    issues: list[Issue] = []
    for code, _, message, fix, flags in found:
        rows = np.flatnonzero(np.asarray(flags.to_numpy(zero_copy_only=False), bool)[codes])
        if len(rows):
            seen = sighting(places(rows[:5].tolist()), len(rows))
            issues.append(Issue("warning", code, f"tokens {message}: {seen.said()}", seen.places[0], fix))
    return issues


def odd_texts(texts: Sequence[str], places: Sequence[str]) -> list[Issue]:
    """Return a warning for invisible characters in texts, and for texts that are not composed. Nothing is changed."""
    column = pa.array(texts, pa.string())
    hidden = pc.match_substring_regex(column, f"[{UNSEEN.removeprefix(chr(92) + 's')}]")
    control = pc.match_substring_regex(column, CONTROL)
    split = pc.invert(pc.equal(pc.utf8_normalize(column, "NFC"), column))
    issues: list[Issue] = []
    for code, said, flags in (
        ("control", "with control characters, which some servers refuse", control),
        ("invisible", "with invisible characters", hidden),
        ("not-nfc", "that are not in Unicode's composed form (NFC)", split),
    ):
        rows = np.flatnonzero(np.asarray(flags.to_numpy(zero_copy_only=False), bool))
        if len(rows):
            seen = sighting([places[row] for row in rows[:5]], len(rows))
            message = f"texts {said}: {seen.said()}"
            issues.append(Issue("warning", code, message, seen.places[0], "they are kept as published"))
    return issues
