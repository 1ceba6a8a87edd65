"""CPU seconds of `glassbench run model=averaged_ridge` in a new home, and of its class by hand.

    python benchmarks/run_overhead.py [--model averaged_ridge] [--json]

By hand is what a script of ten lines does: open the dataset, fit, predict, score nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from waits import GLASSBENCH, RUN, cpu

BY_HAND = """
import sys, tempfile, time
from pathlib import Path
from glassbench.datasets.view import open_view
from glassbench.model import Run
from glassbench.plugins.registry import load_model_card, load_model_class, load_task
task, card = load_task("ka_propensity"), load_model_card(sys.argv[1])
view = open_view(task, task.folder / "mini.zarr.zip", reads=card.reads)
condition = next(c for c in view.conditions("train") if abs(c["time"] - 5.2) < 0.1)
model = load_model_class(card)(**card.hyperparameters_for(task.name, "mini", {}))
run = Run(0, task.target, task.symmetry, Path(tempfile.mkdtemp()), (condition,))
model.fit(view.examples("train", (condition,)), view.examples("valid", (condition,)), run)
model.predict(view.structures("test", condition), condition)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="averaged_ridge")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        by_hand, _ = cpu([sys.executable, "-c", BY_HAND, asked.model], Path(folder) / "none")
        ours, _ = cpu([*GLASSBENCH, *RUN, f"model={asked.model}"], Path(folder) / "new")
    row = {"work": f"{asked.model}, new home", "unit": "CPU s", "ours": ours}
    row |= {"peer": "its class by hand", "theirs": by_hand, "goal": 1.05 * by_hand + 2}
    if asked.json:
        print(json.dumps([row]))
        return
    print(f"run {ours:.1f} CPU s, by hand {by_hand:.1f}, goal {row['goal']:.1f}")


if __name__ == "__main__":
    main()
