"""What a reproduction would cost is measured on three configurations of the published data."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from glassbench.datasets.importing import import_dataset, run_here
from glassbench.home.workspace import open_workspace
from glassbench.plugins.task_modules import find_reader

from ..published import shared_data  # noqa: F401

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "reproduce.py"


@pytest.fixture
def reproduce(tmp_path, monkeypatch):
    monkeypatch.setenv("GLASSBENCH_HOME", str(tmp_path / "home"))
    spec = importlib.util.spec_from_file_location("reproduce", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_commands_for_a_cluster_are_said(reproduce, capsys):
    reproduce.main(["botan"])
    said = capsys.readouterr().out
    assert "glassbench sweep task=ka_propensity dataset=published model=botan seed=0..2" in said
    assert "no record of botan on published is here yet" in said
    with pytest.raises(SystemExit, match="give one of botan, nt_gnn"):
        reproduce.main(["botany"])


@pytest.mark.slow
def test_a_dry_run_on_three_configurations(shared_data, tmp_path, reproduce, capsys):  # noqa: F811
    files = shared_data / "botan_small"
    for split, numbers in (("train", (1, 2, 3, 4)), ("test", (401,))):
        folder = tmp_path / "files" / "T0.44" / split
        folder.mkdir(parents=True)
        for number in numbers:
            name = f"isoconfig_N4096T0.44_{number}_tc07.npz"
            (folder / name).symlink_to(files / split / name)
    datasets = open_workspace().datasets
    datasets.mkdir(parents=True)
    import_dataset(find_reader("botan"), tmp_path / "files", datasets / "few", run=run_here)
    plan = reproduce.read_plan("nt_gnn")
    plan["hyperparameters"] |= {"width": 2, "recurrences": 1}
    reproduce.print_cost(plan, {"dataset": "few"})
    first, second = capsys.readouterr().out.splitlines()
    step = float(first.partition(": ")[2].partition(" s ")[0])
    assert step > 0 and "400000 steps" in second and "117 trials" in second
    hours = float(second.partition("steps, ")[2].partition(" hours")[0])
    assert hours == pytest.approx(step * 400_000 / 3600, rel=0.01)
