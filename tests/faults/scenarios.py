"""Each fault, injected once: what it did to results, in the row of a table."""

from __future__ import annotations

import collections
import contextlib
import json
import multiprocessing
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from .injected import BEFORE, WISHES

ROOT = Path(__file__).resolve().parents[2]
EPOCHS = 5
STAGES = [*BEFORE, "fitting", "after recording"]
SECONDS = 600
CONTEXT = multiprocessing.get_context("forkserver")
IMPORTS = ["glassbench.cli.run", "glassbench.cluster", "glassbench.trial", "glassbench.training"]
SETTINGS = {
    "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])),
    "RAY_AUTH_MODE": "disabled",
    "RAY_USAGE_STATS_ENABLED": "0",
    "OMP_NUM_THREADS": "1",
    # A store that nobody listens to, so that the scenarios need not make one each.
    "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",
}
# A name space in which an ordinary user may mount.
OWN_MOUNTS = ("unshare", "--user", "--map-root-user", "--mount")


@dataclass(frozen=True)
class Row:
    """What a fault did.

    Attributes
    ----------
    how : how it was injected
    tried : trials, or commands, that it hit
    lost : finished work that was done again, or never came to a result
    duplicated : results, seeds of a record or runs in MLflow that are there twice
    equal : whether all scores and predictions are bit by bit those of an undisturbed run
    line : what the user read
    """

    fault: str
    how: str
    tried: int
    lost: int
    duplicated: int
    equal: bool
    line: str


@dataclass(frozen=True)
class Ended:
    """How a command ended: its status, and what it wrote for people."""

    returncode: int
    stderr: str


@dataclass(frozen=True)
class Command:
    """A command under way."""

    process: multiprocessing.Process
    errors: Path

    def wait(self) -> Ended:
        self.process.join(SECONDS)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        words = self.errors.read_text() if self.errors.exists() else ""
        return Ended(self.process.exitcode, words)


def _command(words: list[str], environment: dict[str, str], errors: str) -> None:
    """Be the command of a user, in a process of its own."""
    os.environ.pop("GLASSBENCH_HOME", None)
    os.environ.update(environment)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    from .driver import command

    command(words)


@dataclass
class Bench:
    """A folder for homes, the dataset, and the home of an undisturbed run."""

    folder: Path
    dataset: Path
    reference: Path | None = None
    empty_store: Path | None = None

    def home(self, name: str) -> Path:
        """Return a new folder of this name; repetitions have one each."""
        number = sum(path.name.startswith(f"{name}-") for path in self.folder.iterdir())
        home = self.folder / f"{name}-{number}"
        home.mkdir()
        return home

    def undisturbed(self) -> Path:
        """Return the home in which every seed came to its end without a fault."""
        if self.reference is None:
            self.reference = self.home("undisturbed")
            ended = self.command(self.reference, range(len(STAGES)))
            assert ended.returncode == 0, ended.stderr
        return self.reference

    def same_record(self, home: Path, seeds: Sequence[int]) -> bool:
        """Return whether a home's record says the same as one made without a fault."""
        ended = self.command(self.undisturbed(), seeds)
        assert ended.returncode == 0, ended.stderr
        return record(home, seeds) == record(self.undisturbed(), seeds)

    def store(self, home: Path) -> dict[str, str]:
        """Give a home an empty MLflow store, and return the environment that names it."""
        if self.empty_store is None:
            made = self.home("store")
            words = [sys.executable, "-m", "glassbench.tracking.mlflow_store", "prepare", made]
            subprocess.run(words, check=True, cwd=ROOT, env=os.environ | SETTINGS)
            self.empty_store = made / "mlflow.db"
        shutil.copy(self.empty_store, home)
        return {"MLFLOW_TRACKING_URI": f"sqlite:///{home}/mlflow.db"}

    def start(self, home: Path, seeds: Sequence[int], *words: str, **environment: str):
        """Start the command of a user as a process, forked from one that has its imports."""
        CONTEXT.set_forkserver_preload(IMPORTS)
        arguments = [str(home), str(self.dataset), ",".join(map(str, seeds)), *words]
        errors = home.parent / f"{home.name}.{uuid.uuid4().hex}.txt"
        process = CONTEXT.Process(
            target=_command, args=(arguments, SETTINGS | environment, str(errors))
        )
        process.start()
        return Command(process, errors)

    def command(self, *arguments, **environment: str) -> Ended:
        """Run the command of a user to its end."""
        return self.start(*arguments, **environment).wait()

    def row(self, fault, how, home, seeds, line, tried=1, repeated=0, runs=0) -> Row:
        """Compare a home with what it should hold after its last command.

        `repeated` is how many epochs a fault in the middle of a fit may have thrown away,
        for each trial; `runs` the runs in MLflow that there must be, 0 to not look.
        """
        expected, found = outcomes(self.undisturbed()), outcomes(home)
        lost = sum(seed not in found for seed in seeds)
        lost += sum(epochs_again(home, seed) > repeated for seed in seeds)
        equal = all(found.get(seed) == expected[seed] for seed in seeds)
        twice = duplicates(home)
        if runs:
            twice += abs(len(runs_in(home)) - runs)
        return Row(fault, how, tried, lost, twice, equal, line)


