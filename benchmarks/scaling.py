"""How trials scale with nodes: real local Ray nodes, then a simulation calibrated on them.

    python benchmarks/scaling.py [--nodes 1,2,4,8] [--trials 10] [--seconds S] [--fresh] [--json]

Every node is a raylet of its own with one core announced. A trial goes the whole way of a real
one (`glassbench.cluster.execute`: worker, lock, log, progress, result), but sleeps where that
computes, as long as a real trial took here (`neighbour_count_ridge` at one condition), unless
`--seconds` says otherwise. Efficiency is computation over what all nodes could have computed
from the call to its end, the start of their workers included; `steady` leaves that start out,
which on one machine is a struggle for its cores. `--fresh` starts a worker for each trial.
Then the trials are delivered to MLflow's SQLite store, a request with many finished trials is
asked for again, and the simulation goes to 32 nodes and 10 000 trials with these costs.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from scaling_simulation import (  # noqa: E402
    MOST_NODES,
    Costs,
    efficiency,
    most_nodes,
    shortest_trial,
)

GOAL, NODES, TRIALS = 0.9, 32, 10_000
MEMORY = 16e9


@dataclass(frozen=True)
class Measured:
    """A run on real nodes.

    Attributes
    ----------
    efficiency, steady : with and without the start of the workers
    start : median seconds from the call to a node's first trial at work
    between : median seconds of a worker between two trials at work
    driver : processor seconds of this process in all
    load : of the machine at the end
    """

    nodes: int
    trials: int
    wall: float
    efficiency: float
    steady: float
    start: float
    between: float
    driver: float
    load: float


def real_seconds(home: Path) -> float:
    """Return what a small real trial takes here, in this process."""
    from glassbench.cli.output import Asked
    from glassbench.cli.run import _understand
    from glassbench.experiments.request import make_requests, model_trials
    from glassbench.trial.run import run_trial

    words = {"task": "ka_propensity", "model": "neighbour_count_ridge", "time": "16.5"}
    request = make_requests(*_understand(Asked([], words | {"home": str(home)}, True)))[0]
    (trial,) = model_trials(request)
    start = time.perf_counter()
    run_trial(trial, _workspace(home))
    return time.perf_counter() - start


def _workspace(home: Path):
    from glassbench.home.workspace import Workspace

    return Workspace(home)


def on_nodes(
    cluster, nodes: int, per_node: int, seconds: float, folder: Path, fresh: bool
) -> Measured:
    """Let a cluster grow to so many nodes, one core each, and run trials on it."""
    from scaling_standin import make_trials

    from glassbench.cluster import execute, open_session
    from glassbench.experiments.resources import Terms

    for _ in range(nodes - len(cluster.list_all_nodes())):
        cluster.add_node(num_cpus=1, wait=False)
    cluster.wait_for_nodes()
    trials = make_trials(folder / "plugin", nodes * per_node, seconds)
    with open_session(cluster.address) as session:
        start, began, spent = time.perf_counter(), time.time(), time.process_time()
        outcomes = execute(
            trials,
            _workspace(folder / f"home{nodes}"),
            cluster=session,
            run="scaling_standin:run",
            terms=Terms(reused=lambda trial: not fresh),
        )
        wall = time.perf_counter() - start
        spent = time.process_time() - spent
    times = [outcome.result.history[0] for outcome in outcomes]
    return _measured(nodes, times, seconds, wall, began, spent)


def throughput(cluster, trials: int, folder: Path) -> dict[str, float]:
    """Run trials that compute nothing on all nodes: what is left is overhead."""
    from scaling_standin import make_trials

    from glassbench.cluster import execute, open_session
    from glassbench.experiments.resources import Terms

    waiting = make_trials(folder / "plugin", trials, 0.0)
    terms = Terms(reused=lambda trial: True)
    spent, ready = {}, []
    with open_session(cluster.address) as session:
        for count in (len(cluster.list_all_nodes()), trials):
            before = time.process_time()
            outcomes = execute(
                waiting[:count], _workspace(folder / "short"), cluster=session,
                run="scaling_standin:run", terms=terms,
            )  # fmt: skip
            spent[count] = time.process_time() - before
            ready = sorted(o.result.history[0]["ready"] for o in outcomes[-(trials // 2) :])
    first, last = spent.values()
    return {
        "trials": trials,
        "driver": max(last - first, 0.0) / trials,
        "per_second": (len(ready) - 1) / (ready[-1] - ready[0]),
        "load": os.getloadavg()[0],
    }


def _measured(nodes, times, seconds, wall, began, spent) -> Measured:
    """Return the figures of a run from when each of its trials began and ended."""
    count = len(times)
    by_worker: dict[int, list] = {}
    for entry in sorted(times, key=lambda entry: entry["began"]):
        by_worker.setdefault(entry["process"], []).append(entry)
    gaps = [
        later["ready"] - before["ended"]
        for own in by_worker.values()
        for before, later in itertools.pairwise(own)
    ]
    firsts = [own[0]["ready"] for own in by_worker.values()]
    steady = sum(len(own) * seconds for own in by_worker.values())
    lived = sum(own[-1]["ended"] - own[0]["ready"] for own in by_worker.values())
    return Measured(
        nodes=nodes,
        trials=count,
        wall=wall,
        efficiency=count * seconds / (nodes * wall),
        steady=steady / lived,
        start=statistics.median(sorted(firsts)[:nodes]) - began,
        between=statistics.median(gaps) if gaps else 0.0,
        driver=spent,
        load=os.getloadavg()[0],
    )


def delivery(home: Path, keys_of: int, folder: Path, seconds: float) -> dict[str, float]:
    """Deliver finished trials to a new SQLite store, and return the rates."""
    import sqlite3

    from scaling_standin import make_trials

    from glassbench.tracking.delivery import RequestDelivery, TrialDelivery, deliver
    from glassbench.tracking.mlflow_store import ensure_store

    workspace = _workspace(home)
    trials = make_trials(folder / "plugin", keys_of, seconds)
    ensure_store(workspace.database)
    content = tuple(TrialDelivery(t.key, t.name, t.to_json()) for t in trials)
    request = RequestDelivery("0" * 64, "scaling", "scaling", None, "", content)
    start, spent = time.perf_counter(), _children_seconds()
    delivered = deliver(workspace, request, patience=600)
    wall, spent = time.perf_counter() - start, _children_seconds() - spent
    if not delivered.delivered:
        raise SystemExit(f"MLflow did not take the trials: {delivered.message}")
    with sqlite3.connect(workspace.database) as database:
        rows = sum(
            database.execute(f"select count(*) from {table}").fetchone()[0]
            for table in ("runs", "metrics", "params", "tags")
        )
    return {"trials": keys_of, "seconds": wall, "per_trial": wall / keys_of,
            "cpu_per_trial": spent / keys_of, "rows_per_second": rows / wall,
            "load": os.getloadavg()[0]}  # fmt: skip


def _children_seconds() -> float:
    """Return the processor time of processes that this one started and waited for."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def asked_again(folder: Path, count: int) -> dict[str, float]:
    """Return processor time and memory of a driver whose trials are all finished, per trial."""
    import psutil
    from scaling_standin import make_trials, result_of

    from glassbench.cluster import execute
    from glassbench.experiments.resources import Terms
    from glassbench.trial.result import write_result

    workspace = _workspace(folder / "finished")
    trials = make_trials(folder / "plugin", count, 1.0)
    for trial in trials:
        write_result(workspace, result_of(trial, 1.0, 0.0, 0.0))
    process = psutil.Process()
    before, start = process.memory_info().rss, time.process_time()
    outcomes = execute(trials, workspace, cluster="none", terms=Terms(keep_results=True))
    spent, grown = time.process_time() - start, process.memory_info().rss - before
    assert len(outcomes) == count
    return {"trials": count, "per_trial": spent / count, "bytes_per_trial": grown / count}


