"""The explanation of a record, assembled, checked and written beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..contract.errors import UserError
from ..datasets.store import describe_dataset
from ..home.cache import kept_in
from ..home.files import write_file
from ..home.workspace import Workspace
from ..record.file import SCHEMA_FILE, Record
from .errors import condition_errors, facts_of
from .extremes import extreme_surroundings
from .fits import Explained, open_fits
from .maps import make_maps
from .refits import learning_curve, transfer_scores

EXPLANATION_VERSION = 1
SCHEMA = SCHEMA_FILE.with_name("explanation.schema.json")
LARGEST = 100_000
NOT_OF_A_DATASET = ("path", "format_version", "variables", "content_digest")


def explain_record(
    record: Record,
    workspace: Workspace,
    *,
    curve: bool = False,
    transfer: bool = False,
    report: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Return the explanation of a record from its stored predictions and its dataset.

    Parameters
    ----------
    curve : fit again on fewer configurations; each condition takes twice the time of the run
    transfer : score every fit at every other condition

    Raises
    ------
    ExplainError
        If predictions, dataset or model are not those of the record.
    """
    explained = open_fits(record, workspace)
    # What the run computed from the structures is there already.
    with kept_in(workspace.cache):
        curves = [learning_curve(explained, f, report) for f in explained.fits] if curve else []
        pairs = transfer_scores(explained) if transfer else []
    explanation = {
        "schema_version": EXPLANATION_VERSION,
        "model_digest": record["model"]["digest"],
        "dataset_digest": record["dataset"]["digest"],
        "seed": explained.seed,
        "dataset": _dataset_facts(explained),
        "replaced": _replaced(explained),
        "conditions": [condition_errors(explained, fit) for fit in explained.fits],
        **make_maps(explained),
        "extremes": extreme_surroundings(explained),
        "learning_curve": curves,
        "transfer": pairs,
    }
    _validate(explanation)
    return _small_enough(explanation)


def write_explanation(path: Path, explanation: Mapping[str, Any]) -> Path:
    """Write an explanation so that it appears whole, without a space too much."""
    _validate(explanation)
    write_file(path, f"{_text(explanation)}\n")
    return path


def _small_enough(explanation: dict[str, Any]) -> dict[str, Any]:
    """Leave out maps, the last first, until a page loads the explanation quickly."""
    maps, structures = explanation["maps"], explanation["structures"]
    while maps and len(_text(explanation)) > LARGEST:
        maps.pop()
        del structures[1 + max((m["structure"] for m in maps), default=-1) :]
    return explanation


def _text(explanation: Mapping[str, Any]) -> str:
    return json.dumps(explanation, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _validate(explanation: Mapping[str, Any]) -> None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    error = best_match(Draft202012Validator(schema).iter_errors(explanation))
    if error is not None:
        where = "/".join(str(step) for step in error.absolute_path)
        raise UserError(f"the explanation breaks its schema at {where}: {error.message[:300]}")


def _dataset_facts(explained: Explained) -> list[dict[str, str]]:
    """Return what the dataset says of itself, for its card."""
    described = describe_dataset(explained.view.dataset.path)
    states = described.pop("states")
    kept = {k: v for k, v in described.items() if k not in NOT_OF_A_DATASET}
    facts = facts_of(kept)
    for name, state in states.items():
        own = {k: v for k, v in state.items() if k not in NOT_OF_A_DATASET}
        facts += facts_of(own, f"{name}: ")
    return facts[:200]


def _replaced(explained: Explained) -> list[dict[str, Any]]:
    """Return the simulated time behind the labels of one configuration, where it is known."""
    axis = next((a for a in explained.task.axes if a.name == "time"), None)
    if axis is None:
        return []
    states = [s for s in describe_dataset(explained.view.dataset.path)["states"].values()]
    entries = []
    for fit in explained.fits:
        state = next((s for s in states if _is_at(s, fit.condition)), None)
        trajectories = state.get("trajectories") if state else None
        if not trajectories:
            continue
        simulated = trajectories * fit.condition["time"]
        step = (state.get("protocol") or {}).get("step")
        entries.append(
            {
                "condition": dict(fit.condition),
                "trajectories": int(trajectories),
                "simulated_time": simulated,
                "unit": axis.unit,
                "particle_steps": state["particles"] * simulated / step if step else None,
            }
        )
    return entries


def _is_at(state: Mapping[str, Any], condition: Mapping[str, float]) -> bool:
    """Return whether a state has the values of the condition on the axes that it names."""
    shared = [axis for axis in condition if isinstance(state.get(axis), int | float)]
    return all(abs(state[a] - condition[a]) <= 1e-6 * abs(condition[a]) for a in shared)
