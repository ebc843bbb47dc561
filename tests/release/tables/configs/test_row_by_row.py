"""Columns made of many rows at once are the rows made one by one, whatever the material."""

import json
from collections import Counter
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from builder.io.hashing import sha16
from builder.records import (
    Article,
    Confidence,
    Dispute,
    Document,
    Drop,
    Gold,
    Group,
    Judgement,
    Release,
    Span,
    Stance,
    Vote,
)
from builder.release.publish.folder import write_release
from builder.release.splits.strategies import SPLIT_NAMES
from builder.release.tables import build as tables_module
from builder.release.tables.build import TAGGED
from builder.release.tables.iob2 import layers, split_at_spans
from builder.release.tables.spill import open_spill
from builder.schema import load_schema
from builder.text.profiles import profile
from builder.text.tokens import tokenize
from tests.conftest import ROOT
from tests.release import row_by_row
from tests.release.material import Material, build_tables
from tests.release.tables.configs.odd_material import odd_material

PIECES = [
    "مرجانة", "وبلدية", "قدمـا", "و", "\N{ARABIC FATHATAN}", "\N{ARABIC TATWEEL}", "\N{RIGHT-TO-LEFT MARK}", "\N{NO-BREAK SPACE}",
    "\N{ARABIC LIGATURE LAM WITH ALEF ISOLATED FORM}", "😀", " ", " ", "  ", "،", ".", "\n", "3.5", "Ab",
]  # fmt: skip
RAW = st.lists(st.sampled_from(PIECES), min_size=1, max_size=10).map("".join)
DATES = st.sampled_from([None, "2026-03-03T18:42:00+03:00", "2026-03-03T18:42:00.123456Z", "2026-03-04", "أمس", ""])
TARGETS = ("metro", "dam")
LABELS = load_schema(ROOT / "schema").labels


@st.composite
def spans_in(draw, text, names):
    if not text:
        return ()
    size = len(text)
    places = st.tuples(st.integers(0, size - 1), st.integers(1, size)).map(
        lambda p: p if p[0] < p[1] else (p[1] - 1, p[0] + 1)
    )
    chosen = draw(st.lists(st.tuples(places, st.sampled_from(names)), max_size=6, unique=True))
    return tuple(Span(start, end, label) for (start, end), label in chosen)


@st.composite
def answers(draw):
    values = st.sampled_from(["favor", "against", "neutral", "unclear"])
    return tuple(Stance(target, draw(values)) for target in draw(st.lists(st.sampled_from(TARGETS), unique=True)))


@st.composite
def pages(draw, number, names):
    """A document, its article, its gold, and what was judged of it."""
    aligned = profile("standard@1").apply(draw(RAW))
    sha = sha16(aligned.text)
    document = Document(
        f"d{number}", draw(st.sampled_from(["barq", "sahel"])), None, draw(DATES), None, aligned.raw, "x",
        author=draw(st.none() | st.just("ندى")),
    )  # fmt: skip
    drops = (Drop(0, 0, "byline", {"author": "سلمى"}),) if draw(st.booleans()) else ()
    article = Article(f"d{number}-0", f"d{number}", 0, draw(st.none() | st.just("خبر")), aligned.text,
                      aligned.packed(), drops, "standard@1", sha)  # fmt: skip
    own, said = draw(spans_in(aligned.text, names)), draw(answers())
    votes = [Vote(f"stance:{one.target}", one.value, draw(st.integers(0, 3))) for one in said]
    sure = [Confidence(f"span:{s.start}:{s.end}", s.label, "majority", 0.75) for s in own[::2]]
    sure += [Confidence(f"stance:{one.target}", one.value, "majority", 0.5) for one in said[:1]]
    decided = draw(st.sampled_from([(), ("spans",), ("stance:metro",)]))
    gold = Gold(article.id, draw(st.sampled_from([sha, sha, sha, "old"])), own, said, "majority", tuple(votes), 2,
                tuple(sure), decided)  # fmt: skip
    judgements = [
        Judgement(article.id, sha, "b1", annotator, draw(spans_in(aligned.text, names)), draw(answers()), "submitted",
                  draw(st.none() | st.just(1.5)), "", "", "g", "s", 1, 2, draw(st.sampled_from(["", "؟"])))
        for annotator in draw(st.sampled_from([(), ("a-1",), ("a-2", "a-1")]))
    ]  # fmt: skip
    open_question = draw(st.sampled_from(["", "", "", "span:0:1", "stance:metro"]))
    disputes = [Dispute(article.id, open_question, {})] if open_question else []
    return document, article, gold if draw(st.booleans()) or draw(st.booleans()) else None, judgements, disputes


@st.composite
def materials(draw):
    labels = LABELS
    made = [draw(pages(number, labels.entity_names)) for number in range(draw(st.integers(0, 3)))]
    homes = {article.id: draw(st.sampled_from([*SPLIT_NAMES, ""])) for _, article, _, _, _ in made}
    return Material(
        tuple(article for _, article, _, _, _ in made),
        tuple(document for document, _, _, _, _ in made),
        tuple(Group(article.id, f"g-{article.id}", 1.0, "single") for _, article, _, _, _ in made),
        {article_id: home for article_id, home in homes.items() if home},
        tuple(one for _, _, _, judgements, _ in made for one in judgements),
        tuple(gold for _, _, gold, _, _ in made if gold),
        tuple(one for _, _, _, _, disputes in made for one in disputes),
        labels.model_copy(update={"clitics": draw(st.sampled_from(["expand", "segment"]))}),
        publish_authors=draw(st.booleans()),
    )


@given(materials())
def test_the_tables_are_those_made_row_by_row(material):
    assert build_tables(material).tables == row_by_row.tables(material)


