"""Atomic stiffness: how far an atom moves about its own mean position in a warm glass.

K_i = k_B T / <|r_i - <r_i>|^2>, with the centre of mass removed from every frame
(Peng, Yang & Wang, Extreme Mech. Lett. 48, 101446 (2021), Eq. 1). LAMMPS metal units.

The averages run over the window and over each of its halves, every one about its
own mean position. A half is shorter, so that it misses a part of the slowest
motion and its stiffness is a little larger than that of the whole window: no
correction is made, since correlations between halves do not see a common factor.
A short warm run gives the vibrations that a model may see: it has its own velocities and is
none of those that a target comes from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from glassbench.simulation.lammps_library import gather_by_id, lammps_session, place_atoms
from glassbench.simulation.pieces import Piece, read_need, vibration_name

from .copper_zirconium import BOLTZMANN, SampleSet, maxwell_boltzmann
from .potential import MASSES, open_box

BLOCKS = 4
HOP_DISTANCE = 0.5
VIBRATION_TEMPERATURE = 300.0


@dataclass(frozen=True)
class StiffnessProtocol:
    """How the stiffness is sampled; times in ps.

    From the minimised sample: Maxwell-Boltzmann velocities, `barostat_run` at zero
    pressure, of which the second half gives the mean edge; the box is set to it;
    then a constant volume, `settling`, and `window`, all with a Nose-Hoover thermostat.
    """

    window: float = 100.0
    barostat_run: float = 10.0
    settling: float = 5.0
    step: float = 0.00625
    steps_per_sample: int = 20
    thermostat_time: float = 0.1
    barostat_time: float = 1.0

    def as_attributes(self) -> dict:
        return asdict(self) | {"hop_distance": HOP_DISTANCE}

    @property
    def steps(self) -> int:
        return round((self.barostat_run + self.settling + self.window) / self.step)


SHORT_RUN = StiffnessProtocol(window=20.0, barostat_run=5.0)


class BlockMoments:
    """Sums of displacements from a reference and their squares, block by block of the window.

    A fixed reference keeps the digits of the variances; displacements stay below half of the box.
    """

    def __init__(self, reference: np.ndarray, masses: np.ndarray, blocks: int = BLOCKS) -> None:
        self._reference, self._weights = reference, masses / masses.sum()
        self._first = np.zeros((blocks, *reference.shape))
        self._second = np.zeros((blocks, len(reference)))
        self._frames = np.zeros(blocks, dtype=int)

    def add(self, block: int, positions: np.ndarray, edge: float) -> None:
        """Add one frame of wrapped positions (N, 3) in a cubic box of this edge."""
        moved = positions - self._reference
        moved -= edge * np.round(moved / edge)
        moved -= self._weights @ moved
        self._first[block] += moved
        self._second[block] += np.einsum("na,na->n", moved, moved)
        self._frames[block] += 1

    def mean_displacement(self, blocks: slice) -> np.ndarray:
        """Return the mean displacement (N, 3) from the reference over some blocks."""
        return self._first[blocks].sum(axis=0) / self._frames[blocks].sum()

    def mean_squared_displacement(self, blocks: slice) -> np.ndarray:
        """Return <|r_i - <r_i>|^2> (N,) over some blocks, about the mean over these blocks."""
        mean = self.mean_displacement(blocks)
        return self._second[blocks].sum(axis=0) / self._frames[blocks].sum() - np.einsum(
            "na,na->n", mean, mean
        )

    def hopped(self, distance: float = HOP_DISTANCE) -> np.ndarray:
        """Return which atoms (N,) bool have mean positions of two blocks farther apart."""
        means = self._first / self._frames[:, None, None]
        apart = np.linalg.norm(means[:, None] - means[None], axis=-1)
        return (apart > distance).any(axis=(0, 1))


def measure_stiffness(
    sample: Mapping[str, np.ndarray],
    temperature: float,
    protocol: StiffnessProtocol,
    names: tuple,
    log: Path,
    potential: str = "",
) -> dict:
    """Return the stiffness of every atom of a minimised sample at one temperature (K).

    Atoms that leave their place for another keep the stiffness that Eq. 1 gives
    them, which is small, and are named in `hopped`.

    Returns `stiffness` (N,) and `stiffness_halves` (2, N), eV/Angstrom^2; `vibrational_msd`
    (N,), Angstrom^2; `hopped` (N,) bool; `mean_positions` (N, 3), Angstrom, not wrapped, centre
    of mass at rest; `edge` () of the box; over the window `temperature` () K, which enters K,
    and `pressure` () bar; `energy_trend` () eV per atom, potential energy of the second half of
    the window minus the first.
    """
    species = sample["species"]
    velocities = maxwell_boltzmann(species, temperature, *names)
    with lammps_session(log) as lammps:
        open_box(lammps, float(sample["edge"]), potential)
        place_atoms(lammps, sample["positions"], species + 1, velocities)
        lammps.command(f"timestep {protocol.step}")
        edge = _set_mean_box(lammps, temperature, protocol)
        thermostat = f"temp {temperature} {temperature} {protocol.thermostat_time}"
        lammps.command(f"fix integrate all nvt {thermostat}")
        lammps.command(f"run {round(protocol.settling / protocol.step)} post no")
        reference = sample["positions"] * (edge / float(sample["edge"]))
        moments = BlockMoments(reference, np.array(MASSES)[species])
        thermo = _sample_window(lammps, moments, edge, protocol)
    halves = [slice(0, BLOCKS // 2), slice(BLOCKS // 2, BLOCKS)]
    whole = slice(0, BLOCKS)
    measured = thermo["temp"].mean()
    energy = np.array_split(thermo["pe"], 2)
    return {
        "stiffness": _stiffness(moments.mean_squared_displacement(whole), measured),
        "stiffness_halves": np.stack(
            [_stiffness(moments.mean_squared_displacement(half), measured) for half in halves]
        ),
        "vibrational_msd": moments.mean_squared_displacement(whole),
        "hopped": moments.hopped(),
        "mean_positions": reference + moments.mean_displacement(whole),
        "edge": np.array(edge),
        "temperature": np.array(measured),
        "pressure": np.array(thermo["press"].mean()),
        "energy_trend": np.array((energy[1].mean() - energy[0].mean()) / len(species)),
    }


def _stiffness(mean_squared_displacement: np.ndarray, temperature: float) -> np.ndarray:
    return BOLTZMANN * temperature / mean_squared_displacement


def _set_mean_box(lammps, temperature: float, protocol: StiffnessProtocol) -> float:
    """Run at zero pressure, set the box to its mean edge over the second half, and return it."""
    lammps.command(
        f"fix integrate all npt temp {temperature} {temperature} {protocol.thermostat_time} "
        f"iso 0 0 {protocol.barostat_time}"
    )
    half = round(protocol.barostat_run / protocol.step / 2)
    lammps.command(f"run {half} post no")
    edges = []
    for number in range(half // protocol.steps_per_sample):
        lammps.command(f"run {protocol.steps_per_sample} pre {'no' if number else 'yes'} post no")
        edges.append(lammps.get_thermo("lx"))
    lammps.command("unfix integrate")
    edge = float(np.mean(edges))
    bounds = " ".join(f"{axis} final 0 {edge:.17g}" for axis in "xyz")
    lammps.command(f"change_box all {bounds} remap units box")
    return edge


def _sample_window(
    lammps, moments: BlockMoments, edge: float, protocol: StiffnessProtocol
) -> dict[str, np.ndarray]:
    """Run the window, hand every sampled frame to `moments`, and return T, P and U along it."""
    frames = round(protocol.window / protocol.step) // protocol.steps_per_sample
    thermo: dict[str, list[float]] = {"temp": [], "press": [], "pe": []}
    for frame in range(frames):
        lammps.command(f"run {protocol.steps_per_sample} pre {'no' if frame else 'yes'} post no")
        moments.add(frame * BLOCKS // frames, gather_by_id(lammps, "x"), edge)
        for key, values in thermo.items():
            values.append(lammps.get_thermo(key))
    return {key: np.array(values) for key, values in thermo.items()}


def warm_piece(
    name: str,
    kind: str,
    samples: SampleSet,
    number: int,
    temperature: float,
    protocol: StiffnessProtocol,
    names: Sequence[object],
) -> Piece:
    """Return the piece that holds a sample at a temperature (K); see `measure_stiffness`."""
    return Piece(
        name=name,
        kind=kind,
        arguments={
            "temperature": temperature,
            "protocol": asdict(protocol),
            "names": list(names),
            "potential": samples.protocol.potential,
        },
        needs=(samples.sample(number),),
        atom_steps=samples.protocol.atoms * protocol.steps,
    )


def vibration_piece(
    samples: SampleSet, number: int, protocol: StiffnessProtocol = SHORT_RUN
) -> Piece:
    """Return the short run of a sample at 300 K."""
    name, names = vibration_name(samples.sample(number)), ["vibration", samples.name, number]
    return warm_piece(name, "vibration", samples, number, VIBRATION_TEMPERATURE, protocol, names)


def make_warm_run(piece: Piece, folder: Path) -> dict:
    arguments = piece.arguments
    return measure_stiffness(
        read_need(piece, folder),
        arguments["temperature"],
        StiffnessProtocol(**arguments["protocol"]),
        tuple(arguments["names"]),
        piece.log_path(folder),
        arguments["potential"],
    )
