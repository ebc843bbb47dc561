"""Names of labels, targets and answers in the files of a batch: other names, and nothing else."""

import json

from builder.annotation.adjudication.decisions import NONE
from builder.annotation.migration.rename import Rewritten, rename_answers, rename_asked, rewrite_lines
from builder.io.plain import from_plain, to_plain
from builder.records import AskedPage, Decision, Dispute, Passage, Span, Stance

RENAMES = {"entities": {"PER": "PERS", "PLACE": "LOC"}, "targets": {"metro": "subway"}, "values": {"favor": "pro"}}


def renamed(record, change):
    line = json.dumps(to_plain(record), ensure_ascii=False).encode() + b"\n"
    done = Rewritten()
    return from_plain(type(record), json.loads(rewrite_lines(line, RENAMES, change, done))), done


def test_a_page_keeps_its_settled_mentions_and_questions_under_the_new_names():
    settled = (Span(0, 4, "ORG"), Span(5, 9, "PER"))
    questions = (
        Dispute("x-0", "span:12:15", {"a-1": "PER+ORG", "a-2": NONE, "a-3": "LOC"}),
        Dispute("x-0", "stance:metro", {"a-1": "favor", "a-2": "against"}),
    )
    page, done = renamed(AskedPage("x-0", "t", 2, settled, questions), rename_asked)

    assert page == AskedPage("x-0", "t", 2, (Span(0, 4, "ORG"), Span(5, 9, "PERS")), (
        Dispute("x-0", "span:12:15", {"a-1": "PERS+ORG", "a-2": NONE, "a-3": "LOC"}),
        Dispute("x-0", "stance:subway", {"a-1": "pro", "a-2": "against"}),
    ))  # fmt: skip
    assert done.lines == 1


def test_a_page_whose_merged_labels_were_on_one_mention_shows_it_once():
    both = (Span(0, 4, "LOC"), Span(0, 4, "PLACE"))
    page, _ = renamed(AskedPage("x-0", "t", 1, both, ()), rename_asked)

    assert page.settled == (Span(0, 4, "LOC"),)


def test_a_page_without_an_old_name_keeps_its_bytes():
    line = b'{"article_id":"x-0",  "text_sha":"t","page":1,"settled":[],"questions":[]}\n'
    done = Rewritten()

    assert rewrite_lines(line, RENAMES, rename_asked, done) == line
    assert done.lines == 0


def test_a_decision_on_passages_keeps_its_scope():
    scope = (Passage(0, 4), Passage(6, 8))
    decision, _ = renamed(
        Decision("x-0", "t", "a-9", (Span(0, 4, "PER"),), (Stance("metro", "favor"),), "", scope), rename_answers
    )

    assert decision == Decision("x-0", "t", "a-9", (Span(0, 4, "PERS"),), (Stance("subway", "pro"),), "", scope)
