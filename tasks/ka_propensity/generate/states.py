"""What a propensity dataset is made of: temperatures, with their times, parents, configurations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property

from glassbench.datasets.layout import ConfigurationEntry
from glassbench.simulation.cage import CageProtocol
from glassbench.simulation.pieces import Piece, vibration_name
from glassbench.simulation.stored_states import StateRecipe

from .cage import CAGES, cage_piece
from .kob_andersen import Protocol
from .vibration import VibrationProtocol

TRAJECTORIES_PER_PIECE = 8


@dataclass(frozen=True)
class Configuration:
    """One configuration: its name, split, parent, and number along the parent's run."""

    name: str
    split: str
    parent: str
    number: int

    @property
    def averages(self) -> str:
        """Name of the piece that holds its arrays."""
        return f"{self.name}-averages"

    @property
    def entry(self) -> ConfigurationEntry:
        return ConfigurationEntry(self.name, self.split, self.parent)


@dataclass(frozen=True)
class State:
    """One temperature.

    Attributes
    ----------
    parents : for each split, how many configurations each of its independent parents gives
    packed : whether averages are stored as 16-bit integers, in steps of a fifth of their
        statistical error
    """

    protocol: Protocol
    times: tuple[float, ...]
    parents: dict[str, tuple[int, ...]]
    trajectories: int = 32
    packed: bool = False
    vibration: VibrationProtocol = field(default_factory=VibrationProtocol)
    cages: Mapping[str, CageProtocol] = field(default_factory=lambda: CAGES)

    @property
    def name(self) -> str:
        return f"T{self.protocol.temperature:.2f}"

    @cached_property
    def by_parent(self) -> dict[str, list[Configuration]]:
        """The configurations of each parent, by its name, in the order of the dataset."""
        parents = {
            f"{self.name}-{split}{number:03d}": (split, count)
            for split, counts in self.parents.items()
            for number, count in enumerate(counts)
        }
        return {
            parent: [
                Configuration(f"{parent}-c{number:02d}", split, parent, number)
                for number in range(count)
            ]
            for parent, (split, count) in parents.items()
        }

    @property
    def configurations(self) -> list[Configuration]:
        return [one for configurations in self.by_parent.values() for one in configurations]

    def pieces(self) -> list[Piece]:
        """Return each parent and, after it, the pieces of its configurations."""
        pieces, protocol = [], self.protocol
        for parent, configurations in self.by_parent.items():
            split, count = configurations[0].split, len(configurations)
            names = ["ka_propensity", self.name, split, int(parent[-3:])]
            arguments = {"protocol": asdict(protocol), "configurations": count, "names": names}
            steps = _parent_steps(protocol, count)
            cost = protocol.particles * steps
            pieces.append(Piece(parent, "parent", arguments, atom_steps=cost))
            for configuration in configurations:
                pieces += self._pieces_of(configuration, [*names, configuration.number])
        return pieces

    def _pieces_of(self, configuration: Configuration, names: list) -> list[Piece]:
        """Return batches of trajectories, their averages, the short runs and the cages."""
        protocol, parent = self.protocol, configuration.parent
        shared = {"protocol": asdict(protocol), "configuration": configuration.number}
        batches = []
        for first in range(0, self.trajectories, TRAJECTORIES_PER_PIECE):
            batch = list(range(self.trajectories))[first : first + TRAJECTORIES_PER_PIECE]
            batches.append(
                Piece(
                    name=f"{configuration.name}-r{first:02d}",
                    kind="trajectories",
                    arguments=shared
                    | {"times": list(self.times), "trajectories": batch, "names": names},
                    needs=(parent,),
                    atom_steps=protocol.particles * (len(batch) * max(self.times) / protocol.step),
                )
            )
        averages = Piece(
            name=configuration.averages,
            kind="averages",
            arguments=shared | {"close_pair_halves": configuration.split != "train"},
            needs=(parent, *(batch.name for batch in batches)),
        )
        vibration = Piece(
            name=vibration_name(configuration.name),
            kind="vibration",
            arguments=shared
            | {"vibration": asdict(self.vibration), "names": [*names, "vibration"]},
            needs=(parent,),
            atom_steps=protocol.particles * self.vibration.steps(protocol.step),
        )
        cages = [
            cage_piece(configuration.name, name, cage, shared, parent)
            for name, cage in self.cages.items()
        ]
        return [*batches, averages, vibration, *cages]

    def recipe(self) -> StateRecipe:
        """Return what must be the same in a dataset that this temperature is taken from."""
        return StateRecipe(
            name=self.name,
            configurations=tuple(configuration.entry for configuration in self.configurations),
            attributes={
                "protocol": asdict(self.protocol),
                "trajectories": self.trajectories,
                "vibration": asdict(self.vibration),
                "cages": {name: asdict(cage) for name, cage in self.cages.items()},
            },
            axes={"time": self.times},
        )

    def disk_bytes(self) -> int:
        """Return the bytes that the pieces take, positions as float64."""
        frames = len(self.configurations) * self.trajectories * len(self.times)
        return frames * self.protocol.particles * 3 * 8


