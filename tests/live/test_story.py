"""A pilot, its disputes, labels that change, and a second batch: two releases of one dataset, from start to end."""

import json
import random
import re
from collections import Counter
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from playwright.sync_api import expect

from builder.annotation.simulate import Knowledge, truth
from builder.commands.adjudicate import adjudicate
from builder.commands.agree import agree
from builder.commands.build import build
from builder.commands.check import check
from builder.commands.clean import clean
from builder.commands.collect import collect
from builder.commands.diff import diff
from builder.commands.ingest import ingest
from builder.commands.init import init
from builder.commands.sample import sample
from builder.commands.schema_migrate import migrate
from builder.commands.send import send
from builder.commands.verify import verify
from builder.io.jsonl import read_jsonl
from builder.labelstudio import annotator
from builder.labelstudio.tasks import key_of, result_of
from builder.project.annotations import labelstudio_project_of, read_batch_ids, read_judgements
from builder.project.corpus import read_articles
from builder.project.migration.state import say
from builder.project.project import Project
from builder.records import Agreement, KhabarError, Stance
from builder.release.diff import text

pytestmark = pytest.mark.live

PERSONS = (
    "رامز الصفصافي",
    "هالة المرجوني",
    "أسيل النوارسي",
    "صفوان الزيتاوني",
    "بشرى الياقوتلي",
    "ماجد القصبري",
    "نديم الشعفار",
)
ORGS = ("هيئة الموانئ", "شركة دلفين", "نقابة البحارة", "جمعية الصيادين", "اتحاد الناشرين")
TOWNS = ("مدينة مرجانة", "تل الزيتون", "بلدة وهدان", "رأس الريحان")
EVENTS = ("قمة المرافئ", "معرض الكتاب", "مهرجان الزيتون")
DATES = ("السبت 14 فبراير", "الخميس 7 مايو", "الأول من يوليو")
KNOWN = Knowledge({"PER": PERSONS, "PERS": PERSONS, "ORG": ORGS, "GPE": TOWNS, "MISC": EVENTS, "DATE": DATES}, ())
SENTENCES = (
    "وصل {person} صباحا إلى {town} وتحدث طويلا مع سكان الحي القديم عن أسعار السمك",
    "وأصدرت {org} بيانا قصيرا رحبت فيه بفكرة توسعة الميناء وطالبت بمواعيد معلنة",
    "ويشهد الأسبوع المقبل افتتاح {event} بعد تأجيل دام شهرين بسبب العواصف",
    "وقال مسؤول إن العمل يبدأ {date} إذا وصلت المعدات من المخازن البعيدة",
    "ونفت {org} أن يكون لقرارها صلة بالخلاف حول مترو العاصمة أو كلفته",
    "وفي {town} أغلق التجار محالهم ساعة احتجاجا على رسوم السوق الجديدة",
    "وتوقعت النشرة رياحا خفيفة وأمواجا هادئة على امتداد الساحل الشرقي",
    "وذكر {person} أن قانون الإعلام لم يناقش في الجلسة ولن يناقش قريبا",
)
WORDS = [
    "سفينة",
    "مخزن",
    "قارب",
    "شبكة",
    "صياد",
    "موسم",
    "رصيف",
    "حبل",
    "شراع",
    "موجة",
    "ريح",
    "سوق",
    "مقهى",
    "حارس",
    "مصباح",
    "دفتر",
    "قطار",
    "محطة",
    "تذكرة",
    "حقيبة",
    "جسر",
    "نافذة",
    "باب",
    "حديقة",
    "شجرة",
    "ثمرة",
    "سلة",
    "خبز",
    "فرن",
    "طاحونة",
    "بئر",
    "نهر",
    "قنطرة",
    "حجر",
    "سور",
    "برج",
    "ساعة",
    "جرس",
    "مدرسة",
    "معلم",
    "كتاب",
    "قلم",
    "رسالة",
    "طابع",
    "صندوق",
    "مفتاح",
]
"""What each article has a list of, so that no two are near-duplicates."""

PILOT, SECOND = 30, 10
VALUES = ("favor", "against", "neutral")


