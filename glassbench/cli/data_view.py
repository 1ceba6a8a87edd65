"""`glassbench data view`: a configuration of a dataset or a file, on a page or as a PNG."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contract.conditions import choose_conditions
from ..contract.errors import UserError, WordError, did_you_mean
from ..experiments.words import check_keys, parse_axis, parse_number
from ..plugins.datasets import find_any
from ..plugins.registry import load_task, whole_tasks
from .output import Asked, Result, absolute, command

if TYPE_CHECKING:
    import numpy as np

    from ..contract.task import Task
    from ..datasets.view import View
    from ..model import Condition, Structure

KEYS = ("frame", "configuration", "run", "task", "colour", "depth", "out", "png", "open", "home")
SPECIES = "species"


@dataclass(frozen=True)
class Shown:
    """A structure with values of its particles by name, and what they are of."""

    structure: Structure
    values: Mapping[str, np.ndarray]
    species: tuple[str, ...]
    task: Task | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    length: str = ""


@command(None, plain="NAME|FILE")
def view(asked: Asked) -> Result:
    """Look at a configuration in the browser, offline: a slice or spheres, and a threshold.

    [configuration=NAME] [temperature=…] [time=…] [run=RUN] [task=NAME] [frame=N]
    [png=FILE.png] [depth=0.5] [colour=NAME] [out=FILE.html] [open=on|off] [home=FOLDER]

    Particles are coloured by species, by the target of a dataset, and with run= by the prediction
    of a run and its error; in a file, by the columns that predict writes. png= draws a slice for a
    paper instead, of all these or of colour= alone, at a share depth= of the third axis.
    """
    name, values = asked.one("the dataset or file", "mini"), asked.values
    axes = {k: v for k, v in values.items() if k not in KEYS}
    is_structure = Path(name).is_file() and not name.endswith(".zip")
    shown = _of_file(Path(name), asked) if is_structure else _of_dataset(name, asked, axes)
    structure = shown.structure
    plain = {"configuration": structure.configuration, "values": [SPECIES, *shown.values]}
    if "png" in values:
        from ..figures import draw_slice

        panels = dict(shown.values) or {SPECIES: structure.species.astype(float)}
        if "colour" in values:
            panels = {values["colour"]: _chosen(values["colour"], shown)}
        depth = parse_number("depth", values.get("depth", "0.5"))
        path = absolute(values["png"])
        title = structure.configuration
        task = shown.task if shown.task and SPECIES not in panels else None
        draw_slice(structure, panels, task, title, path, own_scales=True, depth=depth)
        return Result(plain | {"png": str(path)}, [str(path)])
    from ..pages.view import view_structure

    page = view_structure(
        structure, shown.values, species=shown.species, units=shown.units, length=shown.length
    )
    usual = asked.workspace.home / "figures" / "views" / f"{structure.configuration}.html"
    path = page.save(asked.path("out") or usual)
    if asked.switch("open", "off" if asked.json or "out" in values else "on"):
        import webbrowser

        webbrowser.open(path.as_uri())
    return Result(plain | {"page": str(path)}, [str(path)])


def _chosen(colour: str, shown: Shown) -> np.ndarray:
    known = dict(shown.values) | {SPECIES: shown.structure.species.astype(float)}
    if colour not in known:
        raise WordError(f"`colour={colour}` is not here{did_you_mean(colour, known)}")
    return known[colour]


def _of_file(path: Path, asked: Asked) -> Shown:
    from ..datasets.formats import name_of, read_frames, structure_of

    check_keys(asked.values, set(KEYS) - {"configuration", "run", "task"})
    targets = {target for task in whole_tasks() for target in task.targets}
    frames = read_frames(path, on_problem=lambda message: None, columns=sorted(targets))
    number = asked.count("frame", 0, least=0)
    if number >= len(frames):
        raise WordError(f"`frame={number}`: {path} has the frames 0 to {len(frames) - 1}")
    frame = frames[number]
    kinds = sorted(set(frame.labels.tolist()))
    structure = structure_of(frame, name_of(path, frame), species=kinds)
    return Shown(structure, {n: a for n, a in frame.arrays.items() if a.ndim == 1}, tuple(kinds))


def _of_dataset(name: str, asked: Asked, axes: Mapping[str, str]) -> Shown:
    from ..contract.units import UNITS, printed
    from ..datasets.view import open_view

    entry = find_any(name, asked.workspace)
    task: Task | None = None
    guesses: dict[str, Any] = {}
    if "run" in asked.values:
        task, guesses = _of_run(asked)
    word = asked.values.get("task") or entry.task
    task = load_task(word) if word else task or _task_of(entry.path)
    opened = open_view(task, entry.path)
    check_keys(axes, (*KEYS, *(axis.name for axis in task.axes)))
    choices = {axis: parse_axis(axis, text) for axis, text in axes.items()}
    known = [c for c in opened.conditions("test") if not guesses or c.name in guesses]
    if not known:
        raise UserError(f"the run predicts at {', '.join(guesses)}: {name} has none of these")
    condition = choose_conditions(known, choices, {}, f"dataset {name}")[-1]
    structure, values = _example(opened, condition, asked.values.get("configuration"))
    target = task.targets[task.target]
    if guesses:
        own = guesses[condition.name].get(structure.configuration)
        if own is None:
            raise WordError(f"the run has no prediction for {structure.configuration}")
        guess = own[task.target]
        values |= {"prediction": guess, "error": guess - values[task.target]}
    system = str(opened.dataset.attributes["units_system"])
    kinds = range(int(structure.species.max()) + 1)
    return Shown(
        structure,
        values,
        tuple(opened.species_name(condition, kind) for kind in kinds),
        task,
        dict.fromkeys(values, printed(target.unit) if target.unit != "1" else ""),
        printed(UNITS[system]["length"]),
    )


def _example(
    opened: View, condition: Condition, name: str | None
) -> tuple[Structure, dict[str, np.ndarray]]:
    """Return a structure and its target; by default the first of the test split."""
    target = opened.task.target
    names = []
    for split in ("test", "valid", "train"):
        for example in opened.examples(split, (condition,)):
            if name in (None, example.structure.configuration):
                return example.structure, {target: example.targets[target]}
            names.append(example.structure.configuration)
    raise WordError(f"there is no configuration `{name}`{did_you_mean(str(name), names)}")


def _of_run(asked: Asked) -> tuple[Task, dict]:
    """Return the task of a run, and its predictions by condition and configuration."""
    from ..experiments.trained import find_run
    from ..trial.predictions import read_predictions

    _, record = find_run(asked.values["run"], asked.workspace)
    guesses: dict = {}
    for key in dict.fromkeys(Path(e["path"]).parent.name for e in record["predictions"]):
        path = asked.workspace.trial_folder(key) / "predictions.npz"
        guesses = read_predictions(path) | guesses
    return load_task(record["task"]["name"]), guesses


def _task_of(path: Path) -> Task:
    from ..datasets.store import open_dataset

    dataset = open_dataset(path)
    states = [dataset.state(name) for name in dataset.states]
    held = {name for state in states for name in state.variables}
    for task in whole_tasks():
        target = task.targets[task.target]
        fits = all(
            axis.name in state.coordinates or axis.name in state.attributes
            for axis in task.axes
            for state in states
        )
        if target.per == "particle" and (target.label_of or target.name) in held and fits:
            return task
    raise UserError(f"{path} has no target of a task: say which it is of, task=NAME")
