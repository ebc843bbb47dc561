"""The card's section on its edition: the columns it holds, what that protects and what it does not protect."""

from collections.abc import Mapping

from builder.release.redaction.redact import PLACEHOLDER
from builder.release.tables.features import WITHHELD, Edition

BEGIN, END = "<!-- edition -->", "<!-- end edition -->"
"""Marks around the edition section of a card, by which `hydrate` finds and replaces it."""

FULL = "This is the full edition: it holds the text of its articles."

STANDOFF = """\
This is a **stand-off edition**: it holds ids, addresses, hashes, offsets, labels and counts, and no running text. \
These columns of the full edition are not here: {columns}; what is said of them above is true after hydrating. A \
remark of an annotator, or the name of an author or of a source, is null where it shared five words in a row with an \
article. `restore` of `articles` has what leads from a page to its article: the places of the edits, and what \
single characters became.

Who has the same pages puts the text back; each article is held to its hash:

```sh
khabar hydrate RELEASE --articles FILES
```

- **What this protects**: the text is not redistributed. No file of this edition has five words in a row of an \
article, which every build looks for, after folding spellings and marks. Addresses (`url`) are references, and exempt, \
though they may repeat words of a headline.
- **What it does not protect**: whoever has the page can put text, spans and labels together again; that is what it is \
for. Offsets and edits reveal how long a text, its words and its mentions are. A hash confirms a text, a title or a \
page to whoever guesses it. Labels, stances, addresses and dates still say whom and what an article is about. It is \
no anonymity, neither for those who are written about nor for authors."""

AUTHORS = {
    True: "`author` of `articles` is the author whom the text names, else the one whom its record named. Authors are "
    "persons: who uses their names is responsible for it.",
    False: "The names of authors are not published: `author` of `articles` is null in every row. A name that the text "
    "itself holds is still there.",
}

REDACTED = """
What looks like {kinds} was taken out of texts, titles, remarks and names of authors and sources before the release, \
and a placeholder stands in its place; so many stretches of texts and titles:

{table}

Spans moved with the text, and `raw_start` and `raw_end` still lead to the same place of the page: one that lay in \
such a stretch is the placeholder now, one that overlapped it was widened to hold it. Patterns find what is written as \
they expect. Names, addresses of streets, and what somebody wrote in another way are still there, `url` says where the \
article was, and who has the page has what was taken out."""


def edition_section(kind: Edition) -> str:
    """Return the card section for an edition."""
    withheld = dict.fromkeys(f"`{name}` of `{config}`" for config, names in WITHHELD.items() for name in names)
    section = FULL if kind == "full" else STANDOFF.format(columns=", ".join(withheld))
    return f"{BEGIN}\n{section}\n{END}"


def authors_section(*, published: bool) -> str:
    """Return the card text on the names of authors."""
    return f"\n\n{AUTHORS[published]}"


def redaction_section(redacted: Mapping[str, int]) -> str:
    """Return the card text on redaction: the number of redacted stretches of each kind and the limits, or nothing."""
    if not redacted:
        return ""
    rows = [f"| {kind} | `{placeholder}` | {redacted[kind]:,} |" for kind, placeholder in PLACEHOLDER.items() if kind in redacted]  # fmt: skip
    table = "\n".join(["| kind | placeholder | stretches |", "|---|---|---:|", *rows])
    return "\n" + REDACTED.format(kinds=", ".join(redacted), table=table)


def hydrated_section(restored: int, articles: int, manifest: str) -> str:
    """Return the card section for a hydrated release."""
    section = (
        f"**Hydrated** by `khabar hydrate` on someone's own machine, from the stand-off edition whose manifest has the "
        f"sha256 `{manifest}`: {restored:,} of {articles:,} articles. {FULL} The text came from pages that the dataset's "
        "publisher does not redistribute: before you pass it on, see to the rights in it. All figures on this card are "
        "those of the stand-off edition."
    )
    return f"{BEGIN}\n{section}\n{END}"
