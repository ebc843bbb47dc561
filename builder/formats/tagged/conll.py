"""CoNLL files as a published set: a token on each line, with a tag for each layer or each mention."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.formats import oddities
from builder.formats.published import (
    ARTICLES,
    CHANGES,
    SEEN,
    SPANS,
    STANCES,
    Flags,
    InputFile,
    Numbers,
    PublishedSet,
    account,
    refuse,
    sighting,
    split_of,
)
from builder.formats.tagged.fates import fates, tag_issues, unmapped
from builder.formats.tagged.joining import Joined, join_tokens
from builder.formats.tagged.lines import MOSTLY, Rows, read_rows
from builder.formats.tagged.schemes import EDGE, TagColumns, TokenMentions, decode
from builder.formats.tagged.tags import NOT_ANNOTATED, OUTSIDE, Tag, parse_tags
from builder.records import Dropped, Issue, user_error
from builder.schema.importing import ImportMap

UNANNOTATED = "in an article that is not annotated throughout"

ONLY_BLANK = "only blank tokens"

LEFT_OUT = "label left out by the map"

LONG_SENTENCE, LONG_ARTICLE = 300, 5_000
"""Tokens above which a sentence or an article likely has no ends in the file."""

REPAIRS = {
    "inside begins": "mentions that begin with I-",
    "unclosed": "mentions that do not end as the scheme asks",
    "separator": "tags with another separator than the hyphen",
    "case": "tags that begin with a small letter",
}


@dataclass(frozen=True, slots=True, eq=False)
class SeenTags:
    """The tags of all rows: the distinct ones, and for each cell its row, layer and number of its tag."""

    tags: Sequence[Tag]
    rows: Numbers
    layers: Numbers
    codes: Numbers

    def rows_of(self, code: int) -> Numbers:
        """Return the rows that have a tag."""
        found: Numbers = self.rows[self.codes == code]
        return found


def see_tags(rows: Rows, rules: ImportMap) -> SeenTags:
    """Find the distinct tags of CoNLL rows, and where each stands."""
    form = rules.conll
    sizes = pc.list_value_length(rows.cells).to_numpy().astype(np.int64)
    begins = np.cumsum(sizes) - sizes
    values = rows.cells.flatten()
    if form.tags == "rest":
        of_row = np.repeat(np.arange(len(sizes)), sizes)
        places = np.flatnonzero(np.arange(len(values)) - begins[of_row] > form.token)
        owners, layers = of_row[places], np.zeros(len(places), np.int64)
    else:
        places = np.concatenate([begins + column for column in form.tags])
        owners = np.tile(np.arange(len(sizes)), len(form.tags))
        layers = np.repeat(np.arange(len(form.tags)), len(sizes))
    found = values.take(pa.array(places)).dictionary_encode()
    tags = parse_tags(found.dictionary.to_pylist(), rules)
    return SeenTags(tags, owners, layers, found.indices.to_numpy().astype(np.int64))


def read_conll(files: Sequence[InputFile], rules: ImportMap, known: Sequence[str]) -> PublishedSet:
    """Read CoNLL files into a published set; `known` are the labels of labels.yaml.

    Raises KhabarError: exit code 2 if they are no such files; 1 with every tag and label that the map does not know,
    and every repair that it does not allow.
    """
    rows = read_rows(files, rules.conll, rules.articles)
    seen = see_tags(rows, rules)
    counts = np.bincount(seen.codes, minlength=len(seen.tags)).tolist()
    _refuse_other_format(seen, counts, rows)
    refuse(rows.issues, 2)
    places = {code: rows.places(seen.rows_of(code)) for code in _of_interest(seen.tags, rules, known)}
    refuse(unmapped(seen.tags, counts, places, rules, known), 1)
    mentions = decode(_columns(seen), rows.sentence, rules.conll.scheme)
    refuse(_refused(mentions, seen, rows, rules), 1)
    blank = oddities.blank_tokens(rows.tokens)
    kept = np.flatnonzero(~blank)
    joined = join_tokens(rows.tokens.take(pa.array(kept)), rows.sentence[kept], rows.article[kept], rules.joining)
    is_open = _unannotated(seen, rows.article, kept)
    spans, aside = _spans(mentions, seen, rows, kept, joined, is_open, rules)
    lost = [Dropped("import", rows.place(int(row)), "blank token") for row in np.flatnonzero(blank)]
    issues = [*tag_issues(seen.tags, counts, places), *oddities.odd_tokens(rows.tokens, rows.places)]
    looked = np.flatnonzero(~is_open)
    return PublishedSet(
        _articles(rows, kept, joined, is_open, rules),
        spans,
        STANCES.empty_table(),
        _changes(rows, seen, mentions, blank),
        (account("tokens", len(rows.tokens), lost), account("mentions", len(mentions.first), aside)),
        (*issues, *_long(rows), *_repaired(mentions, seen, rows)),
        (*lost, *aside),
        pa.table([pa.array(looked), pa.array([""] * len(looked), pa.string())], schema=SEEN),
    )


def _long(rows: Rows) -> list[Issue]:
    """Return a warning for sentences and articles that are so long that their ends are likely not in the files."""
    kinds = (
        ("sentences", rows.sentence, LONG_SENTENCE, "write `sentence_ends: stop` under `conll:` in the map"),
        ("articles", rows.article, LONG_ARTICLE, "write `articles: sentence`, or what else ends them, in the map"),
    )
    issues = []
    for what, numbers, most, fix in kinds:
        sizes = np.bincount(numbers) if len(numbers) else np.zeros(0, np.int64)
        found = np.searchsorted(numbers, np.flatnonzero(sizes > most))
        if len(found):
            seen = sighting(rows.places(found), len(found))
            message = f"{what} of more than {most:,} tokens: {seen.said()}"
            issues.append(Issue("warning", f"long-{what}", message, seen.places[0], fix))
    return issues


def _refuse_other_format(seen: SeenTags, counts: Sequence[int], rows: Rows) -> None:
    """Raise KhabarError (exit code 2) if most cells of the columns of tags hold no tag of the scheme."""
    wrong = sum(count for tag, count in zip(seen.tags, counts, strict=True) if not tag.edge and not tag.odd)
    if wrong > MOSTLY * sum(counts):
        message = (
            f"{wrong:,} of {sum(counts):,} cells in the columns of tags are no tags: this is another format or scheme"
        )
        fix = "name the format with --as, and tags and scheme under `conll:` in the map; --dry-run drafts one"
        raise user_error("format", message, where=rows.place(0), fix=fix)


def _of_interest(tags: Sequence[Tag], rules: ImportMap, known: Sequence[str]) -> list[int]:
    """Return the tags whose lines a message may name: odd ones, and those with no known label."""
    return [
        code
        for code, tag in enumerate(tags)
        if tag.odd or not tag.edge or (tag.label and rules.labels.get(tag.label, "?") not in (*known, None))
    ]


def _columns(seen: SeenTags) -> TagColumns:
    """Return the tags that mark something as columns."""
    labels = _labels(seen.tags)
    edge = np.array([EDGE.get(tag.edge, -1) for tag in seen.tags], np.int64)[seen.codes]
    label = np.array([labels[tag.label] for tag in seen.tags], np.int64)[seen.codes]
    marked = edge >= 0
    return TagColumns(seen.rows[marked], seen.layers[marked], edge[marked], label[marked])


def _labels(tags: Sequence[Tag]) -> dict[str, int]:
    """Return a number for each published label."""
    return {label: number for number, label in enumerate(sorted({tag.label for tag in tags}))}


def _needed(mentions: TokenMentions, seen: SeenTags) -> Mapping[str, Numbers]:
    """Return the rows of each kind of fault that asks for a repair."""
    kinds = {"inside begins": mentions.inside_begins, "unclosed": mentions.unclosed}
    for kind in ("separator", "case"):
        codes = [code for code, tag in enumerate(seen.tags) if tag.repair == kind]
        kinds[kind] = np.unique(seen.rows[np.isin(seen.codes, codes)])
    return {kind: found for kind, found in kinds.items() if len(found)}


def _refused(mentions: TokenMentions, seen: SeenTags, rows: Rows, rules: ImportMap) -> list[Issue]:
    """Return an error for each kind of repair that is needed and not allowed."""
    return [
        Issue("error", "repair", f"{_said(kind, found, rows)}, which the map does not allow to repair",
              rows.place(int(found[0])), f"allow it with `repairs: [{kind}]` in the map, or correct the files")
        for kind, found in _needed(mentions, seen).items() if kind not in rules.repairs
    ]  # fmt: skip


def _repaired(mentions: TokenMentions, seen: SeenTags, rows: Rows) -> list[Issue]:
    """Return a warning for each kind of repair that was made."""
    return [
        Issue("warning", "repaired", _said(kind, found, rows), rows.place(int(found[0])), "")
        for kind, found in _needed(mentions, seen).items()
    ]


def _said(kind: str, found: Numbers, rows: Rows) -> str:
    return f"{REPAIRS[kind]}: {sighting(rows.places(found), len(found)).said()}"


def _unannotated(seen: SeenTags, article: Numbers, kept: Numbers) -> Flags:
    """Return which articles have a token that nobody annotated."""
    codes = [code for code, tag in enumerate(seen.tags) if tag.edge == NOT_ANNOTATED]
    number = int(article[-1]) + 1 if len(article) else 0
    flags = np.zeros(number, bool)
    flags[article[seen.rows[np.isin(seen.codes, codes)]]] = True
    return flags[np.unique(article[kept])]


def _spans(
    mentions: TokenMentions, seen: SeenTags, rows: Rows, kept: Numbers, joined: Joined, is_open: Flags, rules: ImportMap
) -> tuple[pa.Table, list[Dropped]]:  # fmt: skip
    """Return the mentions as spans of texts, and those that are set aside."""
    first, last = np.searchsorted(kept, mentions.first), np.searchsorted(kept, mentions.last, side="right") - 1
    names = [*_labels(seen.tags)]
    fate = fates(names, rules)
    _, of_article = np.unique(rows.article[kept], return_inverse=True)
    empty = first > last
    article = of_article[np.minimum(first, len(kept) - 1)] if len(kept) else first
    left_out = np.array([one.left_out for one in fate], bool)[mentions.labels]
    reasons = ((empty, ONLY_BLANK), (left_out, LEFT_OUT), (is_open[article] if len(is_open) else empty, UNANNOTATED))
    gone = np.zeros(len(first), bool)
    aside: list[Dropped] = []
    for flags, reason in reasons:
        for number in np.flatnonzero(flags & ~gone):
            label = names[mentions.labels[number]]
            aside.append(Dropped("import", f"{rows.place(int(mentions.first[number]))} {label}", reason))
        gone |= flags
    stay = np.flatnonzero(~gone)
    target = pa.array([one.target for one in fate], pa.string()).take(pa.array(mentions.labels[stay]))
    columns = [article[stay], joined.starts[first[stay]], joined.ends[last[stay]], target, pa.array([""] * len(stay))]
    return pa.table([pa.array(one) for one in columns], schema=SPANS), aside


def _articles(rows: Rows, kept: Numbers, joined: Joined, is_open: Flags, rules: ImportMap) -> pa.Table:
    """Return the table of articles."""
    numbers, begins = np.unique(rows.article[kept], return_index=True)
    first = kept[begins]
    file = rows.file[first]
    ids = pa.array([name.rsplit(".", 1)[0] for name in rows.names]).take(pa.array(file))
    if rules.articles != "file":
        own = numbers - numbers[np.searchsorted(file, file)] + 1
        ids = pc.binary_join_element_wise(ids, pc.cast(pa.array(own), pa.string()), ":")
    splits = [split_of(name, rules.split_names) for name in rows.names]
    columns = {
        "published_id": ids,
        "title": pa.nulls(len(ids), pa.string()),
        "text": joined.texts,
        "file": pa.array(rows.names).take(pa.array(file)),
        "line": pa.array(rows.lines[first]),
        "split": pa.array(splits).take(pa.array(file)),
        "annotated": pa.array(~is_open),
        "tokens": joined.published,
    }
    return pa.table([columns[name] for name in ARTICLES.names], schema=ARTICLES)


def _changes(rows: Rows, seen: SeenTags, mentions: TokenMentions, blank: Flags) -> pa.Table:
    """Return the lines that are not taken as they stand."""
    found: list[tuple[int, str, str, str]] = []
    for code, tag in enumerate(seen.tags):
        if tag.odd or tag.repair:
            became = "O" if tag.edge == OUTSIDE else f"{tag.edge}-{tag.label}"
            reason = "odd tag" if tag.odd else REPAIRS[tag.repair or "case"]
            found += [(int(row), tag.written, became, reason) for row in seen.rows_of(code)]
    begun, ended = REPAIRS["inside begins"], REPAIRS["unclosed"]
    found += [(int(row), "I-", "B-", begun) for row in mentions.inside_begins]
    found += [(int(row), "", "", ended) for row in mentions.unclosed]
    found += [(int(row), rows.tokens[int(row)].as_py(), "", "blank token") for row in np.flatnonzero(blank)]
    lines = [(rows.names[rows.file[row]], int(rows.lines[row]), *rest) for row, *rest in sorted(found)]
    columns = [*zip(*lines, strict=True)] or [()] * len(CHANGES)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, CHANGES, strict=True)], schema=CHANGES
    )
