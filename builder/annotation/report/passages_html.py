"""HTML of the most disputed passages, right to left: each answer with its marks in their labels' colours. Pure.

A mark is a line under its words, so nested and crossing marks can be distinguished. Marks that all annotators
share are thin, disputed ones are thick, tinted and named. All text is escaped.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import pairwise

from builder.annotation.report.passages import Passage, PassageAnswer, Question, lanes
from builder.records import Article, Mark
from builder.report_page import escape_html, format_number
from builder.schema.labels import Labels
from builder.text.invisible import make_visible

STYLE = """
.dispute { break-inside: avoid; border-top: 1px solid var(--line); padding: .7rem 0 .4rem; }
.dispute h3 { display: flex; flex-wrap: wrap; gap: .1rem .8rem; margin: 0 0 .2rem; font-size: .95rem; font-weight: 600; }
.dispute h3 > span { color: var(--soft); font-weight: 400; font-size: .9em; }
.answer { display: grid; grid-template-columns: 11.5rem minmax(0, 1fr); gap: 0 1rem; align-items: baseline; }
.answer p { margin: 0; } .dispute > .text { margin: 0 0 .3rem; font-size: 1.1rem; line-height: 1.9; } .who { color: var(--soft); font-size: .9rem; line-height: 1.5; }
.who code { display: block; }
.text { font-size: 1.25rem; line-height: 2.2; white-space: pre-wrap; }
.mark { padding-bottom: .2em; }
.name { font: 600 .62em/1.5 "Noto Sans Arabic", "Segoe UI", system-ui, sans-serif; color: #fff; border-radius: .3em;
  padding: .05em .45em; margin-inline: .25em .1em; vertical-align: .25em; unicode-bidi: isolate; display: inline-block; white-space: nowrap; }
.remark { color: var(--soft); font-size: .9rem; padding-inline-start: .6rem; border-inline-start: 3px solid var(--line); }
.differs { font-weight: 700; }
@media (max-width: 50rem) { .answer { grid-template-columns: minmax(0, 1fr); } .who code { display: inline; }
  .answer + .answer { margin-top: .4rem; } }
"""

LANES = 4
"""Most lines under one word. Marks nested deeper show only their name."""

ANSWERS = 6
"""Answers to one passage that are shown at once. The others are collapsed."""

MOST = 12
"""Most answers to one passage, shown and collapsed together."""

ROOM = 300_000
"""Most characters of HTML; passages beyond it are left out."""

MARKS = 60
"""Most marks shown of one answer to one passage."""

CUT = 40
"""Characters after which a name or title is cut."""

TAG = 20

REMARK = 200

Remarks = Mapping[tuple[str, str], str]
"""Annotators' remarks by (article id, annotator)."""


def cut(text: str, most: int = CUT) -> str:
    """Return a text as bidi-isolated HTML, shortened to `most` characters.

    >>> cut("طويل", 2)
    '<bdi>طو…</bdi>'
    """
    return f"<bdi>{escape_html(text if len(text) <= most else text[:most] + '…')}</bdi>"


def left_out(what: str, many: int) -> str:
    """Return a note that counts what is not shown, or "" if nothing is left out."""
    return f'<p class="note">{what}: {format_number(many)}.</p>' if many else ""


def passages_section(
    passages: Sequence[Passage], articles: Mapping[str, Article], labels: Labels, remarks: Remarks
) -> tuple[str, int]:
    """Return the passages with position, score and answers as HTML, and the number of passages that had room."""
    return _with_room(_passage(passage, articles[passage.article_id], labels, remarks) for passage in passages)


def questions_html(
    questions: Sequence[Question], articles: Mapping[str, Article], labels: Labels, remarks: Remarks
) -> tuple[str, int]:
    """Return the disputed articles with their beginning and a table of answers, and the number that had room."""
    return _with_room(_question(question, articles[question.article_id], labels, remarks) for question in questions)


def _with_room(parts: Iterable[str]) -> tuple[str, int]:
    """Join parts up to ROOM characters, at least one of them, and count them."""
    kept: list[str] = []
    for part in parts:
        if kept and sum(map(len, kept)) + len(part) > ROOM:
            break
        kept.append(part)
    return "".join(kept), len(kept)


def _head(article: Article, position: str, score: int) -> str:
    title = cut(article.title, 80) if article.title else ""
    return (
        f"<h3>{title} <span>المقال <code>{escape(make_visible(article.id))}</code>{position}</span> "
        f"<span>الفروق: {format_number(score)}</span></h3>"
    )


def _passage(passage: Passage, article: Article, labels: Labels, remarks: Remarks) -> str:
    position = f" · الموضع <code>{passage.start}:{passage.end}</code>"
    answers = [_answer(passage, answer, article, labels, remarks) for answer in passage.answers[:MOST]]
    folded = "".join(answers[ANSWERS:])
    if folded:
        folded = f"<details><summary>إجابات أخرى: {format_number(len(answers) - ANSWERS)}</summary>{folded}</details>"
        folded += left_out("إجابات أخرى لم تُعرض", len(passage.answers) - len(answers))
    head = _head(article, position, passage.score)
    return f'<article class="dispute">{head}{"".join(answers[:ANSWERS])}{folded}</article>\n'


