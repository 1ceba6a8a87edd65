"""Voronoi cells fill the box, and agree with other programs cell by cell."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.spatial import ConvexHull, Voronoi

from glassbench.structure import voronoi_cells

RADII = np.array([0.5, 0.4])


def with_all_images(positions, box):
    images = itertools.product((0, -1, 1), repeat=len(box))
    return np.concatenate([positions + np.array(image) * box for image in images])


@pytest.mark.parametrize("axes", [2, 3])
def test_cells_are_those_of_scipy(axes):
    box = np.array([5.0, 6.0, 5.5])[:axes]
    positions = np.random.default_rng(1).random((60 * axes, axes)) * box
    cells = voronoi_cells(positions, box)
    diagram = Voronoi(with_all_images(positions, box))
    faces = np.bincount(diagram.ridge_points.ravel(), minlength=len(diagram.points))
    for particle in range(len(positions)):
        corners = diagram.vertices[diagram.regions[diagram.point_region[particle]]]
        assert cells.volumes[particle] == pytest.approx(ConvexHull(corners).volume, rel=1e-9)
        assert cells.coordination[particle] == faces[particle]


def test_cells_fill_the_box_with_and_without_radii(glass):
    for radii in (None, RADII[glass.species]):
        cells = voronoi_cells(glass.positions, glass.box, radii)
        assert cells.volumes.sum() == pytest.approx(np.prod(glass.box), rel=1e-12)
        assert (cells.volumes > 0).all()


def test_radical_cells_hold_the_points_of_least_power(glass):
    cells = voronoi_cells(glass.positions, glass.box, RADII[glass.species])
    points = np.random.default_rng(3).random((20_000, 3)) * glass.box
    nearest = np.empty(len(points), dtype=int)
    for part in range(0, len(points), 4000):
        vectors = points[part : part + 4000, None] - glass.positions
        vectors -= glass.box * np.rint(vectors / glass.box)
        power = (vectors**2).sum(axis=2) - RADII[glass.species] ** 2
        nearest[part : part + 4000] = power.argmin(axis=1)
    share = np.bincount(nearest, minlength=300) / len(points) * np.prod(glass.box)
    deviation = (share - cells.volumes) / np.sqrt(cells.volumes * np.prod(glass.box) / len(points))
    assert np.abs(deviation).max() < 5 and deviation.std() == pytest.approx(1, abs=0.15)


def test_radical_cells_of_layers_meet_where_their_powers_are_equal():
    grid = np.stack(np.meshgrid(*[np.arange(4.0)] * 3, indexing="ij"), -1).reshape(-1, 3)
    positions = grid + np.random.default_rng(0).normal(size=grid.shape) * 1e-4
    radii = np.where(grid[:, 0] % 2 == 0, 0.5, 0.3)
    volumes = voronoi_cells(positions, [4.0] * 3, radii).volumes
    # The plane between neighbours at distance 1 moves by (0.5^2 - 0.3^2) / 2.
    assert np.allclose(volumes, np.where(grid[:, 0] % 2 == 0, 1.16, 0.84), atol=1e-3)


def test_an_icosahedron_has_twelve_pentagons():
    golden = (1 + np.sqrt(5)) / 2
    corners = [(0, a, b * golden) for a in (-1, 1) for b in (-1, 1)]
    corners = np.array([np.roll(corner, turn) for corner in corners for turn in range(3)])
    positions = np.concatenate([np.zeros((1, 3)), corners]) + 10
    positions += np.random.default_rng(5).normal(size=positions.shape) * 1e-4
    cells = voronoi_cells(positions, [20.0] * 3)
    inradius = np.linalg.norm(corners[0]) / 2
    dodecahedron = 10 * np.sqrt(130 - 58 * np.sqrt(5)) * inradius**3
    assert cells.coordination[0] == 12
    assert cells.volumes[0] == pytest.approx(dodecahedron, rel=1e-3)


def test_cells_equal_those_of_ovito(glass):
    reason = "OVITO is not installed: pip install ovito"
    data = pytest.importorskip("ovito.data", reason=reason, exc_type=ImportError)
    modifiers = pytest.importorskip("ovito.modifiers", reason=reason, exc_type=ImportError)
    pipelines = pytest.importorskip("ovito.pipeline", reason=reason, exc_type=ImportError)
    collection = data.DataCollection()
    cell = np.column_stack([np.diag(glass.box), np.zeros(3)])
    collection.create_cell(cell, pbc=(True, True, True))
    particles = collection.create_particles(count=300)
    particles.create_property("Position", data=glass.positions)
    particles.create_property("Radius", data=RADII[glass.species])
    pipeline = pipelines.Pipeline(source=pipelines.StaticSource(data=collection))
    pipeline.modifiers.append(
        modifiers.VoronoiAnalysisModifier(use_radii=True, relative_face_threshold=0)
    )
    theirs = pipeline.compute().particles
    cells = voronoi_cells(glass.positions, glass.box, RADII[glass.species])
    assert np.allclose(cells.volumes, theirs["Atomic Volume"], rtol=1e-6)
    assert (cells.coordination != theirs["Coordination"]).mean() < 0.01


def test_cells_move_with_the_particles(glass, moved):
    before = voronoi_cells(glass.positions, glass.box)
    after = voronoi_cells(moved.positions, moved.box)
    assert np.allclose(before.volumes, after.volumes)
    assert np.array_equal(before.coordination, after.coordination)


def test_a_particle_in_the_shadow_of_a_large_one_has_no_cell():
    positions = np.random.default_rng(7).random((80, 2)) * 8
    positions[1] = positions[0] + [0.1, 0.0]
    radii = np.full(80, 0.1)
    radii[0] = 1.0
    cells = voronoi_cells(positions, [8.0, 8.0], radii)
    assert cells.volumes[1] == 0 and cells.coordination[1] == 0


def test_a_particle_may_lie_outside_of_its_radical_cell():
    positions = np.random.default_rng(7).random((300, 3)) * 8
    radii = np.full(300, 0.1)
    radii[0] = 1.0
    assert voronoi_cells(positions, [8.0] * 3, radii).volumes.sum() == pytest.approx(512, rel=1e-12)


def test_no_particles_have_no_cells():
    assert voronoi_cells(np.zeros((0, 3)), [4.0] * 3).coordination.shape == (0,)


def test_perfect_crystals_and_wrong_radii_are_refused():
    grid = np.stack(np.meshgrid(*[np.arange(4.0)] * 3), axis=-1).reshape(-1, 3)
    cubes = voronoi_cells(grid, [4.0] * 3)
    assert (cubes.coordination == 6).all() and np.allclose(cubes.volumes, 1)
    faces = [grid + shift for shift in ([0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0])]
    with pytest.raises(ValueError, match="as in a perfect crystal"):
        voronoi_cells(np.concatenate(faces), [4.0] * 3)
    with pytest.raises(ValueError, match="radii of shape"):
        voronoi_cells(grid, [4.0] * 3, np.ones(3))
