"""The training loop takes the same steps however often it is stopped."""

import dataclasses

import numpy as np
import pytest
import torch

from glassbench.model import Run
from glassbench.training import TrainingFailed, TrainingSettings
from glassbench.training.loop import learning_rate, train_network

INPUTS = torch.as_tensor(np.random.default_rng(0).normal(size=(6, 20, 4)), dtype=torch.float32)
TARGETS = (INPUTS @ torch.tensor([1.0, -2.0, 0.5, 3.0])).tanh()


class Stopped(Exception):
    pass


def train(folder, stop_after=None, seed=3, **changes):
    """Train a small network with dropout on six examples; optionally stop it in the middle."""
    settings = TrainingSettings(
        **{"epochs": 5, "learning_rate": 1e-2, "batch_size": 2, "checkpoint_seconds": 0} | changes
    )
    torch.manual_seed(seed)
    network = torch.nn.Sequential(
        torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Dropout(0.1), torch.nn.Linear(16, 1)
    )
    calls = 0

    def loss_of(index, generator):
        nonlocal calls
        if stop_after is not None and calls == stop_after:
            raise Stopped
        calls += 1
        noise = torch.as_tensor(generator.normal(scale=0.01, size=(20, 4)), dtype=torch.float32)
        prediction = network(INPUTS[index] + noise).squeeze(-1)
        return torch.nn.functional.mse_loss(prediction, TARGETS[index])

    def validate():
        with torch.no_grad():
            return -float((network(INPUTS[0]).squeeze(-1) - TARGETS[0]).square().mean())

    run = Run(seed=seed, target="x", symmetry="none", folder=folder)
    state = train_network(network, len(INPUTS), loss_of, validate, settings, run)
    return network.state_dict(), state


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def test_the_loss_falls(tmp_path):
    _, short = train(tmp_path / "a", epochs=1)
    _, long = train(tmp_path / "b", epochs=40)
    assert long.best_score > short.best_score


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tmp_path):
    first, _ = train(tmp_path / "a")
    second, _ = train(tmp_path / "b")
    other, _ = train(tmp_path / "c", seed=4)
    assert same(first, second)
    assert not same(first, other)


@pytest.mark.parametrize("stops", [(1,), (7,), (13,), (2, 3, 5), (6, 6, 6)])
def test_a_stopped_run_goes_on_to_the_same_weights(tmp_path, stops):
    undisturbed, _ = train(tmp_path / "undisturbed")
    for stop in stops:
        with pytest.raises(Stopped):
            train(tmp_path / "stopped", stop_after=stop)
    resumed, state = train(tmp_path / "stopped")
    assert state.epoch == 5
    assert same(undisturbed, resumed)


def test_a_checkpoint_of_other_settings_is_not_resumed(tmp_path):
    with pytest.raises(Stopped):
        train(tmp_path / "shared", stop_after=9, learning_rate=1e-1)
    after, _ = train(tmp_path / "shared")
    fresh, _ = train(tmp_path / "fresh")
    assert same(after, fresh)


def test_training_stops_when_validation_no_longer_improves(tmp_path):
    _, state = train(tmp_path, epochs=500, patience=3, learning_rate=0.05, checkpoint_seconds=60.0)
    assert state.epoch < 500
    assert state.epoch - state.best_epoch == 3


def test_the_best_weights_are_kept(tmp_path):
    weights, state = train(tmp_path, epochs=30, learning_rate=0.2)
    assert same(weights, state.best_weights)


def test_an_undefined_score_is_never_the_best(tmp_path):
    scores = iter([float("nan"), 0.1, 0.3, float("nan"), 0.2])
    network = torch.nn.Linear(4, 1)
    state = train_network(
        network,
        len(INPUTS),
        lambda index, generator: network(INPUTS[index]).square().mean(),
        lambda: next(scores),
        TrainingSettings(epochs=5),
        Run(seed=0, target="x", symmetry="none", folder=tmp_path),
    )
    assert (state.best_epoch, state.best_score) == (3, 0.3)


def test_a_loss_that_is_not_finite_is_refused(tmp_path):
    with pytest.raises(TrainingFailed, match="lower the learning rate"):
        train(tmp_path, learning_rate=1e30, gradient_clip=0, epochs=20)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": -1}, "epochs is -1: it must be at least 0"),
        ({"learning_rate": -1.0}, "learning_rate is -1.0: it must be above 0"),
        ({"schedule": "cosin"}, "must be one of constant, cosine, warmup_cosine"),
    ],
)
def test_wrong_settings_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TrainingSettings(), **change)


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("constant", [2.0, 2.0, 2.0, 2.0]),
        ("cosine", [2.0, 1 + np.cos(np.pi * 0.1), 1 + np.cos(np.pi * 0.55), 0.0]),
        ("warmup_cosine", [0.0, 2.0, 1.0, 0.0]),
    ],
)
def test_the_learning_rate_follows_the_schedule(schedule, rates):
    settings = TrainingSettings(learning_rate=2.0, schedule=schedule)
    found = [learning_rate(settings, progress) for progress in (0.0, 0.1, 0.55, 1.0)]
    np.testing.assert_allclose(found, rates, atol=1e-12)