def _answer(passage: Passage, answer: PassageAnswer, article: Article, labels: Labels, remarks: Remarks) -> str:
    return (
        f'<div class="answer"><p class="who">{_people(answer.annotators)}</p>'
        f'<div><p class="text">{_marked(passage, answer, article.text, labels)}</p>'
        f"{_remarks(article.id, answer.annotators, remarks)}</div></div>"
    )


def _people(annotators: Sequence[str]) -> str:
    return " ".join(f"<code>{escape(make_visible(who))}</code>" for who in annotators)


def _remarks(article_id: str, annotators: Sequence[str], remarks: Remarks) -> str:
    written = [(who, remarks.get((article_id, who), "").replace("\n", " ")) for who in annotators]
    return "".join(
        f'<p class="remark"><code>{escape(make_visible(who))}</code> {cut(remark, REMARK)}</p>'
        for who, remark in written
        if remark
    )


def _marked(passage: Passage, answer: PassageAnswer, text: str, labels: Labels) -> str:
    """Return the text of a passage with its marks underlined, and each disputed mark's name after its last word."""
    marks = answer.marks[:MARKS]
    lane = dict(zip(marks, lanes(marks), strict=True))
    edges = {edge for start, end, _ in marks for edge in (start, end) if passage.start < edge < passage.end}
    cuts = sorted({passage.start, passage.end} | edges)
    parts: list[str] = []
    for start, end in pairwise(cuts):
        over = [mark for mark in marks if mark[0] < end and start < mark[1]]
        words = escape_html(text[start:end].replace("\n", " "))
        parts.append(_under(words, over, lane, passage.agreed, labels))
        closed = sorted((mark for mark in over if mark[1] == end), key=lambda mark: -lane[mark])
        parts += [_name(mark[2], labels) for mark in closed if mark not in passage.agreed]
    if len(answer.marks) > MARKS:
        parts.append(f'<span class="who"> … وسوم أخرى: {format_number(len(answer.marks) - MARKS)}</span>')
    return "".join(parts) + ("…" if passage.end < len(text) and not text[passage.end - 1].isspace() else "")


def _under(words: str, over: Sequence[Mark], lane: Mapping[Mark, int], agreed: frozenset[Mark], labels: Labels) -> str:
    """Return words with a line for each mark over them, tinted by the outermost disputed one."""
    if not over:
        return words
    lines: list[str] = []
    for mark in over:
        if lane[mark] < LANES:
            thick = 1 if mark in agreed else 3
            colour = f"var(--e{labels.entity_names.index(mark[2])})"
            lines.append(f"linear-gradient({colour} 0 0) 0 calc(100% - {4 * lane[mark]}px)/100% {thick}px no-repeat")
    outermost = next((mark for mark in over if mark not in agreed), None)
    if outermost:
        colour = f"var(--e{labels.entity_names.index(outermost[2])})"
        lines.append(f"color-mix(in srgb,{colour} 15%,transparent)")
    return f'<span class="mark" style="background:{",".join(lines)}">{words}</span>'


def _name(label: str, labels: Labels) -> str:
    entity = labels.entities[labels.entity_names.index(label)]
    return f'<span class="name" style="background:{entity.colour}">{cut(entity.ar, TAG)}</span>'


def _question(question: Question, article: Article, labels: Labels, remarks: Remarks) -> str:
    stances = labels.stances
    names = {target.id: target.ar for target in stances.targets} if stances else {}
    values = {value.name: value.ar for value in stances.values} if stances else {}
    people = sorted({who for given in question.answers.values() for who in given})
    head = "".join(f'<th scope="col">{cut(names[target])}</th>' for target in question.answers)
    rows = "".join(f'<tr><th scope="row">{_people([who])}</th>{_cells(question, who, values)}</tr>' for who in people)
    whole = article.text.replace("\n", " ")
    begins = whole[: max(whole.rfind(" ", 0, REMARK), REMARK // 2)] if len(whole) > REMARK else whole
    return (
        f'<article class="dispute">{_head(article, "", question.score)}'
        f'<p class="text">{escape_html(begins)}{"…" if len(begins) < len(whole) else ""}</p>'
        f'<div class="wide"><table class="stances"><thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        f"{_remarks(article.id, people, remarks)}</article>\n"
    )


def _cells(question: Question, who: str, values: Mapping[str, str]) -> str:
    """Return one annotator's answers as table cells, with those fewer annotators gave marked as different."""
    cells: list[str] = []
    for given in question.answers.values():
        answer = given.get(who)
        most = max(list(given.values()).count(value) for value in given.values())
        rare = answer is not None and list(given.values()).count(answer) < most
        cells.append(f"<td{' class=differs' if rare else ''}>{cut(values[answer]) if answer else '–'}</td>")
    return "".join(cells)
