"""Structures are encoded once, and never taken for another that bears the same name."""

from dataclasses import replace

import numpy as np
import torch

from glassbench.model import Condition, Example, Structure
from glassbench.training.encoded import EncodedExamples


def example(shift, time):
    positions = np.arange(6.0).reshape(2, 3) + shift
    structure = Structure(positions, np.zeros(2, np.int8), np.full(3, 9.0), "same name")
    return Example(structure, Condition.of(time=time), {"x": np.full(2, time)})


def encoder(calls):
    def encode(structure):
        calls.append(1)
        return {"positions": torch.as_tensor(structure.positions)}

    return encode


def test_one_structure_at_two_times_is_encoded_once():
    calls = []
    examples = EncodedExamples([example(0, 1.0), example(0, 2.0)], encoder(calls), "cpu")
    assert [float(examples[k][1]["x"][0]) for k in (0, 1, 0)] == [1.0, 2.0, 1.0]
    assert len(calls) == 1


def test_structures_of_one_name_stay_apart():
    examples = EncodedExamples([example(0, 1.0), example(1, 1.0)], encoder([]), "cpu")
    assert not torch.equal(examples[0][0]["positions"], examples[1][0]["positions"])


def test_what_does_not_fit_is_made_again():
    calls = []
    examples = EncodedExamples([example(0, 1.0)], encoder(calls), "cpu", budget_bytes=1)
    assert torch.equal(examples[0][0]["positions"], examples[0][0]["positions"])
    assert len(calls) == 2


def test_one_structure_under_two_loads_is_encoded_twice_and_keeps_its_balanced_set():
    calls = []
    loads = []
    for frame in (np.eye(3), -np.eye(3)):
        loaded = example(0, 1.0)
        structure = replace(loaded.structure, frame=frame)
        loads.append(replace(loaded, structure=structure, balanced=np.array([1])))
    examples = EncodedExamples(loads, encoder(calls), "cpu")
    for index in (0, 1):
        assert examples[index][1]["balanced"].dtype == torch.int64
        assert examples[index][1]["balanced"].tolist() == [1]
    assert len(calls) == 2
