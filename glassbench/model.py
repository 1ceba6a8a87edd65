"""The contract of a model: what it is given, and what it must return.

A model is a class with `fit` and `predict`; nothing else is required. This
module imports nothing heavy, so that a plugin can import it anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np

Predictions = Mapping[str, "np.ndarray"]
# Positions that a structure may have beside the thermal ones, and the tier that admits them.
OTHER_POSITIONS = {
    "inherent_positions": "inherent",
    "cage_positions": "cage",
    "narrow_cage_positions": "cage",
    "wide_cage_positions": "cage",
}


@dataclass(frozen=True)
class Structure:
    """One static configuration: all that a model may see of it, and nothing of its future.

    Lengths are in the system's unit (sigma_AA for Lennard-Jones systems, Angstrom for metals).

    Attributes
    ----------
    positions : (N, d) float64
    species : (N,) int8, 0 for the first species (A), 1 for the second (B)
    box : (d,) float64, edges of the orthorhombic periodic box
    configuration : name of the configuration in its dataset
    frame : (d, d) float64 or None; rows: shear direction, plane normal, third axis
    pairs : (P, 2) int64 or None; i < j, the pairs on which pair targets are asked
    inherent_positions : (N, d) float64 or None, of the nearest minimum of the energy
    cage_positions, narrow_cage_positions, wide_cage_positions : (N, d) float64 or None, where
        particles are on average while each is held within a sphere, a smaller and a larger one;
        the dataset states the radii
    dynamics : short-time dynamics by name, each (N,), where the tier admits them

    >>> import numpy as np
    >>> from glassbench.model import Structure
    >>> positions = np.random.default_rng(0).uniform(0, 5, (150, 3))
    >>> one = Structure(positions, species=np.zeros(150, np.int8), box=np.full(3, 5.0))
    >>> one.frame is None, one.box.tolist()
    (True, [5.0, 5.0, 5.0])
    """

    positions: np.ndarray
    species: np.ndarray
    box: np.ndarray
    configuration: str = ""
    frame: np.ndarray | None = None
    pairs: np.ndarray | None = None
    inherent_positions: np.ndarray | None = None
    cage_positions: np.ndarray | None = None
    narrow_cage_positions: np.ndarray | None = None
    wide_cage_positions: np.ndarray | None = None
    dynamics: Mapping[str, np.ndarray] | None = None


def as_read(structure: Structure, reads: Sequence[str]) -> Structure:
    """Return a structure as a model sees it that reads these tiers of input.

    To one that reads no thermal positions, but inherent or cage ones, those of the first such
    tier are `positions`. Raises ValueError where the structure has none of them.
    """
    others = {tier: name for name, tier in reversed(OTHER_POSITIONS.items())}
    tiers = [tier for tier in reads if tier in others]
    if "thermal" in reads or not tiers:
        return structure
    positions = getattr(structure, others[tiers[0]])
    if positions is None:
        raise ValueError(
            f"{structure.configuration or 'the structure'} has no {tiers[0]} positions"
        )
    return replace(structure, positions=positions)


def with_positions(
    structure: Structure, change: Callable[[np.ndarray], np.ndarray], **others: Any
) -> Structure:
    """Return a structure with all its positions (N, d) changed, and other fields replaced."""
    arrays = {name: getattr(structure, name) for name in ("positions", *OTHER_POSITIONS)}
    others |= {name: change(array) for name, array in arrays.items() if array is not None}
    return replace(structure, **others)


@dataclass(frozen=True)
class Condition(Mapping[str, float]):
    """One point on the axes of a task, such as temperature 0.64 and time 16.5."""

    # Records name it so; the values of the mapping are those of `dict(condition)`.
    values: tuple[tuple[str, float], ...]  # type: ignore[assignment]

    @classmethod
    def of(cls, **values: float) -> Condition:
        return cls(tuple((name, float(value)) for name, value in values.items()))

    @property
    def name(self) -> str:
        """Return the condition as words, such as `temperature=0.64 time=16.5`."""
        return " ".join(f"{name}={value:g}" for name, value in self.values)

    def __getitem__(self, name: str) -> float:
        for key, value in self.values:
            if key == name:
                return value
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.values)

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Example:
    """A structure with what is to be learned about it at one condition.

    `targets` maps a target's name to its array: particle targets (N,), pair
    targets (P,) in the order of `structure.pairs`. Where the target is a label of 0
    and 1, `balanced` holds the indices (M,) int64 of the balanced set: all positives
    and as many negatives; a model may train on these particles alone. Elsewhere it is None,
    but for studies in which chosen particles stand alone with their surroundings: models
    whose class has `learns_from_chosen` train on these.
    """

    structure: Structure
    condition: Condition
    targets: Predictions
    balanced: np.ndarray | None = None


@dataclass(frozen=True)
class Progress:
    """What a model reports while it fits; every field but `epoch` may be unknown."""

    epoch: int
    epochs: int | None = None
    loss: float | None = None
    validation_score: float | None = None
    learning_rate: float | None = None


@dataclass(frozen=True)
class Run:
    """What the harness hands to `fit`.

    Attributes
    ----------
    seed : the only source of randomness that a model may use
    target : name of the task's target, a key of `Example.targets`
    symmetry : group under which the target is unchanged: `cubic`, `square`, `none`, …
    folder : scratch folder that outlives a crash; checkpoints go here
    checkpoints : URI for the checkpoints of the harness's loops, empty for `folder`
    conditions : the conditions that the fitted model will be asked about
    score : primary metric of predictions on validation examples, higher is better
    report : call it with a `Progress` after every epoch
    device : `cpu` or `cuda`, as torch writes it
    threads : CPU threads that the trial may use
    """

    seed: int
    target: str
    symmetry: str
    folder: Path
    conditions: Sequence[Condition] = ()
    score: Callable[[Sequence[Predictions], Sequence[Example]], float] | None = None
    report: Callable[[Progress], None] = field(default=lambda progress: None)
    device: str = "cpu"
    threads: int = 1
    checkpoints: str = ""


@runtime_checkable
class Model(Protocol):
    """What every model does.

    The class is called with its hyperparameters as keyword arguments. A model
    that also has `save(folder)` and `load(folder)` is not fitted again when a
    run stops between fitting and scoring.
    """

    def fit(self, train: Sequence[Example], valid: Sequence[Example], run: Run) -> None:
        """Learn from `train`; use `valid` for stopping and choosing alone."""

    def predict(
        self, structures: Sequence[Structure], condition: Condition
    ) -> Sequence[Predictions]:
        """Return, for each structure, its predictions by target name."""


Hyperparameters = Mapping[str, Any]
