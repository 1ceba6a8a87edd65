"""A training goes on from another one's checkpoint with another learning rate."""

import torch

from glassbench.training.checkpoint import (
    CheckpointWriter,
    TrainingState,
    adopt_checkpoint,
    load_checkpoint,
)

SETTINGS = {"learning_rate": 1e-3, "gradient_clip": 1.0, "epochs": 9}


def identity(**changes):
    return {"settings": SETTINGS | changes, "seed": 0, "examples": 4}


def parts():
    network = torch.nn.Linear(2, 1)
    return network, torch.optim.Adam(network.parameters(), lr=1e-3)


def test_weights_and_epoch_stay_and_the_learning_rate_is_the_new_one(tmp_path):
    network, optimiser = parts()
    state = TrainingState(epoch=3, best_score=0.4)
    CheckpointWriter(tmp_path / "donor", network, optimiser, identity()).save(state)
    adopt_checkpoint(tmp_path / "donor", tmp_path / "own", {"learning_rate": 5e-3, "width": 8})
    fresh, fresh_optimiser = parts()
    own = tmp_path / "own"
    assert load_checkpoint(own, fresh, fresh_optimiser, identity(), "cpu") is None
    new = identity(learning_rate=5e-3)
    found = load_checkpoint(own, fresh, fresh_optimiser, new, "cpu")
    assert found.epoch == 3 and found.best_score == 0.4
    assert torch.equal(fresh.weight, network.weight)
    assert load_checkpoint(own, *parts(), new | {"seed": 1}, "cpu") is None


def test_without_a_checkpoint_there_is_nothing_to_adopt(tmp_path):
    adopt_checkpoint(tmp_path / "donor", tmp_path / "own", {"learning_rate": 1.0})
    assert not (tmp_path / "own").exists()
