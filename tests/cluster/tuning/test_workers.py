"""Trials on several workers that take every core, and one of them stopped early."""

import time

import psutil
import pytest
import ray

from glassbench.cluster.tuning.run import run_study
from glassbench.contract.hyperparameters import parse_space
from glassbench.tracking.delivery import Delivered

from ...climber import study_of, write_climber


@pytest.mark.usefixtures("two_cores")
def test_workers_of_a_trial_that_was_stopped_end_with_it(
    tmp_path, workspace, tiny_dataset, monkeypatch
):
    monkeypatch.setattr(
        "glassbench.cluster.tuning.run.deliver",
        lambda workspace, request: Delivered("sqlite:///x.db", "77", True),
    )
    space = parse_space({"quality": {"distribution": "choice", "values": [0.1]}}, {"quality": 0.5})
    study = study_of(
        write_climber(tmp_path / "climber"), tiny_dataset, space=space, scheduler="asha", trials=2,
        hyperparameters={"quality": 1.0, "epochs": 9, "seconds": 0.4},
    )  # fmt: skip
    report = run_study(study, workspace, threads=1, workers=2)
    assert [trial.state for trial in report.trials] == ["finished", "stopped"]
    (fit,) = study.fits(report.trials[1].hyperparameters)
    starts = (workspace.trial_folder(fit.key) / "starts").read_text().split()
    end = time.monotonic() + 30
    while psutil.pid_exists(int(starts[1])):
        assert time.monotonic() < end, "the worker runs on"
        time.sleep(0.5)
    while ray.available_resources().get("CPU") != 2.0:
        assert time.monotonic() < end, "the cores of the trial stay reserved"
        time.sleep(0.5)
