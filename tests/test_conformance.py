"""Every baseline and every submission keeps the contract of a model."""

from __future__ import annotations

import pytest

from glassbench.conformance import assert_conforms
from glassbench.plugins.registry import list_models, load_model_card


def plugins() -> list:
    """Return every usable model with each task that it serves."""
    return [
        pytest.param(found.folder, task, id=f"{found.name}-{task}")
        for found in list_models()
        for task in load_model_card(found.folder).tasks
    ]


@pytest.mark.parametrize(("folder", "task"), plugins())
def test_model_conforms(folder, task):
    assert_conforms(folder, task)
