"""Balanced sets: all positives of a sample under one load, and as many negatives."""

from __future__ import annotations

import hashlib

import numpy as np


def draw_negatives(positive: np.ndarray, *names: object) -> np.ndarray:
    """Return the indices (M,) int64, sorted, of negatives drawn without replacement.

    As many as there are positives, or all negatives where they are fewer. The draw
    depends on nothing but the labels and the names: it takes the raw words of PCG64,
    whose stream is the same in every version of numpy.

    Parameters
    ----------
    positive : (N,) bool
    names : of task, state, sample, protocol, strain, fraction: what is drawn for
    """
    negative = np.flatnonzero(~np.asarray(positive, dtype=bool))
    wanted = min(len(positive) - len(negative), len(negative))
    text = "\x1f".join(f"{n:.10g}" if isinstance(n, float) else str(n) for n in names)
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little")
    ranks = np.random.PCG64(seed).random_raw(len(negative))
    return np.sort(negative[np.argsort(ranks, kind="stable")[:wanted]]).astype(np.int64)


def balanced_set(positive: np.ndarray, negatives: np.ndarray) -> np.ndarray:
    """Return the indices (M,) int64, sorted, of all positives and the drawn negatives."""
    return np.sort(np.concatenate([np.flatnonzero(positive), negatives])).astype(np.int64)
