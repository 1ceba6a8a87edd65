"""Archives: written alike from alike files, unpacked without leaving their folder or the limits."""

from __future__ import annotations

import hashlib
import shutil
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from ...contract.errors import printable
from ...contract.folder_digest import is_left_out
from ...home.files import whole_file, whole_folder
from .bounded import bounded_zip
from .limits import GIB, SandboxError

MAX_FILES = 5_000
MAX_BYTES = 2 * GIB
MAX_DEPTH = 16
MAX_NAME = 200
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def write_archive(path: Path, files: Mapping[str, Path | bytes]) -> str:
    """Write a zip file of files by name and return its sha256; equal files give equal bytes."""
    with (
        whole_file(path) as partial,
        zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, content in sorted(files.items()):
            data = content if isinstance(content, bytes) else content.read_bytes()
            # A ZipInfo without a date carries 1980-01-01.
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def unpack_archive(path: Path, folder: Path, max_bytes: int = MAX_BYTES) -> list[str]:
    """Unpack a stranger's zip file into an empty folder and return the names of its files.

    Refused, with nothing left in the folder, is a name that leads out of it, a member that is no
    plain file, two names that are one on some file system, and too many files or bytes.
    """
    try:
        with (
            bounded_zip(path, str(path), MAX_FILES, max_bytes) as (archive, listed),
            whole_folder(folder) as partial,
        ):
            members = [member for member in listed if not member.is_dir()]
            _check_members(path, members)
            partial.mkdir()
            for member in members:
                target = partial / member.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, open(target, "xb") as file:
                    # No more is read than the member says it holds, and then its checksum is wrong.
                    shutil.copyfileobj(source, file)
    except SandboxError:
        raise
    except Exception as error:
        # Each decompressor has errors of its own, such as zlib.error.
        raise SandboxError(f"{path} is no zip file, or a broken one: {printable(error)}") from None
    return [member.filename for member in members]


def _check_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    seen: set[str] = set()
    for member in members:
        why = _refusal(member)
        if not why and member.filename.casefold() in seen:
            why = "is there twice"
        if why:
            raise SandboxError(f"{path}: member `{printable(member.filename, 80)}` {why}")
        seen.add(member.filename.casefold())
    folders = {str(p) for name in seen for p in PurePosixPath(name).parents}
    for name in seen & folders:
        raise SandboxError(f"{path}: `{printable(name, 80)}` is a file and a folder")


def _refusal(member: zipfile.ZipInfo) -> str:
    """Return why a member cannot be unpacked, or nothing."""
    name, kind = member.filename, stat.S_IFMT(member.external_attr >> 16)
    parts = name.split("/")
    if name.startswith("/") or "\\" in name or ":" in name or ".." in parts:
        return "leads out of the folder"
    if not name.isprintable() or "" in parts or "." in parts or len(name) > MAX_NAME:
        return "has a name that is no plain path"
    if any(map(is_left_out, parts)):
        return "is hidden: no file of a submission is"
    if len(parts) > MAX_DEPTH:
        return f"lies more than {MAX_DEPTH} folders deep"
    if kind not in (0, stat.S_IFREG):
        return "is a link or a device: plain files are wanted"
    if member.flag_bits & 1:
        return "is encrypted"
    return "" if member.compress_type in METHODS else "is compressed in an unknown way"
