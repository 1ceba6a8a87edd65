"""Random seeds drawn from the names of what they are for."""

from __future__ import annotations

import hashlib

import numpy as np


def seed_from_names(*names: object) -> int:
    """Return a seed in [1, 2^31 - 1) that depends on the names alone.

    The same names give the same seed on every machine, so that a piece of a
    dataset can be made anywhere and in any order.
    """
    text = "\x1f".join(str(name) for name in names)
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:8], "big") % (2**31 - 2) + 1


def generator_from_names(*names: object) -> np.random.Generator:
    """Return a numpy generator seeded by the names."""
    return np.random.default_rng(seed_from_names(*names))
