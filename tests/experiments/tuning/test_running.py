"""Fits of one trial take turns, and are reported together epoch by epoch."""

import json
import random
from types import SimpleNamespace

import numpy as np
import pytest

from glassbench.experiments.tuning.running import Fit, RunningTrial, Stopped
from glassbench.home.workspace import Workspace
from glassbench.model import Progress
from glassbench.trial.attempt import Attempt
from glassbench.trial.result import ConditionScores, Score


class Fake:
    """A fit that reports given scores, one for each epoch, and then ends with the last."""

    def __init__(self, scores, fails=False, final=None):
        self.scores, self.fails, self.final = list(scores), fails, final
        self.progress = self.result = self.error = None
        self.epoch, self.stopped = 0, False

    def advance(self):
        if self.epoch < len(self.scores):
            self.epoch += 1
            self.progress = Progress(self.epoch, validation_score=self.scores[self.epoch - 1])
        elif self.fails:
            self.error = "ValueError: it broke"
        else:
            value = self.final if self.final is not None else max(self.scores)
            scored = ConditionScores({}, ("a",), ("p",), {"pearson_a": Score(value, (value,))})
            self.result = SimpleNamespace(conditions=(scored,))

    def stop(self):
        self.stopped = True


def running(tmp_path, *fakes):
    trials = [SimpleNamespace(key=f"{place}{'0' * 63}") for place in range(len(fakes))]
    waiting = iter(fakes)
    return RunningTrial(trials, Workspace(tmp_path), lambda trial: next(waiting), "pearson_a")


def reports(trial, most=20):
    told = []
    while not (told and told[-1].ended) and len(told) < most:
        told.append(trial.step())
    return told


def test_an_epoch_is_reported_as_the_mean_over_conditions_of_the_best_so_far(tmp_path):
    told = reports(running(tmp_path, Fake([0.2, 0.1, 0.6]), Fake([0.4, 0.6, 0.5])))
    assert [r.epoch for r in told] == [1, 2, 3, 3]
    assert [r.validation for r in told[:3]] == pytest.approx([0.3, 0.4, 0.6])
    assert told[-1].ended and told[-1].score == pytest.approx(0.6)


def test_no_fit_runs_ahead_of_the_others(tmp_path):
    first, second = Fake([0.1] * 5), Fake([0.1] * 5)
    trial = running(tmp_path, first, second)
    for epoch in (1, 2, 3):
        trial.step()
        assert (first.epoch, second.epoch) == (epoch, epoch)


def test_a_fit_that_stopped_for_itself_counts_with_its_best_while_others_go_on(tmp_path):
    told = reports(running(tmp_path, Fake([0.4, 0.2]), Fake([0.1, 0.2, 0.3, 0.6])))
    assert [r.validation for r in told[:4]] == pytest.approx([0.25, 0.3, 0.35, 0.5])
    assert told[-1].ended


def test_models_without_epochs_report_once(tmp_path):
    (told,) = reports(running(tmp_path, Fake([], final=0.3), Fake([], final=0.5)))
    assert told.ended and told.score == pytest.approx(0.4) and told.validation is None


def test_scores_that_are_undefined_are_not_reported_and_never_count_as_zero(tmp_path):
    told = reports(
        running(tmp_path, Fake([float("nan"), 0.2], final=0.2), Fake([None, 0.4], final=0.4))
    )
    assert [r.epoch for r in told] == [2, 2]
    assert told[0].validation == pytest.approx(0.3)


def test_where_one_fit_fails_the_trial_has_failed_and_the_others_are_stopped(tmp_path):
    bad, good = Fake([0.1], fails=True), Fake([0.1, 0.2])
    told = reports(running(tmp_path, bad, good))
    assert told[-1].ended and told[-1].error == "ValueError: it broke" and good.stopped


def test_what_earlier_attempts_reported_comes_first_without_running_again(tmp_path):
    fake = Fake([0.9])
    fake.epoch = 0
    folder = Workspace(tmp_path).trial_folder("0" + "0" * 63)
    folder.mkdir(parents=True)
    lines = [{"epoch": e, "validation_score": s} for e, s in ((1, 0.1), (2, 0.3), (3, 0.2))]
    text = "".join(json.dumps(line) + "\n" for line in lines) + '{"epo'
    (folder / "history.jsonl").write_text(text)
    trial = running(tmp_path, fake)
    told = [trial.step() for _ in range(3)]
    assert [r.validation for r in told] == [0.1, 0.3, 0.3]
    assert fake.epoch == 0


def test_a_trial_goes_on_from_what_another_one_saved(tmp_path):
    donor = running(tmp_path / "donor", Fake([0.2, 0.4, 0.3]))
    for _ in range(2):
        donor.step()
    checkpoint = Workspace(tmp_path / "donor").trial_folder(donor.trials[0].key) / "checkpoint"
    checkpoint.mkdir(parents=True)
    (checkpoint / "epoch").write_text("1")
    (tmp_path / "saved").mkdir()
    donor.save(tmp_path / "saved")

    def adopt_checkpoint(source, target, hyperparameters):
        target.mkdir(parents=True)
        (target / "epoch").write_text((source / "epoch").read_text() + str(hyperparameters))

    fake = Fake([0.1, 0.1, 0.1])
    fake.epoch = 1
    other = running(tmp_path / "other", fake)
    other.trials[0].hyperparameters = {"rate": 2}
    folder = Workspace(tmp_path / "other").trial_folder(other.trials[0].key)
    (folder / "checkpoint").mkdir(parents=True)
    other.adopt(tmp_path / "saved", adopt_checkpoint)
    assert (folder / "checkpoint" / "epoch").read_text() == "1{'rate': 2}"
    told = other.step()
    assert (told.epoch, told.validation) == (3, 0.4), "the best so far is that of the donor"


def test_a_fit_in_a_thread_draws_what_it_would_draw_alone():
    drawn = {"a": [], "b": []}

    def run(name):
        def body(tell):
            random.seed(7)
            np.random.seed(7)  # noqa: NPY002
            for epoch in range(1, 4):
                drawn[name].append((random.random(), np.random.random()))  # noqa: NPY002
                tell("progress", Progress(epoch), "")
            return Attempt(name)

        return body

    fits = [Fit(run(name)) for name in "ab"]
    while any(fit.result is None for fit in fits):
        for fit in fits:
            if fit.result is None:
                fit.advance()
    assert drawn["a"] == drawn["b"]
    assert len(set(drawn["a"])) == 3
    assert [fit.result for fit in fits] == ["a", "b"]


def test_a_stopped_fit_leaves_its_report_and_nothing_runs_on():
    left = []

    def run(tell):
        try:
            tell("progress", Progress(1), "")
            tell("progress", Progress(2), "")
        except Stopped:
            left.append("stopped")
            raise

    fit = Fit(run)
    fit.advance()
    fit.stop()
    assert left == ["stopped"] and fit.progress.epoch == 1
    assert not fit._thread.is_alive()


def test_a_fit_that_raises_has_an_error():
    def run(tell):
        raise ValueError("the loss is infinite")

    fit = Fit(run)
    fit.advance()
    assert fit.error == "ValueError: the loss is infinite"
