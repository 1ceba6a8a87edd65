"""Datasets: the Zarr store, its digest and manifest, splits, and readers of published formats.

Names are loaded when they are first used, since xarray, zarr and scipy are slow to import.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_MODULES = {
    "Dataset": "store",
    "DatasetError": "errors",
    "SourceError": "errors",
    "content_digest": "digest",
    "describe_dataset": "store",
    "import_dataset": "importing",
    "open_dataset": "store",
    "pack_store": "manifest",
    "verify": "manifest",
    "write_dataset": "writing",
}

__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
