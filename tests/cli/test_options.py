"""Options that several commands share."""

import pytest

from tests.news import lines, news

pytestmark = pytest.mark.slow  # each test runs several commands on a project


@pytest.mark.parametrize("name", ["ray", "dask"])
def test_engine_that_is_not_installed_is_refused(project, khabar, tmp_path, name):
    khabar("ingest", lines(tmp_path / "a.jsonl", [news(1)]), cwd=project.root)
    done = khabar("clean", "--engine", name, cwd=project.root)

    assert done.returncode == 2
    assert (
        done.stderr == f"error[no-engine] the engine {name} is not installed\n    fix: pip install 'khabar[{name}]'\n"
    )
