"""Time and peak memory of neighbour searches in a periodic box, side by side.

    python benchmarks/neighbours.py [--particles 4096 1000000] [--repeats 15] [--json]

Uniformly random particles at the number density 1.2 in three dimensions, cutoff 2.0:
40 neighbours a particle. Every row is measured in a process of its own; peak memory is
that of the process, the interpreter and the positions included. Packages that are not
installed are named below the table. Searches that find other edges are an error.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import time

DENSITY, CUTOFF = 1.2, 2.0
LARGEST_FOR_ALL_PAIRS = 10_000


def glassbench_pairs(positions, box):
    """Directed, sorted by receiver, with vectors."""
    from glassbench.structure import neighbour_pairs

    return len(neighbour_pairs(positions, box, CUTOFF))


def all_pairs(positions, box):
    """The O(N^2) definition, one row of the matrix of distances at a time."""
    import numpy as np

    edges = 0
    for receiver in range(len(positions)):
        vectors = positions[receiver] - positions
        vectors -= box * np.rint(vectors / box)
        near = np.sqrt((vectors**2).sum(axis=1)) < CUTOFF
        near[receiver] = False
        edges += int(near.sum())
    return edges


def scipy_tree(positions, box):
    """scipy's cKDTree: undirected, unsorted, no vectors."""
    from scipy.spatial import cKDTree

    tree = cKDTree(positions, boxsize=box, balanced_tree=False, compact_nodes=False)
    return 2 * len(tree.query_pairs(CUTOFF, output_type="ndarray"))


def freud_pairs(positions, box):
    """freud's AABBQuery, single precision: directed, sorted, with distances."""
    import freud
    import numpy as np

    freud.set_num_threads(1)
    points = np.asarray(positions - box / 2, dtype=np.float32)
    query = freud.locality.AABBQuery(freud.box.Box(*box), points)
    return len(query.query(points, {"r_max": CUTOFF, "exclude_ii": True}).toNeighborList())


def matscipy_pairs(positions, box):
    """matscipy: directed, sorted, with vectors."""
    import numpy as np
    from matscipy.neighbours import neighbour_list

    found = neighbour_list(
        "ijD", cutoff=CUTOFF, positions=positions, cell=np.diag(box), pbc=np.ones(3, bool)
    )
    return len(found[0])


SEARCHES = {
    "glassbench": (glassbench_pairs, "glassbench"),
    "all pairs": (all_pairs, "numpy"),
    "scipy cKDTree": (scipy_tree, "scipy"),
    "freud": (freud_pairs, "freud"),
    "matscipy": (matscipy_pairs, "matscipy"),
}


def measure(search: str, particles: int, repeats: int) -> dict:
    """Run one search in this process and return its times (ms), peak memory (MB) and edges."""
    import numpy as np

    edge = (particles / DENSITY) ** (1 / 3)
    positions, box = np.random.default_rng(0).random((particles, 3)) * edge, np.full(3, edge)
    function, _ = SEARCHES[search]
    walls, processor = [], []
    if particles <= LARGEST_FOR_ALL_PAIRS:
        function(positions, box)
    for _ in range(repeats):
        wall, used = time.perf_counter(), time.process_time()
        edges = function(positions, box)
        walls.append((time.perf_counter() - wall) * 1e3)
        processor.append((time.process_time() - used) * 1e3)
    return {
        "search": search,
        "particles": particles,
        "edges": edges,
        "median_ms": statistics.median(walls),
        "least_ms": min(walls),
        "processor_ms": statistics.median(processor),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def measured_apart(search: str, particles: int, repeats: int) -> dict:
    command = [sys.executable, __file__, "--measure", search, str(particles), str(repeats)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{search} at {particles} particles failed:\n{done.stderr}")
    return json.loads(done.stdout)


def table(rows: list[dict]) -> str:
    lines = [
        f"{'search':<14}{'particles':>10}{'edges':>11}{'median ms':>11}{'least ms':>10}"
        f"{'CPU ms':>10}{'peak MB':>9}"
    ]
    for row in rows:
        lines.append(
            f"{row['search']:<14}{row['particles']:>10}{row['edges']:>11}{row['median_ms']:>11.1f}"
            f"{row['least_ms']:>10.1f}{row['processor_ms']:>10.1f}{row['peak_mb']:>9.0f}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--particles", type=int, nargs="+", default=[4096, 1_000_000])
    parser.add_argument("--repeats", type=int, default=15, help="at 10 000 particles or fewer")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        search, particles, repeats = arguments.measure
        print(json.dumps(measure(search, int(particles), int(repeats))))
        return
    installed = {n: s for n, s in SEARCHES.items() if importlib.util.find_spec(s[1])}
    if "glassbench" not in installed:
        raise SystemExit("glassbench is not installed: run `pip install -e .` first")
    rows = []
    for particles in arguments.particles:
        small = particles <= LARGEST_FOR_ALL_PAIRS
        for name in installed:
            if small or name != "all pairs":
                rows.append(measured_apart(name, particles, arguments.repeats if small else 2))
        found = {row["search"]: row["edges"] for row in rows if row["particles"] == particles}
        if len({edges for name, edges in found.items() if name != "freud"}) > 1:
            raise SystemExit(f"the searches disagree at {particles} particles: {found}")
    if arguments.json:
        print(json.dumps(rows, indent=1))
        return
    print(table(rows))
    for name in SEARCHES.keys() - installed.keys():
        print(f"{name}: not installed, not measured")
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f} (above {os.cpu_count()}, compare CPU times)")


if __name__ == "__main__":
    main()
