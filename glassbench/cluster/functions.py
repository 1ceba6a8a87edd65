"""Work on datasets as Ray tasks, one core for each: files imported, pieces simulated.

A node that imports sees the source and the home. One that simulates needs LAMMPS and no common
file system: the generator and the files that a piece reads travel with the task, and the file
that it leaves travels back. What ran on a node that is lost runs again.
"""

from __future__ import annotations

import os
import socket
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import ray
import ray.exceptions

from ..contract.errors import ClusterError
from ..datasets.importing import Run, run_in_processes
from ..home.files import write_file
from ..simulation.generator import LENT, POTENTIAL_VARIABLE, import_generator
from ..simulation.lammps_library import ARGUMENTS_VARIABLE, BUILD_VARIABLE
from ..simulation.piece_process import open_local_runner, run_piece
from ..simulation.pieces import Piece, PieceFailed, Runner, piece_path
from ..simulation.seeds import SECRET_VARIABLE
from ..trial.attempt import read_folder, write_folder
from .session import Session, address_of, open_session

AHEAD = 2
OPTIONS: dict[str, Any] = {"num_cpus": 1, "max_retries": 3}
CHOSEN = (BUILD_VARIABLE, ARGUMENTS_VARIABLE, POTENTIAL_VARIABLE, SECRET_VARIABLE)


def _cancel(references: Iterable[Any]) -> None:
    for reference in list(references):
        with suppress(Exception):
            ray.cancel(reference, force=True)


def _open_cluster(cluster: str, workers: int | None) -> AbstractContextManager[Session]:
    """Connect as `open_session` does, but for `auto`: without a cluster, to this machine alone."""
    alone = cluster == "auto" and not (ray.is_initialized() or address_of("auto"))
    cores = workers if cluster == "local" else None
    return open_session("none" if alone else cluster, cores=cores)


@contextmanager
def open_import_run(
    source: Path, datasets: Path, cluster: str = "auto", workers: int | None = None
) -> Iterator[Run | None]:
    """Open what reads the files of `source` and writes them to the folder `datasets`.

    `workers` files are read at a time, one for each core unless given. Raises ClusterError if
    the cluster does not answer, or a node does not see the files.
    """
    with _open_cluster(cluster, workers) as session:
        if session.kind == "none":
            yield None if workers is None else run_in_processes(workers)
            return
        mark = datasets / f".shared-{uuid.uuid4().hex}"
        mark.touch()
        try:
            slots = workers or session.capacity.cpus
            yield partial(run_on_ray, slots=slots, seen=(source, mark))
        finally:
            mark.unlink(missing_ok=True)


def run_on_ray(
    functions: Sequence[Callable[[], Any]], slots: int, seen: tuple[Path, ...] = ()
) -> Iterator[Any]:
    """Run functions on nodes that see these files, and yield what they return as it comes.

    Few more than `slots` are handed over, so that a hundred thousand files do not stand in the
    cluster's memory.
    """
    call, waiting = ray.remote(_call).options(**OPTIONS), iter(functions)
    running: list[Any] = []
    try:
        while True:
            begun = islice(waiting, slots + AHEAD - len(running))
            running += [call.remote(function, seen) for function in begun]
            if not running:
                return
            (ended,), running = ray.wait(running)
            missing, result = ray.get(ended)
            if missing:
                raise ClusterError(
                    f"node {missing}: give a source and a home= that all nodes share, or import "
                    "with cluster=none"
                )
            yield result
    except (ray.exceptions.RayTaskError, ray.exceptions.RaySystemError) as error:
        raise ClusterError(f"a file could not be imported on the cluster: {error}") from error
    finally:
        _cancel(running)


def _call(function: Callable[[], Any], seen: tuple[Path, ...]) -> tuple[str, Any]:
    """Return what is missing on this node, if anything, and what the function returns."""
    lacking = next((path for path in seen if not path.exists()), None)
    if lacking is not None:
        return f"{socket.gethostname()} does not see {lacking}", None
    return "", function()


@contextmanager
def open_runner(
    generator: Path, folder: Path, cluster: str = "auto", workers: int | None = None
) -> Iterator[Runner]:
    """Open what makes the pieces of a dataset in `folder`, on this machine or on a cluster.

    `generator` is the folder of the package that makes them, `workers` at a time, one for each
    core unless given. Raises ClusterError if the cluster does not answer, or refuses.
    """
    with _open_cluster(cluster, workers) as session:
        if session.kind == "none":
            with open_local_runner(generator, folder, workers) as runner:
                yield runner
            return
        on_ray = RayRunner(generator, folder, workers or session.capacity.cpus)
        try:
            yield on_ray
        finally:
            on_ray.stop()


class RayRunner:
    """Makes pieces on the Ray that this process is connected to, one core for each."""

    def __init__(self, generator: Path, folder: Path, slots: int) -> None:
        self.folder, self.slots = folder, slots
        import_generator(generator)  # says what it takes from others
        folders = {"": generator, **LENT}
        self._generators: Any = ray.put({n: read_folder(path) for n, path in folders.items()})
        variables = {name: os.environ[name] for name in CHOSEN if name in os.environ}
        options = {**OPTIONS, "runtime_env": {"env_vars": variables}} if variables else OPTIONS
        self._make = ray.remote(_make_piece).options(**options)
        self._running: set[Any] = set()

    def start(self, piece: Piece) -> Future[float]:
        needs = {name: piece_path(self.folder, name).read_bytes() for name in piece.needs}
        reference = self._make.remote(self._generators, piece, needs)
        self._running.add(reference)
        outcome: Future[float] = Future()

        def end(arrived: Future) -> None:
            """Write what a node sent back, and report the seconds or the error."""
            self._running.discard(reference)
            try:
                seconds, arrays, logs, failure = arrived.result()
                for name, content in logs.items():
                    write_file(self.folder / "logs" / name, content)
                if failure:
                    raise PieceFailed(f"{failure} (its logs are in {self.folder / 'logs'})")
                write_file(piece.path(self.folder), arrays)
            except PieceFailed as error:
                outcome.set_exception(error)
            except Exception as error:
                reason = f"piece {piece.name} was lost: {type(error).__name__}: {error}"
                outcome.set_exception(PieceFailed(reason))
            else:
                outcome.set_result(seconds)

        reference.future().add_done_callback(end)
        return outcome

    def stop(self) -> None:
        _cancel(self._running)


def _make_piece(
    generators: Mapping[str, Mapping[str, bytes]], piece: Piece, needs: Mapping[str, bytes]
) -> tuple[float, bytes, dict[str, bytes], str]:
    """Make one piece on this node, in a process of its own and in a folder that is then gone.

    Returns the seconds, the piece's file, its logs by name, and the error, if any.
    """
    with tempfile.TemporaryDirectory(prefix="glassbench-piece-") as scratch:
        folder = Path(scratch)
        lent = {name: folder / "generators" / (name or "own") for name in generators}
        for name, contents in generators.items():
            write_folder(contents, lent[name])
        own = lent.pop("")
        for name, content in needs.items():
            write_file(piece_path(folder, name), content)
        seconds, content, error = 0.0, b"", ""
        try:
            seconds = run_piece(piece, folder, own, lent=lent)
            content = piece.path(folder).read_bytes()
        except PieceFailed as failure:
            error = str(failure)
        logs = {path.name: path.read_bytes() for path in (folder / "logs").iterdir()}
        return seconds, content, logs, error
