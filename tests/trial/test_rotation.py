"""A configuration that turns under a load, seen by models whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.conformance import glassy_structure
from glassbench.model import Structure
from glassbench.structure import neighbour_pairs
from glassbench.trial.rotation import QUARTERS, anisotropy, turned_against_load

ANGLES = np.arange(0.0, 360.0, 15.0)


def sheared(dimension: int, frame=None) -> Structure:
    structure = glassy_structure(250, dimension, with_pairs=False)
    frame = np.eye(dimension) if frame is None else frame
    return Structure(structure.positions, structure.species, structure.box, "a", frame)


def elongation(structures):
    """Return sum_j x'_ij y'_ij, which goes as cos 2(angle) when the structure turns."""
    answers = []
    for structure in structures:
        pairs = neighbour_pairs(structure.positions, structure.box, 1.5)
        turned = pairs.vectors @ structure.frame.T
        product = turned[:, 0] * turned[:, 1]
        answers.append(np.bincount(pairs.receivers, product, len(structure.species)))
    return answers


def crowding(structures):
    return [np.ones(len(structure.species)) for structure in structures]


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("degrees", [0.0, 30.0, 90.0, 215.0])
def test_a_turned_frame_sees_the_vectors_turned_counter_clockwise(dimension, degrees):
    tilted = np.linalg.qr(np.random.default_rng(0).normal(size=(dimension, dimension)))[0]
    structure = sheared(dimension, tilted)
    vector = np.random.default_rng(1).normal(size=dimension)
    before = structure.frame @ vector
    after = turned_against_load(structure, degrees).frame @ vector
    angle = np.angle(complex(*after[:2]) / complex(*before[:2]), deg=True) % 360
    assert angle == pytest.approx(degrees, abs=1e-9)
    assert np.allclose(after[2:], before[2:])
    assert np.linalg.norm(after) == pytest.approx(np.linalg.norm(before))


def test_quarter_turns_are_exact():
    frame = turned_against_load(sheared(2), 270.0).frame
    assert np.array_equal(frame, [[0, 1], [-1, 0]])


def turned_predictions(predict, structure, particles, angles) -> np.ndarray:
    turned = [turned_against_load(structure, angle) for angle in angles]
    return np.array([answer[particles] for answer in predict(turned)])


@pytest.mark.parametrize("dimension", [2, 3])
def test_a_quadrupole_is_found_with_its_amplitude_and_its_period(dimension):
    structure = sheared(dimension)
    (upright,) = elongation([structure])
    particles = np.argsort(upright)[-10:]
    values = turned_predictions(elongation, structure, particles, ANGLES)
    assert anisotropy(ANGLES.tolist(), values) == pytest.approx(4 * upright[particles].mean())
    half = len(ANGLES) // 2
    assert np.allclose(values[:half], values[half:])


def test_a_model_that_does_not_see_the_load_has_no_anisotropy():
    values = turned_predictions(crowding, sheared(2), np.arange(5), QUARTERS)
    assert anisotropy(QUARTERS, values) == 0


def test_nothing_to_probe_is_undefined_or_refused():
    values = turned_predictions(crowding, sheared(2), np.arange(0), QUARTERS)
    assert np.isnan(anisotropy(QUARTERS, values))
    with pytest.raises(ValueError, match="has no frame"):
        turned_against_load(glassy_structure(250, 2), 90.0)
