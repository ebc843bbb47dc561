"""Records of a comparison of two releases; every list is complete and in a stable order.

Counts are exact: each row and each span of either release is in exactly one of them.
"""

from dataclasses import dataclass
from typing import Literal

from builder.release.diff.spans import Mention

Kind = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class ReleaseId:
    """The identity of a release: version, dataset, sha256 of its manifest (empty during its build), and edition."""

    version: str
    repo_id: str
    manifest: str
    edition: str


@dataclass(frozen=True, slots=True)
class RowTally:
    """Row counts of one split of a config.

    before = unchanged + changed + moved_out + removed, after = unchanged + changed + moved_in + added.
    """

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
    """Counts of the spans of one label, or of the answers of one stance.

    before = kept + moved + relabelled_from + removed + went, after = kept + moved + relabelled_to + added + came.
    `went` and `came` count those in removed and added rows.
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
    """A column that was added or removed, or whose type or label names changed; the missing side is empty."""

    config: str
    column: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class ColumnCount:
    """The number of rows in both releases in which a column differs; `spans.label` is a field of a list of structs."""

    config: str
    column: str
    rows: int


@dataclass(frozen=True, slots=True)
class ArticleSplit:
    """An added or removed article, and its split."""

    article_id: str
    split: str


@dataclass(frozen=True, slots=True)
class SplitChange:
    """An article whose split changed."""

    article_id: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class TextChange:
    """An article whose text changed: hashes, lengths and first differing offset in code points, and an excerpt of each.

    `at` is None if the texts are not published.
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
    """An article whose title, source, author, URL or date changed."""

    article_id: str
    column: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class SpanChange:
    """A span added, removed, relabelled or moved in an article that both releases hold."""

    article_id: str
    kind: Literal["added", "removed", "relabelled", "moved"]
    old: Mention | None
    new: Mention | None


@dataclass(frozen=True, slots=True)
class StanceChange:
    """A stance changed in an article that both releases hold; the missing side is empty."""

    article_id: str
    target: str
    kind: Kind
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class JudgementChange:
    """One annotator's annotation changed in an article that both releases hold, and the columns that differ."""

    article_id: str
    annotator: str
    batch: str
    kind: Kind
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CardChange:
    """Numbers of lines that only the older or only the newer card has, ignoring the version number of each."""

    removed: int
    added: int


@dataclass(frozen=True, slots=True)
class Diff:
    """All changes from one release to another.

    `titles` maps each article named in a change to its title in the newer release.
    """

    old: ReleaseId
    new: ReleaseId
    rows: tuple[RowTally, ...]
    labels: tuple[LabelTally, ...]
    features: tuple[FeatureChange, ...]
    columns: tuple[ColumnCount, ...]
    card: CardChange
    articles_added: tuple[ArticleSplit, ...]
    articles_removed: tuple[ArticleSplit, ...]
    resplit: tuple[SplitChange, ...]
    texts: tuple[TextChange, ...]
    fields: tuple[FieldChange, ...]
    spans: tuple[SpanChange, ...]
    stances: tuple[StanceChange, ...]
    judgements: tuple[JudgementChange, ...]
    titles: dict[str, str]

    @property
    def same_tables(self) -> bool:
        """Whether the tables are equal, so that at most the card differs."""
        rows = any(tally.removed or tally.added or tally.moved_in or tally.moved_out for tally in self.rows)
        return not (rows or self.features or self.columns)