def write_articles(path):
    """Forty invented articles, each with other names in another order."""
    lines = []
    for number in range(PILOT + SECOND):
        middle = [SENTENCES[2 + (number * 5 + step * (1 + number % 4)) % 5] for step in range(3)]
        names = {"person": PERSONS[number % 7], "org": ORGS[number % 5], "town": TOWNS[number % 4],
                 "event": EVENTS[number % 3], "date": DATES[number % 3]}  # fmt: skip
        things = [
            "وبيع في المزاد " + " و".join(random.Random(seed).sample(WORDS, 16)) for seed in (number, number + 99)
        ]  # noqa: S311
        sentences = dict.fromkeys([*SENTENCES[:2], things[0], *middle, things[1], SENTENCES[7]])
        body = ".\n\n".join(sentence.format(**names) for sentence in sentences)
        page = {"title": f"نشرة الساحل {number}", "source": "sahel", "url": f"https://sahel.example/{number}"}
        lines.append(
            json.dumps(page | {"text": f"{body}.\n\nوهذا الخبر رقم {number} من نشرة اليوم."}, ensure_ascii=False)
        )
    path.write_text("\n".join(lines), encoding="utf-8")


@pytest.fixture
def template(project):
    """A fresh project, with all labels."""
    return project


def number_of(words):
    return int(re.search(r"رقم (\d+)", words)[1])


def edit(project, changes):
    """The project after its labels.yaml was edited."""
    path = project.root / "schema" / "labels.yaml"
    held = path.read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in held
        held = held.replace(old, new)
    path.write_text(held, encoding="utf-8")
    return Project(project.root)


def line_of(project, word):
    held = (project.root / "schema" / "labels.yaml").read_text(encoding="utf-8")
    return next(line for line in held.splitlines(keepends=True) if word in line)


def answer(article, who, labels):
    """The truth, but for a person that one misses in every 4th article, and what all three say otherwise.

    In every 3rd article they disagree over the first organisation, in every 5th over the first stance.
    """
    number, (spans, stances) = number_of(article.text), truth(article, KNOWN, labels)
    person = labels.entity_names[0]
    if number % 4 == 0 and who == 2:
        spans = tuple(span for span in spans if span.label != person)
    if number % 3 == 0:
        first = min(span for span in spans if span.label == "ORG")
        said = ((first,), (replace(first, label=person),), ())[who]
        spans = (*(span for span in spans if span != first), *said)
    stances = tuple(replace(stance, value=VALUES[number % 3]) for stance in stances)
    if number % 5 == 0:
        stances = (Stance(stances[0].target, VALUES[who]), *stances[1:])
    return spans, stances


def annotate(project, batch, logins):
    """Answer a batch as three people do, through the label stream; return the number of answers."""
    place, labels = labelstudio_project_of(project, batch), project.schema.labels
    by_id = {article.id: article for article in read_articles(project)}
    done = 0
    for who, login in enumerate(logins):
        with annotator.log_in(place["url"], *login) as person:
            while (task := person.next_task(int(place["project_id"]))) is not None:
                spans, stances = answer(by_id[key_of(task["data"])[0]], who, labels)
                named = [replace(span, id=f"r{number}") for number, span in enumerate(spans)]
                person.submit(task, result_of(named, stances, task["data"]), seconds=30, skipped=False)
                done += 1
    return done


def open_stream(browser, studio, url):
    page = browser.new_context(viewport={"width": 1366, "height": 768}, locale="en-US").new_page()
    page.goto(f"{studio.running.url}/user/login/")
    page.fill("input[name=email]", studio.logins[0][0])
    page.fill("input[name=password]", studio.logins[0][1])
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "/user/login" not in url)
    page.goto(f"{url}?labeling=1")
    return page


def questions_of(studio, number):
    """The questions of each task of an adjudication project, by the number of its article."""
    listing = studio.connection.client.tasks.list(project=number, fields="all", page_size=100)
    return {number_of(task.data["text"]): [t for t in task.data["targets"] if t["id"] != "-"] for task in listing}


def rule(page, asked, most):
    """Answer pages of the stream by keys, the person before the organisation; return the articles ruled on."""
    ruled = []
    while len(ruled) < most:
        expect(page.locator(".kh-target").first).to_be_visible(timeout=20_000)
        page.wait_for_timeout(500)
        words = page.locator(".kh-text").inner_text()
        page.locator(".kh-source").click()
        for question in asked[number_of(words)]:
            options = {option["alias"]: option["hotkey"] for option in question["options"]}
            page.keyboard.press(next(options[name] for name in ("PER", "PERS", "against") if name in options))
            page.wait_for_timeout(100)
        page.keyboard.press("Control+Enter")
        ruled.append(number_of(words))
        page.wait_for_function(
            "words => document.querySelector('.kh-text')?.innerText !== words", arg=words, timeout=20_000
        )
    return ruled


