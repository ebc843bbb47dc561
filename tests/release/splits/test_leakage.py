"""Leaks: every pair above the thresholds is found, and none below."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.release.splits import leakage
from builder.release.splits.leakage import Pair, cross_split_errors, merge_groups, pairs
from builder.text.similarity import FEW_WORDS, LEAST_CONTAINED, LONG, SAME, SHORT


def brute(texts):
    """Every near or contained pair of distinct texts, by comparing each with each."""
    words = [re.findall(r"\w+", text) for text in texts]
    found = {}
    for left in range(len(texts)):
        for right in range(left + 1, len(texts)):
            if texts[left] in texts[:left] or texts[right] in texts[:right] or not (words[left] and words[right]):
                continue
            shorter = min(len(words[left]), len(words[right]))
            a, b = (runs(words[at], SHORT if shorter < FEW_WORDS else LONG) for at in (left, right))
            common = len(a & b)
            if common / len(a | b) >= SAME:
                found[left, right] = ("near", common / len(a | b))
            elif common / min(len(a), len(b)) >= SAME and shorter >= LEAST_CONTAINED:
                found[left, right] = ("contained", common / min(len(a), len(b)))
    return found


def runs(words, size):
    size = min(size, len(words))
    return {tuple(words[i : i + size]) for i in range(len(words) - size + 1)}


def corpus(seed):
    """Texts of which some are copies with words changed, cut or added."""
    draw = random.Random(seed)  # noqa: S311 - the same texts each time
    vocabulary = [f"كلمة{n}" for n in range(draw.choice([3, 30, 3000]))]
    texts = []
    for _ in range(30):
        words = draw.choices(vocabulary, k=draw.randint(0, 130))
        texts.append(" ".join(words))
        for _ in range(draw.randint(0, 3)):
            copy = [draw.choice(vocabulary) if draw.random() < 0.03 else word for word in words]
            start = draw.randint(0, len(copy) // 2) if draw.random() < 0.5 else 0
            texts.append(" ".join(copy[start:] + draw.choices(vocabulary, k=draw.choice([0, 0, 5, 200]))))
    draw.shuffle(texts)
    return texts


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(25))
def test_pairs_equal_those_of_brute_force(seed):
    texts = corpus(seed)
    found = {(p.left, p.right): (p.kind, p.similarity) for p in pairs(texts) if p.kind != "exact"}
    expected = brute(texts)

    assert found == expected
    assert expected


@pytest.mark.slow
def test_looking_in_small_parts_finds_the_same(monkeypatch):
    texts = corpus(3)
    whole = pairs(texts)
    monkeypatch.setattr(leakage, "AT_ONCE", 40)
    monkeypatch.setattr(leakage, "BATCH", 7)

    assert pairs(texts) == whole


@given(st.lists(st.sampled_from(["", "خبر", "خبر آخر", "نص ثالث"]), max_size=12))
def test_each_of_equal_texts_is_paired_with_the_first(texts):
    expected = [(texts.index(text), at) for at, text in enumerate(texts) if text and texts.index(text) < at]

    assert sorted((p.left, p.right) for p in pairs(texts) if p.kind == "exact") == sorted(expected)


def test_titles_link_articles_unless_they_are_short_or_head_a_series():
    title, heading = "المجلس البلدي يقر الموازنة الجديدة", "نشرة أخبار مرجانة المسائية الكاملة"
    titles = [title, "موجز الأخبار", title, "موجز الأخبار", *[heading] * 21]
    texts = [f"نص مختلف رقم {n}" for n in range(len(titles))]

    assert [p for p in pairs(texts, titles) if p.kind == "related"] == [Pair(0, 2, "related", 1.0)]


def test_a_pair_in_one_split_or_outside_all_is_no_leak():
    found = pairs(["خبر عاجل"] * 4)

    assert cross_split_errors(found, ["a", "b", "c", "d"], ["train", "train", "", "train"], "") == []
    (issue,) = cross_split_errors(found, ["a", "b", "c", "d"], ["train", "train", "", "test"], "take one down")
    assert issue.message == "the same text is in train (a) and in test (d)"
    assert issue.fix == "take one down"


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")),
    st.lists(st.tuples(*[st.sampled_from("abcdefgh")] * 2)),
)
def test_linked_groups_take_the_name_of_the_smallest_article(groups, links):
    links = [(a, b) for a, b in links if a in groups and b in groups]
    found = merge_groups(groups, links)

    assert all(found[a] == found[b] for a, b in links)
    assert all(found[a] == found[b] for a in groups for b in groups if groups[a] == groups[b])
    assert all(min(a for a in groups if found[a] == name) == name for name in found.values())
    assert len(set(found.values())) == len(components(groups, links))


def components(groups, links):
    near = [{a, b} for a, b in links] + [{a for a in groups if groups[a] == name} for name in groups.values()]
    near += [{a, groups[a]} for a in groups if groups[a] in groups]
    joined = [{a} for a in groups]
    for edge in near:
        touched = [one for one in joined if one & edge]
        joined = [one for one in joined if not one & edge] + [set().union(*touched)]
    return joined
