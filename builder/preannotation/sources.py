"""Pre-annotations from an earlier release, a gazetteer file, or a program."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from builder.annotation.gazetteer import find_mentions, parse_terms
from builder.annotation.preannotate import KINDS, Predicted
from builder.annotation.transfer import transfer_spans
from builder.preannotation.program import from_command, split_command
from builder.records import MANIFEST, Article, Dropped, Span, user_error
from builder.schema.labels import Labels


def predict(spec: str, articles: Sequence[Article], labels: Labels, folder: Path = Path()) -> Predicted:
    """Return the predictions of `release:DIR`, `gazetteer:FILE` or `command:"PROGRAM ARGUMENTS"`.

    Paths and the program are relative to `folder`. Raises KhabarError (exit code 2) with every fault.
    """
    kind, colon, rest = spec.partition(":")
    if not colon or not rest.strip():
        raise user_error("predict", f"{spec!r} is not a source of predictions", fix=f"use {_known_kinds()}")
    if kind == "release":
        return from_release(folder / rest, articles, labels)
    if kind == "gazetteer":
        return from_gazetteer(folder / rest, articles, labels)
    if kind == "command":
        return from_command(split_command(rest), articles, labels, folder=folder)
    raise user_error("predict", f"unknown source of predictions {kind!r}", fix=f"use {_known_kinds()}")


def _known_kinds() -> str:
    """Return the forms of a source of predictions, for messages."""
    return f"{', '.join(KINDS[:-1])} or {KINDS[-1]}"


def from_release(folder: Path, articles: Sequence[Article], labels: Labels) -> Predicted:
    """Return the gold spans of a release folder. If a text changed since, only spans whose words did not are kept.

    Raises KhabarError (exit code 2) if the folder is not a release.
    """
    origin, rows = _release_rows(folder)
    known = set(labels.entity_names)
    spans: dict[str, tuple[Span, ...]] = {}
    aside: list[Dropped] = []
    for article in articles:
        if article.id not in rows:
            continue
        text, published = rows[article.id]
        carried = transfer_spans(text, article.text, published)
        spans[article.id] = tuple(span for span in carried.spans if span.label in known)
        lost = [(span, "its text changed") for span in carried.stale]
        lost += [(span, "unknown label") for span in carried.spans if span.label not in known]
        aside += [Dropped("predict", f"{article.id} {s.start}-{s.end} {s.label}", reason) for s, reason in lost]
    return Predicted(origin, spans, tuple(aside))


def _release_rows(folder: Path) -> tuple[str, dict[str, tuple[str, list[Span]]]]:
    """Return the name of a release, and the text and spans of each article in its `entities` config."""
    files = sorted((folder / "entities").glob("*.parquet"))
    fix = "name a folder that `khabar build` made, such as release:dist/v1.0.0"
    if not files:
        raise user_error("predict", "the folder holds no release with entities", where=str(folder), fix=fix)
    rows: dict[str, tuple[str, list[Span]]] = {}
    try:
        version = str(json.loads((folder / MANIFEST).read_bytes())["version"])
        for file in files:
            table = pq.read_table(file, columns=["id", "text", "spans"])
            features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
            names = features["spans"][0]["label"]["names"]
            for row in table.to_pylist():
                spans = [Span(span["start"], span["end"], names[span["label"]]) for span in row["spans"]]
                rows[row["id"]] = (row["text"], spans)
    except (OSError, ValueError, KeyError, TypeError, IndexError, pa.ArrowException) as error:
        message = f"not a release that khabar built: {type(error).__name__}"
        raise user_error("predict", message, where=str(folder), fix=fix) from None
    return f"release v{version}", rows


def from_gazetteer(path: Path, articles: Sequence[Article], labels: Labels) -> Predicted:
    """Return every mention of the terms of a TSV file with `term<TAB>label` on each line.

    Of overlapping terms the first counts, then the longest. A mention never crosses a line break. Raises KhabarError
    (exit code 2) with every bad line.
    """
    content = _read(path)
    terms = parse_terms(content, str(path), labels.entity_names)
    origin = f"gazetteer {path.name} {hashlib.sha256(content).hexdigest()[:8]}"
    return Predicted(origin, {a.id: find_mentions(a.text, terms, expand=labels.clitics == "expand") for a in articles})


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise user_error("predict", f"cannot be read: {error.strerror}", where=str(path),
                         fix="give a file that you may read") from None  # fmt: skip
