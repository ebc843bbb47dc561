"""What cleaning removed from all pages: the pages that lost most, and the losses of each rule, from columns.

A page's characters are those that its rules dropped from the raw text and those of its articles. Whitespace that was
tidied and marks that the profile deleted are neither.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.io.parquet import whole

COLUMNS = ("document_id", "source", "characters", "drops")
"""The columns of articles that `measure` reads."""

THIRD = 1 / 3
"""A page that lost more than this share of its characters is counted."""

_DETAIL = re.compile(r"(?P<rules>.+); (?P<characters>[0-9,]+) characters")

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RuleCount:
    """What one rule dropped from a page; its characters are None on a page without text, of which lines were counted."""

    rule: str
    drops: int
    """Lines, and parts of lines."""
    characters: int | None


@dataclass(frozen=True, slots=True)
class PageLoss:
    """A page that lost text, with its rules, most first; a page that ended with no text lost all."""

    document_id: str
    origin: str
    source: str
    share: float
    lost: int
    characters: int
    has_text: bool
    rules: tuple[RuleCount, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A range of a raw document, in code points, end exclusive."""

    document_id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class RuleLoss:
    """What one rule dropped in all.

    The characters of a page that ended with no text are counted for the rule that dropped most of its lines.
    """

    rule: str
    drops: int
    """Lines, and parts of lines."""
    characters: int
    pages: int
    worst: str
    """The document that lost most characters to the rule."""
    worst_origin: str
    worst_characters: int
    first: Place | None
    """The first drop of the document with the lowest id that has text; None if all its pages ended with no text."""


@dataclass(frozen=True, slots=True)
class RuleExample:
    """The text of the first drop of a rule."""

    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class Losses:
    """What cleaning removed from all pages."""

    pages: int
    lossy: int
    """Pages that lost text; those that ended with no text are among them."""
    over_third: int
    """Pages that lost more than a third of their characters, and kept some."""
    without_text: int
    emptied: tuple[PageLoss, ...]
    """The largest pages that ended with no text, at most as many as were asked for."""
    shortened: tuple[PageLoss, ...]
    """The pages that lost the largest shares and kept some text, at most as many as were asked for."""
    rules: tuple[RuleLoss, ...]
    """All rules, most characters first."""

    @property
    def worst(self) -> tuple[PageLoss, ...]:
        """The named pages, those that lost the largest shares first, then most characters, then by id."""
        return (*self.emptied, *self.shortened)


@dataclass(frozen=True, slots=True)
class EmptiedPage:
    """A page that ended with no text: its size, and how many lines each rule dropped, most first."""

    document_id: str
    origin: str
    source: str
    characters: int
    lines: dict[str, int] = field(default_factory=dict)


def emptied_page(document_id: str, origin: str, source: str, detail: str) -> EmptiedPage:
    """Return a page without text from the detail of its Dropped record.

    >>> emptied_page("1f0c", "a.txt", "nasim", "link-list 9, share 1; 1,210 characters").lines
    {'link-list': 9, 'share': 1}
    """
    if not detail:
        return EmptiedPage(document_id, origin, source, 0)
    found = _DETAIL.fullmatch(detail)
    if found is None:
        raise ValueError(f"not the detail of a page without text: {detail!r}")
    counts = (rule.rpartition(" ") for rule in found["rules"].split(", "))
    characters = int(found["characters"].replace(",", ""))
    return EmptiedPage(document_id, origin, source, characters, {rule: int(number) for rule, _, number in counts})


