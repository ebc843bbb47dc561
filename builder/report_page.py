"""HTML template shared by all reports: RTL, light and dark themes, no scripts, no external resources.

Every text is passed through `shown` or `escape`. Invisible characters are replaced by visible signs, so that
quoted text cannot change the text direction of the page.
"""

from html import escape

from builder.text.invisible import is_invisible, make_visible, visible_sign

STYLE = """
:root { color-scheme: light dark; --paper: #f4f1ea; --sheet: #fffdf9; --ink: #1d1b18; --soft: #625c52; --line: #ddd6c8;
  --kept: #2f6b4f; --gone-line: #c2452f; --put-line: #2c5fc4; }
@media screen and (prefers-color-scheme: dark) { :root {
  --paper: #121417; --sheet: #1a1d22; --ink: #ece8df; --soft: #aaa498; --line: #343941;
  --kept: #79c9a1; --gone-line: #e5705c; --put-line: #78a5f5; } }
@media print { :root { color-scheme: light; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.6;
  font-family: "Noto Sans Arabic", "Segoe UI", system-ui, sans-serif; font-size: .95rem; overflow-wrap: anywhere; }
header, main { max-width: 88rem; margin: 0 auto; padding: 0 1.5rem; }
header { padding-block: 1.25rem 1rem; }
h1, .text, .title { font-family: "Noto Naskh Arabic", "Amiri", "Geeza Pro", "Traditional Arabic", serif; }
h1 { margin: 0 0 .25rem; font-size: 1.9rem; line-height: 1.5; }
h1 code { font-size: .8em; font-weight: 600; }
h2 { margin: 0 0 .3rem; font-size: .95rem; }
.facts { margin: 0; color: var(--soft); display: flex; flex-wrap: wrap; gap: .1rem 1.5rem; }
code, .n { font-family: "DejaVu Sans Mono", ui-monospace, monospace; font-size: .85em; unicode-bidi: isolate; direction: ltr; }
.card { background: var(--sheet); border: 1px solid var(--line); border-radius: .6rem; padding: .7rem .9rem; }
.sign { font: .55em/1 "DejaVu Sans Mono", ui-monospace, monospace; unicode-bidi: isolate; direction: ltr; vertical-align: .15em; }
@media (max-width: 50rem) { header, main { padding-inline: .7rem; } }
"""


def html_page(title: str, style: str, body: str) -> str:
    """Return a complete HTML page.

    `title` is plain text, `body` is HTML, and `style` is CSS appended to the shared style sheet.
    """
    return f"""<!doctype html>
<html lang="ar" dir="rtl">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{escape(make_visible(title))}</title>
<style>{STYLE}{style}</style>
</head>
<body>
{body}</body>
</html>
"""


def escape_character(char: str) -> str:
    """Return one character as HTML; an invisible one becomes a small sign."""
    return f'<span class="sign">{visible_sign(char)}</span>' if is_invisible(char) else escape(char)


def escape_html(text: str) -> str:
    """Return a text as HTML in which every character is visible.

    >>> escape_html("<b>" + chr(0x202E))
    '&lt;b&gt;<span class="sign">⟨RLO⟩</span>'
    """
    return escape(text) if text.isascii() and text.isprintable() else "".join(map(escape_character, text))


def format_number(value: int) -> str:
    """Return an integer as HTML, set left to right.

    >>> format_number(1200)
    '<span class="n">1,200</span>'
    """
    return f'<span class="n">{value:,}</span>'
