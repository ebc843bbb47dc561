"""Three annotators, two for each article, and a collect that is killed at random moments: nothing lost, nothing twice."""

import random
import secrets
import signal
import threading
import time
from collections import Counter

import pytest

from builder.annotation.pseudonyms import pseudonym
from builder.commands.collect import collect
from builder.commands.send import send
from builder.io.jsonl import read_jsonl
from builder.labelstudio import annotator
from builder.labelstudio.download import cache
from builder.project.annotations import collected_path, labelstudio_project_of
from builder.project.corpus import read_articles
from builder.records import Judgement
from tests.conftest import DAY, drawn
from tests.live.child import child_of
from tests.live.desks import ANSWER, project_of

pytestmark = pytest.mark.live
COLLECTOR = """
import sys
from pathlib import Path
from builder.commands import collect
from builder.labelstudio.download import cache, sqlite, sync
from builder.project.project import Project
import label_studio_sdk
sync.CHUNK = 2  # many parts, so that a kill falls between or into them
print("ready", flush=True)
sys.stdin.readline()
collect.collect(Project(Path(sys.argv[1])), None, prune=False)
print("done", flush=True)
"""


@pytest.fixture
def answered(label_studio, tmp_path):
    """Sixty articles, each answered by exactly two of three annotators, none collected yet."""
    project = project_of(tmp_path / "sixty", "separate", 60)
    (project.work / "studio").symlink_to(label_studio.work)
    send(project, "pilot", dry_run=False, progress=print, annotators=[email for email, _ in label_studio.logins])
    given = {one.id: ANSWER for one in read_articles(project)}

    def work(email, password):
        place = labelstudio_project_of(project, "pilot", pseudonym(project.pseudonym_key(), email))
        annotator.annotate_as(place["url"], email, password, int(place["project_id"]), given)

    crew = [threading.Thread(target=work, args=login) for login in label_studio.logins]
    for one in crew:
        one.start()
    for one in crew:
        one.join()
    return project


def test_collect_killed_at_any_moment_gives_the_same_bytes(answered, record_property):
    path = answered.annotations / "pilot" / "judgements.jsonl"
    kept = collected_path(answered, "pilot")
    with child_of(COLLECTOR, answered.root) as child:
        began = time.monotonic()
        assert child.stdout.readline() == "done\n"
        duration = time.monotonic() - began
    whole = path.read_bytes()
    judged = Counter(one.article_id for one in read_jsonl(path, Judgement))
    seed, sizes = secrets.randbits(32), []
    moments = random.Random(seed)  # noqa: S311 - moments, not secrets
    tenths = drawn(range(10), 2)
    record_property("drawn", f"kills in the tenths {[*tenths]}, KHABAR_DAY={DAY}")
    for number in tenths:
        for file in [path, *kept.parent.glob("*")]:
            file.unlink(missing_ok=True)
        with child_of(COLLECTOR, answered.root) as child:
            time.sleep(duration * (number + moments.random()) / 10)
            child.send_signal(signal.SIGKILL)
            child.wait(timeout=30)
        with cache.open_cache(kept) as db:
            sizes.append(cache.counts(db).judgements)
        left = path.read_bytes() if path.exists() else whole
        report = collect(answered, None, prune=False)

        assert left == whole, f"a file is there whole or not at all: kill {number} of seed {seed}"
        assert path.read_bytes() == whole, f"kill {number} of seed {seed}, {duration:.2f} s for all"
        assert [(one.taken, one.kept) for one in report.accounts] == [(120, 120)]
    assert judged == dict.fromkeys((one.id for one in read_articles(answered)), 2)
    assert set(sizes) - {0, 120}, f"no kill came in the middle: {sizes} of seed {seed}"
