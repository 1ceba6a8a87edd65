"""What each group of measures of `load_response` brings, by cross-validation within training.

    python benchmarks/load_response.py lj2d_plasticity
    python benchmarks/load_response.py cuzr_plasticity strain=0.02 model.strength=0.3

Folds are of whole samples, consecutive ones together; no validation or test sample is read.
Prints, for each set of groups and strain, C_rank averaged over samples and loads. What is
computed is kept under GLASSBENCH_HOME, or in `.glassbench`, and read again.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import numpy as np

from glassbench.datasets.view import open_view
from glassbench.home.cache import kept_in
from glassbench.metrics import c_rank
from glassbench.model import Run
from glassbench.plugins.registry import load_model_card, load_model_class, load_task

GROUPS = ("state", "cage", "response", "change", "softening")
SETS = (
    GROUPS,
    *(tuple(group for group in GROUPS if group != left_out) for left_out in GROUPS),
    ("state",),
    ("state", "cage"),
)
FOLDS = 4


def main(words: list[str]) -> None:
    """Print the table of a task."""
    name, options = words[0], dict(word.split("=", 1) for word in words[1:])
    task, card = load_task(name), load_model_card("load_response")
    overrides = {k.removeprefix("model."): v for k, v in options.items() if k.startswith("model.")}
    view = open_view(task, task.folder / task.datasets["mini"].path, card.reads)
    home = Path(os.environ.get("GLASSBENCH_HOME", ".glassbench"))
    with kept_in(home / "cache"):
        for condition in view.conditions("train"):
            wanted = float(options.get("strain", condition["strain"]))
            if condition["fraction"] != 0.005 or condition["strain"] not in (0.02, 0.05):
                continue
            if condition["strain"] != wanted:
                continue
            examples, parents = (
                view.examples("train", (condition,)),
                view.parents("train", condition),
            )
            number = {parent: k for k, parent in enumerate(dict.fromkeys(parents))}
            folds = min(FOLDS, len(number))
            fold = np.array([number[parent] * folds // len(number) for parent in parents])
            for groups in SETS:
                values = card.hyperparameters_for(name, "mini", overrides) | {
                    "groups": list(groups)
                }
                scores = []
                for left_out in range(folds):
                    scores += scores_of(values, card, task, examples, fold == left_out, condition)
                print(
                    f"strain {condition['strain']:g}  {np.mean(scores):.3f}  {' '.join(groups)}",
                    flush=True,
                )


def scores_of(values, card, task, examples, left_out, condition) -> list[float]:
    """Return C_rank of every structure that is left out of a fit to the others."""
    model = load_model_class(card)(**values)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(seed=0, target=task.target, symmetry=task.symmetry, folder=Path(folder))
        model.fit([examples[k] for k in np.flatnonzero(~left_out)], [], run)
    asked = [examples[k] for k in np.flatnonzero(left_out)]
    answers = model.predict([example.structure for example in asked], condition)
    return [
        float(c_rank(answer[task.target], example.targets["d2min"], condition["fraction"]))
        for answer, example in zip(answers, asked, strict=True)
    ]


if __name__ == "__main__":
    main(sys.argv[1:])
