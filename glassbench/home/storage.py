"""Files that outlive a machine: a folder of its own disk, or wherever a URI points.

`file://` is a folder; pyarrow opens `s3://`, `gs://`, `abfs://` and `hdfs://`, fsspec every
other scheme (`memory://`, `sftp://`, …). Credentials are those of the environment.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ..contract.errors import UserError
from .files import write_file


class Storage:
    """Whole files under plain names in one folder, given by its path or URI."""

    def __init__(self, location: Path | str) -> None:
        location = str(location)
        self.folder: Path | None = None if "://" in location else Path(location)
        if location.startswith("file://"):
            self.folder = Path(unquote(urlsplit(location).path))
        if self.folder is None:
            self.system, self.root = _open(location)

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
        """Write a file so that it appears whole; what stops it leaves the one before untouched."""
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


def _open(location: str) -> tuple[Any, str]:
    """Return the file system of a URI, as pyarrow sees it, and the path on it."""
    from pyarrow import ArrowInvalid, ArrowNotImplementedError
    from pyarrow.fs import FileSystem, FSSpecHandler, PyFileSystem

    with contextlib.suppress(ArrowInvalid, ArrowNotImplementedError):
        return FileSystem.from_uri(location)
    import fsspec

    try:
        system, root = fsspec.core.url_to_fs(location)
    except (ImportError, ValueError, OSError) as error:
        raise UserError(
            f"checkpoints cannot go to {location} ({error}): name a folder, file://, s3:// or "
            "gs://, or install the package of fsspec that opens it"
        ) from error
    return PyFileSystem(FSSpecHandler(system)), root.rstrip("/")
