"""The digest of the code that makes something: a module, and what it imports of this house."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import sys
from pathlib import Path

from ..contract.folder_digest import imported_names

HOUSE = "glassbench"
PLUGIN = "glassbench_plugin_"
# What keeps results has no part in them; the format of the files has a version of its own.
KEEPERS = (f"{HOUSE}.home.cache", f"{HOUSE}.home.source_digest")


@functools.cache
def source_digest(module: str) -> str:
    """Return the sha256 over the source of a module and of all that it imports, at any depth.

    Only modules of GlassBench, of the plugin that it belongs to, and, where it belongs to
    neither, of its own top-level package count; other packages are told apart by their
    versions alone, by whoever keeps results. The plugin's name does not count.
    """
    files: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in files:
            continue
        path = _file_of(name)
        if path is None:
            continue
        files[name] = path
        waiting += [
            other
            for other in imported_names(path, name)
            if other.split(".")[0] in (HOUSE, module.split(".")[0]) and other not in KEEPERS
        ]
    digest = hashlib.sha256()
    for name, path in sorted(files.items(), key=lambda item: _plain(item[0])):
        digest.update(f"{_plain(name)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _plain(name: str) -> str:
    top, _, rest = name.partition(".")
    return f"plugin.{rest}" if top.startswith(PLUGIN) else name


def _file_of(name: str) -> Path | None:
    """Return the file of a module, None for a name inside a module, or without source."""
    present = sys.modules.get(name)
    if present is not None:
        origin = getattr(present, "__file__", None)
    else:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError, AttributeError):
            return None
        origin = spec.origin if spec is not None else None
    return Path(origin) if origin and origin.endswith(".py") else None
