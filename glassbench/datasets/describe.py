"""A dataset in plain values: provenance, states, counts."""

from __future__ import annotations

from pathlib import Path

from .store import open_dataset


def describe_dataset(path: Path | str) -> dict:
    """Return name, digest, provenance and the contents of a dataset as plain values."""
    dataset = open_dataset(path)
    states = {}
    for name in dataset.states:
        state = dataset.state(name)
        counts = {split: state.splits.count(split) for split in dict.fromkeys(state.splits)}
        states[name] = {
            **dict(state.attributes),
            "coordinates": {n: state.short(n).tolist() for n in state.coordinates},
            "particles": int(state.array("positions").shape[1]),
            "configurations": counts,
            "variables": list(state.variables),
        }
    return {"path": str(dataset.path), **dict(dataset.attributes), "states": states}
