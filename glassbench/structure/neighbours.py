"""Pairs of particles within a cutoff in a periodic box, whole or in blocks of bounded memory.

From a list of cells, which are a little wider than half of the cutoff and stored row by row along
the last axis, so that the candidates of one particle are a few runs of consecutive entries.
Particles near a face are entered again as periodic images beyond the opposite face, so that no
cell index has to be folded back.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from .periodic_box import check_cutoff, checked_positions, wrap

EDGES_PER_PIECE = 2**15
CELLS_PER_CUTOFF = 2
CELLS_PER_PARTICLE = 8
PARTICLES_PER_BLOCK = 2048
# Arrays of this length stay in the second-level cache; 32 to 128 thousand are equally fast.
CANDIDATES_PER_PIECE = 65536


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
    from scipy import sparse

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


class PairBlock(NamedTuple):
    """Some of the pairs of a configuration.

    Attributes
    ----------
    first, second : (P,) int32, particle indices
    vectors : (d, P) float64, minimum image of r_second - r_first
    distances : (P,) float64
    """

    first: np.ndarray
    second: np.ndarray
    vectors: np.ndarray
    distances: np.ndarray


def pair_blocks(
    positions: np.ndarray, box: np.ndarray, cutoff: float, pairs_per_block: int = 2**20
) -> Iterator[PairBlock]:
    """Yield every pair of particles with r < cutoff exactly once, in blocks of bounded memory.

    For quantities that are summed over pairs. Time is O(N) where the density is roughly uniform.
    Every block but the last has at least `pairs_per_block` pairs, and not many more.
    """
    return _blocks(positions, box, cutoff, False, pairs_per_block)


def neighbourhood_blocks(
    positions: np.ndarray, box: np.ndarray, cutoff: float
) -> Iterator[PairBlock]:
    """Yield the neighbours of every particle with r < cutoff, particle by particle.

    As `pair_blocks`, but in both directions, and all neighbours (`second`) of one particle
    (`first`) stand together in one block. A particle without neighbours does not appear.
    """
    return _blocks(positions, box, cutoff, True, 1)


def refuse_coincident(block: PairBlock) -> None:
    """Refuse two particles at the same place, for a quantity that takes directions of bonds."""
    if not block.distances.all():
        pair = int(np.argmin(block.distances))
        raise ValueError(
            f"particles {block.first[pair]} and {block.second[pair]} are at the same place and "
            "their bond has no direction: repair this configuration"
        )


def _blocks(positions, box, cutoff, every_row: bool, pairs_per_block: int) -> Iterator[PairBlock]:
    positions, box = checked_positions(positions, box)
    cells = _Cells.of(wrap(positions, box), box, check_cutoff(cutoff, box), every_row)

    def collected() -> Iterator[PairBlock]:
        waiting, count = [], 0
        for piece in _pieces(cells, float(cutoff)):
            waiting.append(piece)
            count += len(piece.first)
            if count >= pairs_per_block:
                yield _joined(waiting)
                count = 0
        if count:
            yield _joined(waiting)

    return collected()


def _joined(pieces: list[PairBlock]) -> PairBlock:
    """Join the pieces and empty their list, field by field: two copies of one field at most."""
    fields = [list(field) for field in zip(*pieces, strict=True)]
    pieces.clear()
    return PairBlock(*(np.concatenate(fields.pop(0), axis=-1) for _ in PairBlock._fields))


@dataclass(frozen=True)
class _Cells:
    """Particles and their images beyond the faces ("entries"), sorted by cell."""

    particle: np.ndarray  # (M,) int64, the particle that each entry is or is an image of
    position: np.ndarray  # (d, M) of the particle, wrapped
    shift: np.ndarray  # (d, M) box edges between the particle and the entry
    coordinates: np.ndarray  # (d, M) position + shift
    cell: np.ndarray  # (M,) int64
    start: np.ndarray  # (cells + 1,) first entry of each cell
    inside: np.ndarray  # (N,) entries that are no images
    row_offsets: np.ndarray  # cells between a row and the rows within reach, or the later ones
    every_row: bool
    reach: int  # cells along the last axis within the cutoff
    rounding: float  # more than the error that the shift leaves in a coordinate

    @classmethod
    def of(cls, wrapped: np.ndarray, box: np.ndarray, cutoff: float, every_row: bool) -> _Cells:
        number = _cells_per_axis(box, cutoff, len(wrapped))
        edge = box / number
        reach = np.ceil(cutoff / edge * (1 + 1e-9)).astype(np.int64)
        cells = np.minimum((wrapped / edge).astype(np.int64), number - 1)
        particle, cells, images = _with_images(cells, number, reach)
        padded = number + 2 * reach
        cell = np.ravel_multi_index(tuple((cells + reach).T), tuple(padded))
        order = np.argsort(cell, kind="stable")
        start = np.zeros(int(np.prod(padded)) + 1, dtype=np.int64)
        np.cumsum(np.bincount(cell, minlength=len(start) - 1), out=start[1:])
        particle, shift = particle[order], np.ascontiguousarray((images[order] * box).T)
        position = np.ascontiguousarray(wrapped[particle].T)
        return cls(
            particle=particle,
            position=position,
            shift=shift,
            coordinates=position + shift,
            cell=cell[order],
            start=start,
            inside=np.flatnonzero(order < len(wrapped)),
            row_offsets=_row_offsets(reach, padded, every_row),
            every_row=every_row,
            reach=int(reach[-1]),
            rounding=32 * np.finfo(float).eps * float(box.max()),
        )


def _cells_per_axis(box: np.ndarray, cutoff: float, particles: int) -> np.ndarray:
    """Cells a little wider than cutoff / CELLS_PER_CUTOFF, wider where most would be empty."""
    wanted = box * CELLS_PER_CUTOFF / cutoff * (1 - 1e-9)
    number = np.maximum(wanted, 1).astype(np.int64)
    while np.prod(number.astype(float)) > CELLS_PER_PARTICLE * particles + 64:
        wanted *= 0.8
        number = np.maximum(wanted, 1).astype(np.int64)
    return number


def _with_images(cells, number, reach) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return particle (M,), cell (M, d) and image (M, d) of all entries, images last."""
    particle = np.arange(len(cells))
    images = np.zeros(cells.shape, dtype=np.int8)
    for axis in range(cells.shape[1]):
        low = np.flatnonzero(cells[:, axis] < reach[axis])
        high = np.flatnonzero(cells[:, axis] >= number[axis] - reach[axis])
        copied = np.concatenate([low, high])
        step = np.repeat(np.array([1, -1], dtype=np.int8), [len(low), len(high)])
        moved, shifted = cells[copied], images[copied]
        moved[:, axis] += step * number[axis]
        shifted[:, axis] += step
        particle = np.concatenate([particle, particle[copied]])
        cells = np.concatenate([cells, moved])
        images = np.concatenate([images, shifted])
    return particle, cells, images


