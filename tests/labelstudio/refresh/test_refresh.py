"""What a running project's tasks become: the same names as the files, with who was asked what."""

from hypothesis import given
from hypothesis import strategies as st

from builder.annotation.migration.rename import Rewritten, rename_answers, rename_dispute, rename_question
from builder.io.plain import from_plain, to_plain
from builder.labelstudio.download.sync import in_present_names
from builder.labelstudio.parse import parse_tasks
from builder.labelstudio.refresh.renamed import rename_results, restored
from builder.labelstudio.refresh.updated import renames_of
from builder.labelstudio.tasks import result_of
from builder.records import Judgement, LabelVersion, OfferedName, Span, Stance

TEXT = "قالت الوزيرة سلمى الراوي إن توسعة ميناء مرجانة تبدأ في مايو"
LABELS, VALUES = ("A", "B", "C"), ("favor", "against")
TARGETS = ("metro", "port")
spans = st.lists(
    st.builds(lambda a, n, label, i: Span(a, a + n, label, f"r{i}"), st.integers(0, 9), st.integers(1, 4),
              st.sampled_from(LABELS), st.integers(0, 99)), max_size=8,
)  # fmt: skip
stances = st.dictionaries(st.sampled_from(TARGETS), st.sampled_from(VALUES)).map(
    lambda given: tuple(Stance(target, value) for target, value in sorted(given.items()))
)
renames = st.fixed_dictionaries(
    {
        "entities": st.dictionaries(st.sampled_from(LABELS), st.sampled_from(("A", "B", "C", "NEW"))),
        "targets": st.just({}),
        "values": st.dictionaries(st.sampled_from(VALUES), st.sampled_from(("favor", "against", "pro"))),
    }
)


def task(result, **data):
    targets = [{"id": name, "name": name, "options": []} for name in TARGETS]
    own = {"article_id": "x", "text_sha": "t", "batch": "b", "guideline": "g2", "schema": "v2", "targets": targets}
    answer = {"id": 7, "completed_by": 3, "result": result, "created_at": "2026-01-01", "updated_at": "2026-01-02T00:00:00Z",
              "lead_time": 1.0, "updated_by": 9}  # fmt: skip
    return {"id": 1, "data": own | data, "annotations": [answer], "drafts": []}


def parsed(plain):
    (judgement,) = parse_tasks([plain], str).judgements
    return judgement


def result(marks, answers):
    return result_of(marks, answers, {"text": TEXT, "targets": [{"id": name} for name in TARGETS]})


@given(spans, stances, renames)
def test_the_server_and_the_files_are_rewritten_alike(marks, answers, names):
    before = result(marks, answers)
    in_files = rename_answers(to_plain(parsed(task(before))), names, Rewritten())
    on_server = parsed(task(rename_results(before, names)))

    assert from_plain(Judgement, in_files).spans == on_server.spans or _same_but_kept(in_files, on_server)
    assert from_plain(Judgement, in_files).stances == on_server.stances


def _same_but_kept(in_files, on_server):
    """Whether only which of several equal spans is kept differs: files are sorted, a page is in the order of drawing."""

    def bare(found):
        return sorted((span.start, span.end, span.label) for span in found)

    return bare(from_plain(Judgement, in_files).spans) == bare(on_server.spans)


def version(key, number, **names):
    return LabelVersion(key, number, tuple(OfferedName(shown, name) for shown, name in names.items()))


def test_a_label_of_a_page_that_was_open_during_the_update_has_its_present_name():
    versions = {"v1": version("v1", 1, PER="PERS", LOC="LOC"), "v2": version("v2", 2, PERS="PERS", LOC="LOC")}

    assert renames_of("v1", versions)["entities"] == {"PER": "PERS"}
    assert renames_of("v2", versions)["entities"] == {"PER": "PERS"}


def test_a_swap_is_not_made_twice():
    versions = {"v1": version("v1", 1, A="B", B="A"), "v2": version("v2", 2, A="A", B="B")}

    assert renames_of("v1", versions)["entities"] == {"A": "B", "B": "A"}
    assert renames_of("v2", versions)["entities"] == {}


def test_an_answer_from_before_an_update_keeps_its_page_and_its_person():
    before = {
        "7": {
            "schema": "v1",
            "guideline": "g1",
            "until": "2026-01-02T00:00:00Z",
            "by": None,
            "at": "2026-01-01T00:00:00Z",
        }
    }
    old = task(result((), ()), before=before)
    changed = replace_time(old, "2026-01-03T00:00:00Z")

    assert (parsed(old).schema, parsed(old).guideline) == ("v1", "g1")
    assert (parsed(changed).schema, parsed(changed).guideline) == ("v2", "g2")
    assert restored(old)["annotations"][0]["updated_by"] is None
    assert parsed(restored(old)).updated_at == "2026-01-01T00:00:00Z"
    assert restored(changed)["annotations"][0]["updated_by"] == 9


def replace_time(plain, at):
    return plain | {"annotations": [plain["annotations"][0] | {"updated_at": at}]}


RENAMES = {"entities": {"A": "NEW"}, "targets": {"metro": "subway"}, "values": {"A": "pro", "favor": "yes"}}


def test_answers_to_passages_get_labels_and_answers_to_stances_get_values():
    questions = [{"id": "span:0:4"}, {"id": "stance:metro"}, {"id": "-"}]
    given = [
        {"type": "choices", "from_name": f"stance_{slot}", "value": {"choices": [answer]}}
        for slot, answer in enumerate(("A+B", "favor", "unused"))
    ]

    made = rename_results(given, RENAMES, questions)
    assert [one["value"]["choices"] for one in made] == [["NEW+B"], ["yes"], ["unused"]]
    assert [rename_question(one["id"], RENAMES) for one in questions] == ["span:0:4", "stance:subway", "-"]


def test_a_downloaded_ruling_has_the_names_that_its_page_is_kept_under():
    versions = {"v1": version("v1", 1, A="NEW"), "v2": version("v2", 2, NEW="NEW")}
    ruling = task(
        [{"type": "choices", "from_name": "stance_0", "to_name": "text", "id": "c", "value": {"choices": ["A"]}}],
        schema="v1",
    )
    ruling["data"]["targets"] = [{"id": "span:0:4", "name": "1", "options": []}]

    assert parsed(in_present_names(ruling, versions)).stances == (Stance("span:0:4", "NEW"),)


def test_answers_to_questions_on_the_whole_article_keep_names_that_a_stance_had():
    names = {"entities": {"even": "flat"}, "targets": {}, "values": {"even": "level"}}
    held = [{"from_name": "question_tone", "type": "choices", "value": {"choices": ["even"]}},
            {"from_name": "stance_0", "type": "choices", "value": {"choices": ["even"]}}]  # fmt: skip
    asked = {"article_id": "x-0", "what": "question:tone", "answers": {"a-1": "even", "a-2": "good"}}
    judged = {"article_id": "x-0", "annotator": "a-1", "spans": [], "stances": [],
              "answers": [{"question": "tone", "value": "even"}]}  # fmt: skip

    assert [one["value"]["choices"] for one in rename_results(held, names)] == [["even"], ["level"]]
    assert rename_dispute(asked, names, Rewritten()) == asked
    assert rename_answers(judged, names, Rewritten()) == judged
