"""The plan of a Kob-Andersen propensity dataset: parents, then isoconfigurational trajectories."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from .kob_andersen import Protocol
from .pieces import Piece

TRAJECTORIES_PER_PIECE = 8


@dataclass(frozen=True)
class State:
    """One temperature of the plan.

    `parents` gives, for each split, the number of configurations that each of
    its independent parents contributes.
    """

    protocol: Protocol
    times: tuple[float, ...]
    parents: dict[str, tuple[int, ...]]
    trajectories: int = 32

    @property
    def name(self) -> str:
        return f"T{self.protocol.temperature:.2f}"


MINI = (
    State(
        protocol=Protocol(
            temperature=0.64,
            tau_alpha=16.5,
            melt_time=20.0,
            melt_step=0.002,
            equilibration_tau_alpha=20.0,
            step=0.005,
        ),
        times=(0.165, 0.52, 5.2, 16.5),
        parents={"test": (1,) * 6, "train": (4,) * 4, "valid": (2,)},
    ),
)


def pieces_of(state: State) -> list[Piece]:
    """Return the pieces of one temperature, parents before what needs them."""
    protocol = state.protocol
    values = asdict(protocol)
    particles = protocol.particles
    pieces = []
    for split, counts in state.parents.items():
        for number, count in enumerate(counts):
            names = ["ka_propensity", state.name, split, number]
            parent = f"{state.name}-{split}{number:03d}"
            pieces.append(
                Piece(
                    name=parent,
                    kind="parent",
                    arguments={"protocol": values, "configurations": count, "names": names},
                    atom_steps=particles * _parent_steps(protocol, count),
                )
            )
            for configuration in range(count):
                for first in range(0, state.trajectories, TRAJECTORIES_PER_PIECE):
                    batch = range(first, min(first + TRAJECTORIES_PER_PIECE, state.trajectories))
                    pieces.append(
                        Piece(
                            name=f"{parent}-c{configuration:02d}-r{first:02d}",
                            kind="trajectories",
                            arguments={
                                "protocol": values,
                                "configuration": configuration,
                                "times": list(state.times),
                                "trajectories": list(batch),
                                "names": [*names, configuration],
                            },
                            needs=(parent,),
                            atom_steps=particles * len(batch) * max(state.times) / protocol.step,
                        )
                    )
    return pieces


def _parent_steps(protocol: Protocol, configurations: int) -> float:
    tau_alphas = (
        protocol.equilibration_tau_alpha + (configurations - 1) * protocol.spacing_tau_alpha
    )
    held = protocol.quench_time + tau_alphas * protocol.tau_alpha
    return protocol.melt_time / protocol.melt_step + held / protocol.step


def disk_bytes(state: State) -> int:
    """Return the bytes that the pieces of one temperature take, positions as float64."""
    configurations = sum(sum(counts) for counts in state.parents.values())
    frames = configurations * state.trajectories * len(state.times)
    return frames * state.protocol.particles * 3 * 8


def _paper_state(temperature: float, tau_alpha: float, times: tuple[float, ...]) -> State:
    """Return a temperature as in Shiba et al. 2023: 400 + 100 configurations, each its own parent."""
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

PLANS = {"mini": MINI, "paper": PAPER}
