"""Connecting to Ray: one of this machine's own, a running cluster, or none."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from unittest import mock
from urllib.parse import urlsplit

from ..contract.errors import ClusterError
from ..experiments.resources import Capacity, local_capacity
from ..trial.process import repeated

PATIENCE = 15.0
STARTS = 3
# Seconds without an answer of the head before a warning, and between looks.
SILENCE, PERIOD = 10.0, 2.0
CLIENT_PORT = 10001
# The secret of this process: Ray reads it once, and keeps it for later sessions.
TOKEN = secrets.token_hex(32)
logger = logging.getLogger("glassbench.cluster")


@dataclass(frozen=True)
class Session:
    """A place where trials run.

    `kind` is `none` (this process), `local` (Ray on this machine alone) or `remote` (a cluster,
    with its address).
    """

    kind: str
    address: str
    capacity: Capacity


def ray_version() -> str:
    import ray

    return ray.__version__


@contextlib.contextmanager
def open_session(
    cluster: str = "auto", patience: float = PATIENCE, cores: int | None = None
) -> Iterator[Session]:
    """Connect for the length of a `with` block; ClusterError if the cluster does not answer.

    Parameters
    ----------
    cluster : `none` runs in this process, without Ray; `local` starts Ray on this machine, and
        ends it with the block; `auto` takes the cluster that $RAY_ADDRESS names or that
        `ray start` left running on this machine, else `local`; `ray://host:port` and `host:port`
        name a cluster. Where this process is connected to Ray already, `auto` and `local` use
        that connection, and leave it open.
    patience : seconds to wait for a cluster to answer
    cores : of a Ray of our own; all that this process may use unless given
    """
    if cluster == "none":
        yield Session("none", "", local_capacity())
        return
    import ray

    if ray.is_initialized() and cluster in ("auto", "local"):
        yield _joined("")
        return
    address = "" if cluster == "local" else address_of(cluster)
    with contextlib.ExitStack() as stack:
        if address:
            _connect(address, patience)
            stack.enter_context(head_watched(address))
        else:
            stack.enter_context(mock.patch.dict(os.environ, _own_environment()))
            _start_own(cores)
        stack.callback(ray.shutdown)
        stack.enter_context(quiet_stdout())
        yield _joined(address)


@contextlib.contextmanager
def head_watched(address: str, silence: float = SILENCE, period: float = PERIOD) -> Iterator[None]:
    """Warn once, in a `with` block, when nobody has listened at an address for `silence` seconds.

    Ray waits a minute for its head, and then ends this process without a word of ours. The
    address is tried every `period` seconds.
    """
    heard, warned = time.monotonic(), False

    def look() -> None:
        nonlocal heard, warned
        with contextlib.suppress(OSError):
            socket.create_connection(_host_and_port(address), period).close()
            heard, warned = time.monotonic(), False
            return
        if not warned and time.monotonic() - heard >= silence:
            warned = True
            logger.warning(
                "the head of the cluster at %s is silent: if it does not come back within a "
                "minute, start it again and repeat the command; what is finished is kept",
                address,
            )

    with repeated(look, period, "head-watch"):
        yield


def _host_and_port(address: str) -> tuple[str, int]:
    parts = urlsplit(address if "://" in address else f"ray://{address}")
    return parts.hostname or "", parts.port or CLIENT_PORT


def address_of(cluster: str) -> str:
    """Return the address that a word names, empty for a Ray of our own."""
    if cluster != "auto":
        if ":" not in cluster:
            raise ClusterError(
                f"cluster={cluster} is none of auto, local, none, ray://host:port, host:port"
            )
        return cluster
    if os.environ.get("RAY_ADDRESS"):
        named = os.environ["RAY_ADDRESS"]
        return "" if named == "local" else named
    # Written by `ray start` alone: a Ray that another run started for itself is not joined.
    left = Path(os.environ.get("RAY_TMPDIR") or "/tmp") / "ray" / "ray_current_cluster"
    if not left.exists():
        return ""
    address = left.read_text().strip()
    if address and _answers(address, 2.0) is None:
        return address
    # `ray stop` and crashes leave the file behind, so that a dead address there says nothing.
    logger.warning("the cluster %s in %s does not answer: starting Ray here", address, left)
    return ""


def _answers(address: str, patience: float) -> str | None:
    """Return why nobody answers at an address, or None where a gRPC server does."""
    try:
        host, port = _host_and_port(address)
        socket.create_connection((host, port), timeout=patience).close()
    except (OSError, ValueError) as error:
        return str(error)
    if os.environ.get("RAY_USE_TLS", "0") not in ("", "0"):
        return None
    import grpc

    # Ray's own clients ignore http_proxy, which many clusters set on every node.
    options = [("grpc.enable_http_proxy", 0)]
    channel = grpc.insecure_channel(f"{host}:{port}", options=options)
    try:
        grpc.channel_ready_future(channel).result(timeout=patience)
    except grpc.FutureTimeoutError:
        return f"no answer within {patience:g} s"
    finally:
        channel.close()
    return None


def _connect(address: str, patience: float) -> None:
    import ray

    trouble = _answers(address, patience)
    if trouble:
        raise ClusterError(
            f"the Ray cluster at {address} does not answer ({trouble}): start it with "
            "`ray start --head`, correct the address, or run with cluster=local"
        )
    if ray.is_initialized():
        raise ClusterError(
            f"this process is connected to a Ray cluster already, so that {address} is out of "
            "reach: run with cluster=auto, or disconnect with ray.shutdown()"
        )
    # The workers have the packages, but this version of ours goes with the job; not its data.
    package = Path(__file__).resolve().parents[1]
    try:
        ray.init(
            address=address,
            runtime_env={"py_modules": [str(package)], "excludes": ["_content", "__pycache__"]},
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except Exception as error:
        raise ClusterError(
            f"the Ray cluster at {address} refuses: {type(error).__name__}: {error}: give it the "
            "same versions of Python and Ray as here, or run with cluster=local"
        ) from error


def _start_own(cores: int | None) -> None:
    import psutil
    import ray

    capacity = local_capacity()
    for attempt in range(1, STARTS + 1):
        before = set(psutil.Process().children(recursive=True))
        try:
            ray.init(
                address="local",
                num_cpus=cores or capacity.cpus,
                num_gpus=int(capacity.gpus),
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
            return
        except Exception as error:
            # Ray leaves what it has started so far running.
            ray.shutdown()
            for process in set(psutil.Process().children(recursive=True)) - before:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            # It gives itself 30 s, which a busy machine may exceed, the next time less so.
            if "timed out" in str(error) and attempt < STARTS:
                logger.info("Ray did not start in time, attempt %d of %d", attempt, STARTS)
                continue
            raise ClusterError(
                f"Ray does not start on this machine: {type(error).__name__}: {error}: run with "
                "cluster=none, which needs no Ray"
            ) from error


def _own_environment() -> dict[str, str]:
    """Return what a Ray of our own wants: no reports, no file in the home folder."""
    environment = {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        # At Ray's 15, one other busy process takes nearly all.
        "RAY_worker_niceness": "0",
        # Ray lists its logs ten times a second, unless there are so many: nobody reads them here.
        "RAY_LOG_MONITOR_MANY_FILES_THRESHOLD": "0",
    }
    # A user may have no home directory: the name then stays as it is.
    has_token = os.path.exists(os.path.expanduser("~/.ray/auth_token"))
    if not has_token and "RAY_AUTH_TOKEN_PATH" not in os.environ:
        environment["RAY_AUTH_TOKEN"] = TOKEN
    return {name: value for name, value in environment.items() if name not in os.environ}


def _joined(address: str) -> Session:
    import ray

    alive = [node for node in ray.nodes() if node["Alive"]]
    here = not ray.util.client.ray.is_connected() and all(
        node["NodeManagerAddress"] == ray.util.get_node_ip_address() for node in alive
    )
    machines = [node["Resources"] for node in alive]
    cpus = [int(machine.get("CPU", 0)) for machine in machines]
    if not any(cpus):
        raise ClusterError(f"the Ray cluster {address} has no core to run on: add nodes to it")
    gpus = [machine.get("GPU", 0.0) for machine in machines]
    memory = [int(machine.get("memory", 0)) for machine in machines]
    capacity = Capacity(sum(cpus), sum(gpus), max(cpus), max(gpus), sum(memory), max(memory))
    return Session("local" if here else "remote", address, capacity)


class _WithoutRay:
    """Standard output without the lines that Ray's own threads print there."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        if not threading.current_thread().name.startswith("ray_"):
            return self._stream.write(text)
        if text.strip():
            logger.info(text.strip())
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def quiet_stdout() -> contextlib.AbstractContextManager:
    """Keep standard output for the caller: it may be read by a program."""
    return contextlib.redirect_stdout(cast(Any, _WithoutRay(sys.stdout)))
