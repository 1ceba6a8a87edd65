"""A metric as a task's file names it, and which particles or pairs it counts."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .classification import average_precision, balanced_accuracy, c_rank, overlap_ratio, roc_auc
from .collective import COLLECTIVE
from .correlation import pearson, spearman
from .regression import (
    binned_pearson,
    binned_pearson_of_binning,
    binned_slope,
    mae,
    mean_error,
    mse,
    r2,
    rmse,
    spatially_averaged_pearson,
)

# Each takes a prediction and a target (..., N), and its options by name.
METRICS: dict[str, Callable] = {
    "pearson": pearson,
    "spearman": spearman,
    "mse": mse,
    "rmse": rmse,
    "mae": mae,
    "mean_error": mean_error,
    "r2": r2,
    "binned_pearson": binned_pearson,
    "binned_pearson_of_binning": binned_pearson_of_binning,
    "binned_slope": binned_slope,
    "spatially_averaged_pearson": spatially_averaged_pearson,
    "c_rank": c_rank,
    "overlap_ratio": overlap_ratio,
    "balanced_accuracy": balanced_accuracy,
    "roc_auc": roc_auc,
    "average_precision": average_precision,
}
# All that a task may name: also ratios of a statistic of the prediction to that of the truth.
FUNCTIONS: dict[str, Callable] = {**METRICS, **COLLECTIVE}
# An offset ranks nothing, nor does a correlation that is there for comparison, nor a ratio to the
# truth, which is best at one.
NO_SCORE = frozenset({"mean_error", "binned_pearson_of_binning", *COLLECTIVE})
LOWER_IS_BETTER = frozenset({"mse", "rmse", "mae"})
NEEDS_STRUCTURE = frozenset({"spatially_averaged_pearson"})

# How the values of configurations become one: their mean; one value over all their
# particles; or one value over the mean prediction and mean target of each configuration.
AVERAGES = ("configuration", "pooled", "sample_means")

_NO_OPTION = {
    *("prediction", "target", "d2min", "labels", "axis", "positions", "box"),
    *("fields", "structures"),
}


@dataclass(frozen=True)
class MetricSpecification:
    """One `[[metrics]]` table of a task, checked.

    Attributes
    ----------
    name : name of the metric in records and tables
    function : key of METRICS or COLLECTIVE
    target : name of the task's target that predictions are compared with
    prediction : name of the target whose prediction is compared; `target` where empty. A
        probability to rearrange may be ranked against the D2min that defines the labels
    particles : `all`, `type_a`, `type_b` or `balanced`; for metrics on particles
    pairs : the same words, for metrics on pairs: both particles are of that type
    max_distance : largest distance of a pair at time zero, length unit of the system
    average : `configuration`, `pooled` or `sample_means`, see AVERAGES
    primary : whether boards are ranked by it
    title : how tables head it; the name where empty
    options : options of the function, such as `fraction` or `bin_size`
    at_condition : options that take the value of the condition's axis of the same name
    """

    name: str
    function: str
    target: str
    particles: str | None = None
    pairs: str | None = None
    max_distance: float | None = None
    average: str = "configuration"
    primary: bool = False
    title: str = ""
    prediction: str = ""
    at_condition: tuple[str, ...] = ()
    options: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        where = f"metric {self.name}"
        _known(where, "function", self.function, FUNCTIONS)
        _known(where, "average", self.average, AVERAGES)
        if self.particles is not None and self.pairs is not None:
            raise ValueError(f"{where} names both particles and pairs: keep one of the two")
        if not self.on_pairs and self.particles is None:
            object.__setattr__(self, "particles", "all")
        kind = "pairs" if self.on_pairs else "particles"
        _known(where, kind, getattr(self, kind), SELECTIONS)
        if self.max_distance is not None and not self.on_pairs:
            raise ValueError(f"{where} has max_distance but no pairs: name pairs, or drop it")
        if self.max_distance is not None and not self.max_distance > 0:
            raise ValueError(f"{where}: max_distance {self.max_distance} is not above 0")
        if self.function in NEEDS_STRUCTURE and (self.on_pairs or self.average != "configuration"):
            raise ValueError(
                f"{where}: {self.function} averages in space within one configuration: "
                'use it on particles, with average = "configuration"'
            )
        if self.is_collective and (self.on_pairs or self.average != "pooled"):
            raise ValueError(
                f"{where}: {self.function} compares fluctuations over all configurations: "
                'use it on particles, with average = "pooled"'
            )
        object.__setattr__(self, "at_condition", tuple(self.at_condition))
        if self.primary and self.function in NO_SCORE:
            raise ValueError(f"{where}: {self.function} is no score and ranks no model")
        for option in (*self.options, *self.at_condition):
            _known(where, "option", option, function_options(self.function))
        _try_options(where, self.function, self.options)
        object.__setattr__(self, "title", self.title or self.name)
        object.__setattr__(self, "prediction", self.prediction or self.target)

    @property
    def on_pairs(self) -> bool:
        return self.pairs is not None

    @property
    def is_collective(self) -> bool:
        """Whether it compares how prediction and truth fluctuate, as a ratio that is best at 1."""
        return self.function in COLLECTIVE

    @property
    def higher_is_better(self) -> bool:
        return self.function not in LOWER_IS_BETTER

    def at(self, condition: Mapping[str, float]) -> MetricSpecification:
        """Return the metric at a condition, which settles the options of `at_condition`."""
        for option in self.at_condition:
            if option not in condition:
                raise ValueError(
                    f"metric {self.name} takes `{option}` from the condition, which has "
                    f"{', '.join(condition)}: add the axis to the task"
                )
        settled = {option: condition[option] for option in self.at_condition}
        return replace(self, options={**self.options, **settled})

    def to_table(self) -> dict[str, Any]:
        """Return the table that `from_table` reads, without what is as usual."""
        table = {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if f.name != "options" and getattr(self, f.name) != f.default
        }
        return table | dict(self.options)

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> MetricSpecification:
        """Return the specification of a parsed `[[metrics]]` table; other keys are options."""
        attributes = {f.name for f in fields(cls)} - {"options"}
        where = f"metric {table.get('name', '(without a name)')}"
        for key in ("name", "function", "target"):
            if key not in table:
                raise ValueError(f"{where}: key `{key}` is missing: add it")
        _known(where, "function", table["function"], FUNCTIONS)
        allowed = [*sorted(attributes), *function_options(table["function"])]
        for key in table:
            _known(where, "key", key, allowed)
        options = {key: value for key, value in table.items() if key not in attributes}
        return cls(**{k: v for k, v in table.items() if k in attributes}, options=options)


def function_options(function: str) -> tuple[str, ...]:
    """Return the names of the options that a function takes from a task's file."""
    names = inspect.signature(FUNCTIONS[function]).parameters
    return tuple(name for name in names if name not in _NO_OPTION)


