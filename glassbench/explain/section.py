"""The explanation of a record, assembled from its parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..datasets.store import describe_dataset
from ..home.cache import kept_in
from ..home.workspace import Workspace
from ..record.record import Record
from .fits import Explained, open_fits
from .maps import make_maps
from .prediction_errors import condition_errors, extreme_surroundings
from .refits import learning_curve, transfer_scores
from .schema import EXPLANATION_VERSION, check_explanation, explanation_text

LARGEST = 100_000
NOT_OF_A_DATASET = ("path", "states", "format_version", "variables", "content_digest")


def explain_record(
    record: Record,
    workspace: Workspace,
    *,
    curve: bool = False,
    transfer: bool = False,
    report: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Return the explanation of a record from its stored predictions and its dataset.

    `curve` fits again on fewer configurations, each condition in twice the time of the run;
    `transfer` scores every fit at every other condition. UserError if predictions, dataset or
    model are not those of the record.
    """
    explained = open_fits(record, workspace)
    described = describe_dataset(explained.view.dataset.path)
    # The cache holds what the run computed from the structures.
    with kept_in(workspace.cache):
        curves = [learning_curve(explained, f, report) for f in explained.fits] if curve else []
        pairs = transfer_scores(explained) if transfer else []
    explanation = {
        "schema_version": EXPLANATION_VERSION,
        "model_digest": record["model"]["digest"],
        "dataset_digest": record["dataset"]["digest"],
        "seed": explained.seed,
        "dataset": _dataset_facts(described),
        "replaced": _replaced(explained, described["states"].values()),
        "conditions": [condition_errors(explained, fit) for fit in explained.fits],
        **make_maps(explained),
        "extremes": extreme_surroundings(explained),
        "learning_curve": curves,
        "transfer": pairs,
    }
    check_explanation(explanation)
    return _small_enough(explanation)


def _small_enough(explanation: dict[str, Any]) -> dict[str, Any]:
    """Leave out maps, the last first, until a page loads the explanation quickly."""
    maps, structures = explanation["maps"], explanation["structures"]
    while maps and len(explanation_text(explanation)) > LARGEST:
        maps.pop()
        del structures[1 + max((m["structure"] for m in maps), default=-1) :]
    return explanation


def _dataset_facts(described: Mapping[str, Any]) -> list[dict[str, str]]:
    parts = [("", described), *((f"{n}: ", state) for n, state in described["states"].items())]
    facts = []
    for prefix, attributes in parts:
        kept = {k: v for k, v in attributes.items() if k not in NOT_OF_A_DATASET}
        facts += _facts_of(kept, prefix)
    return facts[:200]


def _facts_of(attributes: Mapping[str, Any], prefix: str = "") -> list[dict[str, str]]:
    """Return nested attributes as names and values in words, without long lists."""
    facts = []
    for name, value in attributes.items():
        path = f"{prefix}{name.replace('_', ' ')}"
        if isinstance(value, Mapping):
            facts += _facts_of(value, f"{path}: ")
        elif isinstance(value, list | tuple):
            if 0 < len(value) <= 12:
                facts.append({"name": path, "value": ", ".join(map(_in_words, value))})
        elif value is not None:
            facts.append({"name": path, "value": _in_words(value)})
    return facts


def _in_words(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _replaced(explained: Explained, states: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the simulated time behind the labels of one configuration, where it is known."""
    unit = next((axis.unit for axis in explained.task.axes if axis.name == "time"), None)
    entries = []
    for condition in (fit.condition for fit in explained.fits):
        state = next((s for s in states if _is_at(s, condition)), {})
        if unit is None or not state.get("trajectories"):
            continue
        simulated = state["trajectories"] * condition["time"]
        step = (state.get("protocol") or {}).get("step")
        entries.append(
            {
                "condition": dict(condition),
                "trajectories": int(state["trajectories"]),
                "simulated_time": simulated,
                "unit": unit,
                "particle_steps": state["particles"] * simulated / step if step else None,
            }
        )
    return entries


def _is_at(state: Mapping[str, Any], condition: Mapping[str, float]) -> bool:
    """Return whether a state has the values of the condition on the axes that it names."""
    shared = [axis for axis in condition if isinstance(state.get(axis), int | float)]
    return all(abs(state[a] - condition[a]) <= 1e-6 * abs(condition[a]) for a in shared)
