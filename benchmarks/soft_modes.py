"""Participation in the softest 1 % of the modes against shift-invert with scipy alone.

Prints, for the first sample of each embedded dataset, CPU seconds on one thread of both and how
far the participations differ. The other side is `scipy.sparse.linalg.eigsh(H, sigma=…)`, which
factorises with SuperLU and solves for one vector at a time.
Usage: `python benchmarks/soft_modes.py [lj2d] [ka] [cuzr]`.
"""

import sys
import time
from pathlib import Path

import numpy as np
from scipy.sparse import diags_array
from scipy.sparse.linalg import eigsh
from threadpoolctl import threadpool_limits

from glassbench.datasets.store import open_dataset
from glassbench.potentials import (
    COPPER_ZIRCONIUM_MASSES,
    KOB_ANDERSEN,
    LARGE_SMALL_2D,
    copper_zirconium_potential,
    hessian,
)
from glassbench.structure import neighbour_pairs, soft_mode_participation

TASKS = Path(__file__).parents[1] / "tasks"
SYSTEMS = {
    "lj2d": ("lj2d_plasticity", lambda: (LARGE_SMALL_2D, hessian, None)),
    "ka": ("ka_propensity", lambda: (KOB_ANDERSEN, hessian, None)),
    "cuzr": (
        "cuzr_stiffness",
        lambda: (copper_zirconium_potential(), hessian, COPPER_ZIRCONIUM_MASSES),
    ),
}
FRACTION = 0.01


def hessian_of(system):
    """Return the Hessian of the first inherent structure, its dimension, and its masses."""
    task, parts = SYSTEMS[system]
    potential, evaluate, masses = parts()
    dataset = open_dataset(TASKS / task / "mini.zarr.zip")
    found = dataset.state(dataset.states[0]).structure_arrays(0)
    positions = found.get("inherent_positions", found["positions"])
    species, box = found["species"], found["box"]
    cutoff = getattr(potential, "largest_cutoff", None) or potential.cutoff
    pairs = neighbour_pairs(positions, box, cutoff).undirected()
    hessian = evaluate(potential, species, pairs.senders, pairs.receivers, pairs.vectors)
    masses = np.ones(len(species)) if masses is None else np.array(masses)[species]
    return hessian, len(box), masses


def with_scipy(hessian, dimension, masses):
    """Return the participation (N,) from modes that scipy finds around a shift below zero."""
    scale = diags_array(1 / np.sqrt(np.repeat(masses, dimension)))
    matrix = (scale @ hessian @ scale).tocsc()
    count = round(FRACTION * matrix.shape[0]) + dimension
    values, vectors = eigsh(matrix, k=count, sigma=-1e-6 * matrix.diagonal().mean())
    internal = np.argsort(np.abs(values))[dimension:]
    squares = vectors[:, internal] ** 2
    return squares.reshape(len(masses), dimension, -1).sum(axis=(1, 2))


def timed(function, *arguments):
    started = time.process_time()
    found = function(*arguments)
    return time.process_time() - started, found


def main():
    print(f"{'system':8}{'N':>7}{'scipy, s':>11}{'here, s':>10}{'ratio':>8}  difference")
    for system in sys.argv[1:] or SYSTEMS:
        hessian, dimension, masses = hessian_of(system)
        with threadpool_limits(1):
            here, ours = timed(soft_mode_participation, hessian, dimension, FRACTION, masses)
            there, theirs = timed(with_scipy, hessian, dimension, masses)
        off = np.abs(ours - theirs).max()
        row = f"{system:8}{len(masses):7}{there:11.2f}{here:10.2f}{there / here:8.1f}  {off:.1e}"
        print(row, flush=True)


if __name__ == "__main__":
    main()
