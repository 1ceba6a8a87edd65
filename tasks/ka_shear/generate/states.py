"""What a dataset of sheared Kob-Andersen glasses is made of: by the temperature they come from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from glassbench.datasets.store import open_dataset
from glassbench.plugins.registry import load_task
from glassbench.simulation.generator import generator_of
from glassbench.simulation.pieces import Piece
from glassbench.simulation.quasistatic_shear import ShearSchedule

propensity = generator_of("ka_propensity")
kob_andersen = propensity.kob_andersen
plasticity = generator_of("cuzr_plasticity")
sheared_samples = plasticity.sheared_samples

GLASS = "glass"
NEIGHBOUR_CUTOFF = 2.0  # sigma_AA, beyond the second shell of A around A
EVALUATIONS_PER_STEP = 1100.0
AXES = ("xy_positive", "zx_positive")
LOADINGS = tuple(one for one in plasticity.loadings.loadings_3d() if one.name in AXES)


@dataclass(frozen=True)
class State:
    """Inherent structures of the liquid at one temperature, sheared.

    Attributes
    ----------
    liquid : the same temperature in the plan of `ka_propensity`
    source : name of the dataset of `ka_propensity` that holds the inherent structures
    repeated : number of test glasses that are sheared a second time in shuffled order
    """

    liquid: propensity.State
    source: str
    schedule: ShearSchedule
    repeated: int = 0
    loadings: tuple = LOADINGS
    threshold_state: str = ""

    @property
    def name(self) -> str:
        return self.liquid.name

    @property
    def particles(self) -> int:
        return self.liquid.protocol.particles

    @cached_property
    def samples(self) -> tuple[sheared_samples.ShearedSample, ...]:
        """The glasses, one for each configuration of the liquid, in the order of its dataset."""
        glasses = self.liquid.configurations
        twice = [one.name for one in glasses if one.split == "test"][: self.repeated]
        return tuple(
            sheared_samples.ShearedSample(one.name, one.split, k, one.name in twice, one.parent)
            for k, one in enumerate(glasses)
        )

    def pieces(self) -> list[Piece]:
        """Return each glass and, after it, the runs that shear it."""
        pieces = []
        for sample in self.samples:
            where = {"dataset": self.source, "state": self.name, "configuration": sample.name}
            pieces.append(Piece(sample.name, GLASS, where, here=True))
            names = ["ka_shear", self.name, sample.name]
            pieces += sheared_samples.shear_pieces(self, sample, names, EVALUATIONS_PER_STEP)
        return pieces

    def disk_bytes(self) -> int:
        """Return the bytes of the pieces."""
        return len(self.samples) * self.particles * 33 + sheared_samples.shear_bytes(self)


def read_glass(piece: Piece, folder: Path) -> dict[str, np.ndarray]:
    """Read a glass from the dataset that holds the liquid, and minimise its energy once more.

    The stored inherent positions are of single precision.
    """
    where = piece.arguments
    task = load_task("ka_propensity")
    state = open_dataset(task.folder / task.datasets[where["dataset"]].path).state(where["state"])
    index = state.configuration_ids.index(where["configuration"])
    held = state.structure_arrays(index)
    box, species = np.asarray(held["box"]), np.asarray(held["species"])
    positions, energy, force = kob_andersen.minimised(
        np.asarray(held["inherent_positions"], float), species, box[0], piece.log_path(folder)
    )
    return {
        "positions": np.mod(positions, box),
        "species": species,
        "box": box,
        "vibrational_msd": state.values(index, "vibrational_msd"),
        "energy": np.array(energy),
        "force_norm": np.array(force),
    }


MINI = tuple(
    State(
        liquid=liquid,
        source="mini",
        schedule=ShearSchedule(
            step=5e-3,
            strains=(0.01, 0.02, 0.03),
            force_tolerance=1e-3,
            neighbour_cutoff=NEIGHBOUR_CUTOFF,
        ),
        repeated=2,
    )
    for liquid in propensity.PLANS["mini"].states
)
