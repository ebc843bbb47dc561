"""The card: every slot filled from the tables, or a refusal that says where."""

import re
from dataclasses import replace

import pytest
import yaml

from builder.records import KhabarError
from builder.release.card.facts import card_facts
from builder.release.card.licences import licence_fields
from builder.release.card.markdown import markdown_table
from builder.release.card.render import make_card, render
from builder.release.diff.changelog import changelog, section

TEMPLATE = """---
annotations_creators: [expert-generated]
language_creators: [found]
tags: [news]
---

# {{title}}

{{rows}}
"""


@pytest.fixture
def facts(built, facts_of):
    return card_facts(built=built, **facts_of)


@pytest.fixture
def card_of(built, schema, facts):
    return lambda template: make_card(template, "1.0.0", schema, built.tables, facts)


def refusals(call):
    with pytest.raises(KhabarError) as caught:
        call()
    assert caught.value.exit_code == 2
    return [(issue.where, issue.message) for issue in caught.value.issues]


def test_every_unfilled_or_unknown_slot_is_named_at_its_place():
    template = "# {{title}}\n\n عن {{ wrong }} و{{empty}}\n{{prose: who were\n  they?}}\n{{title\n}} }}\n"

    assert refusals(lambda: render(template, {"title": "t", "empty": " "})) == [
        ("dataset_card.md:3:5", "unknown fact 'wrong'"),
        ("dataset_card.md:3:18", "the fact 'empty' has no value"),
        ("dataset_card.md:4:1", "this part is not written yet: who were they?"),
        ("dataset_card.md:7:4", "a stray '}}'"),
    ]


def test_a_fact_that_looks_like_a_slot_stays_as_it_is():
    assert render("{{a}} {{ b }}", {"a": "{{b}}", "b": "x"}) == "{{b}} x"


def test_faults_of_the_head_and_of_the_slots_come_together(card_of):
    template = (
        TEMPLATE.replace("[found]", "[people]").replace("tags: [news]", "license: mit").replace("{{rows}}", "{{r}}")
    )

    creators = "Input should be 'found', 'crowdsourced', 'expert-generated', 'machine-generated' or 'other'"
    known = "annotations_creators, language_creators, source_datasets, tags"
    assert refusals(lambda: card_of(template)) == [
        ("dataset_card.md:3:21", f"language_creators.0: {creators}"),
        ("dataset_card.md:4:1", f"unknown field 'license'; known fields: {known}"),
        ("dataset_card.md:9:1", "unknown fact 'r'"),
    ]


def test_a_template_without_a_head_is_refused(card_of):
    (only,) = refusals(lambda: card_of("# {{title}}\n"))

    assert only == ("dataset_card.md", "the file must hold a mapping of fields")


def test_a_broken_head_is_refused_with_its_line(card_of):
    ((where, message),) = refusals(lambda: card_of(TEMPLATE.replace("[news]", "[news")))

    assert where.startswith("dataset_card.md:5:")
    assert message.startswith("not YAML: ")


def test_the_head_says_how_each_config_is_loaded(card_of):
    card = card_of(TEMPLATE)
    head = yaml.safe_load(card.split("---\n")[1])

    assert [config["config_name"] for config in head["configs"]] == ["entities", "stance", "annotations", "articles"]
    assert {config["version"] for config in head["configs"]} == {"1.0.0"}
    assert [config.get("default") for config in head["configs"]] == [True, None, None, None]
    assert head["configs"][1]["data_files"][1] == {"split": "validation", "path": "stance/validation-*"}
    assert head["license"] == "cc0-1.0"
    assert head["size_categories"] == ["n<1K"]
    assert head["dataset_info"][0]["splits"][0]["num_examples"] == 5
    assert "&id" not in card
    assert "أخبار مرجانة" in card


@pytest.mark.parametrize(
    ("text", "annotations", "fields"),
    [
        ("CC-BY-4.0", "cc-by-4.0", {"license": "cc-by-4.0"}),
        ("CC BY 4.0", "cc-by-4.0", {"license": "cc-by-4.0"}),
        ("https://creativecommons.org/licenses/by-nc/4.0/", "CC-BY-NC 4.0", {"license": "cc-by-nc-4.0"}),
        ("gfdl", "GFDL", {"license": "gfdl"}),
        ("بإذن صحيفة نسيم", "بإذن صحيفة نسيم", {"license": "other", "license_name": "as-stated-on-the-card"}),
        ("x" * 300, "x" * 300, {"license": "other", "license_name": "as-stated-on-the-card"}),
        (
            "terms: https://nasim.example/terms.",
            "mit",
            {
                "license": "other",
                "license_name": "text-terms-https-nasim.example-terms-annotations-mit",
                "license_link": "https://nasim.example/terms",
            },
        ),
        ("cc0-1.0", "cc-by-4.0", {"license": "other", "license_name": "text-cc0-1.0-annotations-cc-by-4.0"}),
        ("Our own terms", "our own terms", {"license": "other", "license_name": "our-own-terms"}),
    ],
)
def test_two_licences_are_one_only_where_they_are_the_same(schema, text, annotations, fields):
    licence = schema.dataset.licence.model_copy(update={"text": text, "annotations": annotations})

    assert licence_fields(schema.dataset.model_copy(update={"licence": licence})) == fields


