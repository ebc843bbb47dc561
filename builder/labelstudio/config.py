"""Label Studio's labeling config, generated from schema/labels.yaml.

The annotation page is right to left, with large type and the text in its own scroll box. Labels are Arabic on the
page and have ASCII names in exports. tasks.py builds the task data that this config refers to.
"""

import re
from collections.abc import Sequence
from html import escape
from itertools import zip_longest
from xml.etree import ElementTree as ET

from markdown_it import MarkdownIt

from builder.annotation.adjudication.asked import QUESTIONS
from builder.annotation.questions import QUESTION, question_keys, slots_of
from builder.records import user_error
from builder.schema.labels import Labels, Question

GRANULARITY = {"expand": "word", "strict": "symbol", "segment": "symbol"}
"""Label Studio's text granularity by clitics setting: a selection snaps to whole words if spans include clitics."""

REMARK = "ملاحظة (اختياري)"

_MISSING_ANSWER = "حدّد الموقف من كل هدف"

_UNANSWERED = "أجب عن كل سؤال عن المقال"

_NOT_SHOWN = re.compile("[$]|[^\t\n\r\\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

STYLE = """
.kh-page, .kh-page *, .kh-page *::after { font-family: "Noto Naskh Arabic","Amiri","Segoe UI","Geeza Pro","Tahoma",sans-serif !important; }
.kh-page .lsf-labels { margin: 0 !important; gap: 6px; }
.kh-page .lsf-label { font-size: 17px; line-height: 30px; padding: 0 9px; }
.kh-page .lsf-label__hotkey { margin-inline-start: 7px; margin-left: 0; }
.kh-bar { padding: 0 0 6px; border-bottom: 1px solid rgba(128,128,140,.35); }
.kh-columns { display: flex; gap: 20px; align-items: flex-start; padding-top: 6px; }
.kh-article { flex: 1 1 auto; min-width: 0; }
.kh-title :is(h1,h2,h3,h4,h5) { font-size: 21px !important; font-weight: 700; margin: 0 !important; line-height: 1.6; }
.kh-source :is(h1,h2,h3,h4,h5,h6) {
  font-size: 15px !important; font-weight: 400; margin: 0 0 4px !important; line-height: 1.5; opacity: .75; }
.kh-text { max-height: calc(100vh - 240px); overflow-y: auto; padding-left: 10px; }
.kh-page .kh-text .lsf-htx-richtext { font-size: 20px !important; line-height: 2 !important; }
.kh-page .kh-text .lsf-htx-richtext span::after { font-size: 12px !important; }
.kh-page .kh-text .lsf-richtext__line { display: block; margin-bottom: 8px; }
.kh-page .kh-text .lsf-richtext__line:empty, .kh-page .kh-text .lsf-htx-richtext br { display: none; }
.kh-side { flex: 0 0 310px; max-height: calc(100vh - 178px); overflow-y: auto; padding-left: 6px; }
.kh-target { border: 1px solid rgba(128,128,140,.4); border-radius: 8px; padding: 2px 10px 4px; margin-bottom: 7px; }
.kh-target :is(h1,h2,h3,h4,h5) { font-size: 18px !important; font-weight: 700; margin: 0 !important; line-height: 1.7; }
.kh-target .lsf-choices { margin: 0 !important; gap: 2px 7px; }
.kh-target .lsf-choice__checkbox { font-size: 17px; margin: 0; }
.kh-target .lsf-hint { font: 12px sans-serif !important; vertical-align: baseline; margin-inline-start: 3px; opacity: .8; }
.kh-target:has(input[name="-"]) { display: none; }
.kh-side textarea { font-size: 17px; height: 42px !important; min-height: 0 !important; }
.kh-side [data-testid="textarea-submit-section"] { display: none; }
.kh-guide { border-top: 1px solid rgba(128,128,140,.35); padding-top: 4px; }
.kh-guide .lsf-htx-richtext { font-size: 16px !important; line-height: 1.75 !important; }
.kh-guide h1 { font-size: 18px; font-weight: 700; margin: 0 0 4px; }
.kh-guide h2 { font-size: 17px; font-weight: 700; margin: 6px 0 2px; }
.kh-guide p { margin: 0 0 4px; }
.kh-guide :is(ol,ul) { margin: 0; padding: 0 22px 0 0; }
.kh-guide .kh-version { font-size: 13px; opacity: .75; }
.kh-guide ol { list-style: arabic-indic; }
"""

QUESTION_STYLE = """
.kh-question .lsf-choice, .kh-question .lsf-choice :is(div, label, span:not([class])) { line-height: 26px !important; }
"""
"""Style of the questions on whole articles: a page without any keeps its config."""

RULING_STYLE = """
.kh-asked { display: none; }
.kh-help :is(h1,h2,h3,h4,h5,h6) { font-size: 14px !important; font-weight: 400; line-height: 1.6; margin: 0 0 6px !important; }
.kh-said :is(h1,h2,h3,h4,h5,h6) {
  font-size: 13px !important; font-weight: 400; line-height: 1.6; margin: 0 !important; opacity: .8; white-space: pre-line; }
.kh-target .lsf-choices { gap: 0 10px; }
.kh-text [class*="htx-highlight-settled-"] {
  background: rgba(128,128,140,.14) !important; border-bottom: 2px solid rgba(90,90,100,.55) !important; }
.kh-text [class*="htx-highlight-asked-"] { background: #f5c542 !important; color: #1a1a1a !important; font-weight: 700; }
"""

ASKED = "asked"
"""Name of the control, and of its label, that mark the passages that an adjudicator is asked about."""

ASKED_MARK = "؟"

ASKED_COLOUR = "#a16207"

_NO_KEY = "ctrl+alt+shift+f9"
"""A key that nobody presses: Label Studio gives a label without a key one of those that are left."""

_RULING_HELP = "الرمادي المسطَّر مثبت ولا يُسأل عنه. الأصفر مختلف عليه، ومعه رقم سؤاله."

PAGE_CLASS = "kh-page"
"""Class of the annotation page. It tells khabar's labeling config from others."""


def render_config(labels: Labels) -> str:
    """Render the labeling config of the annotation page as XML, with all names escaped.

    Raises KhabarError (exit code 2) if an Arabic name contains `$` or a character that XML does not allow.
    """
    page, side = _frame(labels)
    for slot in range(slots_of(labels)):
        card = _view(side, "kh-target")
        _slot(card, slot, required="true", requiredMessage=_MISSING_ANSWER)
    for question, keys in zip(labels.questions, question_keys(labels), strict=True):
        _question(_view(side, "kh-target kh-question"), question, keys)
    return _finished(page, side)


def render_ruling_config(labels: Labels) -> str:
    """Render the labeling config of the adjudication page: a question for each dispute beside the settled mentions.

    A hidden control holds the marks of the passages that are asked about. Questions that take several answers have
    places of their own, after the others. Raises KhabarError as `render_config` does.
    """
    page, side = _frame(labels, RULING_STYLE)
    marks = ET.SubElement(_view(page, "kh-asked"), "Labels", name="asked", toName="text")
    ET.SubElement(marks, "Label", value=ASKED_MARK, alias=ASKED, background=ASKED_COLOUR, hotkey=_NO_KEY)
    ET.SubElement(_view(side, "kh-help"), "Header", value=_RULING_HELP, size="6")
    several = len(several_of(labels))
    for slot in range(QUESTIONS + several):
        card = _view(side, "kh-target")
        _slot(card, slot, choice="single-radio" if slot < QUESTIONS else "multiple")
        ET.SubElement(_view(card, "kh-said"), "Header", value=f"$targets[{slot}].said", size="6")
    return _finished(page, side)


def several_of(labels: Labels) -> tuple[str, ...]:
    """Return the questions that take several answers, as the subjects of votes, in the order of their places."""
    return tuple(f"question:{question.id}" for question in labels.questions if question.answers == "several")


def _frame(labels: Labels, style: str = "") -> tuple[ET.Element, ET.Element]:
    """Return the page with labels and article, and its side column."""
    page = _view(None, PAGE_CLASS, style="direction:rtl; text-align:right;")
    questions = QUESTION_STYLE * bool(labels.questions)
    ET.SubElement(page, "Style").text = STYLE + questions + style
    _entities(_view(page, "kh-bar"), labels)
    columns = _view(page, "kh-columns")
    article = _view(columns, "kh-article")
    ET.SubElement(_view(article, "kh-title"), "Header", value="$title", size="4")
    ET.SubElement(_view(article, "kh-source"), "Header", value="$source_name", size="6")
    text = {"name": "text", "value": "$text", "granularity": GRANULARITY[labels.clitics], "showLabels": "true"}
    ET.SubElement(_view(article, "kh-text"), "Text", text)
    return page, _view(columns, "kh-side")


def _finished(page: ET.Element, side: ET.Element) -> str:
    """Add the remark and the guidelines to the side column, and return the page as XML."""
    remark = {"placeholder": REMARK, "rows": "2", "maxSubmissions": "1", "editable": "true"}
    ET.SubElement(side, "TextArea", {"name": "remark", "toName": "text"} | remark)
    guide = {"name": "guide", "value": "$guide_html", "inline": "true", "selectionEnabled": "false"}
    ET.SubElement(_view(side, "kh-guide"), "HyperText", guide)
    ET.indent(page)
    return ET.tostring(page, encoding="unicode")


def guide_html(markdown: str, version: str = "") -> str:
    """Render guidelines as HTML, followed by their version. Raw HTML in the Markdown is escaped, not passed through.

    >>> guide_html("**مهم** <script>").strip()
    '<p><strong>مهم</strong> &lt;script&gt;</p>'
    """
    guide = MarkdownIt("commonmark", {"html": False}).disable(["link", "image", "autolink"]).render(markdown)
    return f'{guide}<p class="kh-version">نسخة الإرشادات: {escape(version)}</p>\n' if version else str(guide)


def _view(parent: ET.Element | None, name: str, **attributes: str) -> ET.Element:
    with_class = {"className": name} | attributes
    return ET.Element("View", with_class) if parent is None else ET.SubElement(parent, "View", with_class)


def _entities(bar: ET.Element, labels: Labels) -> None:
    box = ET.SubElement(bar, "Labels", name="ner", toName="text", choice="single", showInline="true")
    for entity in labels.entities:
        _check_shown(entity.ar, entity.name)
        attributes = {"value": entity.ar, "alias": entity.name, "hotkey": entity.key, "background": entity.colour}
        ET.SubElement(box, "Label", attributes)


def _check_shown(arabic: str, name: str) -> None:
    """Raise KhabarError (exit code 2) if an Arabic name contains a character that the page cannot show."""
    if match := _NOT_SHOWN.search(arabic):
        character = "$, which Label Studio reads as a task field" if match[0] == "$" else "a control character"
        message = f"the Arabic name of {name} contains {character}"
        raise user_error("label", message, where="schema/labels.yaml", fix="remove the character from the name")


def _question(card: ET.Element, question: Question, keys: Sequence[str]) -> None:
    """Add a question on the whole article, with its hotkeys as far as there are any."""
    _check_shown(question.ar, question.id)
    ET.SubElement(card, "Header", value=question.ar, size="5")
    choices = ET.SubElement(
        card,
        "Choices",
        name=f"{QUESTION}{question.id}",
        toName="text",
        choice="single-radio" if question.answers == "one" else "multiple",
        layout="inline",
        required="true",
        requiredMessage=_UNANSWERED,
    )
    for value, key in zip_longest(question.values, keys):
        _check_shown(value.ar, f"{question.id} {value.name}")
        hotkey = {"hotkey": key} if key else {}
        ET.SubElement(choices, "Choice", {"value": value.ar, "alias": value.name} | hotkey)


def _slot(card: ET.Element, slot: int, **more: str) -> None:
    """Add a question whose subject and answers are those of the task."""
    ET.SubElement(card, "Header", value=f"$targets[{slot}].name", size="5")
    shown = {"toName": "text", "choice": "single-radio", "layout": "inline", "value": f"$targets[{slot}].options"}
    ET.SubElement(card, "Choices", {"name": f"stance_{slot}"} | shown | more)