def outcomes(home: Path) -> dict[int, tuple]:
    """Return scores by configuration, history and digest of the predictions, by seed."""
    found = {}
    for path in home.glob("trials/*/*/result.json"):
        result = json.loads(path.read_text())
        scores = json.dumps([result["conditions"], result["transfer"], result["history"]])
        found[result["trial"]["seed"]] = scores, result["predictions"]["sha256"]
    return found


def record(home: Path, seeds: Sequence[int]) -> dict:
    """Return what the record of some seeds says, but for clocks, costs and runs in MLflow."""
    for path in home.glob("records/*.json"):
        plain = json.loads(path.read_text())
        if plain["seeds"] == list(seeds):
            return {
                name: value
                for name, value in plain.items()
                if name not in ("cost", "created", "provenance", "tracking")
            }
    raise AssertionError(f"{home} has no record of the seeds {list(seeds)}")


def epochs_again(home: Path, seed: int) -> int:
    """Return how many epochs of a trial were computed more than once."""
    path = home / "epochs" / str(seed)
    lines = path.read_text().splitlines() if path.exists() else []
    return len(lines) - len({line.split()[0] for line in lines})


def duplicates(home: Path) -> int:
    """Return how much is in the records, or in the histories of results, more than once."""
    count = 0
    for path in home.glob("records/*.json"):
        for entry in json.loads(path.read_text())["conditions"]:
            for score in entry["scores"].values():
                seeds = [seed["seed"] for seed in score["seeds"]]
                count += len(seeds) - len(set(seeds))
    for path in home.glob("trials/*/*/result.json"):
        epochs = [entry["epoch"] for entry in json.loads(path.read_text())["history"]]
        count += epochs != list(range(1, EPOCHS + 1))
    return count


def runs_in(home: Path) -> list[str]:
    """Return the names of the runs in the MLflow store of a home."""
    with contextlib.closing(sqlite3.connect(home / "mlflow.db")) as connection:
        return [name for (name,) in connection.execute("select name from runs")]


def wish(home: Path, **by_seed: dict) -> None:
    """Ask for faults, by seed as `s0`, `s1`, …"""
    plain = {seed[1:]: asked for seed, asked in by_seed.items()}
    (home / WISHES).write_text(json.dumps(plain))


def line_of(errors: str, sign: str) -> str:
    """Return the one line with a sign that the user read; more than one tell of more faults."""
    lines = [line for line in errors.splitlines() if sign in line]
    return lines[0] if lines else f"(no line with `{sign}`: {errors[-300:]})"


def killed_workers(bench: Bench) -> list[Row]:
    """Kill the worker of one trial in each stage, all in one command on Ray."""
    home, seeds = bench.home("killed-workers"), range(len(STAGES))
    wish(home, **{f"s{seed}": {"stage": stage} for seed, stage in enumerate(STAGES)})
    ended = bench.command(home, seeds, "cluster=local")
    rows = []
    for seed, stage in enumerate(STAGES):
        struck = (home / "struck" / str(seed)).exists()
        line = line_of(ended.stderr, f"seed={seed}  its worker died")
        repeated = int(stage == "fitting")
        how = "SIGKILL to itself" if struck else "not injected"
        rows.append(
            bench.row(f"worker killed, {stage}", how, home, [seed], line, repeated=repeated)
        )
    return rows


