"""Structures turned into tensors, kept in memory as far as a budget allows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import torch

from ..model import Example, Structure

Tensors = dict[str, torch.Tensor]
Inputs = Any  # of a network: `Tensors`, or a `torch_geometric.data.Data`


class EncodedExamples:
    """Inputs and targets of a sequence of examples, made once and kept while they fit in memory.

    `encode` gives the inputs of a structure, tensors by name or a graph of PyTorch Geometric; what
    does not fit in `budget_bytes` is made again.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        encode: Callable[[Structure], Inputs],
        device: str,
        budget_bytes: int = 4 << 30,
    ) -> None:
        self.examples, self.encode = examples, encode
        self.device, self.left = device, budget_bytes
        self.kept: dict[int, tuple[Inputs, Tensors]] = {}
        self.inputs_of_structure: dict[bytes, Inputs] = {}

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> tuple[Inputs, Tensors]:
        """Return inputs and targets of one example, on the device.

        Where the example has a balanced set, `targets["balanced"]` holds its indices.
        """
        if index in self.kept:
            return self.kept[index]
        example = self.examples[index]
        content = content_digest(example.structure)
        inputs = self.inputs_of_structure.get(content)
        fresh = inputs is None
        if inputs is None:
            inputs = to_device(self.encode(example.structure), self.device)
        targets = {
            key: torch.tensor(values, dtype=torch.float32)
            for key, values in example.targets.items()
        }
        if example.balanced is not None:
            targets["balanced"] = torch.tensor(example.balanced, dtype=torch.int64)
        targets = to_device(targets, self.device)
        cost = _bytes(targets) + (_bytes(inputs) if fresh else 0)
        if cost <= self.left:
            self.left -= cost
            self.kept[index] = (inputs, targets)
            self.inputs_of_structure[content] = inputs
        return inputs, targets


def content_digest(structure: Structure) -> bytes:
    """Return a digest of the arrays of a structure: names may repeat between temperatures."""
    arrays = (structure.positions, structure.species, structure.box, structure.frame)
    digest = hashlib.blake2b(digest_size=16)
    for array in (*arrays, structure.pairs):
        digest.update(b"none" if array is None else array.tobytes())
    return digest.digest()


def to_device(inputs: Inputs, device: str | torch.device) -> Inputs:
    """Return tensors by name, or a graph, on a device."""
    if isinstance(inputs, dict):
        return {name: tensor.to(device) for name, tensor in inputs.items()}
    return inputs.to(device)


def _bytes(inputs: Inputs) -> int:
    tensors = inputs.values() if isinstance(inputs, dict) else inputs.to_dict().values()
    return sum(t.numel() * t.element_size() for t in tensors if isinstance(t, torch.Tensor))
