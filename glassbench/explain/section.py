"""The explanation of a record: its parts together, and maps of values small enough for a page."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..datasets.store import describe_dataset
from ..home.cache import kept_in
from ..home.workspace import Workspace
from ..model import Structure
from ..record.record import Record
from ..structure.pair_distribution import mean_spacing
from . import schema
from .fits import Explained, learning_curve, open_fits, short, spread, transfer_scores
from .prediction_errors import condition_errors, extreme_surroundings

LARGEST = 100_000
NOT_OF_A_DATASET = ("path", "states", "format_version", "variables", "content_digest")
MOST_PARTICLES = 6000
COVERED = (1.0, 99.0)


def explain_record(
    record: Record,
    workspace: Workspace,
    *,
    curve: bool = False,
    transfer: bool = False,
    report: Callable[[str], None] = lambda line: None,
) -> schema.Explanation:
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
    maps, structures = make_maps(explained)
    return _small_enough(
        schema.Explanation(
            schema_version=schema.EXPLANATION_VERSION,
            model_digest=record["model"]["digest"],
            dataset_digest=record["dataset"]["digest"],
            seed=explained.seed,
            dataset=_dataset_facts(described),
            replaced=_replaced(explained),
            conditions=[condition_errors(explained, fit) for fit in explained.fits],
            maps=maps,
            structures=structures,
            extremes=extreme_surroundings(explained),
            learning_curve=curves,
            transfer=pairs,
        )
    )


def _small_enough(explanation: schema.Explanation) -> schema.Explanation:
    """Leave out maps, the last first, until a page loads the explanation quickly."""
    maps, structures = explanation.maps, explanation.structures
    while maps and len(schema.explanation_text(explanation)) > LARGEST:
        maps.pop()
        del structures[1 + max((drawn.structure for drawn in maps), default=-1) :]
    return explanation


def _dataset_facts(described: Mapping[str, Any]) -> list[schema.Fact]:
    parts = [("", described), *((f"{n}: ", state) for n, state in described["states"].items())]
    facts = []
    for prefix, attributes in parts:
        kept = {k: v for k, v in attributes.items() if k not in NOT_OF_A_DATASET}
        facts += _facts_of(kept, prefix)
    return facts[:200]


def _facts_of(attributes: Mapping[str, Any], prefix: str = "") -> list[schema.Fact]:
    """Return nested attributes as names and values in words, without long lists."""
    facts = []
    for name, value in attributes.items():
        path = f"{prefix}{name.replace('_', ' ')}"
        if isinstance(value, Mapping):
            facts += _facts_of(value, f"{path}: ")
        elif isinstance(value, list | tuple):
            if 0 < len(value) <= 12:
                facts.append(schema.Fact(name=path, value=", ".join(map(_in_words, value))))
        elif value is not None:
            facts.append(schema.Fact(name=path, value=_in_words(value)))
    return facts


def _in_words(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _replaced(explained: Explained) -> list[schema.ReplacedDynamics]:
    """Return the simulated time behind the labels of one configuration, where it is known."""
    unit = next((axis.unit for axis in explained.task.axes if axis.name == "time"), None)
    entries = []
    for condition in (fit.condition for fit in explained.fits):
        (member, _), *_ = explained.view.examples("test", (condition,)).entries
        state = explained.view.dataset.state(member.state)
        trajectories = state.attributes.get("trajectories")
        if unit is None or not trajectories:
            continue
        simulated = trajectories * condition["time"]
        step = (state.attributes.get("protocol") or {}).get("step")
        particles = int(state.array("positions").shape[1])
        entries.append(
            schema.ReplacedDynamics(
                condition=dict(condition),
                trajectories=int(trajectories),
                simulated_time=simulated,
                unit=unit,
                particle_steps=particles * simulated / step if step else None,
            )
        )
    return entries


def make_maps(
    explained: Explained,
) -> tuple[list[schema.ParticleMap], list[schema.PackedStructure]]:
    """Return maps of the first test configuration each, and the structures that they name.

    The first, the middle and the last condition are drawn. Pair targets and
    systems beyond `MOST_PARTICLES` have none.
    """
    maps: list[schema.ParticleMap] = []
    structures: dict[str, schema.PackedStructure] = {}
    fits = spread(explained.fits) if explained.target.per == "particle" else []
    for fit in fits:
        answer = explained.answers(fit)[0]
        name = answer.structure.configuration
        if len(answer.structure.positions) > MOST_PARTICLES:
            continue
        if name not in structures:
            names = [explained.view.species_name(fit.condition, kind) for kind in (0, 1)]
            structures[name] = pack_structure(answer.structure, explained.length_unit, names)
        low, high = colour_limits(answer.target)
        both = np.append(answer.target, answer.prediction)
        maps.append(
            schema.ParticleMap(
                condition=dict(fit.condition),
                configuration=name,
                unit=explained.target.unit,
                limits=[short(low), short(high)],
                cut=[bool((both < low).any()), bool((both > high).any())],
                structure=list(structures).index(name),
                target=pack_values(answer.target, low, high),
                prediction=pack_values(answer.prediction, low, high),
            )
        )
    return maps, list(structures.values())


def colour_limits(truth: NDArray[np.float64]) -> tuple[float, float]:
    """Return the ends of the colour scale: all but the extremes, or all where few differ."""
    low, high = np.percentile(truth, COVERED)
    if high > low:
        return low, high
    # Labels of rare events are all but equal, or all 0.
    low, high = truth.min(), truth.max()
    return low, high if high > low else low + 1


def pack_structure(
    structure: Structure, unit: str, species_names: list[str]
) -> schema.PackedStructure:
    """Return a structure with positions as 16-bit shares of the box, base64."""
    shares = (structure.positions % structure.box) / structure.box
    steps = np.floor(shares * 65536).clip(0, 65535).astype("<u2")
    return schema.PackedStructure(
        box=[float(f"{edge:.6g}") for edge in structure.box],
        spacing=short(mean_spacing(structure)),
        unit=unit,
        species=_base64(structure.species.astype(np.uint8)),
        species_names=species_names,
        positions=_base64(steps),
    )


def pack_values(values: NDArray[np.float64], low: float, high: float) -> str:
    """Return values as bytes from 0 at `low` to 255 at `high`, base64; those beyond are cut."""
    share = (values - low) / (high - low if high > low else 1.0)
    return _base64(np.rint(255 * share).clip(0, 255).astype(np.uint8))


def _base64(array: NDArray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
