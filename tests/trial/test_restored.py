"""What one trial leaves in its process must not reach the next."""

from __future__ import annotations

import locale
import os
import random
import signal
import sys
import warnings

import pytest

from glassbench.cluster.execute import execute
from glassbench.contract.model_card import read_model_card
from glassbench.contract.trial_plan import DatasetReference, plan_trials
from glassbench.datasets.view import open_view
from glassbench.home.workspace import Workspace
from glassbench.plugins.registry import load_task
from glassbench.trial.restored import LeftError, kept_running, settings_restored


def test_what_a_model_sets_does_not_reach_the_next(tmp_path):
    import numpy as np
    import torch

    def state():
        of_numpy = np.random.get_state()[1].tolist()  # noqa: NPY002
        drawn = random.getstate(), of_numpy, torch.get_rng_state().tolist()
        os.umask(mask := os.umask(0))
        handlers = [signal.getsignal(number) for number in sorted(signal.valid_signals())]
        waiting = (
            signal.pthread_sigmask(signal.SIG_BLOCK, ()),
            mask,
            locale.setlocale(locale.LC_ALL),
        )
        settings = os.getcwd(), np.geterr(), torch.get_num_threads(), sys.getrecursionlimit()
        settings = *settings, handlers, *waiting
        return *settings, dict(os.environ), list(sys.path), *drawn

    before = state()
    with settings_restored():
        (tmp_path / "gone").mkdir()
        os.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()
        os.umask(0o777)
        locale.setlocale(locale.LC_ALL, "C")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        np.seterr(all="raise")
        warnings.simplefilter("error")
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        torch.set_num_threads(1)
        torch.set_default_device("meta")
        for module in (random, np.random):
            module.seed(1)
        torch.manual_seed(1)
        os.environ.clear()
        sys.path.clear()
        sys.setrecursionlimit(500)
    assert state() == before
    assert torch.zeros(1).device.type == "cpu"
    assert ("error", None, Warning, None, 0) not in warnings.filters
    assert torch.get_default_dtype() == torch.float32 and torch.is_grad_enabled()


@pytest.fixture
def interruptible():
    """Let the signal interrupt, also where whoever started the tests ignores it."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler or signal.default_int_handler)


class Stop(KeyboardInterrupt):
    pass


def calls(function, *arguments):
    return lambda: function(*arguments)


def raises(error):
    def leave():
        raise error

    return leave


LEAVES = {
    "os._exit(3)": calls(os._exit, 3),
    "sys.exit('enough')": calls(sys.exit, "enough"),
    "sys.exit(None)": raises(type("Left", (SystemExit,), {})()),
    "raised KeyboardInterrupt": raises(KeyboardInterrupt()),
    "raised Stop": raises(Stop()),
}


@pytest.mark.parametrize("what", LEAVES)
def test_a_model_that_leaves_the_process_is_one_line(what, interruptible):
    leave, handler = LEAVES[what], signal.getsignal(signal.SIGINT)
    with pytest.raises(LeftError) as left, kept_running():
        # Looked up where it is called, as a model does.
        os._exit(3) if "os._exit" in what else leave()
    assert what in str(left.value) and "\n" not in str(left.value)
    assert signal.getsignal(signal.SIGINT) == handler and os._exit.__module__ == "posix"


def test_an_interruption_by_the_user_stays_one(interruptible):
    with pytest.raises(KeyboardInterrupt), kept_running():
        os.kill(os.getpid(), signal.SIGINT)
    with kept_running():
        child = os.fork()
        if child == 0:
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


@pytest.mark.parametrize("handler", [signal.SIG_IGN, lambda number, frame: None])
def test_a_model_that_seems_interrupted_is_found_whatever_the_signal_does(handler, interruptible):
    signal.signal(signal.SIGINT, handler)
    with pytest.raises(LeftError, match="raised KeyboardInterrupt"), kept_running():
        raise KeyboardInterrupt
    assert signal.getsignal(signal.SIGINT) == handler


def test_a_handler_of_another_library_is_still_called(interruptible):
    called = []
    signal.signal(signal.SIGINT, lambda number, frame: called.append(number))
    with kept_running():
        os.kill(os.getpid(), signal.SIGINT)
    assert called == [signal.SIGINT]


def test_an_alarm_that_a_model_left_does_not_ring():
    before = signal.getitimer(signal.ITIMER_REAL)[0]
    with settings_restored():
        if not before:
            signal.alarm(1000)
    assert (signal.getitimer(signal.ITIMER_REAL)[0] > 0) == (before > 0)


CARD = """
name = "leaver"
title = "A model that leaves"
authors = ["Ada"]
year = 2026
licence = "MIT"
entry = "model:Leaver"
reads = ["thermal"]
tasks = ["ka_propensity"]
conditions_per_fit = "one"
"""
MODEL = """
import locale, os, signal, sys, warnings

import numpy as np


class Stop(KeyboardInterrupt):
    pass


class Leaver:
    def fit(self, train, valid, run):
        print("words of a model")
        os.write(1, b"words of compiled code\\n")
        os.umask(0o777)
        os.chdir("/")
        os.environ["PATH"] = os.environ["HOME"] = "/nowhere"
        np.seterr(all="raise")
        warnings.simplefilter("error")
        locale.setlocale(locale.LC_ALL, "C")
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if run.seed == 1:
            os._exit(3)
        if run.seed == 2:
            sys.exit("enough")
        if run.seed == 3:
            raise Stop
        sys.stdout.close()

    def predict(self, structures, condition):
        return [{"propensity": s.positions[:, 0]} for s in structures]
"""


def test_of_a_run_nothing_computed_is_lost_whatever_its_model_does(tiny_dataset, tmp_path, capsys):
    folder = tmp_path / "leaver"
    folder.mkdir()
    (folder / "model.toml").write_text(CARD)
    (folder / "model.py").write_text(MODEL)
    task, view = load_task("ka_propensity"), open_view(load_task("ka_propensity"), tiny_dataset)
    dataset = DatasetReference("tiny", str(tiny_dataset), view.digest)
    seeds = (0, 1, 2, 3, 4)
    about = (read_model_card(folder), task, dataset, view.conditions()[:1], ())
    outcomes = execute(plan_trials(*about, {}, seeds), Workspace(tmp_path / "home"), cluster="none")
    assert [outcome.finished for outcome in outcomes] == [True, False, False, False, True]
    said = ("called os._exit(3)", "called sys.exit('enough')", "raised Stop")
    for outcome, what in zip(outcomes[1:4], said, strict=True):
        assert outcome.error == f"LeftError: the model {what}"
    print("words of the next command")
    assert capsys.readouterr().out == "words of the next command\n"
