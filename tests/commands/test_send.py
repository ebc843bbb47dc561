"""The command `send`: what it refuses before any upload."""

from dataclasses import replace

import pytest

from builder.commands.send import send
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.records import BatchItem, KhabarError
from tests.builders import walk
from tests.conftest import ROOT

pytestmark = pytest.mark.slow  # each test runs several commands on a project


def test_batch_with_changed_texts_is_refused(project):
    walk(project, [ROOT / "examples" / "articles"])
    batch = project.annotations / "pilot" / "batch.jsonl"
    items = read_jsonl(batch, BatchItem)
    changed = [replace(items[0], text_sha="0" * 16), replace(items[1], article_id="nowhere-0"), *items[2:]]
    write_jsonl(batch, changed)

    with pytest.raises(KhabarError) as caught:
        send(project, "pilot", dry_run=True, progress=print)

    assert [issue.message for issue in caught.value.issues] == [
        "1 of the 30 articles of batch pilot are not in this project, such as nowhere-0",
        f"1 of the 30 articles of batch pilot have another text now, such as {items[0].article_id}",
    ]


def test_send_without_a_server_says_how_to_start_one(sampled, khabar):
    done = khabar("send", cwd=sampled.root)

    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "error[studio-down] Label Studio is not running for this project\n"
        "    fix: run `khabar studio up`, or set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY\n"
    )
    assert not sampled.accounts("send")
