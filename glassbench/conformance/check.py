"""Running the checks on a model class, or on a model found by its name or folder."""

from __future__ import annotations

import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..contract.errors import CheckResult, UserError, failed, passed
from ..contract.model_card import ModelCard
from ..contract.task import Task
from ..model import Model
from ..plugins.registry import load_model_card, load_model_class, load_task
from . import checks
from .structures import Examples, make_examples
from .subject import BrokenContract, Subject

CONFORMANCE = "conformance"
# After one of these fails the others would fail too, and say nothing new.
GATES = ("fit", "answers", "repeated_prediction")


_ALL = {n.removeprefix("check_"): f for n, f in vars(checks).items() if n.startswith("check_")}
# The laws of physics need the answers of one fitted model alone, whoever asks it.
LAWS = ("permutation", "translation", "periodic_images", "rotation", "reflection", "co_rotation")
OF_ANSWERS = {name: _ALL[name] for name in (*LAWS, "company")}
# Those that fit another model come last: it may change the first.
CHECKS = {name: _ALL[name] for name in GATES[1:]} | OF_ANSWERS | _ALL


def check_model(
    model_class: Callable[..., Model],
    hyperparameters: Mapping[str, Any],
    task: Task,
    *,
    claims: Sequence[str] = (),
    reads: Sequence[str] = ("thermal",),
    examples: Examples | None = None,
    checks: Mapping[str, Callable[[Subject], None]] = CHECKS,
) -> list[CheckResult]:
    """Return the result of every check of a model, up to the first on which all others rest.

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
        results = [_result("fit", _check_fit, subject)]
        for name, check in checks.items():
            if any(not f.passed and f.name in GATES for f in results):
                break
            results.append(_result(name, check, subject))
    return results


def check_card(card: ModelCard, task: Task) -> list[CheckResult]:
    """Return the result of every check of a model with hyperparameters for a fit of seconds."""
    model_class, values = load_model_class(card), short_values(card, task)
    reads = card.reading(values).reads
    return check_model(model_class, values, task, claims=card.claims, reads=reads)


def short_values(card: ModelCard, task: Task) -> dict[str, Any]:
    """Return hyperparameters for a fit of seconds.

    They are the defaults of `model.toml`, with those under `[defaults.<task>.conformance]`;
    `epochs` is 1 unless stated there.
    """
    stated = card.defaults.get(task.name, {}).get(CONFORMANCE, {})
    short = {"epochs": 1} if "epochs" in card.hyperparameters and "epochs" not in stated else {}
    return card.hyperparameters_for(task.name, CONFORMANCE, short)


def report(results: Sequence[CheckResult]) -> str:
    """Return the results as lines of text."""
    return "\n".join(map(str, results))


def check_plugin(model: str | Path, task: str | None = None) -> list[CheckResult]:
    """Return the result of every check of a model found by name or path.

    Its first task is taken unless another one is given.
    """
    card = load_model_card(model)
    name = task or card.tasks[0]
    if name not in card.tasks:
        raise UserError(f"model {card.name} serves {', '.join(card.tasks)}, not {name}")
    return check_card(card, load_task(name))


def assert_conforms(model: str | Path, task: str | None = None) -> None:
    """Raise AssertionError, with every result, unless the model passes every check."""
    results = check_plugin(model, task)
    if not all(result.passed for result in results):
        raise AssertionError(f"model {model} breaks the contract:\n{report(results)}")


def _check_fit(subject: Subject) -> None:
    """The model is made from its hyperparameters and fits."""
    _ = subject.fitted


def _result(name: str, check: Callable[[Subject], None], subject: Subject) -> CheckResult:
    try:
        check(subject)
    except BrokenContract as error:
        return failed(name, str(error))
    except Exception as error:
        where = _line_of(error, subject)
        return failed(name, f"raised {type(error).__name__} at {where}: {error}")
    return passed(name, check.__doc__ or name)


def _line_of(error: Exception, subject: Subject) -> str:
    """Return the innermost line of the model that was running, or of what raised without it."""
    frames = traceback.extract_tb(error.__traceback__)
    source = getattr(sys.modules.get(subject.model_class.__module__), "__file__", None)
    own = [f for f in frames if source and Path(f.filename).parent == Path(source).parent]
    last = (own or frames)[-1]
    return f"{Path(last.filename).name}:{last.lineno}"
