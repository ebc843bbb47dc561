"""Articles of a release as exports need them: text, tokens with their sentences, and gold spans."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from builder.formats.tagged.joining import bare_token
from builder.records import Answer, PublishedText, Span
from builder.schema.importing import ImportMap
from builder.text.tokens import sentences


@dataclass(frozen=True, slots=True)
class Token:
    """A token of a text: its words as they are written in files, and its place in the text."""

    words: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ExportArticle:
    """An article with its gold. `sentences` has the index of the first token of each sentence.

    `source` is where it stands in an imported set, and `labels` the published name of each of its labels. `answers` are
    those to questions on the whole article, and `is_marked` is whether its mentions are settled.
    """

    id: str
    split: str
    text: str
    spans: tuple[Span, ...]
    tokens: tuple[Token, ...]
    sentences: tuple[int, ...]
    source: PublishedText | None = None
    rules: ImportMap | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    answers: tuple[Answer, ...] = ()
    is_marked: bool = True

    def label(self, name: str) -> str:
        """Return the published name of a label, or the label itself."""
        return self.labels.get(name, name)

    def place(self, span: Span) -> tuple[int, int]:
        """Return the first token of a span, and the one after its last."""
        first = bisect_right([token.end for token in self.tokens], span.start)
        return first, bisect_left([token.start for token in self.tokens], span.end)


def published_labels(rules: ImportMap) -> dict[str, str]:
    """Return the published name of each label that stands for one published name only."""
    targets = [target for target in rules.labels.values() if target]
    return {target: name for name, target in rules.labels.items() if target and targets.count(target) == 1}


def tokens_as_published(text: str, published: str, clitic: str) -> tuple[tuple[Token, ...], tuple[int, ...]] | None:
    r"""Return the published tokens at their places in the text, and the first token of each sentence.

    They are found by the characters that are no space. Returns None if the text is no longer made of them.

    >>> tokens_as_published("وصل.\nعاد", "وصل\n.\n\nعاد\n", "")[1]
    (0, 2)
    """
    places = [index for index, character in enumerate(text) if character not in " \n"]
    tokens: list[Token] = []
    begins: list[int] = []
    at, is_new = 0, True
    for words in published.removesuffix("\n").split("\n"):
        if not words:
            is_new = True
            continue
        bare = bare_token(words, clitic)
        size = len(bare.replace(" ", ""))
        if not size or at + size > len(places) or text[places[at] : places[at + size - 1] + 1] != bare:
            return None
        begins += [len(tokens)] if is_new else []
        tokens.append(Token(words, places[at], places[at + size - 1] + 1))
        at, is_new = at + size, False
    return (tuple(tokens), tuple(begins)) if at == len(places) else None


def tokens_of_release(
    text: str, places: Sequence[tuple[int, int]], spans: Sequence[Span]
) -> tuple[tuple[Token, ...], tuple[int, ...]]:  # fmt: skip
    """Return the tokens of a release, and the first token of each sentence; none begins inside a span."""
    starts = [start for start, _ in places]
    begins = {bisect_left(starts, start) for start, _ in sentences(text)} - {len(places)}
    inside = {
        index for span in spans for index in range(bisect_right(starts, span.start), bisect_left(starts, span.end))
    }
    return tuple(Token(text[start:end], start, end) for start, end in places), tuple(sorted({0, *(begins - inside)}))
