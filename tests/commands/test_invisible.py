"""Invisible characters from an export to a release: they move no edge, dispute nothing and are no token."""

import json

import pyarrow.parquet as pq
import pytest

from builder.commands.build import build
from builder.commands.clean import clean
from builder.commands.collect import collect
from builder.commands.ingest import ingest
from builder.commands.sample import sample
from builder.records import RELEASE_FORMAT
from tests.tables import project_judgements

pytestmark = pytest.mark.slow  # each test runs several commands on a project

ZWNJ, VS16, CGJ = "\N{ZERO WIDTH NON-JOINER}", "\N{VARIATION SELECTOR-16}", "\N{COMBINING GRAPHEME JOINER}"
UNSEEN = {ZWNJ, VS16, CGJ}
TEXTS = [
    (
        f"أعلن وزير الملاحة أمس في مرفأ السدر افتتاح سوق السمك، وقال:{ZWNJ} «بلدية السدر ستدير السوق»{ZWNJ} وستنقل وكالة نسيم {ZWNJ} "
        f"الحفل مباشرة إلى جزيرة الملح {VS16} في المساء {CGJ}. وأضاف أن السوق يضم ستين متجرا وقاعة للمزاد اليومي."
    ),
    (
        "وصلت إلى جزيرة الملح صباح اليوم سفينة الإغاثة الأولى وعلى متنها أربعون طنا من الطحين، وقالت وكالة نسيم إن أخرى ستصل "
        "إلى مرفأ السدر في نهاية الأسبوع المقبل إن هدأت الرياح وسمح البحر بذلك، ثم تعود إلى مرساها القديم قبل حلول الليل."
    ),
    (
        "قال رئيس بلدية السدر إن الجسر العائم سيبقى مغلقا حتى نهاية الأسبوع بسبب الرياح، وطلبت وكالة نسيم نشر مواعيد العبارات "
        "البديلة بين مرفأ السدر وجزيرة الملح قبل مساء الخميس المقبل، ووعدت الوكالة بأن تنشرها فور وصولها إليها."
    ),
]


def tasks(texts):
    """An export in which two annotators mark one name in each text; the second ends two characters later in the first."""
    exported = []
    for number, text in enumerate(texts):
        start = text.index("وكالة نسيم")
        exported.append({"id": number, "data": {"text": text}, "annotations": [
            {"id": 10 * number + who, "completed_by": who, "created_at": "2026-03-01T10:00:00Z", "updated_at": "2026-03-01T10:00:00Z",
             "result": [{"id": "x", "type": "labels", "from_name": "l", "value": {
                 "start": start, "end": start + 10 + (2 if who == 2 and not number else 0), "labels": ["ORG"]}}]}
            for who in (1, 2)]})  # fmt: skip
    return exported


def collected(project, tmp_path, texts, exported):
    """The project with these texts as its batch, and the export collected."""
    for number, text in enumerate(texts):
        (tmp_path / f"i{number}.txt").write_text(text, encoding="utf-8")
    (tmp_path / "exp.json").write_text(json.dumps(exported), encoding="utf-8")
    ingest(project, sorted(tmp_path.glob("i*.txt")))
    clean(project)
    sample(project, "pilot", len(texts))
    report = collect(project, None, prune=False, source=tmp_path / "exp.json")
    assert [(account.taken, account.kept) for account in report.accounts] == [(2 * len(texts), 2 * len(texts))]


def hold(project):
    """Assert that both annotators mark the same, and that no token of the release is invisible."""
    judged = project_judgements(project)
    marks = {}
    for judgement in judged:
        marks.setdefault(judgement.article_id, set()).add(tuple((s.start, s.end) for s in judgement.spans))
    assert {len(of) for of in marks.values()} == {1}
    build(project, "1.0.0", accept="three articles")
    folder = project.release("1.0.0")
    tokens = [
        token
        for path in folder.glob("entities/*.parquet")
        for row in pq.read_table(path, columns=["tokens"])["tokens"].to_pylist()
        for token in row
    ]
    lines = [
        line.split(" ")[0] for path in folder.rglob("*.conll") for line in path.read_text(encoding="utf-8").splitlines()
    ]
    assert len(tokens) > 50
    assert not [token for token in [*tokens, *lines] if token and not set(token) - UNSEEN]
    assert json.loads((folder / "MANIFEST.json").read_text())["format"] == RELEASE_FORMAT


def test_invisible_characters_dispute_nothing_and_are_no_tokens(project, tmp_path):
    collected(project, tmp_path, TEXTS, tasks(TEXTS))
    hold(project)


@pytest.mark.shared
def test_shared_case_of_invisible_tokens_and_edges(project, tmp_path, shared):
    case = shared.parent / "cases" / "40-invisible-tokens-and-edges"
    exported = json.loads((case / "exp.json").read_text(encoding="utf-8"))
    texts = [(case / "i1.txt").read_text(encoding="utf-8"), *(task["data"]["text"] for task in exported[1:])]
    exported[0]["annotations"][1]["result"][0]["value"]["end"] += 2
    collected(project, tmp_path, texts, exported)
    hold(project)
