"""How like the structures that a model was trained on another structure is, in numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from pydantic.dataclasses import dataclass

from ..contract.conditions import RELATIVE_TOLERANCE
from ..contract.task import Task
from ..contract.units import UNITS, printed
from ..datasets.formats.frame import TIERS
from ..datasets.physics import fingerprint
from ..datasets.view import View
from ..model import Condition, Structure

STRUCTURES = 16
# What makes a structure unlike: shares of density and temperature, and of particles, and how many
# standard deviations of the training structures its distances to neighbours are off.
DENSITY, TEMPERATURE, COMPOSITION, DEVIATIONS = 0.01, 0.01, 0.01, 6.0


@dataclass(frozen=True)
class Seen:
    """What the training structures of one state were like.

    Attributes
    ----------
    attributes : the values of the task's axes that the whole state shares
    density : lowest and highest number of particles per volume
    fractions : share of each species
    distances, deviations : mean and standard deviation of `fingerprint` over the structures
    loads : by name, the frames of the loads, rows as in `Structure.frame`
    """

    attributes: Mapping[str, float]
    density: tuple[float, float]
    fractions: tuple[float, ...]
    particles: int
    distances: tuple[float, ...]
    deviations: tuple[float, ...]
    loads: Mapping[str, list[list[float]]]


@dataclass(frozen=True)
class Training:
    """The data that a model was trained on, and what their structures were like.

    `arrays` are what the structures held beside thermal positions, by the names of a file.
    """

    dataset: str
    digest: str
    units_system: str
    species: tuple[str, ...]
    dimension: int
    states: tuple[Seen, ...]
    arrays: tuple[str, ...] = tuple(TIERS)

    @classmethod
    def of(cls, task: Task, view: View, name: str, conditions: Sequence[Condition]) -> Training:
        """Return it for the states of these conditions; of each, up to 16 structures are read.

        A condition without training structures, asked of a fit of others, has seen nothing.
        """
        states: list[Seen] = []
        kinds = 0
        for condition in conditions:
            if not len(view.examples("train", (condition,))):
                continue
            structures, loads, coordinates = _training_structures(view, condition)
            shared = {a: value for a, value in condition.items() if a not in coordinates}
            if any(dict(state.attributes) == shared for state in states):
                continue
            states.append(_seen(shared, structures, loads))
            kinds = max(kinds, len(states[-1].fractions))
        first = structures[0]
        return cls(
            dataset=name,
            digest=view.digest,
            units_system=str(view.dataset.attributes["units_system"]),
            species=tuple(view.species_name(conditions[0], kind) for kind in range(kinds)),
            dimension=len(first.box),
            states=tuple(states),
            arrays=tuple(arrays_of(first)),
        )

    def state(self, condition: Condition) -> Seen | None:
        """Return what was seen at a condition."""
        for state in self.states:
            near = (
                abs(condition[axis] - value) <= RELATIVE_TOLERANCE * abs(value)
                for axis, value in state.attributes.items()
            )
            if all(near):
                return state
        return None


def arrays_of(structure: Structure) -> list[str]:
    """Return the names of what a structure holds beside thermal positions."""
    numbers = structure.dynamics or {}
    return [n for n in TIERS if n in numbers or getattr(structure, n, None) is not None]


def _training_structures(
    view: View, condition: Condition
) -> tuple[list[Structure], dict[str, list[list[float]]], Collection[str]]:
    """Return training structures of a condition, one a configuration, and the frames of loads.

    Last come the axes along which the state of the condition has values of its own.
    """
    members = [member for member, _ in view.examples("train", (condition,)).entries]
    first = {member.configuration: member for member in reversed(members)}
    structures = [view.structure(member) for member in list(first.values())[::-1][:STRUCTURES]]
    loaded = [m for m in members if m.configuration == members[0].configuration]
    loads = {m.protocol: view.structure(m).frame for m in loaded}
    frames = {str(name): frame.tolist() for name, frame in loads.items() if frame is not None}
    return structures, frames, view.dataset.state(members[0].state).coordinates


def _seen(
    attributes: Mapping[str, float],
    structures: Sequence[Structure],
    loads: Mapping[str, list[list[float]]],
) -> Seen:
    densities = [len(s.positions) / float(np.prod(s.box)) for s in structures]
    counts = np.bincount(np.concatenate([s.species for s in structures]))
    prints = np.array([fingerprint(s.positions, s.box) for s in structures])
    spread = prints.std(axis=0, ddof=1) if len(prints) > 1 else np.full(prints.shape[1], np.inf)
    return Seen(
        attributes=dict(attributes),
        density=(min(densities), max(densities)),
        fractions=tuple((counts / counts.sum()).tolist()),
        particles=round(float(np.mean([len(s.positions) for s in structures]))),
        distances=tuple(prints.mean(axis=0).tolist()),
        # JSON has no infinity; a single structure says nothing of the spread.
        deviations=tuple(np.minimum(spread, 1e300).tolist()),
        loads=loads,
    )


def unlike(
    structure: Structure, training: Training, condition: Condition, facts: Mapping[str, Any]
) -> Iterator[str]:
    """Yield how a structure differs from those of training, with both numbers.

    `facts` are what its file says: `units`, `T` or `temperature`.
    """
    seen = training.state(condition)
    if seen is None:
        return
    unit = printed(UNITS[training.units_system]["length"])
    stated = str(facts.get("units", training.units_system))
    if not training.units_system.startswith(stated):
        yield f"its units are {stated}, those of {training.dataset} {training.units_system}"
    density = len(structure.positions) / float(np.prod(structure.box))
    low, high = seen.density
    if not (1 - DENSITY) * low <= density <= (1 + DENSITY) * high:
        yield (
            f"its density is {density:.4g} in 1/{unit}^{training.dimension}, that of training "
            f"{(low + high) / 2:.4g}"
        )
    counts = np.bincount(structure.species, minlength=len(seen.fractions)) / len(structure.species)
    worst = int(np.argmax(np.abs(counts - seen.fractions)))
    if abs(counts[worst] - seen.fractions[worst]) > COMPOSITION:
        yield (
            f"{counts[worst]:.1%} of its particles are {training.species[worst]}, "
            f"{seen.fractions[worst]:.1%} in training"
        )
    for name in ("T", "temperature", "Temperature"):
        value, wanted = facts.get(name), condition.get("temperature")
        if wanted and isinstance(value, float | int | np.number):
            if abs(float(value) / wanted - 1) > TEMPERATURE:
                yield f"its temperature is {float(value):g}, that of training {wanted:g}"
    if len(structure.positions) > len(seen.distances) // 2:
        own = fingerprint(structure.positions, structure.box)
        # Means over fewer particles scatter more.
        scale = max(1.0, float(np.sqrt(seen.particles / len(structure.positions))))
        off = np.abs(own - seen.distances) / (np.maximum(seen.deviations, 1e-12) * scale)
        if off.max() > DEVIATIONS:
            yield (
                f"the distances to its neighbours are {off.max():.3g} standard deviations of the "
                "training structures off"
            )
