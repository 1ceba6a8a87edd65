"""From finished pieces to one dataset: what is the same for every task."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from ..datasets.manifest import pack_store
from .lammps_library import lammps_version
from .seeds import describe_seeds


def root_attributes(
    name: str,
    *,
    title: str,
    units_system: str,
    citation: str,
    potential: str,
    seeds: str,
    deviations: str = "",
) -> dict[str, object]:
    """Return what a dataset says of itself; `citation` is of the paper whose protocol it follows.

    `deviations` from that protocol, and what the `seeds` are drawn from, are words.
    """
    return {
        "name": name,
        "title": title,
        "units_system": units_system,
        "licence": "CC-BY-4.0",
        "citation": f"Made by GlassBench after the protocol of {citation}",
        "simulator": lammps_version(),
        "potential": potential,
        **({"deviations": deviations} if deviations else {}),
        "seeds": describe_seeds(seeds),
    }


def write_packed(folder: Path, destination: Path, write: Callable[[Path], object]) -> Path:
    """Write a store as a directory in `folder`, pack it to one zip file, and return its path."""
    directory = folder / f"{destination.name}.assembling"
    shutil.rmtree(directory, ignore_errors=True)
    write(directory)
    pack_store(directory, destination)
    shutil.rmtree(directory)
    return destination
