"""Each reason for which a line or a part of one goes, on an invented source, and a twin in which it must stay."""

import pytest

from builder.corpus.cleaning.clean import clean
from builder.corpus.cleaning.edges import mask
from builder.corpus.cleaning.evidence import ALONE, FEW, RARER, is_formula
from builder.corpus.cleaning.parts import _behind_a_sentence
from builder.schema import load_schema
from tests.conftest import ROOT
from tests.corpus.cleaning.sources import (
    GUESTS,
    NO_RULES,
    STANDARD,
    WHERE,
    WHO,
    body,
    count,
    counted,
    drops,
    drops_of,
    page,
    paragraph,
    source,
)

RULES = load_schema(ROOT / "schema").boilerplate
LINE = "تابعوا أخبار المرفأ على قناة نسيم"
LONGER = "تابعوا كل ما يجري في مرفأ السدر والجزر المجاورة على قناة نسيم مساء كل يوم"
"""A line of too many words to stand alone."""
MANY = 24
LETTERS = "ابتثجحخدذرزسشصضطظعغفقكلمنهوي"
SPARE = [paragraph(n) for n in range(5000, 5100)]


def ending(line, pages=MANY, others=0):
    """Pages with a line below their text, and pages without one."""
    return [*source(pages, tail=lambda _: [line]), *source(others, first=pages)]


# Recurring lines.


@pytest.mark.parametrize("line", [LINE, LONGER, "* * *", "هاتف 0123 456", "الغار"])
def test_a_line_that_recurs_goes_at_either_edge(line):
    assert drops_of(ending(line)) == [(line, "recurs")]
    assert drops_of(source(MANY, head=lambda _: [line])) == [(line, "recurs")]


def test_numbers_in_it_may_change():
    pages = source(
        MANY, tail=lambda n: [f"نشر في {n + 1} رجب {1400 + n} على قناة نسيم في مرفأ السدر والجزر المجاورة كلها"]
    )

    assert [rule for _, rule in drops_of(pages)] == ["recurs"]


def test_lines_go_inward_up_to_the_first_without_evidence():
    own = "وهذه قصة أخرى عن البحارة الذين غابوا طويلا ثم عادوا إلى المرفأ القديم سالمين"
    pages = [page([LINE, *body(n), LONGER, *([own] if n == 0 else []), LINE, "الغار"]) for n in range(MANY)]

    assert drops_of(pages) == [(LINE, "recurs"), (LINE, "recurs"), ("الغار", "recurs")]


def test_below_the_fewest_it_stays():
    assert drops_of(ending(LONGER, pages=3, others=MANY)) == [(LONGER, "recurs")]
    assert drops_of(ending(LONGER, pages=2, others=MANY)) == []


def test_beside_copies_of_one_paragraph_it_stays():
    pages = [page([*body(n), SPARE[0], LONGER]) for n in range(MANY)]

    assert drops_of(pages) == []


def test_a_source_of_few_pages_has_no_evidence():
    assert drops_of(ending(LONGER, pages=FEW)) == [(LONGER, "recurs")]
    assert drops_of(ending(LONGER, pages=FEW - 1)) == []


def test_another_source_is_no_evidence():
    counts = count(ending(LONGER))

    assert drops(page([*body(99), LONGER], "barq"), counts) == []
    assert drops(page([*body(99), LONGER], "nasim"), counts) == [(LONGER, "recurs")]


