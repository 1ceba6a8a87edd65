"""Splits of configurations by their independent parent, drawn from names alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from ..contract.errors import DatasetError
from .layout import ConfigurationEntry

VALIDATION_FRACTION = 0.1


def carve_validation(
    entries: Sequence[ConfigurationEntry], fraction: float = VALIDATION_FRACTION, seed: str = ""
) -> tuple[ConfigurationEntry, ...]:
    """Return the entries with some training parents moved to validation.

    The parents are ranked by a hash of `seed` and their name, so that the choice
    depends on neither order nor machine; at least one is taken. Test entries are
    never touched. Entries that have a validation split already, or a single
    training parent, are returned as they are.
    """
    if not 0 <= fraction < 1:
        raise DatasetError(f"validation fraction {fraction} is not within [0, 1)")
    parents = sorted({entry.parent for entry in entries if entry.split == "train"})
    if fraction == 0 or len(parents) < 2 or any(entry.split == "valid" for entry in entries):
        return tuple(entries)
    ranked = sorted(parents, key=lambda parent: rank_of_parent(seed, parent))
    chosen = set(ranked[: max(1, round(fraction * len(parents)))])
    return tuple(
        replace(entry, split="valid")
        if entry.split == "train" and entry.parent in chosen
        else entry
        for entry in entries
    )


def check_splits(entries: Sequence[ConfigurationEntry]) -> None:
    """Refuse a split in which one parent stands on two sides."""
    split_of: dict[str, str] = {}
    for entry in entries:
        known = split_of.setdefault(entry.parent, entry.split)
        if known != entry.split:
            raise DatasetError(
                f"parent {entry.parent} has configurations in {known} and in {entry.split}: "
                "configurations of one parent are not independent, keep them in one split"
            )


def rank_of_parent(seed: object, parent: str) -> str:
    """Return by what parents are sorted into the random order that a seed stands for."""
    return hashlib.sha256(f"{seed}\x1f{parent}".encode()).hexdigest()
