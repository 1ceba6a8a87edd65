"""Small datasets of every kind, made by the writers that the simulations use."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from glassbench.datasets.layout import ConfigurationEntry
from glassbench.plugins.registry import load_task
from glassbench.simulation.generator import load_generator

STIFFNESS = load_generator(load_task("cuzr_stiffness")).stiffness
PLASTICITY = load_generator(load_task("cuzr_plasticity")).plasticity
SAMPLES = (
    *(ConfigurationEntry(f"train{k}", "train", f"train{k}") for k in range(4)),
    ConfigurationEntry("valid0", "valid", "valid0"),
    *(ConfigurationEntry(f"test{k}", "test", f"test{k}") for k in range(3)),
)
STRAINS = (0.01, 0.05)
PARTICLES = {2: 400, 3: 300}
STEPS = 6
EDGE = {2: 19.8, 3: 15.0}
TURN = np.sqrt(0.5)
FRAMES_2D = {
    "simple_plus": np.eye(2),
    "simple_minus": np.array([[0.0, 1.0], [-1.0, 0.0]]),
    "pure_plus": TURN * np.array([[1.0, 1.0], [-1.0, 1.0]]),
}
FRAMES_3D = {
    "xy": np.eye(3),
    "yz": np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]),
}
ROOT = {"title": "made in a test", "licence": "CC0", "citation": "made in a test"}


def jittered_lattice(seed: int, dimension: int) -> dict[str, np.ndarray]:
    """Return positions, species and box of a lattice with vacancies, each particle displaced."""
    generator = np.random.default_rng([dimension, seed])
    side = int(np.ceil((1.1 * PARTICLES[dimension]) ** (1 / dimension)))
    grid = np.stack(np.meshgrid(*[np.arange(side)] * dimension, indexing="ij"), -1)
    sites = generator.permutation(grid.reshape(-1, dimension))[: PARTICLES[dimension]]
    spacing = EDGE[dimension] / side
    shaken = generator.uniform(-0.2, 0.2, sites.shape)
    return {
        "positions": (sites + 0.5 + shaken) * spacing % EDGE[dimension],
        "species": (generator.random(len(sites)) < 0.45).astype(np.int8),
        "box": np.full(dimension, EDGE[dimension]),
    }


def neighbour_vectors(structure: dict[str, np.ndarray], cutoff: float):
    """Return vectors (N, N, d) under the minimum image, and which pairs are within the cutoff."""
    positions, box = structure["positions"], structure["box"]
    vectors = positions[None] - positions[:, None]
    vectors -= box * np.round(vectors / box)
    distances = np.linalg.norm(vectors, axis=-1)
    return vectors, (distances < cutoff) & (distances > 0)


def oriented_d2min(structure, frame, strain: float, noise: float, seed: int) -> np.ndarray:
    """Return a D2min that is large where neighbours crowd the axis of contraction of the load."""
    cutoff = 1.7 * EDGE[len(frame)] / 20 * (1 if len(frame) == 2 else 2.5)
    vectors, near = neighbour_vectors(structure, cutoff)
    turned = vectors @ frame.T
    anisotropy = np.sum(-turned[..., 0] * turned[..., 1] * near, axis=1) / cutoff**2
    generator = np.random.default_rng(seed)
    chance = generator.normal(0, noise, len(anisotropy))
    return strain * np.exp(2.0 * anisotropy + chance)


def plasticity_arrays(index: int, frames, steps: int) -> dict[str, np.ndarray]:
    dimension = len(next(iter(frames.values())))
    structure = jittered_lattice(index, dimension)
    d2min = np.array(
        [
            [oriented_d2min(structure, frame, strain, 0.3, 7 * index + p) for strain in STRAINS]
            for p, frame in enumerate(frames.values())
        ]
    )
    curve = np.linspace(0, 1, steps)
    arrays = structure | {
        "d2min": d2min,
        "shear_stress": np.tile(curve, (len(frames), 1)),
        "potential_energy": np.tile(curve**2 - 2, (len(frames), 1)),
        "vibrational_msd": 0.01 * d2min[:, -1].mean(axis=0) + 0.001,
    }
    if SAMPLES[index].name in ("test0", "test1"):
        noise = np.random.default_rng(100 + index).normal(0, 0.1, d2min.shape)
        arrays["d2min_repeat"] = d2min * np.exp(noise)
    return arrays


def plasticity_states(dimension: int) -> list[PLASTICITY.PlasticityState]:
    """Return two states of sheared samples, the second without training samples of its own."""
    frames = FRAMES_2D if dimension == 2 else FRAMES_3D
    axes = (
        [{"quench_time": 1e4}, {"quench_time": 1e2}]
        if dimension == 2
        else [{"cooling_rate": r, "composition": 50.0} for r in (1e12, 1e13)]
    )
    return [
        PLASTICITY.PlasticityState(
            name=f"state_{number}",
            attributes=attributes,
            samples=SAMPLES if number == 0 else SAMPLES[-3:],
            particles=PARTICLES[dimension],
            species=("L", "S") if dimension == 2 else ("Cu", "Zr"),
            frames=frames,
            strains=STRAINS,
            curve_strains=tuple(np.linspace(0, 0.05, STEPS)),
            load=lambda i, first=5 * number: plasticity_arrays(first + i, frames, STEPS),
            vibrational_msd=True,
            threshold_state="" if number == 0 else "state_0",
        )
        for number, attributes in enumerate(axes)
    ]


def write_plasticity(path: Path, dimension: int) -> Path:
    """Write the states of `plasticity_states` and return the path."""
    system = {"units_system": "lj2d" if dimension == 2 else "metal", "name": path.stem}
    PLASTICITY.write_plasticity_dataset(path, ROOT | system, plasticity_states(dimension))
    return path


def stiffness_arrays(index: int, offset: float) -> dict[str, np.ndarray]:
    structure = jittered_lattice(index, 3)
    _, near = neighbour_vectors(structure, 3.6)
    generator = np.random.default_rng(index)
    crowding = near.sum(axis=1) - near.sum(axis=1).mean()
    base = 0.8 + offset + 0.05 * crowding + 0.05 * structure["species"]
    by_temperature = np.array(
        [base * (1 - 0.1 * t) + generator.normal(0, 0.03, len(base)) for t in range(2)]
    )
    return structure | {
        "stiffness_by_temperature": np.maximum(by_temperature, 0.05),
        "stiffness_half_difference": generator.normal(0, 0.03, len(base)),
        "vibrational_msd": 0.004 / np.maximum(base, 0.1) + generator.normal(0, 1e-4, len(base)),
    }


def stiffness_states() -> list:
    """Return two cooling rates of samples whose stiffness follows from crowding."""
    return [
        STIFFNESS.StiffnessState(
            name=name,
            attributes={"cooling_rate": rate},
            samples=samples,
            particles=PARTICLES[3],
            species=("Cu", "Zr"),
            temperatures=(50.0, 300.0),
            load=lambda i, first=first, offset=offset: stiffness_arrays(first + i, offset),
            vibrational_msd=True,
        )
        for name, rate, samples, first, offset in (
            ("rate_1e13", 1e13, SAMPLES, 0, 0.0),
            ("rate_1e12", 1e12, SAMPLES[-2:], len(SAMPLES) - 2, 0.1),
        )
    ]


def write_stiffness(path: Path) -> Path:
    """Write the states of `stiffness_states` and return the path."""
    system = {"units_system": "metal", "name": path.stem}
    STIFFNESS.write_stiffness_dataset(path, ROOT | system, stiffness_states())
    return path
