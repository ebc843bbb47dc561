"""Labels with another name: shown once, and told from labels that were merged, split or changed one by one."""

from dataclasses import replace

import pytest

from builder.release.diff import html, text
from builder.release.diff.compare import compare, side_of
from builder.release.diff.records import ReleaseId
from builder.release.diff.renames import LabelRename, label_renames, without_renames
from builder.release.tables.build import non_empty
from tests.release.material import build_tables


def side(material, version="1.0.0"):
    about = ReleaseId(version, "khabar/demo-news", "0" * 64, "full")
    return side_of(about, non_empty(build_tables(material).tables), f"# card {version}\n")


def relabelled(material, names):
    """The material with other names of labels, in labels.yaml, gold and judgements."""
    entities = {names.get(one.name, one.name): one for one in material.labels.entities}
    made = tuple(one.model_copy(update={"name": name}) for name, one in entities.items())
    golds = [
        replace(gold, spans=tuple(replace(span, label=names.get(span.label, span.label)) for span in gold.spans))
        for gold in material.golds
    ]
    judgements = [
        replace(one, spans=tuple(replace(span, label=names.get(span.label, span.label)) for span in one.spans))
        for one in material.judgements
    ]
    labels = material.labels.model_copy(update={"entities": made})
    return replace(material, golds=tuple(golds), judgements=tuple(judgements), labels=labels)


def test_a_renamed_label_is_shown_once_with_its_spans(material):
    diff = compare(side(material), side(relabelled(material, {"OCC": "POST"}), "2.0.0"))
    spans = sum(span.label == "OCC" for gold in material.golds for span in gold.spans)
    lines = list(text.lines(diff, every=True))

    assert label_renames(diff) == [LabelRename("OCC", "POST", spans)]
    assert without_renames(diff) == []
    assert lines[lines.index("labels renamed: 1") + 1] == f"    OCC -> POST: {spans} spans"
    assert not any(line.startswith("spans changed") for line in lines)
    assert f'<code>POST</code></td><td><span class="n">{spans}</span>' in html.page(diff)


@pytest.mark.parametrize("names", [{"OCC": "GPE"}, {"OCC": "ALL", "GPE": "ALL"}, {"OCC": "GPE", "GPE": "OCC"}])
def test_merged_and_swapped_labels_are_not_renamed(material, names):
    diff = compare(side(material), side(relabelled(material, names), "2.0.0"))

    assert label_renames(diff) == []
    assert without_renames(diff) == [*diff.spans]
    assert diff.spans


def test_a_label_of_which_some_spans_got_another_is_not_renamed(material):
    some = replace(material.golds[0], spans=tuple(replace(s, label="ORG") for s in material.golds[0].spans))
    new = relabelled(material, {"OCC": "POST"})
    diff = compare(side(material), side(replace(new, golds=(some, *new.golds[1:])), "2.0.0"))

    assert label_renames(diff) == []
