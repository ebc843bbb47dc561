"""The annotation page as a file."""

import re

from hypothesis import given
from hypothesis import strategies as st

from builder.annotation.questions import stance_keys
from builder.labelstudio.config import guide_html
from builder.labelstudio.preview import SAMPLE, preview_page
from builder.schema import load_schema
from tests.conftest import ROOT

LABELS = load_schema(ROOT / "schema").labels
ASKED = LABELS.stances.targets[:2]


def test_page_shows_labels_questions_keys_text_and_guidelines():
    page = preview_page(LABELS, guide_html("# إرشادات", "ab12"), SAMPLE.title, "نسيم", SAMPLE.text, ASKED)

    assert all(f'data-key="{entity.key}" data-name="{entity.ar}"' in page for entity in LABELS.entities)
    assert all(f"<h5>{target.ar}</h5>" in page for target in ASKED)
    assert page.count('type="radio"') == 2 * len(LABELS.stances.values)
    assert all(f'data-key="{key}"' in page for keys in stance_keys(LABELS)[:2] for key in keys)
    assert "<h1>إرشادات</h1>" in page
    assert all(f"<p>{line}</p>" in page for line in SAMPLE.text.split("\n"))


def test_no_questions_without_stances():
    page = preview_page(LABELS.model_copy(update={"stances": None}), "", "", "", SAMPLE.text, ())

    assert 'type="radio"' not in page


@given(st.text("<>&\"'/aا$\n", min_size=1, max_size=30))
def test_article_text_is_never_markup(text):
    def tags(page):
        return re.findall(r"<[^>]*>", page)

    plain, hostile = (preview_page(LABELS, "", one, one, one, ()) for one in (re.sub(r"[^\n]", "ا", text), text))

    assert tags(hostile) == tags(plain)
