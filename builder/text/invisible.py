"""Visible substitutes for invisible characters, so that any text is safe to print on a terminal or a page."""

import re
import unicodedata

SHORT = {
    "\0": "NUL", "\a": "BEL", "\b": "BS", "\t": "TAB", "\n": "LF", "\v": "VT", "\f": "FF", "\r": "CR",
    "\x1b": "ESC", "\x7f": "DEL", "\x85": "NEL", "\x9b": "CSI",
    "\N{NO-BREAK SPACE}": "NBSP", "\N{SOFT HYPHEN}": "SHY", "\N{ARABIC LETTER MARK}": "ALM",
    "\N{ZERO WIDTH SPACE}": "ZWSP", "\N{ZERO WIDTH NON-JOINER}": "ZWNJ", "\N{ZERO WIDTH JOINER}": "ZWJ",
    "\N{LEFT-TO-RIGHT MARK}": "LRM", "\N{RIGHT-TO-LEFT MARK}": "RLM",
    "\N{LINE SEPARATOR}": "LS", "\N{PARAGRAPH SEPARATOR}": "PS",
    "\N{LEFT-TO-RIGHT EMBEDDING}": "LRE", "\N{RIGHT-TO-LEFT EMBEDDING}": "RLE",
    "\N{POP DIRECTIONAL FORMATTING}": "PDF",
    "\N{LEFT-TO-RIGHT OVERRIDE}": "LRO", "\N{RIGHT-TO-LEFT OVERRIDE}": "RLO",
    "\N{NARROW NO-BREAK SPACE}": "NNBSP", "\N{WORD JOINER}": "WJ",
    "\N{LEFT-TO-RIGHT ISOLATE}": "LRI", "\N{RIGHT-TO-LEFT ISOLATE}": "RLI",
    "\N{FIRST STRONG ISOLATE}": "FSI", "\N{POP DIRECTIONAL ISOLATE}": "PDI",
    "\N{ZERO WIDTH NO-BREAK SPACE}": "BOM",
}  # fmt: skip
"""Common abbreviations. Other invisible characters are shown by their code point."""

FILLERS = "\N{COMBINING GRAPHEME JOINER}\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
"""Invisible characters that Unicode categorises as letters, marks or symbols."""

IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Default_Ignorable_Code_Point of Unicode 16 (DerivedCoreProperties.txt), as the inside of a character class."""


def is_invisible(character: str) -> bool:
    r"""Return whether a character is invisible, or affects a terminal or the text direction.

    >>> [is_invisible(character) for character in ("ب", " ", "\x1b", "\u202e")]
    [False, False, True, True]
    """
    category = unicodedata.category(character)
    return character != " " and (category[0] == "C" or category in ("Zs", "Zl", "Zp") or character in FILLERS)


def visible_sign(character: str) -> str:
    r"""Return the bracketed sign of an invisible character.

    >>> visible_sign("\u200f") + visible_sign("\x07") + visible_sign("\ue000")
    '⟨RLM⟩⟨BEL⟩⟨U+E000⟩'
    """
    return f"⟨{SHORT.get(character) or f'U+{ord(character):04X}'}⟩"


CONTROLS = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}\ud800-\udfff"
    "\N{LEFT-TO-RIGHT EMBEDDING}-\N{RIGHT-TO-LEFT OVERRIDE}\N{LEFT-TO-RIGHT ISOLATE}-\N{POP DIRECTIONAL ISOLATE}]"
)
"""Characters that command a terminal, move what was printed, or cannot be encoded; tab and line feed are none of them."""


def show_controls(text: str) -> str:
    r"""Return a text whose control characters are replaced by their signs, so that it is safe on a terminal.

    Joiners and marks, which Arabic needs, stay as they are.

    >>> show_controls("\x1b[31mخبر")
    '⟨ESC⟩[31mخبر'
    """
    return CONTROLS.sub(lambda match: visible_sign(match[0]), text)


def show_on_one_line(text: str) -> str:
    r"""Return what `show_controls` does, with line feeds replaced too.

    >>> show_on_one_line("خبر\nfix: none")
    'خبر⟨LF⟩fix: none'
    """
    return show_controls(text).replace("\n", visible_sign("\n"))


def make_visible(text: str) -> str:
    r"""Return a text that is safe to print, with every invisible character replaced by its sign.

    >>> make_visible("قال\N{NO-BREAK SPACE}لي")
    'قال⟨NBSP⟩لي'
    """
    return (
        text
        if text.isprintable() and text.isascii()
        else "".join(visible_sign(c) if is_invisible(c) else c for c in text)
    )
