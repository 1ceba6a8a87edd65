"""What one trial leaves in its process must not reach the next."""

import resource
import sys

import pytest

from glassbench.trial.process import free_memory


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process reset its peak")
def test_the_peak_of_one_trial_is_not_that_of_the_trial_before():
    block = bytearray(300_000_000)
    del block
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    free_memory()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after < before - 200_000
