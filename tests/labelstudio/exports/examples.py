"""Labels and pseudonyms that the tests of exports share."""

from builder.annotation.persons import Account
from builder.annotation.pseudonyms import pseudonym
from builder.schema.labels import EntityType, Labels, Stances, StanceTarget, StanceValue

LABELS = Labels(
    version=1,
    entities=tuple(
        EntityType(name=name, ar=ar, en=name, colour="#1f7a3d", key=key, definition="تعريف")
        for name, ar, key in (("PERS", "شخص", "1"), ("FAC", "منشأة", "2"), ("GPE", "كيان", "3"))
    ),
    stances=Stances(
        values=tuple(StanceValue(name=name, ar=ar, en=name) for name, ar in (("favor", "مؤيّد"), ("against", "معارض"))),
        targets=(StanceTarget(id="port", ar="ميناء مرجانة", en="port", keywords=("ميناء مرجانة",)),),
    ),
)


def name(who):
    if isinstance(who, Account):
        who = who.email or who.number
    return pseudonym(b"key", who)
