"""What a dataset of copper-zirconium plastic rearrangements is made of: samples by their making."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from glassbench.simulation.pieces import Piece
from glassbench.simulation.quasistatic_shear import Loading, ShearSchedule

from .copper_zirconium import (
    Protocol,
    SampleSet,
    alloy,
    constant_rate_samples,
    power,
    sample_bytes,
    sample_pieces,
)
from .loadings import loadings_3d
from .sheared_samples import ShearedSample, shear_bytes, shear_pieces
from .warm_run import vibration_piece

NEIGHBOUR_CUTOFF = 4.5
EVALUATIONS_PER_STEP = 260.0
MINI_LOADINGS = (
    "xy_positive",
    "yz_positive",
    "zx_positive",
    "xy_positive_45z",
    "yz_positive_45x",
    "zx_positive_45y",
)


@dataclass(frozen=True)
class State:
    """Samples of one composition and cooling rate.

    Attributes
    ----------
    cooling_rate : K/s, the rate that names the state
    splits : the split of each sample, in the order of their numbers
    repeated : numbers of the samples that are sheared a second time in shuffled order
    threshold_state : name of the state whose training split defines what is plastic; its own
        where empty
    """

    name: str
    cooling_rate: float
    sample_set: SampleSet
    splits: tuple[str, ...]
    repeated: tuple[int, ...]
    schedule: ShearSchedule
    loadings: tuple[Loading, ...]
    threshold_state: str = ""

    @property
    def particles(self) -> int:
        return self.sample_set.protocol.atoms

    @cached_property
    def samples(self) -> tuple[ShearedSample, ...]:
        """The samples, in the order of the dataset."""
        return tuple(
            ShearedSample(self.sample_set.sample(number), split, number, number in self.repeated)
            for number, split in enumerate(self.splits)
        )

    def pieces(self) -> list[Piece]:
        """Return the samples, then the runs that shear them and the short warm runs."""
        pieces = []
        for sample in self.samples:
            pieces += sample_pieces(self.sample_set, sample.number)
        for sample in self.samples:
            names = ["cuzr_plasticity", self.sample_set.name, sample.number]
            pieces.append(vibration_piece(self.sample_set, sample.number))
            pieces += shear_pieces(self, sample, names, EVALUATIONS_PER_STEP)
        return pieces

    def disk_bytes(self) -> int:
        """Return the bytes of the pieces."""
        warm = self.particles * 7 * 8
        samples = len(self.splits) * (sample_bytes(self.sample_set.protocol) + warm)
        return samples + shear_bytes(self)


MINI = (
    State(
        name="Cu50Zr50-1e13",
        cooling_rate=1e13,
        sample_set=constant_rate_samples(1e13, 4000),
        splits=(*("test",) * 6, "valid", *("train",) * 5),
        repeated=(0, 1),
        schedule=ShearSchedule(
            step=1e-3,
            strains=(0.005, 0.01, 0.02, 0.03, 0.04, 0.05),
            force_tolerance=1e-4,
            neighbour_cutoff=NEIGHBOUR_CUTOFF,
        ),
        loadings=tuple(one for one in loadings_3d() if one.name in MINI_LOADINGS),
    ),
)


def effective_rate_samples(rate: float, atoms: int, copper: float = 0.5) -> SampleSet:
    """Return samples quenched as by Fan & Ma 2021: at `rate` in K/s from 1000 to 500 K."""
    stages = (
        (2000.0, 1500.0, 1e13),
        (1500.0, 1000.0, 1e12),
        (1000.0, 500.0, rate),
        (500.0, 50.0, 1e13),
    )
    protocol = Protocol(stages=stages, atoms=atoms, copper=copper)
    return SampleSet(f"{alloy(copper)}-effective-{power(rate)}-n{atoms}", protocol)


def _paper_state(rate: float, copper: float, splits: dict[str, int], thresholds: str = "") -> State:
    """Return the samples of one composition and effective cooling rate as in Fan & Ma 2021."""
    return State(
        name=f"{alloy(copper)}-1e{round(np.log10(rate))}",
        cooling_rate=rate,
        sample_set=effective_rate_samples(rate, 32_000, copper),
        splits=tuple(split for split, count in splits.items() for _ in range(count)),
        repeated=tuple(range(splits["test"])),
        schedule=ShearSchedule(
            step=1e-4,
            strains=(0.005, *(percent / 100 for percent in range(1, 11))),
            force_tolerance=1e-4,
            neighbour_cutoff=NEIGHBOUR_CUTOFF,
        ),
        loadings=loadings_3d(),
        threshold_state=thresholds,
    )


def _paper() -> tuple[State, ...]:
    main = _paper_state(1e10, 0.5, {"test": 10, "valid": 10, "train": 1480})
    rates = (1e9, 1e11, 1e12, 1e13)
    compositions = [percent / 100 for percent in range(20, 85, 5) if percent != 50]
    return (
        main,
        *(_paper_state(rate, 0.5, {"test": 10}, main.name) for rate in rates),
        *(_paper_state(1e10, copper, {"test": 10}, main.name) for copper in compositions),
    )


PAPER = _paper()