def simulated(
    runs: Sequence[Measured], driver: float, fresh: bool, tracking: float, seconds: float
) -> dict:
    """Return efficiencies on many nodes, and where the next wall stands."""
    alone = runs[0]
    costs = Costs(driver, max(0.0, alone.between - driver), alone.start, not fresh)
    return {
        "costs": asdict(costs),
        "checked": {
            run.nodes: efficiency(costs, run.nodes, run.trials, seconds) for run in runs
        },
        "efficiency": {
            length: efficiency(costs, NODES, TRIALS, length)
            for length in (1.0, seconds, 30.0, 300.0)
        },
        "shortest_trial": shortest_trial(costs, NODES, TRIALS, GOAL),
        "most_nodes": {s: most_nodes(costs, 300, s, GOAL) for s in (seconds, 30.0, 300.0)},
        "driver_trials_per_second": 1 / max(driver, 1e-6),
        "tracking_hours": TRIALS * tracking / 3600,
    }  # fmt: skip


def lines_of(seconds: float, runs, short, store, again, model) -> list[str]:
    lines = [
        f"stand-in: {seconds:.2f} s of computation in each trial; goal: efficiency {GOAL}",
        "",
        f"{'nodes':>5} {'trials':>6} {'wall s':>7} {'efficiency':>10} {'steady':>6} "
        f"{'simulated':>9} {'worker start s':>14} {'between s':>9} {'driver CPU s':>12} "
        f"{'load':>5}",
    ]
    lines += [
        f"{run.nodes:5d} {run.trials:6d} {run.wall:7.1f} {run.efficiency:10.2f} {run.steady:6.2f} "
        f"{model['checked'][run.nodes]:9.2f} {run.start:14.1f} {run.between:9.3f} "
        f"{run.driver:12.1f} {run.load:5.1f}"
        for run in runs
    ]
    gigabytes = again["bytes_per_trial"] * TRIALS / 1e9
    lines += [
        "",
        f"trials that compute nothing ({short['trials']}, all nodes): "
        f"{1000 * short['driver']:.1f} ms of the driver's CPU each, "
        f"{short['per_second']:.1f} a second, load {short['load']:.0f}",
        f"finished trials asked for again ({again['trials']}): {1000 * again['per_trial']:.2f} ms "
        f"of CPU and {again['bytes_per_trial'] / 1000:.1f} kB of the driver each, so "
        f"{gigabytes:.2f} GB for {TRIALS}",
        f"MLflow, SQLite ({store['trials']} trials): {store['per_trial']:.2f} s a trial "
        f"({store['cpu_per_trial']:.2f} s of CPU, load {store['load']:.0f}), "
        f"{store['rows_per_second']:.0f} rows a second, so {model['tracking_hours']:.1f} hours "
        f"for {TRIALS}",
        "",
        f"simulated, {NODES} nodes, {TRIALS} trials, costs as on one node:",
    ]
    lines += [
        f"  {length:6.1f} s a trial: efficiency {value:.3f}"
        for length, value in model["efficiency"].items()
    ]
    lines += [
        "",
        "the next wall:",
        f"  trials below {model['shortest_trial']:.1f} s leave {NODES} nodes under {GOAL}",
        f"  the driver takes {model['driver_trials_per_second']:.0f} trials a second at most: "
        + ", ".join(f"{n} nodes at {s:.0f} s a trial" for s, n in model["most_nodes"].items())
        + f" ({MOST_NODES}: that or more)",
        f"  MLflow takes {1 / store['per_trial']:.1f} trials a second: "
        f"{NODES} nodes make more where a trial is under {NODES * store['per_trial']:.0f} s",
        f"  16 GB of memory hold {MEMORY / max(again['bytes_per_trial'], 1.0):.0f} results",
    ]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", default="1,2,4,8")
    parser.add_argument("--trials", type=int, default=10, help="on each node")
    parser.add_argument("--seconds", type=float, help="computation of a trial; else measured")
    parser.add_argument("--finished", type=int, default=1000, help="finished trials asked for")
    parser.add_argument("--short", type=int, default=100, help="trials that compute nothing")
    parser.add_argument("--fresh", action="store_true", help="a worker for each trial")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join(
        filter(None, [str(HERE), str(HERE.parent), os.environ.get("PYTHONPATH")])
    )
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_AUTH_MODE", "disabled")
    counts = [int(count) for count in arguments.nodes.split(",")]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        seconds = arguments.seconds or real_seconds(folder / "real")
        runs = []
        from ray.cluster_utils import Cluster

        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        for nodes in counts:
            run = on_nodes(cluster, nodes, arguments.trials, seconds, folder, arguments.fresh)
            print(f"{nodes} nodes: {run.wall:.1f} s", file=sys.stderr, flush=True)
            runs.append(run)
        short = throughput(cluster, arguments.short, folder)
        cluster.shutdown()
        last = folder / f"home{counts[-1]}"
        store = delivery(last, counts[-1] * arguments.trials, folder, seconds)
        again = asked_again(folder, arguments.finished)
    model = simulated(runs, short["driver"], arguments.fresh, store["per_trial"], seconds)
    if arguments.json:
        measured = {"runs": [asdict(run) for run in runs], "short": short, "delivery": store}
        print(json.dumps(measured | {"again": again, "simulated": model}, indent=1))
    else:
        print("\n".join(lines_of(seconds, runs, short, store, again, model)))


if __name__ == "__main__":
    main()
