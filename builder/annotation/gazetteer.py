"""Gazetteer lookup: terms with their labels, and their mentions in a text.

Offsets are code points, end exclusive. Words are compared in folded form (search@1), so marks, hamza, ta marbuta
and tatweel make no difference. Pure.
"""

from collections.abc import Collection, Iterator, Mapping

from builder.records import Issue, KhabarError, Span, counted
from builder.text.profiles import profile
from builder.text.tokens import canonical_span, tokenize

LEAST_REST = 3
"""Least letters after a clitic that may start a term. Fewer are too often the end of another word."""

MOST_ISSUES = 20

_CLITICS = (*(conjunction + preposition for conjunction in "وف" for preposition in "بلك"), "ب", "ل", "ك", "و", "ف")

Terms = Mapping[tuple[str, ...], str]
"""The label of each term, by its folded words."""


def find_mentions(text: str, terms: Terms, *, expand: bool = True) -> tuple[Span, ...]:
    """Return the mentions of terms in a text, in order and without overlaps.

    The first word may carry clitics (wa, fa, bi, li, ka, and li- with the article). With `expand` they are part of
    the mention, otherwise it begins after them. At each word a reading without a clitic is tried first, and the
    longest term of a reading wins.

    >>> find_mentions("وصل إلى مدينة مرجانة وبمرجانة", {("مرجانه",): "GPE", ("مدينه", "مرجانه"): "GPE"})
    (Span(start=8, end=20, label='GPE', id=''), Span(start=21, end=29, label='GPE', id=''))
    """
    tokens = tokenize(text)
    words = profile("search@1").fold_batch([text[start:end] for start, end in tokens])
    longest = max(map(len, terms), default=0)
    firsts = {term[0] for term in terms}
    spans: list[Span] = []
    at = 0
    while at < len(words):
        span, size = None, 1
        for clitic, word in _readings(words[at], firsts):
            for length in range(min(longest, len(words) - at), 0, -1):
                label = terms.get((word, *words[at + 1 : at + length]))
                if label and "\n" not in text[tokens[at][0] : tokens[at + length - 1][1]]:
                    start = tokens[at][0] + (0 if expand else _width(text[slice(*tokens[at])], clitic))
                    edges = canonical_span(text, start, tokens[at + length - 1][1], whole_words=expand)
                    span, size = Span(*edges, label) if edges else None, length
                    break
            if span:
                break
        spans += [span] if span else []
        at += size
    return tuple(spans)


def _readings(word: str, firsts: set[str]) -> Iterator[tuple[int, str]]:
    """Yield (letters of the clitic, rest) of a folded word: first without a clitic, then for each it may carry.

    Only readings whose rest is the first word of a term are yielded.
    """
    if word in firsts:
        yield 0, word
    for clitic in _CLITICS:
        rest = word[len(clitic) :]
        if word.startswith(clitic) and len(rest) >= LEAST_REST:
            if rest in firsts:
                yield len(clitic), rest
            # li- and the article are written as two lams, without the alef.
            if clitic[-1] == "ل" and rest[0] == "ل" and "ا" + rest in firsts:
                yield len(clitic), "ا" + rest


def _width(word: str, clitic: int) -> int:
    """Return how many code points of a word hold the first `clitic` letters of its folded form, with their marks."""
    return profile("search@1").apply(word).raw_span(0, clitic)[1] if clitic else 0


def parse_terms(content: bytes, where: str, known: Collection[str]) -> dict[tuple[str, ...], str]:
    """Parse a TSV file with `term<TAB>label` on each line. Blank lines are ignored.

    Raises KhabarError (exit code 2) with every bad line, up to MOST_ISSUES of them, or if the file has no terms.
    """
    terms: dict[tuple[str, ...], str] = {}
    lines: dict[tuple[str, ...], int] = {}
    issues: list[Issue] = []
    for number, raw in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if not raw.strip():
            continue
        try:
            words, label = _term(raw, known)
            if terms.get(words, label) != label:
                raise ValueError(f"the same term has the label {terms[words]} in line {lines[words]}")
        except ValueError as error:
            fix = "each line is a term, a tab, and a label of schema/labels.yaml"
            issues.append(Issue("error", "gazetteer", str(error), where=f"{where}:{number}", fix=fix))
            continue
        terms[words] = label
        lines.setdefault(words, number)
    if issues or not terms:
        raise KhabarError(
            *first_of(issues or [Issue("error", "gazetteer", "the file has no terms", where=where)], where)
        )
    return terms


def _term(raw: bytes, known: Collection[str]) -> tuple[tuple[str, ...], str]:
    """Parse one line into folded words and a label; raises ValueError with the reason if it is bad."""
    try:
        fields = raw.decode().strip("\r").split("\t")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start}") from None
    if len(fields) != 2:
        raise ValueError(f"{counted(len(fields), 'field')}, not 2")
    term, label = fields[0], fields[1].strip()
    words = tuple(profile("search@1").fold_batch([term[start:end] for start, end in tokenize(term)]))
    if not any(character.isalnum() for word in words for character in word):
        raise ValueError("the term has no word")
    if label not in known:
        raise ValueError(f"unknown label {label!r}; known: {', '.join(sorted(known))}")
    return words, label


def first_of(issues: Collection[Issue], where: str) -> list[Issue]:
    """Return the first MOST_ISSUES of a long list of issues, and one issue that counts the rest."""
    more = len(issues) - MOST_ISSUES
    rest = [Issue("error", "more", f"and {more} more bad lines", where=where)] if more > 0 else []
    return [*list(issues)[:MOST_ISSUES], *rest]
