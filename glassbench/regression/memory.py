"""Arrays computed from structures, kept by content: in memory, and in the cache on disk."""

from __future__ import annotations

import contextlib
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

import numpy as np

from ..home.cache import array_bytes, current_cache, key_of
from ..model import OTHER_POSITIONS, Structure


class DescriptorMemory:
    """Descriptors by structure and settings; the longest unused are dropped first.

    Several fits in one process, as those of one model at several times, ask for the
    descriptors of the same structures; fits in other processes find them on disk.
    """

    def __init__(self, capacity_bytes: int) -> None:
        self.capacity_bytes = capacity_bytes
        self.size_bytes = 0
        self._arrays: OrderedDict[Hashable, np.ndarray] = OrderedDict()

    def get(
        self,
        settings: Hashable,
        structure: Structure,
        compute: Callable[[Structure], np.ndarray],
        parameters: Mapping[str, Any] | None = None,
    ) -> np.ndarray:
        """Return `compute(structure)`, read-only, computed once while it is remembered.

        Parameters
        ----------
        settings : all on which the result depends beside the structure
        parameters : the same as numbers, text and lists of these, by name; those of a
            dataclass are taken where none are given. Without any, nothing is kept on disk.
        """
        digest = structure_digest(structure)
        key = (settings, digest)
        if key in self._arrays:
            self._arrays.move_to_end(key)
            return self._arrays[key]
        if parameters is None and is_dataclass(settings) and not isinstance(settings, type):
            parameters = asdict(settings)
        array = _from_disk(digest, parameters, compute, structure)
        array.flags.writeable = False
        if array.nbytes <= self.capacity_bytes:
            self._arrays[key] = array
            self.size_bytes += array.nbytes
        while self.size_bytes > self.capacity_bytes:
            _, dropped = self._arrays.popitem(last=False)
            self.size_bytes -= dropped.nbytes
        return array


def _from_disk(
    digest: str,
    parameters: Mapping[str, Any] | None,
    compute: Callable[[Structure], np.ndarray],
    structure: Structure,
) -> np.ndarray:
    """Return what a method computes, kept in the cache where parameters tell it apart."""
    cache, key = current_cache(), ""
    if cache is not None and parameters is not None:
        with contextlib.suppress(TypeError, ValueError):
            key = key_of(compute, (), {"structure": digest, "parameters": parameters})
    if cache is None or not key:
        return np.array(compute(structure))
    return cache.get(key, lambda: {"": compute(structure)})[""]


def structure_digest(structure: Structure) -> str:
    """Return the sha256 over all arrays of a structure that descriptors can depend on."""
    digest = hashlib.sha256()
    arrays = {
        "positions": structure.positions,
        "species": structure.species,
        "box": structure.box,
        "frame": structure.frame,
        **{name: getattr(structure, name) for name in OTHER_POSITIONS},
        **{f"dynamics/{name}": array for name, array in (structure.dynamics or {}).items()},
    }
    for name, array in arrays.items():
        if array is not None:
            digest.update(f"{name} ".encode() + array_bytes(array))
    return digest.hexdigest()
