"""Every cheat fails: a malicious submission gets nothing, and leaves nothing."""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from glassbench.datasets.view import open_view
from glassbench.plugins.registry import load_task
from glassbench.submission.sandbox.limits import Limits, SandboxError
from glassbench.submission.sandbox.predict import Assignment, predict_behind_walls
from glassbench.trial.stages import Question

from .attempts import ATTEMPTS, write_attempts
from .cheats import CHEATS, FORGED, write_cheat

MIB = 2**20
LIMITS = Limits(
    wall_seconds=20, memory_bytes=640 * MIB, processes=24, file_bytes=64 * MIB,
    scratch_bytes=64 * MIB, answer_bytes=32 * MIB,
)  # fmt: skip
SHORT = ("sleep_for_ever", "compute_for_ever_against_all_signals", "stop_itself")
SECRET = "A_SECRET_OF_THE_MAINTAINER"


@pytest.fixture
def outside(tmp_path):
    path = tmp_path / "outside.txt"
    path.write_text("untouched")
    return path


@pytest.fixture
def tempted(engine, tiny_dataset, tmp_path, outside, monkeypatch):
    """Return a function that runs a cheat, told everything it could want to know."""
    monkeypatch.setenv(SECRET, "1")
    with listening() as port:
        yield lambda body, limits=LIMITS: run_behind_walls(
            engine, write_cheat(tmp_path / "cheat", body), tiny_dataset, outside, port, limits
        )


@pytest.fixture(scope="module")
def outcomes(engine, tiny_dataset, tmp_path_factory):
    """Return a function that makes all attempts of a kind, once, in one cell."""
    folder = tmp_path_factory.mktemp("attempts")
    outside = folder / "outside.txt"
    outside.write_text("untouched")

    @functools.cache
    def made(kind: str) -> dict[str, float]:
        model = write_attempts(folder / "-".join(kind.split()), kind)
        with listening() as port:
            answered = run_behind_walls(engine, model, tiny_dataset, outside, port, LIMITS)
        predicted = next(iter(answered.asked[0].values()))["propensity"]
        assert len(predicted) >= len(ATTEMPTS[kind])
        assert outside.read_text() == "untouched"
        assert not _left_behind()
        return dict(zip(ATTEMPTS[kind], predicted, strict=False))

    return made


@contextlib.contextmanager
def listening():
    """Listen on a port, which is returned, and on an abstract socket."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(socket.AF_UNIX) as other:
        other.bind(f"\0glassbench-cheat-{os.getpid()}")
        other.listen()
        yield listener.getsockname()[1]


def run_behind_walls(engine, model, dataset, outside, port, limits):
    """Run a malicious submission, told everything it could want to know."""
    view = open_view(load_task("ka_propensity"), dataset, reads=("thermal",))
    condition = view.conditions()[0]
    tested = view.structures("test", condition)
    assignment = Assignment(
        model=model,
        task=view.task,
        hyperparameters={
            "dataset": str(dataset),
            "outside": str(outside),
            "port": port,
            "parent": os.getpid(),
        },
        seed=0,
        questions=[Question(condition, {s.configuration: s for s in tested})],
        weights=model,
        secret=[Path(dataset)],
    )
    return predict_behind_walls(engine, assignment, limits)


@pytest.mark.attempt
@pytest.mark.parametrize(
    ("kind", "attempt"), [(k, a) for k, table in ATTEMPTS.items() for a in table]
)
def test_an_attempt_fails(kind, attempt, outcomes):
    assert outcomes(kind)[attempt] == 0, f"{kind}: {attempt} worked"


def test_what_an_attempt_got_would_be_seen(outcomes, monkeypatch):
    monkeypatch.setitem(
        ATTEMPTS, "own", {"works": "return 1", "fails": "return 0", "harms": "os.abort()"}
    )
    assert outcomes("own") == {"works": 1, "fails": 0, "harms": 0}


@pytest.mark.attempt("a model does what it must not")
@pytest.mark.parametrize("name", CHEATS)
def test_a_cheat_gets_nothing(name, tempted, outside):
    limits = Limits(**vars(LIMITS) | {"wall_seconds": 3}) if name in SHORT else LIMITS
    started = time.monotonic()
    try:
        answered = tempted(CHEATS[name], limits)
    except SandboxError as error:
        assert "\n" not in str(error)
    else:
        values = [v for by in answered.asked for p in by.values() for v in p["propensity"]]
        assert values and not np.any(values), f"{name} worked: {answered.log}"
    assert time.monotonic() - started < 60
    assert outside.read_text() == "untouched"
    assert not _left_behind()


@pytest.mark.attempt("a forged answer")
@pytest.mark.parametrize("name", FORGED)
def test_a_forged_answer_is_refused(name, tempted, outside):
    with pytest.raises(SandboxError) as refused:
        tempted(FORGED[name])
    assert str(refused.value).isprintable()
    assert outside.read_text() == "untouched"


def test_replaced_metrics_change_no_score(tempted, tiny_dataset):
    """The scorer is another process: what the model does to its own metrics is its own affair."""
    from glassbench.trial.score import score_condition

    answered = tempted(
        """
import glassbench.metrics, glassbench.trial.score
for module in (glassbench.metrics, glassbench.trial.score):
    for name in list(vars(module)):
        if callable(getattr(module, name)):
            setattr(module, name, lambda *a, **k: 1.0)
self.predict = None
Cheat.order = np.arange(len(structures[0].positions), dtype=float)
return True
"""
    )
    view = open_view(load_task("ka_propensity"), tiny_dataset)
    condition = view.conditions()[0]
    scored = score_condition(view.task, view, condition, answered.asked[0])
    assert scored.scores["pearson_a"].value is None


def test_an_honest_model_passes_the_same_walls(tempted):
    answered = tempted("return True")
    values = [v for by in answered.asked for p in by.values() for v in p["propensity"]]
    assert np.all(np.array(values) == 1)


def test_there_are_enough_cheats():
    assert len(CHEATS) + len(FORGED) >= 25


def _left_behind() -> list[str]:
    """Return the processes of a cell that still run: children of this test, and orphans."""
    left = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if words[:1] == [sys.executable] and "/library" in words and not _of_another_test(process):
            left.append(" ".join(words))
    return left


def _of_another_test(process: psutil.Process) -> bool:
    """Return whether somebody else started it and still runs."""
    try:
        parents = {parent.pid: parent.name() for parent in process.parents() if parent.pid != 1}
    except psutil.Error:
        return True  # it has ended, or its parent has, while it was looked at
    starters = {pid for pid, name in parents.items() if name not in ("bwrap", "conmon", "python")}
    return bool(starters) and os.getpid() not in parents
