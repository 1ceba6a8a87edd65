"""Reading `.npz` files of strangers: no pickles, shapes checked before memory is taken."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from glassbench.contract.errors import SourceError

Shape = tuple[int | None, ...]


def read_npz(
    path: Path, required: Mapping[str, tuple[str, Shape]], optional: Mapping = {}
) -> dict[str, np.ndarray]:
    """Return the named arrays of an `.npz` file.

    Parameters
    ----------
    required, optional : by name, the kind (`float` or `integer`) and the shape, in which
        None stands for any length

    Raises
    ------
    SourceError
        If the file is cut off or altered, lacks an array, or an array has another shape,
        another kind or values that are not finite. Nothing in it is ever run.
    """
    arrays = {}
    try:
        with zipfile.ZipFile(path) as archive:
            members = {name.removesuffix(".npy"): name for name in archive.namelist()}
            for name, (kind, shape) in {**required, **optional}.items():
                if name in members:
                    arrays[name] = _read_member(archive, members[name], name, kind, shape)
                elif name in required:
                    raise SourceError(f"has no array `{name}`: it has {sorted(members)}")
    except FileNotFoundError:
        raise SourceError(f"{path} is not there") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise SourceError(f"{path} is cut off or altered ({error}): fetch it again") from error
    except SourceError as error:
        raise SourceError(f"{path} {error}") from None
    return arrays


def _read_member(
    archive: zipfile.ZipFile, member: str, name: str, kind: str, shape: Shape
) -> np.ndarray:
    with archive.open(member) as file:
        found_shape, dtype = _read_header(file, name)
    kinds = {"float": "f", "integer": "iu"}[kind]
    if dtype.kind not in kinds:
        raise SourceError(f"holds `{name}` as {dtype}, not as {kind} numbers")
    fits = len(found_shape) == len(shape) and all(
        want in (None, have) for want, have in zip(shape, found_shape, strict=True)
    )
    if not fits:
        wanted = "(" + ", ".join("any" if n is None else str(n) for n in shape) + ")"
        raise SourceError(f"holds `{name}` of the shape {found_shape}, expected {wanted}")
    content = archive.read(member)
    try:
        values = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    except ValueError as error:
        raise SourceError(f"holds `{name}` cut off or altered ({error}): fetch it again") from error
    if not np.isfinite(values).all():
        count = int((~np.isfinite(values)).sum())
        raise SourceError(f"holds {count} values in `{name}` that are not finite")
    return values


def _read_header(file, name: str) -> tuple[tuple[int, ...], np.dtype]:
    try:
        version = np.lib.format.read_magic(file)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, _, dtype = read(file)
    except (ValueError, KeyError) as error:
        raise SourceError(f"holds `{name}` with an unreadable header: {error}") from error
    return shape, dtype
