"""The states of all edges through a graph network, in memory that is used again and again.

An edge state of 4096 particles is 43 MB. Fresh memory of that size costs a page
fault per 4 kB, more time than the arithmetic that fills it, so states and their
gradients live in buffers that outlast a training step; and the arithmetic runs over
blocks of edges that fit in the processor's cache.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

CPU_BLOCK_BYTES = 1 << 20


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

        `sender_order` is `torch.argsort(sender, stable=True)`, where the caller kept it.
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


class Workspace:
    """Buffers by name, which grow as larger graphs come and are kept when smaller ones do."""

    def __init__(self) -> None:
        self._buffers: dict[tuple, Tensor] = {}

    def rows(self, name: str, rows: int, width: int, like: Tensor | EdgeTrack) -> Tensor:
        """Return `rows` rows of the buffer `name`, with whatever was left in them."""
        key = (name, width, like.dtype, like.device)
        buffer = self._buffers.get(key)
        if buffer is None or len(buffer) < rows:
            self._buffers.pop(key, None)
            room = rows + rows // 16
            buffer = torch.empty(room, width, dtype=like.dtype, device=like.device)
            self._buffers[key] = buffer
        return buffer[:rows]

    def __reduce__(self) -> tuple:
        return Workspace, ()


class EdgeTrack:
    """One pass of one graph through a network: states of the edges, and their gradients.

    Parameters
    ----------
    index : the edges
    width : features of an edge state
    dtype : of the states: the network's, or that of autocast
    recording : keep what the backward pass needs
    idle : workspaces that no pass uses; the backward pass puts this one's back

    Attributes
    ----------
    blocks : slices of edges, worked on one after the other
    table : (2 N + E, width): rows of the senders, rows of the receivers, and the part of an
        edge's own that stays the same in all recurrences
    gradient_table : (N + E, width): gradients of the summed edges, and of the edge states
    has_gradient, has_constant_gradient : whether the backward pass has written them yet
    """

    def __init__(
        self,
        index: EdgeIndex,
        width: int,
        dtype: torch.dtype,
        recording: bool,
        idle: list[Workspace],
    ) -> None:
        self.index, self.width, self.dtype = index, width, dtype
        self.device = index.sender.device
        self.recording = recording
        self._idle = idle
        self._workspace: Workspace | None = idle.pop() if recording and idle else Workspace()
        edges, nodes = len(index.sender), index.nodes
        self.edges, self.nodes = edges, nodes
        step = max(edges, 1)
        if self.device.type == "cpu":
            step = max(CPU_BLOCK_BYTES // (width * dtype.itemsize), 1)
        self.blocks = [slice(i, min(i + step, edges)) for i in range(0, edges, step)]
        self.block_rows = min(step, edges)
        self.table = self._rows("table", 2 * nodes + edges)
        self.table_rows = torch.stack(
            [index.sender, index.receiver + nodes, index.count + 2 * nodes], dim=1
        )
        self.has_gradient = self.has_constant_gradient = False

    @property
    def constant(self) -> Tensor:
        """Return the part of the first layer that stays the same in all recurrences, (E, width)."""
        return self.table[2 * self.nodes :]

    def state(self, recurrence: int) -> Tensor:
        """Return the edge states (E, width) after so many recurrences."""
        return self._rows(f"state {recurrence}" if self.recording else "state", self.edges)

    def hidden(self, layer: str, block: slice) -> Tensor:
        """Return the block's rows of a hidden layer, such as `update 3`.

        Without a backward pass to come, blocks and recurrences share the same rows.
        """
        if self.recording:
            return self._rows(f"hidden {layer}", self.edges)[block]
        rows = self._rows(f"hidden {layer.split()[0]}", self.block_rows)
        return rows[: block.stop - block.start]

    @property
    def gradient_table(self) -> Tensor:
        return self._rows("gradient", self.nodes + self.edges)

    @property
    def gradient(self) -> Tensor:
        """Return the gradients (E, width) of the edge states; backward blocks overwrite them."""
        return self.gradient_table[self.nodes :]

    @property
    def constant_gradient(self) -> Tensor:
        return self._rows("constant gradient", self.edges)

    @property
    def hidden_gradient(self) -> Tensor:
        return self._rows("hidden gradient", self.edges)

    def release(self) -> None:
        """Hand the memory back: the backward pass is over."""
        if self._workspace is not None:
            self._idle.append(self._workspace)
        self._workspace = None

    def _rows(self, name: str, rows: int) -> Tensor:
        if self._workspace is None:
            raise RuntimeError(
                "the backward pass of this graph network has run and its memory is in use "
                "again: run the forward pass anew before a second backward pass"
            )
        return self._workspace.rows(name, rows, self.width, self)
