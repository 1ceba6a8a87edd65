"""Training on particles takes the same steps however often it is stopped, and slows at plateaus."""

import math

import numpy as np
import pytest
import torch

from glassbench.model import Run
from glassbench.training import ParticleSettings, TrainingFailed
from glassbench.training.loop import train_on_particles

INPUTS = torch.as_tensor(np.random.default_rng(0).normal(size=(60, 4)), dtype=torch.float32)
TARGETS = (INPUTS @ torch.tensor([1.0, -2.0, 0.5, 3.0])).tanh()


class Stopped(Exception):
    pass


def train(folder, stop_after=None, seed=3, score=None, reports=None, **changes):
    """Train a small network with dropout; optionally stop it in the middle."""
    settings = ParticleSettings(**{"epochs": 5, "learning_rate": 1e-2, "batch_size": 16} | changes)
    torch.manual_seed(seed)
    network = torch.nn.Sequential(
        torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Dropout(0.1), torch.nn.Linear(16, 1)
    )
    calls = 0

    def loss_of(particles, share, generator):
        nonlocal calls
        if stop_after is not None and calls == stop_after:
            raise Stopped
        calls += 1
        noise = torch.as_tensor(generator.normal(scale=0.01, size=(len(particles), 4)))[share]
        prediction = network(INPUTS[particles[share]] + noise.float()).squeeze(-1)
        return torch.nn.functional.mse_loss(prediction, TARGETS[particles[share]])

    def validate():
        with torch.no_grad():
            return -float((network(INPUTS).squeeze(-1) - TARGETS).square().mean())

    report = (lambda progress: None) if reports is None else reports.append
    run = Run(seed=seed, target="x", symmetry="none", folder=folder, report=report)
    state = train_on_particles(network, len(INPUTS), loss_of, score or validate, settings, run)
    return network.state_dict(), state


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def test_the_loss_falls_and_the_best_weights_are_kept(tmp_path):
    _, short = train(tmp_path / "a", epochs=1)
    weights, long = train(tmp_path / "b", epochs=40)
    assert long.best_score > short.best_score
    assert same(weights, long.best_weights)


@pytest.mark.parametrize("stops", [(1,), (5,), (9, 7)])
def test_a_stopped_run_goes_on_to_the_same_weights(tmp_path, stops):
    undisturbed, _ = train(tmp_path / "undisturbed")
    for stop in stops:
        with pytest.raises(Stopped):
            train(tmp_path / "stopped", stop_after=stop)
    resumed, state = train(tmp_path / "stopped")
    assert state.epoch == 5 and same(undisturbed, resumed)


def test_the_learning_rate_is_divided_by_the_root_of_ten_at_plateaus(tmp_path):
    reports, scores = [], iter([0.5, 0.6, 0.6, 0.6, 0.6, 0.7, 0.7, 0.7, 0.7])
    train(tmp_path, score=lambda: next(scores), reports=reports, epochs=9, plateau=2)
    rates = [progress.learning_rate for progress in reports]
    steps = [0, 0, 0, 0, 1, 1, 1, 1, 2]
    assert np.allclose(rates, [1e-2 / math.sqrt(10) ** k for k in steps])


def test_training_stops_when_validation_no_longer_improves(tmp_path):
    scores = iter([0.5, 0.6, *[0.6] * 20])
    _, state = train(tmp_path, score=lambda: next(scores), epochs=20, patience=3)
    assert state.epoch == 5 and state.best_epoch == 2


def test_without_validation_the_last_weights_stay(tmp_path):
    _, state = train(tmp_path, score=lambda: None)
    assert state.epoch == 5 and not state.best_weights


def test_a_loss_that_is_not_finite_is_refused(tmp_path):
    with pytest.raises(TrainingFailed, match="lower the learning rate"):
        train(tmp_path, learning_rate=1e38, epochs=20)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs is 0: it must be at least 1"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0: it must be above 0"),
        ({"precision": "half"}, "precision is `half`: it must be one of auto, float32, bfloat16"),
    ],
)
def test_settings_that_cannot_be_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        ParticleSettings(**change)
