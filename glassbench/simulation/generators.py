"""Which tasks have a generator, and what a generator offers.

A system is added as one module `glassbench/simulation/<task>.py`, named in
`GENERATED_TASKS`. It offers, as plain names of the module:

`PLANS` : dict from the name of a dataset (`mini`, `paper`) to its plan
`pieces(dataset) -> list[Piece]` : every piece, each after those that it needs
`disk_bytes(dataset) -> int` : what the pieces take until the dataset is assembled
`WORK` : dict from the kind of a piece to the function that makes it; the
    function takes the request (`arguments`, `needs`, `folder`, `log`) and
    returns a dict of arrays; it runs in a process of its own
`assemble(dataset, folder, destination) -> Path` : write the dataset of all pieces
`atom_steps_per_second(seconds) -> float` : atom-steps per CPU second of this
    system on one core, measured for that long
`folder_name(dataset) -> str`, optional : the folder of the pieces; two tasks that
    give the same name share the pieces that have the same name. Without it the
    folder is `<task>-<dataset>`
`pieces_from(dataset, path) -> list[Piece]`, optional : the pieces when samples are taken
    from the dataset at `path` where it holds them
`choose_potential(path)`, optional : take another file of the potential in this
    process and in those that it starts

Modules are imported late, since they reach LAMMPS and the dataset writer.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType

from ..contract.errors import UserError
from .seeds import secret_tag

GENERATED_TASKS = ("ka_propensity", "lj2d_plasticity", "cuzr_stiffness", "cuzr_plasticity")


def generator_of(task: str) -> ModuleType:
    """Return the module that generates the datasets of a task.

    Raises
    ------
    UserError
        If the task has no generator.
    """
    if task not in GENERATED_TASKS:
        raise UserError(
            f"task `{task}` has no generator: there are {', '.join(sorted(GENERATED_TASKS))}"
        )
    return import_module(f".{task}", __package__)


def check_plan(task: str, dataset: str) -> ModuleType:
    """Return the generator of a task that has a plan of this name.

    Raises
    ------
    UserError
        If there is no such task or plan.
    """
    generator = generator_of(task)
    if dataset not in generator.PLANS:
        known = ", ".join(sorted(generator.PLANS))
        raise UserError(f"task {task} has no dataset plan `{dataset}`: there are {known}")
    return generator


def pieces_folder(task: str, dataset: str, generations: Path) -> Path:
    """Return the folder below `generations` where the pieces of a dataset lie."""
    generator = generator_of(task)
    shared = hasattr(generator, "folder_name")
    name = generator.folder_name(dataset) if shared else f"{task}-{dataset}"
    return generations / hidden_name(name)


def hidden_name(name: str) -> str:
    """Return a name by which what is made with a secret never meets what is made without."""
    tag = secret_tag()
    return f"{name}-hidden-{tag}" if tag else name
