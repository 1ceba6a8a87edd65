"""What one trial leaves in its process must not reach the next."""

import os
import random
import resource
import sys
import warnings

import pytest

from glassbench.trial.process import free_memory, settings_restored


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process reset its peak")
def test_the_peak_of_one_trial_is_not_that_of_the_trial_before():
    block = bytearray(300_000_000)
    del block
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    free_memory()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after < before - 200_000


def test_what_a_model_sets_does_not_reach_the_next(tmp_path):
    import numpy as np
    import torch

    def state():
        of_numpy = np.random.get_state()[1].tolist()  # noqa: NPY002
        drawn = random.getstate(), of_numpy, torch.get_rng_state().tolist()
        settings = os.getcwd(), np.geterr(), torch.get_num_threads(), sys.getrecursionlimit()
        return *settings, dict(os.environ), list(sys.path), *drawn

    before = state()
    with settings_restored():
        os.chdir(tmp_path)
        np.seterr(all="raise")
        warnings.simplefilter("error")
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        torch.set_num_threads(1)
        torch.set_default_device("meta")
        for module in (random, np.random):
            module.seed(1)
        torch.manual_seed(1)
        os.environ.clear()
        sys.path.clear()
        sys.setrecursionlimit(500)
    assert state() == before
    assert torch.zeros(1).device.type == "cpu"
    assert ("error", None, Warning, None, 0) not in warnings.filters
    assert torch.get_default_dtype() == torch.float32 and torch.is_grad_enabled()
