"""Static HTML preview of the annotation page, without a server.

It looks like the page that Label Studio renders from the labeling config, but contains none of Label Studio's code.
Labels and answers can be tried out; they are not saved. The module is pure.
"""

from collections.abc import Sequence
from html import escape

from builder.annotation.questions import question_keys, stance_keys
from builder.labelstudio.config import REMARK, STYLE
from builder.records import Article
from builder.schema.labels import AnswerValue, EntityType, Labels, StanceTarget, StanceValue

PAGE_STYLE = """
:root { color-scheme: light dark; }
body { margin: 0; padding: 12px 18px; background: Canvas; color: CanvasText; }
.kh-note { font: 13px/1.5 sans-serif; opacity: .75; margin: 0 0 8px; }
.kh-bar .lsf-labels { display: flex; flex-wrap: wrap; }
.kh-page .lsf-label { border: 0; border-inline-start: 4px solid var(--colour); border-radius: 4px; cursor: pointer; color: inherit;
  background: color-mix(in srgb, var(--colour) 18%, Canvas); }
.kh-page .lsf-label[aria-pressed=true] { background: var(--colour); color: #fff; }
.kh-page .lsf-label__hotkey, .kh-page .lsf-hint { font: 12px sans-serif !important; opacity: .75; }
.kh-text p { margin: 0 0 8px; }
.kh-page mark { color: inherit; background: color-mix(in srgb, var(--colour) 25%, transparent); border-radius: 3px; }
.kh-page mark::after { content: attr(data-label); font-size: 12px; vertical-align: super; margin-inline-start: 3px;
  color: color-mix(in srgb, var(--colour) 60%, CanvasText); }
.kh-target .lsf-choices { display: flex; flex-wrap: wrap; }
.kh-target h5, .kh-title h4, .kh-source h6 { margin: 0; }
.kh-side textarea { width: 100%; box-sizing: border-box; font: inherit; }
@media (max-width: 800px) { .kh-columns { flex-direction: column; } .kh-side { flex-basis: auto; } }
"""

SCRIPT = """
const labels = [...document.querySelectorAll('.lsf-label')];
const press = (label) => labels.forEach(one =>
  one.setAttribute('aria-pressed', one === label && one.getAttribute('aria-pressed') !== 'true'));
labels.forEach(label => label.addEventListener('click', () => press(label)));
document.addEventListener('keydown', event => {
  if (event.target.tagName === 'TEXTAREA' || event.ctrlKey || event.metaKey || event.altKey) return;
  const label = labels.find(one => one.dataset.key === event.key);
  const answer = document.querySelector(`input[data-key="${CSS.escape(event.key)}"]`);
  if (label) press(label); else if (answer) answer.checked = answer.type === "radio" || !answer.checked;
});
document.querySelector('.kh-text').addEventListener('mouseup', () => {
  const label = labels.find(one => one.getAttribute('aria-pressed') === 'true'), chosen = getSelection();
  if (!label || chosen.isCollapsed) return;
  const mark = document.createElement('mark');
  mark.style.setProperty('--colour', label.style.getPropertyValue('--colour'));
  mark.dataset.label = label.dataset.name;
  try { chosen.getRangeAt(0).surroundContents(mark); } catch { /* it crosses another mark */ }
  chosen.removeAllRanges();
});
"""

SAMPLE = Article(
    "sample-0", "sample", 0, "افتتاح المكتبة العامة في مرجانة",
    "افتتحت رئيسة بلدية مرجانة سلمى الراوي صباح الثلاثاء المكتبة العامة في حي المرفأ، وهي أول مكتبة تبنى في المدينة منذ عشرين عاما.\n"
    "وقالت الراوي إن «دار الورق»، الشركة التي صممت المبنى، تبرعت بثلاثة آلاف كتاب، وإن الأبواب ستظل مفتوحة حتى العاشرة ليلا.",
    (), (), "standard@1", "",
)  # fmt: skip
"""The article shown if the project has no articles yet."""


def preview_page(labels: Labels, guide: str, title: str, source: str, text: str, asked: Sequence[StanceTarget]) -> str:
    """Render the annotation page of one article as HTML.

    `guide` is HTML already (interface.guide_html); all other arguments are escaped. `asked` are the targets to ask about.
    """
    bar = "".join(_label(entity) for entity in labels.entities)
    paragraphs = "".join(f"<p>{escape(line)}</p>" for line in text.split("\n") if line)
    values = labels.stances.values if labels.stances else ()
    questions = "".join(
        _question(target.id, target.ar, values, keys) for target, keys in zip(asked, stance_keys(labels), strict=False)
    )
    questions += "".join(
        _question(question.id, question.ar, question.values, keys, "radio" if question.answers == "one" else "checkbox")
        for question, keys in zip(labels.questions, question_keys(labels), strict=True)
    )
    return f"""<!doctype html>
<html lang="ar" dir="rtl"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{escape(title)}</title><style>{PAGE_STYLE}{STYLE}</style></head><body>
<p class="kh-note">معاينة: ما يوسم هنا لا يُحفظ.</p>
<main class="kh-page" style="direction:rtl; text-align:right;">
<div class="kh-bar"><div class="lsf-labels">{bar}</div></div>
<div class="kh-columns"><div class="kh-article">
<div class="kh-title"><h4>{escape(title)}</h4></div><div class="kh-source"><h6>{escape(source)}</h6></div>
<div class="kh-text"><div class="lsf-htx-richtext">{paragraphs}</div></div></div>
<div class="kh-side">{questions}<textarea rows="2" placeholder="{REMARK}"></textarea>
<div class="kh-guide"><div class="lsf-htx-richtext">{guide}</div></div></div></div>
</main><script>{SCRIPT}</script></body></html>
"""


def _label(entity: EntityType) -> str:
    return (
        f'<button class="lsf-label" aria-pressed="false" style="--colour:{entity.colour}" title="{escape(entity.definition)}"'
        f' data-key="{entity.key}" data-name="{escape(entity.ar)}">{escape(entity.ar)}'
        f'<span class="lsf-label__hotkey">{entity.key}</span></button>'
    )


def _question(
    name: str, title: str, values: Sequence[StanceValue | AnswerValue], keys: Sequence[str], kind: str = "radio"
) -> str:
    answers = "".join(
        f'<label class="lsf-choice__checkbox"><input type="{kind}" name="{escape(name)}"'
        f' data-key="{keys[index] if index < len(keys) else ""}"> {escape(value.ar)}'
        f' <span class="lsf-hint">{f"[{keys[index]}]" if index < len(keys) else ""}</span></label>'
        for index, value in enumerate(values)
    )
    return f'<div class="kh-target"><h5>{escape(title)}</h5><div class="lsf-choices">{answers}</div></div>'
