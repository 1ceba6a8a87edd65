"""Shells of neighbours removed or displaced: what of its surroundings a model uses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from ...contract.variation import Perturbation, Variation
from ...plugins.registry import load_model_class
from ..words import parse_switch
from .declaration import Setting, StudyError, Subject


def removed_shells(subject: Subject, values: Sequence[str]) -> list[Setting]:
    """Return the settings in which all beyond a radius is removed, one for each radius.

    The model is trained on what is left, or, with `retrain=off`, on whole structures.
    """
    _check(subject)
    retrain = parse_switch("retrain", subject.options["retrain"])
    if retrain and not getattr(load_model_class(subject.card), "learns_from_chosen", False):
        raise StudyError(
            f"model {subject.card.name} trains on all particles of a structure, and here only "
            "chosen ones keep their surroundings: with retrain=off it is trained on whole "
            "structures and asked about cut ones"
        )
    centres = int(_number(subject.options["centres"], "centres"))
    settings = []
    for radius in (_radius(text, subject) for text in values):
        cut = Perturbation("remove", inner=radius, centres=centres, in_training=retrain)
        settings.append(Setting(f"{radius:g}", radius, variation=Variation(perturbation=cut)))
    return settings


def displaced_shells(subject: Subject, values: Sequence[str]) -> list[Setting]:
    """Return the settings in which one shell is displaced, each up to one of the radii."""
    _check(subject)
    amplitude = _number(subject.options["amplitude"], "amplitude")
    centres = int(_number(subject.options["centres"], "centres"))
    settings = []
    for inner, outer in pairwise([0.0, *(_radius(text, subject) for text in values)]):
        if outer <= inner:
            raise StudyError(f"values: the shell from {inner:g} to {outer:g} is empty")
        shell = Variation(perturbation=Perturbation("displace", inner, outer, amplitude, centres))
        settings.append(Setting(f"{inner:g}–{outer:g}", outer, variation=shell))
    return settings


def _check(subject: Subject) -> None:
    """Refuse tasks and models for which surroundings of single particles mean nothing."""
    metric, card = subject.task.primary_metric, subject.card
    if metric.on_pairs:
        raise StudyError(
            f"task {subject.task.name} asks about pairs, and surroundings are perturbed around "
            "single particles: take a task that asks about particles"
        )
    if metric.function != "pearson":
        raise StudyError(
            f"{metric.title} of {subject.task.name} is a property of all particles at once, and "
            "only some are asked about here: take a task whose metric is a correlation"
        )
    if card.reads != ("thermal",):
        raise StudyError(
            f"model {card.name} reads {', '.join(card.reads)}: only thermal positions are "
            "perturbed, and the others would show it what was removed"
        )


def _radius(text: str, subject: Subject) -> float:
    radius = _number(text, "values")
    box = subject.view.structures("test", subject.conditions[0])[0].box
    if radius > box.min() / 2:
        raise StudyError(
            f"values: radius {radius:g} is beyond half of the box edge {box.min():.4g}: "
            "give smaller ones"
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
