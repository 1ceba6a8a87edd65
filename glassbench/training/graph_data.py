"""A structure as a graph of PyTorch Geometric, and several as one batch.

PyTorch Geometric takes seconds to import, and so it is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..model import Structure
from .encoded import Tensors
from .graph_inputs import edges_of

if TYPE_CHECKING:
    from torch_geometric.data import Batch, Data


def graph_data(structure: Structure, cutoff: float, *, self_edges: bool = False) -> Data:
    """Return a structure as a `torch_geometric.data.Data`.

    >>> import numpy as np
    >>> from glassbench.model import Structure
    >>> from glassbench.training import graph_data
    >>> pair = Structure(np.array([[0.2, 1, 1], [3.8, 1, 1]]), np.array([0, 1]), np.full(3, 4.0))
    >>> graph_data(pair, cutoff=1.0)
    Data(edge_index=[2, 2], edge_attr=[2, 4], pos=[2, 3], species=[2], box=[1, 3])

    It holds `species` (N,) int64; `pos` (N, d) float32; `box` (1, d) float32; `edge_index` (2,
    E) int64, sender above receiver, sorted by receiver; `edge_attr` (E, d + 1) float32, the
    minimum-image vector r_receiver - r_sender and, in the last column, its length. Under load the
    vectors are given in the frame of the load; `pos` and `box` never are.

    Parameters
    ----------
    cutoff : length of the longest edge, in the unit of the positions
    self_edges : whether every particle also has an edge of length 0 to itself
    """
    from torch_geometric.data import Data

    edges = edges_of(structure, cutoff, self_edges)
    vectors = edges["vectors"]
    if structure.frame is not None:
        vectors = vectors @ structure.frame.T.astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    ends = np.stack([edges["senders"], edges["receivers"]])
    return Data(
        edge_index=torch.tensor(ends, dtype=torch.int64),
        edge_attr=torch.tensor(np.concatenate([vectors, lengths], axis=1)),
        pos=torch.tensor(structure.positions, dtype=torch.float32),
        species=torch.tensor(structure.species, dtype=torch.int64),
        box=torch.tensor(structure.box, dtype=torch.float32)[None],
    )


def turned(graph: Data, matrix: torch.Tensor) -> Data:
    """Return the graph with the vectors in `edge_attr` turned by `matrix` (d, d)."""
    vectors, lengths = graph.edge_attr[:, :-1], graph.edge_attr[:, -1:]
    other = copy(graph)  # the tensors stay shared
    other.edge_attr = torch.cat([vectors @ matrix.T, lengths], dim=1)
    return other


def batched(graphs: Sequence[Data], targets: Sequence[Tensors] = ()) -> tuple[Batch, Tensors]:
    """Return graphs as one PyG `Batch`, and their targets one after the other.

    Indices of particles, `targets["balanced"]`, are those of the batch.
    """
    from torch_geometric.data import Batch

    batch = Batch.from_data_list(list(graphs))
    joined = {}
    for name in targets[0] if targets else ():
        parts = [one[name] for one in targets]
        if name == "balanced":
            parts = [part + start for part, start in zip(parts, batch.ptr[:-1], strict=True)]
        joined[name] = torch.cat(parts)
    return batch, joined
