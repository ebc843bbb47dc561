"""The labelling configuration, rendered from labels.yaml."""

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.annotation.questions import KEY_ROWS, slots_of, stance_keys
from builder.labelstudio.config import guide_html, render_config
from builder.records import KhabarError
from builder.schema.labels import SLOTS, EntityType, Labels, Stances, StanceTarget, StanceValue

KEYS = "123456789abcdefghijklmnopqrstuvwxyz0"


def labels_of(entities=3, values=3, targets=2, *, names=None, keys=KEYS):
    names = names or [f"نوع {n}" for n in range(entities)]
    return Labels(
        version=1,
        entities=tuple(
            EntityType(name=f"E{n}", ar=name, en="e", colour="#1f7a3d", key=keys[n], definition="d")
            for n, name in enumerate(names)
        ),
        stances=Stances(
            values=tuple(StanceValue(name=f"v{n}", ar=f"قيمة {n}", en="v") for n in range(values)),
            targets=tuple(StanceTarget(id=f"t{n}", ar=f"هدف {n}", en="t", keywords=("هدف",)) for n in range(targets)),
        )
        if targets
        else None,
    )


def parsed(config):
    return ET.fromstring(config)  # noqa: S314 - we rendered it ourselves


def test_page_is_right_to_left_and_exports_ascii_names():
    page = parsed(render_config(labels_of()))
    label = page.findall(".//Label")[0]

    assert "direction:rtl" in page.get("style")
    assert label.attrib == {"value": "نوع 0", "alias": "E0", "hotkey": "1", "background": "#1f7a3d"}
    assert page.find(".//Text").get("granularity") == "word"


def test_character_granularity_where_spans_stay_as_drawn():
    labels = labels_of().model_copy(update={"clitics": "strict"})

    assert parsed(render_config(labels)).find(".//Text").get("granularity") == "symbol"


@pytest.mark.parametrize(
    "name", ['"/><Style>*{display:none}</Style>', "a & b < c > d", "'\"`", "]]>", "&lt;script&gt;"]
)
def test_hostile_label_name_stays_a_name(name):
    page = parsed(render_config(labels_of(names=[name])))

    assert page.find(".//Label").get("value") == name
    assert len(page.findall(".//Style")) == 1


@given(st.text(min_size=1, max_size=50).filter(lambda name: not re.search("[$\x00-\x1f\ufffe\uffff]", name)))
def test_xml_safe_names_round_trip(name):
    page = parsed(render_config(labels_of(names=[name])))

    assert page.find(".//Label").get("value") == name


def test_control_character_in_a_name_is_refused():
    with pytest.raises(KhabarError) as caught:
        render_config(labels_of(names=["شخ\x07ص"]))

    assert str(caught.value) == "the Arabic name of E0 contains a control character"
    assert caught.value.exit_code == 2


def test_questions_are_limited_by_targets_and_slots():
    counts = {n: len(parsed(render_config(labels_of(targets=n))).findall(".//Choices")) for n in (0, 1, 3, 5, 9)}

    assert counts == {0: 0, 1: 1, 3: 3, 5: 5, 9: SLOTS}


def test_every_question_is_required_with_choices_from_the_task():
    questions = parsed(render_config(labels_of(targets=3))).findall(".//Choices")

    assert [q.get("name") for q in questions] == ["stance_0", "stance_1", "stance_2"]
    assert [q.get("value") for q in questions] == [f"$targets[{n}].options" for n in range(3)]
    assert {(q.get("required"), q.get("choice")) for q in questions} == {("true", "single-radio")}


@given(st.integers(1, 36), st.integers(2, 5), st.integers(0, 7), st.permutations(list(KEYS)))
def test_no_key_has_two_meanings(entities, values, targets, keys):
    labels = labels_of(entities, values, targets, keys=keys)
    pressed = [e.key for e in labels.entities] + [key for row in stance_keys(labels) for key in row]

    assert len(pressed) == len(set(pressed))
    assert len(stance_keys(labels)) == slots_of(labels)


def test_each_answer_has_a_key_beside_digit_keys():
    rows = stance_keys(labels_of(9, 5, 5))

    assert [len(row) for row in rows] == [5] * 5
    assert rows[:3] == (tuple("qwert"), tuple("asdfg"), tuple("zxcvb"))
    assert "u" not in "".join(KEY_ROWS), "Label Studio unselects with u"


def test_html_in_guidelines_is_shown_not_run():
    html = guide_html("# عنوان\n\n<img src=x onerror=alert(1)> ![a](http://x/y.png) [b](javascript:alert(1))")

    assert "<h1>عنوان</h1>" in html
    assert "<img" not in html
    assert "<a" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html


def test_dollar_in_a_name_is_refused():
    with pytest.raises(KhabarError) as refused:
        render_config(labels_of(names=["$text"]))

    assert (
        refused.value.issues[0].message == "the Arabic name of E0 contains $, which Label Studio reads as a task field"
    )


def test_guidelines_show_their_version():
    assert guide_html("# وسم", "<b>1") == '<h1>وسم</h1>\n<p class="kh-version">نسخة الإرشادات: &lt;b&gt;1</p>\n'
