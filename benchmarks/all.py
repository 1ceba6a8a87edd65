"""One table of all that is measured side by side: ours, the peer, their ratio, the goal.

    python benchmarks/all.py [ROW ...] [--pyg-botan FOLDER]

Rows: waits, overhead, botan, voronoi, structure, neighbours, density, large, busy, pages; all of
them unless some are named. Each is made by the script that its line names, which says what is
compared and prints more; a peer that is not installed leaves its places empty. Ratios are
peer / ours: above 1 we are faster.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEERS = dict.fromkeys(("angular", "radial"), "dscribe is not installed") | dict.fromkeys(
    ("D2min", "radical"), "ovito is not installed"
)
Rows = list[dict]


def output_of(script: str, *words: str) -> str:
    """Return what a script beside this one prints."""
    environment = os.environ | {"PYTHONPATH": f"{HERE.parent}:{os.environ.get('PYTHONPATH', '')}"}
    done = subprocess.run(
        [sys.executable, str(HERE / script), *words],
        env=environment, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["it failed"])[-1])
    return done.stdout


def waits(asked: argparse.Namespace) -> Rows:
    return json.loads(output_of("waits.py", "--json"))


def overhead(asked: argparse.Namespace) -> Rows:
    return json.loads(output_of("run_overhead.py", "--json"))


def botan(asked: argparse.Namespace) -> Rows:
    """The text of the script, of which each line is a row: it has two peers and five columns."""
    folder = ["--pyg-botan", asked.pyg_botan] if asked.pyg_botan else []
    text = output_of("botan_step.py", "--rounds", "3", *folder)
    return [{"text": line} for line in text.splitlines() if line.strip()]


def _structure(asked: argparse.Namespace, wanted: Callable[[str], bool]) -> Rows:
    measured = json.loads(output_of("structure_functions.py", "--json"))
    rows: dict[str, dict] = {}
    for entry in filter(lambda entry: wanted(entry["measure"]), measured):
        row = rows.setdefault(entry["measure"], {"work": entry["measure"], "unit": "us/particle"})
        row.setdefault("peer", PEERS.get(entry["measure"].split()[0].strip(","), ""))
        if entry["program"].startswith("glassbench"):
            row["ours"] = entry["us"]
        elif entry["program"] != "loops":
            row |= {"theirs": entry["us"], "peer": entry["program"]}
    return list(rows.values())


def voronoi(asked: argparse.Namespace) -> Rows:
    return _structure(asked, lambda measure: measure.startswith(("radical", "D2min")))


def structure(asked: argparse.Namespace) -> Rows:
    return _structure(asked, lambda measure: not measure.startswith(("radical", "D2min")))


def neighbours(asked: argparse.Namespace) -> Rows:
    measured = json.loads(output_of("neighbours.py", "--json", "--repeats", "3"))
    rows = []
    for size in dict.fromkeys(entry["particles"] for entry in measured):
        of_size = {e["search"]: e for e in measured if e["particles"] == size}
        ours = of_size.pop("glassbench")
        rows += [
            {"work": f"neighbours of {size}", "unit": "CPU ms", "ours": ours["processor_ms"],
             "theirs": entry["processor_ms"], "peer": name}
            for name, entry in of_size.items()
        ]  # fmt: skip
    return rows


def density(asked: argparse.Namespace) -> Rows:
    return [{"text": line} for line in output_of("density_map.py").splitlines()]


def large(asked: argparse.Namespace) -> Rows:
    return [{"text": line} for line in output_of("large_structures.py").splitlines()]


def busy(asked: argparse.Namespace) -> Rows:
    answer = json.loads(output_of("busy.py", "--json"))
    return [{"work": "BOTAN's epoch beside one busy process", "unit": "s",
             "ours": answer["beside"]["seconds"], "theirs": answer["alone"]["seconds"],
             "peer": "the same alone", "goal": 3 * answer["alone"]["seconds"]}]  # fmt: skip


def pages(asked: argparse.Namespace) -> Rows:
    text = output_of("leaderboard_build.py")
    return [{"text": line} for line in text.splitlines()]


ROWS = {
    "waits": (waits, "waits.py"),
    "overhead": (overhead, "run_overhead.py"),
    "botan": (botan, "botan_step.py"),
    "voronoi": (voronoi, "structure_functions.py"),
    "structure": (structure, "structure_functions.py"),
    "neighbours": (neighbours, "neighbours.py"),
    "density": (density, "density_map.py"),
    "large": (large, "large_structures.py"),
    "busy": (busy, "busy.py"),
    "pages": (pages, "leaderboard_build.py"),
}


def line_of(row: dict) -> str:
    """Return a row as text."""
    if "text" in row:
        return f"  {row['text']}"
    peer, ratio = row.get("peer", ""), ""
    if row.get("theirs"):
        peer, ratio = f"{peer} {row['theirs']:.4g}", f"{row['theirs'] / row['ours']:.2f}"
    goal = f"{row['goal']:.4g}" if "goal" in row else ""
    return f"  {row['work']:<40}{row['ours']:>10.4g} {row['unit']:<12}{peer:<34}{ratio:>7}{goal:>9}"


def machine() -> str:
    """Return processor, cores and load, as far as the system tells."""
    about = Path("/proc/cpuinfo")
    named = (
        re.search(r"^model name[^:]*: *(.*)$", about.read_text(), re.M) if about.exists() else None
    )
    processor = named[1] if named else platform.processor() or platform.machine()
    return f"{processor}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--pyg-botan", help="a checkout of pyg_botan")
    asked = parser.parse_args()
    if unknown := [name for name in asked.rows if name not in ROWS]:
        raise SystemExit(f"no row {unknown[0]}: there are {', '.join(ROWS)}")
    print(machine())
    print(f"  {'work':<40}{'ours':>10} {'unit':<12}{'peer':<34}{'ratio':>7}{'goal':>9}")
    for name in asked.rows or ROWS:
        make, script = ROWS[name]
        print(f"{name} (benchmarks/{script})", flush=True)
        try:
            rows = make(asked)
        except (RuntimeError, ValueError, KeyError) as error:
            rows = [{"text": f"not measured: {error}"}]
        print(*map(line_of, rows), sep="\n", flush=True)


if __name__ == "__main__":
    main()