def killed_drivers(bench: Bench) -> list[Row]:
    """Kill the driver at one point after another; the same command each time, then once more."""
    from .driver import POINTS

    home, seeds = bench.home("killed-drivers"), [0, 1]
    storage = home / "elsewhere"
    # Its own store this time: the runs are to be counted. And checkpoints in another place.
    environment = bench.store(home) | {"GLASSBENCH_CHECKPOINTS": storage.as_uri()}
    wish(home, s0={"stage": "fitting"})
    died = [bench.command(home, seeds, **environment)]
    assert [path.name for path in storage.glob("*/*")] == ["checkpoint.pt"], died[0].stderr
    died += [bench.command(home, seeds, f"die={point}", **environment) for point in POINTS]
    ended = bench.command(home, seeds, **environment)
    assert ended.returncode == 0 and not list(storage.iterdir()), ended.stderr
    assert bench.same_record(home, seeds)
    line = line_of(ended.stderr, "seed=0")
    how = "SIGKILL to itself at this point, the command repeated"
    tried = sum(process.returncode == -signal.SIGKILL for process in died)
    assert tried == 1 + len(POINTS), [process.stderr for process in died]
    return [
        bench.row(f"driver killed, {point}", how, home, seeds, line, repeated=1, runs=3)
        for point in ("fitting", *POINTS)
    ]


def node_removed(bench: Bench) -> list[Row]:
    """Kill the raylet of the node that trains."""
    home, seeds = bench.home("node-removed"), [0, 1]
    wish(home, s0={"seconds_per_epoch": 0.3})
    ended = bench.command(home, seeds, "script=node_removed", "cluster=auto")
    line = line_of(ended.stderr, "worker died")
    how = "raylet and workers of one of two nodes killed"
    return [bench.row("node removed while it trains", how, home, seeds, line, repeated=1)]


def node_removed_of_two_workers(bench: Bench) -> list[Row]:
    """Kill a node of two that train one model; the other goes on alone."""
    home, seeds = bench.home("worker-node-removed"), [0]
    wish(home, s0={"seconds_per_epoch": 0.3})
    ended = bench.command(home, seeds, "script=node_removed", "cluster=auto", "workers=2")
    line = line_of(ended.stderr, "worker died")
    how = "one of the two nodes of one model's training killed"
    return [bench.row("node removed, two workers", how, home, seeds, line, repeated=1)]


@contextlib.contextmanager
def ray_head(port: int):
    """Start a Ray of one core with `ray start`, and kill all of it at the end of the block."""
    import psutil

    with tempfile.TemporaryDirectory(
        prefix="gb-", dir="/tmp", ignore_cleanup_errors=True
    ) as folder:
        words = ["--head", "--node-ip-address=127.0.0.1", f"--port={port}", "--num-cpus=1"]
        words += ["--include-dashboard=false", f"--ray-client-server-port={free_port()}"]
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", *words]
        environment = os.environ | SETTINGS | {"RAY_TMPDIR": folder}
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, timeout=180)
        try:
            yield
        finally:
            for process in psutil.process_iter(["cmdline"]):
                if any(folder in word for word in process.info["cmdline"] or ()):
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.kill()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def head_restarted(bench: Bench) -> list[Row]:
    """Kill the head of a cluster with all of its node, start it again, repeat the command."""
    home, seeds, port = bench.home("head-restarted"), [0], free_port()
    wish(home, s0={"seconds_per_epoch": 1.0})
    # Ray gives a lost head a minute unless told otherwise.
    words = f"cluster=127.0.0.1:{port}", {"RAY_gcs_rpc_server_reconnect_timeout_s": "20"}
    with ray_head(port):
        first = bench.start(home, seeds, words[0], **words[1])
        end = time.monotonic() + SECONDS
        while not (home / "epochs" / "0").exists() and first.process.is_alive():
            assert time.monotonic() < end, "the trial did not begin"
            time.sleep(0.1)
    lost = first.wait()
    assert lost.returncode != 0, lost.stderr
    with ray_head(port):
        ended = bench.command(home, seeds, words[0])
    assert ended.returncode == 0, ended.stderr
    how = "all processes of the head killed while it trains, head and command started again"
    line = line_of(lost.stderr, "is silent")
    return [bench.row("head restarted", how, home, seeds, line, repeated=1)]


def slow_node(bench: Bench) -> list[Row]:
    """Stop the process of a trial for some seconds."""
    home, seeds = bench.home("slow-node"), [0, 1]
    wish(home, s0={"seconds_per_epoch": 0.1})
    ended = bench.command(home, seeds, "script=slow_node", "cluster=auto")
    line = line_of(ended.stderr, "seed=0")
    return [bench.row("slow node", "SIGSTOP for 4 s, then SIGCONT", home, seeds, line)]


