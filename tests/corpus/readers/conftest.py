"""What tests of readers share."""

import resource
import subprocess
import sys

import pytest

from tests.conftest import ROOT

CODE = """
import resource, sys
from builder.corpus.readers.documents import read
from builder.corpus.readers.sources import plan
from builder.schema.dataset import Fields
print(sum(len(part.documents) for piece in plan([sys.argv[1]], Fields()).pieces for part in read(piece)))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.fixture
def measured():
    """Read a file in a process of its own, with at most so many bytes of memory; return the number of documents."""

    def run(path, most):
        done = subprocess.run(
            [sys.executable, "-c", CODE, str(path)], cwd=ROOT, check=True, capture_output=True, text=True
        )
        number, peak = done.stdout.split()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # a child begins with what its parent had
        assert int(peak) * 1024 < most + before * 1024
        return int(number)

    return run
