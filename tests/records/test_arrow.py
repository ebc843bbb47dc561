"""Arrow schemas of records."""

from dataclasses import fields

from builder.io.plain import to_plain
from builder.records import Article, Span
from builder.records.arrow import arrow_schema


def test_arrow_schema_has_the_fields_of_the_record():
    assert arrow_schema(Article).names == [f.name for f in fields(Article)]
    assert list(to_plain(Span(0, 1, "PERS"))) == [f.name for f in fields(Span)]
