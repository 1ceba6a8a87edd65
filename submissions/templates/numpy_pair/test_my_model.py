"""The model keeps the contract: shapes, symmetries, the same fit from the same seed."""

from __future__ import annotations

from pathlib import Path

from glassbench.conformance import assert_conforms


def test_the_model_conforms():
    assert_conforms(Path(__file__).parent)
