"""CoNLL files in Wojood's columns: what they hold comes back, what they cannot hold is counted; and BILOU."""

import json
from collections import Counter
from dataclasses import replace
from itertools import accumulate

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from builder.records import KhabarError, Span
from builder.release.exports.conll import Mention, Sentence, conll, read_wojood, write_wojood
from builder.release.tables.iob2 import bilou, iob2
from builder.text.tokens import tokenize
from tests.release.exports import reference

TYPES = ("ORG", "GPE", "PERS")


def crosses(one, other):
    first, second = sorted([one, other])
    return first[0] < second[0] < first[1] < second[1]


@st.composite
def sentences(draw):
    """Tokens, and mentions of which no two of a type cross or cover the same tokens."""
    tokens = draw(st.lists(st.sampled_from(["في", "مرجانة", "O", "B-ORG", "😀", "."]), min_size=1, max_size=9))
    places = st.tuples(st.integers(0, len(tokens) - 1), st.integers(1, len(tokens)), st.sampled_from(TYPES))
    mentions = []
    for first, after, label in draw(st.lists(places, max_size=8)):
        same = [(m.first, m.after) for m in mentions if m.label == label]
        if first < after and (first, after) not in same and not any(crosses((first, after), one) for one in same):
            mentions.append(Mention(first, after, label))
    return Sentence(tuple(tokens), tuple(sorted(mentions, key=lambda m: (m.first, -m.after))))


@given(st.lists(sentences(), max_size=5))
@example([Sentence(("في",), ())])
def test_what_is_written_is_read_back(said):
    assert read_wojood(write_wojood(said)) == said


WORDS = ("في", "مرجانة", "وصل", ".", "؟", " ", "\n", "\N{ZERO WIDTH NON-JOINER}", "😀", "«", "د.")


def table_of(*articles):
    """A table of entities from the text and the spans of each article."""
    rows = []
    for number, (text, spans) in enumerate(articles):
        tokens = tokenize(text)
        rows.append({
            "id": f"{number:016x}-0", "text": text, "tokens": [text[start:end] for start, end in tokens],
            "token_spans": [{"start": start, "end": end} for start, end in tokens],
            "spans": [{"start": s.start, "end": s.end, "label": TYPES.index(s.label)} for s in sorted(spans)],
        })  # fmt: skip
    return pa.Table.from_pylist(rows, schema=TABLE)


PLACE = [("start", pa.int32()), ("end", pa.int32())]
TABLE = pa.schema([
    ("id", pa.string()), ("text", pa.string()), ("tokens", pa.list_(pa.string())),
    ("token_spans", pa.list_(pa.struct(PLACE))), ("spans", pa.list_(pa.struct([*PLACE, ("label", pa.int64())]))),
])  # fmt: skip


@st.composite
def articles(draw):
    """A text of words, points and invisible characters, and any spans in it."""
    text = "".join(draw(st.lists(st.sampled_from(WORDS), max_size=14)))
    edges = st.integers(0, len(text))
    return text, draw(st.lists(st.builds(Span, edges, edges, st.sampled_from(TYPES)).filter(lambda s: s.start < s.end)))


@given(st.lists(articles(), max_size=5), st.integers(1, 6))
@example([("في. مرجانة", [Span(0, 10, "ORG"), Span(0, 10, "GPE"), Span(4, 10, "ORG")]), ("", [])], 6)
def test_columns_give_the_files_that_rows_give(made, step):
    table = table_of(*made)
    chunked = pa.concat_tables([table.slice(low, step) for low in range(0, len(table), step)] or [table])

    assert conll({"train": chunked, "test": table[:0]}, TYPES) == reference.conll({"train": table}, TYPES)


