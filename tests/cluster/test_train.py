"""One trial trained by two workers, through Ray Train."""

import signal

import pytest

from glassbench.cluster import ClusterError, execute, train
from glassbench.cluster.train import backend_of
from glassbench.experiments.resources import Needs
from glassbench.trial.attempt import Attempt, Job

RUN = "stub_trials:run_distributed"


@pytest.mark.usefixtures("two_cores")
def test_workers_sum_over_torch_distributed_and_a_killed_one_is_replaced(make_trial, workspace):
    trial = make_trial(wish="die once")
    events = []
    (outcome,) = execute(
        [trial], workspace, cluster="local", workers=2, run=RUN, on_event=events.append
    )
    assert outcome.error is None
    assert outcome.result.history[0]["started_at"] == 3.0
    kinds = [event.kind for event in events]
    assert kinds.count("retried") == 1 and kinds.count("finished") == 1
    assert [event.progress.loss for event in events if event.progress] == [3.0]


def test_no_worker_is_started_that_a_batch_has_no_example_for(make_trial, workspace, monkeypatch):
    asked, told = [], []

    def fit(job, workers, share, attempt):
        asked.append(workers)
        return Attempt(None, "left out here")

    monkeypatch.setattr(train, "_fit", fit)
    job = Job(make_trial(batch_size=1), str(workspace.home))
    train.execute_distributed(job, 2, Needs(cpus=1), lambda *words: told.append(words))
    assert asked == [1]
    ((kind, _, message),) = told
    assert kind == "noted" and "model.batch_size=2 would employ all" in message


def test_workers_on_whole_gpus_speak_nccl_and_others_gloo():
    assert backend_of(Needs(cpus=1, gpus=1)) == "nccl"
    assert backend_of(Needs(cpus=1, gpus=0.5)) == backend_of(Needs(cpus=1)) == "gloo"


@pytest.mark.usefixtures("two_cores")
def test_a_trial_that_raises_on_one_worker_fails_at_once(make_trial, workspace):
    handler = signal.getsignal(signal.SIGINT)
    trial = make_trial(wish="raise")
    events = []
    (outcome,) = execute(
        [trial], workspace, cluster="local", workers=2, run=RUN, on_event=events.append
    )
    assert "infinite on the second worker" in outcome.error
    assert "retried" not in [event.kind for event in events]
    folder = workspace.trial_folder(trial.key)
    assert "infinite" in (folder / "log.worker1.txt").read_text()
    assert signal.getsignal(signal.SIGINT) == handler, "Ray Train leaves a handler of its own"


def test_several_workers_need_ray(make_trial, workspace):
    with pytest.raises(ClusterError, match="needs Ray"):
        execute([make_trial()], workspace, cluster="none", workers=2, run=RUN)
