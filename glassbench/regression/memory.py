"""Arrays computed from structures, kept in memory by content while they fit."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable

import numpy as np

from ..model import Structure


class DescriptorMemory:
    """Descriptors by structure and settings; the longest unused are dropped first.

    Several fits in one process, as those of one model at several times, ask for the
    descriptors of the same structures.
    """

    def __init__(self, capacity_bytes: int) -> None:
        self.capacity_bytes = capacity_bytes
        self.size_bytes = 0
        self._arrays: OrderedDict[Hashable, np.ndarray] = OrderedDict()

    def get(
        self, settings: Hashable, structure: Structure, compute: Callable[[Structure], np.ndarray]
    ) -> np.ndarray:
        """Return `compute(structure)`, read-only, computed once while it is remembered."""
        key = (settings, structure_digest(structure))
        if key in self._arrays:
            self._arrays.move_to_end(key)
            return self._arrays[key]
        array = np.array(compute(structure))
        array.flags.writeable = False
        if array.nbytes <= self.capacity_bytes:
            self._arrays[key] = array
            self.size_bytes += array.nbytes
        while self.size_bytes > self.capacity_bytes:
            _, dropped = self._arrays.popitem(last=False)
            self.size_bytes -= dropped.nbytes
        return array


def structure_digest(structure: Structure) -> str:
    """Return the sha256 over all arrays of a structure that descriptors can depend on."""
    digest = hashlib.sha256()
    arrays = {
        "positions": structure.positions,
        "species": structure.species,
        "box": structure.box,
        "frame": structure.frame,
        "inherent_positions": structure.inherent_positions,
        "cage_positions": structure.cage_positions,
        **{f"dynamics/{name}": array for name, array in (structure.dynamics or {}).items()},
    }
    for name, array in arrays.items():
        if array is not None:
            array = np.ascontiguousarray(array)
            digest.update(f"{name} {array.dtype.str} {array.shape};".encode())
            digest.update(array)
    return digest.hexdigest()
