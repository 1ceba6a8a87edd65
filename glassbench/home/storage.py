"""Files that outlive a machine: a folder of its own disk, or any place that a URI names.

`file://` is a folder; what pyarrow knows by itself (`s3://`, `gs://`, `abfs://`,
`hdfs://`) is opened with it, every other scheme (`memory://`, `sftp://`, …) with fsspec.
Credentials are those of the environment.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..contract.errors import UserError
from .files import write_file


class StorageError(UserError):
    """A place cannot be opened; the message names it and the next step."""


def is_uri(place: str) -> bool:
    """Return whether a word names a place by its scheme, rather than a folder."""
    return "://" in place


class Storage:
    """Whole files under plain names in one folder.

    Parameters
    ----------
    place : a folder, or its URI

    Raises
    ------
    StorageError
        If nothing that is installed opens such a URI.
    """

    def __init__(self, place: Path | str) -> None:
        self.place = str(place)
        self.folder = _local(self.place)
        if self.folder is None:
            self.system, self.root = _open(self.place)

    def read(self, name: str) -> bytes | None:
        """Return a file's content, None where there is none."""
        if self.folder is not None:
            path = self.folder / name
            return path.read_bytes() if path.exists() else None
        with contextlib.suppress(FileNotFoundError):
            with self.system.open_input_stream(f"{self.root}/{name}") as stream:
                return stream.read()
        return None

    def write(self, name: str, content: bytes) -> None:
        """Write a file so that it appears whole, in place of the one before.

        Raises
        ------
        OSError
            If it cannot be written; the one before is then untouched.
        """
        if self.folder is not None:
            write_file(self.folder / name, content)
            return
        partial = f"{name}.{os.getpid()}.partial"
        self.system.create_dir(self.root, recursive=True)
        try:
            with self.system.open_output_stream(f"{self.root}/{partial}") as stream:
                stream.write(content)
            self.system.move(f"{self.root}/{partial}", f"{self.root}/{name}")
        except BaseException:
            with contextlib.suppress(OSError):
                self.system.delete_file(f"{self.root}/{partial}")
            raise

    def remove(self) -> None:
        """Remove the folder and all that is in it; nothing happens where there is none."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        with contextlib.suppress(FileNotFoundError):
            self.system.delete_dir(self.root)


def _local(place: str) -> Path | None:
    if not is_uri(place):
        return Path(place)
    parts = urlsplit(place)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _open(place: str):
    """Return the file system of a URI, in pyarrow's words, and the path on it."""
    from pyarrow import ArrowInvalid, ArrowNotImplementedError
    from pyarrow.fs import FileSystem, FSSpecHandler, PyFileSystem

    with contextlib.suppress(ArrowInvalid, ArrowNotImplementedError):
        return FileSystem.from_uri(place)
    import fsspec

    try:
        system, root = fsspec.core.url_to_fs(place)
    except (ImportError, ValueError, OSError) as error:
        raise StorageError(
            f"checkpoints cannot go to {place} ({error}): name a folder, file://, s3:// or gs://, "
            "or install the package of fsspec that opens it"
        ) from error
    return PyFileSystem(FSSpecHandler(system)), root.rstrip("/")
