"""Each fault, injected once: what it did to results, in the row of a table."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .bench import (
    ROOT,
    SECONDS,
    SETTINGS,
    STAGES,
    Bench,
    Row,
    line_of,
    wish,
)

OF_WORKERS = ("preparing", "fitting", "after recording")
# A name space in which an ordinary user may mount.
OWN_MOUNTS = ("unshare", "--user", "--map-root-user", "--mount")


def killed_workers(bench: Bench) -> list[Row]:
    """Kill the workers of trials in the first, a middle and the last stage, on Ray."""
    home, seeds = bench.home("killed-workers"), range(len(OF_WORKERS))
    wish(home, **{f"s{seed}": {"stage": stage} for seed, stage in enumerate(OF_WORKERS)})
    ended = bench.command(home, seeds, "cluster=local")
    rows = []
    for seed, stage in enumerate(OF_WORKERS):
        struck = (home / "struck" / str(seed)).exists()
        line = line_of(ended.stderr, f"seed={seed}  its worker died")
        repeated = int(stage == "fitting")
        how = "SIGKILL to itself" if struck else "not injected"
        rows.append(
            bench.row(f"worker killed, {stage}", how, home, [seed], line, repeated=repeated)
        )
    return rows


def killed_trials(bench: Bench) -> list[Row]:
    """Kill the command in each other stage of a trial that runs in its process."""
    stages = [stage for stage in STAGES if stage not in OF_WORKERS]
    home, seeds = bench.home("killed-trials"), range(len(stages))
    wish(home, **{f"s{seed}": {"stage": stage} for seed, stage in enumerate(stages)})
    died = [bench.command(home, seeds) for _ in stages]
    assert [each.returncode for each in died] == [-signal.SIGKILL] * len(stages), died
    ended = bench.command(home, seeds)
    how = "SIGKILL to itself, the command repeated"
    return [
        bench.row(
            f"trial killed, {stage}", how, home, [seed], line_of(ended.stderr, f"seed={seed}")
        )
        for seed, stage in enumerate(stages)
    ]


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
    ended = bench.command(home, seeds, "script=slow_node", "cluster=local")
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
        killed_trials,
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
