"""Where a record used less than the published method: epochs, size of the network, data.

The published settings are the card's `[hyperparameters]` with those that hold on every dataset of
the task; the number of training configurations of the paper stands in `references.toml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..contract.model_card import ANY_DATASET, ModelCard
from ..home.workspace import content_folder
from .references import method_of
from .sources import Entry

# Whole numbers that are neither work nor size.
NO_EFFORT = {"batch_size", "patience", "plateau", "folds", "seed"}
TRAINING = "configurations: train"


def reductions(entry: Entry, card: ModelCard | None) -> tuple[str, ...]:
    """Return in words where a record falls short of the published settings, empty where nowhere."""
    record, words = entry.record, []
    task = record["task"]["name"]
    if card is not None:
        for name, published in published_settings(card, task).items():
            own = record["hyperparameters"].get(name, published)
            if name not in NO_EFFORT and is_less(own, published):
                words.append(_words(name, own, published))
    method = method_of(record["model"]["name"], card.doi if card else "")
    known, trained = method.training.get(task) if method else None, training_configurations(entry)
    if known and trained and max(map(int, trained.split("–"))) < known:
        words.append(f"{trained} of {known} training configurations")
    return tuple(words)


def is_reimplemented(card: ModelCard | None) -> bool:
    """Return whether a model is one of the baselines, and its authors are not GlassBench."""
    if card is None or card.folder.parent != content_folder("baselines"):
        return False
    return not any("GlassBench" in author for author in card.authors)


def published_settings(card: ModelCard, task: str) -> Mapping[str, Any]:
    """Return the hyperparameters of the method at its published size, on any dataset of a task."""
    return {**card.hyperparameters, **card.defaults.get(task, {}).get(ANY_DATASET, {})}


def is_less(own: Any, published: Any) -> bool:
    """Return whether a setting means less work or a smaller model than the published one."""
    if isinstance(own, bool) or isinstance(published, bool):
        return False
    if isinstance(own, int) and isinstance(published, int):
        return own < published
    if isinstance(own, list) and isinstance(published, list):
        whole = all(type(value) is int for value in (*own, *published))
        return whole and (len(own) < len(published) or any(a < b for a, b in zip(own, published)))
    return isinstance(own, str) and published == "paper" and own != published


def _words(name: str, own: Any, published: Any) -> str:
    name = name.replace("_", " ")
    if isinstance(own, str):
        return f"{name} {own}"
    if isinstance(own, list):
        return f"{name} {own} of {published}".replace(" ", "\N{NO-BREAK SPACE}")
    return f"{own} of {published} {name}"


def training_configurations(entry: Entry) -> str:
    """Return how many training configurations a dataset has, by its explanation: `12–16`."""
    facts = entry.explanation.dataset if entry.explanation else ()
    counts = {int(f.value) for f in facts if f.name.endswith(TRAINING) and f.value.isdigit()}
    return "–".join(map(str, sorted({min(counts), max(counts)}))) if counts else ""
