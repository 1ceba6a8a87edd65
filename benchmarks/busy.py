"""How much slower an epoch of BOTAN is beside other work on the same cores.

    python benchmarks/busy.py [--busy 1] [--threads 2] [--epochs 3] [--json]

The model is trained as a trial trains it, on one configuration of `mini` for each epoch, first
alone and then beside processes that never rest. The fastest epoch counts. A machine that does other
work anyway makes the first number too large, and the ratio too small.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

BUSY = "while True: pass"


def epochs_alone(threads: int, epochs: int) -> dict[str, float]:
    """Train in this process; return wall-clock and CPU seconds of the fastest epoch."""
    from glassbench.datasets.view import open_view
    from glassbench.model import Run
    from glassbench.plugins.registry import load_model_card, load_model_class, load_task
    from glassbench.trial.process import limited_threads

    task, card = load_task("ka_propensity"), load_model_card("botan")
    view = open_view(task, task.folder / "mini.zarr.zip", reads=card.reads)
    condition = view.conditions("train")[0]
    values = card.hyperparameters_for(task.name, "mini", {"epochs": epochs})
    times = [(time.perf_counter(), time.process_time())]

    def report(progress) -> None:
        times.append((time.perf_counter(), time.process_time()))

    with limited_threads(threads), tempfile.TemporaryDirectory() as folder:
        model = load_model_class(card)(**values)
        run = Run(
            0, task.target, task.symmetry, Path(folder), (condition,), None, report, "cpu", threads
        )
        model.fit(view.examples("train", (condition,))[:1], [], run)
    apart = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(times)][-(epochs - 1) :]
    seconds, cpu = min(apart)
    return {"seconds": seconds, "cpu": cpu}


def measured(busy: int, threads: int, epochs: int) -> dict[str, float]:
    """Return the same from a process of its own beside some that never rest."""
    others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(busy)]
    try:
        words = [sys.executable, __file__, "--one", "--threads", str(threads)]
        done = subprocess.run(
            [*words, "--epochs", str(epochs)], capture_output=True, text=True, check=True
        )
    finally:
        for other in others:
            other.kill()
            other.wait()
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--busy", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(epochs_alone(asked.threads, asked.epochs)))
        return
    alone, beside = (measured(busy, asked.threads, asked.epochs) for busy in (0, asked.busy))
    answer = {"alone": alone, "beside": beside, "slowdown": beside["seconds"] / alone["seconds"]}
    if asked.json:
        print(json.dumps(answer))
        return
    for name, part in (("alone", alone), (f"beside {asked.busy} busy", beside)):
        print(f"{name:<16}{part['seconds']:>8.2f} s an epoch, {part['cpu']:.2f} CPU s")
    machine = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    print(f"slowdown {answer['slowdown']:.1f} on {machine}")


if __name__ == "__main__":
    main()
