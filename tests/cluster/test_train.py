"""One trial trained by two workers, through Ray Train."""

import pytest

from glassbench.cluster import ClusterError, execute
from glassbench.cluster.train import backend_of
from glassbench.experiments.resources import Needs

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


@pytest.mark.usefixtures("two_cores")
def test_no_worker_is_started_that_a_batch_has_no_example_for(make_trial, workspace):
    events = []
    (outcome,) = execute(
        [make_trial(batch_size=1)],
        workspace,
        cluster="local",
        workers=2,
        run=RUN,
        on_event=events.append,
    )
    assert outcome.result.history[0]["started_at"] == 1.0, "the sum over a single worker"
    (noted,) = [event.message for event in events if event.kind == "noted"]
    assert "model.batch_size=2 would employ all" in noted


def test_workers_on_whole_gpus_speak_nccl_and_others_gloo():
    assert backend_of(Needs(cpus=1, gpus=1)) == "nccl"
    assert backend_of(Needs(cpus=1, gpus=0.5)) == backend_of(Needs(cpus=1)) == "gloo"


@pytest.mark.usefixtures("two_cores")
def test_a_trial_that_raises_on_one_worker_fails_at_once(make_trial, workspace):
    trial = make_trial(wish="raise")
    events = []
    (outcome,) = execute(
        [trial], workspace, cluster="local", workers=2, run=RUN, on_event=events.append
    )
    assert "infinite on the second worker" in outcome.error
    assert "retried" not in [event.kind for event in events]
    folder = workspace.trial_folder(trial.key)
    assert "infinite" in (folder / "log.worker1.txt").read_text()


def test_several_workers_need_ray(make_trial, workspace):
    with pytest.raises(ClusterError, match="needs Ray"):
        execute([make_trial()], workspace, cluster="none", workers=2, run=RUN)
