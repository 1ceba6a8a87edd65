"""Every command of docs/papers.md has words that exist: of figures, studies, tasks and models."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from glassbench.experiments.request import cards_of
from glassbench.experiments.study.declaration import find_study
from glassbench.experiments.study.planning import parse_study
from glassbench.experiments.words import parse_run, split_words
from glassbench.plugins.registry import load_task
from glassbench.plugins.task_modules import find_figure, find_reader, list_figures
from glassbench.simulation.generator import load_plan

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "papers.md").read_text(encoding="utf-8")
COMMANDS = sorted(set(re.findall(r"`glassbench ([^`]+)`", PAGE)))


def check_run(task, words, more=()):
    """Refuse words of a run that name no axis, model or hyperparameter."""
    request = parse_run(split_words(words), [axis.name for axis in task.axes], more)
    for card in cards_of(task, request.models):
        card.hyperparameters_for(task.name, request.dataset or "mini", request.hyperparameters)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_words_of_each_command_exist(command):
    name, *words = command.split()
    if name == "figure":
        found, module = find_figure(words[0]), find_figure(words[0]).load()
        values = split_words(words[1:])
        task = load_task(values.setdefault("task", found.origin))
        assert task.name in {found.origin, *getattr(module, "TASKS", ())}
        assert ("model" in values) == module.MODELS
        words = [f"{key}={value}" for key, value in values.items()]
        check_run(task, words if module.MODELS else [*words, "model=all"], module.OPTIONS)
    elif name == "study":
        task = load_task(split_words(words[1:])["task"])
        request = parse_study(
            find_study(words[0]), split_words(words[1:]), [a.name for a in task.axes]
        )
        cards_of(task, request.run.models)
    elif name in ("run", "sweep"):
        check_run(load_task(split_words(words)["task"]), words)
    elif words[0] == "generate":
        load_plan(load_task(words[1]), split_words(words[2:])["dataset"])
    elif words[0] == "import":
        find_reader(words[1])
    else:
        assert (name, words[0]) in {("data", "info"), ("explain", "RUN")}


def test_every_figure_is_on_the_page():
    named = {command.split()[1] for command in COMMANDS if command.startswith("figure ")}
    assert named >= {figure.name for figure in list_figures()}
