"""CPU seconds of what people wait for at a prompt, and seconds to a run's table of results.

    python benchmarks/waits.py [--repeats 3] [--json]

Each command runs in processes of its own, in a home that has run before ("warm"); the least of the
repeats counts. "To the table" is what `glassbench run` has spent, in its own process, when the
table of a trivial model is on the screen. Examples of `mini` are read beside a compressed npz of
the same arrays.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GLASSBENCH = [sys.executable, "-m", "glassbench"]
RUN = ["run", "task=ka_propensity", "cluster=none", "floors=off", "time=5.2"]
TRIVIAL = [*RUN, "model=number_of_neighbours"]
TO_THE_TABLE = """
import sys, time
import glassbench.experiments.conclude as conclude
from glassbench.cli import main

def stop(reports, workspace):
    print(time.process_time(), file=sys.stderr)
    raise KeyboardInterrupt

conclude.hand_over = stop
main(sys.argv[1:])
"""


def cpu(words: list[str], home: Path) -> tuple[float, str]:
    """Return CPU seconds of a command with all that it starts, and its stderr."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = os.environ | {"GLASSBENCH_HOME": str(home)}
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = sum(getattr(after, n) - getattr(before, n) for n in ("ru_utime", "ru_stime"))
    return spent, done.stderr


def example_seconds() -> tuple[float, float]:
    """Return CPU seconds of an example of `mini`, and of its arrays from a compressed npz."""
    import numpy as np

    from glassbench.datasets.view import open_view
    from glassbench.plugins.registry import load_task

    task = load_task("ka_propensity")
    view = open_view(task, task.folder / "mini.zarr.zip", reads=())
    examples = view.examples("train", view.conditions("train")[:1])
    began = time.process_time()
    read = list(examples)
    ours = (time.process_time() - began) / len(read)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{i}.npz" for i in range(len(read))]
        for path, example in zip(paths, read, strict=True):
            structure = {k: v for k, v in vars(example.structure).items() if hasattr(v, "dtype")}
            np.savez_compressed(path, **structure, **example.targets)
        began = time.process_time()
        for path in paths:
            with np.load(path) as file:
                [file[name] for name in file.files]
        theirs = (time.process_time() - began) / len(read)
    return ours, theirs


def rows_of(repeats: int) -> list[dict]:
    """Return rows of a work, our seconds, those of a peer where there is one, and the goal."""
    with tempfile.TemporaryDirectory() as folder:
        warm = Path(folder) / "warm"
        cpu([*GLASSBENCH, *TRIVIAL], warm)

        def least(*words: str) -> float:
            return min(cpu([*GLASSBENCH, *words], warm)[0] for _ in range(repeats))

        rows = [
            {"work": f"glassbench {' '.join(words)}", "ours": least(*words), "goal": goal}
            for words, goal in ((["--help"], 0.2), (["tasks"], 0.25), (["data", "list"], 0.3))
        ]
        rows.append({"work": "a finished run, again", "ours": least(*TRIVIAL), "goal": 0.7})
        table = [sys.executable, "-c", TO_THE_TABLE, *TRIVIAL, "force=on"]
        spent = [float(cpu(table, warm)[1].split("glassbench:")[0].split()[-1])
                 for _ in range(repeats)]  # fmt: skip
        rows.append({"work": "a trivial run, to its table", "ours": min(spent), "goal": 2.0})
    ours, theirs = example_seconds()
    rows.append({"work": "an example of mini", "ours": ours, "theirs": theirs,
                 "peer": "compressed npz", "goal": 2.5e-3})  # fmt: skip
    return [{"unit": "CPU s"} | row for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    rows = rows_of(asked.repeats)
    if asked.json:
        print(json.dumps(rows))
        return
    for row in rows:
        peer = f"   {row['peer']} {row['theirs']:.4g}" if "peer" in row else ""
        print(f"{row['work']:<32}{row['ours']:>9.4f} CPU s   goal {row['goal']:.4g}{peer}")


if __name__ == "__main__":
    main()
