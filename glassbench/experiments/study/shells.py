"""Studies of what a model uses of a particle's surroundings: shells removed or displaced."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ...contract.variation import Perturbation, Variation
from ...plugins.registry import load_model_class
from ..words import parse_switch
from .declaration import Setting, StudyError, Subject

# Minima of the pair distribution around particles of type A at T = 0.64, unit sigma_AA.
KOB_ANDERSEN_SHELLS = ("1.4", "2.4", "3.25", "4.05", "4.9")


@dataclass(frozen=True)
class RemovedShells:
    """Everything beyond a radius is removed, and the model is trained on what is left."""

    options: Mapping[str, str] = field(default_factory=lambda: {"centres": "200", "retrain": "on"})
    over: str = ""

    def settings(self, subject: Subject, values: Sequence[str]) -> list[Setting]:
        _check(subject)
        retrain = parse_switch("retrain", subject.options["retrain"])
        if retrain and not getattr(load_model_class(subject.card), "learns_from_chosen", False):
            raise StudyError(
                f"model {subject.card.name} trains on all particles of a structure and not on "
                "chosen ones, which stand alone with their surroundings here: with retrain=off "
                "it is trained on whole structures and asked about cut ones"
            )
        centres = int(_number(subject.options["centres"], "centres"))
        radii = [_radius(text, subject) for text in values]
        return [
            Setting(
                text=f"{radius:g}",
                x=radius,
                variation=Variation(
                    perturbation=Perturbation(
                        "remove", inner=radius, centres=centres, in_training=retrain
                    )
                ),
            )
            for radius in radii
        ]


@dataclass(frozen=True)
class DisplacedShells:
    """The particles of one shell after another are displaced; the model stays as it is."""

    options: Mapping[str, str] = field(
        default_factory=lambda: {"centres": "16", "amplitude": "0.1"}
    )
    over: str = ""

    def settings(self, subject: Subject, values: Sequence[str]) -> list[Setting]:
        _check(subject)
        amplitude = _number(subject.options["amplitude"], "amplitude")
        centres = int(_number(subject.options["centres"], "centres"))
        ends = [0.0, *(_radius(text, subject) for text in values)]
        settings = []
        for inner, outer in pairwise(ends):
            if outer <= inner:
                raise StudyError(f"values: the shell from {inner:g} to {outer:g} is empty")
            shell = Perturbation("displace", inner, outer, amplitude, centres)
            settings.append(
                Setting(f"{inner:g}–{outer:g}", outer, variation=Variation(perturbation=shell))
            )
        return settings


def _check(subject: Subject) -> None:
    """Refuse what no perturbation of single surroundings can be asked of."""
    metric = subject.task.primary_metric
    if metric.on_pairs:
        raise StudyError(
            f"task {subject.task.name} asks about pairs: surroundings are perturbed around single "
            "particles, as on ka_propensity"
        )
    if metric.function != "pearson":
        raise StudyError(
            f"{metric.title} of {subject.task.name} is a property of all particles at once, and "
            "some are asked about here: it takes a task whose metric is a correlation, as "
            "ka_propensity"
        )
    if subject.card.reads != ("thermal",):
        raise StudyError(
            f"model {subject.card.name} reads {', '.join(subject.card.reads)}: only thermal "
            "positions are perturbed, and the others would show it what was removed"
        )


def _radius(text: str, subject: Subject) -> float:
    radius = _number(text, "values")
    structure = subject.view.structures("test", subject.conditions[0])[0]
    if radius > structure.box.min() / 2:
        raise StudyError(
            f"values: radius {radius:g} is beyond half of the box edge "
            f"{structure.box.min():.4g}: give smaller ones"
        )
    return radius


def _number(text: str, key: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise StudyError(f"`{text}` in `{key}` is not a number above 0")
    return value
