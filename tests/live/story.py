"""What the story test is made of: its articles, its labels, its annotators, and an adjudicator in a browser."""

import json
import re
from dataclasses import replace

from playwright.sync_api import expect

from builder.annotation.simulate import Knowledge, truth
from builder.io.hashing import sha16
from builder.labelstudio import annotator
from builder.labelstudio.tasks import key_of, result_of
from builder.project.annotations import labelstudio_project_of
from builder.project.corpus import read_articles
from builder.project.project import Project
from builder.records import Stance
from tests.live.page import log_in

PERSONS = (
    "رامز الصفصافي", "هالة المرجوني", "أسيل النوارسي", "صفوان الزيتاوني", "بشرى الياقوتلي",
    "ماجد القصبري", "نديم الشعفار",
)  # fmt: skip
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
            "وبيع في المزاد " + " و".join(sorted(WORDS, key=lambda word: sha16(f"{word} {seed}"))[:16])
            for seed in (number, number + 99)
        ]
        sentences = dict.fromkeys([*SENTENCES[:2], things[0], *middle, things[1], SENTENCES[7]])
        body = ".\n\n".join(sentence.format(**names) for sentence in sentences)
        page = {"title": f"نشرة الساحل {number}", "source": "sahel", "url": f"https://sahel.example/{number}"}
        lines.append(
            json.dumps(page | {"text": f"{body}.\n\nوهذا الخبر رقم {number} من نشرة اليوم."}, ensure_ascii=False)
        )
    path.write_text("\n".join(lines), encoding="utf-8")


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
    log_in(page, studio.running.url, studio.logins[0])
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
