"""Imported sets as pre-annotations."""

import pytest

from builder.commands.import_ import import_set
from builder.project.corpus import read_articles
from builder.project.imports.predictions import predict_imported
from builder.records import KhabarError
from tests.published import LABELS, PRESS, put


@pytest.mark.parametrize("role", ["gold", "prediction"])
def test_the_spans_of_a_set_become_pre_annotations(project, role):
    folder, where = put(project, LABELS + f"role: {role}\n", press__txt=PRESS)
    import_set(project, [folder], "conll", where)
    (article,) = read_articles(project)
    found = predict_imported(project, "press", [article])

    assert found.origin == "import:press"
    assert [article.text[s.start : s.end] for s in found.spans[article.id]] == ["سامي الحداد", "مرجانة", "هيئة الميناء"]
    with pytest.raises(KhabarError, match="the set 'other' was not imported"):
        predict_imported(project, "other", [article])
