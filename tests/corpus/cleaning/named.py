"""Paragraphs that differ in words, so that masking their numbers makes no two alike."""

PARAGRAPH = "وصلت السفينة {} إلى مرفأ السدر عند الفجر، واستقبلها أهل الجزيرة بالأغاني والورود الكثيرة."
WORDS = ["موج", "ريح", "مرفأ", "شراع", "منارة", "نورس", "لؤلؤ", "صدف", "رمل", "ملح"]


def named(n):
    return " ".join(WORDS[int(digit)] for digit in reversed(f"{n:03}"))


def paragraph(n):
    """One that no other number has, also when numbers are taken for one another."""
    return PARAGRAPH.format(named(n))
