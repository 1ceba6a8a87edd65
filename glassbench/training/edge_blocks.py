"""The three things that a graph network does to its edges, forward and backward, block by block.

Every function below is an autograd function whose large operands, the edge states, do
not pass through autograd: they lie in the `EdgeTrack`, and a scalar token is handed from
each function to the next, so that the backward passes run in the reverse order. What
passes through autograd is small: rows of nodes, sums over edges, and weights.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn.functional import embedding_bag

from .edge_track import EdgeTrack

DECODER_LAYERS = ("decoder1", "decoder2")


class EncodeEdges(Function):
    """e0 = relu(W2 relu(W1 v + b1) + b2), and its constant part in every recurrence, Wc e0.

    The first layer reads the edge vectors and runs in their own precision.
    """

    @staticmethod
    def forward(
        ctx, track: EdgeTrack, vectors: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor,
        wc: Tensor,
    ) -> Tensor:  # fmt: skip
        """Return the token; `vectors` (E, d), w1 (width, d), w2 and wc (width, width)."""
        ctx.track = track
        ctx.save_for_backward(vectors, w1, b1, w2, wc)
        w2, b2, wc = (value.to(track.dtype) for value in (w2, b2, wc))
        encoded, constant = track.state(0), track.constant
        with torch.autocast(track.device.type, enabled=False):
            for block in track.blocks:
                hidden = torch.addmm(b1, vectors[block], w1.t()).relu_().to(track.dtype)
                torch.addmm(b2, hidden, w2.t(), out=encoded[block]).relu_()
                torch.mm(encoded[block], wc.t(), out=constant[block])
        return vectors.new_zeros(())

    @staticmethod
    @once_differentiable
    def backward(ctx, _token_gradient: Tensor) -> tuple[Tensor | None, ...]:
        track = ctx.track
        vectors, w1, b1, w2, wc = ctx.saved_tensors
        of_w1, of_b1, of_w2, of_wc = (torch.zeros_like(value) for value in (w1, b1, w2, wc))
        of_b2 = torch.zeros_like(b1)
        of_vectors = torch.empty_like(vectors) if ctx.needs_input_grad[1] else None
        low_w2, low_wc = w2.to(track.dtype), wc.to(track.dtype)
        encoded = track.state(0)
        gradient, of_constant = _edge_gradients(track)
        with torch.autocast(track.device.type, enabled=False):
            for block in track.blocks:
                _add_product(of_wc, of_constant[block], encoded[block])
                of_encoded = torch.addmm(gradient[block], of_constant[block], low_wc)
                _through_relu(of_encoded, encoded[block])
                hidden = torch.addmm(b1, vectors[block], w1.t()).relu_()
                _add_product(of_w2, of_encoded, hidden.to(track.dtype))
                of_b2 += of_encoded.sum(0)
                of_hidden = torch.mm(of_encoded, low_w2).to(hidden.dtype)
                _through_relu(of_hidden, hidden)
                _add_product(of_w1, of_hidden, vectors[block])
                of_b1 += of_hidden.sum(0)
                if of_vectors is not None:
                    torch.mm(of_hidden, w1, out=of_vectors[block])
        track.release()
        return None, of_vectors, of_w1, of_b1, of_w2, of_b2, of_wc


class UpdateEdges(Function):
    """e' = relu(W2 relu(S[sender] + R[receiver] + We e + Wc e0) + b2), summed at the receivers.

    S and R are the first layer's parts that read nodes; its bias is in R.
    """

    @staticmethod
    def forward(
        ctx, track: EdgeTrack, recurrence: int, token: Tensor, of_sender: Tensor,
        of_receiver: Tensor, we: Tensor, w2: Tensor, b2: Tensor,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Return the sums (N, width) and the token; S and R are `of_sender` and `of_receiver`."""
        ctx.track, ctx.recurrence = track, recurrence
        ctx.save_for_backward(we, w2)
        ctx.set_materialize_grads(False)
        we, w2 = (value.to(track.dtype).t() for value in (we, w2))
        b2 = b2.to(track.dtype)
        nodes, table, rows = track.nodes, track.table, track.table_rows
        table[:nodes] = of_sender
        table[nodes : 2 * nodes] = of_receiver
        before, after = track.state(recurrence), track.state(recurrence + 1)
        with torch.autocast(track.device.type, enabled=False):
            for block in track.blocks:
                hidden = track.hidden(f"update {recurrence}", block)
                read = embedding_bag(rows[block], table, mode="sum")
                torch.clamp_min(read.addmm_(before[block], we), 0, out=hidden)
                torch.addmm(b2, hidden, w2, out=after[block]).relu_()
        return track.index.sum_at_receivers(after), token.clone()

    @staticmethod
    @once_differentiable
    def backward(
        ctx, of_sums: Tensor | None, _token_gradient: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        track, index = ctx.track, ctx.track.index
        we, w2 = ctx.saved_tensors
        of_we, of_w2, of_b2 = torch.zeros_like(we), torch.zeros_like(w2), w2.new_zeros(len(w2))
        low_we, low_w2 = we.to(track.dtype), w2.to(track.dtype)
        before, after = track.state(ctx.recurrence), track.state(ctx.recurrence + 1)
        gradient, of_constant = track.gradient, track.constant_gradient
        of_all_hidden = track.hidden_gradient
        of_output = _output_gradient(track, of_sums)
        first = not track.has_constant_gradient
        with torch.autocast(track.device.type, enabled=False):
            for block in track.blocks:
                hidden = track.hidden(f"update {ctx.recurrence}", block)
                of_after = of_output(block)
                _through_relu(of_after, after[block])
                _add_product(of_w2, of_after, hidden)
                of_b2 += of_after.sum(0)
                of_hidden = torch.mm(of_after, low_w2, out=of_all_hidden[block])
                _through_relu(of_hidden, hidden)
                _add_product(of_we, of_hidden, before[block])
                torch.mm(of_hidden, low_we, out=gradient[block])
                if first:
                    of_constant[block] = of_hidden
                else:
                    of_constant[block] += of_hidden
        track.has_gradient = track.has_constant_gradient = True
        of_sender = index.sum_at_senders(of_all_hidden)
        of_receiver = index.sum_at_receivers(of_all_hidden)
        return None, None, None, of_sender, of_receiver, of_we, of_w2, of_b2


class DecodeEdges(Function):
    """W3 relu(W2 relu(W1 e + b1) + b2) + b3 for the last edge states."""

    @staticmethod
    def forward(
        ctx, track: EdgeTrack, recurrence: int, token: Tensor, w1: Tensor, b1: Tensor,
        w2: Tensor, b2: Tensor, w3: Tensor, b3: Tensor,
    ) -> Tensor:  # fmt: skip
        """Return the outputs (E, outputs)."""
        ctx.track, ctx.recurrence = track, recurrence
        ctx.save_for_backward(w1, w2, w3)
        w1, w2, w3 = (value.to(track.dtype).t() for value in (w1, w2, w3))
        low_b1, low_b2 = b1.to(track.dtype), b2.to(track.dtype)
        last = track.state(recurrence)
        output = b3.new_empty(track.edges, len(b3))
        with torch.autocast(track.device.type, enabled=False):
            for block in track.blocks:
                first, second = (track.hidden(name, block) for name in DECODER_LAYERS)
                torch.addmm(low_b1, last[block], w1, out=first).relu_()
                torch.addmm(low_b2, first, w2, out=second).relu_()
                torch.add(torch.mm(second, w3), b3, out=output[block])
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx, of_output: Tensor) -> tuple[Tensor | None, ...]:
        track = ctx.track
        w1, w2, w3 = ctx.saved_tensors
        of_w1, of_w2, of_w3 = (torch.zeros_like(value) for value in (w1, w2, w3))
        of_b1, of_b2 = w1.new_zeros(len(w1)), w2.new_zeros(len(w2))
        low_w1, low_w2, low_w3 = (value.to(track.dtype) for value in (w1, w2, w3))
        low_output = of_output.to(track.dtype)
        last, gradient = track.state(ctx.recurrence), track.gradient
        with torch.autocast(track.device.type, enabled=False):
            for block in track.blocks:
                first, second = (track.hidden(name, block) for name in DECODER_LAYERS)
                _add_product(of_w3, low_output[block], second)
                of_second = torch.mm(low_output[block], low_w3)
                _through_relu(of_second, second)
                _add_product(of_w2, of_second, first)
                of_b2 += of_second.sum(0)
                of_first = torch.mm(of_second, low_w2)
                _through_relu(of_first, first)
                _add_product(of_w1, of_first, last[block])
                of_b1 += of_first.sum(0)
                torch.mm(of_first, low_w1, out=gradient[block])
        track.has_gradient = True
        return None, None, None, of_w1, of_b1, of_w2, of_b2, of_w3, of_output.sum(0)


