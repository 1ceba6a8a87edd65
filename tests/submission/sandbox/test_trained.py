"""What a model leaves when it is trained behind walls: an archive of a stranger, like any other."""

# ruff: noqa: E501
from __future__ import annotations

import pytest

from glassbench.datasets.view import open_view
from glassbench.plugins.registry import load_task
from glassbench.submission.sandbox.limits import Limits, SandboxError, SubmissionError
from glassbench.submission.sandbox.predict import Assignment, train_behind_walls

from ..handing_in import HONEST, write_model

LIMITS = Limits(wall_seconds=20, memory_bytes=640 * 2**20, answer_bytes=8 * 2**20)
# Lines of `save`, and what is said of it.
SAVED = {
    "a pickle": ("(folder / 'w.pkl').write_bytes(b'x')", "is a pickle"),
    "a program": ("(folder / 'w.so').write_bytes(b'x')", "is compiled"),
    "hidden code": ("(folder / 'm.py').write_text('x = 1 #\\u202e')", "nobody sees"),
    "a bomb": ("(folder / 'w.txt').write_bytes(bytes(2**24))", "unfolds to"),
    "too many": ("[(folder / f'{n}.txt').touch() for n in range(5100)]", "at most 5000 files"),
    "too deep": ("d = folder / '/'.join('a' * 30); d.mkdir(parents=True); (d / 'x.txt').touch()", "folders deep"),
    "an odd name": ("(folder / 'a\\x1b[2J.txt').touch()", "no plain path"),
    "two names that are one": ("(folder / 'a.txt').touch(); (folder / 'A.txt').touch()", "is there twice"),
    "a drive": ("(folder / 'C:x.txt').touch()", "leads out"),
    "a pipe and a link": ("import os; os.mkfifo(folder / 'pipe'); os.symlink('/dev/zero', folder / 'zero')", None),
    "what is hidden": ("(folder / '.hidden').touch(); (folder / '__pycache__').mkdir()", None),
    "an archive of its own making": ("(folder.parent / 'trained.zip').mkdir()", "model failed"),
    "a file for a folder": ("import shutil; shutil.rmtree(folder); folder.write_text('x')", None),
    "nothing": ("pass", None),
}  # fmt: skip


@pytest.mark.attempt("what a model saves")
@pytest.mark.parametrize("name", SAVED)
def test_what_a_trained_model_saves_is_held_to_what_may_be_handed_in(
    name, engine, tiny_dataset, tmp_path
):
    line, message = SAVED[name]
    source = HONEST.replace('        np.savez(folder / "w.npz", w=self.w)', f"        {line}")
    view = open_view(load_task("ka_propensity"), tiny_dataset)
    condition = view.conditions()[0]
    assignment = Assignment(
        model=write_model(tmp_path / "mine", source),
        task=view.task,
        hyperparameters={},
        seed=0,
        questions=[],
        conditions=(condition,),
        train=view.examples("train", (condition,))[:1],
    )
    before = sorted(tmp_path.iterdir())
    if message is None:
        _, weights = train_behind_walls(engine, assignment, LIMITS, tmp_path / "cell")
        assert weights is not None and [p for p in weights.rglob("*") if p.is_file()] == []
        return
    with pytest.raises((SandboxError, SubmissionError), match=message):
        train_behind_walls(engine, assignment, LIMITS, tmp_path / "cell")
    assert set(tmp_path.iterdir()) <= {*before, tmp_path / "cell"}
