"""Articles of imported texts, which are not cleaned: as published, or normalised with the way back."""

from builder.io.hashing import sha16
from builder.records import Article, Document
from builder.text.profiles import Profile

AS_PUBLISHED = "as-published"
"""The profile of an article whose text is the published one."""


def published_article(document: Document, profile: Profile) -> Article:
    """Return the article of an imported document: its text, by the profile if its map asks for that."""
    text, name = document.raw, AS_PUBLISHED
    edits: tuple[int, ...] = ()
    if document.is_normalised:
        aligned = profile.apply(document.raw)
        text, edits, name = aligned.text, aligned.packed(), profile.id
    return Article(f"{document.id}-0", document.id, 0, document.title, text, edits, (), name, sha16(text))
