"""Reading options of the pages of a release, from its manifest: the names of their fields and their encoding."""

import re
from collections.abc import Collection, Mapping, Sequence

import pyarrow.compute as pc
from pydantic import ValidationError

from builder.records import user_error
from builder.release.tables.inputs import TableInputs
from builder.schema.dataset import Fields

ENCODING = "encoding"
"""The key of the declared encoding beside the fields."""

PAIR = ("text", "html")
"""The fields of which one takes the place of the other."""

DECLARED = ", declared"
"""End of Document.encoding where the encoding was declared."""

DECLARES_ITSELF = re.compile(r"\.(?:html?|warc|rss|atom|xml)(?:\.gz|\.zst)?(?::\d+)?$", re.IGNORECASE)
"""The origin of a document whose format has a declaration of its own."""


def record_reading(fields: Fields, encodings: Collection[str]) -> dict[str, str]:
    """Return what the manifest records: each field's name, and the declared encoding if the pages have one.

    >>> record_reading(Fields(text="content"), ["utf-16-le"])["text"]
    'content'
    """
    named = {key: str(value) for key, value in fields.model_dump().items() if value is not None}
    return named | ({ENCODING: next(iter(encodings))} if len(encodings) == 1 else {})


def declared_encodings(material: TableInputs) -> list[str]:
    """Return the encodings that `ingest --encoding` declared for the pages of these articles.

    Web pages and feeds declare their own.
    """
    used = material.documents.filter(pc.is_in(material.documents["id"], material.articles["document_id"].unique()))
    declared = used.filter(pc.ends_with(used["encoding"], DECLARED)).select(["encoding", "origin"]).to_pylist()
    encodings = {
        row["encoding"].removesuffix(DECLARED) for row in declared if not DECLARES_ITSELF.search(row["origin"])
    }
    return sorted(encodings)


def recorded_fields(reading: Mapping[str, str]) -> Fields:
    """Return the fields that a manifest records; a field that this version does not know is ignored.

    Raises KhabarError (exit code 2) if a recorded value is invalid.
    """
    try:
        return Fields.model_validate({key: value for key, value in reading.items() if key in Fields.model_fields})
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise user_error("manifest", f"`reading` of the manifest has an invalid value for {place}",
                         fix="fetch the release again, or name the fields with --field") from None  # fmt: skip


def change_fields(fields: Fields, changes: Sequence[str]) -> Fields:
    """Return fields with the changes of the command line, each written NAME=COLUMN.

    Raises KhabarError (exit code 2) with the first change that is not of this form.

    >>> change_fields(Fields(), ["text=content"]).text
    'content'
    """
    known = fields.model_dump()
    for change in changes:
        name, separator, column = change.partition("=")
        if not separator or not column or name not in known:
            raise user_error("field", f"--field {change!r} is not NAME=COLUMN with a known NAME",
                             fix=f"such as --field text=content; the names are {', '.join(known)}")  # fmt: skip
        known |= {"text": column, "html": column if name == "html" else None} if name in PAIR else {name: column}
    return recorded_fields({key: value for key, value in known.items() if value is not None})
