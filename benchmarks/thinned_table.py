"""Copper-zirconium with thinned tables against the tables as the file has them.

Prints, for the liquid at 2000 K, the atom-steps per CPU second with both and how far forces
and energy differ. Usage: `python benchmarks/thinned_table.py [STEPS]`.
"""

import sys
import time
from contextlib import contextmanager

import numpy as np

from glassbench.plugins.registry import load_task
from glassbench.simulation.generator import load_generator
from glassbench.simulation.lammps_library import gather_by_id, lammps_session, place_atoms

plasticity = load_generator(load_task("cuzr_plasticity"))
alloy = plasticity.copper_zirconium
eam = plasticity.potential

PROTOCOL = alloy.Protocol(stages=())
ROUNDS = 3


@contextmanager
def moving(positions, velocities, species, edge, whole=False):
    """Open LAMMPS with atoms that move at constant energy, with the whole tables if asked."""
    with lammps_session() as lammps:
        eam.open_box(lammps, edge)
        if whole:
            lammps.command(f'pair_coeff * * "{eam.potential_file()}" Cu Zr')
        place_atoms(lammps, positions, species + 1, velocities)
        lammps.command(f"timestep {PROTOCOL.step}")
        lammps.command("fix integrate all nve")
        yield lammps


def melt():
    """Return positions (N, 3), velocities (N, 3), species (N,) and the edge of a hot liquid."""
    positions, species, edge = alloy.initial_lattice(PROTOCOL, "benchmark")
    velocities = alloy.maxwell_boltzmann(species, 2 * PROTOCOL.melt_temperature, "benchmark")
    with moving(positions, velocities, species, edge) as lammps:
        lammps.command("run 500 post no")
        return np.mod(gather_by_id(lammps, "x"), edge), gather_by_id(lammps, "v"), species, edge


def measure(state, whole, steps):
    """Return atom-steps per CPU second, forces (N, 3) and energy per atom at the start."""
    atoms = len(state[0])
    with moving(*state, whole) as lammps:
        lammps.command("run 0 post no")
        forces, energy = gather_by_id(lammps, "f"), lammps.get_thermo("pe") / atoms
        started = time.process_time()
        lammps.command(f"run {steps} post no")
        return atoms * steps / (time.process_time() - started), forces, energy


def main():
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    state = melt()
    found = {"as in the file": [], "thinned": []}
    for _ in range(ROUNDS):
        for name, rounds in found.items():
            rounds.append(measure(state, name != "thinned", steps))
    for name, rounds in found.items():
        print(f"{name:15} {max(speed for speed, _, _ in rounds) / 1e6:.2f} million atom-steps/s")
    (_, whole, energy), (_, thin, other) = (rounds[0] for rounds in found.values())
    print(f"forces          rms {whole.std():.3g}, rms difference {(thin - whole).std():.1e} eV/A")
    print(f"energy per atom difference {abs(other - energy):.1e} eV")


if __name__ == "__main__":
    main()
