"""Files of a published dataset read on a cluster whose nodes share a file system."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import ray.exceptions

from ..contract.errors import ClusterError
from ..datasets.importing import Run, run_in_processes
from .functions import RayFunction, open_cluster

AHEAD = 2


@contextmanager
def open_import_run(
    source: Path, datasets: Path, cluster: str = "auto", workers: int | None = None
) -> Iterator[Run | None]:
    """Open what reads the files of `source` and writes them to the folder `datasets`.

    Parameters
    ----------
    cluster, workers : as `open_cluster` takes them; `workers` files are read at a time, one
        for each core unless given

    Raises
    ------
    ClusterError
        If the cluster does not answer, or a node does not see the files.
    """
    with open_cluster(cluster, workers) as session:
        if session is None:
            yield None if workers is None else run_in_processes(workers)
            return
        mark = datasets / f".shared-{uuid.uuid4().hex}"
        mark.touch()
        try:
            yield RayRun(workers or session.capacity.cpus, seen=(source, mark))
        finally:
            mark.unlink(missing_ok=True)


class RayRun:
    """Runs functions on Ray and yields what they return as it comes.

    Few more than run at once are handed over, so that a hundred thousand files do not
    stand in the cluster's memory.
    """

    def __init__(self, slots: int, seen: tuple[Path, ...] = ()) -> None:
        self.slots, self.seen = slots, seen

    def __call__(self, functions: Sequence[Callable[[], Any]]) -> Iterator[Any]:
        called = RayFunction(_call)
        waiting = iter(functions)
        running: set[Future] = set()
        try:
            while True:
                for function in islice(waiting, self.slots + AHEAD - len(running)):
                    running.add(called.submit(function, self.seen))
                if not running:
                    return
                ended, running = wait(running, return_when=FIRST_COMPLETED)
                for future in ended:
                    yield _result_of(future)
        finally:
            called.stop()


def _result_of(future: Future) -> Any:
    try:
        missing, result = future.result()
    except (ray.exceptions.RayTaskError, ray.exceptions.RaySystemError) as error:
        raise ClusterError(f"a file could not be imported on the cluster: {error}") from error
    if missing:
        raise ClusterError(missing)
    return result


def _call(function: Callable[[], Any], seen: tuple[Path, ...]) -> tuple[str, Any]:
    """Return what is wrong on this node, if anything, and what the function returns."""
    for path in seen:
        if not path.exists():
            return (
                f"node {socket.gethostname()} does not see {path}: give a source and a home= that "
                "all nodes share, or import with cluster=none",
                None,
            )
    return "", function()