def _output_gradient(track: EdgeTrack, of_sums: Tensor | None):
    """Return a function from a block to the gradient of its new states, from sums and edges."""
    table, index = track.gradient_table, track.index
    if of_sums is None and not track.has_gradient:
        return lambda block: torch.zeros_like(track.gradient[block])
    if of_sums is None:
        return lambda block: track.gradient[block].clone()
    table[: track.nodes] = of_sums
    if not track.has_gradient:
        return lambda block: torch.index_select(table, 0, index.receiver[block])
    both = torch.stack([index.receiver, index.count + track.nodes], dim=1)
    return lambda block: embedding_bag(both[block], table, mode="sum")


def _edge_gradients(track: EdgeTrack) -> tuple[Tensor, Tensor]:
    """Return the gradients of the first states and of the constant part, zero where none came."""
    if not track.has_gradient:
        track.gradient.zero_()
    if not track.has_constant_gradient:
        track.constant_gradient.zero_()
    return track.gradient, track.constant_gradient


def _add_product(total: Tensor, left: Tensor, right: Tensor) -> None:
    """Add leftᵀ right to `total`, whose precision may be higher."""
    if left.dtype == total.dtype:
        torch.addmm(total, left.t(), right, out=total)
    else:
        total += torch.mm(left.t(), right)


def _through_relu(gradient: Tensor, output: Tensor) -> None:
    """Set the gradient to zero, in place, where the rectified output is zero."""
    torch.ops.aten.threshold_backward.grad_input(gradient, output, 0, grad_input=gradient)
