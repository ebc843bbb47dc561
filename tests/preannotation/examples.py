"""An article, labels, and what a refused call says."""

import pytest

from builder.io.hashing import sha16
from builder.records import Article, KhabarError
from builder.schema.labels import EntityType, Labels

LABELS = Labels(
    version=1,
    entities=tuple(
        EntityType(name=name, ar=name, en=name, colour="#1f7a3d", key=key, definition="تعريف")
        for name, key in (("PERS", "1"), ("ORG", "2"), ("GPE", "3"))
    ),
)
TEXT = "قال سالم \N{GRINNING FACE} إنه زار ميناء مرجانة، ثم عاد إلى مرجانة."


def article_of(text=TEXT, number=0, title="خبر"):
    return Article(f"{number:016x}-0", f"{number:016x}", 0, title, text, (), (), "standard@1+0", sha16(text))


def refusal(call, *arguments, **named):
    with pytest.raises(KhabarError) as caught:
        call(*arguments, **named)
    return [(issue.where, issue.message) for issue in caught.value.issues]