def _row_offsets(reach: np.ndarray, padded: np.ndarray, every_row: bool) -> np.ndarray:
    strides = [int(np.prod(padded[axis + 1 :])) for axis in range(len(padded) - 1)]
    ranges = [range(-r, r + 1) for r in reach[:-1]]
    offsets = [o for o in itertools.product(*ranges) if every_row or o > (0,) * len(o)]
    return np.array([np.dot(offset, strides) for offset in offsets], dtype=np.int64)


def _pieces(cells: _Cells, cutoff: float) -> Iterator[PairBlock]:
    for block in range(0, len(cells.inside), PARTICLES_PER_BLOCK):
        entries = cells.inside[block : block + PARTICLES_PER_BLOCK]
        begin, end = _runs(cells, entries)
        total = np.concatenate([[0], np.cumsum((end - begin).sum(axis=1))])
        low = 0
        while low < len(entries):
            limit = total[low] + CANDIDATES_PER_PIECE
            high = max(low + 1, int(np.searchsorted(total, limit, side="right")) - 1)
            yield _piece(cells, cutoff, entries[low:high], begin[low:high], end[low:high])
            low = high


def _runs(cells: _Cells, entries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return begin and end (entries, rows) of the runs of candidates of each entry.

    Without `every_row`, those that come later in order: every pair is met from one side only.
    """
    here = cells.cell[entries][:, None]
    rows = here + cells.row_offsets
    begin = cells.start[rows - cells.reach]
    end = cells.start[rows + cells.reach + 1]
    if not cells.every_row:
        begin = np.concatenate([begin, entries[:, None] + 1], axis=1)
        end = np.concatenate([end, cells.start[here + cells.reach + 1]], axis=1)
    return begin, end


def _piece(cells: _Cells, cutoff: float, entries, begin, end) -> PairBlock:
    lengths = (end - begin).ravel()
    per_entry = (end - begin).sum(axis=1)
    last = np.cumsum(lengths)
    candidate = np.repeat(begin.ravel() - last + lengths, lengths)
    candidate += np.arange(len(candidate))
    squared = np.zeros(len(candidate))
    for coordinate in cells.coordinates:
        difference = coordinate[candidate]
        difference -= np.repeat(coordinate[entries], per_entry)
        difference *= difference
        squared += difference
    near = np.flatnonzero(squared < (cutoff + cells.rounding) ** 2)
    entry = np.repeat(entries, per_entry)[near]
    return _exact(cells, cutoff, entry, candidate[near])


def _exact(cells: _Cells, cutoff: float, entry, other) -> PairBlock:
    """Subtract before shifting, so that no rounding depends on where the box begins."""
    vectors = np.empty((len(cells.position), len(entry)))
    for vector, position, shift in zip(vectors, cells.position, cells.shift, strict=True):
        np.subtract(position[other], position[entry], out=vector)
        vector += shift[other]
    distances = lengths_of(vectors)
    keep = np.flatnonzero((distances < cutoff) & (other != entry))
    first, second = (cells.particle[side[keep]].astype(np.int32) for side in (entry, other))
    return PairBlock(first, second, vectors[:, keep], distances[keep])


def lengths_of(vectors: np.ndarray) -> np.ndarray:
    """Return the lengths (P,) of vectors (d, P), always summed in the order of the axes."""
    squared = vectors[0] * vectors[0]
    for component in vectors[1:]:
        squared += component * component
    return np.sqrt(squared, out=squared)


def in_rows(values: np.ndarray, counts: np.ndarray, filler: float) -> np.ndarray:
    """Return values (T, ...) as rows (R, n, ...), `counts` (R,) in each, filled to the longest."""
    row = np.repeat(np.arange(len(counts)), counts)
    slot = np.arange(len(row)) - (np.cumsum(counts) - counts)[row]
    shape = (len(counts), int(counts.max(initial=0)), *values.shape[1:])
    rows = np.full(shape, filler, values.dtype)
    rows[row, slot] = values
    return rows
