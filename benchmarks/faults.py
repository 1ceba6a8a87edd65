"""Inject each fault some times, and print what it cost.

    python benchmarks/faults.py [N] [SCENARIO…]

Every row is a fault: how it was injected, how often, how much finished work was lost and how
much came twice, whether the scores are bit by bit those of an undisturbed run, and the line
that a user reads. The trials are those of a small network on a small dataset.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = ("fault", "how injected", "tried", "lost", "duplicated", "scores equal")


def main(words: list[str]) -> None:
    sys.path.insert(0, str(ROOT))
    from tests.conftest import write_tiny
    from tests.faults.bench import Bench, total
    from tests.faults.scenarios import SCENARIOS

    times = int(words[0]) if words else 1
    chosen = words[1:] or list(SCENARIOS)
    rows = []
    with tempfile.TemporaryDirectory(prefix="glassbench-faults-") as folder:
        bench = Bench(Path(folder) / "homes", write_tiny(Path(folder) / "tiny.zarr"))
        bench.folder.mkdir()
        for name in chosen:
            for number in range(times):
                print(f"{name}, {number + 1} of {times}", file=sys.stderr, flush=True)
                rows += SCENARIOS[name](bench)
    table = [
        (r.fault, r.how, str(r.tried), str(r.lost), str(r.duplicated), "yes" if r.equal else "NO")
        for r in total(rows)
    ]
    print(f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}")
    for cells in table:
        print(f"| {' | '.join(cells)} |")
    print()
    for row in total(rows):
        print(f"{row.fault}: {row.line}")


if __name__ == "__main__":
    main(sys.argv[1:])
