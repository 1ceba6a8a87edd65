"""A structure as the tensors of a graph network: nodes, edges in both directions, pairs."""

from __future__ import annotations

import numpy as np
import torch

from ..home.cache import cached
from ..model import Structure
from ..structure.neighbours import neighbour_pairs
from .encoded import Tensors


def graph_inputs(structure: Structure, cutoff: float, *, self_edges: bool = False) -> Tensors:
    """Return the graph of a structure, as tensors by name.

    `species` (N,) float32; `vectors` (E, d) float32, minimum image of
    r_receiver - r_sender; `sender`, `receiver` (E,) int64, sorted by receiver; `sender_order` (E,)
    int64, the edges in ascending order of sender; `pair_edges` (P, 2) int64, the two edges of each
    of the structure's pairs, left out where a pair is longer than the cutoff or none are asked for.
    """
    edges = edges_of(structure, cutoff, self_edges)
    senders, receivers = edges["senders"].astype(np.int64), edges["receivers"].astype(np.int64)
    tensors = {
        "species": torch.as_tensor(structure.species.astype(np.float32)),
        "vectors": torch.as_tensor(edges["vectors"].astype(np.float32)),
        "sender": torch.as_tensor(senders),
        "receiver": torch.as_tensor(receivers),
    }
    tensors["sender_order"] = torch.argsort(tensors["sender"], stable=True)
    if structure.pairs is not None:
        ends = _edges_of_pairs(senders, receivers, structure.pairs, len(structure.positions))
        if ends is not None:
            tensors["pair_edges"] = torch.as_tensor(ends)
    return tensors


def edges_of(structure: Structure, cutoff: float, self_edges: bool) -> dict[str, np.ndarray]:
    """Return `vectors`, `senders` and `receivers` of a structure's edges, kept between trials."""
    return cached(
        narrow_edges, structure.positions, structure.box, cutoff=float(cutoff),
        self_edges=self_edges,
    )  # fmt: skip


def narrow_edges(
    positions: np.ndarray, box: np.ndarray, *, cutoff: float, self_edges: bool
) -> dict[str, np.ndarray]:
    """Return the edges as narrow as they can be kept: they lie on disk for every trial."""
    edges = neighbour_pairs(positions, box, cutoff, self_edges=self_edges)
    return {
        "vectors": edges.vectors.astype(np.float32),
        "senders": edges.senders.astype(np.int32),
        "receivers": edges.receivers.astype(np.int32),
    }


def _edges_of_pairs(
    senders: np.ndarray, receivers: np.ndarray, pairs: np.ndarray, particles: int
) -> np.ndarray | None:
    """Return the positions (P, 2) of the edges i -> j and j -> i, or None if any is missing."""
    if not len(senders):
        return None
    keys = receivers.astype(np.int64) * particles + senders
    wanted = np.stack(
        [pairs[:, 1] * particles + pairs[:, 0], pairs[:, 0] * particles + pairs[:, 1]], axis=1
    )
    edges = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return edges if (keys[edges] == wanted).all() else None
