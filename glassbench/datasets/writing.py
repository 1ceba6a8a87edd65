"""Writing a store: laid out first, then one configuration at a time, in any order, by anyone.

A configuration owns its chunks alone, so that writers on several machines never
touch the same file. What is short for all configurations together (boxes,
counts, splits) is one chunk each and written once, at the end, from the facts
that writing each configuration returned.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract.errors import DatasetError
from ..contract.units import UNITS
from .layout import FORMAT_VERSION, MISSING, StateLayout, Variable, small_variables
from .manifest import content_digest, write_manifest
from .quantise import FILL, pack

if TYPE_CHECKING:
    from zarr import Array, Group

Facts = dict[str, Any]
# The highest level makes indices of pairs 10 % smaller and is seven times slower.
COMPACT, FAST = 9, 5
REQUIRED_ATTRIBUTES = ("name", "title", "units_system", "licence", "citation")


def create_store(path: Path, attributes: Mapping[str, Any], states: Sequence[StateLayout]) -> None:
    """Lay out an empty store at `path`; it appears there whole or not at all.

    The root has the `REQUIRED_ATTRIBUTES`, and as known simulator, potential, protocol, seeds.
    """
    import zarr

    for name in REQUIRED_ATTRIBUTES:
        if not attributes.get(name):
            raise DatasetError(f"a store needs the root attribute `{name}`: give it")
    system = str(attributes["units_system"])
    if system not in UNITS:
        raise DatasetError(f"units_system `{system}` is not one of {sorted(UNITS)}")
    if path.exists():
        raise DatasetError(f"{path} exists: remove it, or write to another path")
    partial = path.with_name(f"{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    versioned = {"format_version": FORMAT_VERSION, **attributes}
    root = zarr.open_group(partial, mode="w", zarr_format=3, attributes=versioned)
    for state in states:
        # xarray turns the variables named here into coordinates of the group.
        named = {**state.attributes, "coordinates": "configuration_id split parent"}
        root.create_group(state.name, attributes=named)
        _create_arrays(partial / state.name, state, system)
    partial.rename(path)


def _create_arrays(folder: Path, state: StateLayout, system: str) -> None:
    # What is packed is made once and shipped; what is not is large and imported.
    level = COMPACT if any(variable.packing for variable in state.variables) else FAST
    for variable in state.variables:
        create_array(folder, variable, state.sizes, system, per_configuration=True, level=level)
    for variable in small_variables(state):
        create_array(folder, variable, state.sizes, system)
    kept = [(variable, np.asarray(values)) for variable, values in state.shared]
    for name, coordinate in state.coordinates.items():
        kind = "str" if all(isinstance(v, str) for v in coordinate.values) else "float64"
        variable = Variable(name, (name,), kind, coordinate.quantity, coordinate.long_name)
        kept.append((variable, np.array(coordinate.values, object)))
    for variable, values in kept:
        create_array(folder, variable, state.sizes, system)[...] = values.astype(
            object if variable.dtype == "str" else variable.dtype
        )


def create_array(
    folder: Path,
    variable: Variable,
    sizes: Mapping[str, int],
    system: str,
    *,
    per_configuration: bool = False,
    level: int = FAST,
) -> Array:
    """Create an empty array below a state's folder; chunks hold one configuration, or everything.

    Every chunk ends in a CRC-32C checksum, so that a flipped bit cannot pass for data.
    """
    import zarr
    from zarr.codecs import BloscCodec, Crc32cCodec, ZstdCodec

    shape = tuple(sizes[dimension] for dimension in variable.dimensions)
    chunks = (1, *shape[1:]) if per_configuration else shape
    attributes: dict[str, Any] = {
        "units": UNITS[system][variable.quantity],
        "long_name": variable.long_name,
    }
    packing, is_text = variable.packing, variable.dtype == "str"
    stored = np.dtype(np.int16 if packing else variable.dtype)
    if packing:
        attributes |= {
            "scale_factor": packing.quantum,
            "add_offset": packing.add_offset,
            "_FillValue": FILL,
            "resolution": list(packing.resolution),
        }
    size = stored.itemsize
    blosc = BloscCodec(cname="zstd", clevel=level, shuffle="shuffle", typesize=size or None)
    return zarr.create_array(
        folder / variable.name,
        shape=shape,
        chunks=tuple(max(1, length) for length in chunks),
        dtype=str if is_text else stored,
        fill_value=fill_of(stored, packing is not None),
        dimension_names=variable.dimensions,
        attributes=attributes,
        compressors=[ZstdCodec(level=5) if is_text else blosc, Crc32cCodec()],
        overwrite=True,
    )


def fill_of(dtype: np.dtype, packed: bool = False) -> float | int | bool | str:
    """Return what an array of `dtype` holds where nothing was written."""
    fills: dict[str, float | int | bool | str] = {
        "f": np.nan,
        "i": FILL if packed else -1,
        "u": 0,
        "b": False,
        "U": "",
    }
    return fills[dtype.kind]


def open_to_write(path: Path) -> Group:
    """Return the root group of a store that is not finished yet, or that of a state in it."""
    import zarr

    return zarr.open_group(path, mode="r+", use_consolidated=False)


def _open_array(path: Path) -> Array:
    import zarr

    return zarr.open_array(path, mode="r+")


def write_configuration(
    path: Path, state: StateLayout, index: int, arrays: Mapping[str, np.ndarray]
) -> Facts:
    """Write the arrays of one configuration and return its facts for `finish_store`.

    Parameters
    ----------
    arrays : by variable name, physical values without the dimension `configuration`;
        also `box` (axis,), `pairs` (P, 2) in place of pair_first and pair_second, and
        optionally `trajectory_count` (time,), `observation_time` (time,). Pair arrays
        have their own length. A variable that is not given is left empty.
    """
    given: dict[str, Any] = dict(arrays)
    entry = state.configurations[index]
    if "pairs" in given:
        pairs = np.asarray(given.pop("pairs"))
        given["pair_first"], given["pair_second"] = pairs[:, 0], pairs[:, 1]
    facts = _take_facts(state, given, entry.name)
    variables = {variable.name: variable for variable in state.variables}
    for name in given:
        if name not in variables:
            raise DatasetError(f"state {state.name} has no variable `{name}`: add it to the layout")
    for name, values in given.items():
        stored = _stored(np.asarray(values), variables[name], state, entry.name)
        _open_array(path / state.name / name)[index] = stored
    return facts


def erase_configuration(path: Path, state: StateLayout, index: int) -> None:
    """Remove whatever an earlier attempt wrote of one configuration."""
    for variable in state.variables:
        array = _open_array(path / state.name / variable.name)
        array[index] = fill_of(array.dtype, packed=variable.packing is not None)


def finish_store(
    path: Path,
    states: Sequence[StateLayout],
    facts: Mapping[str, Sequence[Facts | None]],
    attributes: Mapping[str, Any] = {},
) -> str:
    """Write what is short, then the content digest and the manifest; return the digest.

    The facts are, by state, what `write_configuration` returned for each configuration, None
    where it could not be had: its split then reads `missing`.
    """
    for stale in path.rglob("*.partial"):
        stale.unlink()
    root = open_to_write(path)
    for state in states:
        folder, known = path / state.name, facts[state.name]
        if len(known) != len(state.configurations):
            raise DatasetError(
                f"state {state.name} has {len(state.configurations)} configurations, "
                f"facts of {len(known)} were given"
            )
        for name, (texts, meaning) in _names(state, known).items():
            variable = Variable(name, ("configuration",), "str", "none", meaning)
            array = create_array(folder, variable, state.sizes, str(root.attrs["units_system"]))
            array[:] = np.array(texts, dtype=object)
        for variable in small_variables(state):
            array = _open_array(folder / variable.name)
            empty = np.full(array.shape[1:], fill_of(array.dtype))
            if variable.name in ("pair_count", "close_pair_count", "trajectory_count"):
                empty = np.zeros_like(empty)
            values = [empty if one is None else one[variable.name] for one in known]
            array[:] = np.asarray(values, dtype=array.dtype)
    digest = content_digest(path)
    root.update_attributes({**attributes, "content_digest": digest})
    write_manifest(path, digest)
    return digest


def write_dataset(
    path: Path,
    attributes: Mapping[str, Any],
    states: Sequence[StateLayout],
    configurations: Mapping[str, Iterable[Mapping[str, np.ndarray]]],
    add: Callable[[Path], None] = lambda directory: None,
) -> str:
    """Write a whole store from the arrays of every configuration, in order; return its digest.

    `add` puts into the store what comes from elsewhere, before it is finished.
    """
    create_store(path, attributes, states)
    facts = {
        state.name: [
            write_configuration(path, state, index, arrays)
            for index, arrays in enumerate(configurations[state.name])
        ]
        for state in states
    }
    add(path)
    return finish_store(path, states, facts)


def _names(state: StateLayout, known: Sequence[Facts | None]) -> dict[str, tuple[list[str], str]]:
    """Return name, split and parent of every configuration, each with what it means."""
    entries = state.configurations
    splits = [MISSING if one is None else e.split for e, one in zip(entries, known, strict=True)]
    return {
        "configuration_id": ([e.name for e in entries], "name of the configuration"),
        "split": (splits, "train, valid or test; missing where its files could not be read"),
        "parent": ([e.parent for e in entries], "independent sample it comes from"),
    }


def _take_facts(state: StateLayout, given: dict[str, Any], name: str) -> Facts:
    """Take the small arrays out of `given`, and derive those that follow from the large ones."""
    sizes = state.sizes
    if "box" not in given or np.shape(given["box"]) != (sizes["axis"],):
        raise DatasetError(f"configuration {name} needs `box` of shape ({sizes['axis']},)")
    facts: Facts = {"box": [float(edge) for edge in given.pop("box")]}
    if state.pair_slots:
        facts["pair_count"] = len(given.get("pair_first", ()))
        facts["close_pair_count"] = len(given.get("close_pair_index", ()))
    if "time" in state.coordinates:
        times = sizes["time"]
        propensity = np.asarray(given.get("propensity", np.full((times, 1), np.nan)))
        facts["available"] = (~np.isnan(propensity).all(axis=-1)).tolist()
        counts = np.broadcast_to(given.pop("trajectory_count", 0), (times,))
        facts["trajectory_count"] = [int(count) for count in counts]
        own = np.broadcast_to(given.pop("observation_time", np.nan), (times,))
        if state.own_times:
            facts["observation_time"] = [float(time) for time in own]
    for variable in state.short:
        if variable.name not in given:
            raise DatasetError(f"configuration {name} needs `{variable.name}`: give it")
        facts[variable.name] = np.asarray(given.pop(variable.name)).tolist()
    return facts


def _stored(values: np.ndarray, variable: Variable, state: StateLayout, name: str) -> np.ndarray:
    """Return the values of one configuration as stored: packed, and padded to the slots."""
    expected = tuple(state.sizes[d] for d in variable.dimensions[1:])
    last = variable.dimensions[-1]
    padded = last in ("pair", "close_pair")
    if padded and values.ndim == len(expected) and values.shape[-1] > expected[-1]:
        raise DatasetError(
            f"configuration {name} has {values.shape[-1]} in `{variable.name}`, more than the "
            f"{expected[-1]} slots of state {state.name}: lay the store out with more {last}_slots"
        )
    fits = values.shape[:-1] == expected[:-1] if padded else values.shape == expected
    if values.ndim != len(expected) or not fits:
        raise DatasetError(
            f"configuration {name}: `{variable.name}` has the shape {values.shape}, "
            f"state {state.name} has {expected}"
        )
    if variable.packing:
        stored = pack(values, variable.packing)
    else:
        # Integers must survive their type unchanged.
        stored = values.astype(variable.dtype)
        if stored.dtype.kind in "iu" and not np.array_equal(stored, values):
            raise DatasetError(
                f"configuration {name}: `{variable.name}` does not fit {stored.dtype}"
            )
    if not padded:
        return stored
    empty = fill_of(stored.dtype, packed=variable.packing is not None)
    full = np.full(expected, empty, dtype=stored.dtype)
    full[..., : values.shape[-1]] = stored
    return full
