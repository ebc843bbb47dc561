"""The state of each step of the road, and the digests of what it reads."""

import pytest

from builder.project.stages import states
from builder.project.stages.table import ROAD, STEPS
from tests.builders import kept


def test_the_table_names_what_is_known(project):
    for step in ROAD:
        assert states.read_by(project, step.command).keys() == {*step.reads}, step.command


@pytest.mark.parametrize(("old", "new", "expected"), [
    ("#b3261e", "#b3261f", ("labels.yaml",)),
    ("name: PERS", "name: PERX", ("labels", "labels.yaml")),
])  # fmt: skip
def test_labels_count_without_what_only_people_read(project, old, new, expected):
    before = {name: digest for step in STEPS for name, digest in states.read_by(project, step).items()}
    path = project.root / "schema" / "labels.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    changed = type(project)(project.root)
    after = {name: digest for step in STEPS for name, digest in states.read_by(changed, step).items()}

    assert tuple(sorted(name for name in after if after[name] != before[name])) == expected


def test_kept_annotations_of_the_repository_are_judged(project):
    kept(project)
    found = {each.command: each.state for each in states.states(project)}

    assert {found[command] for command in ("ingest", "clean", "sample", "send", "collect")} == {"done"}
    assert found["check"] == "never"
