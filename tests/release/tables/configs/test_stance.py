"""What gold says of a target when it says it twice."""

from dataclasses import replace

from builder.records import Confidence, Vote
from tests.release.material import build_tables


def test_last_vote_for_a_value_and_first_confidence_count(material):
    gold, *others = material.golds
    votes = (Vote("stance:metro", "favor", 9), Vote("stance:metro", "favor", 2), Vote("stance:dam", "favor", 5))
    sure = (Confidence("stance:dam", "favor", "majority", 0.1), Confidence("stance:metro", "favor", "majority", 0.8),
            Confidence("stance:metro", "unclear", "majority", 0.2))  # fmt: skip
    twice = replace(gold, votes=votes, confidence=sure)
    row = build_tables(replace(material, golds=(twice, *others))).tables["stance"]["train"].to_pylist()[0]

    assert (row["label_counts"], row["n_annotators"], row["confidence"]) == ([2, 0, 0, 0, 0], 2, 0.8)


def test_of_two_gold_records_of_an_article_the_last_counts(material):
    gold, *others = material.golds
    votes = (Vote("stance:metro", "favor", 1),)
    golds = (replace(gold, votes=(Vote("stance:metro", "favor", 7),)), replace(gold, votes=votes), *others)
    rows = build_tables(replace(material, golds=golds)).tables["stance"]["train"].to_pylist()

    assert [row["n_annotators"] for row in rows if row["article_id"] == gold.article_id] == [1]
