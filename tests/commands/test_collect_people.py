"""`collect --from`: one person is one annotator, two persons are two, and each annotation counts once."""

import json
import shutil

import pytest

from builder.commands import collect
from builder.io.jsonl import read_jsonl
from builder.labelstudio.exports.merge import ImportOptions
from builder.project.project import Project
from builder.project.validation import validate_annotations
from builder.records import Judgement, KhabarError, PersonAlias
from tests.builders import fresh, walk
from tests.conftest import SHARED

TEXTS = (
    (
        "زارت الوزيرة ريما الحسيني ميناء مرجانة صباح اليوم، وقالت إن الأرصفة الجديدة ستفتح في الشهر المقبل أمام سفن الصيد. "
        "وأضافت الحسيني أن سلطة الميناء ستوظف ستين عاملا من أبناء المدينة، وأن أول سفينة ستصل من جزيرة الياقوت قبل العيد."
    ),
    (
        "أعلنت بلدية الواحة الخضراء إغلاق جسر النخيل ثلاثة أيام بسبب أعمال الصيانة، ودعا رئيسها سامر الزين السكان إلى الصبر. "
        "وقال الزين إن الحافلات ستسلك طريق البساتين، وإن البلدية ستنشر المواعيد الجديدة عند محطة القطار وفي مكتب البريد."
    ),
    (
        "نظمت جمعية أصدقاء البحر حملة لتنظيف شاطئ مرجانة شارك فيها مئتا متطوع، وشكرتهم رئيسة الجمعية هالة النجار مساء أمس. "
        "وذكرت النجار أن المتطوعين جمعوا طنين من الشباك القديمة، وأن الحملة المقبلة ستبدأ من خليج اللؤلؤ في الربيع."
    ),
)

pytestmark = pytest.mark.slow  # each test runs a command several times

