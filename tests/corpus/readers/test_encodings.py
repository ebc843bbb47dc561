"""Detecting the encoding of bytes, and text that was damaged earlier."""

import json
import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.corpus.readers.detection.damage import mojibake, visual_order
from builder.corpus.readers.encodings import NAMES, Decoded, decode
from tests.conftest import ROOT, SHARED

pytestmark = pytest.mark.slow

ARTICLES = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "examples" / "articles").rglob("*.txt"))]
ARTICLES += [
    json.loads(line)["text"]
    for line in (ROOT / "examples" / "articles" / "barq.jsonl").read_text(encoding="utf-8").splitlines()
]
ARTICLES = [article for article in ARTICLES if article.strip()]
SHORT = "افتتح الوزير أمس المعرض السنوي في العاصمة"
MIXED = "أعلنت شركة Al-Nasim (فرع Café d’Orient) أن سعر السهم في بورصة لندن ارتفع 3.5% من \n\n2026، وفق ‹Reuters›."
INVENTED = [*ARTICLES, SHORT, MIXED, *(article[:100] for article in ARTICLES)]
BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"

# What other alphabets look like; repeated, for a rule that counts.
OTHERS = [
    ("Le président a été élu à l’unanimité dès sa première réunion; où êtes-vous, garçon? Noël, çà et là.", "cp1252"),
    ("Über die Brücke führte früher ein schmaler Weg nach Süden, größer als heute. Die Männer hören.", "cp1252"),
    ("El señor Muñoz llegó mañana; ¿qué pasó aquí? Según él, está más allá del río.", "cp1252"),
    ("Министр открыл сегодня утром ежегодную книжную ярмарку в столице при участии издателей.", "cp1251"),
    ("Министр открыл сегодня утром ежегодную книжную ярмарку в столице при участии издателей.", "koi8-r"),
    ("Ο υπουργός εγκαινίασε σήμερα το πρωί την ετήσια έκθεση βιβλίου στην πρωτεύουσα.", "cp1253"),
    ("השר פתח הבוקר את יריד הספרים השנתי בבירה בהשתתפות סופרים רבים ומוציאים לאור.", "cp1255"),
    ("Bakan bu sabah başkentte yıllık kitap fuarını açtı; çok sayıda yazar ve yayıncı katıldı.", "cp1254"),
    ("وزیر فرهنگ امروز صبح نمایشگاه سالانه کتاب را در پایتخت افتتاح کرد و گفت که بزرگ است", "cp1256"),
    (SHORT, "iso8859-6"),
    (SHORT, "mac-arabic"),
    (SHORT, "cp720"),
    ("部长今天上午在首都为一年一度的书展揭幕许多作家和出版商出席了仪式", "gbk"),
    ("大臣は今朝首都で毎年恒例の書籍見本市を開き多くの作家と出版社が参加した", "shift-jis"),
]


def told(content, declared=None):
    """What bytes are read as, or the name of what they are not."""
    try:
        return decode(content, declared).encoding
    except UnicodeDecodeError as error:
        return f"not {error.encoding} at {error.start}"


@pytest.mark.parametrize("encoding", NAMES)
@pytest.mark.parametrize("text", INVENTED, ids=range(len(INVENTED)))
def test_arabic_is_detected_in_each_encoding(text, encoding):
    content = text.encode(encoding, "replace")  # Arabic-Indic digits are not in windows-1256

    assert decode(content) == Decoded(
        content.decode(encoding), encoding, "default" if encoding == "utf-8" else "detected"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_byte_order_mark_decides_and_is_removed(encoding, text):
    assert decode((BYTE_ORDER_MARK + text).encode(encoding)) == Decoded(text, encoding, "mark")


@given(st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: not text.startswith(BYTE_ORDER_MARK)))
def test_valid_utf_8_is_read_as_utf_8(text):
    assert decode(text.encode()).text == text
    assert decode(text.encode(), "utf-8").text == text
    assert decode(text.encode(), "windows-1256").text == text


@given(st.sampled_from(ARTICLES), st.integers(0), st.sampled_from([b"", b"\xc7", b"\xff", b"\x00", b"\xd8", b"?"]))
def test_broken_utf_8_is_never_windows_1256(article, place, spoil):
    content = article.encode()
    place %= len(content)

    assert told(content[:place] + spoil + content[place + 1 :]).startswith(("utf-8", "not utf-8"))
    assert told(content[:place] + spoil).startswith(("utf-8", "not utf-8"))


