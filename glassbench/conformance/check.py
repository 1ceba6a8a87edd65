"""Running the checks on a model class and saying what was found."""

from __future__ import annotations

import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..contract.task import Task
from ..model import Model
from .company import check_company, check_future, check_inputs_unchanged, check_name
from .outputs import check_finite, check_repeated_prediction, check_shapes
from .repetition import check_independent_instances, check_other_seed, check_reproducible_fit
from .storage import check_save_and_load
from .structures import Examples, make_examples
from .subject import Subject
from .symmetry import (
    check_co_rotation,
    check_periodic_images,
    check_permutation,
    check_reflection,
    check_rotation,
    check_translation,
)

# After one of these fails the others would fail too, and say nothing new.
GATES: Mapping[str, Callable[[Subject], str | None]] = {
    "shapes": check_shapes,
    "finite": check_finite,
    "repeated_prediction": check_repeated_prediction,
}
CHECKS: Mapping[str, Callable[[Subject], str | None]] = {
    **GATES,
    "permutation": check_permutation,
    "translation": check_translation,
    "periodic_images": check_periodic_images,
    "co_rotation": check_co_rotation,
    "rotation": check_rotation,
    "reflection": check_reflection,
    "company": check_company,
    "name": check_name,
    "future": check_future,
    "reproducible_fit": check_reproducible_fit,
    "inputs_unchanged": check_inputs_unchanged,
    "independent_instances": check_independent_instances,
    "other_seed": check_other_seed,
    "save_and_load": check_save_and_load,
}


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes
    ----------
    name : `fit`, or a name of `CHECKS`
    passed : whether the model keeps this part of the contract
    message : what is wrong and what to do; what was checked where it passed
    """

    name: str
    passed: bool
    message: str


def check_model(
    model_class: Callable[..., Model],
    hyperparameters: Mapping[str, Any],
    task: Task,
    *,
    claims: Sequence[str] = (),
    reads: Sequence[str] = ("thermal",),
    examples: Examples | None = None,
) -> list[Finding]:
    """Return what every check finds on a model.

    A model that cannot be fitted, or whose predictions have wrong shapes, are not
    finite or differ from call to call is not checked further.

    Parameters
    ----------
    claims : symmetries that the model claims, `rotation` and `reflection`; permutation,
        translation and periodic images are asked of every model
    reads : tiers of input that the structures carry
    examples : what to check on; small glassy structures made for the task unless given
    """
    examples = examples or make_examples(task, reads)
    with tempfile.TemporaryDirectory(prefix="glassbench-conformance-") as scratch:
        subject = Subject(
            model_class, hyperparameters, examples, task, tuple(claims), Path(scratch)
        )
        findings = [_find("fit", _check_fit, subject)]
        for name, check in CHECKS.items():
            if any(not f.passed and f.name in ("fit", *GATES) for f in findings):
                break
            findings.append(_find(name, check, subject))
    return findings


def report(findings: Sequence[Finding]) -> str:
    """Return the findings as lines of text."""
    return "\n".join(
        f"{'passed' if finding.passed else 'FAILED'}  {finding.name}: {finding.message}"
        for finding in findings
    )


def _check_fit(subject: Subject) -> str | None:
    """The model is made from its hyperparameters and fits."""
    _ = subject.fitted
    return None


def _find(name: str, check: Callable[[Subject], str | None], subject: Subject) -> Finding:
    try:
        message = check(subject)
    except Exception as error:
        where = _place(error, subject)
        return Finding(name, False, f"raised {type(error).__name__} at {where}: {error}")
    if message is None:
        return Finding(name, True, (check.__doc__ or name).strip())
    return Finding(name, False, message)


def _place(error: Exception, subject: Subject) -> str:
    """Return the innermost line of the model that was running, or of what raised without it."""
    frames = traceback.extract_tb(error.__traceback__)
    source = getattr(sys.modules.get(subject.model_class.__module__), "__file__", None)
    own = [f for f in frames if source and Path(f.filename).parent == Path(source).parent]
    last = (own or frames)[-1]
    return f"{Path(last.filename).name}:{last.lineno}"
