"""Records of the corpus: documents, articles, edits, drops, groups."""

from dataclasses import dataclass, field
from typing import Literal

from builder.records.report import StageCounts

GroupKind = Literal["exact", "near", "contained", "related", "single"]


@dataclass(frozen=True, slots=True)
class Edit:
    """One replaced stretch: raw[raw_start:raw_end] became text[start:end]; either may be empty."""

    raw_start: int
    raw_end: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Facts:
    """Metadata of an article from its page, feed or record; a field is None or empty if none of them has it."""

    section: str | None = None
    tags: tuple[str, ...] = ()
    language: str | None = None
    """The declared language, as `ar` or `ar-SA`."""
    site: str | None = None
    """The name that the site gives itself."""
    date_from: str | None = None
    """Where `published_at` stood, as `json-ld`, `article:published_time`, `itemprop`, `arabic words` or `field`."""
    fetched_url: str | None = None
    """The address that was fetched, where it is known apart from the canonical one."""
    fetched_at: str | None = None
    """When it was fetched, in ISO 8601."""
    extractor: str | None = None
    """Name, version and options of what extracted the text from HTML."""
    page_type: str | None = None
    """The `og:type`, as `article` or `website`."""
    robots: str | None = None
    tdm: str | None = None
    """The reservation of text and data mining: `1` if reserved, else what stands there."""
    licence: str | None = None
    """The address or name of the licence that the page links to."""
    is_free: bool | None = None
    """Whether it is accessible for free."""
    is_teaser: bool = False
    """Whether the text is only the beginning or a summary of an article."""
    extra: dict[str, str] = field(default_factory=dict)
    """Fields of the record that have no column: the value of each as text, or as JSON if it is none."""


NO_FACTS = Facts()


@dataclass(frozen=True, slots=True)
class Document:
    """One scraped page; `raw` is never altered and `id` is sha256(raw as UTF-8)[:16].

    Texts of a published set may be equal, so the id of an imported one is a hash of its place in the set as well.
    """

    id: str
    source: str
    url: str | None
    published_at: str | None
    title: str | None
    raw: str
    origin: str
    """Where it was read: `folder/file.txt` or `file.jsonl:3`; for messages only."""
    encoding: str = "utf-8"
    """What its bytes were read as, and how that was known: `utf-8`, `utf-16-le, mark`, `windows-1256, detected`."""
    html_sha: str | None = None
    """sha256 of the HTML file (64 hex digits) where `raw` is the text extracted from one."""
    author: str | None = None
    """The author that the record names, or several joined by `، `; None in shards of versions that had no such column."""
    facts: Facts = NO_FACTS
    """What is known of it beside these; missing in shards of versions that had no such column."""
    published_id: str | None = None
    """Its id in the published set that it was imported from; None for a page. An imported text is not cleaned."""
    is_normalised: bool = False
    """Whether the map of an imported text asks for the project's profile."""


@dataclass(frozen=True, slots=True)
class Drop:
    """A stretch of the raw document that cleaning removed, and the rule that removed it.

    An empty one (start == end) removed nothing: its rule only extracted fields there.
    """

    start: int
    end: int
    rule: str
    extracted: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Article:
    """A cleaned article; `edits` lead from `text` back to the raw text of its document.

    They are packed (AlignedText.packed), three numbers for each: code points unchanged before it,
    raw length, length. `part` 0 is the page's main article; embedded ones follow. `id` is `<document_id>-<part>`,
    `profile` is `name@version+hash`, `text_sha` is sha256(text as UTF-8)[:16].
    """

    id: str
    document_id: str
    part: int
    title: str | None
    text: str
    edits: tuple[int, ...]
    drops: tuple[Drop, ...]
    profile: str
    text_sha: str


def document_of(article_id: str) -> str:
    """Return the id of the document that an article came from.

    >>> document_of("web-7-0")
    'web-7'
    """
    return article_id.rpartition("-")[0]


@dataclass(frozen=True, slots=True)
class Group:
    """Membership of an article in a near-duplicate group; marked, never removed."""

    article_id: str
    group_id: str
    similarity: float
    kind: GroupKind


@dataclass(frozen=True, slots=True)
class EdgeCount:
    """The frequency of a text at the edges of a source's pages. The text is kept as a hash, because it is the source's."""

    key: str
    """Hash of the source, the kind of thing and its masked words (16 hex digits)."""
    pages: int
    """Number of different paragraphs beside which it stands."""
    profile: str
    """The profile of the pages, as name@version+hash."""


@dataclass(frozen=True, slots=True)
class CleaningBasis:
    """Inputs of the texts of a batch beside pages, profile and rules, as of the time when it was sampled."""

    counts: str
    """Hash of all counts of the project (16 hex digits), or empty where it had none."""
    kept: str
    """Hash of the counts in counts.jsonl beside this (16 hex digits), or empty where there are none."""
    documents: tuple[str, ...]
    """The documents whose counts stand in counts.jsonl beside this: those of the batch that no earlier batch holds."""
    accounts: tuple[StageCounts, ...]
    """The account of cleaning of the documents that the batch was sampled from."""
