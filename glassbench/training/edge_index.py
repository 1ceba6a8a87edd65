"""Which node sends to which, in the two orders that sums over edges need."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag


@dataclass(frozen=True)
class EdgeIndex:
    """Directed edges sorted by receiver, with the permutation that sorts them by sender.

    With both orders a sum over the edges of a node is a sum over a segment: no two
    threads write one row, nothing is atomic, and the result does not depend on timing.

    Attributes
    ----------
    nodes : number of nodes N
    sender, receiver : (E,) int64; `receiver` ascends
    receiver_offsets : (N + 1,) int64, first edge of each receiver
    sender_order : (E,) int64, the edges in ascending order of sender
    sender_offsets : (N + 1,) int64, first entry of each sender in `sender_order`
    count : (E,) int64, 0 … E - 1
    """

    nodes: int
    sender: Tensor
    receiver: Tensor
    receiver_offsets: Tensor
    sender_order: Tensor
    sender_offsets: Tensor
    count: Tensor

    @classmethod
    def of(
        cls, sender: Tensor, receiver: Tensor, nodes: int, sender_order: Tensor | None = None
    ) -> EdgeIndex:
        """Return the index of edges sorted by receiver.

        Parameters
        ----------
        sender, receiver : (E,) integers below `nodes`; `receiver` ascends
        nodes : number of nodes N
        sender_order : (E,) `torch.argsort(sender, stable=True)`, where the caller kept it

        Raises
        ------
        ValueError : the edges are not sorted by receiver, or an edge ends outside the nodes.
        """
        sender, receiver = sender.long(), receiver.long()
        if bool((receiver[1:] < receiver[:-1]).any()):
            raise ValueError(
                "edges are not sorted by receiver: reorder senders, receivers and vectors "
                "by torch.argsort(receiver, stable=True)"
            )
        if sender_order is None:
            sender_order = torch.argsort(sender, stable=True)
        return cls(
            nodes,
            sender,
            receiver,
            _offsets(receiver, nodes, "receiver"),
            sender_order.long(),
            _offsets(sender, nodes, "sender"),
            torch.arange(len(sender), device=sender.device),
        )

    def sum_at_receivers(self, values: Tensor) -> Tensor:
        """Return the sums (N, width) of edge values (E, width) over the edges that enter a node."""
        return _segment_sums(values, self.count, self.receiver_offsets)

    def sum_at_senders(self, values: Tensor) -> Tensor:
        """Return the sums (N, width) of edge values (E, width) over the edges that leave a node."""
        return _segment_sums(values, self.sender_order, self.sender_offsets)


def _segment_sums(values: Tensor, order: Tensor, offsets: Tensor) -> Tensor:
    if len(values) == 0:
        return values.new_zeros(len(offsets) - 1, values.shape[1])
    return embedding_bag(order, values, offsets, mode="sum", include_last_offset=True)


def _offsets(ends: Tensor, nodes: int, name: str) -> Tensor:
    """Return where the edges of each node begin, were they sorted by this end."""
    counts = torch.bincount(ends, minlength=nodes)
    if len(counts) > nodes:
        raise ValueError(
            f"a {name} is node {len(counts) - 1}, but there are {nodes} nodes: "
            "number the nodes from 0"
        )
    offsets = torch.zeros(nodes + 1, dtype=torch.int64, device=ends.device)
    torch.cumsum(counts, 0, out=offsets[1:])
    return offsets
