"""Run every model on every task with its embedded data, and print one table.

    python benchmarks/grid.py [quick] [TASK …] [home=FOLDER]

Each task is one `glassbench sweep` over all models that serve it, or over those that it calls
quick, at the conditions that `glassbench run` takes when none are asked for. Prints the seconds
of each sweep, then for every model and condition its score, the noise ceiling or upper bound,
the best floor and the CPU seconds of its record, and the seconds of all. The workspace is a new
one, so that nothing is read from earlier runs, unless `home=` names a folder, which then keeps it.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from glassbench.cli.tables import in_columns
from glassbench.plugins.registry import list_tasks, load_task


def sweep(task, selection, home):
    """Run one sweep and return its wall seconds."""
    defaults = task.default_values(task.default_dataset)
    words = [f"task={task.name}", f"model={selection}", "cluster=local", f"home={home}"]
    words += [f"{axis}={','.join(map(str, values))}" for axis, values in defaults.items()]
    started = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "glassbench", "sweep", *words],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.monotonic() - started


def shown(value):
    """Return a number for the table; what is undefined is a dash."""
    return "-" if value is None else f"{value:.3f}"


def rows_of(record):
    """Return the cells of a record, a row for each condition."""
    metric = record["task"]["primary_metric"]
    for entry in record["conditions"]:
        score, ceiling = entry["scores"][metric], (entry["ceiling"] or {}).get(metric)
        floors = [f for f in entry["floors"] if f["value"] is not None]
        best = max(floors, key=lambda floor: floor["value"], default=None)
        ends = score["interval"]
        yield (
            record["task"]["name"],
            record["model"]["name"],
            " ".join(f"{axis}={value:g}" for axis, value in entry["condition"].items()),
            shown(score["value"]) + (f" [{shown(ends[0])}, {shown(ends[1])}]" if ends else ""),
            shown(ceiling and ceiling["value"]),
            f"{shown(best['value'])} {best['model']}" if best else shown(None),
            f"{record['cost']['cpu_seconds']:.0f}",
        )


def main(arguments):
    selection = "quick" if "quick" in arguments else "all"
    asked = [word for word in arguments if word != "quick" and "=" not in word]
    tasks = [load_task(name) for name in asked or [found.name for found in list_tasks()]]
    with tempfile.TemporaryDirectory() as fresh:
        home = next((w.removeprefix("home=") for w in arguments if w.startswith("home=")), fresh)
        taken = [sweep(task, selection, home) for task in tasks]
        records = [json.loads(path.read_text()) for path in Path(home, "records").glob("*.json")]
    for task, seconds in zip(tasks, taken, strict=True):
        print(f"{task.name}: {seconds:.0f} s")
    names = {task.name for task in tasks}
    records.sort(key=lambda record: (record["task"]["name"], record["model"]["name"]))
    rows = [row for record in records if record["task"]["name"] in names for row in rows_of(record)]
    titles = ("task", "model", "condition", "score [95 %]", "ceiling", "best floor", "CPU s")
    columns = list(zip(titles, zip(*rows), strict=True))
    print("\n".join(in_columns(columns, 200, keys=3)))
    print(f"all: {sum(taken):.0f} s on the clock")


if __name__ == "__main__":
    main(sys.argv[1:])
