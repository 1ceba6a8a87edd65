"""What T-BOTAN reads of the temperature from the structure alone, and what that costs its scores.

After `glassbench run task=ka_propensity dataset=mini_interpolation model=t_botan`:

    python benchmarks/thermometer.py RECORD
"""

from __future__ import annotations

import sys

import numpy as np
import torch

from glassbench.datasets.view import open_view
from glassbench.experiments.trained import load_model
from glassbench.home.workspace import open_workspace
from glassbench.metrics import pearson
from glassbench.plugins.datasets import find_dataset
from glassbench.plugins.registry import load_task


def main(record: str) -> None:
    given, inferred = (load_model(record, open_workspace()).fits[0].model for _ in range(2))
    inferred.temperature = "inferred"
    task, network = load_task("ka_propensity"), given.module
    view = open_view(task, find_dataset(task, "mini_interpolation", open_workspace()).path)
    graph = sys.modules[type(given).__module__].GRAPH
    print("T     read from each test structure; its error rms")
    for temperature in sorted({c["temperature"] for c in view.conditions()}):
        at = [c for c in view.conditions() if c["temperature"] == temperature]
        read = []
        for structure in view.structures("test", at[0]):
            inputs = given.encode(structure)
            with torch.no_grad():
                theta = float(network(*(inputs[name] for name in graph))[1])
            read.append(theta * float(network.spread_temperature) + float(network.mean_temperature))
        error = np.sqrt(np.mean((np.array(read) - temperature) ** 2))
        print(f"{temperature:g}  {' '.join(f'{t:.3f}' for t in read)}  {error:.4f}")
        for condition in at:
            scores = [[score(m, e) for e in view.examples("test", (condition,))]
                      for m in (given, inferred)]  # fmt: skip
            print("  t = {:g}: Pearson A {:.4f} at the temperature given, {:.4f} inferred".format(
                condition["time"], *np.mean(scores, axis=1)
            ))  # fmt: skip


def score(model, example) -> float:
    a = example.structure.species == 0
    predicted = model.predict([example.structure], example.condition)[0]["propensity"]
    return float(pearson(predicted[a], example.targets["propensity"][a]))


if __name__ == "__main__":
    main(*sys.argv[1:])
