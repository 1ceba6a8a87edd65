from __future__ import annotations

import io
import sys
from dataclasses import dataclass

import pytest

from glassbench.cli.progress import Counter, Display, describe
from glassbench.contract.trial_plan import DatasetReference, ModelReference, Trial
from glassbench.model import Condition, Progress


@dataclass(frozen=True)
class Event:
    kind: str
    trial: Trial
    progress: Progress | None = None
    message: str = ""


def _trial(seed: int = 0) -> Trial:
    return Trial(
        task="ka_propensity",
        task_folder="",
        protocol_version=1,
        dataset=DatasetReference("mini", "", ""),
        model=ModelReference("botan", "", ""),
        conditions=(Condition.of(temperature=0.64, time=16.5),),
        hyperparameters={},
        seed=seed,
    )


def _events(trial: Trial) -> list[Event]:
    return [
        Event("started", trial),
        Event("progress", trial, Progress(epoch=1, epochs=3, loss=0.5, validation_score=0.25)),
        Event("progress", trial, message="waiting for process 7"),
        Event("retried", trial, message="its worker died"),
        Event("progress", trial, Progress(epoch=3, epochs=3, loss=0.125, validation_score=0.5)),
        Event("finished", trial),
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_without_a_terminal_there_is_one_line_for_each_trial_that_ended(capsys):
    assert not sys.stderr.isatty()
    with Display() as display:
        for event in _events(_trial()):
            display(event)
            if event.message.startswith("waiting"):
                display(event)
                display(Event("noted", event.trial, message="no checkpoint in epoch 2"))
        display(Event("cached", _trial(1)))
    output = capsys.readouterr()
    assert output.out == ""
    waiting, noted, retried, finished, cached = output.err.splitlines()
    assert "waiting for process 7" in waiting and "no checkpoint" in noted
    assert "its worker died" in retried
    assert "botan temperature=0.64 time=16.5 seed=0" in finished
    assert "epoch 3/3  loss 0.125  validation 0.500" in finished
    assert cached.split() == ["cached", "botan", "temperature=0.64", "time=16.5", "seed=1"]


def test_a_quiet_display_shows_failures_alone(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with Display(quiet=True) as display:
        assert display.bars is None
        for event in _events(_trial()):
            display(event)
        assert sys.stderr.getvalue() == ""
        display(Event("failed", _trial(1), message="no such luck"))
    assert "failed" in sys.stderr.getvalue()
    assert "no such luck" in sys.stderr.getvalue()


def test_on_a_terminal_each_running_trial_has_one_bar(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    first, second = _trial(0), _trial(1)
    with Display() as display:
        assert display.bars is not None
        for event in _events(first)[:2]:
            display(event)
        display(Event("started", second))
        assert len(display.bars.tasks) == 2
        bar = display.bars.tasks[0]
        assert (bar.completed, bar.total) == (1, 3)
        assert bar.fields["status"] == "epoch 1/3  loss 0.5  validation 0.250"
        display(_events(first)[2])
        assert bar.fields["status"] == "waiting for process 7"
        display(_events(first)[-1])
        assert [task.description for task in display.bars.tasks] == [second.name]
    assert "finished" in sys.stderr.getvalue()


def test_a_trial_that_tells_no_number_of_epochs_is_shown_too(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with Display() as display:
        display(Event("progress", _trial(), Progress(epoch=4)))
        assert display.bars.tasks[0].total is None


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (Progress(2), "epoch 2"),
        (Progress(2, 5, loss=float("nan")), "epoch 2/5  loss nan"),
        (Progress(0, 5, validation_score=-0.1), "epoch 0/5  validation -0.100"),
    ],
)
def test_progress_in_words(progress, words):
    assert describe(progress) == words


def test_a_count_is_one_bar_on_a_terminal_and_few_lines_elsewhere(capsys, monkeypatch):
    with Counter() as counter:
        for done in range(1, 1001):
            counter(done, 1000, f"part {done}", 3725.0)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 20
    assert lines[-1] == "1000/1000  part 1000  1 h 02 min left"
    with Counter(quiet=True) as counter:
        counter(1, 1, "part")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with Counter() as counter:
        counter(3, 9, "part", 61.0)
        (bar,) = counter.bar.tasks
        assert (bar.completed, bar.total, bar.description) == (3, 9, "part  1:01 min left")


def test_many_trials_are_counted_by_one_more_bar_and_failures_named(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with Display(total=3) as display:
        display(Event("started", _trial(0)))
        display(Event("finished", _trial(0)))
        display(Event("cached", _trial(1)))
        display(Event("failed", _trial(2), message="it broke"))
        (bar,) = display.bars.tasks
        assert (bar.completed, bar.total, bar.fields["status"]) == (3, 3, "1 failed")
    assert "it broke" in sys.stderr.getvalue() and "cached" not in sys.stderr.getvalue()


def test_without_a_terminal_only_failures_of_many_trials_are_shown(capsys):
    with Display(total=3) as display:
        display(Event("finished", _trial(0)))
        display(Event("failed", _trial(2), message="it broke"))
    assert capsys.readouterr().err.splitlines() == [f"failed    {_trial(2).name}  it broke"]
