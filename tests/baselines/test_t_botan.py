"""T-BOTAN: one fit for several temperatures, asked at one that it was never trained at."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from glassbench.conformance.structures import glassy_structure
from glassbench.model import Condition, Example, Run
from glassbench.plugins.registry import load_model_card, load_model_class
from glassbench.structure import neighbour_pairs

COLD, WARM, BETWEEN = (Condition.of(temperature=t, time=5.0) for t in (0.56, 0.64, 0.60))
LATE = Condition.of(temperature=0.64, time=50.0)
MEANS = {COLD: 0.2, WARM: 0.4, LATE: 0.8}
CARD = load_model_card("t_botan")
SMALL = dict(CARD.hyperparameters) | {
    "width": 16, "recurrences": 1, "pretrained": "none", "epochs": 40, "learning_rate": 1e-2,
    "augment": False, "schedule": "constant", "edge_features": "distance",
}  # fmt: skip


def make(**changed):
    return load_model_class(CARD)(**(SMALL | changed))


def example(structure, condition):
    """A propensity that follows the number of neighbours, about a mean of the condition."""
    pairs = neighbour_pairs(structure.positions, structure.box, 1.5)
    neighbours = np.bincount(pairs.receivers, minlength=len(structure.positions))
    deviation = (neighbours - neighbours.mean()) / neighbours.std()
    values = MEANS[condition] * (1 + 0.1 * deviation)
    return Example(structure, condition, {"propensity": values.astype(np.float32)})


@pytest.fixture(scope="module")
def examples():
    structures = [glassy_structure(200, seed=seed) for seed in range(4)]
    at = ((COLD,), (COLD,), (WARM, LATE), (WARM, LATE))
    return [example(s, c) for s, conditions in zip(structures, at) for c in conditions]


@pytest.fixture(scope="module")
def fitted(examples, tmp_path_factory):
    run = Run(
        0, "propensity", "cubic", tmp_path_factory.mktemp("t_botan"),
        conditions=(COLD, WARM, LATE, BETWEEN),
    )  # fmt: skip
    model = make()
    model.fit(examples, [], run)
    return model


def test_each_condition_has_its_mean_and_one_never_trained_lies_between(fitted, examples):
    structure = glassy_structure(200, seed=9)
    at = {c: fitted.predict([structure], c)[0]["propensity"].mean() for c in (*MEANS, BETWEEN)}
    for condition, mean in MEANS.items():
        assert at[condition] == pytest.approx(mean, rel=0.1)
    assert at[COLD] < at[BETWEEN] < at[WARM]


def test_it_tells_particles_apart_at_a_temperature_never_trained(fitted):
    structure = glassy_structure(200, seed=9)
    true = example(structure, WARM).targets["propensity"]
    predicted = fitted.predict([structure], BETWEEN)[0]["propensity"]
    assert np.corrcoef(true, predicted)[0, 1] > 0.3


def test_the_readout_is_the_best_of_all_for_the_states(examples, tmp_path):
    model = make(epochs=1, learning_rate=1e-9)
    model.fit(examples, [], Run(0, "propensity", "cubic", tmp_path, conditions=(COLD, WARM, LATE)))
    errors = []
    for scale in (1.0, 0.9, 1.1):
        with torch.no_grad():
            model.module.decoder.fc3.weight.mul_(scale)
        errors.append(sum(
            np.mean((model.predict([e.structure], e.condition)[0]["propensity"]
                     - e.targets["propensity"]) ** 2 / MEANS[e.condition] ** 2) for e in examples
        ))  # fmt: skip
        with torch.no_grad():
            model.module.decoder.fc3.weight.div_(scale)
    assert errors[0] == min(errors)


def test_an_inferred_temperature_needs_none(fitted, tmp_path):
    """What the thermometer reads decides, not the temperature of the condition."""
    fitted.save(tmp_path)
    other = make(temperature="inferred")
    other.load(tmp_path)
    structure = glassy_structure(200, seed=9)
    told = other.predict([structure], COLD)[0]["propensity"]
    np.testing.assert_allclose(told, other.predict([structure], WARM)[0]["propensity"], rtol=1e-5)
    assert not np.allclose(told, fitted.predict([structure], COLD)[0]["propensity"])


def test_the_thermometer_tells_the_temperatures_of_the_training_apart(fitted, examples):
    names = sys.modules[type(fitted).__module__].GRAPH
    read = {COLD: [], WARM: [], LATE: []}
    for one in examples:
        inputs = fitted.encode(one.structure)
        with torch.no_grad():
            read[one.condition].append(float(fitted.module(*(inputs[k] for k in names))[1]))
    assert max(read[COLD]) < min(read[WARM])
    everything = [theta for values in read.values() for theta in values]
    assert -1.1 < min(everything) < -0.3 and 0 < max(everything) < 1.1


def test_wrong_words_are_refused(tmp_path, examples):
    with pytest.raises(ValueError, match="temperature is `given_`: give given or inferred"):
        make(temperature="given_")
    run = Run(0, "propensity", "cubic", tmp_path, conditions=(COLD, WARM, LATE))
    with pytest.raises(ValueError, match="pretrained is `mine.pt`: give mini, none, or a file"):
        make(pretrained="mine.pt").fit(examples, [], run)
    with pytest.raises(ValueError, match="do not fit this network"):
        make(pretrained="mini").fit(examples, [], run)
