"""What makes the datasets of a task: the package `generate` in the task's folder.

A task has a generator where its folder, in this repository or a stranger's, holds
`generate/__init__.py`, which defines the names of `Generator`. The package is imported from
there, also in the process of each piece and on the nodes of a cluster; its modules import
each other relatively, and the machinery from `glassbench.simulation`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, cast

from ..contract.errors import UserError
from ..contract.folder_digest import folder_digest
from ..contract.task import Task
from ..datasets.manifest import pack_store
from ..plugins.registry import list_tasks, load_task, plugin_package
from .lammps_library import lammps_version
from .pieces import Piece, Work
from .seeds import describe_seeds, secret_tag

FOLDER = "generate"
POTENTIAL_VARIABLE = "GLASSBENCH_POTENTIAL"
# Folders of generators from which others take something, by task.
LENT: dict[str, Path] = {}
NAMES = ("PLANS", "WORK", "assemble")


class PlannedState(Protocol):
    """What is made alike and becomes one state of a dataset, such as one temperature.

    Its pieces stand each after those that it needs; they take about so many bytes until the
    dataset is assembled.
    """

    @property
    def name(self) -> str: ...

    def pieces(self) -> list[Piece]: ...

    def disk_bytes(self) -> int: ...


StateType = TypeVar("StateType", bound=PlannedState)


@dataclass(frozen=True)
class Plan(Generic[StateType]):
    """A dataset that a generator can make, such as `mini`.

    Attributes
    ----------
    folder : name of the folder of its pieces; plans with the same folder share the pieces that
        have the same name
    variant : what is added to the folder's name, asked anew at each use, such as the digest of
        another potential
    mantissa_bits : precision of the stored labels; 23 keeps float32, 11 an error of 2.5e-4
    """

    name: str
    states: tuple[StateType, ...]
    folder: str
    variant: Callable[[], str] = str
    mantissa_bits: int = 23

    def pieces(self) -> list[Piece]:
        return [piece for state in self.states for piece in state.pieces()]

    def disk_bytes(self) -> int:
        return sum(state.disk_bytes() for state in self.states)

    def pieces_folder(self, generations: Path) -> Path:
        """Return the folder below `generations` where the pieces lie."""
        return generations / hidden_name("-".join(filter(None, [self.folder, self.variant()])))


class Generator(Protocol):
    """The names that `generate/__init__.py` defines.

    It may define four more:

    `POTENTIALS` : by name, what makes each `prepare.Potential` with which inherent and cage
        positions of a user's own structures are made
    `atom_steps_per_second(seconds) -> float` : speed on one core of this machine, measured for
        that long; without it a plan states no CPU hours
    `pieces_from(plan, dataset) -> list[Piece]` : the pieces where samples or states are taken
        from the dataset at a path; without it `samples=` is refused
    `choose_potential(path)` : take another file of the potential, in this process and, through
        the environment variable `POTENTIAL_VARIABLE`, in those of the pieces; without it
        `potential=` is refused

    Attributes
    ----------
    PLANS : the datasets that can be made, by name
    WORK : for each kind of piece the function that makes it, from the piece and the folder of
        all pieces to arrays by name; it runs in a process of its own
    """

    PLANS: Mapping[str, Plan]
    WORK: Mapping[str, Work]

    def assemble(self, plan: Plan, folder: Path, destination: Path) -> Path:
        """Write the dataset of the finished pieces in `folder` and return its path."""
        ...


def generator_folder(task: Task) -> Path:
    """Return the folder of a task's generator."""
    folder = task.folder / FOLDER
    if not (folder / "__init__.py").is_file():
        others = [t.name for t in list_tasks() if (t.folder / FOLDER / "__init__.py").is_file()]
        raise UserError(
            f"task `{task.name}` has no generator ({folder} holds no __init__.py): "
            f"datasets can be made for {', '.join(others)}"
        )
    return folder


def import_generator(folder: Path) -> Generator:
    """Import the package of a generator."""
    module = import_module(plugin_package(folder, folder_digest(folder)))
    missing = [name for name in NAMES if not hasattr(module, name)]
    if missing:
        raise UserError(f"{folder / '__init__.py'} does not define {', '.join(missing)}")
    return cast(Generator, module)


def load_generator(task: Task) -> Generator:
    """Return the generator of a task."""
    return import_generator(generator_folder(task))


def generator_of(task: str) -> Any:
    """Return the generator of a task by name, for another one that takes something from it.

    Nodes of a cluster, which may lack tasks, get its folder with that of the other one.
    """
    if task not in LENT:
        LENT[task] = generator_folder(load_task(task))
    return import_generator(LENT[task])


def load_plan(task: Task, dataset: str) -> Plan:
    """Return the plan of this name."""
    plans = load_generator(task).PLANS
    if dataset not in plans:
        known = ", ".join(sorted(plans))
        raise UserError(f"task {task.name} has no dataset plan `{dataset}`: there are {known}")
    return plans[dataset]


def hidden_name(name: str) -> str:
    """Return a name under which data made with a secret never meet data made without it."""
    tag = secret_tag()
    return f"{name}-hidden-{tag}" if tag else name


def root_attributes(
    name: str,
    *,
    title: str,
    units_system: str,
    citation: str,
    potential: str,
    seeds: str,
    deviations: str = "",
) -> dict[str, object]:
    """Return what a dataset says of itself; `citation` is of the paper whose protocol it follows.

    `deviations` from that protocol, and what the `seeds` are drawn from, are words.
    """
    return {
        "name": name,
        "title": title,
        "units_system": units_system,
        "licence": "CC-BY-4.0",
        "citation": f"Made by GlassBench after the protocol of {citation}",
        "simulator": lammps_version(),
        "potential": potential,
        **({"deviations": deviations} if deviations else {}),
        "seeds": describe_seeds(seeds),
    }


def write_packed(folder: Path, destination: Path, write: Callable[[Path], object]) -> Path:
    """Write a store as a directory in `folder`, pack it to one zip file, and return its path."""
    directory = folder / f"{destination.name}.assembling"
    shutil.rmtree(directory, ignore_errors=True)
    write(directory)
    pack_store(directory, destination)
    shutil.rmtree(directory)
    return destination
