"""Groups against a brute-force oracle, planted copies, and any order of the input."""

import random
import re
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.corpus.duplicates import FEW_WORDS, SAME, group
from builder.records import Article, Group, sha16
from builder.text.profiles import profile

FOLD = profile("standard@1").fold
SYLLABLES = ("با", "كت", "رين", "صود", "مال", "عف", "حين", "دور", "لقا", "شين")


def article(name, text):
    return Article(name, name, 0, None, text, (), (), "standard@1+0", sha16(text))


def words(chance, count):
    return ["".join(chance.choices(SYLLABLES, k=3)) for _ in range(count)]


def edited(chance, text, share):
    return [w if chance.random() > share else chance.choice(SYLLABLES) for w in text]


def oracle(articles):
    """Connected components of exact Jaccard over string shingles, all pairs compared."""
    texts = {a.id: re.findall(r"\w+", FOLD(a.text)) for a in articles}

    def jaccard(left, right):
        size = 3 if min(len(left), len(right)) < FEW_WORDS else 5
        a, b = ({tuple(t[i : i + size]) for i in range(max(1, len(t) - size + 1))} for t in (left, right))
        return len(a & b) / len(a | b)

    root = {name: name for name in texts}
    for a in sorted(texts):
        for b in sorted(texts):
            if a < b and jaccard(texts[a], texts[b]) >= SAME:
                low, high = sorted((root[a], root[b]))
                root = {name: low if r == high else r for name, r in root.items()}
    return root, {name: jaccard(texts[name], texts[r]) for name, r in root.items()}


@pytest.fixture(scope="module")
def planted():
    """60 texts of 20 to 300 words, most with copies that differ in 0 to 6 % of the words."""
    chance = random.Random(5)  # noqa: S311 - seeded test data
    articles = []
    for number in range(60):
        text = words(chance, chance.randint(20, 300))
        copies = [edited(chance, text, chance.choice((0, 0.005, 0.01, 0.06))) for _ in range(chance.randint(0, 3))]
        articles += [article(f"{number:02}-{i}", " ".join(t)) for i, t in enumerate([text, *copies])]
    return articles


def test_groups_are_those_of_comparing_all_pairs(planted):
    found = group(planted, FOLD)
    root, similarity = oracle(planted)

    assert {row.article_id: row.group_id for row in found} == root
    assert {row.article_id: row.similarity for row in found} == pytest.approx(similarity)
    assert [row.article_id for row in found] == sorted(root)
    assert 20 < len(set(root.values())) < len(planted) - 20


def test_a_kind_says_how_an_article_compares_with_its_root(planted):
    text = {a.id: FOLD(a.text) for a in planted}
    members = defaultdict(list)
    rows = group(planted, FOLD)
    for row in rows:
        members[row.group_id].append(row)
    for root, found in members.items():
        for row in found:
            twins = [other.article_id for other in found if text[other.article_id] == text[root]]
            alike = row.article_id in twins and len(twins) > 1
            assert row.kind == ("single" if len(found) == 1 else "exact" if alike else "near")

    assert {row.kind for row in rows} == {"single", "exact", "near"}


@given(st.randoms(use_true_random=False))
@settings(max_examples=10)
def test_order_does_not_matter(planted, chance):
    shuffled = list(planted)
    chance.shuffle(shuffled)

    assert group(shuffled, FOLD) == group(planted, FOLD)


def test_spelling_and_marks_do_not_hide_a_copy():
    text = "أعلنت وزارة الصحة في مدينة السدر إطلاق حملة كبرى لتلقيح الأطفال على مدى شهر كامل " * 3
    noisy = text.replace("أ", "ا").replace("ة", "ه").replace("ى", "ي").replace("ملة", "مْلة").replace("دين", "ديـن")

    assert group([article("a", text), article("b", noisy)], FOLD) == [
        Group("a", "a", 1.0, "exact"),
        Group("b", "a", 1.0, "exact"),
    ]


def test_a_wire_copy_with_a_dateline_and_a_cut_end_is_near():
    chance = random.Random(1)  # noqa: S311 - seeded test data
    text = words(chance, 200)
    copy = ["السدر", "نسيم", *text[:185]]
    first, second = group([article("a", " ".join(text)), article("b", "، ".join(copy))], FOLD)

    assert (first.kind, second.kind, second.group_id) == ("near", "near", "a")
    assert SAME <= second.similarity < 1


def test_copies_on_both_sides_of_the_short_text_boundary_are_found():
    chance = random.Random(2)  # noqa: S311 - seeded test data
    text = words(chance, FEW_WORDS - 1)
    longer = [*text, *words(chance, 2)]

    assert {row.group_id for row in group([article("a", " ".join(text)), article("b", " ".join(longer))], FOLD)} == {
        "a"
    }


@pytest.mark.parametrize("text", ["!", "كلمة", "كلمة أخرى"])
def test_tiny_texts_stand_alone_unless_equal(text):
    rows = group([article("a", text), article("b", text), article("c", text + " وزيادة")], FOLD)

    assert [(row.group_id, row.kind) for row in rows] == [("a", "exact"), ("a", "exact"), ("c", "single")]


def test_nothing_has_no_groups():
    assert group([], FOLD) == []
