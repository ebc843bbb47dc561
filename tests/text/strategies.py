"""Texts as scraped pages have them: letters, marks in any order, invisible characters, forms, emoji."""

from hypothesis import strategies as st

CHARACTERS = [
    *"ابتهويىةأإآمنل 1٣a.،«»()\n",
    "\N{ARABIC FATHATAN}",
    "\N{ARABIC FATHA}",
    "\N{ARABIC SHADDA}",
    "\N{ARABIC HAMZA ABOVE}",
    "\N{ARABIC MADDAH ABOVE}",
    "\N{ARABIC LETTER SUPERSCRIPT ALEF}",
    "\N{ARABIC TATWEEL}",
    "\N{RIGHT-TO-LEFT MARK}",
    "\N{RIGHT-TO-LEFT EMBEDDING}",
    "\N{ZERO WIDTH NON-JOINER}",
    "\N{NO-BREAK SPACE}",
    "\N{ARABIC LIGATURE LAM WITH ALEF WITH HAMZA ABOVE ISOLATED FORM}",
    "\N{ARABIC LIGATURE ALLAH ISOLATED FORM}",
    "\N{ARABIC FATHATAN ISOLATED FORM}",
    "\N{ARABIC LETTER ALEF WITH MADDA ABOVE FINAL FORM}",
    "\N{ARABIC LETTER FARSI YEH}",
    "\N{ARABIC LETTER KEHEH}",
    "\N{ARABIC LETTER PEH}",
    "\N{GRINNING FACE}",
    "e\N{COMBINING ACUTE ACCENT}",
    "\r",
    "\r\n",
    "\N{LINE SEPARATOR}",
]
PAGES = st.lists(st.sampled_from(CHARACTERS), max_size=25).map("".join)
