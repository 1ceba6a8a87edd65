"""The process that drives the trials is killed, or stopped by Ctrl-C, and the command repeated."""

import os
import pickle
import signal
import subprocess
import sys
import time

import pytest

from glassbench.cluster import execute
from glassbench.trial.result import read_result

RUN = "stub_trials:run"
DRIVER = """
import pickle, signal, sys
# A shell that starts its jobs in the background has them ignore SIGINT; this one must not.
signal.signal(signal.SIGINT, signal.default_int_handler)
from glassbench.cluster import execute
with open(sys.argv[1], "rb") as file:
    trials, workspace = pickle.load(file)
execute(trials, workspace, cluster="local", run="stub_trials:run")
"""


def start(tmp_path, trials, workspace):
    # As for a user: Ray's own authentication, and no home folder to keep a token in.
    environment = {name: v for name, v in os.environ.items() if name != "RAY_AUTH_MODE"}
    request = tmp_path / "request"
    request.write_bytes(pickle.dumps((trials, workspace)))
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(request)],
        process_group=0,
        env=environment | {"HOME": "/dev/null"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def wait_until(condition, driver, seconds=240):
    end = time.monotonic() + seconds
    while not condition():
        if driver.poll() is not None:
            pytest.fail(f"the driver ended early: {driver.stdout.read().decode()}")
        assert time.monotonic() < end, "nothing happened in time"
        time.sleep(0.05)


def workers(workspace, trial):
    path = workspace.trial_folder(trial.key) / "calls"
    return [int(line.split()[0]) for line in path.read_text().splitlines()]


def assert_gone(process, seconds=30):
    end = time.monotonic() + seconds
    while os.path.exists(f"/proc/{process}"):
        assert time.monotonic() < end, f"worker {process} outlived its driver"
        time.sleep(0.05)


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT])
def test_the_same_command_goes_on_after_the_driver(
    blow, make_trial, workspace, tmp_path, environment_of_workers
):
    finished, half = make_trial(seed=0), make_trial(seed=1, seconds=3600)
    checkpoint = workspace.trial_folder(half.key) / "checkpoint" / "epoch"
    driver = start(tmp_path, [finished, half], workspace)
    try:
        wait_until(
            lambda: read_result(workspace, finished) is not None and checkpoint.exists(), driver
        )
        if blow == signal.SIGINT:
            # As a terminal does: to every process in the foreground.
            os.killpg(driver.pid, blow)
        else:
            driver.send_signal(blow)
        assert driver.wait(timeout=60) != 0
        assert_gone(workers(workspace, half)[0])
    finally:
        driver.kill()
    events = []
    outcomes = execute([finished, half], workspace, cluster="none", run=RUN, on_event=events.append)
    assert [event.kind for event in events if event.trial == finished] == ["cached"]
    assert [outcome.result.history[0]["started_at"] for outcome in outcomes] == [0, 1]
