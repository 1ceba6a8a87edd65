"""Scores of the predicted rearrangements for all particles and for each species.

One model serves all species, as in the paper. Accuracy is over the particles of a species in the
balanced sets; C_rank and the area under the ROC curve are over all particles of the species.
"""

from __future__ import annotations

import numpy as np

from glassbench.figures.canvas import FLOORS, MODEL, new_figure
from glassbench.figures.given import Drawn, Given
from glassbench.metrics import balanced_accuracy, c_rank, roc_auc

SOURCE = "Fan & Ma, Nat. Commun. 12, 1506 (2021), Supplementary Fig. 14 and 15"
REPORTED = "one model for all species loses little against a model of each species"
TASKS = ("lj2d_plasticity", "cuzr_plasticity")
MODELS = True
OPTIONS: dict[str, float] = {}
HISTORY = ("quench_time", "cooling_rate", "composition")


def draw(given: Given) -> Drawn:
    """Draw C_rank of all particles and of each species, at each condition."""
    rows = []
    for model in given.models:
        for condition in given.conditions:
            parts = list(given.answers(model, condition))
            names = {k: given.view.species_name(condition, k) for k in (0, 1)}
            for kind, name in {None: "all", **names}.items():
                rows.append({
                    "model": model.card.name, "fraction": condition["fraction"],
                    "strain": condition["strain"], "species": name,
                    **_scores(parts, kind, condition["fraction"]),
                })  # fmt: skip
    figure = new_figure(1.6 + 2.2 * len(given.conditions), 3.4)
    axes = figure.subplots(1, len(given.conditions), sharey=True, squeeze=False)[0]
    many = len(given.models)
    for axis, condition in zip(axes, given.conditions, strict=True):
        for number, (model, colour) in enumerate(zip(given.models, (MODEL, *FLOORS), strict=False)):
            own = [
                row
                for row in rows
                if row["model"] == model.card.name
                and all(row[name] == condition[name] for name in ("fraction", "strain"))
            ]
            middles = np.arange(len(own)) + 0.8 * (number - (many - 1) / 2) / many
            heights = [row["c_rank"] for row in own]
            axis.bar(middles, heights, 0.8 / many, color=colour, label=model.card.name)
            axis.set_xticks(np.arange(len(own)), [row["species"] for row in own])
        axis.set_title(given.title(condition, HISTORY), fontsize=9)
        axis.set_ylim(top=1.25)
    axes[0].set_ylabel("C_rank")
    axes[0].legend(fontsize=7, frameon=False)
    return Drawn(figure, rows)


def _scores(parts, kind: int | None, fraction: float) -> dict[str, float]:
    ranks, guesses, labels, in_sets, of_sets = [], [], [], [], []
    for example, d2min, guess in parts:
        species = example.structure.species
        chosen = np.ones(len(species), bool) if kind is None else species == kind
        ranks.append(c_rank(guess[chosen], d2min[chosen], fraction))
        label = np.asarray(example.targets["rearranging"])
        guesses.append(guess[chosen])
        labels.append(label[chosen])
        members = example.balanced[chosen[example.balanced]]
        in_sets.append(guess[members])
        of_sets.append(label[members])
    positive = np.concatenate(labels)
    return {
        "positives": int(positive.sum()),
        "c_rank": float(np.mean(ranks)),
        "accuracy": float(balanced_accuracy(np.concatenate(in_sets), np.concatenate(of_sets))),
        "roc_auc": float(roc_auc(np.concatenate(guesses), positive)),
    }
