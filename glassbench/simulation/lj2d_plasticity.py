"""The plan of a two-dimensional plasticity dataset: glasses, each sheared along four loads."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .lennard_jones_2d import LENNARD_JONES_2D, QuenchProtocol, quench_glass
from .loading import Loading, loadings_2d
from .pieces import Piece, read_piece
from .quasistatic_shear import ShearSchedule
from .shear_pieces import make_shear, shear_piece
from .slow_quench_2d import SLOW_WORK, sample_pieces
from .vibration_2d import VibrationProtocol, make_vibration, vibration_piece

NEIGHBOUR_CUTOFF = 2.5


@dataclass(frozen=True)
class State:
    """The glasses of one quench time.

    Attributes
    ----------
    samples : number of glasses in each split
    repeated : number of them, in each split, that are sheared a second time in shuffled order
    loading_names : the loads, of those that `loadings_2d` gives
    threshold_state : name of the state whose training split defines what is plastic; its own
        where empty
    evaluations_per_step : force evaluations of one minimisation, measured, for estimates
    """

    protocol: QuenchProtocol
    schedule: ShearSchedule
    vibration: VibrationProtocol
    samples: dict[str, int]
    repeated: dict[str, int] = field(default_factory=dict)
    loading_names: tuple[str, ...] = tuple(loading.name for loading in loadings_2d())
    threshold_state: str = ""
    evaluations_per_step: float = 1200.0

    @property
    def name(self) -> str:
        """Name of the quench time, as in `quench_1e3` for 10^3 t_0."""
        mantissa, exponent = f"{self.protocol.quench_time:.0e}".split("e")
        return f"quench_{mantissa}e{int(exponent)}"

    @property
    def loadings(self) -> tuple[Loading, ...]:
        return tuple(one for one in loadings_2d() if one.name in self.loading_names)


@dataclass(frozen=True)
class PlannedSample:
    """One glass of the plan; `repeats` counts the runs in shuffled order, 0 or 1."""

    name: str
    split: str
    number: int
    repeats: int


MINI = (
    State(
        protocol=QuenchProtocol(
            quench_time=1e3, particles=2500, melt_time=50.0, equilibration_time=2000.0
        ),
        schedule=ShearSchedule(
            step=1e-3,
            strains=(0.005, 0.01, 0.02, 0.03, 0.04, 0.05),
            force_tolerance=1e-6,
            neighbour_cutoff=NEIGHBOUR_CUTOFF,
        ),
        vibration=VibrationProtocol(runs=20),
        samples={"test": 10, "valid": 4, "train": 26},
        repeated={"test": 2},
    ),
)


def _paper_state(quench_time: float, samples: dict[str, int]) -> State:
    """Return the glasses of one quench time as in Fan & Ma 2021."""
    return State(
        protocol=QuenchProtocol(
            quench_time=quench_time,
            quench_parts=20 if quench_time > 10 else 1,
            thermostat_time=1.0 if quench_time > 100 else 0.1,
        ),
        schedule=ShearSchedule(
            step=1e-5,
            strains=(0.005, *(percent / 100 for percent in range(1, 11))),
            force_tolerance=1e-8,
            neighbour_cutoff=NEIGHBOUR_CUTOFF,
        ),
        vibration=VibrationProtocol(runs=100),
        samples=samples,
        repeated={"test": samples["test"]},
        threshold_state="" if "train" in samples else "quench_1e6",
        evaluations_per_step=840.0,
    )


PAPER = (
    _paper_state(1e6, {"test": 50, "train": 4900, "valid": 50}),
    *(_paper_state(10.0**exponent, {"test": 50}) for exponent in (5, 4, 3, 2, 1, 0)),
)

PLANS = {"mini": MINI, "paper": PAPER}


def samples_of(state: State) -> list[PlannedSample]:
    """Return the glasses of one quench time, in the order of the dataset."""
    return [
        PlannedSample(
            f"{state.name}-{split}{number:03d}",
            split,
            number,
            int(number < state.repeated.get(split, 0)),
        )
        for split, count in state.samples.items()
        for number in range(count)
    ]


def pieces_of(state: State) -> list[Piece]:
    """Return each glass and, after it, the runs that shear it and that sample its vibrations."""
    particles, loadings = state.protocol.particles, state.loadings
    pieces = []
    for sample in samples_of(state):
        names = ["lj2d_plasticity", state.name, sample.split, sample.number]
        pieces += sample_pieces(sample.name, state.protocol, names)
        pieces += [
            shear_piece(
                sample.name,
                loading,
                state.schedule,
                names,
                particles=particles,
                evaluations_per_step=state.evaluations_per_step,
                repeat=repeat,
            )
            for repeat in range(1 + sample.repeats)
            for loading in loadings
        ]
        pieces.append(vibration_piece(sample.name, state.vibration, names, particles))
    return pieces


def pieces(dataset: str) -> list[Piece]:
    """Return the pieces of every quench time of a dataset."""
    return [piece for state in PLANS[dataset] for piece in pieces_of(state)]


def disk_bytes(dataset: str) -> int:
    """Return the bytes that the pieces of a dataset take until it is assembled."""
    return sum(bytes_of(state) for state in PLANS[dataset])


def bytes_of(state: State) -> int:
    """Return the bytes of the pieces of one quench time."""
    samples, particles = samples_of(state), state.protocol.particles
    runs = sum(len(state.loadings) * (1 + sample.repeats) for sample in samples)
    curve = 8 * 8 * (state.schedule.steps + 1)
    labels = 4 * particles * len(state.schedule.strains)
    chain = len(sample_pieces("any", state.protocol, []))
    return len(samples) * particles * (25 + 41 * (chain - 1)) + runs * (labels + curve)


def make_sample(request: dict) -> dict[str, np.ndarray]:
    """Make the glass of a request; see `quench_glass`."""
    arguments = request["arguments"]
    protocol = QuenchProtocol(**arguments["protocol"])
    return quench_glass(protocol, tuple(arguments["names"]), Path(request["log"]))


def make_loaded(request: dict) -> dict[str, np.ndarray]:
    """Shear the glass of a request."""
    (sample,) = request["needs"]
    structure = read_piece(Path(request["folder"]), sample)
    return make_shear(request, structure, LENNARD_JONES_2D, loadings_2d())


WORK = SLOW_WORK | {"sample": make_sample, "shear": make_loaded, "vibration": make_vibration}


def assemble(dataset: str, folder: Path, destination: Path) -> Path:
    """Write the dataset of all pieces in `folder` to `destination`."""
    from .lj2d_dataset import assemble_lj2d_plasticity

    return assemble_lj2d_plasticity(PLANS[dataset], folder, destination, name=dataset)


def atom_steps_per_second(seconds: float = 10.0) -> float:
    """Return the atom-steps per CPU second of the two-dimensional liquid on one core."""
    from .calibration import lennard_jones_2d_speed

    return lennard_jones_2d_speed(seconds)
