"""The folder of a plugin as bytes, for workers that cannot see the folder itself."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path

from ..contract.errors import ClusterError
from ..contract.folder_digest import HELPERS_FILE, folder_digest, helpers_digest, plugin_files
from ..home.files import whole_folder


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
    """Return `sources/<digest>`, filled from the archive, whole or not at all, where it is missing.

    ClusterError says that the archive does not hold the folder of that digest.
    """
    folder = sources / digest
    if holds(folder, digest):
        return folder
    # What lies there was changed by hand: it cannot be what its name says.
    shutil.rmtree(folder, ignore_errors=True)
    try:
        with whole_folder(folder) as partial:
            with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
                tar.extractall(partial, filter="data")
            arrived = folder_digest(partial)
            if arrived != digest:
                raise ClusterError(
                    f"the packed folder has the digest {arrived}, {digest} was announced"
                )
    except OSError:
        # Unless another process was faster.
        if not holds(folder, digest):
            raise
    return folder


def holds(folder: Path, digest: str) -> bool:
    """Return whether the folder is there with exactly this content."""
    return folder.is_dir() and folder_digest(folder) == digest
