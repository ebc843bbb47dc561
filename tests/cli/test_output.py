"""What reaches a terminal: no control character of a name, a title or a server's message."""

import json
import re
from dataclasses import dataclass

import pytest

from builder.cli.output import Console, show
from builder.corpus.explain import text as explanation
from builder.records import MANIFEST, Dropped, Issue, Line, Progress, Report, StageCounts
from tests.live.small import ROWS, make_release

HOSTILE = "\x1b]0;owned\x07\x9b2J\r\N{RIGHT-TO-LEFT OVERRIDE}txt\N{LINE SEPARATOR}خبر\N{ZERO WIDTH NON-JOINER}ها"
SAFE = "⟨ESC⟩]0;owned⟨BEL⟩⟨CSI⟩2J⟨CR⟩⟨RLO⟩txt⟨LS⟩خبر\N{ZERO WIDTH NON-JOINER}ها"


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleReport(Report):
    """A report with a title."""

    title: str

    def lines(self):
        """Return the title."""
        yield Line("title", self.title)


REPORT = TitleReport(
    "build",
    (StageCounts("clean", "lines", 1, 0, {HOSTILE: 1}),),
    (Issue("error", "x", HOSTILE, where=HOSTILE, fix=HOSTILE, article_id=HOSTILE, annotator=HOSTILE, link=HOSTILE),),
    set_aside=(Dropped("clean", HOSTILE, HOSTILE, HOSTILE),),
    title=HOSTILE,
)


def test_report_shows_control_characters_by_their_names(capsys):
    show(REPORT, Console(verbose=True))
    printed = capsys.readouterr()

    assert printed.out == (
        f"clean: 1 lines in, 0 kept\n         1  {SAFE}\n    {SAFE}: {SAFE}: {SAFE}\ntitle: {SAFE}\n"
    )
    assert printed.err == (f"{SAFE} {SAFE} {SAFE}: error[x] {SAFE}\n    fix: {SAFE}\n    see: {SAFE}\n")


def test_json_is_faithful_and_has_no_control_character(capsys):
    show(REPORT, Console(as_json=True))
    printed = capsys.readouterr().out

    assert json.loads(printed)["title"] == HOSTILE
    assert not set(HOSTILE) & {c for c in printed if ord(c) < 32 or 127 <= ord(c) < 160} - {"\n"}


def test_lines_of_a_name_forge_no_line_of_output(capsys):
    show(Report("clean", set_aside=(Dropped("clean", "a\nerror[x] b", "reason"),)), Console(verbose=True))

    assert capsys.readouterr().out == "    a⟨LF⟩error[x] b: reason\n"


@pytest.mark.parametrize("as_json", [False, True])
def test_progress_shows_them_too(capsys, as_json):
    console = Console(as_json=as_json, said=-100.0)
    console.progress(HOSTILE)
    console.step(Progress("clean", 1, 2, 1, 0, {HOSTILE: 1}, 1.0))
    printed = capsys.readouterr().err

    assert SAFE in printed
    assert not {"\x1b", "\x9b", "\r"} & set(printed)


def test_argument_of_a_user_is_shown_too(tmp_path, khabar):
    done = khabar("status", HOSTILE, cwd=tmp_path)

    assert done.returncode == 2
    assert "⟨ESC⟩]0;owned" in done.stderr
    assert "\x1b" not in done.stderr


RAW = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f\N{LEFT-TO-RIGHT EMBEDDING}-\N{RIGHT-TO-LEFT OVERRIDE}\N{LINE SEPARATOR}]")


@pytest.mark.parametrize("options", [["--json"], [], ["-v"]])
def test_diff_of_hostile_releases_prints_no_control_character(tmp_path, khabar, options):
    row = {**ROWS["entities"]["train"][0], "id": HOSTILE, "text": f"ليلى {HOSTILE}", "spans": []}
    make_release(tmp_path / "old")
    make_release(tmp_path / "new", "1.1.0", ROWS | {"entities": {"train": [row], "test": ROWS["entities"]["test"]}})
    manifest = json.loads((tmp_path / "new" / MANIFEST).read_bytes())
    (tmp_path / "new" / MANIFEST).write_text(json.dumps(manifest | {"profile": HOSTILE}), encoding="utf-8")
    done = khabar("diff", tmp_path / "old", tmp_path / "new", *options, cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert not RAW.findall(done.stdout + done.stderr)
    assert "--json" not in options or json.dumps(HOSTILE) in json.dumps(json.loads(done.stdout))


def test_json_of_explain_has_no_control_character():
    printed = explanation.as_json(Dropped("clean", HOSTILE, "reason"))

    assert json.loads(printed)["what"] == HOSTILE
    assert not RAW.findall(printed)
