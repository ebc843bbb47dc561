"""Articles as CoNLL files: those of an imported set as it published them, the others a file for each split."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from builder.formats.writing.exported import ExportArticle
from builder.records import Dropped
from builder.schema.importing import Tagged

NESTED, TOKENLESS = "nested deeper than the file has columns of tags", "no token"

SEPARATORS = {"space": " ", "tab": "\t", "blanks": " ", "comma": ","}

OURS = Tagged(tags="rest")
"""The columns of articles that no CoNLL file published: those of Wojood."""

LETTERS = {"bioes": ("B", "I", "E", "S"), "bilou": ("B", "I", "L", "U")}


def write_conll(articles: Sequence[ExportArticle]) -> tuple[dict[str, bytes], list[Dropped]]:
    """Return the files of articles by name, and the spans that their columns cannot hold."""
    homes: dict[str, list[ExportArticle]] = defaultdict(list)
    for one in articles:
        homes[one.source.file if one.source else f"{one.split}.txt"].append(one)
    files: dict[str, bytes] = {}
    lost: list[Dropped] = []
    for name, own in homes.items():
        ordered = sorted(own, key=lambda one: (one.source.line if one.source else 0, one.id))
        pieces = [piece for one in ordered for piece in _pieces(one, lost)]
        form = ordered[0].rules.conll if ordered[0].rules else OURS
        head = [SEPARATORS[form.separator].join(["token", "tag"])] if form.header else []
        files[name] = "\n".join([*head, *("\n".join([*rows, ""]) for rows in pieces)]).encode()
    return files, lost


def _pieces(article: ExportArticle, lost: list[Dropped]) -> Iterator[list[str]]:
    """Yield the lines of each sentence of an article."""
    form = article.rules.conll if article.rules and article.source else OURS
    rows = tagged_rows(article, form, lost)
    ends = [*article.sentences[1:], len(rows)]
    for begin, end in zip(article.sentences, ends, strict=True):
        yield [_line(article.tokens[index].words, rows[index], form) for index in range(begin, end)]


def _line(words: str, tags: Sequence[str], form: Tagged) -> str:
    """Return the line of a token."""
    mark = SEPARATORS[form.separator]
    if form.separator == "comma" and ("," in words or '"' in words):
        words = '"' + words.replace('"', '""') + '"'
    return mark.join([words, *tags])


def tagged_rows(article: ExportArticle, form: Tagged, lost: list[Dropped]) -> list[list[str]]:
    """Return the tags of each token, the outermost first, and add the spans that find no column."""
    many = len(form.tags) if form.tags != "rest" else None
    rows: list[list[str]] = [[] for _ in article.tokens]
    depth = Counter[int]()
    ended: dict[tuple[int, str], bool] = {}
    for span in sorted(article.spans, key=lambda span: (span.start, -span.end, span.label)):
        first, after = article.place(span)
        layer = max((depth[index] for index in range(first, after)), default=0)
        if first >= after or (many is not None and layer >= many):
            lost.append(
                Dropped(
                    "export",
                    f"{article.id} {span.start}-{span.end} {span.label}",
                    TOKENLESS if first >= after else NESTED,
                )
            )
            continue
        for index in range(first, after):
            while many is not None and len(rows[index]) < layer:
                rows[index].append(form.outside)
            rows[index].append(
                _tag(
                    article.label(span.label), index - first, after - first, form, follows=(first, span.label) in ended
                )
            )
            depth[index] = layer + 1
        ended[after, span.label] = True
    return [row + [form.outside] * ((many or 1) - len(row)) for row in rows]


def _tag(label: str, place: int, size: int, form: Tagged, *, follows: bool) -> str:
    """Return the tag of the token at this place of a mention; `follows` is whether one of its label ends before it."""
    if form.scheme == "bare":
        return label
    if form.scheme in LETTERS:
        begin, inside, end, single = LETTERS[form.scheme]
        letter = single if size == 1 else begin if place == 0 else end if place == size - 1 else inside
        return f"{letter}-{label}"
    begins = place == 0 and (form.scheme == "iob2" or follows)
    return f"{'B' if begins else 'I'}-{label}"
