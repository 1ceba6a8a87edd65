"""Functions as Ray tasks, one core for each; what ran on a node that is lost runs again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from typing import Any

from .session import Session, address_of, open_session

RETRIES = 3


class RayFunction:
    """A function that runs on the Ray that this process is connected to, as an executor runs it."""

    def __init__(
        self, function: Callable[..., Any], variables: Mapping[str, str] | None = None
    ) -> None:
        import ray

        self._remote = ray.remote(function).options(
            num_cpus=1,
            max_retries=RETRIES,
            runtime_env={"env_vars": dict(variables)} if variables else None,
        )
        self._running: set[Any] = set()

    def submit(self, *arguments: Any) -> Future:
        """Start the function; the future has what it returns, or raises what it raised."""
        reference = self._remote.remote(*arguments)
        self._running.add(reference)
        future = reference.future()
        future.add_done_callback(lambda done: self._running.discard(reference))
        return future

    def stop(self) -> None:
        """End what still runs."""
        import ray

        for reference in list(self._running):
            with contextlib.suppress(Exception):
                ray.cancel(reference, force=True)


@contextlib.contextmanager
def open_cluster(cluster: str, workers: int | None) -> Iterator[Session | None]:
    """Connect to a cluster for work that needs none; yield None where it is to be done here.

    Parameters
    ----------
    cluster : `none` works without Ray; `auto` takes the cluster that $RAY_ADDRESS names or that
        `ray start` left running here, and none if there is none; others as `open_session`
        takes them
    workers : cores of a Ray of our own; all unless given

    Raises
    ------
    ClusterError
        If the cluster does not answer, or refuses.
    """
    import ray

    alone = cluster == "auto" and not (ray.is_initialized() or address_of("auto"))
    if cluster == "none" or alone:
        yield None
        return
    with open_session(cluster, cores=workers if cluster == "local" else None) as session:
        yield session
