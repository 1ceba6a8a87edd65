"""What a dataset of two-dimensional plastic rearrangements is made of: glasses by quench time."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from glassbench.simulation.pieces import Piece
from glassbench.simulation.quasistatic_shear import Loading, ShearSchedule

from .lennard_jones_2d import QuenchProtocol
from .loadings import loadings_2d
from .shearing import sheared_samples
from .slow_quench import sample_pieces
from .vibration import VibrationProtocol, vibration_piece

NEIGHBOUR_CUTOFF = 2.5


@dataclass(frozen=True)
class State:
    """The glasses of one quench time.

    Attributes
    ----------
    counts : number of glasses in each split
    repeated : number of them, in each split, that are sheared a second time in shuffled order
    threshold_state : name of the state whose training split defines what is plastic; its own
        where empty
    evaluations_per_step : force evaluations of one minimisation, measured, for estimates
    """

    protocol: QuenchProtocol
    schedule: ShearSchedule
    vibration: VibrationProtocol
    counts: dict[str, int]
    repeated: dict[str, int] = field(default_factory=dict)
    loadings: tuple[Loading, ...] = loadings_2d()
    threshold_state: str = ""
    evaluations_per_step: float = 1200.0

    @property
    def name(self) -> str:
        """Name of the quench time, as in `quench_1e3` for 10^3 t_0."""
        mantissa, exponent = f"{self.protocol.quench_time:.0e}".split("e")
        return f"quench_{mantissa}e{int(exponent)}"

    @property
    def particles(self) -> int:
        return self.protocol.particles

    @cached_property
    def samples(self) -> tuple[sheared_samples.ShearedSample, ...]:
        """The glasses, in the order of the dataset."""
        return tuple(
            sheared_samples.ShearedSample(
                f"{self.name}-{split}{number:03d}",
                split,
                number,
                number < self.repeated.get(split, 0),
            )
            for split, count in self.counts.items()
            for number in range(count)
        )

    def pieces(self) -> list[Piece]:
        """Return each glass and, after it, the runs that shear it and sample its vibrations."""
        pieces = []
        for sample in self.samples:
            names = ["lj2d_plasticity", self.name, sample.split, sample.number]
            pieces += sample_pieces(sample.name, self.protocol, names)
            pieces += sheared_samples.shear_pieces(self, sample, names, self.evaluations_per_step)
            pieces.append(vibration_piece(sample.name, self.vibration, names, self.particles))
        return pieces

    def disk_bytes(self) -> int:
        """Return the bytes of the pieces."""
        chain = len(sample_pieces("any", self.protocol, []))
        glass = self.particles * (25 + 41 * (chain - 1))
        return len(self.samples) * glass + sheared_samples.shear_bytes(self)


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
        counts={"test": 10, "valid": 4, "train": 26},
        repeated={"test": 2},
    ),
)


def _paper_state(quench_time: float, counts: dict[str, int]) -> State:
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
        counts=counts,
        repeated={"test": counts["test"]},
        threshold_state="" if "train" in counts else "quench_1e6",
        evaluations_per_step=840.0,
    )


PAPER = (
    _paper_state(1e6, {"test": 50, "train": 4900, "valid": 50}),
    *(_paper_state(10.0**exponent, {"test": 50}) for exponent in (5, 4, 3, 2, 1, 0)),
)