@pytest.mark.parametrize("clitics", ["expand", "segment"])
def test_two_thousand_articles_with_every_oddity(clitics):
    material = odd_material(2000, LABELS.model_copy(update={"clitics": clitics}))

    built = build_tables(material)

    assert built.tables == row_by_row.tables(material)
    assert all(table.num_rows > tables_module.ROWS for table in built.tables["entities"].values())


def test_batches_smaller_than_the_material_change_no_table(material, built, monkeypatch, tmp_path):
    monkeypatch.setattr(tables_module, "ROWS", 2)

    again = build_tables(material)
    with open_spill(tmp_path) as kept:
        on_disk = build_tables(material, kept)
        kept.rest()

        assert again == on_disk == built
        for split, table in on_disk.tables["entities"].items():
            assert 0 < table.nbytes <= again.tables["entities"][split].nbytes
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@given(materials())
def test_the_ledger_is_what_the_published_rows_lack(tmp_path_factory, material):
    built = build_tables(material)
    folder = tmp_path_factory.mktemp("ledger") / "v1.0.0"
    if any(table.num_rows for table in built.tables["entities"].values()):
        write_release(
            folder,
            built.tables,
            {"README.md": "", "CHANGELOG.md": ""},
            Release("1.0.0", "a/b", "", "", "", "", {}, {}, {}),
        )
    counted = Counter()
    for path in sorted(folder.glob("entities/*.parquet")):
        table = pq.read_table(path)
        known = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
        for row in table.to_pylist():
            recount(row, known["spans"][0]["label"]["names"], known["ner_tags"][0]["names"], counted)
    accounts = {account.unit: account for account in built.accounts}
    outer, inner = (accounts[unit] for unit in TAGGED)

    assert outer.balanced
    assert inner.balanced
    assert inner.taken == outer.set_aside.get("nested", 0)
    assert (outer.taken, outer.kept, inner.kept) == (counted["spans"], counted["outer"], counted["inner"])
    assert built.cut_spans == counted["outer cut"]
    assert built.cut_inner == counted["inner cut"]
    lost = {reason: n for reason, n in outer.set_aside.items() if reason != "nested"} | inner.set_aside
    assert lost == {
        reason: n
        for (kind, reason), n in ((k, n) for k, n in counted.items() if isinstance(k, tuple))
        if kind == "lost"
    }
    listed = Counter(one.reason for one in built.set_aside if one.reason in lost)
    assert listed == lost


def recount(row, labels, tags, counted):
    """Count the spans of a row that can be read back from each layer of its tags, and why others cannot."""
    tokens = [(place["start"], place["end"]) for place in row["token_spans"]]
    left = [Span(one["start"], one["end"], labels[one["label"]]) for one in row["spans"]]
    counted["spans"] += len(left)
    for name, column in (("outer", "ner_tags"), ("inner", "ner_tags_inner")):
        found = row_by_row.held(row, column, tags)
        kept = []
        for span in sorted(left, key=lambda s: (s.start - s.end, s)):  # of two in the same tokens, the longer
            grown = grow(span, tokens)
            if grown in found:
                found.remove(grown)
                kept.append(span)
                counted[name] += 1
                counted[f"{name} cut"] += grown != span
        assert found == []
        left = [span for span in left if span not in kept]
        reasons = {span: reason(span, kept, tokens) for span in left}
        suffix = "" if name == "outer" else ", in a span"
        if name == "outer":
            left = [span for span in left if reasons[span] == "nested"]
        for why in reasons.values():
            if name == "inner" or why != "nested":
                counted["lost", why + suffix] += 1


def grow(span, tokens):
    """A span with the tokens that it overlaps whole."""
    over = [(start, end) for start, end in tokens if start < span.end and span.start < end]
    return Span(over[0][0], over[-1][1], span.label) if over else None


def reason(span, kept, tokens):
    if grow(span, tokens) is None:
        return "no token"
    earlier = [k for k in kept if (k.start - k.end, k) < (span.start - span.end, span)]
    over = [k for k in earlier if k.start < span.end and span.start < k.end]
    if not over:
        return "same token as another"
    return "nested" if any(k.start <= span.start and span.end <= k.end for k in over) else "crossing"


@example("وبمرجانة", [(2, 8)])
@given(RAW, st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=4))
def test_segments_leave_no_span_with_an_edge_inside_a_token(text, places):
    spans = {Span(start, end, "GPE") for start, end in places if start < end <= len(text)}
    pieces = split_at_spans(tokenize(text), spans)
    outer, inner = layers(spans, pieces)
    inside = {place for start, end in tokenize(text) for place in range(start, end)}
    bare = {s for s in spans if {s.start, s.end - 1} <= inside}

    assert [place for start, end in pieces for place in range(start, end)] == sorted(inside)
    assert not {*outer.cut, *inner.cut} & bare
    assert all(why != "same token as another" for _, why in (*outer.lost, *inner.lost))


def test_a_clitic_outside_a_mention_stands_alone_where_tokens_are_cut(material):
    labels = material.labels.model_copy(update={"clitics": "segment"})
    first = material.articles[0]
    start = first.text.index("مرجانة")
    gold = replace(material.golds[0], spans=(Span(start + 1, start + 6, "GPE"),))
    built = build_tables(replace(material, labels=labels, golds=(gold,)))
    (row,) = built.tables["entities"]["train"].to_pylist()
    at = row["tokens"].index("م")

    assert row["tokens"][at : at + 2] == ["م", "رجانة"]
    assert [tag != 0 for tag in row["ner_tags"][at : at + 2]] == [False, True]
    assert built.cut_spans == 0
