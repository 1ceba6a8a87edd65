"""One thermodynamic state of an opened dataset."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract.errors import DatasetError
from .arrays import decode, dimensions_of
from .layout import MISSING, SPLITS

if TYPE_CHECKING:
    from zarr import Array, Group

# A sample's labels under each of its loads come from the same chunks.
CHUNKS_IN_MEMORY = 4


def value_text(value: float | str) -> str:
    """Return a value of a coordinate as messages print it."""
    return value if isinstance(value, str) else f"{value:g}"


class State:
    """One thermodynamic state: what is short is in memory, what is large stays on disk."""

    def __init__(self, name: str, group: Group, path: Path) -> None:
        self.name, self._path = name, path
        attributes = dict(group.attrs)
        attributes.pop("coordinates", None)
        self.attributes: Mapping[str, Any] = attributes
        try:
            self._arrays = dict(group.arrays())
        except Exception as error:
            raise DatasetError(
                f"state {name} of {path} cannot be read ({error}): get a new copy"
            ) from error

    @property
    def variables(self) -> tuple[str, ...]:
        return tuple(sorted(self._arrays))

    @cached_property
    def coordinates(self) -> tuple[str, ...]:
        """Names of the dimensions that have values, such as time, strain and protocol."""
        return tuple(name for name in self.variables if self.dimensions(name) == (name,))

    @cached_property
    def configuration_ids(self) -> tuple[str, ...]:
        return tuple(map(str, self.short("configuration_id")))

    @cached_property
    def splits(self) -> tuple[str, ...]:
        splits = tuple(map(str, self.short("split")))
        unknown = set(splits) - {*SPLITS, MISSING}
        if unknown:
            raise DatasetError(
                f"state {self.name} of {self._path} has the splits {sorted(unknown)}: "
                "a chunk is lost or altered; check it with `glassbench data verify`"
            )
        return splits

    @cached_property
    def parents(self) -> tuple[str, ...]:
        return tuple(map(str, self.short("parent")))

    def dimensions(self, variable: str) -> tuple[str, ...]:
        """Return the names of a variable's dimensions."""
        return dimensions_of(self.array(variable))

    def place(self, coordinate: str, value: float | str) -> int:
        """Return where a coordinate has a value; numbers agree to a relative 1e-6."""
        values = self.short(coordinate)
        if isinstance(value, str):
            near = np.flatnonzero([v == value for v in values.tolist()])
        else:
            near = np.flatnonzero(np.isclose(values, value, rtol=1e-6, atol=0))
        if len(near) != 1:
            raise DatasetError(
                f"state {self.name} of {self._path} has no {coordinate} {value_text(value)}: "
                f"{', '.join(map(value_text, values.tolist()))}"
            )
        return int(near[0])

    def axis_values(self, axis: str) -> tuple[float, ...]:
        """Return the values that the state has on an axis of a task."""
        if axis in self.coordinates:
            return tuple(float(value) for value in self.short(axis))
        if axis not in self.attributes:
            raise DatasetError(
                f"state {self.name} of {self._path} has neither an attribute nor a coordinate "
                f"`{axis}`, which is an axis of the task: make the dataset again"
            )
        return (float(self.attributes[axis]),)

    def species_name(self, kind: int) -> str:
        """Return the name of a species, from the words `species, Cu = 0, Zr = 1` of the store."""
        words = str(self.array("species").attrs.get("long_name", ""))
        names = dict(part.split(" = ")[::-1] for part in words.split(", ") if " = " in part)
        return names.get(str(kind), f"species {kind}")

    def units(self, variable: str) -> str:
        return str(self.array(variable).attrs["units"])

    def array(self, variable: str) -> Array:
        """Return the zarr array of a variable."""
        if variable not in self._arrays:
            raise DatasetError(
                f"state {self.name} of {self._path} has no `{variable}`: it has "
                f"{', '.join(self.variables)}"
            )
        return self._arrays[variable]

    def short(self, variable: str) -> np.ndarray:
        """Return a variable that is one chunk for all configurations, read once."""
        cache = self.__dict__.setdefault("_short", {})
        if variable not in cache:
            cache[variable] = self._read(variable, Ellipsis)
        return cache[variable]

    def one(self, variable: str, index: int) -> np.ndarray:
        """Return the decoded values of one configuration, pair arrays without their padding.

        The caller may change them; the last ones read are kept.
        """
        if not 0 <= index < len(self.splits):
            raise DatasetError(
                f"state {self.name} has the configurations 0 to {len(self.splits) - 1}, not {index}"
            )
        if self.splits[index] == MISSING:
            raise DatasetError(
                f"configuration {self.configuration_ids[index]} of {self._path} is missing: its "
                "files could not be read when it was imported; mend them and import again"
            )
        cache = self.__dict__.setdefault("_recent", OrderedDict())
        if (variable, index) not in cache:
            cache[variable, index] = self._one(variable, index)
            if len(cache) > CHUNKS_IN_MEMORY:
                cache.popitem(last=False)
        return cache[variable, index].copy()

    def _one(self, variable: str, index: int) -> np.ndarray:
        stored, last = self._read(variable, index), self.dimensions(variable)[-1]
        if last in ("pair", "close_pair"):
            stored = stored[..., : int(self.short(f"{last}_count")[index])]
        return stored

    def _read(self, variable: str, selection: Any) -> np.ndarray:
        array = self.array(variable)
        try:
            return decode(array, np.asarray(array[selection]))
        except Exception as error:
            raise DatasetError(
                f"`{variable}` of state {self.name} in {self._path} cannot be read ({error}): "
                "check it with `glassbench data verify`, then get a new copy"
            ) from error