@pytest.mark.parametrize("declared", [None, "windows-1256"])
def test_mixed_encodings_are_refused_at_the_first_byte(declared):
    both = f"{SHORT}\n".encode() + SHORT.encode("windows-1256")

    assert told(both, declared) == f"not utf-8 at {len(SHORT.encode()) + 1}"


@pytest.mark.parametrize(("text", "encoding"), OTHERS)
def test_other_alphabets_are_not_taken_for_arabic(text, encoding):
    content = "\n".join([text] * 5).encode(encoding, "ignore")

    assert told(content).startswith("not utf-8 at ")


@given(st.binary(max_size=400))
def test_random_bytes_are_never_windows_1256(content):
    assert told(content) != "windows-1256"


def test_short_text_is_refused_unless_declared():
    content = "افتتح المعرض".encode("windows-1256")

    assert told(content) == "not utf-8 at 0"
    assert decode(content, "windows-1256") == Decoded("افتتح المعرض", "windows-1256", "declared")


def test_valid_utf_8_overrides_a_declaration():
    assert decode(SHORT.encode(), "windows-1256") == Decoded(SHORT, "utf-8", "detected")
    assert decode(b"plain", "windows-1256") == Decoded("plain", "windows-1256", "declared")
    assert told(SHORT.encode("windows-1256"), "utf-8") == "not utf-8 at 0"


def test_declared_utf_16_needs_no_mark():
    assert decode("خبر".encode("utf-16-be"), "utf-16-be") == Decoded("خبر", "utf-16-be", "declared")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ((BYTE_ORDER_MARK + SHORT).encode("utf-16-le") + b"\x27", "utf-16-le"),
        (SHORT.encode("utf-16-be") + b"\x06", "utf-16-be"),
        (BYTE_ORDER_MARK.encode("utf-16-le") + b"\x00\xd8\x41\x00", "not utf-16-le at 2"),
        ((BYTE_ORDER_MARK + SHORT).encode("utf-32-le"), "not utf-8 at 0"),
        ((BYTE_ORDER_MARK + SHORT).encode("utf-32-be"), "not utf-8 at 0"),
    ],
)
def test_truncated_file_is_read_and_utf_32_refused(content, message):
    assert told(content) == message


SPOILED = [
    ("utf-8", "latin-1", "UTF-8 that was read as windows-1252"),
    ("utf-8", "windows-1252", "UTF-8 that was read as windows-1252"),
    ("utf-8", "windows-1256", "UTF-8 that was read as windows-1256"),
    ("windows-1256", "windows-1252", "windows-1256 that was read as windows-1252"),
    ("windows-1256", "latin-1", "windows-1256 that was read as windows-1252"),
    ("windows-1256", "utf-8", "replacement characters left by a faulty decoding"),
]


@pytest.mark.parametrize(("written", "read", "what"), SPOILED)
@pytest.mark.parametrize("text", ARTICLES, ids=range(len(ARTICLES)))
def test_mojibake_is_reported_with_place_and_share(text, written, read, what):
    errors = "ignore" if read == "windows-1252" else "replace"
    spoiled = "2026: " + text.encode(written, "replace").decode(read, errors)
    garbled = mojibake(spoiled)

    assert garbled.what == what
    assert garbled.share > 0.5
    assert spoiled[garbled.start :].startswith(garbled.sample)


def test_one_damaged_line_is_found_in_a_page():
    spoiled = SHORT.encode().decode("windows-1256")
    garbled = mojibake(f"{ARTICLES[0]}\n{spoiled}")

    assert garbled.start == len(ARTICLES[0]) + 1
    assert garbled.share < 0.2


@pytest.mark.parametrize("text", [*INVENTED, *(text for text, _ in OTHERS)], ids=range(len(INVENTED) + len(OTHERS)))
def test_sound_text_is_no_mojibake(text):
    assert mojibake(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "قال «نعم»؛ ثم سكت، ثم قال: ط، ظ، ع، غ. وأضاف: «حافظ؟ حظ!» والشرط: ظ؛",
        "Øya og Ångström på Færøyene: «Ø», ÆØÅ, NAÏVETÉ, ÉÉN",
        "السعر ٣٫٥ £ أو 4 € – «عکس» و«ظگ»",
        "x\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}",
    ],
)
def test_mojibake_letters_may_occur_in_sound_text(text):
    assert mojibake(text) is None


