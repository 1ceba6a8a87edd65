"""Neighbours within a cutoff in a periodic box."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from .cell_list import lengths_of, pair_blocks
from .periodic_box import checked_positions, wrap

EDGES_PER_PIECE = 2**15


@dataclass(frozen=True, eq=False)
class Pairs:
    """Edges sender -> receiver, sorted by receiver and then by sender.

    Edges of one receiver are consecutive, so that a sum over incoming edges is a sum
    over a slice.

    Attributes
    ----------
    senders, receivers : (E,) int32
    vectors : (E, d) float64, minimum image of r_receiver - r_sender, unit of the positions
    offsets : (N + 1,) int64; the edges of receiver j are offsets[j] to offsets[j + 1]
    """

    senders: np.ndarray
    receivers: np.ndarray
    vectors: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.senders)

    @property
    def particles(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def distances(self) -> np.ndarray:
        """Lengths (E,) float64 of the vectors."""
        return lengths_of(self.vectors.T)

    def undirected(self) -> Pairs:
        """Return each pair once, as the edge from the lower to the higher index."""
        once = self.senders < self.receivers
        receivers = self.receivers[once]
        counts = np.bincount(receivers, minlength=self.particles)
        offsets = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        return Pairs(self.senders[once], receivers, self.vectors[once], offsets)


def neighbour_pairs(
    positions: np.ndarray, box: np.ndarray, cutoff: float, *, self_edges: bool = False
) -> Pairs:
    """Return the directed edges i -> j between all particles with |r_j - r_i| < cutoff.

    Distances are those of the minimum image, in float64 whatever the dtype of the
    positions, and the comparison is strict. Every pair gives two edges. `self_edges` adds the edge
    i -> i of length 0 for every particle, as in the network of Bapst et al., Nat. Phys. 16, 448
    (2020). Time and memory are O(N) where the density is roughly uniform.

    >>> import numpy as np
    >>> from glassbench.structure import neighbour_pairs
    >>> positions, box = np.array([[0.2, 1.0], [3.8, 1.0], [2.0, 3.0]]), np.array([4.0, 4.0])
    >>> pairs = neighbour_pairs(positions, box, cutoff=1.0)
    >>> pairs.senders.tolist(), pairs.receivers.tolist(), pairs.vectors.round(3).tolist()
    ([1, 0], [0, 1], [[0.4, 0.0], [-0.4, 0.0]])
    """
    positions, box = checked_positions(positions, box)
    none = np.empty(0, dtype=np.int32)
    first, second = [none], [none]
    for block in pair_blocks(positions, box, cutoff, pairs_per_block=1):
        first.append(block.first)
        second.append(block.second)
    senders, offsets = _both_directions(
        np.concatenate(first), np.concatenate(second), len(positions), self_edges
    )
    del first, second
    receivers = np.repeat(np.arange(len(positions), dtype=np.int32), np.diff(offsets))
    vectors = _edge_vectors(wrap(positions, box), box, senders, receivers)
    return Pairs(senders, receivers, vectors, offsets)


def _both_directions(
    first: np.ndarray, second: np.ndarray, particles: int, self_edges: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return senders (E,), sorted by receiver and then sender, and offsets (N + 1,), in O(E)."""
    every = np.arange(particles if self_edges else 0, dtype=np.int32)
    ends = np.concatenate([first, second, every]), np.concatenate([second, first, every])
    edges = sparse.coo_array((np.ones(len(ends[0]), np.int8), ends), shape=(particles, particles))
    edges.has_canonical_format = True  # no edge occurs twice: nothing to search for or to sum
    del ends
    edges = edges.tocsr().tocsc()
    return edges.indices, edges.indptr.astype(np.int64)


def _edge_vectors(wrapped: np.ndarray, box: np.ndarray, senders, receivers) -> np.ndarray:
    vectors = np.empty((len(senders), len(box)))
    columns = np.ascontiguousarray(wrapped.T)
    for low in range(0, len(senders), EDGES_PER_PIECE):
        part = slice(low, low + EDGES_PER_PIECE)
        sender, receiver = senders[part].astype(np.intp), receivers[part].astype(np.intp)
        for axis, (column, edge) in enumerate(zip(columns, box, strict=True)):
            difference = column[receiver] - column[sender]
            # Comparing, unlike dividing by the edge, keeps the image exact at half an edge.
            image = (difference < -edge / 2).astype(np.int8)
            image -= difference > edge / 2
            difference += image * edge
            vectors[part, axis] = difference
    return vectors
