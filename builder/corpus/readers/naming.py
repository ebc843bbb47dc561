"""Guess of the field that holds the text of a record, for the fix of a file whose text has another name."""

import shlex
from collections.abc import Iterable, Mapping

USUAL_TEXTS = (
    "text", "content", "body", "maintext", "article", "articlebody", "article_text", "article_body", "full_text",
    "fulltext", "cleaned_text", "content_text", "story", "news", "main_text", "raw_text", "النص", "نص", "المحتوى",
    "الخبر", "content.rendered",
)  # fmt: skip
"""Names under which articles are often found, the likeliest first."""

ENDINGS = ("_text", "_content", "_body", "text", "content", "body")
"""Ends of names under which texts are found."""

LEAST_LENGTH = 100
"""Mean code points of a value above which a field of any name may hold the text."""

SUMMARY = "description"
"""The field of summaries, which is the text only where nothing longer is found."""


def likely_text(names: Iterable[str], lengths: Mapping[str, float] | None = None) -> str | None:
    """Return the path of the field that most likely holds the text; None if none does.

    Names are dotted paths; what stands up to `[].` leads to the objects of a list, and is no part of the path.
    `lengths` has the mean length of the values of each name.

    >>> likely_text(["title.rendered", "content.rendered"]), likely_text(["id", "Text"]), likely_text(["title"])
    ('content.rendered', 'Text', None)
    >>> likely_text(["title", "answer"], {"title": 40, "answer": 1500})
    'answer'
    """
    paths = {name: name.rpartition("[].")[2] for name in names}
    for usual in USUAL_TEXTS:
        for path in paths.values():
            if f".{path.casefold()}".endswith(f".{usual}"):
                return path
    for ending in ENDINGS:
        for path in paths.values():
            if path.casefold().endswith(ending):
                return path
    long = {name: length for name, length in (lengths or {}).items() if length >= LEAST_LENGTH and name in paths}
    if long:
        return paths[max(long, key=lambda name: long[name])]
    return next((path for path in paths.values() if path.rpartition(".")[2].casefold() == SUMMARY), None)


def line_to_write(field: str, path: str | None) -> str:
    """Return the fix of a file whose text has another name: the line for the schema, as far as the name is known."""
    fix = f"write `{field}: {path or 'NAME'}` under `fields:` in schema/dataset.yaml"
    return fix if path else f"{fix}, with the name of the field that holds the text"


def line_inside(field: str, path: str, value: object) -> str:
    """Return the line that names a string inside an object that is no text; empty if it holds none.

    >>> line_inside("title", "title", {"rendered": "عنوان"})
    'write `title: title.rendered` under `fields:` in schema/dataset.yaml'
    """
    inner = [key for key, part in value.items() if isinstance(part, str)] if isinstance(value, Mapping) else []
    return line_to_write(field, f"{path}.{inner[0]}") if inner and inner[0].isprintable() else ""


def option_to_pass(fix: str) -> str:
    """Return the fix of `line_to_write` for a reader who has no project: the option of `khabar hydrate`.

    >>> option_to_pass(line_to_write("text", "content"))
    'pass --field text=content'
    """
    field, _, path = fix.removeprefix("write `").partition("`")[0].partition(": ")
    return f"pass --field {shlex.quote(f'{field}={path}')}" if fix.startswith("write `") and path else fix
