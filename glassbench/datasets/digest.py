"""The content digest: one sha256 over what a store says, whatever its chunks and compression.

The digest covers, for each state in the order of names: its name and physical
attributes; then each array in the order of names: its name, dimensions, unit,
kind and length, and its decoded values configuration by configuration. Floats
enter as little-endian float64 (every NaN alike), integers as int64, strings as
UTF-8 with their length; the padding of pair arrays does not enter.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .arrays import array_of, decode, dimensions_of
from .opening import open_group

if TYPE_CHECKING:
    from zarr import Array

STATE_ATTRIBUTES = (
    "temperature",
    "pressure",
    "number_density",
    "tau_alpha",
    "pair_cutoff",
    "close_pair_cutoff",
    "quench_time",
    "cooling_rate",
    "composition",
    "threshold_state",
)
COUNTS = {"pair": "pair_count", "close_pair": "close_pair_count"}


def content_digest(path: Path | str) -> str:
    """Return the digest of the store at `path` as `sha256:<hex>`.

    Holds one configuration of one array in memory at a time.
    """
    root = open_group(path)
    digest = hashlib.sha256()
    system = root.attrs.get("units_system")
    _add_header(digest, {"format": root.attrs.get("format_version"), "units_system": system})
    for name, group in sorted(root.groups()):
        physical = {k: group.attrs[k] for k in STATE_ATTRIBUTES if k in group.attrs}
        _add_header(digest, {"state": name, "attributes": physical})
        counts = {
            dimension: np.asarray(array_of(group, variable)[:])
            for dimension, variable in COUNTS.items()
            if variable in group
        }
        for variable, array in sorted(group.arrays()):
            _add_array(digest, variable, array, counts)
    return f"sha256:{digest.hexdigest()}"


def _add_array(
    digest: hashlib._Hash, name: str, array: Array, counts: dict[str, np.ndarray]
) -> None:
    dimensions = dimensions_of(array)
    lengths = [None if d in COUNTS else n for d, n in zip(dimensions, array.shape, strict=True)]
    first = True
    for values in _by_configuration(array, dimensions, counts):
        kind, content = canonical(values)
        if first:
            header = {"array": name, "dimensions": dimensions, "lengths": lengths, "kind": kind}
            _add_header(digest, header | {"units": array.attrs.get("units", "1")})
            first = False
        digest.update(len(content).to_bytes(8, "little"))
        digest.update(content)


def _by_configuration(
    array: Array, dimensions: tuple[str, ...], counts: dict[str, np.ndarray]
) -> Iterator[np.ndarray]:
    if len(dimensions) < 2 or dimensions[0] != "configuration":
        yield decode(array, np.asarray(array[...]))
        return
    for index in range(array.shape[0]):
        stored = np.asarray(array[index])
        if dimensions[-1] in counts:
            stored = stored[..., : int(counts[dimensions[-1]][index])]
        yield decode(array, stored)


def canonical(values: np.ndarray) -> tuple[str, bytes]:
    """Return the kind of an array and the bytes that stand for its values."""
    if values.dtype.kind == "f":
        exact = values.astype("<f8", order="C")
        exact[np.isnan(exact)] = np.nan
        exact[exact == 0] = 0.0
        return "float", exact.tobytes()
    if values.dtype.kind in "iub":
        return "integer", values.astype("<i8", order="C").tobytes()
    parts = []
    for text in values.ravel():
        encoded = str(text).encode()
        parts.append(len(encoded).to_bytes(8, "little") + encoded)
    return "text", b"".join(parts)


def _add_header(digest: hashlib._Hash, header: dict[str, Any]) -> None:
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    digest.update(len(text).to_bytes(8, "little"))
    digest.update(text)
