"""What one trial leaves in its process must not reach the next."""

import resource
import sys

import numpy as np
import pytest

from glassbench.trial.process import free_memory


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process reset its peak")
def test_the_peak_of_one_trial_is_not_that_of_the_trial_before():
    block = np.ones(300_000_000, np.uint8)  # written to, so that the pages are there
    del block
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    free_memory()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after < before - 200_000
