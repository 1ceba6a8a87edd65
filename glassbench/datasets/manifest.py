"""Is a store what it says? Its content digest, its manifest of files, and its zip.

A lost chunk reads as NaN in silence: the manifest has the sha256 of each file. The content
digest is one sha256 over what a store says, whatever its chunks and compression. It
covers, for each state in the order of names: its name and physical
attributes; then each array in the order of names: its name, dimensions, unit,
kind and length, and its decoded values configuration by configuration. Floats
enter as little-endian float64 (every NaN alike), integers as int64, strings as
UTF-8 with their length; the padding of pair arrays does not enter.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..contract.errors import DatasetError
from ..home.files import whole_file, write_file
from .reading import (
    StoredArray,
    StoredGroup,
    member_names,
    open_group,
    read_members,
    store_path,
    whole_members,
)

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
    try:
        return _content_digest(open_group(path))
    except DatasetError:
        raise
    except Exception as error:
        raise DatasetError(f"{path} cannot be read ({error}): get a new copy") from error


def _content_digest(root: StoredGroup) -> str:
    digest = hashlib.sha256()
    about = {"format": "format_version", "units_system": "units_system"}
    _add_header(digest, {key: root.attributes.get(name) for key, name in about.items()})
    for name, group in sorted(root.groups.items()):
        physical = {k: group.attributes[k] for k in STATE_ATTRIBUTES if k in group.attributes}
        _add_header(digest, {"state": name, "attributes": physical})
        counts = {
            dimension: group.arrays[variable][...]
            for dimension, variable in COUNTS.items()
            if variable in group.arrays
        }
        for variable, array in sorted(group.arrays.items()):
            _add_array(digest, variable, array, counts)
    return f"sha256:{digest.hexdigest()}"


def _add_array(
    digest: hashlib._Hash, name: str, array: StoredArray, counts: dict[str, np.ndarray]
) -> None:
    dimensions = array.dimensions
    lengths = [None if d in COUNTS else n for d, n in zip(dimensions, array.shape, strict=True)]
    first = True
    for values in _by_configuration(array, dimensions, counts):
        kind, content = canonical(values)
        if first:
            header = {"array": name, "dimensions": dimensions, "lengths": lengths, "kind": kind}
            _add_header(digest, header | {"units": array.attributes.get("units", "1")})
            first = False
        digest.update(len(content).to_bytes(8, "little"))
        digest.update(content)


def _by_configuration(
    array: StoredArray, dimensions: tuple[str, ...], counts: dict[str, np.ndarray]
) -> Iterator[np.ndarray]:
    if len(dimensions) < 2 or dimensions[0] != "configuration":
        yield array.decode(array[...])
        return
    for index in range(array.shape[0]):
        stored = array[index]
        if dimensions[-1] in counts:
            stored = stored[..., : int(counts[dimensions[-1]][index])]
        yield array.decode(stored)


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


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a store.

    `kind` is `missing`, `altered`, `extra`, `unreadable`, `manifest` or `digest`;
    `member` is the file it concerns, empty for the store as a whole.
    """

    kind: str
    message: str
    member: str = ""


def manifest_path(path: Path | str) -> Path:
    """Return where the manifest of a store lies: beside it, under its name."""
    store = store_path(path)
    return store.with_name(f"{store.name}.manifest.json")


def write_manifest(path: Path | str, digest: str) -> Path:
    """Write the manifest of a finished store, whole or not at all; return its path."""
    members = {n: hashlib.sha256(content).hexdigest() for n, content in whole_members(path)}
    target = manifest_path(path)
    manifest = {"content_digest": digest, "sha256": members}
    write_file(target, json.dumps(manifest, indent=0, sort_keys=True) + "\n")
    return target


def verify(path: Path | str) -> list[Fault]:
    """Compare every file of a store with its manifest, and recompute the content digest."""
    faults, stated = list(_compare_members(path)), None
    with suppress(DatasetError):
        stated = open_group(path).attributes.get("content_digest")
    if stated is None:
        message = f"the root of {path} states no content digest: get a new copy"
        return [*faults, Fault("digest", message)]
    try:
        digest = content_digest(path)
    except Exception as error:  # whatever the codec library raises on a damaged chunk
        message = f"the content cannot be read, so the digest cannot be computed: {error}"
        return [*faults, Fault("unreadable", message)]
    if digest != stated:
        message = f"the content has the digest {digest}, the root states {stated}"
        faults.append(Fault("digest", message))
    return faults


def _compare_members(path: Path | str) -> Iterator[Fault]:
    where = manifest_path(path)
    try:
        expected = json.loads(where.read_text(encoding="utf-8"))["sha256"]
    except FileNotFoundError:
        message = f"there is no manifest {where.name} beside the store: copy it along"
        yield Fault("manifest", message)
        return
    except (ValueError, KeyError, TypeError) as error:
        yield Fault("manifest", f"{where} cannot be read: {error}")
        return
    present = member_names(path)
    for name in sorted(expected.keys() - present):
        yield Fault("missing", f"{name} is in the manifest and not in the store", name)
    for name, content in read_members(path, present):
        if name not in expected:
            yield Fault("extra", f"{name} is in the store and not in the manifest", name)
        elif isinstance(content, Exception):
            yield Fault("unreadable", f"{name} cannot be read: {content}", name)
        elif hashlib.sha256(content).hexdigest() != expected[name]:
            yield Fault("altered", f"{name} is not what the manifest says", name)


def pack_store(directory: Path | str, destination: Path) -> Path:
    """Copy a finished directory store into one zip file, with a manifest beside it.

    The same store gives the same bytes: members are sorted, uncompressed (chunks
    are compressed already) and carry a fixed date.
    """
    source = store_path(directory)
    digest = str(open_group(source).attributes.get("content_digest", ""))
    if not digest:
        raise DatasetError(f"{source} has no content digest: finish it before packing")
    if source.is_file():
        raise DatasetError(f"{source} is a zip file already")
    with (
        whole_file(destination) as partial,
        zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive,
    ):
        for name, content in whole_members(source):
            member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            member.external_attr = 0o644 << 16
            archive.writestr(member, content)
    write_manifest(destination, digest)
    return destination