def test_a_line_that_is_also_inside_texts_stays():
    thing = ("tail", "سطر يعود في النصوص مرارا ولا يدل علي شيء غير ما كتبه اصحابه فيها")
    document = page([*body(1), thing[1]])

    assert drops(document, counted({thing: 100, ("inside", thing[1]): 100 // RARER})) == [(thing[1], "recurs")]
    assert drops(document, counted({thing: 100, ("inside", thing[1]): 100 // RARER + 1})) == []


def test_a_line_that_is_also_inside_texts_stays_though_its_parts_recur():
    inside = [page([body(n)[0], LONGER, *body(n)[1:]]) for n in range(100, 112)]

    assert drops_of([*ending(LONGER), *inside]) == []


@pytest.mark.parametrize(
    "line",
    ["ودمتم سالمين", "والله الموفق", "والله من وراء القصد", "وإلى اللقاء في الأسبوع المقبل", "والسلام عليكم", "هذا والله أعلم", LINE + ".",
     "هل يعود البحارة؟", "عاش البحر!", "ثم قال الربان:", "والبقية تأتي…"],
)  # fmt: skip
def test_closing_formulae_and_sentences_stay(line):
    assert drops_of(ending(line)) == []


def test_a_long_line_stays():
    line = f"{LONGER} {LONGER}"

    assert 100 < len(line) < 200
    assert drops_of(ending(line)) == []


def test_the_count_that_is_enough_grows_with_the_source():
    thing = ("tail", "سطر من كلمات كثيرة لا يقف وحده تحت النص ابدا مهما طال النص فوقه")
    document = page([*body(1), thing[1]])

    assert drops(document, counted({thing: 3}, pages=1_500)) == [(thing[1], "recurs")]
    assert drops(document, counted({thing: 3}, pages=2_000)) == []
    assert drops(document, counted({thing: ALONE - 1}, pages=1_000_000)) == []
    assert drops(document, counted({thing: ALONE}, pages=1_000_000)) == [(thing[1], "recurs")]


def test_a_supporting_rule_and_a_rarer_line_are_two_kinds_of_evidence():
    counts = counted({("tail", "صحيفه الضفاف"): 3}, pages=5_000)
    rare = counted({("tail", "صحيفه الضفاف"): 3}, pages=10_000)

    assert drops(page([*body(1), "صحيفة الضفاف"]), counts, RULES) == [("صحيفة الضفاف", "agency-named")]
    assert drops(page([*body(1), "صحيفة الضفاف"]), counts) == []
    assert drops(page([*body(1), "صحيفة الضفاف"]), rare, RULES) == []
    assert drops(page([*body(1), "صحيفة الضفاف"]), counted({}), RULES) == []


def test_a_page_never_loses_all_its_lines():
    assert drops(page([LINE]), count(ending(LINE))) == []
    assert drops(page([LINE, LINE]), count(ending(LINE))) == []


# Parts of lines at edges.

SIGNED = [f"نسيم – {one}" for one in GUESTS]


def test_a_line_of_fields_of_which_one_recurs_goes():
    assert drops_of(source(MANY, tail=lambda n: [SIGNED[n]])) == [(SIGNED[0], "recurring-field")]
    assert drops_of(source(MANY, head=lambda n: [SIGNED[n]])) == [(SIGNED[0], "recurring-field")]


def test_fields_of_few_pages_and_of_a_sentence_stay():
    few = [*source(2, tail=lambda n: [SIGNED[n]]), *source(MANY, first=2)]
    long = source(MANY, tail=lambda n: [f"نسيم – عاد البحارة من رحلتهم الطويلة إلى مرفأ {GUESTS[n]} سالمين غانمين."])

    assert drops_of(few) == []
    assert drops_of(long) == []


IMPRINT = [f"تصدر هذه الصفحة عن دار الضفاف للنشر في كل أسبوع ويحررها لكم {one}" for one in GUESTS]


def test_a_line_of_which_most_words_recur_goes():
    assert drops_of(source(MANY, tail=lambda n: [IMPRINT[n]])) == [(IMPRINT[0], "recurring-part")]


def test_a_part_of_few_pages_and_of_a_sentence_stays():
    assert drops_of([*source(2, tail=lambda n: [IMPRINT[n]]), *source(MANY, first=2)]) == []
    assert drops_of(source(MANY, tail=lambda n: [IMPRINT[n] + "."])) == []


LABELLED = [f"رابط الخبر: وصول السفينة إلى مرفأ {one}" for one in GUESTS]


@pytest.mark.parametrize("side", ["head", "tail"])
def test_a_label_that_recurs_takes_its_line(side):
    assert drops_of(source(MANY, **{side: lambda n: [LABELLED[n]]})) == [(LABELLED[0], "recurring-label")]
    assert drops_of([*source(10, **{side: lambda n: [LABELLED[n]]}), *source(MANY, first=10)]) == [
        (LABELLED[0], "recurring-label")
    ]


def test_a_label_of_few_pages_stays():
    said = [
        f"رابط الخبر: وصول سفينة {WHO[n % 7]} إلى مرفأ {one} بعد رحلة طويلة في البحر البعيد"
        for n, one in enumerate(GUESTS)
    ]

    assert drops_of([*source(9, tail=lambda n: [said[n]]), *source(MANY, first=9)]) == []


@pytest.mark.parametrize("verb", ["قال", "وأضاف", "وختم قائلا"])
def test_a_verb_of_speech_is_no_label(verb):
    """One word is none, and more of them stand inside texts too."""
    said = [
        f"{verb}: لن تبحر سفينة {WHO[n % 7]} إلى مرفأ {one} قبل أن يهدأ هذا البحر العنيد"
        for n, one in enumerate(GUESTS)
    ]
    pages = [page([body(n)[0], said[n], *body(n)[1:], said[(n + 1) % 29]]) for n in range(MANY)]

    assert drops_of(pages) == []


def test_a_label_that_is_inside_a_tenth_as_often_stays():
    document = page([*body(1), LABELLED[0] + " بعد رحلة طويلة في البحر البعيد كله"])
    label = ("label", "رابط الخبر")

    assert [rule for _, rule in drops(document, counted({label: 100, ("inside label", label[1]): 10}))] == [
        "recurring-label"
    ]
    assert drops(document, counted({label: 100, ("inside label", label[1]): 11})) == []
    assert drops(document, counted({label: 9})) == []


# Lines that stand alone.

ALONE_LINES = [f"{one} سراج" for one in GUESTS]


def test_a_line_alone_where_the_source_often_has_one_goes():
    pages = [*source(12, tail=lambda n: [ALONE_LINES[n]]), *source(12, first=12)]

    assert drops_of(pages) == [(ALONE_LINES[0], "lone-line")]


def test_a_line_alone_where_the_source_seldom_has_one_stays():
    pages = [*source(9, tail=lambda n: [ALONE_LINES[n]]), *source(15, first=9)]

    assert drops_of(pages) == []


@pytest.mark.parametrize("line", ["عاد البحارة سالمين.", "هل يعود البحارة؟", "• سراج", LONGER])
def test_a_sentence_beside_paragraphs_stays(line):
    pages = [*source(20, tail=lambda n: [ALONE_LINES[n]], first=1), page([*body(99), line])]

    assert drops(pages[-1], count(pages)) == []


def test_the_last_verse_of_a_poem_stays():
    verses = ["يا بحر هل من عودة", "لمن مضى وراء الأفق", "والموج يعرف الطريق", "ولا يقول ما سبق"]
    counts = count(source(20, tail=lambda n: [ALONE_LINES[n]]))

    assert drops(page([paragraph(1), *verses]), counts) == []
    assert drops(page([*verses, paragraph(1), verses[0]]), counts) == []


def test_a_line_above_the_text_goes_only_where_the_record_has_another_title():
    counts = count(source(20, head=lambda n: [ALONE_LINES[n]]))
    lines = ["عودة المنارة", *body(99)]

    assert drops(page(lines), counts) == []
    assert drops(page(lines, title="بحارة السدر يعودون"), counts) == [("عودة المنارة", "lone-line")]


# The record.


@pytest.mark.parametrize("line", ["عودة المنارة", "«عَودة المنارة»", "عودة  المنارة!"])
def test_the_records_title_above_the_text_goes(line):
    assert drops_of([page([line, *body(1)], title="عودة المنارة")]) == [(line, "record-title")]


def test_a_title_that_is_the_first_verse_of_a_poem_stays():
    verses = ["يا بحر هل من عودة", "لمن مضى وراء الأفق", "والموج يعرف الطريق", "ولا يقول ما سبق"]

    assert drops_of([page(verses, title=verses[0])]) == []
    assert drops_of([page([*verses, *body(1)], title=verses[0])]) == []


def test_a_title_below_the_text_or_inside_it_stays():
    title = "عودة المنارة"

    assert drops_of([page([*body(1), title], title=title)]) == []
    assert drops_of([page([body(1)[0], title, *body(1)[1:]], title=title)]) == []
    assert drops_of([page([title + " إلى العمل", *body(1)], title=title)]) == []
    assert drops_of([page([title], title=title)]) == []


AUTHOR = "طلال عبد الله الكتاني"


@pytest.mark.parametrize(
    "line", [AUTHOR, f"بقلم: {AUTHOR}", f"{AUTHOR} – مرفأ السدر", "طَلال عبدالله الكتاني", "طلال عبد الله"]
)
def test_a_line_that_names_the_records_author_goes(line):
    assert drops_of([page([line, *body(1)], author=AUTHOR)]) == [(line, "record-author")]
    assert drops_of([page([*body(1), line], author=AUTHOR)]) == [(line, "record-author")]
    assert drops_of([page([line, *body(1)])]) == []


@pytest.mark.parametrize(
    ("line", "author"),
    [
        ("نسيم", "نسيم"),  # too short to be a person's alone
        (f"{AUTHOR} يروي قصة السفينة التي عادت", AUTHOR),
        ("طلال", AUTHOR),
        ("لبانة الزعفراني", AUTHOR),
    ],
)
def test_other_lines_about_an_author_stay(line, author):
    assert drops_of([page([*body(1), line], author=author)]) == []


def test_an_author_inside_the_text_stays():
    assert drops_of([page([body(1)[0], AUTHOR, *body(1)[1:]], author=AUTHOR)]) == []


# Parts of a paragraph.


def parts_of(document, counts):
    done = clean(document, STANDARD, NO_RULES, counts)
    (article,) = done.articles
    return article.text, [(document.raw[drop.start : drop.end], drop.rule) for drop in done.drops]


def signed(number, sign="نسيم – متابعات: "):
    first, *rest = body(number)
    return page([sign + first, *rest])


def test_a_signature_of_the_source_is_cut_from_the_first_paragraph():
    pages = [*(signed(n) for n in range(12)), *source(12, first=12)]

    assert parts_of(pages[0], count(pages)) == ("\n".join(body(0)), [("نسيم – متابعات:", "recurring-prefix")])


def test_a_signed_last_paragraph_stays():
    pages = [*(signed(n) for n in range(12)), *source(12, first=12)]

    assert drops(page([paragraph(99), "نسيم – متابعات: " + paragraph(98)]), count(pages)) == []


@pytest.mark.parametrize("sign", ["قال: ", "وقال الربان: ", "نسيم: ", ""])
def test_words_before_a_colon_that_are_no_fields_stay(sign):
    assert drops_of([signed(n, sign) for n in range(MANY)]) == []


def test_a_signature_of_few_pages_stays():
    assert drops_of([*(signed(n) for n in range(9)), *source(15, first=9)]) == []


def test_the_authors_name_is_cut_from_the_first_paragraph():
    text, cut = parts_of(page([f"{AUTHOR}: {paragraph(1)}", paragraph(2)], author=AUTHOR), count([]))

    assert (text, cut) == (f"{paragraph(1)}\n{paragraph(2)}", [(f"{AUTHOR}:", "record-author")])
    assert drops(page([f"لبانة الزعفراني: {paragraph(1)}"], author=AUTHOR), count([])) == []


def glued(number, tail=LINE, sign=""):
    return page([paragraph(number), f"{paragraph(number + 200)} {paragraph(number + 300)[:-1]}{sign}{tail}"])


@pytest.mark.parametrize("sign", [".", ". ", "» ", ".. ", "!"])
def test_last_words_that_end_many_texts_are_cut_behind_a_sentence(sign):
    pages = [glued(n, sign=sign) for n in range(MANY)]
    text, cut = parts_of(pages[0], count(pages))

    assert cut == [(LINE, "recurring-suffix")]
    assert text == pages[0].raw.removesuffix(LINE).rstrip()


@pytest.mark.parametrize(
    ("tail", "sign"),
    [
        (LINE, " "),  # the sentence goes on
        (LINE + ".", ". "),
        ("والله من وراء القصد وهو الموفق", ". "),
    ],
)
def test_other_last_words_stay(tail, sign):
    assert drops_of([glued(n, tail, sign) for n in range(MANY)]) == []


@pytest.mark.parametrize("credit", ["(نسيم)", "ع ب م", "(صورة من الأرشيف)"])
def test_few_words_behind_the_last_sentence_are_cut_where_they_recur(credit):
    pages = [glued(n, credit, ". ") for n in range(MANY)]
    text, cut = parts_of(pages[0], count(pages))

    assert cut == [(credit, "recurring-suffix")]
    assert text == pages[0].raw.removesuffix(credit).rstrip()
    assert drops_of([glued(n, "والله أعلم", ". ") for n in range(MANY)]) == []
    assert drops_of([*(glued(n, credit, ". ") for n in range(2)), *source(MANY, first=2)]) == []


def test_headlines_that_recur_stay_where_the_record_names_no_title():
    """A daily headline: the date in it is masked, so that it recurs."""
    line = "توقعات الطقس في مرفأ السدر ليوم {} من الشهر"
    counts = counted({("head", "توقعات الطقس في مرفا السدر ليوم 0 من الشهر"): 24}, pages=2_400)

    assert drops(page([line.format(7), *body(1)]), counts) == []
    assert drops(page([line.format(7), *body(1)], title="عنوان آخر"), counts) == [(line.format(7), "recurs")]


@pytest.mark.parametrize("line", ["8 - قول الربان القديم للبحارة", "سلوة البحارة 3/164", "7- وصايا الربان الأخير"])
def test_numbers_are_no_field_and_numbered_lines_stay(line):
    words = [" ".join(paragraph(n + 700).split()[2:6]) for n in range(MANY)]
    pages = [page([*body(n), f"{n} - {words[n]}"]) for n in range(MANY)]

    assert drops_of([*pages, page([*body(MANY), line])]) == []


def test_headings_that_recur_stay():
    """A word or two that few pages share, a marked line at the head, the first words of the text below it."""
    for line in ("القصة", "## الدروس المستفادة", "• الفائدة الأولى"):
        assert drops(page([line, *body(1)]), counted({("head", mask(STANDARD.fold(line))): 3}, pages=100)) == []
    story = "القصة كما رواها الربان " + paragraph(1)
    counts = counted({("head", "القصه كما رواها الربان"): 30}, pages=100)
    assert drops(page(["القصة كما رواها الربان", story], title="عنوان آخر"), counts) == []
    assert drops(page(["القصة كما رواها الربان", *body(1)], title="عنوان آخر"), counts)


def test_a_line_below_a_colon_or_in_quotation_marks_does_not_stand_alone():
    for above, first, last in (("وقال الشاعر:", "", ""), (".", "«", "»")):
        lines = [f"{first}{' '.join(paragraph(n + 700).split()[2:6])}{last}" for n in range(MANY)]
        pages = [page([paragraph(n), f"{paragraph(n + 300)[:-1]}{above}", lines[n]]) for n in range(MANY)]

        assert drops_of(pages) == []


@pytest.mark.parametrize(
    "ending",
    ["وبلغت النسبة في الجزيرة 2.5 بالمئة", 'وكتبت عنه صحيفة "الضفاف" اليومية', "راسلوا البلدية على bahr@nasim.example",
     "هاتف الميناء 0123. 456", "(رواه مسلم)", "صدر في العام الماضي. 1920"],
)  # fmt: skip
def test_the_rest_of_a_number_a_name_or_an_address_stays(ending):
    assert drops_of([glued(n, f"{GUESTS[n]} {ending}", " ") for n in range(MANY)]) == []


def test_neighbouring_labels_are_a_form():
    """Two labels that both recur are fields of a recipe; one alone is a link."""

    def answer(n):
        return f"{LETTERS[n % 28]}{LETTERS[n // 28]}ر بعض"

    recipes = [page([*body(n), f"مدة الطهو: {answer(n)}", f"عدد الحصص: {answer(n + 99)}"]) for n in range(MANY)]

    assert drops_of(recipes) == []
    linked = [page([*body(n), f"رابط الخبر: عودة السفينة رقم {n} إلى المرفأ"]) for n in range(MANY)]
    assert [rule for _, rule in drops_of(linked)] == ["recurring-label"]


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        ("والحمد لله رب العالمين", True), ("وبالله التوفيق", True), ("طلال عبد الله", False), ("حزب الله", False),
        ("مرفأ السدر", False), ("إلى اللقاء", True),
    ],
)  # fmt: skip
def test_formulae_are_known_and_names_are_none(line, is_one):
    assert is_formula(STANDARD.fold(line)) == is_one


def test_last_words_that_are_also_inside_stay():
    inside = [page([glued(n, sign=". ").raw.split("\n")[1], paragraph(n)]) for n in range(400, 406)]

    assert drops_of([*(glued(n, sign=". ") for n in range(MANY)), *inside]) == []


def test_last_words_of_two_pages_stay():
    assert drops_of([*(glued(n, sign=". ") for n in range(2)), *source(MANY, first=2)]) == []


@pytest.mark.parametrize(
    ("line", "start", "expected"),
    [
        ("انتهي العام. شارك الخبر", 13, 13),
        ("انتهي العام.شارك الخبر", 17, 12),
        ("انتهي العام شارك الخبر", 17, 0),
        ("شارك الخبر", 0, 0),
    ],
)
def test_a_suffix_begins_behind_an_end_mark(line, start, expected):
    assert _behind_a_sentence(line, start) == expected


def test_a_quiet_source_keeps_everything():
    """Poems, lists and short texts of one source, of which nothing recurs."""
    poem = ["يا بحر هل من عودة", "لمن مضى وراء الأفق"]
    verses = [[f"{GUESTS[n]} {verse} {GUESTS[-n - 1]}" for verse in poem] for n in range(MANY)]
    pages = [page([*verses[n], f"{WHERE[n % 6]}: {n}"]) for n in range(MANY)]
    kept = [drops(one, count(pages)) for one in (*pages, *source(MANY))]

    assert [found for found in kept if found] == []
