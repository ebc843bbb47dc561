"""Articles as files of brat, doccano's JSON Lines, and spaCy's DocBin."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from builder.formats.writing.exported import ExportArticle
from builder.records import Dropped, outermost, user_error

INNER = "nested or crossing, so not in doc.ents"


def write_brat(articles: Sequence[ExportArticle]) -> dict[str, bytes]:
    """Return a .txt and a .ann file for each article, and brat's annotation.conf."""
    files: dict[str, bytes] = {}
    names: set[str] = set()
    for one in articles:
        stem = (
            str(PurePosixPath(one.source.file).with_suffix(""))
            if one.source and one.rules and _is_own(one)
            else f"{one.split}/{one.id}"
        )
        ordered = sorted(one.spans, key=lambda span: (span.start, -span.end, span.label))
        names |= {one.label(span.label) for span in one.spans}
        lines = [
            f"T{number}\t{one.label(span.label)} {span.start} {span.end}\t{_quoted(one.text[span.start : span.end])}\n"
            for number, span in enumerate(ordered, 1)
        ]
        files[f"{stem}.txt"] = one.text.encode("utf-8", "surrogatepass")
        files[f"{stem}.ann"] = "".join(lines).encode("utf-8", "surrogatepass")
    entities = "\n".join(sorted(names))
    return files | {"annotation.conf": f"[entities]\n{entities}\n\n[relations]\n\n[events]\n\n[attributes]\n".encode()}


def _is_own(article: ExportArticle) -> bool:
    """Return whether an article was published as a file of its own."""
    return bool(
        article.source and article.source.published_id == str(PurePosixPath(article.source.file).with_suffix(""))
    )


def _quoted(words: str) -> str:
    """Return words on one line."""
    return words.replace("\n", " ").replace("\r", " ")


def write_jsonl(articles: Sequence[ExportArticle]) -> dict[str, bytes]:
    """Return a file of JSON Lines for each file of an imported set, or else for each split, in doccano's shape.

    `answers` has those to questions on the whole article. An article whose mentions are not settled has no `label`.
    """
    files: dict[str, list[str]] = defaultdict(list)
    for one in sorted(articles, key=lambda one: (one.source.line if one.source else 0, one.id)):
        own = one.source.published_id if one.source else one.id
        marks = [[span.start, span.end, one.label(span.label)] for span in sorted(one.spans)]
        name = f"{PurePosixPath(one.source.file).with_suffix('')}.jsonl" if one.source else f"{one.split}.jsonl"
        line = {"id": own, "text": one.text} | ({"label": marks} if one.is_marked else {}) | _answers(one)
        files[name].append(json.dumps(line, ensure_ascii=False) + "\n")
    return {name: "".join(lines).encode("utf-8", "surrogatepass") for name, lines in files.items()}


def _answers(article: ExportArticle) -> dict[str, dict[str, list[str]]]:
    """Return the field of an article's answers, by question, if it has any."""
    given: dict[str, list[str]] = defaultdict(list)
    for answer in article.answers:
        given[answer.question].append(answer.value)
    return {"answers": given} if given else {}


def write_spacy(articles: Sequence[ExportArticle]) -> tuple[dict[str, bytes], list[Dropped]]:
    """Return a DocBin for each split: all spans in `doc.spans["sc"]`, the outermost in `doc.ents`.

    Raises KhabarError (exit code 2) if spaCy is not installed.
    """
    try:
        from spacy import tokens, vocab  # noqa: PLC0415 - an extra, and heavy
    except ImportError:
        raise user_error("spacy", "spaCy is not installed", fix="pip install 'khabar[spacy]'") from None
    known = vocab.Vocab()
    bins = {split: tokens.DocBin(store_user_data=True) for split in sorted({one.split for one in articles})}
    lost: list[Dropped] = []
    for one in articles:
        words, spaces = zip(*_words(one), strict=True)
        doc = tokens.Doc(known, words=[*words], spaces=[*spaces])
        doc.user_data["id"] = one.id
        outer = [*outermost(one.spans)]
        marks = {
            span: doc.char_span(span.start, span.end, one.label(span.label), alignment_mode="expand")
            for span in one.spans
        }
        doc.spans["sc"] = [mark for mark in marks.values() if mark is not None]
        doc.ents = _apart([marks[span] for span in outer if marks[span] is not None])
        inner = [span for span in one.spans if span not in outer]
        lost += [Dropped("export", f"{one.id} {span.start}-{span.end} {span.label}", INNER) for span in inner]
        bins[one.split].add(doc)
    return {f"{split}.spacy": found.to_bytes() for split, found in bins.items()}, lost


def _apart(marks: Sequence[object]) -> list[object]:
    """Return spans that share no token; of two that do, the first."""
    kept: list[object] = []
    for mark in marks:
        if not kept or mark.start >= kept[-1].end:  # type: ignore[attr-defined]
            kept.append(mark)
    return kept


def _words(article: ExportArticle) -> Iterator[tuple[str, bool]]:
    """Yield the words of a text and whether a space follows, with other gaps as words of their own."""
    text, at = article.text, 0
    edges = [(token.start, token.end) for token in article.tokens]
    for (start, end), (following, _) in zip(edges, [*edges[1:], (len(text), 0)], strict=True):
        if start > at:
            yield text[at:start], False
        gap = text[end:following]
        yield text[start:end], gap.startswith(" ")
        at = end + gap.startswith(" ")
    if at < len(text) or not edges:
        yield text[at:] or " ", False
