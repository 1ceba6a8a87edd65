"""The SLURM script among stand-ins for SLURM, Ray and glassbench: order, stop, queueing again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from glassbench.cli.doctor import FOLDER

TOOLS = {
    "python": "echo 2.60.0",
    "scontrol": """
if [[ $1 == show ]]; then echo localhost; else echo "scontrol $*" >> log; fi""",
    # Runs the last word as a shell script on each of two nodes, and notes whom to signal.
    "srun": """
for k in 0 1; do
  SLURM_PROCID=$k SLURMD_NODENAME=node$k SLURM_CPUS_PER_TASK=4 SLURM_GPUS_ON_NODE=2 \\
    bash -c "${@: -1}" & echo $! >> tasks
done
wait""",
    "scancel": """
echo "scancel $*" >> log
while read -r task; do kill -TERM "$task"; done < tasks""",
    "ray": """
echo "ray $*" >> log
if [[ $2 == --head ]]; then
  exec {python} -S -c '
import os, socket
server = socket.create_server(("localhost", int(os.environ["PORT"])))
while True: server.accept()[0].close()'
fi
exec sleep 60""",
    "glassbench": """
echo "glassbench $*" >> log
if [[ $1 == doctor ]]; then
  until grep -q -- "--address=" log; do sleep 0.05; done
  exit "${{DOCTOR:-0}}"
fi
trap 'echo interrupted >> log; exit 130' INT
touch running
for _ in $(seq "${{STEPS:-1}}"); do sleep 0.1; done
echo finished >> log""",
}


@pytest.fixture
def submit(tmp_path):
    """Return a function that starts the script as a job of two nodes."""
    tools, work = tmp_path / "bin", tmp_path / "work"
    tools.mkdir()
    work.mkdir()
    for name, text in TOOLS.items():
        path = tools / name
        braces = text.format(python=sys.executable) if "{python}" in text or "{{" in text else text
        path.write_text(f"#!/bin/bash\n{braces}\n")
        path.chmod(0o755)

    def start(**variables: str) -> subprocess.Popen:
        environment = os.environ | {
            "PATH": f"{tools}:{os.environ['PATH']}",
            "GLASSBENCH_HOME": str(work),
            "SLURM_JOB_ID": str(os.getpid()),
            "SLURM_JOB_NUM_NODES": "2",
            "SLURM_JOB_NODELIST": "localhost",
            "SLURM_CPUS_PER_TASK": "4",
            **variables,
        }
        environment.pop("GLASSBENCH_VENV", None)
        command = ["bash", FOLDER / "slurm.sh", "run", "task=t", "model=m"]
        return subprocess.Popen(
            command, env=environment, cwd=work, stdout=subprocess.PIPE, text=True
        )

    yield start, work
    for task in (work / "tasks").read_text().split() if (work / "tasks").exists() else ():
        assert not Path(f"/proc/{task}").exists(), "a node's Ray outlived the job"


def wait_for(path: Path) -> None:
    end = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < end, f"{path.name} never came"
        time.sleep(0.05)


def test_one_ray_on_each_node_then_the_check_then_the_command_then_a_clean_stop(submit):
    start, work = submit
    job = start()
    output, _ = job.communicate(timeout=120)
    assert job.returncode == 0
    assert output.count("Ray has ended") == 2 and "node1: 4 cores, 2 GPUs" in output
    lines = (work / "log").read_text().splitlines()
    (head,) = (line for line in lines if "--head" in line)
    (worker,) = (line for line in lines if "--address=localhost:" in line)
    assert "--num-cpus=4 --num-gpus=2" in head and "--num-cpus=4 --num-gpus=2" in worker
    own = [line for line in lines if line.startswith("glassbench")]
    address = worker.partition("--address=")[2].split()[0]
    assert own[0].startswith(f"glassbench doctor cluster={address} nodes=2")
    assert own[1] == f"glassbench run task=t model=m cluster={address}"
    assert not any("requeue" in line for line in lines)


def test_a_broken_node_ends_the_job_before_any_trial(submit):
    start, work = submit
    job = start(DOCTOR="1")
    job.communicate(timeout=120)
    assert job.returncode == 1 and "glassbench run" not in (work / "log").read_text()


@pytest.mark.parametrize(("sent", "again"), [(signal.SIGUSR1, True), (signal.SIGTERM, False)])
def test_a_job_that_is_stopped_interrupts_the_command_and_out_of_time_queues_again(
    submit, sent, again
):
    start, work = submit
    job = start(STEPS="600")
    wait_for(work / "running")
    job.send_signal(sent)
    output, _ = job.communicate(timeout=120)
    log = (work / "log").read_text()
    assert job.returncode == 130 and output.count("Ray has ended") == 2
    assert "interrupted" in log and "finished" not in log
    assert (f"scontrol requeue {os.getpid()}" in log) == again