def measure(shards: Iterable[pa.Table], emptied: Sequence[EmptiedPage], worst: int) -> Losses:
    """Return what was lost, with at most `worst` pages of each kind; origins of pages with text are left empty.

    A shard has the COLUMNS of articles, and all articles of its documents. One shard is in memory at a time.
    """
    pages, lossy, over = len(emptied), len(emptied), 0
    found: list[PageLoss] = []
    rules: dict[str, RuleLoss] = {}
    for page in emptied:
        for loss in _rules_of_emptied(page):
            rules[loss.rule] = _added(rules.get(loss.rule), loss)
    for shard in shards:
        drops = _page_drops(shard)
        shares = drops.lost / np.maximum(drops.lost + drops.kept, 1)
        pages += len(drops.ids)
        lossy += int(np.count_nonzero(drops.lost))
        over += int(np.count_nonzero(shares > THIRD))
        found = sorted([*found, *drops.worst(shares, worst)], key=_worst_first)[:worst]
        for loss in drops.by_rule():
            rules[loss.rule] = _added(rules.get(loss.rule), loss)
    by_size = sorted(rules.values(), key=lambda loss: (-loss.characters, -loss.drops, loss.rule))
    without = sorted(map(_of_emptied, emptied), key=_worst_first)[:worst]
    return Losses(pages, lossy, over, len(emptied), tuple(without), tuple(found), tuple(by_size))


def keep_worst(losses: Losses, number: int) -> Losses:
    """Return losses that name `number` pages in all, those without text first."""
    emptied = losses.emptied[:number]
    return replace(losses, emptied=emptied, shortened=losses.shortened[: number - len(emptied)])


def documents_of(losses: Losses) -> set[str]:
    """Return the ids of all pages that losses name."""
    return {page.document_id for page in losses.worst} | {rule.worst for rule in losses.rules}


def with_origins(losses: Losses, origins: Mapping[str, str]) -> Losses:
    """Return losses whose pages have the origins of their documents."""
    return replace(
        losses,
        shortened=tuple(replace(page, origin=origins[page.document_id]) for page in losses.shortened),
        rules=tuple(replace(rule, worst_origin=origins[rule.worst]) for rule in losses.rules),
    )


def _worst_first(page: PageLoss) -> tuple[object, ...]:
    return -page.share, -page.lost, page.document_id


def _of_emptied(page: EmptiedPage) -> PageLoss:
    rules = tuple(RuleCount(rule, number, None) for rule, number in page.lines.items())
    return PageLoss(page.document_id, page.origin, page.source, 1.0, page.characters, page.characters, False, rules)


def _rules_of_emptied(page: EmptiedPage) -> list[RuleLoss]:
    """Return the losses of a page without text; its characters are those of its first rule."""
    return [
        RuleLoss(rule, number, size, 1, page.document_id, page.origin, size, None)
        for place, (rule, number) in enumerate(page.lines.items())
        for size in (page.characters if place == 0 else 0,)
    ]


