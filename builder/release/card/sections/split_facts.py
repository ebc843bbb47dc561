"""The card's paragraph about splits, counted from the rows: what holds in them, not what was asked for."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import datetime

from builder.release.card.wording import STRATEGIES, recall
from builder.release.splits.strategies import SPLIT_NAMES
from builder.release.tables.build import Tables
from builder.schema.dataset import Splits
from builder.text import similarity

Values = Mapping[str, Sequence[Hashable]]
"""The values of a column in each split."""


COMPARED = "The build compared all articles of the release and found every such pair: no two alike are in two splits."


def splits_section(tables: Tables, settings: Splits) -> str:
    """Return the paragraph: the rule, the shares, what the rule left in the rows, the groups, and the search."""
    articles = _values(tables, "articles", "split_group")
    sizes = Counter(group for groups in articles.values() for group in groups)
    parts = [
        f"Groups of articles that are alike went to one split, {STRATEGIES[settings.strategy]}.",
        _shares(articles, settings),
        _outcome(tables, settings),
        similarity.card_sentence(),
        COMPARED,
        _titles(tables),
        _groups(sizes),
        "A new article that would link two splits stays out.",
        f"The crawl that the articles were chosen from was grouped by {similarity.search_method()}: {recall()}.",
    ]
    return " ".join(filter(None, parts))


def _values(tables: Tables, config: str, name: str) -> Values:
    """Return a column of each split; a config or a column that the release lacks has no values."""
    return {
        split: table[name].to_pylist() if name in table.column_names else []
        for split, table in tables.get(config, {}).items()
    }


def _shares(articles: Values, settings: Splits) -> str:
    """Return the articles of each split, and what was wanted."""
    total = sum(map(len, articles.values()))
    have = ", ".join(f"{len(articles[name]):,} ({len(articles[name]) / total:.1%}) {name}" for name in SPLIT_NAMES)
    wanted = ", ".join(f"{getattr(settings, name):.0%} {name}" for name in SPLIT_NAMES)
    return f"Of {total:,} articles {have}; wanted were {wanted} (seed {settings.seed})."


def _outcome(tables: Tables, settings: Splits) -> str:
    """Return what the strategy left in the rows."""
    sources, targets = _values(tables, "articles", "source"), _values(tables, "stance", "target")
    if settings.strategy == "by_time":
        return _dates(tables)
    if settings.strategy == "by_source":
        return _held_out(sources, "sources")
    if settings.strategy == "by_target":
        return _held_out(targets, "stance targets")
    answers = _values(tables, "stance", "stance")
    stances = {split: list(zip(targets[split], answers[split], strict=True)) for split in targets}
    return _balance(sources, "source", "articles") + (
        _balance(stances, "stance", "rows of `stance`", " ") if stances else ""
    )


def _balance(values: Values, what: str, unit: str, before: str = "") -> str:
    """Return how far the share of a value in a split is from its share in the whole, at most."""
    whole = Counter(value for own in values.values() for value in own)
    total = whole.total()
    if len(whole) < 2:
        return ""
    widest = max(
        abs(counts[value] / counts.total() - number / total)
        for counts in map(Counter, values.values())
        if counts
        for value, number in whole.items()
    )
    return f"{before}The share of a {what} in a split differs from its share in all {total:,} {unit} by at most {100 * widest:.1f} percentage points."


def _held_out(values: Values, what: str) -> str:
    """Return how many values are in one split only."""
    homes: dict[Hashable, set[str]] = defaultdict(set)
    for split, own in values.items():
        for value in own:
            homes[value].add(split)
    several = sum(len(found) > 1 for found in homes.values())
    return f"Of {len(homes):,} {what} {several:,} are in several splits."


def _dates(tables: Tables) -> str:
    """Return the dates of each split, and how many articles are older than the newest of an earlier split."""
    dates = {
        split: [day for day in own if isinstance(day, datetime)]
        for split, own in _values(tables, "articles", "published_at").items()
    }
    spans = [
        f"those of {name} are from {min(dates[name]):%Y-%m-%d} to {max(dates[name]):%Y-%m-%d}"
        for name in SPLIT_NAMES
        if dates[name]
    ]
    older = sum(
        any(day < max(dates[name]) for name in SPLIT_NAMES[:place] if dates[name])
        for place, split in enumerate(SPLIT_NAMES)
        for day in dates[split]
    )
    rest = f"; {older:,} are older than the newest of an earlier split" if older else ""
    return f"Of the dated articles {', '.join(spans)}{rest}." if spans else ""


def _titles(tables: Tables) -> str:
    """Return how many titles are in several splits, if any is."""
    homes: dict[Hashable, set[str]] = defaultdict(set)
    for split, titles in _values(tables, "articles", "title").items():
        for title in _long(titles):
            homes[title].add(split)
    shared = sum(len(found) > 1 for found in homes.values())
    return f"In several splits are {shared:,} titles, of texts that are not alike." if shared else ""


def _long(titles: Iterable[Hashable]) -> Iterable[str]:
    """Yield the titles that have enough words to identify a story."""
    return (title for title in titles if isinstance(title, str) and len(title.split()) >= similarity.TITLE_WORDS)


def _groups(sizes: Counter[Hashable]) -> str:
    """Return how many groups the articles form."""
    several = sum(number > 1 for number in sizes.values())
    if not several:
        return "Each article is a group of its own."
    return f"They form {len(sizes):,} groups, of which {several:,} have several articles."
