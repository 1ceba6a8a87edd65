from __future__ import annotations

import pytest

from glassbench.experiments.study.declaration import find_study
from glassbench.experiments.study.planning import parse_study, plan_study
from glassbench.experiments.words import split_words
from glassbench.home.workspace import Workspace
from glassbench.plugins.registry import load_task

SMALL = ("model.smallest_radius=0.8", "model.largest_radius=2.2", "model.step=0.2")


@pytest.fixture(scope="session")
def workspace(tmp_path_factory):
    return Workspace(tmp_path_factory.mktemp("studies"))


@pytest.fixture(scope="session")
def make_plan(tiny_dataset, workspace):
    """Return a function that plans a study on the small dataset."""

    def make(name, *words, model="neighbour_count_ridge", dataset=tiny_dataset, task=None):
        chosen = SMALL if model == "neighbour_count_ridge" else ()
        task = load_task(task or "ka_propensity")
        given = [f"task={task.name}", f"model={model}", f"dataset={dataset}", *chosen, *words]
        request = parse_study(
            find_study(name), split_words(given), [axis.name for axis in task.axes]
        )
        return plan_study(task, request, workspace)

    return make
