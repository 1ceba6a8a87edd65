"""A stranger's task brings its own generator: in a folder anywhere, or in an installed package."""

import json
import shutil

import pytest

from glassbench.cli import main
from glassbench.contract.errors import UserError
from glassbench.datasets.manifest import verify
from glassbench.datasets.store import open_dataset
from glassbench.home.workspace import Workspace
from glassbench.plugins.registry import load_task
from glassbench.simulation.generate import generate_dataset
from glassbench.simulation.generator import load_generator

INIT = '''
"""Random walks on a lattice: a dataset that needs no LAMMPS."""

from glassbench.datasets.writing import write_dataset
from glassbench.simulation.generator import write_packed
from glassbench.simulation.generator import Plan
from glassbench.simulation.pieces import read_piece

from .walk import ENTRIES, State, layout, make_walk

PLANS = {"walks": Plan("walks", (State(),), "stranger-walks")}
WORK = {"walk": make_walk}
ATTRIBUTES = {
    "name": "walks", "title": "walks", "units_system": "lj", "licence": "CC0", "citation": "none"
}


def assemble(plan, folder, destination):
    arrays = {"T1": [read_piece(folder, entry.name) for entry in ENTRIES]}
    return write_packed(
        folder, destination, lambda path: write_dataset(path, ATTRIBUTES, [layout()], arrays)
    )
'''
WALK = """
from dataclasses import dataclass

import numpy as np

from glassbench.datasets.layout import (
    ConfigurationEntry,
    StateLayout,
    propensity_variables,
    structure_variables,
    times_coordinate,
)
from glassbench.simulation.pieces import Piece
from glassbench.simulation.seeds import generator_from_names

ENTRIES = [ConfigurationEntry(split, split, split) for split in ("train", "valid", "test")]


@dataclass(frozen=True)
class State:
    name: str = "T1"

    def pieces(self):
        return [Piece(entry.name, "walk", {"seed": entry.name}) for entry in ENTRIES]

    def disk_bytes(self):
        return 10_000


def make_walk(piece, folder):
    generator = generator_from_names("walk", piece.arguments["seed"])
    sites = np.stack(np.meshgrid(*[np.arange(3)] * 3, indexing="ij"), -1).reshape(-1, 3)
    halves = np.abs(generator.normal(size=(2, 2, 27))) + sites[:, 0]
    return {
        "positions": (sites + generator.uniform(0.4, 0.6, (27, 3))).astype(np.float32),
        "species": np.arange(27, dtype=np.int8) % 2,
        "box": np.full(3, 3.0),
        "propensity": halves.mean(axis=0).astype(np.float32),
        "propensity_half_difference": ((halves[0] - halves[1]) / 2).astype(np.float32),
    }


def layout():
    return StateLayout(
        name="T1",
        attributes={"temperature": 1.0, "tau_alpha": 1.0},
        configurations=tuple(ENTRIES),
        particles=27,
        variables=(*structure_variables(), *propensity_variables()),
        coordinates={"time": times_coordinate((1.0, 2.0))},
    )
"""


@pytest.fixture
def strange_task(tmp_path):
    """Return the folder of a task outside the repository, with a generator of its own."""
    folder = tmp_path / "site" / "walking_package" / "walks"
    (folder / "generate").mkdir(parents=True)
    text = (load_task("ka_propensity").folder / "task.toml").read_text(encoding="utf-8")
    text = text.replace('name = "ka_propensity"', 'name = "strange_walks"', 1)
    (folder / "task.toml").write_text(text, encoding="utf-8")
    (folder / "generate" / "__init__.py").write_text(INIT)
    (folder / "generate" / "walk.py").write_text(WALK)
    return folder


def call(*words):
    with pytest.raises(SystemExit) as left:
        main(list(words))
    return left.value.code or 0


def test_a_folder_becomes_a_dataset_that_is_verified(strange_task, tmp_path, capsys):
    home = f"home={tmp_path / 'home'}"
    words = ("data", "generate", str(strange_task), "dataset=walks", "cluster=none", home)
    assert call(*words, "plan=on") == 0
    assert ["walk", "3", "3"] in [line.split()[:3] for line in capsys.readouterr().out.splitlines()]
    assert call(*words, "--json") == 0
    path = json.loads(capsys.readouterr().out)["path"]
    assert path.endswith("strange_walks-walks.zarr.zip")
    assert call("data", "verify", path) == 0
    assert open_dataset(path).state("T1").splits == ("train", "valid", "test")


def test_a_task_of_an_installed_package_brings_its_generator(strange_task, tmp_path, monkeypatch):
    site = tmp_path / "site"
    installed = site / "walking_package-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: walking-package\nVersion: 1\n"
    )
    (installed / "entry_points.txt").write_text(
        "[glassbench.tasks]\nstrange_walks = walking_package.walks\n"
    )
    (site / "walking_package" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(site))
    task = load_task("strange_walks")
    assert task.folder == strange_task
    made = generate_dataset(task, "walks", Workspace(tmp_path / "home"))
    assert not verify(made)


def test_what_a_generator_lacks_is_named(strange_task):
    init = strange_task / "generate" / "__init__.py"
    init.write_text("PLANS = {}\n")
    with pytest.raises(UserError, match=r"__init__\.py does not define WORK, assemble"):
        load_generator(load_task(strange_task))
    init.write_text("import no_such_module\n")
    with pytest.raises(UserError, match=r"cannot be imported: ModuleNotFoundError"):
        load_generator(load_task(strange_task))
    shutil.rmtree(init.parent)
    with pytest.raises(UserError, match="task `strange_walks` has no generator"):
        load_generator(load_task(strange_task))
