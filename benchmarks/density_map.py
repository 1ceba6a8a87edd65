"""Time of spatial density maps: products of one-dimensional factors beside the direct sum.

    python benchmarks/density_map.py [--images 256] [--device cpu] [--json]

Particles on a lattice, displaced at random, at the densities of the two-dimensional
Lennard-Jones and the Cu-Zr glass; maps of 50 x 50 x 2 and 32 x 32 x 32 x 2 pixels. The direct
sum takes one exponential for every particle and pixel: in torch in float32, vectorised over
neighbours, and in numpy in float64. On a CPU everything runs on one thread and CPU time is
given. No installed package was found that makes these maps.
"""

from __future__ import annotations

import argparse
import json
import os
import time

import numpy as np
import torch

from glassbench.structure import DENSITY_MAP_2D, DENSITY_MAP_3D, density_maps, padded_surroundings

SYSTEMS = {
    "2D, 50 x 50 x 2": (2, 10_000, 1.0243, DENSITY_MAP_2D),
    "3D, 32 x 32 x 32 x 2": (3, 4000, 0.056, DENSITY_MAP_3D),
}


def squared_distances(vectors, coordinates):
    """Squared distances (n, G, …) between particles (n, d) and pixels, axes (z,) y, x."""
    axes = [(vectors[:, axis, None] - coordinates) ** 2 for axis in range(vectors.shape[1])]
    total = axes[0]
    for squared in axes[1:]:
        shape = (len(vectors), -1, *[1] * (total.ndim - 1))
        total = squared.reshape(shape) + total[:, None]
    return total


def direct_torch(vectors, grid):
    coordinates = torch.as_tensor(grid.coordinates, dtype=vectors.dtype, device=vectors.device)
    maps = []
    for of_species in vectors.flatten(0, 1):
        squared = squared_distances(of_species[of_species[:, 0] < 1e5], coordinates)
        # Without the bound, subnormal numbers would slow the exponentials down.
        exponent = squared.mul_(-0.5 / grid.spacing**2).clamp_(min=-87.0)
        maps.append(exponent.exp_().sum(0))
    return torch.stack(maps).view(*vectors.shape[:2], *maps[0].shape)


def direct_numpy(vectors, grid):
    vectors = vectors.cpu().double().numpy()
    maps = []
    for of_species in vectors.reshape(-1, *vectors.shape[2:]):
        squared = squared_distances(of_species[of_species[:, 0] < 1e5], grid.coordinates)
        maps.append(np.exp(squared * (-0.5 / grid.spacing**2)).sum(axis=0))
    return torch.from_numpy(np.stack(maps)).view(*vectors.shape[:2], *maps[0].shape)


def measured(function, device: str, repeats: int = 5):
    """Return the least time of some calls, in seconds, and the result."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    times = []
    for _ in range(repeats):
        start = clock()
        result = function()
        if device != "cpu":
            torch.cuda.synchronize()
        times.append(clock() - start)
    return min(times), result


def rows_of(system: str, images: int, device: str) -> list[dict]:
    dimension, particles, density, grid = SYSTEMS[system]
    generator = np.random.default_rng(0)
    per_edge = round(particles ** (1 / dimension))
    spacing = density ** (-1 / dimension)
    box = np.full(dimension, per_edge * spacing)
    lattice = np.stack(np.meshgrid(*[np.arange(per_edge)] * dimension), axis=-1)
    positions = lattice.reshape(-1, dimension) * spacing
    positions = positions + generator.uniform(-0.3, 0.3, positions.shape) * spacing
    particles = len(positions)
    species = (generator.random(particles) < 0.5).astype(np.int8)
    centres = generator.choice(particles, images, replace=False)
    find, vectors = measured(
        lambda: padded_surroundings(positions, species, box, grid.cutoff, centres=centres), "cpu"
    )
    vectors = torch.from_numpy(vectors).to(device)
    few = vectors[: max(2, images // 64)]
    ways = {
        "factors, float32": (lambda: density_maps(vectors, grid), images),
        "factors, bfloat16": (lambda: density_maps(vectors, grid, torch.bfloat16), images),
        "direct, torch float32": (lambda: direct_torch(few, grid), len(few)),
        "direct, numpy float64": (lambda: direct_numpy(few, grid), len(few)),
    }
    results = {name: (*measured(way, device), count) for name, (way, count) in ways.items()}
    exact = results["direct, numpy float64"][1]
    rows = [{"map": system, "way": "neighbours", "us_per_image": find / images * 1e6}]
    for name, (seconds, maps, count) in results.items():
        error = (maps[: len(few)].cpu().double() - exact).abs().max().item()
        row = {"map": system, "way": name, "us_per_image": seconds / count * 1e6}
        rows.append(row | {"largest_error": error})
    return rows


def table(rows: list[dict]) -> str:
    direct = {}
    for row in rows:
        if row["way"].startswith("direct"):
            before = direct.get(row["map"], np.inf)
            direct[row["map"]] = min(before, row["us_per_image"])
    lines = [f"{'map':<22}{'way':<24}{'us/image':>11}{'faster than direct':>20}{'error':>10}"]
    for row in rows:
        ratio = f"{direct[row['map']] / row['us_per_image']:.1f}" if "largest_error" in row else ""
        error = f"{row['largest_error']:.1e}" if "largest_error" in row else ""
        lines.append(
            f"{row['map']:<22}{row['way']:<24}{row['us_per_image']:>11.1f}{ratio:>20}{error:>10}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = [
        row for system in SYSTEMS for row in rows_of(system, arguments.images, arguments.device)
    ]
    if arguments.json:
        print(json.dumps(rows, indent=1))
        return
    print(table(rows))
    print(f"largest map value is about 1; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
