"""D2min vanishes for affine motion and is the residue of a least-squares fit otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.structure import non_affine_squared_displacement

CUTOFF = 2.0
STRAINS = {
    "simple shear": np.array([[0, 0, 0], [0.08, 0, 0], [0, 0, 0]]),
    "pure shear": np.diag([0.04, -0.04, 0.0]),
    "any": np.array([[0.02, 0.01, 0.03], [-0.05, 0.01, 0.02], [0.04, -0.03, -0.02]]),
}


def by_definition(initial, displaced, box, cutoff, cell):
    """One particle after the other; displaced particles are in the image of the initial ones."""
    result = np.zeros(len(initial))
    for i in range(len(initial)):
        vectors = initial - initial[i]
        images = -np.rint(vectors / box)
        vectors = vectors + images * box
        near = np.flatnonzero(np.linalg.norm(vectors, axis=1) < cutoff)
        near = near[near != i]
        after = displaced[near] - displaced[i] + images[near] @ cell
        residue = np.linalg.lstsq(vectors[near], after, rcond=None)
        result[i] = ((after - vectors[near] @ residue[0]) ** 2).sum()
    return result


def moved_glass(glass, strain, size, seed=3):
    cell = np.diag(glass.box) @ (np.eye(3) + strain)
    noise = np.random.default_rng(seed).normal(size=glass.positions.shape) * size
    return glass.positions @ (np.eye(3) + strain) + noise, cell


@pytest.mark.parametrize("strain", STRAINS.values(), ids=STRAINS)
def test_it_vanishes_for_an_affine_deformation(glass, strain):
    displaced, cell = moved_glass(glass, strain, 0.0)
    residue = non_affine_squared_displacement(glass.positions, displaced, glass.box, CUTOFF, cell)
    assert residue.shape == (300,) and np.abs(residue).max() < 1e-25


@pytest.mark.parametrize("strain", STRAINS.values(), ids=STRAINS)
def test_it_is_the_residue_of_a_fit_particle_by_particle(glass, strain):
    displaced, cell = moved_glass(glass, strain, 0.1)
    residue = non_affine_squared_displacement(glass.positions, displaced, glass.box, CUTOFF, cell)
    expected = by_definition(glass.positions, displaced, glass.box, CUTOFF, cell)
    assert np.allclose(residue, expected, rtol=1e-10, atol=0)


def test_in_the_plane_it_is_the_residue_of_a_fit_too():
    generator = np.random.default_rng(4)
    positions, box = generator.random((200, 2)) * 12, np.array([12.0, 12.0])
    displaced = positions + generator.normal(size=positions.shape) * 0.2
    residue = non_affine_squared_displacement(positions, displaced, box, 2.5)
    expected = by_definition(positions, displaced, box, 2.5, np.diag(box))
    assert np.allclose(residue, expected, rtol=1e-10, atol=0)


def test_images_and_a_drift_of_the_whole_do_not_change_it(glass):
    displaced, cell = moved_glass(glass, STRAINS["any"], 0.1)
    before = non_affine_squared_displacement(glass.positions, displaced, glass.box, CUTOFF, cell)
    generator = np.random.default_rng(5)
    initial = glass.positions + generator.integers(-2, 3, size=(300, 3)) * glass.box + 0.3
    displaced = displaced + generator.integers(-2, 3, size=(300, 3)) @ cell + [7.0, -4.0, 3.3]
    after = non_affine_squared_displacement(initial, displaced, glass.box, CUTOFF, cell)
    assert np.allclose(before, after, rtol=1e-9)


def test_it_equals_the_non_affine_squared_displacement_of_ovito(glass):
    reason = "OVITO is not installed: pip install ovito"
    data = pytest.importorskip("ovito.data", reason=reason, exc_type=ImportError)
    modifiers = pytest.importorskip("ovito.modifiers", reason=reason, exc_type=ImportError)
    pipelines = pytest.importorskip("ovito.pipeline", reason=reason, exc_type=ImportError)
    displaced, cell = moved_glass(glass, STRAINS["simple shear"], 0.1)

    def collection(positions, cell):
        collected = data.DataCollection()
        collected.create_cell(np.column_stack([cell.T, np.zeros(3)]), pbc=(True, True, True))
        particles = collected.create_particles(count=len(positions))
        particles.create_property("Position", data=positions)
        return collected

    pipeline = pipelines.Pipeline(source=pipelines.StaticSource(data=collection(displaced, cell)))
    modifier = modifiers.AtomicStrainModifier(
        cutoff=CUTOFF, output_nonaffine_squared_displacements=True
    )
    modifier.reference = pipelines.StaticSource(
        data=collection(glass.positions, np.diag(glass.box))
    )
    pipeline.modifiers.append(modifier)
    expected = np.array(pipeline.compute().particles["Nonaffine Squared Displacement"])
    residue = non_affine_squared_displacement(glass.positions, displaced, glass.box, CUTOFF, cell)
    assert np.allclose(residue, expected, rtol=0, atol=1e-6)


def test_few_neighbours_are_fitted_exactly_and_aligned_ones_along_their_line():
    positions = np.array([[1.0, 1.0], [2.0, 1.0], [3.0, 1.0], [7.0, 7.0]])
    displaced = positions + [[0.0, 0.3], [0.0, -0.1], [0.0, 0.2], [0.5, 0.5]]
    residue = non_affine_squared_displacement(positions, displaced, [10.0, 10.0], 1.5)
    assert np.allclose(residue[[0, 2, 3]], 0, atol=1e-25)
    before, after = np.array([-1.0, 1.0]), np.array([0.4, 0.3])
    assert residue[1] == pytest.approx(((after - (before @ after) / 2 * before) ** 2).sum())


@pytest.mark.parametrize(
    ("displaced", "cell", "message"),
    [
        (np.zeros((299, 3)), None, r"displaced positions have the shape \(299, 3\)"),
        (np.full((300, 3), np.nan), None, "displaced position of particle 0 is not finite"),
        (np.zeros((300, 3)), np.eye(2), "must be 3 finite vectors"),
        (np.zeros((300, 3)), np.ones((3, 3)), "has no volume"),
    ],
)
def test_what_cannot_be_a_deformation_is_refused(glass, displaced, cell, message):
    with pytest.raises(ValueError, match=message):
        non_affine_squared_displacement(glass.positions, displaced, glass.box, CUTOFF, cell)
