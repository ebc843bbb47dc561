"""CHANGELOG.md of a dataset, rendered from the changes of each version: newest first, without times.

It contains numbers only. Without any text, title, URL or id, an article that was taken down leaves no trace in it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from builder.records import Takedown, Withdrawal, counted
from builder.release.card.markdown import markdown_table
from builder.release.diff.records import Diff, LabelTally
from builder.release.splits.strategies import SPLIT_NAMES
from builder.release.tables.build import Tables

HEAD = "# Changelog\n\n"


def changelog(newest: str, earlier: str = "") -> str:
    r"""Return the changelog: the newest section, then the sections of the earlier release's changelog.

    >>> changelog("## 1.1.0\n\nMore.\n", "# Changelog\n\n## 1.0.0\n\nFirst.\n")
    '# Changelog\n\n## 1.1.0\n\nMore.\n\n## 1.0.0\n\nFirst.\n'
    """
    kept = earlier[earlier.find("## ") :].strip() if earlier.startswith("## ") or "\n## " in earlier else ""
    return HEAD + newest.strip() + (f"\n\n{kept}" if kept else "") + "\n"


@dataclass(frozen=True, slots=True)
class Removals:
    """Removals from all later releases: articles that were taken down, and annotators who have withdrawn."""

    takedowns: Sequence[Takedown] = ()
    withdrawals: Sequence[Withdrawal] = ()


def section(version: str, tables: Tables, diff: Diff | None = None, removed: Removals = Removals()) -> str:
    """Render the section of one version: the changes since the earlier version, and the row counts."""
    parts = [f"## {version}"]
    if diff is not None:
        lines = changes(diff, removed)
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


def changes(diff: Diff, removed: Removals = Removals()) -> list[str]:
    """Describe the changes, one line with a count for each kind; removals give their reason, but no article or person."""
    lines = [
        *_articles("added", Counter(added.split for added in diff.articles_added)),
        *_removed(diff, removed.takedowns),
        *_withdrawn(diff, removed.withdrawals),
        *_line(len(diff.resplit), "article", "in another split"),
        *_line(len(diff.texts), "article", "with another text"),
    ]
    for name, number in sorted(Counter(field.column for field in diff.fields).items()):
        lines += _line(number, "article", f"with another `{name}`")
    spans = Counter[str](span.kind for span in diff.spans)
    for kind, wording in (
        ("added", "added"),
        ("removed", "removed"),
        ("relabelled", "relabelled"),
        ("moved", "with other edges"),
    ):
        lines += _line(spans[kind], "span", f"{wording}, in articles that stayed")
    for layer, layer_changes in (("stance", diff.stances), ("judgement", diff.judgements)):
        kinds = Counter[str](change.kind for change in layer_changes)
        for kind in ("added", "removed", "changed"):
            lines += _line(kinds[kind], layer, f"{kind}, of articles that stayed")
    lines += [
        f"The column `{column.column}` of `{column.config}` {_feature(column.old, column.new)}."
        for column in diff.features
    ]
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


def _line(number: int, noun: str, what: str) -> list[str]:
    return [f"{counted(number, noun)} {what}."] if number else []


def _articles(what: str, splits: Counter[str]) -> list[str]:
    where = ", ".join(f"{split} {splits[split]:,}" for split in sorted(splits, key=_place))
    return [f"{counted(splits.total(), 'article')} {what} ({where})."] if splits else []


def _place(split: str) -> tuple[int, str]:
    return (SPLIT_NAMES.index(split) if split in SPLIT_NAMES else len(SPLIT_NAMES), split)


def _removed(diff: Diff, takedowns: Sequence[Takedown]) -> list[str]:
    why = {takedown.article_id: " ".join(takedown.reason.split()) for takedown in takedowns}
    taken = Counter(why[removed.article_id] for removed in diff.articles_removed if removed.article_id in why)
    others = Counter(removed.split for removed in diff.articles_removed if removed.article_id not in why)
    lines = [f"{counted(number, 'article')} taken down: {_plain(reason)}." for reason, number in sorted(taken.items())]
    return lines + _articles("removed", others)


def _withdrawn(diff: Diff, withdrawals: Sequence[Withdrawal]) -> list[str]:
    why = {withdrawal.annotator: " ".join(withdrawal.reason.split()) for withdrawal in withdrawals}
    gone = Counter(
        why[judgement.annotator]
        for judgement in diff.judgements
        if judgement.kind == "removed" and judgement.annotator in why
    )
    return [f"{counted(number, 'judgement')} withdrawn: {_plain(reason)}." for reason, number in sorted(gone.items())]


def _plain(text: str) -> str:
    """Escape Markdown in a text, and remove a final full stop."""
    return "".join(f"\\{char}" if char in "\\`*_[]<>#|!&" else char for char in text.removesuffix("."))


def _labels(tallies: Sequence[LabelTally]) -> str:
    changed = [tally for tally in tallies if tally.before != tally.kept or tally.after != tally.kept]
    head = ["layer", "label", "before", "after", "added", "removed", "relabelled to it", "from it", "other edges"]
    rows = [
        [tally.layer, f"`{tally.label}`", tally.before, tally.after, tally.added + tally.came,
         tally.removed + tally.went, tally.relabelled_to, tally.relabelled_from, tally.moved]
        for tally in changed
    ]  # fmt: skip
    return markdown_table(head, rows) if rows else ""
