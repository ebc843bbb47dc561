"""Two people who each annotate on a server of their own: their exports are of two annotators."""

import json
import re
import shutil
from collections import Counter

import pytest

from builder.annotation.agreement.spans import SPAN_F1
from builder.commands.collect import collect
from builder.io.jsonl import read_jsonl
from builder.labelstudio import client
from builder.labelstudio.exports.merge import ImportOptions
from builder.labelstudio.server.process import down, up
from builder.project.corpus import read_articles
from builder.project.judgements import canonical_judgements, compute_agreement, load_batch_inputs
from builder.records import BatchItem, Judgement
from tests.builders import walk
from tests.conftest import ROOT

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

CONFIG = (
    '<View><Labels name="label" toName="text"><Label value="PERS"/></Labels><Text name="text" value="$text"/></View>'
)


def annotate(connection, texts, words):
    """Create project 1, mark the word of this number in each text, and return the export as its page would save it."""
    project = connection.client.projects.create(title="project-1", label_config=CONFIG)
    connection.client.projects.import_tasks(project.id, request=[{"text": text} for text in texts])
    tasks = sorted(connection.client.tasks.list(project=project.id), key=lambda task: task.id)
    for task, number in zip(tasks, words, strict=True):
        start, end = [match.span() for match in re.finditer(r"\S+", task.data["text"])][number]
        value = {"start": start, "end": end, "text": task.data["text"][start:end], "labels": ["PERS"]}
        result = [{"id": "r1", "from_name": "label", "to_name": "text", "type": "labels", "value": value}]
        connection.client.annotations.create(id=task.id, result=result, was_cancelled=False, ground_truth=False)
    return list(connection.client.projects.exports.as_json(project.id))


RAW = (
    (
        "كتب: مراسل الميناء\n\nوَصَلَتِ سَفِينَةٌ إلى مَرْفَأِ السَّدْرِ صَبَاحًا 🚢 وعـــلى متنها أربعون طنًا من الطحين.\n\nوقال رئيسُ "
        "البلديةِ إنَّ التفريغَ يستمر حتى المساء بسبب الرياح القوية التي تضرب الساحل منذ أيام، وإن سفينة أخرى في الطريق إلى "
        "المرفأ.\n\nوأضاف أن الصيادين سيعودون إلى البحر حين تهدأ الأمواج، وأن الرصيف الشمالي سيبقى مغلقًا.\n\nشارك المقال"
    ),
    (
        "افتَتَحَ وزيرُ الملاحةِ سِراجٌ الكتانيُّ سُوقَ السَّمَكِ الجديدَ أمسِ، بعد عامين من العمل المتواصل في الحي القديم.\n\nوأوضح "
        "أنَّ السوقَ يضم ستين متجرًا وقاعةً للمزاد ومخزنًا للثلج، وأن الإيجار لن يرتفع قبل ثلاث سنوات كما وعد التجار.\n\n"
        "ورأت نقابة الباعة أن الموقع بعيد عن محطة القطار، وطالبت بحافلة تعمل من الفجر حتى الغروب.\n\nجميع الحقوق محفوظة"
    ),
    (
        "قالت مُدَرِّسَةُ الرياضياتِ لُبانةُ إنَّ المدرسةَ العائمةَ ستبدأُ دروسَها في الجزيرةِ مطلعَ الخريفِ.\n\nوسينقل زورقٌ صغيرٌ "
        "التلاميذَ كلَّ صباحٍ من القرى الأربع إلى الفصول، ويعود بهم بعد الظهر قبل المد.\n\nوتعهدت جمعية الآباء بشراء سترات "
        "للنجاة ومقاعد جديدة، فيما ينتظر المعلمون كتب العلوم التي تأخرت في المطبعة شهرين كاملين."
    ),
)
"""Pages with marks that cleaning removes before the marked words and in them."""


@pytest.fixture(params=["cleaned", "raw"])
def exports(installed, tmp_path, project, request):
    """The exports of Huda and of Ali, who marks another word in the first text: of the cleaned or of the raw texts."""
    if request.param == "raw":
        lines = [json.dumps({"text": raw, "source": "ساحل"}, ensure_ascii=False) for raw in RAW]
        (tmp_path / "raw.jsonl").write_text("\n".join(lines), encoding="utf-8")
        walk(project, [tmp_path / "raw.jsonl"], size=3)
        texts = list(RAW)
    else:
        walk(project, [ROOT / "examples" / "articles"], size=3)
        articles = {article.id: article.text for article in read_articles(project)}
        texts = [articles[i.article_id] for i in read_jsonl(project.annotations / "pilot" / "batch.jsonl", BatchItem)]
    files = []
    first = 4 if request.param == "raw" else 0
    for name, words in (("huda", (first, 8, 8)), ("ali", (first + 1, 8, 8))):
        work = tmp_path / name / ".khabar" / "studio"
        running = up(work, progress=print)
        try:
            tasks = annotate(client.connect(running.url, running.token), texts, words)
        finally:
            down(work)
        files.append(tmp_path / name / "project-1.json")
        files[-1].write_text(json.dumps(tasks, ensure_ascii=False, default=str), encoding="utf-8")
    return files


def words_of(files):
    """The marked words of the exports, without the marks that cleaning removes."""
    regions = [
        r["value"] for f in files for task in json.loads(f.read_text()) for r in task["annotations"][0]["result"]
    ]
    return Counter(re.sub("[\u064b-\u0652\u0640]", "", region["text"]) for region in regions)


def judged(project):
    return read_jsonl(project.annotations / "pilot" / "judgements.jsonl", Judgement)


def test_two_people_with_a_server_each(exports, project):
    for file in exports:
        numbers = {a["completed_by"] for task in json.loads(file.read_text()) for a in task["annotations"]}
        assert numbers == {1}
        assert collect(project, None, prune=False, source=file).exit_code == 0

    found = judged(project)
    assert (len(found), len({j.annotator for j in found}), sum(len(j.spans) for j in found)) == (6, 2, 6)
    articles = list(read_articles(project))
    texts, wanted = {article.id: article.text for article in articles}, words_of(exports)
    assert Counter(texts[j.article_id][s.start : s.end] for j in found for s in j.spans) == wanted
    loaded = load_batch_inputs(project)
    (strict,) = [
        figure for figure in compute_agreement(loaded, canonical_judgements(loaded).table)
        if (figure.measure, figure.label, figure.between, figure.period, figure.batch)
        == (SPAN_F1, "all", "", "", "all")
    ]  # fmt: skip
    assert strict.value == pytest.approx(2 / 3, abs=1e-6)

    before = (project.annotations / "pilot" / "judgements.jsonl").read_bytes()
    again = exports[0].with_name("project-1-again.json")
    shutil.copy(exports[0], again)
    collect(project, None, prune=False, source=again)
    assert (project.annotations / "pilot" / "judgements.jsonl").read_bytes() == before


def test_named_servers_give_the_same(exports, project):
    for file in exports:
        collect(project, None, prune=False, source=file, options=ImportOptions(origin=file.parent.name))

    assert (len(judged(project)), len({j.annotator for j in judged(project)})) == (6, 2)
