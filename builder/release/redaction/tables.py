"""Redaction of the annotations of a release as tables."""

from collections.abc import Collection
from dataclasses import dataclass

import pyarrow as pa

from builder.io.parquet import to_table
from builder.records import Dispute, Gold, Judgement, StageCounts
from builder.records.arrow import records_of
from builder.release.redaction.pii import Kind
from builder.release.redaction.redact import Redaction, move_annotations


@dataclass(frozen=True, slots=True, eq=False)
class MovedTables:
    """Judgements, gold and disputes on the redacted texts, and the accounts of their spans: none without redaction."""

    judgements: pa.Table
    golds: pa.Table
    disputes: pa.Table
    accounts: tuple[StageCounts, ...] = ()


def move_tables(
    redaction: Redaction, judgements: pa.Table, golds: pa.Table, disputes: pa.Table, kinds: Collection[Kind]
) -> MovedTables:
    """Move judgements, gold and disputes with the redacted texts of their articles; only redaction needs records."""
    if not kinds:
        return MovedTables(judgements, golds, disputes)
    moved = move_annotations(redaction, records_of(judgements, Judgement), records_of(golds, Gold),
                             records_of(disputes, Dispute), kinds)  # fmt: skip
    return MovedTables(to_table(moved.judgements, Judgement), to_table(moved.golds, Gold),
                       to_table(moved.disputes, Dispute), (moved.spans,))  # fmt: skip