def test_counts_on_the_card_are_those_of_the_tables(facts):
    assert "| `entities` | 5 | 1 | 2 | 8 |" in facts["rows"]
    assert "| `annotations` | 15 | 3 | 6 | 24 |" in facts["rows"]
    assert re.search(r"\| `OCC` \|.*\| 5 \| 1 \| 2 \| 8 \|", facts["entity_types"])
    assert re.search(r"\| `PERS` \|.*\| 0 \| 0 \| 0 \| 0 \|", facts["entity_types"])
    assert re.search(r"\| `metro` \|.*`favor` \| 5 \| 1 \| 2 \| 8 \|", facts["stances"])
    assert "| barq | 3 | 0 | 1 | 4 |" in facts["sources"]
    assert "`entities`: 1 of 8 articles were adjudicated" in facts["adjudication"]
    assert facts["annotators"] == (
        "24 judgements by 3 annotators, who are known here by keyed pseudonyms only. They are simulated."
        "\n\nThey declared nothing of themselves."
    )
    assert "| `g1` | `s1` | 24 |" in facts["guidelines"]
    assert "| spans in ner_tags | 16 | 8 | nested: 8 |" in facts["losses"]
    assert facts["cleaning"].endswith("| lines | 50 | 40 | byline: 8; share: 2 |")
    assert facts["profile"] == "`standard@1+ab12`"


def test_an_undefined_figure_is_said_to_be_undefined_with_its_reason(facts):
    assert "| 0.750 | 0.500 to 0.900 | 8 articles | pairwise strict span F1 |" in facts["agreement"]
    assert "| undefined: no article was asked | none | 0 articles | Krippendorff's alpha |" in facts["agreement"]


def test_what_normalisation_changed_is_listed_by_name_and_adds_up(facts, built, facts_of):
    many = {f"U+{code:04X}: deleted": code for code in range(1, 51)}
    long = card_facts(built=built, **facts_of | {"changes": many})["changes"]

    assert facts["changes"].splitlines()[2:] == ["| NO-BREAK SPACE | SPACE | 9 |", "| ARABIC FATHA | deleted | 7 |"]
    assert long.splitlines()[-1] == f"| 10 other kinds |  | {sum(range(1, 11))} |"


def test_no_fact_is_empty_even_when_nothing_was_annotated(altered, facts_of):
    bare = altered(golds=(), judgements=())
    facts = card_facts(built=bare, **facts_of | {"agreement": (), "accounts": (), "changes": {}, "note": ""})

    assert [name for name, value in facts.items() if not value.strip()] == []
    assert facts["agreement"] == "Agreement was not measured."


def test_the_template_of_the_repository_is_filled_whole(root, card_of):
    card = card_of((root / "dataset_card.md").read_text())

    assert "{{" not in card.replace("{{أخبار", "").replace("{{khabar}}", "")
    assert "annotators are simulated" in card
    assert 'revision="v1.0.0"' in card


def test_a_cell_cannot_break_out_of_its_table():
    table = markdown_table(["a"], [["x|y\n| z \\| <script>"]])

    assert table.splitlines() == ["| a |", "|---|", "| x\\|y \\| z \\\\\\| &lt;script> |"]


def test_the_changelog_names_the_version_and_holds_no_date(built):
    text = changelog(section("1.2.0", built.tables))

    assert text.startswith("# Changelog\n\n## 1.2.0\n")
    assert not re.search(r"20\d\d", text)


@pytest.mark.parametrize(
    ("mode", "honest"),
    [
        ("pool", "an annotator who opens the list of all tasks can see them"),
        ("separate", "the server does not keep an annotator out of the projects of others"),
        ("isolated", "No annotator could reach the answers of another"),
    ],
)
def test_the_card_says_how_blind_the_annotators_were(built, facts_of, schema, mode, honest):
    chosen = replace(schema, dataset=schema.dataset.model_copy(update={"assignment": mode}))
    said = card_facts(built=built, **facts_of | {"schema": chosen})["assignment"]

    assert honest in said
    assert f"`{mode}`" in said
    assert "3 of them" in said
