"""The notebooks run, cell by cell, and come to what they say."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).parents[2] / "docs" / "notebooks"


def run_cells(name: str) -> tuple[dict, list]:
    """Return the names that the code of a notebook leaves, and the value that each cell ends on."""
    cells = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    names: dict = {}
    shown = []
    for cell in cells:
        assert not cell.get("outputs"), "a notebook is kept without its outputs"
        if cell["cell_type"] == "code":
            tree = ast.parse("".join(cell["source"]))
            last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, name, "exec"), names)
            if last is not None:
                shown.append(eval(compile(ast.Expression(last.value), name, "eval"), names))
    return names, shown


@pytest.mark.slow
def test_a_model_in_ten_cells():
    names, shown = run_cells("a_model_in_ten_cells")
    assert 0.3 < names["score"] < names["ceiling"]
    pictures = [one._repr_png_() for one in shown if hasattr(one, "_repr_png_")]
    assert len(pictures) == 2 and all(one.startswith(b"\x89PNG") for one in pictures)
    assert "srcdoc" in shown[-1]._repr_html_()


def test_own_trajectories_are_scored():
    names, shown = run_cells("my_own_trajectories")
    assert not names["report"].problems
    assert names["scores"]["pearson_a"].value > 0.3
    assert shown[-1]._repr_png_().startswith(b"\x89PNG")