@given(articles())
def test_spans_are_kept_exactly_or_set_aside(made):
    text, spans = made
    tokens, spans = tokenize(text), {*spans}

    files = conll({"train": table_of((text, spans))}, TYPES)

    assert files.accounts[0].kept + len(files.set_aside) == len(spans)
    read = read_wojood(files.files["conll/train.txt"].decode())
    begins = [0, *accumulate(len(sentence.tokens) for sentence in read)]
    back = {(begin + m.first, begin + m.after, m.label)
            for begin, sentence in zip(begins, read, strict=False) for m in sentence.mentions}  # fmt: skip
    lost = Counter(one.what.split("/ ")[1] for one in files.set_aside)
    for span in spans:
        covered = [place for place, (start, end) in enumerate(tokens) if start < span.end and span.start < end]
        if not lost[f"{span.start}-{span.end} {span.label}"]:
            assert (covered[0], covered[-1] + 1, span.label) in back
    assert len(back) == files.accounts[0].kept


def test_each_loss_has_its_reason():
    spans = [Span(0, 8, "ORG"), Span(3, 11, "ORG"), Span(0, 7, "ORG"), Span(2, 3, "GPE"), Span(3, 5, "ORG")]

    made = conll({"test": table_of(("وف في في في", spans))}, TYPES)

    assert made.accounts[0].kept == 2
    assert [(one.what.split("/ ")[1], one.reason) for one in made.set_aside] == [
        ("3-11 ORG", "crossing"),
        ("0-7 ORG", "same tokens and type as another"),
        ("2-3 GPE", "no token"),
    ]


def test_the_entities_of_a_release_are_in_its_columns(built, schema):
    made = conll(built.tables["entities"], schema.labels.entity_names)

    assert {*made.files} == {"conll/train.txt", "conll/validation.txt", "conll/test.txt"}
    assert made.accounts[0].taken == made.accounts[0].kept == 16
    assert (made.set_aside, made.cut) == ((), 0)
    (only,) = read_wojood(made.files["conll/validation.txt"].decode())
    (row,) = built.tables["entities"]["validation"].to_pylist()
    assert only.tokens == tuple(row["tokens"])
    spans = [
        (row["token_spans"][m.first]["start"], row["token_spans"][m.after - 1]["end"], m.label) for m in only.mentions
    ]
    names = schema.labels.entity_names
    assert spans == sorted((s["start"], s["end"], names[s["label"]]) for s in row["spans"])
    assert "رئيس B-OCC\nبلدية I-OCC\nمرجانة I-OCC B-GPE\n" in made.files["conll/validation.txt"].decode()


def test_a_sentence_does_not_end_inside_a_mention(altered, material, schema):
    article = material.articles[0]
    text = "قال أحمد. وصل سالم إلى مرجانة. عاد."
    changed = replace(article, text=text, text_sha="t", edits=())
    document = replace(material.documents[0], raw=text)
    gold = replace(material.golds[0], text_sha="t", spans=(Span(4, 18, "EVENT"), Span(23, 29, "GPE")))
    built = altered(
        articles=(changed, *material.articles[1:]), documents=(document, *material.documents[1:]),
        golds=(gold, *material.golds[1:]), judgements=(),
    )  # fmt: skip

    made = conll(built.tables["entities"], schema.labels.entity_names)
    first, second, *_ = read_wojood(made.files["conll/train.txt"].decode())

    assert first.tokens == ("قال", "أحمد", ".", "وصل", "سالم", "إلى", "مرجانة", ".")
    assert first.mentions == (Mention(1, 5, "EVENT"), Mention(6, 7, "GPE"))
    assert second.tokens == ("عاد", ".")


def test_a_span_that_ends_inside_a_token_is_counted(altered, material, schema):
    gold = material.golds[0]
    clipped = replace(gold, spans=(replace(gold.spans[0], end=gold.spans[0].end - 1), gold.spans[1]))

    made = conll(altered(golds=(clipped, *material.golds[1:])).tables["entities"], schema.labels.entity_names)

    assert (made.accounts[0].kept, made.cut) == (16, 1)


@pytest.mark.parametrize("line", ["مرجانة", "مرجانة  O", "مرجانة O ", "مرجانة B-", "مرجانة O B-GPE", " O", "مرجانة\tO"])
def test_a_row_without_such_columns_is_refused_with_its_line(line):
    with pytest.raises(KhabarError) as refused:
        read_wojood(f"في O\n\n{line}\n")

    (issue,) = refused.value.issues
    assert issue.message == f"{line!r} is not a token followed by its tags (O, B-TYPE or I-TYPE), each after one space"
    assert issue.where == "line 3"


