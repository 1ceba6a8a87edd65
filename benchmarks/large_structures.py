"""Seconds and memory of a regression that predicts structures of growing size.

    python benchmarks/large_structures.py [--particles 4096 110592 1000000]
                                          [--models neighbour_count_ridge averaged_ridge]

Particles on a displaced lattice at the density 1.2, two species. The coefficients are random: the
cost is that of descriptors and prediction. Each row runs in a process of its own; memory is the
peak of that process, imports included.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

DENSITY = 1.2


def lattice(particles: int, seed: int = 0):
    """Return a disordered structure of the next cube of a whole number."""
    import numpy as np

    from glassbench.model import Structure

    generator, side = np.random.default_rng(seed), round(particles ** (1 / 3))
    spacing = DENSITY ** (-1 / 3)
    grid = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), -1).reshape(-1, 3)
    positions = (grid + generator.normal(size=grid.shape) * 0.1) * spacing
    species = (generator.random(len(grid)) < 0.2).astype(np.int8)
    return Structure(positions % (side * spacing), species, np.full(3, side * spacing))


def measured(name: str, particles: int) -> dict[str, float]:
    """Return particles, CPU seconds and GB of one prediction in this process."""
    import numpy as np

    from glassbench.model import Condition
    from glassbench.plugins.registry import load_model_card, load_model_class
    from glassbench.regression import LinearMap

    card = load_model_card(name)
    model = load_model_class(card)(**card.hyperparameters)
    few = lattice(1728)
    slopes = np.random.default_rng(1).normal(size=model.descriptors(few).shape[1])
    model.target, model.maps = "propensity", {s: LinearMap(slopes, 0.0) for s in (0, 1)}
    structure = lattice(particles)
    began = time.process_time()
    model.predict([structure], Condition.of(time=1.0))
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit = 1 if sys.platform == "darwin" else 1024
    return {"particles": len(structure.species), "seconds": seconds, "gb": peak * unit / 1e9}


def rows_of(names: list[str], sizes: list[int]) -> list[dict]:
    """Return one row for each model and size, each from a process of its own."""
    rows = []
    for name in names:
        for size in sizes:
            words = [sys.executable, str(Path(__file__)), "--one", name, str(size)]
            done = subprocess.run(words, capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(done.stderr)
            rows.append({"model": name} | json.loads(done.stdout))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--particles", type=int, nargs="+", default=[4096, 110592, 1_000_000])
    parser.add_argument("--models", nargs="+", default=["neighbour_count_ridge", "averaged_ridge"])
    parser.add_argument("--one", nargs=2, metavar=("MODEL", "PARTICLES"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measured(arguments.one[0], int(arguments.one[1]))))
        return
    print(f"{'model':<24}{'particles':>10}{'CPU s':>8}{'us each':>9}{'GB':>7}")
    for row in rows_of(arguments.models, arguments.particles):
        each = 1e6 * row["seconds"] / row["particles"]
        print(
            f"{row['model']:<24}{row['particles']:>10}{row['seconds']:>8.1f}{each:>9.0f}"
            f"{row['gb']:>7.2f}"
        )


if __name__ == "__main__":
    main()