FORMS = {
    (unicodedata.normalize("NFKC", letter), unicodedata.decomposition(letter).partition(" ")[0][1:-1]): letter
    for letter in map(chr, range(0xFE80, 0xFEFD))
}
LETTERS = sorted(letter for letter, form in FORMS if form == "isolated" and len(letter) == 1)
WORDS = st.lists(st.text(LETTERS, min_size=1, max_size=9), min_size=6, max_size=30)


def shaped(word):
    """The glyphs of a word, first letter first: what a renderer paints."""
    glyphs, joined = [], False
    for place, letter in enumerate(word):
        onward = (letter, "initial") in FORMS and place + 1 < len(word) and (word[place + 1], "final") in FORMS
        before = joined and (letter, "final") in FORMS
        form = {(0, 0): "isolated", (0, 1): "initial", (1, 1): "medial", (1, 0): "final"}[before, onward]
        glyphs.append(FORMS.get((letter, form), letter))
        joined = onward
    return "".join(glyphs)


def painted(text, *, visual):
    """A text as presentation forms; in visual order each line also stands from left to right."""
    lines = [re.sub("[ء-ي]+", lambda word: shaped(word[0]), line) for line in text.split("\n")]
    return "\n".join(line[::-1] if visual else line for line in lines)


def test_reference_shaping_matches_a_known_word():
    assert shaped("كتاب") == "\ufedb\ufe98\ufe8e\ufe8f"


@pytest.mark.parametrize("text", [SHORT, *ARTICLES], ids=range(len(ARTICLES) + 1))
def test_visual_order_is_detected_by_letter_joining(text):
    backward = visual_order(painted(text, visual=True))

    assert backward.share > 0.8
    assert unicodedata.normalize("NFKC", backward.sample[0]) == unicodedata.normalize("NFKC", backward.sample)[0]
    assert visual_order(painted(text, visual=False)) is None
    assert visual_order(text) is None


@given(WORDS)
def test_logical_order_is_never_taken_for_visual(words):
    assert visual_order(painted(" ".join(words), visual=False)) is None


@given(WORDS)
def test_reversed_words_are_found_wherever_letters_join(words):
    text = painted(" ".join(words), visual=True)
    joined = [word for word in words if shaped(word) != "".join(FORMS[letter, "isolated"] for letter in word)]

    assert (visual_order(text) is None) == (not joined) or len(joined) == 1


@pytest.mark.parametrize(
    "text",
    [
        "\ufdf2 \ufdfa قال \ufd3eسلام\ufd3f",
        "ا\ufefb وال\ufefbزم وا\ufef7مر \ufefa",
        "\ufe8f \ufe8f \ufe8f",
    ],
)
def test_isolated_glyphs_and_signs_have_no_order(text):
    assert visual_order(text) is None


def test_share_counts_all_arabic_letters():
    one = painted(SHORT, visual=True)
    found = visual_order(f"{ARTICLES[0]}\n{one}")

    assert 0 < found.share < 0.2
    assert found.start > len(ARTICLES[0])


@pytest.mark.parametrize(
    "piece", ["Ø§", "ط§", "ÇáæÒíÑ", "\N{REPLACEMENT CHARACTER}", "\ufe8e", "\ufedb", "ط", "ا ", "a\u064b"]
)
def test_hostile_text_takes_linear_time(piece):
    text = piece * (3_000_000 // len(piece))
    began = time.perf_counter()
    mojibake(text)
    visual_order(text)
    told(text.encode("windows-1256", "replace"))
    told(text.encode("utf-16-le"))

    assert time.perf_counter() - began < 30


@pytest.mark.shared
def test_published_texts_are_neither_mojibake_nor_visual():
    files = [path for path in SHARED.rglob("*") if path.suffix in (".txt", ".json", ".jsonl", ".csv")]
    texts = [path.read_text(encoding="utf-8") for path in files]

    assert len(texts) > 20
    for text in texts:
        for part in [text, *text.split("\n")]:
            assert mojibake(part) is None
            assert visual_order(part) is None
