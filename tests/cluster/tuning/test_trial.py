"""A trial among workers of Ray Train."""

from types import SimpleNamespace

from glassbench.cluster.train import new_fit
from glassbench.experiments.resources import Needs
from glassbench.model import Progress
from glassbench.trial.attempt import Attempt, Job


def test_a_fit_among_workers_reports_as_it_goes_and_ends_them_when_it_is_stopped(
    tmp_path, monkeypatch
):
    def distributed(job, workers, share, tell, max_failures):
        assert workers == 2
        tell("started", None, "")
        for epoch in range(1, 4):
            tell("progress", Progress(epoch, validation_score=epoch / 10), "")
        return Attempt("a result")

    monkeypatch.setattr("glassbench.cluster.train.execute_distributed", distributed)
    job = Job(trial=SimpleNamespace(key="d" * 64), home=str(tmp_path))
    fit = new_fit(job, 2, Needs(cpus=1), max_failures=0)
    for epoch in (1, 2):
        fit.advance()
        assert fit.progress.epoch == epoch and fit.result is None
    assert not list(tmp_path.rglob("stop"))
    fit.stop()
    assert fit.result is None and fit.error == "the trial was stopped"
    assert list(tmp_path.rglob("stop"))
