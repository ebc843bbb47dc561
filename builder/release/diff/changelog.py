"""The dataset's CHANGELOG.md, made of what changed: newest first, without clock times.

Says numbers only: no text, title, address or id of an article, so that one that was taken down leaves no trace.
Pure.
"""

from collections import Counter
from collections.abc import Sequence

from builder.records import Takedown
from builder.release.card.markdown import markdown_table
from builder.release.diff.records import Diff, LabelTally
from builder.release.splits.strategies import SPLIT_NAMES
from builder.release.tables.build import Tables

HEAD = "# Changelog\n\n"


def changelog(newest: str, earlier: str = "") -> str:
    r"""The changelog: the newest section, then those that the earlier release's changelog held.

    >>> changelog("## 1.1.0\n\nMore.\n", "# Changelog\n\n## 1.0.0\n\nFirst.\n")
    '# Changelog\n\n## 1.1.0\n\nMore.\n\n## 1.0.0\n\nFirst.\n'
    """
    kept = earlier[earlier.find("## ") :].strip() if earlier.startswith("## ") or "\n## " in earlier else ""
    return HEAD + newest.strip() + (f"\n\n{kept}" if kept else "") + "\n"


def section(version: str, tables: Tables, diff: Diff | None = None, takedowns: Sequence[Takedown] = ()) -> str:
    """What one version says: what changed since the one before it, and its rows; raises nothing."""
    parts = [f"## {version}"]
    if diff is not None:
        lines = changes(diff, takedowns)
        parts += [f"Since {diff.old.version}:", "\n".join(f"- {line}" for line in lines)]
        labels = _labels(diff.labels)
        parts += [labels] if labels else []
    counts = {
        config: [splits[name].num_rows if name in splits else 0 for name in SPLIT_NAMES]
        for config, splits in tables.items()
    }
    rows = markdown_table(
        ["config", *SPLIT_NAMES, "all"], [[f"`{config}`", *n, sum(n)] for config, n in counts.items()]
    )
    return "\n\n".join([*parts, "Rows of each config and split:", rows]) + "\n"


def changes(diff: Diff, takedowns: Sequence[Takedown] = ()) -> list[str]:
    """What changed, a line for each kind, with its count; why articles were taken down, but not which."""
    lines = [
        *_articles("added", Counter(one.split for one in diff.articles_added)),
        *_removed(diff, takedowns),
        *_counted(len(diff.resplit), "articles stand in another split"),
        *_counted(len(diff.texts), "articles have another text"),
    ]
    for name, number in sorted(Counter(one.column for one in diff.fields).items()):
        lines.append(f"{number:,} articles have another `{name}`.")
    spans = Counter[str](one.kind for one in diff.spans)
    for kind, said in (
        ("added", "added"),
        ("removed", "removed"),
        ("relabelled", "relabelled"),
        ("moved", "with other edges"),
    ):
        lines += _counted(spans[kind], f"spans {said}, in articles that stayed")
    for layer, found in (("stances", diff.stances), ("judgements of annotators", diff.judgements)):
        kinds = Counter[str](one.kind for one in found)
        for kind in ("added", "removed", "changed"):
            lines += _counted(kinds[kind], f"{layer} {kind}, of articles that stayed")
    lines += [f"The column `{one.column}` of `{one.config}` {_feature(one.old, one.new)}." for one in diff.features]
    if not lines:
        card = diff.card.added or diff.card.removed
        lines = (
            ["The tables are the same" + ("; the card was edited." if card else ".")]
            if diff.same_tables
            else ["Metadata only."]
        )
    return lines


def _feature(old: str, new: str) -> str:
    return "is new" if not old else "is gone" if not new else "has another type or other label names"


def _counted(number: int, what: str) -> list[str]:
    return [f"{number:,} {what}."] if number else []


def _articles(what: str, splits: Counter[str]) -> list[str]:
    where = ", ".join(f"{split} {splits[split]:,}" for split in sorted(splits, key=_place))
    return [f"{splits.total():,} articles {what} ({where})."] if splits else []


def _place(split: str) -> tuple[int, str]:
    return (SPLIT_NAMES.index(split) if split in SPLIT_NAMES else len(SPLIT_NAMES), split)


def _removed(diff: Diff, takedowns: Sequence[Takedown]) -> list[str]:
    why = {one.article_id: " ".join(one.reason.split()) for one in takedowns}
    taken = Counter(why[one.article_id] for one in diff.articles_removed if one.article_id in why)
    others = Counter(one.split for one in diff.articles_removed if one.article_id not in why)
    lines = [f"{number:,} articles taken down: {_plain(reason)}." for reason, number in sorted(taken.items())]
    return lines + _articles("removed", others)


def _plain(text: str) -> str:
    """A text that is no Markdown."""
    return "".join(f"\\{one}" if one in "\\`*_[]<>#|!&" else one for one in text.removesuffix("."))


def _labels(tallies: Sequence[LabelTally]) -> str:
    moved = [one for one in tallies if one.before != one.kept or one.after != one.kept]
    head = ["layer", "label", "before", "after", "added", "removed", "relabelled to it", "from it", "other edges"]
    rows = [
        [one.layer, f"`{one.label}`", one.before, one.after, one.added + one.came, one.removed + one.went,
         one.relabelled_to, one.relabelled_from, one.moved]
        for one in moved
    ]  # fmt: skip
    return markdown_table(head, rows) if rows else ""
