"""Density maps equal the sum of Gaussians that defines them, in the frame of the load."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from glassbench.structure import (
    DENSITY_MAP_2D,
    DENSITY_MAP_3D,
    DensityMapGrid,
    density_maps,
    padded_surroundings,
    turned_maps,
)

GRID_2D = DensityMapGrid(cutoff=2.0, spacing=0.4)
GRID_3D = DensityMapGrid(cutoff=1.5, spacing=0.5)


def plane(particles=120, edge=9.0):
    generator = np.random.default_rng(1)
    species = (generator.random(particles) < 0.4).astype(np.int8)
    return generator.random((particles, 2)) * edge, species, np.array([edge, edge + 0.5])


def turn(angle, dimension=2):
    frame = np.eye(dimension)
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    frame[:2, :2] = [[cosine, sine], [-sine, cosine]]
    return frame


def map_by_definition(positions, species, box, particle, grid, frame):
    """Sum over all particles and their images in 27 (or 9) boxes, pixel by pixel."""
    axes = len(box)
    images = np.stack(np.meshgrid(*[(-1, 0, 1)] * axes), axis=-1).reshape(-1, axes) * box
    vectors = (positions - positions[particle])[:, None] + images
    vectors = vectors.reshape(-1, axes) @ frame.T
    kinds = np.repeat(species, len(images))
    near = (np.abs(vectors) < grid.cutoff).all(axis=1)
    pixels = np.meshgrid(*[grid.coordinates] * axes, indexing="ij")[::-1]
    result = np.zeros((2, *[grid.pixels] * axes))
    for vector, kind in zip(vectors[near], kinds[near]):
        squared = sum((component - p) ** 2 for component, p in zip(vector, pixels))
        result[kind] += np.exp(-squared / (2 * grid.spacing**2))
    return result


@pytest.mark.parametrize("angle", [0, 90, 45, 17])
def test_a_map_is_the_sum_of_gaussians_in_the_turned_frame(angle):
    positions, species, box = plane()
    frame = turn(angle)
    around = padded_surroundings(positions, species, box, 2.0, centres=[3, 50], frame=frame)
    maps = density_maps(torch.from_numpy(around).double(), GRID_2D).numpy()
    assert maps.shape == (2, 2, 10, 10)
    for row, particle in enumerate((3, 50)):
        expected = map_by_definition(positions, species, box, particle, GRID_2D, frame)
        assert np.allclose(maps[row], expected, atol=1e-5)


@pytest.mark.parametrize("angle", [0, 45])
def test_a_map_in_three_dimensions_has_the_axes_z_y_x(glass, angle):
    frame = turn(angle, 3)
    around = padded_surroundings(
        glass.positions, glass.species, glass.box, 1.5, centres=[7], frame=frame
    )
    maps = density_maps(torch.from_numpy(around), GRID_3D).numpy()
    expected = map_by_definition(glass.positions, glass.species, glass.box, 7, GRID_3D, frame)
    assert maps.shape == (1, 2, 6, 6, 6) and np.allclose(maps[0], expected, atol=1e-5)


def test_in_float64_a_map_is_exact_beside_what_is_left_out_and_in_bfloat16_to_a_percent():
    vectors = torch.rand((4, 2, 9, 3), dtype=torch.float64) * 3 - 1.5
    maps = density_maps(vectors, GRID_3D)
    offsets = vectors[..., None] - torch.as_tensor(GRID_3D.coordinates)
    x, y, z = torch.exp(-((offsets / 0.5) ** 2) / 2).unbind(dim=3)
    expected = torch.einsum("csnx,csny,csnz->cszyx", x, y, z)
    assert torch.allclose(maps, expected, rtol=1e-13, atol=9 * 1.6e-8)
    rough = density_maps(vectors.float(), GRID_3D, torch.bfloat16)
    assert rough.dtype == torch.bfloat16
    assert (rough.double() - expected).abs().max() < 0.02 * expected.max()


def test_the_centre_stands_in_the_channel_of_its_species():
    species = np.array([0, 1], dtype=np.int8)
    positions = np.array([[1.0, 1.0], [6.0, 6.0]])
    around = torch.from_numpy(padded_surroundings(positions, species, [12.0, 12.0], 2.0))
    maps = density_maps(around, GRID_2D)
    middle = float(np.exp(-2 * 0.2**2 / (2 * 0.4**2)))
    assert maps[0, 0].max() == pytest.approx(middle) and maps[0, 1].max() < 1e-30
    assert maps[1, 1].max() == pytest.approx(middle) and maps[1, 0].max() < 1e-30


def test_a_mirror_of_the_vectors_mirrors_the_map():
    around = torch.from_numpy(padded_surroundings(*plane(), 2.0))
    maps = density_maps(around, GRID_2D)
    assert torch.allclose(density_maps(around.flip(-1), GRID_2D), maps.transpose(2, 3), atol=1e-6)
    assert torch.allclose(density_maps(-around, GRID_2D), maps.flip(2, 3), atol=1e-6)


def test_turned_maps_are_the_maps_of_turned_vectors():
    generator = np.random.default_rng(0)
    for grid, axes in ((GRID_2D, 2), (GRID_3D, 3)):
        vectors = torch.rand((3, 2, 5, axes)) * 3 - 1.5
        maps = density_maps(vectors, grid)
        for _ in range(6):
            matrix = np.eye(axes)[generator.permutation(axes)] * generator.choice([-1, 1], axes)
            turned = density_maps(vectors @ torch.from_numpy(matrix.T).float(), grid)
            assert torch.allclose(turned_maps(maps, matrix), turned, atol=1e-6)
    with pytest.raises(ValueError, match="must permute the axes"):
        turned_maps(maps, turn(30, 3))


def test_pieces_and_centres_do_not_change_a_map(monkeypatch):
    positions, species, box = plane()
    every = density_maps(
        torch.from_numpy(padded_surroundings(positions, species, box, 2.0)), GRID_2D
    )
    monkeypatch.setattr("glassbench.structure.density_map.NUMBERS_PER_PIECE", 1000)
    some = padded_surroundings(positions, species, box, 2.0, centres=[9, 2, 2])
    assert torch.allclose(
        density_maps(torch.from_numpy(some), GRID_2D), every[[9, 2, 2]], atol=1e-6
    )


def test_images_beyond_the_faces_are_found_as_inside(glass):
    shifted = glass.positions + [3.1, -2.2, 20.0]
    before, after = (
        padded_surroundings(positions, glass.species, glass.box, 2.5, frame=turn(20, 3))
        for positions in (glass.positions, shifted)
    )
    assert before.shape == after.shape and np.allclose(before, after, atol=1e-5)


def test_the_grids_of_the_paper_have_its_pixels():
    assert DENSITY_MAP_2D.pixels == 50 and DENSITY_MAP_3D.pixels == 32
    assert np.allclose(DENSITY_MAP_2D.coordinates[[0, -1]], [-4.9, 4.9])
    assert np.allclose(DENSITY_MAP_3D.coordinates[[0, -1]], [-9.3, 9.3])


def test_what_cannot_be_mapped_is_refused():
    positions, species, box = plane()
    with pytest.raises(ValueError, match="shorter than the surroundings"):
        padded_surroundings(positions, species, box, 4.0, frame=turn(45))
    with pytest.raises(ValueError, match="orthogonal unit vectors"):
        padded_surroundings(positions, species, box, 2.0, frame=2 * np.eye(2))
    with pytest.raises(ValueError, match="no multiple of the spacing"):
        DensityMapGrid(cutoff=1.0, spacing=0.3)
    with pytest.raises(ValueError, match="vectors have the shape"):
        density_maps(torch.zeros(3, 2), GRID_2D)
