"""Time of structural measures beside the public programs that compute the same or comparable ones.

    python benchmarks/structure_functions.py [--particles 1000] [--repeats 2] [--json]

Particles on a lattice, displaced at random, with the density of the Cu-Zr glass. CPU time of
one thread for each particle, least of the repeats; the angular functions of dscribe and of
loops are timed on fewer particles. What differs:

- dscribe (ACSF) multiplies its angular terms by 2^(1 - zeta) and by cutoff functions of all
  three distances; parameters, neighbours and species are the same: 160 for each pair of species.
- dscribe's radial functions (G2) are multiplied by a cutoff function as well.
- "loops" is the definition of the angular functions, pair of neighbours after pair.
- OVITO's D2min and radical Voronoi cells are the same quantities; its Voronoi analysis also
  gives indices of the cells.

Programs that are not installed are named below the table.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import itertools
import json
import os
import time
from types import SimpleNamespace

import numpy as np

from glassbench.structure import (
    COPPER_ZIRCONIUM,
    angular_structure_functions,
    non_affine_squared_displacement,
    particle_pair_distribution,
    radial_structure_functions,
    voronoi_cells,
)

DENSITY, FEW, CUTOFF = 0.056, 50, 4.5
GRID = COPPER_ZIRCONIUM
RADII = np.array([1.28, 1.6])


def metal(particles: int) -> SimpleNamespace:
    generator = np.random.default_rng(0)
    side = round(particles ** (1 / 3))
    spacing = DENSITY ** (-1 / 3)
    grid = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), -1).reshape(-1, 3)
    positions = (grid + generator.uniform(-0.25, 0.25, grid.shape)) * spacing
    return SimpleNamespace(
        positions=positions,
        displaced=positions + generator.normal(size=positions.shape) * 0.2,
        species=(generator.random(len(positions)) < 0.5).astype(np.int8),
        box=np.full(3, side * spacing),
    )


def ours_angular(system):
    lengths, cutoff = GRID.lengths, GRID.cutoff
    arguments = (system.positions, system.species, system.box, lengths, cutoff)
    return angular_structure_functions(*arguments), len(system.positions)


def loops_angular(system, centres: int = 1):
    lengths = GRID.lengths
    result = np.zeros((centres, 3, len(lengths), 2, 5))
    signs, exponents = np.array([-1, 1])[:, None], np.array([1, 2, 4, 8, 16])
    for i in range(centres):
        vectors = system.positions - system.positions[i]
        vectors -= system.box * np.rint(vectors / system.box)
        distances = np.sqrt((vectors**2).sum(axis=1))
        near = [j for j in np.flatnonzero(distances < GRID.cutoff) if j != i]
        for j, k in itertools.permutations(near, 2):
            if system.species[j] <= system.species[k]:
                cosine = vectors[j] @ vectors[k] / (distances[j] * distances[k])
                squares = distances[j] ** 2 + distances[k] ** 2
                squares += ((vectors[j] - vectors[k]) ** 2).sum()
                terms = (1 + signs * cosine) ** exponents
                weights = np.exp(-squares / lengths**2)[:, None, None]
                result[i, system.species[j] + system.species[k]] += weights * terms
    return result, centres


def atoms_of(system):
    from ase import Atoms

    return Atoms(
        numbers=np.where(system.species == 0, 29, 40),
        positions=system.positions,
        cell=system.box,
        pbc=True,
    )


def dscribe_angular(system):
    from dscribe.descriptors import ACSF

    parameters = [
        [1 / length**2, zeta, sign]
        for length in GRID.lengths
        for sign in (-1, 1)
        for zeta in (1, 2, 4, 8, 16)
    ]
    acsf = ACSF(r_cut=GRID.cutoff, g4_params=parameters, species=["Cu", "Zr"], periodic=True)
    return acsf.create(atoms_of(system), centers=list(range(FEW))), FEW


def ours_radial(system):
    arguments = (system.positions, system.species, system.box, GRID)
    return radial_structure_functions(*arguments), len(system.positions)


def dscribe_radial(system):
    from dscribe.descriptors import ACSF

    parameters = [[1 / (2 * GRID.width**2), radius] for radius in GRID.radii]
    acsf = ACSF(r_cut=GRID.cutoff, g2_params=parameters, species=["Cu", "Zr"], periodic=True)
    return acsf.create(atoms_of(system)), len(system.positions)


def ours_distribution(system):
    largest = min(10.0, float(system.box.min()) / 2)
    return (
        particle_pair_distribution(system.positions, system.box, 2.0, largest),
        len(system.positions),
    )


def ours_displacement(system):
    arguments = (system.positions, system.displaced, system.box, CUTOFF)
    return non_affine_squared_displacement(*arguments), len(system.positions)


def ours_voronoi(system):
    cells = voronoi_cells(system.positions, system.box, RADII[system.species])
    return cells.volumes, len(system.positions)


def ovito_source(system, positions):
    from ovito.data import DataCollection
    from ovito.pipeline import StaticSource

    data = DataCollection()
    data.create_cell(np.column_stack([np.diag(system.box), np.zeros(3)]), pbc=(True, True, True))
    particles = data.create_particles(count=len(positions))
    particles.create_property("Position", data=positions)
    particles.create_property("Radius", data=RADII[system.species])
    return StaticSource(data=data)


def ovito_displacement(system):
    from ovito.modifiers import AtomicStrainModifier
    from ovito.pipeline import Pipeline

    modifier = AtomicStrainModifier(cutoff=CUTOFF, output_nonaffine_squared_displacements=True)
    modifier.reference = ovito_source(system, system.positions)
    pipeline = Pipeline(source=ovito_source(system, system.displaced))
    pipeline.modifiers.append(modifier)
    particles = pipeline.compute().particles
    return np.array(particles["Nonaffine Squared Displacement"]), len(system.positions)


def ovito_voronoi(system):
    from ovito.modifiers import VoronoiAnalysisModifier
    from ovito.pipeline import Pipeline

    pipeline = Pipeline(source=ovito_source(system, system.positions))
    pipeline.modifiers.append(VoronoiAnalysisModifier(use_radii=True, relative_face_threshold=0))
    volumes = np.array(pipeline.compute().particles["Atomic Volume"])
    return volumes, len(system.positions)


CASES = {
    "angular, 3 x 160": {
        "glassbench": ours_angular,
        "dscribe": dscribe_angular,
        "loops": loops_angular,
    },
    "radial, 2 x 120": {"glassbench": ours_radial, "dscribe": dscribe_radial},
    "RDF, 40 bins": {"glassbench": ours_distribution},
    "D2min, 4.5 A": {"glassbench": ours_displacement, "ovito": ovito_displacement},
    "radical Voronoi": {"glassbench": ours_voronoi, "ovito": ovito_voronoi},
}
EQUAL = {
    ("angular, 3 x 160", "loops"): 1e-10,
    ("D2min, 4.5 A", "ovito"): 1e-6,
    ("radical Voronoi", "ovito"): 1e-6,
}


def measured(function, system, repeats: int) -> tuple[float, np.ndarray]:
    """Return CPU seconds for each particle and the result."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        result, particles = function(system)
        times.append((time.process_time() - start) / particles)
    return min(times), result


