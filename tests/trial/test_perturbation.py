"""Removed and displaced shells, against a direct sum over all images."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from glassbench.contract.errors import UserError
from glassbench.contract.trial_plan import Perturbation
from glassbench.model import Condition, Example, Structure
from glassbench.trial.perturbation import (
    at_particles,
    cut_example,
    cut_out,
    draw_centres,
    perturbed,
)

BOX = np.array([5.0, 6.0, 7.0])
CENTRES = np.array([0, 3, 59])


@pytest.fixture(scope="module")
def structure():
    generator = np.random.default_rng(5)
    return Structure(
        positions=generator.uniform(0, 1, (60, 3)) * BOX,
        species=(np.arange(60) % 4 == 0).astype(np.int8),
        box=BOX,
        configuration="c0",
        pairs=np.array([[0, 1]]),
    )


def image_vectors(structure, centre):
    """Return the vectors (N, d) to the nearest image, tried one by one."""
    shifts = np.array(list(itertools.product((-1, 0, 1), repeat=3))) * structure.box
    vectors = structure.positions[:, None] - structure.positions[centre] + shifts
    nearest = np.linalg.norm(vectors, axis=-1).argmin(axis=1)
    return vectors[np.arange(len(vectors)), nearest]


def test_a_cut_out_holds_what_lies_within_the_radius_and_nothing_else_near(structure):
    (cut,) = perturbed(structure, Perturbation("remove", inner=2.0), CENTRES)
    assert cut.structure.pairs is None
    assert len(cut.centres) == len(CENTRES)
    for centre, place in zip(CENTRES, cut.centres, strict=True):
        expected = image_vectors(structure, centre)
        near = np.linalg.norm(expected, axis=1) < 2.0
        rows = np.column_stack([structure.species, expected])[near]
        found = image_vectors(cut.structure, place)
        distances = np.linalg.norm(found, axis=1)
        # Nothing else within the longest cutoff that fits into the box of the configuration.
        inside = distances < 2.0 + BOX.max() / 2
        got = np.column_stack([cut.structure.species, found])[inside]
        assert np.allclose(sorted(got.tolist()), sorted(rows.tolist()), atol=1e-9)
        assert cut.taken[place] == centre
        assert np.array_equal(cut.structure.species, structure.species[cut.taken])


def test_clusters_lie_further_apart_than_any_cutoff_of_the_configuration(structure):
    cut = cut_out(structure, np.arange(60), 2.0)
    vectors = cut.structure.positions[:, None] - cut.structure.positions[None]
    vectors -= cut.structure.box * np.round(vectors / cut.structure.box)
    distances = np.linalg.norm(vectors, axis=-1)
    site = np.floor(cut.structure.positions / (4.0 + BOX.max())).astype(int)
    same = (site[:, None] == site[None]).all(axis=-1)
    assert distances[~same].min() >= BOX.max()
    assert len(np.unique(site, axis=0)) == 60


@pytest.mark.parametrize(("inner", "outer"), [(0.0, 1.5), (1.0, 2.2)])
def test_a_removed_shell_leaves_all_others_where_they_are(structure, inner, outer):
    cuts = list(perturbed(structure, Perturbation("remove", inner, outer), CENTRES))
    for centre, cut in zip(CENTRES, cuts, strict=True):
        distances = np.linalg.norm(image_vectors(structure, centre), axis=1)
        kept = (distances < inner) | (distances >= outer)
        kept[centre] = True
        assert np.array_equal(cut.structure.positions, structure.positions[kept])
        assert np.array_equal(cut.structure.species, structure.species[kept])
        assert np.array_equal(cut.structure.positions[cut.centres[0]], structure.positions[centre])


def test_a_displaced_shell_moves_by_the_amplitude_and_nothing_else_moves(structure):
    shaken = Perturbation("displace", inner=1.0, outer=2.2, amplitude=0.3)
    cuts = list(perturbed(structure, shaken, CENTRES, seed=1))
    directions = []
    for centre, cut in zip(CENTRES, cuts, strict=True):
        distances = np.linalg.norm(image_vectors(structure, centre), axis=1)
        in_shell = (distances >= 1.0) & (distances < 2.2)
        steps = cut.structure.positions - structure.positions
        steps -= BOX * np.round(steps / BOX)
        assert in_shell.any()
        assert np.allclose(np.linalg.norm(steps[in_shell], axis=1), 0.3)
        assert np.abs(steps[~in_shell]).max() < 1e-12
        directions.append(steps[in_shell] / 0.3)
    again = list(perturbed(structure, shaken, CENTRES, seed=1))
    other = list(perturbed(structure, shaken, CENTRES, seed=2))
    assert np.array_equal(again[0].structure.positions, cuts[0].structure.positions)
    assert not np.array_equal(other[0].structure.positions, cuts[0].structure.positions)
    assert np.abs(np.concatenate(directions).mean(axis=0)).max() < 0.4


def test_where_nothing_happens_the_structure_stays_and_the_centres_are_asked_about(structure):
    (cut,) = perturbed(structure, Perturbation("none"), CENTRES)
    assert np.array_equal(cut.structure.positions, structure.positions)
    assert cut.centres.tolist() == CENTRES.tolist()
    example = Example(structure, Condition.of(time=1.0), {"propensity": np.arange(60.0)})
    whole = cut_example(example, Perturbation("none", centres=7, in_training=True))
    assert whole.balanced.tolist() == draw_centres("c0", 60, 7).tolist()
    assert np.array_equal(whole.targets["propensity"], np.arange(60.0))


def test_centres_are_drawn_from_the_name_alone():
    centres = draw_centres("c0", 60, 10)
    assert len(set(centres.tolist())) == 10
    assert np.array_equal(centres, draw_centres("c0", 60, 10))
    assert not np.array_equal(centres, draw_centres("c1", 60, 10))
    assert draw_centres("c0", 5, 10).tolist() == [0, 1, 2, 3, 4]


def test_a_cut_example_keeps_the_targets_of_its_particles_and_marks_the_centres(structure):
    targets = {"propensity": np.arange(60.0), "pair_distance_change": np.array([0.1])}
    example = Example(structure, Condition.of(time=1.0), targets)
    cut = cut_example(example, Perturbation("remove", inner=2.0, centres=7, in_training=True))
    centres = draw_centres("c0", 60, 7)
    assert set(cut.targets) == {"propensity"}
    assert cut.targets["propensity"][cut.balanced].tolist() == centres.tolist()
    assert len(cut.targets["propensity"]) == len(cut.structure.positions)
    part = at_particles(example, centres)
    assert part.targets["propensity"].tolist() == centres.tolist()
    assert np.array_equal(part.structure.positions, structure.positions[centres])


def test_what_cannot_be_done_is_refused(structure):
    with pytest.raises(UserError, match="ends at 3 reaches beyond half of the box edge 5"):
        list(perturbed(structure, Perturbation("remove", inner=3.0), CENTRES))
    more = replace(structure, inherent_positions=structure.positions)
    with pytest.raises(UserError, match="also reads inherent"):
        list(perturbed(more, Perturbation("remove", inner=2.0), CENTRES))