def _try_options(where: str, function: str, options: Mapping[str, float]) -> None:
    """Refuse values of options now that the function would refuse after hours of training."""
    if function in COLLECTIVE and (missing := set(function_options(function)) - set(options)):
        raise ValueError(f"{where}: {function} needs {', '.join(missing)}: add it")
    if function in NEEDS_STRUCTURE or function in COLLECTIVE:
        # To try it would import scipy, for a radius that must only be above 0.
        for option, value in options.items():
            if not isinstance(value, int | float) or not value > 0:
                raise ValueError(f"{where}: {option} {value!r} of {function} is not positive")
        return
    if not options:
        return
    try:
        METRICS[function]([0.0, 1.0], [0, 1], **options)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{where}: options {dict(options)} of {function}: {error}") from error


def _known(where: str, what: str, word: Any, known: Iterable[str]) -> None:
    known = list(known)
    if word in known:
        return
    near = get_close_matches(str(word), known, n=3)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise ValueError(f"{where}: unknown {what} {word!r}: {hint}known are {', '.join(known)}")


# Selections by name, and the species that they admit; None admits all. `balanced` is the
# balanced set of a label, which comes with the data.
SELECTIONS: dict[str, int | None] = {"all": None, "type_a": 0, "type_b": 1, "balanced": None}


def select_particles(
    specification: MetricSpecification, species: ArrayLike, balanced: ArrayLike | None = None
) -> NDArray[np.bool_]:
    """Return which particles the metric counts: mask (N,).

    Parameters
    ----------
    specification : a metric on particles
    species : array (N,) of integers, 0 for A, 1 for B
    balanced : array (M,), indices of the balanced set; needed where the metric counts it
    """
    if specification.on_pairs:
        raise ValueError(f"metric {specification.name} counts pairs: use select_pairs")
    species = _species(species)
    if specification.particles == "balanced":
        if balanced is None:
            raise ValueError(
                f"metric {specification.name} counts the balanced set of a label: give its indices"
            )
        mask = np.zeros(species.shape, bool)
        mask[np.asarray(balanced, dtype=np.int64)] = True
        return mask
    assert specification.particles is not None, "a metric that is not on pairs is on particles"
    admitted = SELECTIONS[specification.particles]
    return np.ones(species.shape, bool) if admitted is None else species == admitted


def select_pairs(
    specification: MetricSpecification,
    species: ArrayLike,
    pairs: ArrayLike,
    distances: ArrayLike | None = None,
) -> NDArray[np.bool_]:
    """Return which pairs the metric counts: mask (P,).

    A pair counts if both its particles are of the species and it lies closer
    than the specification's `max_distance`, where it has one.

    Parameters
    ----------
    specification : a metric on pairs
    species : array (N,) of integers
    pairs : array (P, 2), indices of particles
    distances : array (P,), length unit of the system, at time zero; needed with `max_distance`
    """
    if not specification.on_pairs:
        raise ValueError(f"metric {specification.name} counts particles: use select_particles")
    species, pairs = _species(species), np.asarray(pairs, dtype=np.int64)
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ValueError(f"pairs have the shape {pairs.shape}: give (P, 2) indices of particles")
    if pairs.size and (pairs.min() < 0 or pairs.max() >= len(species)):
        raise ValueError(
            f"pairs name particles from {pairs.min()} to {pairs.max()}, the structure has those "
            f"from 0 to {len(species) - 1}"
        )
    assert specification.pairs is not None, "checked above"
    admitted = SELECTIONS[specification.pairs]
    mask = np.ones(len(pairs), bool)
    if admitted is not None:
        mask &= (species[pairs] == admitted).all(axis=1)
    if specification.max_distance is None:
        return mask
    if distances is None:
        raise ValueError(
            f"metric {specification.name} counts pairs below {specification.max_distance}: "
            "give their distances"
        )
    distances = np.asarray(distances, dtype=np.float64)
    if distances.shape != mask.shape or not np.isfinite(distances).all():
        raise ValueError(
            f"distances have the shape {distances.shape} and "
            f"{int((~np.isfinite(distances)).sum())} values that are not finite: "
            f"give one for each of {len(pairs)} pairs"
        )
    return mask & (distances < specification.max_distance)


def _species(species: ArrayLike) -> NDArray:
    species = np.asarray(species)
    if species.ndim != 1:
        raise ValueError(f"species have the shape {species.shape}: give one for each particle")
    return species
