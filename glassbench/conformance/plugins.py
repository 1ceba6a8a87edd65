"""The checks on a model as it is handed in: a folder with `model.toml`."""

from __future__ import annotations

from pathlib import Path

from ..contract.errors import UserError
from ..contract.model_card import hyperparameters_for
from ..plugins.registry import load_model_card, load_model_class, load_task
from .check import Finding, check_model, report

DATASET = "conformance"


def check_plugin(model: str | Path, task: str | None = None) -> list[Finding]:
    """Return what every check finds on a model found by name or path.

    Hyperparameters are the defaults of `model.toml`, with those under
    `[defaults.<task>.conformance]`; `epochs` is 1 unless stated there.

    Parameters
    ----------
    task : name of one of the model's tasks; the first unless given

    Raises
    ------
    UserError
        If there is no such model or task, or the model does not serve the task.
    """
    card = load_model_card(model)
    name = task or card.tasks[0]
    if name not in card.tasks:
        raise UserError(f"model {card.name} serves {', '.join(card.tasks)}, not {name}")
    stated = card.defaults.get(name, {}).get(DATASET, {})
    short = {"epochs": 1} if "epochs" in card.hyperparameters and "epochs" not in stated else {}
    return check_model(
        load_model_class(card),
        hyperparameters_for(card, name, DATASET, short),
        load_task(name),
        claims=card.claims,
        reads=card.reads,
    )


def assert_conforms(model: str | Path, task: str | None = None) -> None:
    """Raise AssertionError, with every finding, unless the model passes every check."""
    findings = check_plugin(model, task)
    if not all(finding.passed for finding in findings):
        raise AssertionError(f"model {model} breaks the contract:\n{report(findings)}")
