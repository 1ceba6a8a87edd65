"""Pieces of a dataset as Ray tasks: on the nodes of a cluster, with files sent to and fro.

A node needs LAMMPS and no common file system: the generator and the files that a piece reads
travel with the task, and the file that it leaves travels back. A task whose node is lost is run
again.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..contract.folder_digest import folder_digest
from ..home.files import write_file
from ..simulation.copper_zirconium_potential import POTENTIAL_VARIABLE
from ..simulation.lammps_library import ARGUMENTS_VARIABLE, BUILD_VARIABLE
from ..simulation.piece_process import open_local_runner, run_piece
from ..simulation.pieces import Piece, PieceFailed, Runner, piece_path
from ..simulation.seeds import SECRET_VARIABLE
from ..trial.packed_folder import pack_folder, unpack_folder
from .functions import RayFunction, open_cluster

CHOSEN = (BUILD_VARIABLE, ARGUMENTS_VARIABLE, POTENTIAL_VARIABLE, SECRET_VARIABLE)


@dataclass(frozen=True)
class PackedGenerator:
    """The folder of a generator as it travels to a node."""

    digest: str
    archive: bytes


@dataclass(frozen=True)
class MadePiece:
    """What a node sends back: the piece's file and its logs by name, or the error."""

    seconds: float
    content: bytes
    logs: dict[str, bytes]
    error: str = ""


@contextmanager
def open_runner(
    generator: Path, folder: Path, cluster: str = "auto", workers: int | None = None
) -> Iterator[Runner]:
    """Open what makes the pieces of a dataset, on this machine or on a cluster.

    Parameters
    ----------
    generator : folder of the package that makes them
    folder : of the pieces, on this machine
    cluster, workers : as `open_cluster` takes them; `workers` pieces are made at a time, one
        for each core unless given

    Raises
    ------
    ClusterError
        If the cluster does not answer, or refuses.
    """
    with open_cluster(cluster, workers) as session:
        if session is None:
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
        import ray

        self.folder, self.slots = folder, slots
        self._generator = ray.put(PackedGenerator(folder_digest(generator), pack_folder(generator)))
        variables = {name: os.environ[name] for name in CHOSEN if name in os.environ}
        self._made = RayFunction(make_piece, variables)

    def start(self, piece: Piece) -> Future[float]:
        needs = {name: piece_path(self.folder, name).read_bytes() for name in piece.needs}
        outcome: Future[float] = Future()
        arriving = self._made.submit(self._generator, piece, needs)
        arriving.add_done_callback(lambda arrived: self._end(piece, arrived, outcome))
        return outcome

    def stop(self) -> None:
        self._made.stop()

    def _end(self, piece: Piece, arrived: Future, outcome: Future[float]) -> None:
        """Write what a node sent back, and report the seconds or the error."""
        try:
            made = arrived.result()
            for name, content in made.logs.items():
                write_file(self.folder / "logs" / name, content)
            if made.error:
                raise PieceFailed(f"{made.error} (its logs are in {self.folder / 'logs'})")
            write_file(piece.path(self.folder), made.content)
        except PieceFailed as error:
            outcome.set_exception(error)
        except Exception as error:
            reason = f"piece {piece.name} was lost: {type(error).__name__}: {error}"
            outcome.set_exception(PieceFailed(reason))
        else:
            outcome.set_result(made.seconds)


def make_piece(generator: PackedGenerator, piece: Piece, needs: dict[str, bytes]) -> MadePiece:
    """Make one piece on this node, in a process of its own and in a folder that is then gone."""
    with tempfile.TemporaryDirectory(prefix="glassbench-piece-") as scratch:
        folder = Path(scratch)
        package = unpack_folder(generator.archive, generator.digest, folder / "generators")
        for name, content in needs.items():
            write_file(piece_path(folder, name), content)
        seconds, content, error = 0.0, b"", ""
        try:
            seconds = run_piece(piece, folder, package)
            content = piece.path(folder).read_bytes()
        except PieceFailed as failure:
            error = str(failure)
        logs = {path.name: path.read_bytes() for path in (folder / "logs").iterdir()}
        return MadePiece(seconds, content, logs, error)
