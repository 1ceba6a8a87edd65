"""Datasets: the Zarr store, its digest and manifest, splits, and readers of published formats.

Names are loaded when they are first used, since xarray, zarr and scipy are slow to import.
"""

from __future__ import annotations

from importlib import import_module

_PLACES = {
    "Dataset": "store",
    "DatasetError": "errors",
    "SourceError": "errors",
    "content_digest": "digest",
    "describe_dataset": "describe",
    "import_dataset": "importing",
    "open_dataset": "store",
    "pack_store": "archive",
    "verify": "manifest",
    "write_dataset": "writing",
}

__all__ = list(_PLACES)


def __getattr__(name: str):
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
