"""A network that learns all conditions at once predicts each in its own column."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from glassbench.conformance.structures import glassy_structure
from glassbench.model import Condition, Example, Run
from glassbench.training.joint_model import JointModel, mean_squared_error, species_moments

COLD, WARM = Condition.of(temperature=0.56, time=5.0), Condition.of(temperature=0.64, time=5.0)
LATE = Condition.of(temperature=0.64, time=50.0)


class Lines(JointModel):
    """A line through the species for each condition."""

    def network(self, dimension):
        return nn.Linear(1, len(self.columns))

    def encode(self, structure):
        return {"species": torch.as_tensor(structure.species, dtype=torch.float32)[:, None]}

    def augment(self, inputs, matrix):
        return inputs

    def loss(self, forward, inputs, targets):
        return mean_squared_error(forward(inputs["species"]), targets[self.target])

    def outputs(self, forward, inputs):
        return {self.target: forward(inputs["species"])}


def example(structure, condition):
    value = {COLD: 1.0, WARM: 2.0, LATE: 3.0}[condition]
    return Example(structure, condition, {"propensity": value + structure.species})


@pytest.fixture(scope="module")
def structures():
    return {"cold": glassy_structure(150, seed=1), "warm": glassy_structure(150, seed=2)}


@pytest.fixture(scope="module")
def fitted(structures, tmp_path_factory):
    asked = []

    def score(predictions, examples):
        asked.append([(e.condition, p["propensity"].shape) for p, e in zip(predictions, examples)])
        return float(len(asked))

    of = {COLD: "cold", WARM: "warm", LATE: "warm"}
    train = [example(structures[of[at]], at) for at in (COLD, WARM, LATE)]
    folder = tmp_path_factory.mktemp("joint")
    run = Run(0, "propensity", "cubic", folder, conditions=(COLD, WARM, LATE), score=score)
    model = Lines(epochs=80, learning_rate=0.2, precision="float32")
    model.fit(train, train[:2], run)
    assert asked[0] == [(COLD, (150,)), (WARM, (150,))]
    return model


def test_each_condition_is_learned_where_it_was_measured(fitted, structures):
    for condition, value in ((COLD, 1.0), (WARM, 2.0), (LATE, 3.0)):
        (answer,) = fitted.predict([structures["cold"]], condition)
        wanted = value + structures["cold"].species
        assert np.allclose(answer["propensity"], wanted, atol=0.05)


def test_what_was_saved_answers_the_same(fitted, structures, tmp_path):
    fitted.save(tmp_path)
    loaded = Lines(epochs=1)
    loaded.load(tmp_path)
    for condition in (COLD, LATE):
        answers = [m.predict([structures["warm"]], condition)[0] for m in (fitted, loaded)]
        assert np.array_equal(answers[0]["propensity"], answers[1]["propensity"])


def test_moments_are_those_of_known_targets():
    inputs = {"species": torch.tensor([0, 0, 1, 1])}
    targets = {"x": torch.tensor([[1.0, np.nan], [3.0, np.nan], [5.0, 2.0], [5.0, 4.0]])}
    mean, deviation = species_moments([(inputs, targets)], "x", 2)
    assert mean[1].tolist() == [5.0, 3.0] and mean[0, 0] == 2.0 and deviation[0, 0] == 1.0
