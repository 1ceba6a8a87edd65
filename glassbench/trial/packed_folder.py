"""The folder of a plugin as bytes, for workers that cannot see the folder itself."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from pathlib import Path

from ..contract.errors import ClusterError
from ..contract.folder_digest import HELPERS_FILE, folder_digest, helpers_digest
from ..contract.plugin_files import plugin_files


def pack_folder(folder: Path) -> bytes:
    """Return a tar of the files of a plugin; equal files give equal bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        files = plugin_files(folder)
        contents = {name: path.read_bytes() for name, path in files}
        helpers = helpers_digest(folder, [path for _, path in files])
        if helpers:
            contents[HELPERS_FILE] = helpers.encode()
        for name, content in contents.items():
            # A TarInfo has neither date nor owner unless they are given.
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def unpack_folder(archive: bytes, digest: str, sources: Path) -> Path:
    """Return `sources/<digest>`, filled from the archive if it is not there yet.

    It appears whole or not at all, whoever else unpacks it at the same time.

    Raises
    ------
    ClusterError
        If the archive does not hold the folder of that digest.
    """
    folder = sources / digest
    if holds(folder, digest):
        return folder
    sources.mkdir(parents=True, exist_ok=True)
    partial = sources / f".{digest}.{os.uname().nodename}.{os.getpid()}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(partial, filter="data")
        arrived = folder_digest(partial)
        if arrived != digest:
            raise ClusterError(
                f"the packed folder has the digest {arrived}, {digest} was announced"
            )
        _put(partial, folder, digest)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder


def _put(partial: Path, folder: Path, digest: str) -> None:
    """Give a whole folder its name, unless another process was faster."""
    try:
        partial.rename(folder)
    except OSError:
        if holds(folder, digest):
            return
        # What lies there was changed by hand: it cannot be what its name says.
        shutil.rmtree(folder)
        partial.rename(folder)


def holds(folder: Path, digest: str) -> bool:
    """Return whether the folder is there with exactly this content."""
    return folder.is_dir() and folder_digest(folder) == digest
