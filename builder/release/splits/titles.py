"""Titles that articles of different splits share: listed, where alike texts are errors."""

from collections.abc import Sequence

from builder.records import Issue
from builder.release.splits.leakage import Pair, are_apart
from builder.text.similarity import HEADING


def shared_titles(matches: Sequence[Pair], names: Sequence[str], splits: Sequence[str]) -> list[Issue]:
    """Return one warning for the pairs whose texts share only a title and are in two splits, or none.

    A title links new articles. Where more than HEADING articles shared it, they were placed one by one, and a takedown
    may leave fewer of them.

    >>> from builder.release.splits.leakage import pairs
    >>> titled = pairs(["خبر", "نبأ"], ["نشرة أخبار الميناء اليوم", "نشرة أخبار الميناء اليوم"])
    >>> [issue.message for issue in shared_titles(titled, ["a-0", "b-0"], ["train", "test"])]
    ['1 pair of articles shares a title across splits: it is in train (a-0) and in test (b-0)']
    """
    apart = [pair for pair in matches if pair.kind == "related" and are_apart(pair, splits)]
    if not apart:
        return []
    many = "1 pair of articles shares" if len(apart) == 1 else f"{len(apart)} pairs of articles share"
    first = [f"in {splits[at]} ({names[at]})" for at in (apart[0].left, apart[0].right)]
    such = "it is" if len(apart) == 1 else "such as"
    message = f"{many} a title across splits: {such} {' and '.join(first)}"
    fix = (
        f"nothing, if more than {HEADING} articles shared the title when they were assigned: their texts are not alike"
    )
    return [Issue("warning", "shared-title", message, where=names[apart[0].left], fix=fix)]