def rows_of(system, repeats: int) -> list[dict]:
    rows = []
    for case, programs in CASES.items():
        reference = None
        for program, function in programs.items():
            if program != "loops" and not importlib.util.find_spec(program):
                continue
            seconds, result = measured(function, system, 1 if program == "loops" else repeats)
            reference = (seconds, result) if reference is None else reference
            row = {"measure": case, "program": name_of(program), "us": seconds * 1e6}
            row["ratio"] = seconds / reference[0]
            if (case, program) in EQUAL:
                error = np.abs(result - reference[1][: len(result)]).max() / np.abs(result).max()
                if error > EQUAL[case, program]:
                    raise SystemExit(f"{case}: {program} and glassbench differ by {error:.1e}")
                row["difference"] = error
            rows.append(row)
    return rows


def name_of(program: str) -> str:
    return program if program == "loops" else f"{program} {importlib.metadata.version(program)}"


def table(rows: list[dict]) -> str:
    lines = [
        f"{'measure':<18}{'program':<18}{'CPU us/particle':>16}{'times ours':>12}{'difference':>12}"
    ]
    for row in rows:
        difference = f"{row['difference']:.0e}" if "difference" in row else ""
        lines.append(
            f"{row['measure']:<18}{row['program']:<18}{row['us']:>16.1f}{row['ratio']:>12.1f}"
            f"{difference:>12}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--particles", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    os.environ.setdefault("OVITO_THREAD_COUNT", "1")
    rows = rows_of(metal(arguments.particles), arguments.repeats)
    if arguments.json:
        print(json.dumps(rows, indent=1))
        return
    print(table(rows))
    absent = [name for name in ("dscribe", "ovito") if not importlib.util.find_spec(name)]
    for name in absent:
        print(f"{name}: not installed, not measured (pip install {name})")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
