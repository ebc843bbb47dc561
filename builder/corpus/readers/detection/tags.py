"""Recognition of annotated files, which `khabar ingest` does not read."""

import re
from collections.abc import Mapping

from builder.corpus.readers.rows import BadRecord

SUFFIXES = frozenset((".ann", ".conll", ".conllu", ".bio", ".iob", ".iob2"))
"""Files of brat, and of tokens with their tags."""

REASON = "annotations"

IMPORT = "`khabar import` (a later command) reads annotations; give `khabar ingest` the raw articles"

ANNOTATIONS = BadRecord("", REASON, "the file holds annotations, not articles", IMPORT)

TOKEN = re.compile(r"\S+[ \t](?:.*[ \t])?(?:O|[BIESLU]-{1,2}\w[\w/+.-]*)\s*")

LEAST_TOKENS, LOOK = 5, 100_000
"""Tokens that a file of tags has at least, and the code points that are looked at."""

SPAN_LISTS = ("spans", "label", "labels", "entities", "annotations")
"""Keys of spans in the exports of Prodigy, doccano and Label Studio; under another key a span needs a label."""

LABELS = ("label", "labels", "tag", "type", "entity")


def is_conll(text: str) -> bool:
    r"""Return whether nearly every line is a token and its IOB tag, and one of the tags marks a mention.

    >>> is_conll("وصل O\nسالم B-PER\nإلى O\nمرجانة B-LOC\nأمس O\n"), is_conll("وصل سالم إلى مرجانة أمس")
    (True, False)
    """
    lines = [
        line for line in text[:LOOK].splitlines()[:2_000] if line.strip() and not line.startswith(("#", "-DOCSTART-"))
    ]
    tagged = [line for line in lines if TOKEN.fullmatch(line)]
    marked = any(not line.rstrip().endswith(("\tO", " O")) for line in tagged)
    return len(tagged) >= LEAST_TOKENS and marked and len(tagged) * 10 >= len(lines) * 9


def is_annotated(values: Mapping[str, object]) -> bool:
    """Return whether a record holds spans with labels, as the exports of doccano, Prodigy and Label Studio do.

    >>> is_annotated({"text": "وصل سالم", "label": [[4, 8, "PER"]]}), is_annotated({"text": "وصل سالم", "label": "رياضة"})
    (True, False)
    """
    lists = [(key, value) for key, value in values.items() if isinstance(value, list) and value]
    return any(all(_is_span(span, needs_label=key not in SPAN_LISTS) for span in spans) for key, spans in lists)


def _is_span(span: object, *, needs_label: bool) -> bool:
    """Return whether a value is a span with a label, or an annotation with a list of results."""
    if isinstance(span, list):
        return len(span) == 3 and type(span[0]) is int and type(span[1]) is int and isinstance(span[2], str)
    if not isinstance(span, Mapping) or (needs_label and not any(name in span for name in LABELS)):
        return False
    offsets = [span.get("start", span.get("start_offset")), span.get("end", span.get("end_offset"))]
    return all(type(offset) is int for offset in offsets) or isinstance(span.get("result"), list)
