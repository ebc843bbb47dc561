"""The checks of rows: each column that follows from others is derived again, and no article is alike to another split's."""

from collections.abc import Iterable, Iterator, Mapping

from builder.io.parquet import whole
from builder.records import Issue
from builder.release.splits import leakage
from builder.release.splits.strategies import SPLIT_NAMES
from builder.release.splits.titles import shared_titles
from builder.release.tables.features import WITHHELD
from builder.release.verification import columns, questions, tags
from builder.release.verification.content import Content, as_published, schema_issues
from builder.release.verification.files import guidelines, strange_files, unnamed_guidelines
from builder.release.verification.forms import forms
from builder.release.verification.result import Check, Mismatch, Unverified, differs, judge, mismatch_issues
from builder.text.profiles import profile

PAGES = "only the pages that it was made of say it"

ANSWERS = "annotators gave it, and nothing else says it"

TEXTS = "this edition holds no text"

ONCE = "no other column says it of an article without a row in `entities`"

UNDERIVED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "entities": {PAGES: ("spans.raw_start", "spans.raw_end")},
    "stance": {},
    "questions": {},
    "annotations": {ANSWERS: (
        "batch", "annotator", "spans.start", "spans.end", "spans.label", "stances.target", "stances.value",
        "answers.question", "answers.value", "seconds", "guideline", "schema", "remark",
    )},
    "articles": {
        PAGES: ("document_id", "source_name", "author", "profile", "split_group"),
        ONCE: ("title", "source", "url", "published_at", "published_zone"),
    },
}  # fmt: skip
"""The columns of each config that no check derives, by the reason."""

NAMED = ("stance.target_name", "questions.question_name", "questions.values")
"""The columns that labels.yaml gives."""

WITHOUT_TEXT = {"entities": ("token_spans",), "articles": ("text_sha", "restore")}
"""The further columns that no check derives in an edition without text."""


def derived(content: Content, found: tags.TagCounts) -> Check:
    """Check every column that follows from others: keys, copies, hashes, words of spans, tokens, tags and votes.

    `found` counts what the tags hold and lose.
    """
    issues = [*schema_issues(content), *strange_files(content.release), *guidelines(content)]
    issues = issues or mismatch_issues([*columns.nulls(content), *columns.keys(content), *columns.span_places(content),
                                        *tags.token_places(content), *forms(content)])  # fmt: skip
    # What follows is computed from places and keys, so these have to be sound.
    issues = issues or mismatch_issues(_derive(content, found))
    count = sum(len(one.table.column_names) for one in columns.tables(content))
    said = f"{count} columns of {len(content.tables)} configs and their splits agree with what they follow from"
    return judge("columns", issues, said, _underived(content))


def _derive(content: Content, found: tags.TagCounts) -> Iterator[Mismatch]:
    yield from columns.articles(content)
    yield from columns.copies(content)
    yield from columns.groups(content)
    if content.basis:
        yield from columns.stance(content, content.basis.labels)
        yield from questions.questions(content, content.basis.labels)
    yield from tags.tags(content, found)
    if content.has_text():
        yield from columns.span_words(content)
        yield from tags.tokens(content)


def _underived(content: Content) -> Iterator[Unverified]:
    """Yield the columns of this edition that no check derives."""
    for config, of in UNDERIVED.items():
        there = {name for table in content.tables.get(config, {}).values() for name in table.column_names}
        withheld = () if content.has_text() else WITHHELD[config]
        for why, names in of.items():
            yield from (
                Unverified(f"{config}.{name}", why)
                for name in names
                if name.partition(".")[0] in there and name not in withheld
            )
    if not content.has_text():
        yield from (Unverified(f"{config}.{name}", TEXTS) for config, names in WITHOUT_TEXT.items() for name in names)
    yield Unverified("the layout of Parquet files: row groups, encodings, statistics", "values are compared, not bytes")
    yield from unnamed_guidelines(content)
    if not content.basis:
        yield from (Unverified(name, "this release has no labels.yaml") for name in NAMED
                    if name.partition(".")[0] in content.tables)  # fmt: skip


def alike(content: Content) -> Check:
    """Check for leakage: no article equals, nearly copies or contains one of another split; shared titles are listed."""
    if not content.has_text():
        return Check("leaks", "not possible", f"a {content.release.edition} edition holds no texts to compare")
    try:
        fold = profile(content.release.profile.split("+")[0]).fold_batch
    except ValueError:
        return Check("leaks", "not possible", f"the profile {content.release.profile} is the project's own")
    table = content.articles()
    names = table["id"].to_pylist()
    home = [split for split in SPLIT_NAMES for _ in range(content.tables["articles"][split].num_rows)]
    titles = [title or "" for title in table["title"].to_pylist()]
    pairs = leakage.pairs(fold(table["text"].to_pylist()), fold(titles))
    source, free = table["source"].to_pylist(), as_published(content.release)
    others = [pair for pair in pairs if source[pair.left] != source[pair.right] or source[pair.left] not in free]
    issues = leakage.cross_split_errors(others, names, home, "") or _parted(content, names, pairs)
    if issues:
        return judge("leaks", issues, "")
    said = f"of {len(names)} articles none is alike to one in another split: {len(pairs)} pairs compared"
    if len(others) < len(pairs):
        said += f", {len(pairs) - len(others)} of them of sets whose splits stay as published"
    return Check("leaks", "done", said, tuple(shared_titles(others, names, home)))


def _parted(content: Content, names: list[str], pairs: Iterable[leakage.Pair]) -> list[Issue]:
    """Return an error for each pair of similar articles that are not in one split group.

    A title links articles only while few share it, so that a takedown may leave a pair that it never linked.
    """
    groups = whole(content.articles()["split_group"]).to_pylist() if content.is_current else []
    return [
        differs(f"articles.split_group of {names[pair.left]}", f"{names[pair.right]} is alike, and in another group")
        for pair in pairs
        if groups and pair.kind != "related" and groups[pair.left] != groups[pair.right]
    ]
