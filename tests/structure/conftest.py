"""Configurations and the O(N^2) definition of a neighbourhood, for all tests of structure."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest


def _all_pairs(positions, box, cutoff):
    """Edges (senders, receivers, vectors) sorted by receiver, then sender, from all N^2 vectors."""
    positions, box = np.asarray(positions, np.float64), np.asarray(box, np.float64)
    vectors = positions[:, None, :] - positions[None, :, :]  # [receiver, sender]
    vectors -= box * np.rint(vectors / box)
    distances = np.sqrt((vectors**2).sum(axis=-1))
    np.fill_diagonal(distances, np.inf)
    receivers, senders = np.nonzero(distances < cutoff)
    return SimpleNamespace(
        senders=senders,
        receivers=receivers,
        vectors=vectors[receivers, senders],
        distances=distances[receivers, senders],
    )


@pytest.fixture(scope="session")
def pairs_by_definition():
    return _all_pairs


@pytest.fixture(scope="session")
def glass():
    """300 particles of two species in a non-cubic box, no two closer than 0.6."""
    generator = np.random.default_rng(20)
    box = np.array([6.5, 7.0, 8.25])
    positions = np.empty((0, 3))
    while len(positions) < 300:
        candidate = generator.random((1, 3)) * box
        vectors = positions - candidate
        vectors -= box * np.rint(vectors / box)
        if ((vectors**2).sum(axis=1) > 0.36).all():
            positions = np.concatenate([positions, candidate])
    species = (np.arange(300) % 5 == 0).astype(np.int8)
    return SimpleNamespace(positions=positions, species=species, box=box)


@pytest.fixture(params=["translation", "periodic image", "signed permutation of axes"])
def moved(request, glass):
    """The same glass, moved by a symmetry that leaves every scalar of a particle unchanged."""
    generator = np.random.default_rng(21)
    positions, box = glass.positions, glass.box
    if request.param == "translation":
        positions = positions + generator.normal(size=3) * 10
    elif request.param == "periodic image":
        positions = positions + box * generator.integers(-3, 4, size=positions.shape)
    else:
        positions, box = positions[:, [2, 0, 1]] * [1, -1, -1], box[[2, 0, 1]]
    return SimpleNamespace(positions=positions, species=glass.species, box=box)
