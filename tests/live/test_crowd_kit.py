"""The model of Dawid and Skene beside crowd-kit's own, in an environment of its own: it brings transformers."""

import json
import math
import subprocess

import pytest

from builder.annotation.adjudication.dawid_skene import estimate
from tests.annotation.examples import SETS, annotator_crowd
from tests.live.environments import python_with

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]
ROUNDS = 50
FIT = """
import json, sys, pandas
from crowdkit.aggregation import DawidSkene
told = pandas.DataFrame(json.load(sys.stdin), columns=["task", "worker", "label"])
model = DawidSkene(n_iter=int(sys.argv[1]), tol=-1).fit(told)
errors = [[worker, given, row.to_dict()] for (worker, given), row in model.errors_.iterrows()]
print("FOUND" + json.dumps([model.probas_.to_dict("index"), model.priors_.to_dict(), errors]))
"""


@pytest.mark.parametrize("name", SETS)
def test_as_many_rounds_give_what_crowd_kit_gives(name):
    answers = annotator_crowd(*SETS[name])
    told = [(item, who, value) for (item, _), given in answers.items() for who, value in given.items()]
    python = python_with("crowd-kit-1.4.2", "crowd-kit==1.4.2", "numpy<2.3")
    done = subprocess.run(
        [python, "-c", FIT, str(ROUNDS)], input=json.dumps(told), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    posterior, prior, errors = json.loads(done.stdout.split("FOUND")[1])

    model = estimate(answers, rounds=ROUNDS, tolerance=-math.inf)

    assert model.prior == pytest.approx(prior, abs=1e-8)
    assert len(model.posterior) == len(posterior) == len(answers)
    for (item, _), shares in model.posterior.items():
        assert shares == pytest.approx(posterior[item], abs=1e-8)
    assert len(errors) > 0
    for who, given, row in errors:
        assert {true: model.confusion[who][true][given] for true in row} == pytest.approx(row, abs=1e-8)
