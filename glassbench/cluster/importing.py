"""Files of a published dataset as Ray tasks, on nodes that share a file system."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..contract.errors import ClusterError
from ..datasets.importing import Run
from ..datasets.parallel import run_in_processes
from .generation import there_is_a_cluster
from .session import open_session

RETRIES = 3
AHEAD = 2


@contextmanager
def open_import_run(
    source: Path, datasets: Path, cluster: str = "auto", workers: int | None = None
) -> Iterator[Run | None]:
    """Open the place where the files of `source` are read and written to the folder `datasets`.

    Parameters
    ----------
    cluster : `none` reads in processes of this machine, without Ray; `auto` takes the cluster
        that $RAY_ADDRESS names or that `ray start` left running here, and none if there is
        none; others as `open_session` takes them
    workers : files at a time; one for each core of the place unless given

    Raises
    ------
    ClusterError
        If the cluster does not answer, or a node does not see the files.
    """
    if cluster == "none" or (cluster == "auto" and not there_is_a_cluster()):
        yield None if workers is None else run_in_processes(workers)
        return
    with open_session(cluster, cores=workers if cluster == "local" else None) as session:
        mark = datasets / f".shared-{uuid.uuid4().hex}"
        mark.touch()
        try:
            yield RayRun(workers or session.capacity.cpus, seen=(source, mark))
        finally:
            mark.unlink(missing_ok=True)


class RayRun:
    """Runs functions on the Ray that this process is connected to, one core for each.

    Few more than run at once are handed over, so that a hundred thousand files do not
    stand in the cluster's memory. A function whose node is lost is run again.
    """

    def __init__(self, slots: int, seen: tuple[Path, ...] = ()) -> None:
        self.slots, self.seen = slots, seen

    def __call__(self, functions: list[Callable[[], Any]]) -> Iterator[Any]:
        import ray

        remote = ray.remote(_call).options(num_cpus=1, max_retries=RETRIES)
        waiting, running = iter(functions), []
        try:
            while True:
                while len(running) < self.slots + AHEAD:
                    function = next(waiting, None)
                    if function is None:
                        break
                    running.append(remote.remote(function, self.seen))
                if not running:
                    return
                (ready,), running = ray.wait(running, num_returns=1)
                missing, result = _result_of(ready)
                if missing:
                    raise ClusterError(missing)
                yield result
        finally:
            for reference in running:
                ray.cancel(reference, force=True)


def _result_of(reference: Any) -> tuple[str, Any]:
    import ray

    try:
        return ray.get(reference)
    except (ray.exceptions.RayTaskError, ray.exceptions.RaySystemError) as error:
        raise ClusterError(f"a file could not be imported on the cluster: {error}") from error


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