def figures(project):
    """The agreement on each label, without its name."""
    agree(project)
    found: dict[str, list[tuple[object, ...]]] = {}
    for one in read_jsonl(project.work / "agreement.jsonl", Agreement):
        if one.layer == "entities":
            found.setdefault(one.label, []).append(
                (one.measure, one.batch, one.between, one.period, one.value, one.low, one.high, one.n)
            )
    return {label: sorted(rows, key=str) for label, rows in found.items()}


def rows_of(release, config):
    return [row for path in sorted((release / config).glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def marks_of(release):
    """The mentions of each article of a release, with the names of 2.0.0."""
    names = {"PER": "PERS"}
    labels = [one["name"] for one in json.loads((release / "facts.json").read_bytes())["labels"]["entities"]]
    found = [
        {(span["start"], span["end"], labels[span["label"]]) for span in row["spans"]}
        for row in rows_of(release, "entities")
    ]
    marks = [{(*place, names.get(label, label)) for *place, label in one if label != "MISC"} for one in found]
    return dict(zip((row["id"] for row in rows_of(release, "entities")), marks, strict=True))


def pilot(folder):
    """A project whose labels.yaml has PER and MISC, and as yet no DATE and no press law, and its forty articles."""
    init(folder / "story", repo_id="khabar/story", card=str)
    project = Project(folder / "story")
    gone = dict.fromkeys((line_of(project, "name: DATE"), line_of(project, "id: press-law")), "")
    edit(project, {"{name: PERS,": "{name: PER,", "{name: EVENT, ar: حدث,": "{name: MISC, ar: متفرقات,"} | gone)
    write_articles(folder / "articles.jsonl")
    project = Project(project.root)
    ingest(project, [folder / "articles.jsonl"])
    clean(project)
    sample(project, "pilot", PILOT)
    return project


def change_minds(project, dates, law):
    """Rename PER, retire MISC, add DATE and a target, and rewrite the guidelines."""
    misc = line_of(project, "name: MISC")
    retired = misc.replace("{name: MISC,", "{name: MISC, retired: true,")
    edit(project, {"{name: PER,": "{name: PERS, formerly: [PER],", misc: retired + dates})
    with (project.root / "schema" / "labels.yaml").open("a", encoding="utf-8") as labels:
        labels.write(law)
    (project.root / "schema" / "guidelines.md").write_text("# إرشادات جديدة\n\nظلّل التواريخ أيضا.\n", encoding="utf-8")
    return Project(project.root)


def errors(report):
    return [issue for issue in report.issues if issue.severity == "error"]


def test_a_dataset_whose_labels_change_after_its_pilot(label_studio, browser, tmp_path, monkeypatch, template):
    monkeypatch.setenv("LABEL_STUDIO_URL", label_studio.running.url)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", label_studio.running.token)
    dates, law = (line_of(template, word) for word in ("name: DATE", "id: press-law"))
    project = pilot(tmp_path)

    # Three people annotate, and an adjudicator rules on all but two articles: 1.0.0.
    send(project, "pilot", dry_run=False, progress=print)
    assert annotate(project, "pilot", label_studio.logins) == 3 * PILOT
    assert collect(project, "pilot", prune=False).judgements == 3 * PILOT
    assert errors(check(project)) == []
    before, given = figures(project), Counter(span.label for one in read_judgements(project) for span in one.spans)
    numbers = {one.id: number_of(one.text) for one in read_articles(project)}
    sampled = [numbers[one] for one in read_batch_ids(project, "pilot")]
    sent = adjudicate(project, "pilot", send=True)
    desk = int(sent.sent.url.split("/projects/")[1].split("/")[0])
    asked = questions_of(label_studio, desk)
    assert sorted(asked) == sorted(n for n in sampled if n % 3 == 0 or n % 5 == 0)
    assert sent.open_disputes == sum((n % 3 == 0) + (n % 5 == 0) for n in sampled)
    page = open_stream(browser, label_studio, sent.sent.url)
    ruled = rule(page, asked, len(asked) - 2)
    assert adjudicate(project, "pilot", collect=True).rulings.decisions == len(ruled)
    first = build(project, "1.0.0").folder
    assert not any("labels_asked" in row for row in rows_of(first, "entities"))

    # One more ruling is submitted; then the labels change.
    late = rule(page, asked, 1)
    project = change_minds(project, dates, law)
    for waiting in (lambda: build(project, "2.0.0"), lambda: adjudicate(project, "pilot", send=True)):
        with pytest.raises(
            KhabarError,
            match=f"waits: label PER is renamed to PERS: {given['PER'] + len(ruled_persons(ruled))} spans have it",
        ):
            waiting()
    steps = [say(step) for step in migrate(project).steps]
    project = Project(project.root)
    now = Counter(span.label for one in read_judgements(project) for span in one.spans)
    assert [step.split(":")[0] for step in steps] == [
        "label PER is renamed to PERS", "label MISC is retired", "label DATE is added", "target press-law is added",
    ]  # fmt: skip
    assert now == Counter({"PERS" if name == "PER" else name: number for name, number in given.items()})
    assert figures(project)["PERS"] == before["PER"]
    assert "DATE" not in {label for label, rows in figures(project).items() if any(row[4] is not None for row in rows)}

    # The late ruling counts under the new name, and the page that is still open asks for it.
    collected = adjudicate(project, "pilot", collect=True)
    assert (collected.rulings.decisions, collected.rulings.overrules, errors(collected)) == (len(ruled + late), 0, [])
    with pytest.raises(KhabarError, match="adjudicate --send would change what people work on"):
        adjudicate(project, "pilot", send=True)
    assert "PER" in aliases_of(questions_of(label_studio, desk))
    (behind,) = adjudicate(project, "pilot", send=True, yes=True).sent.behind
    assert (behind.tasks, behind.answers) == (len(asked), len(ruled + late))
    asked = questions_of(label_studio, desk)
    assert {"PER", "PERS"} & aliases_of(asked) == {"PERS"}
    assert adjudicate(project, "pilot", send=True).sent.behind == ()
    page.reload()
    last = rule(page, asked, 1)
    page.screenshot(path=tmp_path / "renamed.png")
    collected = adjudicate(project, "pilot", collect=True)
    assert (collected.rulings.overrules, collected.open_disputes, errors(collected)) == (0, 0, [])
    assert sorted(ruled + late + last) == sorted(asked)

    # The annotators' pages follow, with the new guidelines; no answer changes.
    with pytest.raises(KhabarError, match="send would change what people work on"):
        send(project, "pilot", dry_run=False, progress=print, refresh=True)
    (behind,) = send(project, "pilot", dry_run=False, progress=print, refresh=True, yes=True).behind
    kept = read_judgements(project)
    assert (behind.tasks, behind.answers) == (PILOT, 3 * PILOT)
    assert collect(project, "pilot", prune=False).judgements == 3 * PILOT
    assert read_judgements(project) == kept

    # A second batch is asked for the new label and target: 2.0.0.
    sample(project, "second", SECOND)
    send(project, "second", dry_run=False, progress=print)
    assert annotate(project, "second", label_studio.logins) == 3 * SECOND
    collect(project, "second", prune=False)
    assert errors(check(project)) == []
    assert figures(project)["DATE"][0][-1] == SECOND
    with pytest.raises(KhabarError, match="1.1.0 requires a major version bump"):
        build(project, "1.1.0")
    second = build(project, "2.0.0").folder
    verified = verify(project, "dist/v2.0.0", base=project.root, rehearse=False, progress=print)
    assert verified.exit_code == 0
    check_releases(project, first, second, {one for one, number in numbers.items() if number in late + last})


def ruled_persons(ruled):
    """The rulings that said that an organisation is a person."""
    return [number for number in ruled if number % 3 == 0]


def aliases_of(asked):
    return {option["alias"] for questions in asked.values() for one in questions for option in one["options"]}


def check_releases(project, first, second, since):
    """Compare two releases: mentions, labels that were asked, guidelines, the card, and what `diff` says.

    `since` are the articles that were ruled on in between.
    """
    old, new = marks_of(first), marks_of(second)
    assert {article: marks for article, marks in new.items() if article in old and article not in since} == {
        article: marks for article, marks in old.items() if article not in since
    }
    asked = {row["id"]: "DATE" in row["labels_asked"] for row in rows_of(second, "entities")}
    seconds = {*read_batch_ids(project, "second")}
    assert {article for article, was in asked.items() if was} == asked.keys() & seconds
    assert {label for article in old for *_, label in new[article]} == {"PERS", "ORG", "GPE"}
    assert {row["article_id"] for row in rows_of(second, "stance") if row["target"] == "press-law"} <= seconds
    assert {path.stem for path in (second / "guidelines").iterdir()} == {
        row["guideline"] for row in rows_of(second, "annotations")
    }
    card = (second / "README.md").read_text(encoding="utf-8")
    assert f"| `DATE` | {sum(asked.values())} of {len(asked)} | `second` |" in card
    found = diff(project, "1.0.0", "2.0.0", base=project.root)
    print("\n".join(text.lines(found)))
