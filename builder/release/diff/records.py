"""What changed between two releases, as records: every list is whole and in a stable order.

Counts are exact: each row, and each span, of either release is in exactly one of them.
"""

from dataclasses import dataclass
from typing import Literal

from builder.release.diff.spans import Mention

Kind = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class About:
    """Which release: its version, its dataset, the sha256 of its manifest (empty while it is built), its edition."""

    version: str
    repo_id: str
    manifest: str
    edition: str


@dataclass(frozen=True, slots=True)
class RowTally:
    """The rows of one split of a config: before = unchanged + changed + moved_out + removed, and so after."""

    config: str
    split: str
    before: int
    after: int
    unchanged: int
    changed: int
    moved_out: int
    moved_in: int
    removed: int
    added: int

    @property
    def balanced(self) -> bool:
        """Whether every row of both releases is in exactly one count."""
        same = self.unchanged + self.changed
        return self.before == same + self.moved_out + self.removed and self.after == same + self.moved_in + self.added


@dataclass(frozen=True, slots=True)
class LabelTally:
    """The spans of one label, or the answers of one stance.

    before = kept + moved + relabelled_from + removed + went, after = kept + moved + relabelled_to + added + came:
    `went` and `came` with the rows of whole articles.
    """

    layer: Literal["spans", "stance"]
    label: str
    before: int
    after: int
    kept: int
    moved: int
    relabelled_from: int
    relabelled_to: int
    removed: int
    added: int
    went: int
    came: int

    @property
    def balanced(self) -> bool:
        """Whether every span or answer of both releases is in exactly one count."""
        same = self.kept + self.moved
        return (
            self.before == same + self.relabelled_from + self.removed + self.went
            and self.after == same + self.relabelled_to + self.added + self.came
        )


@dataclass(frozen=True, slots=True)
class FeatureChange:
    """A column that came, went or has another type or other label names; an absent side is empty."""

    config: str
    column: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class ColumnCount:
    """In how many rows of both releases a column differs; a field of a list of structs is `spans.label`."""

    config: str
    column: str
    rows: int


@dataclass(frozen=True, slots=True)
class Place:
    """An article that came or went, and its split."""

    article_id: str
    split: str


@dataclass(frozen=True, slots=True)
class Resplit:
    """An article that stands in another split."""

    article_id: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class TextChange:
    """An article whose text is another: hashes, lengths in code points, the first place that differs, words from there.

    `at` is None where the texts are not published.
    """

    article_id: str
    old_sha: str
    new_sha: str
    at: int | None = None
    old_length: int | None = None
    new_length: int | None = None
    old_words: str = ""
    new_words: str = ""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """An article whose title, source, url or date is another."""

    article_id: str
    column: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class SpanChange:
    """A span of an article that both releases hold: added, removed, relabelled, or with moved edges."""

    article_id: str
    kind: Literal["added", "removed", "relabelled", "moved"]
    old: Mention | None
    new: Mention | None


@dataclass(frozen=True, slots=True)
class StanceChange:
    """A stance of an article that both releases hold; an absent side is empty."""

    article_id: str
    target: str
    kind: Kind
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class JudgementChange:
    """What one annotator said of an article that both releases hold, and the columns that differ."""

    article_id: str
    annotator: str
    batch: str
    kind: Kind
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CardChange:
    """Lines that only the older or only the newer card has; its own version number set aside."""

    removed: int
    added: int


@dataclass(frozen=True, slots=True)
class Diff:
    """All that changed from one release to another; `titles` are the newer release's, of articles named here."""

    old: About
    new: About
    rows: tuple[RowTally, ...]
    labels: tuple[LabelTally, ...]
    features: tuple[FeatureChange, ...]
    columns: tuple[ColumnCount, ...]
    card: CardChange
    articles_added: tuple[Place, ...]
    articles_removed: tuple[Place, ...]
    resplit: tuple[Resplit, ...]
    texts: tuple[TextChange, ...]
    fields: tuple[FieldChange, ...]
    spans: tuple[SpanChange, ...]
    stances: tuple[StanceChange, ...]
    judgements: tuple[JudgementChange, ...]
    titles: dict[str, str]

    @property
    def same_tables(self) -> bool:
        """Whether the tables are equal, so that at most the card differs."""
        moved = any(one.removed or one.added or one.moved_in or one.moved_out for one in self.rows)
        return not (moved or self.features or self.columns)
