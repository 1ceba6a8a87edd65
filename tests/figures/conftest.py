"""What the tests of drawings share."""

import pytest

from glassbench.figures import canvas, dataset, parity, scores, slice


@pytest.fixture
def drawn(monkeypatch):
    """Return the figures that are saved."""
    found, save = [], canvas.save_figure

    def keep(figure, path):
        found.append(figure)
        return save(figure, path)

    for module in (dataset, parity, scores, slice):
        monkeypatch.setattr(module, "save_figure", keep)
    return found
