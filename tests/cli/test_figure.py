"""`glassbench figure`: the picture, the table, and what a careless user is told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from glassbench import load_task
from glassbench.plugins.registry import whole_tasks
from glassbench.plugins.task_modules import list_figures
from glassbench.trial.predictions import read_predictions


def test_every_figure_says_what_it_shows_after_whom_and_for_which_tasks(glassbench):
    listed = {
        row["name"]: row for row in json.loads(glassbench("figures", "--json").out)["figures"]
    }
    tasks = {task.name for task in whole_tasks()}
    assert set(listed) == {figure.name for figure in list_figures()} and len(listed) > 10
    for row in listed.values():
        assert row["title"].endswith(".") and "20" in row["source"]
        assert row["tasks"] and set(row["tasks"]) <= tasks


def test_the_share_of_the_most_mobile_is_counted_from_the_predictions(
    glassbench, tiny_dataset, home
):
    words = [f"dataset={tiny_dataset}", "model=number_of_neighbours", "time=5", "cluster=none"]
    answer = glassbench("figure", "most_mobile", *words, "fraction=0.25", "--json")
    assert answer.code == 0, answer.err
    drawn = json.loads(answer.out)
    row = next(row for row in drawn["rows"] if row["type"] == "A")
    (path,) = home.glob("trials/*/*/predictions.npz")
    (guesses,) = read_predictions(path).values()
    shares = []
    for example in load_task("ka_propensity", tiny_dataset).examples("test", time=5.0):
        of_a = example.structure.species == 0
        truth = example.targets["propensity"][of_a]
        guess = guesses[example.structure.configuration]["propensity"][of_a]
        count = int(np.ceil(0.25 * len(truth)))
        top = set(np.argsort(-truth, kind="stable")[:count])
        limit = np.sort(guess)[-count]
        sure, tied = np.flatnonzero(guess > limit), np.flatnonzero(guess == limit)
        places = (count - len(sure)) / len(tied)
        shares.append((len(top & set(sure)) + places * len(top & set(tied))) / count)
    assert row["found"] == pytest.approx(np.mean(shares))
    assert Path(drawn["files"]["figure"]).read_bytes().startswith(b"\x89PNG")
    table = json.loads(Path(drawn["files"]["table"]).read_text(encoding="utf-8"))
    assert table["rows"] == drawn["rows"] and "Bapst" in table["source"]
    # What was trained is used again, here at the same condition for another figure.
    assert glassbench("figure", "distributions", *words).code == 0
    assert len(list(home.glob("trials/*/*/predictions.npz"))) == 1


def test_a_figure_of_data_alone_needs_no_model(glassbench, tiny_dataset):
    words = [f"dataset={tiny_dataset}", "time=5", "largest=1.6"]
    answer = glassbench("figure", "one_radius", *words, "--json")
    assert answer.code == 0, answer.err
    (row,) = json.loads(answer.out)["rows"]
    # A fit to several radii, in which crowding moves particles less, knows more than one.
    assert 0.8 <= row["best_radius"] <= 1.6 and row["all_radii"] > 0.5 * row["best"] > 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["most_mobil"], "there is no figure `most_mobil`: did you mean `most_mobile`"),
        (["most_mobile"], "`model=` is missing"),
        (["one_radius", "model=botan"], "shows data alone: leave `model=` out"),
        (["one_radius", "task=cuzr_stiffness"], "is one of ka_propensity, not of cuzr_stiffness"),
        (["one_radius", "width=wide"], "`width=wide`: 'wide' is not a number"),
        (["one_radius", "widht=0.1"], "there is no key `widht`"),
        (["mirrors", "task=ka_propensity"], "is one of lj2d_plasticity, cuzr_plasticity"),
        (["displacement_field", "file=nothing.npz"], "file=nothing.npz"),
        (["displacement_field", "trajectories=1"], "trajectories must be 2 at least"),
        (["one_radius", "time=5.2", "largest=20"], "figure one_radius: "),
        ([], "the name of a figure is wanted"),
    ],
)
def test_wrong_words_are_named(glassbench, words, message):
    answer = glassbench("figure", *words)
    assert answer.code == 2 and message in answer.err and "Traceback" not in answer.err