def two_drivers(bench: Bench) -> list[Row]:
    """Start the same command twice at once, in one home."""
    home, seeds = bench.home("two-drivers"), [0, 1]
    wish(home, s0={"seconds_per_epoch": 0.5}, s1={"seconds_per_epoch": 0.5})
    store = bench.store(home)
    both = [bench.start(home, seeds, **store) for _ in range(2)]
    ended = [command.wait() for command in both]
    assert [each.returncode for each in ended] == [0, 0], ended
    assert bench.same_record(home, seeds)
    line = line_of("".join(each.stderr for each in ended), "waiting for process")
    how = "the same command twice at the same moment"
    return [bench.row("two drivers with one plan", how, home, seeds, line, tried=2, runs=3)]


def full_disk(bench: Bench) -> list[Row]:
    """Fill a small file system while a checkpoint is written: for an epoch, and for good."""
    folder = bench.home("full-disk")
    (folder / "small").mkdir()
    # Of the first trial the disk is full in epoch 3 alone, of the second from there on.
    wishes = {"0": {"full_from": 3, "full_until": 4}, "1": {"full_from": 3}}
    script = ROOT / "tests" / "faults" / "full_disk.sh"
    driver = [sys.executable, "-m", "tests.faults.driver", str(folder / "small")]
    ended = subprocess.run(
        [*OWN_MOUNTS, "bash", script, folder, json.dumps(wishes), *driver, bench.dataset, "0,1"],
        cwd=ROOT,
        env=os.environ | SETTINGS,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    full, _, _ = ended.stderr.partition("--- room again\n")
    assert ended.returncode == 0, ended.stderr
    how = "a tmpfs filled to ENOSPC in epoch 3, {}"
    home, without, failed = folder / "copy", "no checkpoint", "no room is left"
    return [
        bench.row(
            "disk full, one checkpoint", how.format("freed in epoch 4"), home, [0],
            line_of(full, without),
        ),
        bench.row(
            "disk full, for good", how.format("the command repeated after it was freed"), home,
            [1], line_of(full, failed), repeated=3,
        ),
    ]  # fmt: skip


class _Broken(BaseHTTPRequestHandler):
    """Answers 500 to everything, or nothing at all."""

    hangs = False

    def answer(self) -> None:
        if self.hangs:
            time.sleep(60)
        self.send_response(500)
        self.end_headers()
        self.wfile.write(b'{"error_code": "INTERNAL_ERROR", "message": "out of order"}')

    do_GET = do_POST = answer

    def log_message(self, *arguments) -> None:
        pass


@contextlib.contextmanager
def broken_store(hangs: bool):
    """Yield the address of an MLflow server that is out of order."""
    handler = type("Handler", (_Broken,), {"hangs": hangs})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()


def broken_stores(bench: Bench) -> list[Row]:
    """Deliver to servers that answer 500 or hang, then to one that works."""
    home, seeds, told = bench.home("broken-store"), [0], []
    for hangs in (False, True):
        with broken_store(hangs) as uri:
            limits = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "2", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
            ended = bench.command(home, seeds, MLFLOW_TRACKING_URI=uri, **limits)
            assert ended.returncode == 0, ended.stderr
            told.append(line_of(ended.stderr, "not delivered yet"))
    ended = bench.command(home, seeds, **bench.store(home))
    assert ended.returncode == 0 and "not delivered" not in ended.stderr, ended.stderr
    how = "an HTTP server that {}, then a store that works"
    return [
        bench.row(f"MLflow {name}", how.format(does), home, seeds, line, runs=2)
        for name, does, line in zip(
            ("answers 500", "hangs"), ("answers 500", "never answers"), told, strict=True
        )
    ]


SCENARIOS = {
    function.__name__: function
    for function in (
        killed_workers,
        killed_drivers,
        node_removed,
        node_removed_of_two_workers,
        head_restarted,
        slow_node,
        two_drivers,
        full_disk,
        broken_stores,
    )
}


def total(rows: Sequence[Row]) -> list[Row]:
    """Return one row for each fault, of all the times that it was injected."""
    by_fault: dict[str, list[Row]] = collections.defaultdict(list)
    for row in rows:
        by_fault[row.fault].append(row)
    return [
        Row(
            fault,
            same[0].how,
            sum(row.tried for row in same),
            sum(row.lost for row in same),
            sum(row.duplicated for row in same),
            all(row.equal for row in same),
            same[0].line,
        )
        for fault, same in by_fault.items()
    ]
