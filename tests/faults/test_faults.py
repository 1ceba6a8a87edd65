"""Whatever goes wrong, nothing finished is lost, nothing is there twice, the scores are the same.

Each fault is injected once, or as often as $GLASSBENCH_FAULT_REPEATS says.
"""

import os
import subprocess

import pytest

from .bench import Bench
from .scenarios import OWN_MOUNTS, SCENARIOS

REPEATS = int(os.environ.get("GLASSBENCH_FAULT_REPEATS", "1"))


@pytest.fixture(scope="session")
def bench(tmp_path_factory, tiny_dataset):
    return Bench(tmp_path_factory.mktemp("faults"), tiny_dataset)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_fault_costs_nothing_that_was_finished_and_changes_no_score(scenario, bench):
    if scenario == "full_disk" and subprocess.run([*OWN_MOUNTS, "true"], check=False).returncode:
        pytest.skip("this machine lets no name space of one's own be made, to mount a small disk")
    for _ in range(REPEATS):
        for row in SCENARIOS[scenario](bench):
            assert (row.lost, row.duplicated, row.equal) == (0, 0, True), row
            assert row.how != "not injected" and not row.line.startswith("(no line"), row