def _added(one: RuleLoss | None, other: RuleLoss) -> RuleLoss:
    """Return the losses of one rule on different pages as one."""
    if one is None:
        return other
    worst = min(one, other, key=lambda loss: (-loss.worst_characters, loss.worst))
    first = min((loss.first for loss in (one, other) if loss.first), key=lambda place: place.document_id, default=None)
    return replace(
        worst, drops=one.drops + other.drops, characters=one.characters + other.characters,
        pages=one.pages + other.pages, first=first,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _PageDrops:
    """The drops of the documents of a shard that removed text, as columns; each has a page and a rule by number."""

    ids: pa.Array
    sources: pa.Array
    kept: Numbers
    lost: Numbers
    rules: list[str]
    page: Numbers
    rule: Numbers
    start: Numbers
    end: Numbers

    def worst(self, shares: NDArray[np.float64], number: int) -> list[PageLoss]:
        """Return the pages that lost most."""
        lossy = np.flatnonzero(self.lost)
        table = pa.table({
            "page": lossy, "share": shares[lossy], "lost": self.lost[lossy], "id": self.ids.take(pa.array(lossy)),
        })  # fmt: skip
        keys = [("share", "descending"), ("lost", "descending"), ("id", "ascending")]
        chosen = table.take(pc.select_k_unstable(table, number, keys))["page"].to_pylist()
        return [self._loss(page, float(shares[page])) for page in chosen]

    def _loss(self, page: int, share: float) -> PageLoss:
        own = np.flatnonzero(self.page == page)
        drops = np.bincount(self.rule[own], minlength=len(self.rules))
        sizes = np.bincount(self.rule[own], self.end[own] - self.start[own], len(self.rules))
        counts = [RuleCount(self.rules[rule], int(drops[rule]), int(sizes[rule])) for rule in np.flatnonzero(drops)]
        lost, kept = int(self.lost[page]), int(self.kept[page])
        rules = tuple(sorted(counts, key=lambda count: (-(count.characters or 0), count.rule)))
        return PageLoss(self.ids[page].as_py(), "", self.sources[page].as_py(), share, lost, lost + kept, True, rules)

    def by_rule(self) -> list[RuleLoss]:
        """Return the losses of each rule."""
        pairs, inverse = np.unique(self.rule * len(self.ids) + self.page, return_inverse=True)
        sizes = np.bincount(inverse, self.end - self.start, len(pairs)).astype(np.int64)
        ids = self.ids.take(pa.array(pairs % len(self.ids))) if len(pairs) else self.ids[:0]
        by_rule = pa.table({"rule": pairs // max(len(self.ids), 1), "size": sizes, "id": ids})
        worst = _first_of_each(by_rule, [("rule", "ascending"), ("size", "descending"), ("id", "ascending")])
        places = pa.table({
            "rule": self.rule, "id": self.ids.take(pa.array(self.page)), "start": self.start, "end": self.end,
        })  # fmt: skip
        first = _first_of_each(places, [("rule", "ascending"), ("id", "ascending"), ("start", "ascending")])
        drops = np.bincount(self.rule, minlength=len(self.rules))
        characters = np.bincount(self.rule, self.end - self.start, len(self.rules))
        pages = np.bincount(pairs // max(len(self.ids), 1), minlength=len(self.rules))
        return [
            RuleLoss(
                self.rules[of["rule"]], int(drops[of["rule"]]), int(characters[of["rule"]]), int(pages[of["rule"]]),
                of["id"], "", of["size"], Place(at["id"], at["start"], at["end"]),
            )
            for of, at in zip(worst.to_pylist(), first.to_pylist(), strict=True)
        ]  # fmt: skip


def _first_of_each(table: pa.Table, keys: list[tuple[str, str]]) -> pa.Table:
    """Return the first row of each value of the first key, in the order of all keys."""
    ordered = table.sort_by(keys)
    _, first = np.unique(ordered[keys[0][0]].to_numpy(), return_index=True)
    return ordered.take(pa.array(first))


def _page_drops(articles: pa.Table) -> _PageDrops:
    """Return the drops of a shard of articles; a drop that only extracted fields removed nothing."""
    encoded = whole(articles["document_id"]).dictionary_encode()
    rows = encoded.indices.to_numpy().astype(np.int64)
    pages = len(encoded.dictionary)
    drops = whole(articles["drops"])
    flat = pc.list_flatten(drops)
    start, end = (pc.struct_field(flat, name).to_numpy().astype(np.int64) for name in ("start", "end"))
    rule = pc.struct_field(flat, "rule").dictionary_encode()
    removed = np.flatnonzero(end > start)
    page = rows[pc.list_parent_indices(drops).to_numpy()][removed]
    _, first = np.unique(rows, return_index=True)
    return _PageDrops(
        encoded.dictionary,
        whole(articles["source"]).take(pa.array(first)),
        np.bincount(rows, whole(articles["characters"]).to_numpy(), pages).astype(np.int64),
        np.bincount(page, (end - start)[removed], pages).astype(np.int64),
        rule.dictionary.to_pylist(),
        page,
        rule.indices.to_numpy().astype(np.int64)[removed],
        start[removed],
        end[removed],
    )