def _parent_steps(protocol: Protocol, configurations: int) -> float:
    tau_alphas = (
        protocol.equilibration_tau_alpha + (configurations - 1) * protocol.spacing_tau_alpha
    )
    held = protocol.quench_time + tau_alphas * protocol.tau_alpha
    return protocol.melt_time / protocol.melt_step + held / protocol.step


def _mini_state(
    temperature: float,
    tau_alpha: float,
    times: tuple[float, ...],
    parents: dict[str, tuple[int, ...]],
    trajectories: int,
) -> State:
    """Return a temperature as embedded: a shorter melt and equilibration, a longer time step."""
    return State(
        protocol=Protocol(
            temperature=temperature,
            tau_alpha=tau_alpha,
            melt_time=20.0,
            melt_step=0.002,
            equilibration_tau_alpha=20.0,
            step=0.005,
        ),
        times=times,
        parents=parents,
        trajectories=trajectories,
        packed=True,
    )


MINI = (
    _mini_state(
        0.64,
        16.5,
        times=(0.165, 0.52, 5.2, 16.5),
        parents={"test": (1,) * 6, "train": (4,) * 4, "valid": (2,)},
        trajectories=32,
    ),
)
MINI_TEMPERATURES = (
    *MINI,
    _mini_state(
        0.56,
        45.0,
        times=(0.33, 1.65, 16.5, 52.0),
        parents={"test": (1,) * 6, "train": (4,) * 3, "valid": (2,)},
        trajectories=16,
    ),
)
# A temperature between the two that has test configurations alone: what a model of several
# temperatures says where it was never trained.
MINI_INTERPOLATION = (
    *MINI_TEMPERATURES,
    _mini_state(
        0.60, 26.0, times=(0.26, 0.9, 9.0, 26.0), parents={"test": (1,) * 4}, trajectories=16
    ),
)


def _paper_state(temperature: float, tau_alpha: float, times: tuple[float, ...]) -> State:
    """Return a temperature as in Shiba et al. 2023: 400 + 100 configurations, one a parent."""
    return State(
        protocol=Protocol(temperature=temperature, tau_alpha=tau_alpha),
        times=times,
        parents={"test": (1,) * 100, "train": (1,) * 360, "valid": (1,) * 40},
    )


# Relaxation times and times of Table I of the paper, which has neither at 0.56 and 0.47. There the
# relaxation times follow from the others by a Vogel-Fulcher law; the times are those of the
# roadmap dataset at 0.56 (Jung et al., Zenodo 10118191), and at 0.47 what T = 0.50 has in units
# of the relaxation time. A dataset holds the relaxation time that it measured.
PAPER = (
    _paper_state(0.64, 16.5, (0.1, 0.165, 0.52, 1.65, 5.2, 16.5, 52, 165, 520)),
    _paper_state(0.56, 50, (0.104, 0.33, 0.99, 1.65, 5.2, 16.5, 52, 165, 520, 1650)),
    _paper_state(0.50, 217, (0.108, 0.434, 2.17, 6.86, 21.7, 68.6, 217, 686, 2170, 6860)),
    _paper_state(0.47, 700, (0.35, 1.4, 7, 22.1, 70, 221, 700, 2210, 7000, 22100)),
    _paper_state(0.44, 4120, (0.13, 1.3, 13, 130, 412, 1300, 4120, 13000, 41200, 130000)),
)
