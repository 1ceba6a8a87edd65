"""Which files a folder of plugin code consists of, and the sha256 that stands for them."""

from __future__ import annotations

import hashlib
from pathlib import Path


def plugin_files(folder: Path) -> list[tuple[str, Path]]:
    """Return the names and paths of the files that make a plugin, in order.

    Caches that tools leave behind (`__pycache__`, hidden files) are none of them: they do not
    count for the digest, are not packed, and are not shown to the cell that runs the plugin.
    """
    files = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        relative = path.relative_to(folder)
        if not any(part == "__pycache__" or part.startswith(".") for part in relative.parts):
            files.append((relative.as_posix(), path))
    return files


def folder_digest(folder: Path) -> str:
    """Return the sha256 over the files of a plugin, names and bytes."""
    digest = hashlib.sha256()
    for name, path in plugin_files(folder):
        content = path.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