@pytest.mark.shared
def test_published_nested_entities_become_the_same_bytes_again(shared):
    mentions, same_type, depth = [], 0, 0
    for name in ("train", "val", "test"):
        published = (shared / "entities" / "wojood-sample" / f"{name}.txt").read_bytes()

        said = read_wojood(published.decode())

        assert write_wojood(said).encode() == published
        for sentence in said:
            mentions += sentence.mentions
            over = [
                [m.label for m in sentence.mentions if m.first <= place < m.after]
                for place in range(len(sentence.tokens))
            ]
            same_type += sum(len(set(labels)) < len(labels) for labels in over)
            depth = max(depth, *map(len, over))
    assert sum(mention.begun for mention in mentions) == 4222
    assert [mention.label for mention in mentions if not mention.begun] == ["FAC"], "goes on without having begun"
    assert (same_type, depth) == (79, 4)


def tweets(shared):
    """Each tweet's text and mentions in characters, and its published tokens and BILOU tags."""
    for path in sorted((shared / "entities" / "idrisi-time" / "json").glob("*/*.jsonl")):
        columns = (shared / "entities" / "idrisi-time" / "bilou" / path.parent.name / f"{path.stem}.txt").read_text(
            "utf-8"
        )
        rows = [[row.rsplit(" ", 1) for row in block.split("\n")] for block in columns.split("\n\n") if block]
        for line, block in zip(path.read_text("utf-8").splitlines(), rows, strict=True):
            tweet = json.loads(line)
            yield tweet["text"], tweet["location_mentions"], *zip(*block, strict=True)


def found_in(text, words):
    """Where the published tokens stand in the text; None where they are not of its characters."""
    places, at = [], 0
    for word in words:
        start = text.find('"' if word == '""' else word, at)
        if start < 0:
            return None
        at = start + len('"' if word == '""' else word)
        places.append((start, at))
    return places


@pytest.mark.slow
@pytest.mark.shared
def test_published_mentions_become_the_published_bilou(shared):
    count, tags_of = 0, Counter()
    for text, mentions, words, tags in tweets(shared):
        assert [text[m["startIdx"] : m["endIdx"]] for m in mentions] == [m["text"] for m in mentions]
        count += len(mentions)
        # Tokens as published, joined by spaces: their tags to characters, and back again.
        tokens, at, spans = [], 0, []
        for word, tag in zip(words, tags, strict=True):
            tokens.append((at, at + len(word)))
            if tag[0] in "BU":
                spans.append([at, 0, tag[2:]])
            if tag[0] in "LU":
                spans[-1][1] = at + len(word)
            at += len(word) + 1
        made = iob2([Span(*span) for span in spans], tokens)
        assert bilou(made.tags) == tags
        assert (made.lost, made.cut) == ((), ())
        tags_of.update(tag[0] for tag in tags)
    assert (count, tags_of["B"] + tags_of["U"]) == (4160, 4160)


@pytest.mark.slow
@pytest.mark.shared
def test_mentions_become_the_published_bilou_tags(shared):
    # The published characters are always those of a name's first place in its tweet; the tags, of its true one.
    agree, unlike = 0, []
    for text, mentions, words, tags in tweets(shared):
        spans = {Span(m["startIdx"], m["endIdx"], m["type"]) for m in mentions}
        once = len(spans) == len(mentions) and all(text.count(text[s.start : s.end]) == 1 for s in spans)
        tokens = found_in(text, words)
        if tokens and once:
            same = bilou(iob2(spans, tokens).tags) == tags
            agree += same
            unlike += [] if same else [next(text[s.end - 1] for s in spans if text[s.end - 1] in '"»')]

    assert (agree, unlike) == (2819, ['"', '"', "»", "»"]), "four tags leave out the quote that closes a mention"
