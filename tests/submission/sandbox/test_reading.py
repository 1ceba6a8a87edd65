"""What a cell is handed: the positions that its card reads, and no target of what is asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from glassbench.contract.model_card import read_model_card
from glassbench.datasets.view import open_view
from glassbench.home.workspace import content_folder
from glassbench.model import OTHER_POSITIONS
from glassbench.plugins.registry import load_task
from glassbench.submission.sandbox.limits import Limits
from glassbench.submission.sandbox.predict import (
    Assignment,
    ask_one_by_one,
    draw_order,
    train_behind_walls,
)
from glassbench.trial.stages import Question

from ..handing_in import write_model

LIMITS = Limits(wall_seconds=60)
CARD = '\n[hyperparameters]\npositions = "thermal"\n'
FIELDS = (*OTHER_POSITIONS, "dynamics")
# Says which fields it is given, whether their bytes lie about, and where its first particle is.
CURIOUS = f"""
from pathlib import Path

import numpy as np

FIELDS = {FIELDS!r}


class Stranger:
    def __init__(self, positions):
        self.positions = positions

    def fit(self, train, valid, run):
        pass

    def load(self, folder):
        pass

    def predict(self, structures, condition):
        return [dict(propensity=self.seen(s)) for s in structures]

    def seen(self, s):
        given = Path("/input/structures.pickle").read_bytes()
        values = [getattr(s, name) is not None for name in FIELDS]
        values += [name.encode() in given for name in ("cage_radius", "vibrational_msd", "targets")]
        return np.resize([*map(float, values), *s.positions[0], *[0.0] * 80], len(s.positions))
"""


@pytest.mark.attempt("a model reads other positions than its card says")
@pytest.mark.parametrize("tier", ["thermal", "inherent", "cage"])
def test_a_cell_is_handed_the_positions_of_its_tier_alone(tier, engine, tmp_path):
    folder = write_model(tmp_path / "m", CURIOUS)
    (folder / "model.toml").write_text((folder / "model.toml").read_text() + CARD)
    task = load_task("ka_propensity")
    path = content_folder("tasks") / "ka_propensity" / "mini.zarr.zip"
    view = open_view(task, path, reads=read_model_card(folder).reading({"positions": tier}).reads)
    condition = view.conditions()[0]
    asked = view.structures("test", condition)[:1]
    everything = open_view(task, path).structures("test", condition)[0]
    assert everything.cage_positions is not None and everything.inherent_positions is not None
    assignment = Assignment(
        model=folder, task=task, hyperparameters={"positions": tier}, seed=0,
        questions=[Question(condition, {"one": asked[0]})], weights=folder, secret=[path],
    )  # fmt: skip
    answered = ask_one_by_one(engine, assignment, [[0]], LIMITS)
    seen = answered.asked[0]["one"]["propensity"]
    fields = dict(zip(FIELDS, seen[: len(FIELDS)].astype(bool), strict=False))
    admitted = {name for name, of in OTHER_POSITIONS.items() if of == tier}
    assert {name for name, there in fields.items() if there} == admitted
    assert not seen[len(FIELDS) : len(FIELDS) + 3].any()
    positions = {"thermal": "positions", "inherent": "inherent_positions", "cage": "cage_positions"}
    first = getattr(everything, positions[tier])[0]
    assert np.array_equal(seen[len(FIELDS) + 3 :][:3], first)


# Keeps all that it was given to learn, and answers with any target that it holds of a structure.
JOINT = """
import gc
import hashlib
from pathlib import Path

import numpy as np


def key(s):
    return hashlib.sha256(np.sort(s.positions, axis=0).round(4).tobytes()).hexdigest()


class Stranger:
    def fit(self, train, valid, run):
        self.known = {f"{key(e.structure)}-{n}": e.targets[run.target]
                      for n, e in enumerate([*train, *valid])}

    def save(self, folder):
        folder.mkdir()
        np.savez(folder / "known.npz", **self.known)

    def load(self, folder):
        with np.load(folder / "known.npz") as file:
            self.known = {name: file[name] for name in file.files}

    def predict(self, structures, condition):
        return [dict(propensity=self.of(s)) for s in structures]

    def of(self, s):
        WHERE
        return np.zeros(len(s.positions))
"""
WHERE = {
    "among what it learned": """
        for name, values in self.known.items():
            if name.startswith(key(s)):
                return values
""",
    "among live arrays": """
        from glassbench.model import Example
        for other in gc.get_objects():
            if isinstance(other, Example):
                return other.targets["propensity"]
""",
    "in the files of its cell": """
        import pickle
        given = pickle.loads(Path("/input/structures.pickle").read_bytes())
        for example in [*given["train"], *given["valid"]]:
            return example.targets["propensity"]
""",
}


@pytest.fixture(scope="module")
def view(two_temperatures):
    return open_view(load_task("ka_propensity"), two_temperatures)


@pytest.mark.attempt("a model of all conditions finds a target of what it is asked")
@pytest.mark.parametrize("where", WHERE)
def test_a_joint_model_that_is_asked_at_one_condition_has_no_target_of_another(
    where, engine, view, tmp_path
):
    """Asked about test structures at each condition, having learned from all of them."""
    source = JOINT.replace("        WHERE\n", WHERE[where])
    folder = write_model(tmp_path / "m", source)
    card = (folder / "model.toml").read_text().replace('fit = "one"', 'fit = "all"')
    (folder / "model.toml").write_text(card)
    conditions = view.conditions()
    assert len(conditions) == 4
    questions = [
        Question(c, {s.configuration: s for s in view.structures("test", c)[:1]})
        for c in conditions
    ]
    assignment = Assignment(
        model=folder, task=view.task, hyperparameters={}, seed=0, questions=questions,
        conditions=conditions, train=view.examples("train", conditions),
        valid=view.examples("valid", conditions), secret=[view.dataset.path],
    )  # fmt: skip
    _, weights = train_behind_walls(engine, assignment, LIMITS, tmp_path / "cell")
    with np.load(weights / "known.npz") as known:
        assert len(known.files) == len(assignment.train) + len(assignment.valid)
    assignment = replace(assignment, weights=weights, train=(), valid=())
    answered = ask_one_by_one(engine, assignment, [draw_order(assignment)], LIMITS)
    labels = [e.targets["propensity"] for e in view.examples("test", conditions)]
    for by_structure in answered.asked:
        for prediction in by_structure.values():
            assert not any(np.array_equal(prediction["propensity"], label) for label in labels)
