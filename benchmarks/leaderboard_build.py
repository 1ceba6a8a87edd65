"""Time of building the leaderboard from many synthetic records.

    python benchmarks/leaderboard_build.py [--records 1000] [--conditions 100] [--json]

Records are spread over all tasks and four datasets each. Prints wall-clock and processor time,
which differ where the machine is shared, and the weight of the heaviest page with all that it
loads before its reader asks for data.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "pages"))
DATASETS = 4
LIMIT_SECONDS, LIMIT_BYTES = 60.0, 400_000


def write_records(folder: Path, total: int, conditions: int) -> int:
    """Write synthetic records; return their bytes."""
    from synthetic_records import grid, make_record, put

    from glassbench.plugins.registry import list_tasks, load_task

    tasks = [load_task(found.name) for found in list_tasks() if not found.error]
    boards = [(task, f"data{k}") for task in tasks for k in range(DATASETS)]
    generator = np.random.default_rng(0)
    written = 0
    for k in range(total):
        task, dataset = boards[k % len(boards)]
        model = f"model_{k // len(boards):03d}"
        record = make_record(
            task, model, generator.uniform(0.2, 0.8), grid(task, conditions),
            parents=6, dataset=(dataset, f"sha256:{dataset:0<16}"), generator=generator,
        )  # fmt: skip
        path = put(folder, f"{task.name}-{dataset}-{model}", record)
        written += path.stat().st_size
    return written


def timed(act) -> tuple[float, float, object]:
    """Return wall-clock and processor seconds of a call, and what it returned."""
    wall, processor = time.perf_counter(), time.process_time()
    result = act()
    return time.perf_counter() - wall, time.process_time() - processor, result


def heaviest_page(site: Path) -> tuple[int, str]:
    """Return the bytes of the heaviest page with all that it loads unasked, and its name."""
    weights = []
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        wanted = re.findall(r'(?:src|href)="([^"]*static/[^"]+\.(?:js|css|svg))"', text)
        weight = len(text.encode())
        weight += sum((page.parent / name).resolve().stat().st_size for name in set(wanted))
        # Drawings load the library when they come into view.
        if "figures.js" in text:
            weight += (site / "static" / "plot.min.js").stat().st_size
        weights.append((weight, str(page.relative_to(site))))
    return max(weights)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=1000)
    parser.add_argument("--conditions", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    from glassbench.pages import build_site, read_sources

    with tempfile.TemporaryDirectory() as folder:
        records, site = Path(folder) / "records", Path(folder) / "site"
        size = write_records(records, arguments.records, arguments.conditions)
        wall, cpu, report = timed(lambda: build_site(read_sources(records), site))
        weight, page = heaviest_page(site)
    rows = {
        "records": report.records,
        "megabytes": round(size / 1e6, 1),
        "files": report.files,
        "build: wall s": round(wall, 2),
        "build: cpu s": round(cpu, 2),
        "heaviest page: bytes": weight,
        "heaviest page": page,
        "limits": f"{LIMIT_SECONDS:g} s, {LIMIT_BYTES} bytes",
    }
    if arguments.json:
        print(json.dumps(rows, indent=1))
    else:
        for name, value in rows.items():
            print(f"{name:28} {value}")


if __name__ == "__main__":
    main()
