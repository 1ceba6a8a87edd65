"""A stranger's reader: in a task's folder anywhere, at a path, or in an installed package."""

import json
import shutil
import sys

import numpy as np
import pytest

from glassbench.cli import main
from glassbench.contract.errors import UserError
from glassbench.datasets.importing import import_dataset, run_in_processes
from glassbench.datasets.manifest import verify
from glassbench.datasets.store import open_dataset
from glassbench.plugins.registry import load_task
from glassbench.plugins.task_modules import find_reader, list_readers

READER = '''
"""Text files of positions, and how far each particle moved."""

import numpy as np

from glassbench.contract.errors import SourceError
from glassbench.datasets.layout import (
    ConfigurationEntry,
    StateLayout,
    propensity_variables,
    structure_variables,
    times_coordinate,
)
from glassbench.datasets.source import PlannedState, Problem, SourcePlan, split_files

from ._units import ANGSTROM

WORDS = ("density",)
ATTRIBUTES = {"title": "walks", "units_system": "lj", "licence": "CC0", "citation": "none"}


def plan(source, words):
    files = split_files(source, "*.txt")
    layout = StateLayout(
        name="T1",
        attributes={"temperature": 1.0, "tau_alpha": 1.0},
        configurations=tuple(ConfigurationEntry(p.stem, split, p.stem) for split, p in files),
        particles=27,
        variables=(*structure_variables(), *propensity_variables(halves=False)),
        coordinates={"time": times_coordinate((1.0,))},
    )
    named = tuple((path.relative_to(source).as_posix(),) for _, path in files)
    return SourcePlan(ATTRIBUTES, (PlannedState(layout, named),))


def read(source, files, layout, index, words):
    try:
        table = np.loadtxt(source / files[0]).reshape(layout.particles, 4)
    except ValueError as error:
        return None, [Problem(files[0], str(error))]
    (density,) = words.get("density", (1.0,))
    return {
        "positions": table[:, :3] * ANGSTROM,
        "species": np.zeros(layout.particles, dtype=np.int8),
        "box": np.full(3, (layout.particles / density) ** (1 / 3)),
        "propensity": table[None, :, 3],
    }, []
'''


@pytest.fixture
def strange_task(tmp_path):
    """Return the folder of a task outside the repository, with a reader of its own."""
    folder = tmp_path / "site" / "strange_package" / "walks"
    (folder / "readers").mkdir(parents=True)
    text = (load_task("ka_propensity").folder / "task.toml").read_text(encoding="utf-8")
    text = text.replace('name = "ka_propensity"', 'name = "strange_walks"', 1)
    (folder / "task.toml").write_text(text, encoding="utf-8")
    (folder / "readers" / "walk_table.py").write_text(READER)
    (folder / "readers" / "_units.py").write_text("ANGSTROM = 1.0\n")
    return folder


@pytest.fixture
def tables(tmp_path):
    """Return a folder with four files of the stranger's format."""
    sites = np.stack(np.meshgrid(*[np.arange(3)] * 3, indexing="ij"), -1).reshape(-1, 3)
    for number, split in enumerate(("train", "train", "train", "test")):
        generator = np.random.default_rng(number)
        positions = sites + generator.uniform(0.3, 0.7, (27, 3))
        folder = tmp_path / "tables" / split
        folder.mkdir(parents=True, exist_ok=True)
        moves = generator.uniform(size=27)
        np.savetxt(folder / f"{number}.txt", np.column_stack([positions, moves]))
    return tmp_path / "tables"


def install(folder, monkeypatch, entry_points):
    """Make the folder of the stranger's package look installed."""
    site = folder.parents[1]
    installed = site / "strange_package-1.0.dist-info"
    installed.mkdir()
    metadata = "Metadata-Version: 2.1\nName: strange-package\nVersion: 1\n"
    (installed / "METADATA").write_text(metadata)
    (installed / "entry_points.txt").write_text(entry_points)
    (site / "strange_package" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(site))
    for name in [name for name in sys.modules if name.startswith("strange_package")]:
        monkeypatch.delitem(sys.modules, name)


def call(*words):
    with pytest.raises(SystemExit) as left:
        main(list(words))
    return left.value.code or 0


def test_a_file_becomes_a_dataset_that_is_verified(strange_task, tables, tmp_path, capsys):
    reader, home = str(strange_task / "readers" / "walk_table.py"), f"home={tmp_path / 'home'}"
    words = (
        "data",
        "import",
        reader,
        str(tables),
        "name=walked",
        "cluster=none",
        "workers=1",
        home,
    )
    assert call(*words, "sigma=1") == 2
    assert "there is no key `sigma`" in capsys.readouterr().err
    assert call(*words, "density=1", "--json") == 0
    path = json.loads(capsys.readouterr().out)["path"]
    assert call("data", "verify", path) == 0
    state = open_dataset(path).state("T1")
    assert sorted(state.splits) == ["test", "train", "train", "valid"]
    first = np.loadtxt(tables / "train" / "0.txt")
    assert np.array_equal(state.one("propensity", 1)[0], first[:, 3].astype(np.float32))


def test_the_task_of_an_installed_package_brings_its_reader(
    strange_task, tables, tmp_path, monkeypatch
):
    points = "[glassbench.tasks]\nstrange_walks = strange_package.walks\n"
    install(strange_task, monkeypatch, points)
    reader = find_reader("walk_table")
    assert reader.origin == "strange_walks" and reader.summary.startswith("Text files")
    (tables / "train" / "1.txt").write_text("1 2 3")
    report = import_dataset(reader, tables, tmp_path / "out", run=run_in_processes(2))
    assert [problem.file for problem in report.problems] == ["train/1.txt"]
    assert sum(report.configurations["T1"].values()) == 3
    assert not verify(tmp_path / "out")


def test_an_installed_package_names_a_reader(strange_task, monkeypatch):
    points = "[glassbench.readers]\ntable = strange_package.walks.readers.walk_table\n"
    install(strange_task, monkeypatch, points)
    (table,) = [reader for reader in list_readers() if reader.name == "table"]
    assert table.origin == "package strange-package"
    assert find_reader("table").load().WORDS == ("density",)


def test_what_is_wrong_with_a_reader_is_named(strange_task, monkeypatch):
    file = strange_task / "readers" / "walk_table.py"
    file.write_text("WORDS = ()\n")
    with pytest.raises(UserError, match=r"walk_table\.py does not define plan, read"):
        find_reader(str(file)).load()
    file.write_text("import no_such_module\n")
    with pytest.raises(UserError, match="cannot be imported: ModuleNotFoundError"):
        find_reader(str(file)).load()
    with pytest.raises(UserError, match="is no file"):
        find_reader(str(strange_task / "readers"))
    shutil.copy(file, file.with_name("botan.py"))
    install(strange_task, monkeypatch, "[glassbench.tasks]\nw = strange_package.walks\n")
    with pytest.raises(UserError, match="two readers are named `botan`"):
        list_readers()
