"""JSON schemas of the files that GlassBench writes, generated from the models that check them."""

from __future__ import annotations

from pathlib import Path


def schema_file(name: str) -> Path:
    """Return the published schema of a kind of file, such as `record`."""
    return Path(__file__).parent / f"{name}.schema.json"
