"""Units and symbols are printed as in a paper."""

from __future__ import annotations

import pytest

from glassbench.contract.task import read_task
from glassbench.contract.units import UNITS, mathtext, printed, symbol
from glassbench.plugins.registry import list_tasks


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("1", ""),
        ("sigma_AA", "σ_AA"),
        ("eV/Angstrom^2", "eV/Å²"),
        ("angstrom", "Å"),
        ("K/s", "K/s"),
        ("t_0", "t₀"),
        ("at.% Cu", "at.% Cu"),
        ("epsilon_SL/sigma_SL^2", "ε_SL/σ_SL²"),
    ],
)
def test_units_are_printed_with_their_signs(name, text):
    assert printed(name) == text


def test_a_quantity_has_its_symbol():
    assert [symbol(name) for name in ("temperature", "tau_alpha", "γ", "t_q")] == [
        "T", "τ_α", "γ", "t_q",
    ]  # fmt: skip


def test_figures_have_real_subscripts_and_powers():
    assert mathtext("epsilon_SL/sigma_SL^2") == "$ε_{SL}/σ_{SL}^{2}$"
    assert mathtext("Angstrom^2") == "Å²" and mathtext("1") == ""


def test_matplotlib_can_set_every_unit_of_a_dataset_or_a_task():
    from matplotlib.mathtext import MathTextParser

    tasks = [read_task(entry.folder) for entry in list_tasks() if not entry.error]
    units = {unit for system in UNITS.values() for unit in system.values()}
    units |= {axis.unit for task in tasks for axis in task.axes}
    parser = MathTextParser("path")
    for unit in sorted(units | {"tau_alpha"}):
        parser.parse(mathtext(unit).replace("%", r"\%"))