CASES = SHARED.parent / "cases"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A project with a batch of the three invented articles."""
    folder = tmp_path_factory.mktemp("base")
    for number, text in enumerate(TEXTS):
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")
    project = fresh(folder / "project")
    walk(project, sorted(folder.glob("*.txt")), size=3)
    return project


@pytest.fixture
def sampled(base, tmp_path):
    return Project(shutil.copytree(base.root, tmp_path / "project"))


def annotation(number, who, start=0, *, made="2026-03-01T10:00:00.25Z", changed=None, **more):
    value = {"start": start, "end": start + 4, "labels": ["PERS"]}
    result = [{"id": "r", "from_name": "label", "to_name": "text", "type": "labels", "value": value}]
    return {
        "id": number,
        "completed_by": who,
        "result": result,
        "created_at": made,
        "updated_at": changed or made,
        **more,
    }


def tasks(*annotations, **more):
    """One task of each annotation, on the articles in turn."""
    return [
        {"id": n + 1, "data": {"text": TEXTS[n % 3]}, "annotations": [one], **more} for n, one in enumerate(annotations)
    ]


def one_each(who, first=1, **more):
    return tasks(*(annotation(first + n, who, **more) for n in range(3)))


def take(project, name, content, **options):
    path = project.root / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return collect.collect(project, None, prune=False, source=path, options=ImportOptions(**options))


def judged(project):
    return read_jsonl(project.annotations / "pilot" / "judgements.jsonl", Judgement)


def annotators(project):
    return {j.annotator for j in judged(project)}


def codes(report):
    return [(issue.severity, issue.code) for issue in report.issues]


LATER = "2026-04-01T10:00:00.75Z"

MAIL = {"id": 1, "email": "huda@nasim.example"}


def test_two_people_with_a_server_each_are_two_annotators(sampled):
    assert codes(take(sampled, "huda/project-1.json", one_each(1))) == []
    report = take(sampled, "ali/project-1.json", one_each(1, made=LATER))

    assert (len(judged(sampled)), len(annotators(sampled))) == (6, 2)
    assert codes(report) == [("warning", "another-server")]
    assert report.exit_code == 0
    take(sampled, "huda/project-1.json", one_each(1))
    assert (len(judged(sampled)), len(annotators(sampled))) == (6, 2)


@pytest.mark.parametrize("names", [("a.json", "a.json"), ("a.json", "b.json")])
def test_annotation_met_again_adds_nothing_whatever_the_file_is_called(sampled, names):
    first = take(sampled, names[0], one_each(1))
    before = (sampled.annotations / "pilot" / "judgements.jsonl").read_bytes()
    second = take(sampled, names[1], one_each(1))

    assert (sampled.annotations / "pilot" / "judgements.jsonl").read_bytes() == before
    assert str(first.imported) == "3 new, 0 changed, 0 known before"
    assert str(second.imported) == "0 new, 0 changed, 3 known before"
    assert (second.accounts, second.exit_code) == (first.accounts, 0)


@pytest.mark.parametrize("order", [(MAIL, 1), (1, MAIL), ({"id": 1}, MAIL), ("1", MAIL)])
def test_number_and_email_of_one_annotation_are_one_person(sampled, order):
    for file, who in enumerate(order):
        take(sampled, f"{file}.json", one_each(who))

    assert (len(judged(sampled)), len(annotators(sampled))) == (3, 1)
    new = one_each(order[0], first=11) + one_each(order[1], first=21)
    take(sampled, "more.json", one_each(1) + new)
    assert (len(judged(sampled)), len(annotators(sampled))) == (9, 1)


def test_first_pseudonym_stays_when_the_email_is_known(sampled):
    take(sampled, "a.json", one_each(1))
    before = annotators(sampled)
    take(sampled, "b.json", one_each(MAIL))

    assert annotators(sampled) == before


def test_two_pseudonyms_that_turn_out_to_be_one_are_joined(sampled):
    take(sampled, "a.json", one_each(1))
    take(sampled, "b.json", one_each({"id": 9, "email": "huda@nasim.example"}, first=11, made=LATER))
    assert len(annotators(sampled)) == 2
    report = take(sampled, "c.json", one_each(MAIL))

    assert (len(judged(sampled)), len(annotators(sampled))) == (6, 1)
    assert codes(report) == [("warning", "one-person")]
    assert read_jsonl(sampled.annotations / "persons.jsonl", PersonAlias)
    validate_annotations(sampled)


def test_numbers_that_may_be_one_person_are_asked_for(sampled):
    take(sampled, "a.json", one_each(1))
    before = (sampled.annotations / "pilot" / "judgements.jsonl").read_bytes()
    with pytest.raises(KhabarError) as caught:
        take(sampled, "b.json", one_each(1, first=11))

    (issue,) = caught.value.issues
    assert (caught.value.exit_code, issue.code, issue.where) == (2, "which-annotator", f"{sampled.root.name}/b.json")
    assert (sampled.annotations / "pilot" / "judgements.jsonl").read_bytes() == before


@pytest.mark.parametrize(("choice", "people"), [("same", 1), ("other", 2), ("server", 1), ("other server", 2)])
def test_each_choice_of_the_question_answers_it(sampled, choice, people):
    take(sampled, "a.json", one_each(1))
    known = judged(sampled)[0]
    options = {
        "same": {"given": {"1": known.annotator}}, "other": {"given": {"1": "ali"}},
        "server": {"origin": known.origin}, "other server": {"origin": "ali"},
    }[choice]  # fmt: skip
    take(sampled, "b.json", one_each(1, first=11), **options)

    assert (len(judged(sampled)), len(annotators(sampled))) == (6, people)
    again = take(sampled, "b.json", one_each(1, first=11))  # the answer is remembered
    assert (len(judged(sampled)), len(annotators(sampled))) == (6, people)
    assert codes(again) == ([("warning", "not-in-export")] if choice == "server" else [])


def test_later_update_counts_and_an_earlier_one_does_not(sampled):
    take(sampled, "a.json", one_each(1))
    report = take(sampled, "b.json", one_each(1, start=5, changed=LATER))
    assert str(report.imported) == "0 new, 3 changed, 0 known before"
    assert {j.spans[0].start for j in judged(sampled)} == {5}

    take(sampled, "a.json", one_each(1))
    assert {j.spans[0].start for j in judged(sampled)} == {5}


def test_annotations_that_a_later_export_lacks_stay_until_prune(sampled):
    take(sampled, "a.json", one_each(1))
    report = take(sampled, "b.json", one_each(1)[:1])
    assert (len(judged(sampled)), codes(report)) == (3, [("warning", "not-in-export")])
    assert "kept: 2 (annotation 2 of article" in report.issues[0].message

    report = take(sampled, "b.json", one_each(1)[:1], prune=True)
    assert (len(judged(sampled)), codes(report)) == (1, [("warning", "not-in-export")])
    assert "removed: 2" in report.issues[0].message


def test_prune_spares_other_servers(sampled):
    take(sampled, "a.json", one_each(1))
    take(sampled, "b.json", one_each(1, made=LATER))
    take(sampled, "a.json", one_each(1)[:1], prune=True)

    assert len(judged(sampled)) == 4


def test_cache_that_was_deleted_loses_nothing(sampled):
    take(sampled, "a.json", one_each(1))
    take(sampled, "b.json", one_each(1, made=LATER))
    before = judged(sampled)
    shutil.rmtree(sampled.work / "collected")
    take(sampled, "a.json", one_each(1))

    assert judged(sampled) == before


@pytest.mark.parametrize("who", [None, {}, {"email": ""}, "missing"])
def test_deleted_account_keeps_the_pseudonym_of_its_annotations(sampled, who):
    take(sampled, "a.json", one_each(1))
    before = judged(sampled)
    gone = one_each(who)
    for task in gone if who == "missing" else ():
        del task["annotations"][0]["completed_by"]
    report = take(sampled, "b.json", gone)

    assert judged(sampled) == before
    assert codes(report) == [("warning", "no-account")]


def test_annotations_of_nobody_on_one_article_are_of_two(sampled):
    both = [annotation(1, None), annotation(2, None)]
    take(
        sampled, "a.json", [{"id": 1, "data": {"text": TEXTS[0]}, "annotations": both}, *tasks(annotation(3, None))[:1]]
    )

    assert sorted(j.annotation_id for j in judged(sampled)) == [1, 2, 3]
    assert len(annotators(sampled)) == 3


def test_account_of_nobody_that_becomes_known_is_a_person_of_its_own(sampled):
    take(sampled, "a.json", one_each(None))
    nobodies = annotators(sampled)
    report = take(sampled, "b.json", tasks(annotation(1, 5), annotation(2, 6), annotation(3, 5)))

    assert (len(judged(sampled)), len(annotators(sampled)), annotators(sampled) & nobodies) == (3, 2, set())
    assert report.exit_code == 0


def test_two_organisations_of_one_export_are_two_origins(sampled):
    content = tasks(annotation(1, 1), organization=3) + tasks(annotation(1, 1, made=LATER), organization={"id": 7})
    take(sampled, "a.json", content)

    assert (len(judged(sampled)), len(annotators(sampled))) == (2, 2)
    take(sampled, "b.json", tasks(annotation(11, 1, made=LATER), project={"id": 1, "organization": 7}))
    assert len(annotators(sampled)) == 2


def test_project_uid_is_an_origin(sampled):
    take(sampled, "a.json", tasks(annotation(1, 1), project={"uid": "c0ffee-11"}))
    take(sampled, "b.json", tasks(annotation(2, 1), project={"uid": "c0ffee-11"}))
    take(sampled, "c.json", tasks(annotation(3, 1), project={"uid": "c0ffee-22"}))

    assert (len(judged(sampled)), len(annotators(sampled))) == (3, 2)


def test_earlier_project_keeps_its_pseudonyms(sampled):
    take(sampled, "a.json", one_each(7))
    path = sampled.annotations / "pilot" / "judgements.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    old = [{**{k: v for k, v in line.items() if k != "origin"}, "annotator": "a-0000000007"} for line in lines]
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in old), encoding="utf-8")
    before = path.read_bytes()
    shutil.rmtree(sampled.work / "collected")
    take(sampled, "a.json", one_each(7))

    assert path.read_bytes() == before
    take(sampled, "b.json", one_each({"id": 7, "email": "huda@nasim.example"}))
    assert path.read_bytes() == before


def test_odd_tasks_cost_themselves_only(sampled):
    odd = [
        {"id": 8, "data": {"text": TEXTS[1]}},
        {"id": 9, "data": {"text": TEXTS[1]}, "annotations": None},
        7,
        {"id": 5},
    ]
    report = take(sampled, "a.json", tasks(annotation(1, 1)) + odd)

    assert len(judged(sampled)) == 1
    file = f"{sampled.root.name}/a.json"
    assert [(i.code, i.where) for i in report.issues] == [
        ("no-annotations", f"{file}: task 8, task 9"),
        ("not-a-task", f"{file}: task at place 3 of the export, task at place 4 of the export"),
    ]
    assert report.exit_code == 0


def test_an_account_that_the_file_lacks_is_named(sampled):
    report = take(sampled, "a.json", one_each(1), given={"1": "huda", "7": "omar"})

    assert [i.message for i in report.issues] == ["--annotator 7=omar names an account that the file lacks"]


def test_issues_of_two_files_of_one_name_are_told_apart(sampled):
    odd = [{"id": 8, "data": {"text": TEXTS[1]}}]
    for folder, first in (("huda", 1), ("ali", 11)):
        (sampled.root / folder).mkdir()
        report = take(sampled, f"{folder}/a.json", tasks(annotation(first, 1)) + odd, origin=folder)

    found = [i.where for i in report.issues if i.code == "no-annotations"]
    assert sorted(found) == ["ali/a.json: task 8", "huda/a.json: task 8"]


def test_unused_results_and_unknown_labels_are_counted_once_for_each_kind(sampled):
    content = one_each(1)
    for task in content:
        task["annotations"][0]["result"] += [
            {"id": "x", "type": "rating", "value": {"rating": 1}}, {"id": "y", "type": "rating", "value": {"rating": 2}},
            {"id": "z", "type": "brushlabels", "value": {}},
            {"id": "s", "type": "labels", "value": {"start": 9, "end": 11, "labels": ["شخص آخر"]}},
        ]  # fmt: skip
    report = take(sampled, "a.json", content)

    assert [i.message[-11:] for i in report.issues if i.code == "unused-result"] == ["left out: 3", "left out: 6"]
    assert [i.message[-4:] for i in report.issues if i.code == "unknown-label"] == ["t: 3"]
    assert len(report.issues) == 3


@pytest.mark.parametrize(
    "content", [[], {"tasks": []}, [{"id": 1, "data": {"text": "نص غريب"}, "annotations": [annotation(1, 1)]}], [7]]
)
def test_export_of_which_nothing_is_kept_is_a_failure(sampled, content):
    report = take(sampled, "a.json", content)

    assert (report.exit_code, report.issues[-1].code) == (1, "nothing-kept")


def test_faults_of_one_cause_are_one_line(sampled):
    content = tasks(*({"id": n, "completed_by": 1} for n in range(30)), annotation(31, 1))
    report = take(sampled, "a.json", content)
    (issue,) = (issue for issue in report.issues if issue.code == "unreadable-annotation")

    assert issue.where.endswith("and 29 more places")
    assert report.accounts[0].set_aside == {"unreadable": 30}


def test_no_file_holds_an_account(sampled):
    take(sampled, "a.json", one_each(MAIL), origin="majalla-server")
    (sampled.root / "a.json").unlink()
    files = [one for one in sampled.root.rglob("*") if one.is_file()]

    assert [one for one in files if b"huda" in one.read_bytes() or b"majalla" in one.read_bytes()] == []
    assert {j.origin[:2] for j in judged(sampled)} == {"o-"}


def test_options_are_checked(sampled, khabar):
    wrong = khabar("collect", "--from", "a.json", "--annotator", "huda", cwd=sampled.root)
    alone = khabar("collect", "--origin", "huda", cwd=sampled.root)

    assert (wrong.returncode, alone.returncode) == (2, 2)
    assert "--annotator 'huda' does not say who an account is" in wrong.stderr
    assert "--origin and --annotator are for a file" in alone.stderr


@pytest.fixture(scope="module")
def shared_base(tmp_path_factory):
    """A project with a batch of the articles that the exports of ../shared/cases are about."""
    project = fresh(tmp_path_factory.mktemp("shared") / "project")
    walk(project, sorted((CASES / "00-articles-of-the-collect-cases").glob("a*.txt")), size=3)
    return project


@pytest.fixture
def cases(shared_base, tmp_path):
    return Project(shutil.copytree(shared_base.root, tmp_path / "project"))


def taken(project, name):
    return collect.collect(project, None, prune=False, source=CASES / name)


@pytest.mark.shared
def test_shared_case_of_a_deleted_account(cases):
    report = taken(cases, "30-account-deleted/deleted-user.json")

    assert (len(judged(cases)), len(annotators(cases)), report.exit_code) == (4, 2, 0)
    assert "the account was deleted" in report.issues[0].message


@pytest.mark.shared
@pytest.mark.parametrize("names", [("twotwice", "twotwice2"), ("twotwice2", "twotwice")])
def test_shared_case_of_one_person_twice(cases, names):
    for name in names:
        taken(cases, f"31-one-person-counted-twice/{name}.json")

    assert (len(judged(cases)), len(annotators(cases))) == (3, 1)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "issues"),
    [
        ("mixed", [("no-annotations", "mixed.json: task 2")]),
        ("no-completed-by", [("no-account", "no-completed-by.json")]),
        ("completions", [("no-account", "completions.json")]),
        ("storage", []),
    ],
)
def test_shared_cases_of_odd_shapes(cases, name, issues):
    report = taken(cases, f"34-one-odd-task-refuses-all/{name}.json")

    assert [(i.code, i.where.removeprefix("34-one-odd-task-refuses-all/")) for i in report.issues] == issues
    assert (len(judged(cases)), len(judged(cases)[0].spans), report.exit_code) == (1, 2, 0)
