"""One thermodynamic state of an opened dataset."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..contract.errors import DatasetError
from ..model import OTHER_POSITIONS
from .layout import MISSING, SPLITS
from .reading import StoredArray, StoredGroup

# A sample's labels under each of its loads come from the same chunks.
CHUNKS_IN_MEMORY = 4
MOST_SHORT_ITEMS = 2**24
HALF = "_half_difference"
# The short arrays that say, by configuration and condition, whether a variable is there.
PRESENCE = {"propensity": "available", "d2min_repeat": "repeated"}
PRESENCE_BY_DIMENSION = {"time": "trajectory_count", "protocol": "deformed"}


def value_text(value: float | str) -> str:
    """Return a value of a coordinate as messages print it."""
    return value if isinstance(value, str) else f"{value:g}"


def closed_error(path: Path, split: str) -> DatasetError:
    return DatasetError(
        f"the {split} split of {path} is closed here: this trial is scored on another "
        "split, and nothing of it may be read"
    )


class State:
    """One thermodynamic state: what is short is in memory, what is large stays on disk.

    Nothing is read of a configuration whose split is `closed`.
    """

    def __init__(
        self, name: str, group: StoredGroup, path: Path, closed: frozenset[str] = frozenset()
    ) -> None:
        self.name, self._path, self._closed = name, path, closed
        attributes = dict(group.attributes)
        attributes.pop("coordinates", None)
        self.attributes: Mapping[str, Any] = attributes
        self._arrays = group.arrays
        self._short: dict[str, np.ndarray] = {}
        self._stored = lru_cache(maxsize=CHUNKS_IN_MEMORY)(self._read_stored)

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
        return self.array(variable).dimensions

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
        words = str(self.array("species").attributes.get("long_name", ""))
        names = dict(part.split(" = ")[::-1] for part in words.split(", ") if " = " in part)
        return names.get(str(kind), f"species {kind}")

    def units(self, variable: str) -> str:
        return str(self.array(variable).attributes["units"])

    def array(self, variable: str) -> StoredArray:
        """Return the array of a variable, of which nothing is read yet."""
        if variable not in self._arrays:
            raise DatasetError(
                f"state {self.name} of {self._path} has no `{variable}`: it has "
                f"{', '.join(self.variables)}"
            )
        return self._arrays[variable]

    def short(self, variable: str) -> np.ndarray:
        """Return a variable that is one chunk for all configurations, read once."""
        if variable not in self._short:
            self._short[variable] = self.array(variable).decode(self._read(variable, Ellipsis))
        return self._short[variable]

    def configurations(self, split: str | None = None) -> np.ndarray:
        """Return the indices of the configurations of a split, or of all that can be read."""
        if split is not None and split not in SPLITS:
            raise DatasetError(f"split `{split}` is not one of {SPLITS}")
        if split in self._closed:
            raise closed_error(self._path, split)
        hidden = {MISSING, *self._closed}
        return np.flatnonzero(
            [s not in hidden if split is None else s == split for s in self.splits]
        )

    def structure_arrays(self, index: int) -> dict[str, Any]:
        """Return the static structure of one configuration.

        `positions` (N, d), `species` (N,) int8, `box` (d,) float64, `configuration` its name,
        and those of `OTHER_POSITIONS` (N, d) that are stored.
        """
        names = [name for name in OTHER_POSITIONS if name in self.variables]
        arrays = {name: self.whole(name, index) for name in ("positions", "species", *names)}
        about = {"box": self.short("box")[index], "configuration": self.configuration_ids[index]}
        return arrays | about

    def pairs(self, index: int) -> np.ndarray:
        """Return the pairs (P, 2) int32 of one configuration, i < j, sorted."""
        columns = [self.whole(name, index) for name in ("pair_first", "pair_second")]
        return np.stack(columns, axis=1).astype(np.int32)

    def close_pair_index(self, index: int) -> np.ndarray:
        """Return the positions (C,) int32 in `pairs` of those that have halves."""
        return self.whole("close_pair_index", index)

    def values(self, index: int, variable: str, /, **at: float | str) -> np.ndarray:
        """Return a variable of one configuration at values of its coordinates, as `time=16.5`.

        Coordinates that the variable has and that are not given stay as dimensions, those
        that it has not are ignored.
        """
        where = self._where(self.dimensions(variable)[1:], at)
        values = self.array(variable).decode(self._stored(variable, index)[where])
        if values.dtype.kind == "f" and np.isnan(values).any():
            if self.holds(index, variable, **at):
                raise self._lost(variable, index)
            words = "".join(f" at {name} {value_text(value)}" for name, value in at.items())
            raise DatasetError(
                f"`{variable}` of configuration {self.configuration_ids[index]}{words} is not "
                f"in {self._path}: its file could not be read, or never was there"
            )
        return values

    def shared(self, variable: str, /, **at: float | str) -> np.ndarray:
        """Return an array of the state as a whole, at values of its coordinates; see `values`."""
        return self.short(variable)[self._where(self.dimensions(variable), at)]

    def holds(self, index: int, variable: str, /, **at: float | str) -> bool:
        """Return whether a variable is stored for one configuration at these coordinates."""
        if variable not in self.variables:
            return False
        dimensions = self.dimensions(variable)
        stated = PRESENCE.get(variable) or next(
            (short for name, short in PRESENCE_BY_DIMENSION.items() if name in dimensions), None
        )
        if stated is None:
            return True
        where = self._where(self.dimensions(stated)[1:], at)
        return bool(np.all(self.short(stated)[index][where]))

    def has_halves(self, index: int, variable: str, /, **at: float | str) -> bool:
        """Return whether the averages over each half of the trajectories are stored."""
        name = f"{variable}{HALF}"
        if name not in self.variables:
            return False
        on_pairs = self.dimensions(name)[-1] == "close_pair"
        if on_pairs and not self.short("close_pair_count")[index]:
            return False
        return self.holds(index, name, **at)

    def halves(self, index: int, variable: str, /, **at: float | str) -> np.ndarray:
        """Return a variable averaged over each half of the trajectories, or of the time.

        Its shape is (2, N); for pair variables (2, C), on `pairs(...)[close_pair_index(...)]`.
        Ask `has_halves` first whether they are stored.
        """
        if not self.has_halves(index, variable, **at):
            raise DatasetError(
                f"`{variable}` of configuration {self.configuration_ids[index]} of {self.name} "
                f"in {self._path} has no halves here"
            )
        mean = self.values(index, variable, **at)
        if self.dimensions(f"{variable}{HALF}")[-1] == "close_pair":
            mean = mean[self.close_pair_index(index)]
        difference = self.values(index, f"{variable}{HALF}", **at)
        return np.stack([mean + difference, mean - difference])

    def whole(self, variable: str, index: int) -> np.ndarray:
        """Return the values of one configuration, of which none may be lost."""
        values = self.one(variable, index)
        if np.isnan(values).any() if values.dtype.kind == "f" else (values < 0).any():
            raise self._lost(variable, index)
        return values

    def one(self, variable: str, index: int) -> np.ndarray:
        """Return the values of one configuration, pair arrays without their padding."""
        return self.array(variable).decode(self._stored(variable, index))

    def _read_stored(self, variable: str, index: int) -> np.ndarray:
        """Return the values of one configuration as they are stored."""
        if not 0 <= index < len(self.splits):
            raise DatasetError(
                f"state {self.name} has the configurations 0 to {len(self.splits) - 1}, not {index}"
            )
        if self.splits[index] in self._closed:
            raise closed_error(self._path, self.splits[index])
        if self.splits[index] == MISSING:
            raise DatasetError(
                f"configuration {self.configuration_ids[index]} of {self._path} is missing: its "
                "files could not be read when it was imported; mend them and import again"
            )
        stored, last = self._read(variable, index), self.dimensions(variable)[-1]
        if last in ("pair", "close_pair"):
            stored = stored[..., : int(self.short(f"{last}_count")[index])]
        return stored

    def _where(
        self, dimensions: tuple[str, ...], at: Mapping[str, float | str]
    ) -> tuple[int | slice, ...]:
        """Return the index that takes the given coordinates out of the dimensions."""
        return tuple(self.place(d, at[d]) if d in at else slice(None) for d in dimensions)

    def _lost(self, variable: str, index: int) -> DatasetError:
        return DatasetError(
            f"`{variable}` of configuration {self.configuration_ids[index]} of {self.name} in "
            f"{self._path} is lost (its chunk is missing or altered): check with `glassbench data "
            "verify`, get a new copy"
        )

    def _read(self, variable: str, selection: Any) -> np.ndarray:
        array = self.array(variable)
        try:
            # What is short is read at once.
            if selection is Ellipsis and math.prod(array.shape) > MOST_SHORT_ITEMS:
                raise ValueError(f"{array.shape} are too many values to be read at once")
            return array[selection]
        except Exception as error:
            raise DatasetError(
                f"`{variable}` of state {self.name} in {self._path} cannot be read ({error}): "
                "check it with `glassbench data verify`, then get a new copy"
            ) from error
