"""One array of a store that is written: created with its attributes and checksum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract.units import UNITS
from .layout import Variable
from .quantise import FILL

if TYPE_CHECKING:
    from zarr import Array, Group

# The highest level makes indices of pairs 10 % smaller and is seven times slower.
COMPACT, FAST = 9, 5


def create_array(
    group: Group,
    variable: Variable,
    sizes: Mapping[str, int],
    system: str,
    *,
    per_configuration: bool,
    level: int = FAST,
) -> Array:
    """Create an empty array; chunks hold one configuration, or everything.

    Every chunk ends in a CRC-32C checksum, so that a flipped bit cannot pass for data.
    """
    from zarr.codecs import BloscCodec, Crc32cCodec

    shape = tuple(sizes[dimension] for dimension in variable.dimensions)
    chunks = (1, *shape[1:]) if per_configuration else shape
    attributes: dict[str, Any] = {
        "units": UNITS[system][variable.quantity],
        "long_name": variable.long_name,
    }
    stored = np.dtype(np.int16 if variable.packing else variable.dtype)
    if variable.packing:
        attributes |= {
            "scale_factor": variable.packing.quantum,
            "add_offset": variable.packing.add_offset,
            "_FillValue": FILL,
            "resolution": list(variable.packing.resolution),
        }
    return group.create_array(
        variable.name,
        shape=shape,
        chunks=tuple(max(1, length) for length in chunks),
        dtype=stored,
        fill_value=fill_of(stored, packed=variable.packing is not None),
        dimension_names=variable.dimensions,
        attributes=attributes,
        compressors=[
            BloscCodec(cname="zstd", clevel=level, shuffle="shuffle", typesize=stored.itemsize),
            Crc32cCodec(),
        ],
    )


def create_strings(
    group: Group, name: str, dimension: str, values: list[str], long_name: str
) -> None:
    """Create and fill an array of strings along `dimension`."""
    from zarr.codecs import Crc32cCodec, ZstdCodec

    array = group.create_array(
        name,
        shape=(len(values),),
        chunks=(max(1, len(values)),),
        dtype=str,
        dimension_names=(dimension,),
        attributes={"units": "1", "long_name": long_name},
        compressors=[ZstdCodec(level=5), Crc32cCodec()],
    )
    array[:] = np.array(values, dtype=object)


def fill_of(dtype: np.dtype, packed: bool = False) -> float | int | bool:
    """Return what an array of `dtype` holds where nothing was written."""
    if packed:
        return FILL
    fills: dict[str, float | int | bool] = {"f": np.nan, "i": -1, "u": 0, "b": False}
    return fills[dtype.kind]


def array_of(group: Group, name: str) -> Array:
    """Return an array of a group by name."""
    from zarr import Array

    array = group[name]
    assert isinstance(array, Array)
    return array


def state_of(root: Group, name: str) -> Group:
    """Return the group of a state by name."""
    from zarr import Group

    group = root[name]
    assert isinstance(group, Group)
    return group
