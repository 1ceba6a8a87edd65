"""The plan of a Kob-Andersen propensity dataset: parents, then isoconfigurational trajectories."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from .isoconfigurational import WORK as WORK
from .kob_andersen import Protocol
from .pieces import Piece

TRAJECTORIES_PER_PIECE = 8


@dataclass(frozen=True)
class State:
    """One temperature of the plan.

    `parents` gives, for each split, the number of configurations that each of
    its independent parents contributes; `packed` stores averages as 16-bit
    integers at a fifth of their statistical error.
    """

    protocol: Protocol
    times: tuple[float, ...]
    parents: dict[str, tuple[int, ...]]
    trajectories: int = 32
    packed: bool = False

    @property
    def name(self) -> str:
        return f"T{self.protocol.temperature:.2f}"


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


@dataclass(frozen=True)
class PlannedConfiguration:
    """One configuration of the plan: its name, split, parent, and number along the parent's run."""

    name: str
    split: str
    parent: str
    number: int

    @property
    def averages(self) -> str:
        """Name of the piece that holds its arrays."""
        return f"{self.name}-averages"


def parents_of(state: State) -> list[tuple[str, str, int, int]]:
    """Return name, split, number and count of configurations of every parent."""
    return [
        (f"{state.name}-{split}{number:03d}", split, number, count)
        for split, counts in state.parents.items()
        for number, count in enumerate(counts)
    ]


def configurations_of(state: State) -> list[PlannedConfiguration]:
    """Return the configurations of one temperature, in the order of the dataset."""
    return [
        PlannedConfiguration(f"{parent}-c{number:02d}", split, parent, number)
        for parent, split, _, count in parents_of(state)
        for number in range(count)
    ]


def pieces_of(state: State) -> list[Piece]:
    """Return the pieces of one temperature, each after those that it needs."""
    pieces = []
    for parent, split, number, count in parents_of(state):
        names = ["ka_propensity", state.name, split, number]
        pieces.append(
            Piece(
                name=parent,
                kind="parent",
                arguments={
                    "protocol": asdict(state.protocol),
                    "configurations": count,
                    "names": names,
                },
                atom_steps=state.protocol.particles * _parent_steps(state.protocol, count),
            )
        )
        for configuration in configurations_of(state):
            if configuration.parent == parent:
                pieces += _pieces_of_configuration(state, configuration, names)
    return pieces


def _pieces_of_configuration(
    state: State, configuration: PlannedConfiguration, names: list
) -> list[Piece]:
    """Return batches of trajectories, and the piece that averages them."""
    protocol = state.protocol
    shared = {"protocol": asdict(protocol), "configuration": configuration.number}
    batches = []
    for first in range(0, state.trajectories, TRAJECTORIES_PER_PIECE):
        batch = range(first, min(first + TRAJECTORIES_PER_PIECE, state.trajectories))
        steps = len(batch) * max(state.times) / protocol.step
        batches.append(
            Piece(
                name=f"{configuration.name}-r{first:02d}",
                kind="trajectories",
                arguments=shared
                | {
                    "times": list(state.times),
                    "trajectories": list(batch),
                    "names": [*names, configuration.number],
                },
                needs=(configuration.parent,),
                atom_steps=protocol.particles * steps,
            )
        )
    averages = Piece(
        name=configuration.averages,
        kind="averages",
        arguments=shared | {"close_pair_halves": configuration.split != "train"},
        needs=(configuration.parent, *(batch.name for batch in batches)),
    )
    return [*batches, averages]


def _parent_steps(protocol: Protocol, configurations: int) -> float:
    tau_alphas = (
        protocol.equilibration_tau_alpha + (configurations - 1) * protocol.spacing_tau_alpha
    )
    held = protocol.quench_time + tau_alphas * protocol.tau_alpha
    return protocol.melt_time / protocol.melt_step + held / protocol.step


def bytes_of(state: State) -> int:
    """Return the bytes that the pieces of one temperature take, positions as float64."""
    configurations = sum(sum(counts) for counts in state.parents.values())
    frames = configurations * state.trajectories * len(state.times)
    return frames * state.protocol.particles * 3 * 8


def _paper_state(temperature: float, tau_alpha: float, times: tuple[float, ...]) -> State:
    """Return a temperature as in Shiba et al. 2023: 400 + 100 configurations, one a parent."""
    return State(
        protocol=Protocol(temperature=temperature, tau_alpha=tau_alpha),
        times=times,
        parents={"test": (1,) * 100, "train": (1,) * 360, "valid": (1,) * 40},
    )


PAPER = (
    _paper_state(0.64, 16.5, (0.1, 0.165, 0.52, 1.65, 5.2, 16.5, 52, 165, 520)),
    _paper_state(0.50, 217, (0.108, 0.434, 2.17, 6.86, 21.7, 68.6, 217, 686, 2170, 6860)),
    _paper_state(0.44, 4120, (0.13, 1.3, 13, 130, 412, 1300, 4120, 13000, 41200, 130000)),
)

PLANS = {"mini": MINI, "mini_temperatures": MINI_TEMPERATURES, "paper": PAPER}


def folder_name(dataset: str) -> str:
    """Return the folder of the pieces, which the small plans share."""
    return f"ka_propensity-{dataset.split('_')[0]}"


def pieces(dataset: str) -> list[Piece]:
    """Return the pieces of every temperature of a dataset."""
    return [piece for state in PLANS[dataset] for piece in pieces_of(state)]


def disk_bytes(dataset: str) -> int:
    """Return the bytes that the pieces of a dataset take until it is assembled."""
    return sum(bytes_of(state) for state in PLANS[dataset])


def assemble(dataset: str, folder: Path, destination: Path) -> Path:
    """Write the dataset of all pieces in `folder` to `destination`."""
    from .assemble import assemble_ka_propensity

    return assemble_ka_propensity(PLANS[dataset], folder, destination, name=dataset)


def atom_steps_per_second(seconds: float = 10.0) -> float:
    """Return the atom-steps per CPU second of the Kob-Andersen liquid on one core."""
    from .calibration import kob_andersen_speed

    return kob_andersen_speed(seconds)
