"""An import loses nothing: bad files are named, a killed one goes on to the same dataset."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from glassbench.contract.errors import DatasetError, SourceError
from glassbench.datasets.importing import import_dataset, run_here, run_in_processes
from glassbench.datasets.manifest import verify
from glassbench.datasets.store import describe_dataset, open_dataset
from glassbench.plugins.task_modules import find_reader

BOTAN = find_reader("botan")
WORDS = {"pair_cutoff": (1.8,)}
ROOT = Path(__file__).resolve().parents[2]

KILLED = """
import os, signal, sys
from glassbench.datasets import importing, writing
from glassbench.datasets.importing import run_here
from glassbench.plugins.task_modules import find_reader

source, destination, place, count = sys.argv[1:]
left = int(count)

def kill_at(module, name):
    original = getattr(module, name)
    def replaced(*arguments, **named):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **named)
    setattr(module, name, replaced)

module, name = place.split(":")
kill_at({"importing": importing, "writing": writing}[module], name)
words = {"pair_cutoff": (1.8,)}
reader = find_reader("botan")
importing.import_dataset(reader, source, destination, words=words, run=run_here)
"""


def import_here(source: Path, destination: Path, **settings):
    return import_dataset(BOTAN, source, destination, words=WORDS, run=run_here, **settings)


def test_a_cluster_imports_the_dataset_that_this_machine_imports(reference, tmp_path):
    from glassbench.cluster.functions import open_import_run, run_on_ray

    source, digest = reference
    with open_import_run(source, tmp_path, "local", workers=2) as run:
        assert run.func is run_on_ray
        report = import_dataset(BOTAN, source, tmp_path / "there", words=WORDS, run=run)
    assert report.digest == digest and not report.problems


@pytest.fixture
def reference(make_botan, tmp_path):
    """A source folder and the digest of its import in one go."""
    source = make_botan()
    return source, import_here(source, tmp_path / "reference").digest


@pytest.mark.parametrize(
    ("place", "count"),
    [
        ("importing:create_store", 1),
        ("writing:_stored", 12),
        ("importing:write_json", 4),
        ("importing:finish_store", 1),
        ("writing:_names", 1),
    ],
)
def test_a_killed_import_goes_on_to_the_same_dataset(reference, tmp_path, place, count):
    source, digest = reference
    destination = tmp_path / "killed"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", KILLED, str(source), str(destination), place, str(count)]
    code = subprocess.run(command, env=environment, check=False).returncode
    assert code == -signal.SIGKILL
    assert not destination.exists()
    done = len(list((tmp_path / "killed.importing" / "ledger").glob("*.json")))
    events = []
    report = import_here(source, destination, on_event=events.append)
    assert len(events) == 6 - done
    assert report.digest == digest
    assert verify(destination) == []
    assert not (tmp_path / "killed.importing").exists()


def test_processes_give_what_one_gives(reference, tmp_path):
    source, digest = reference
    report = import_dataset(
        BOTAN, source, tmp_path / "parallel", words=WORDS, run=run_in_processes(2)
    )
    assert report.digest == digest
    assert verify(tmp_path / "parallel") == []


def test_the_order_of_the_work_does_not_matter(reference, tmp_path):
    source, digest = reference
    report = import_dataset(
        BOTAN,
        source,
        tmp_path / "reversed",
        words=WORDS,
        run=lambda tasks: run_here(list(reversed(tasks))),
    )
    assert report.digest == digest


def test_a_second_import_finds_the_first(reference, tmp_path):
    source, digest = reference
    events = []
    report = import_here(source, tmp_path / "reference", on_event=events.append)
    assert report.digest == digest
    assert events == []


def test_damaged_files_are_named_and_the_others_are_kept(make_botan, tmp_path):
    source = make_botan()
    train = source / "T0.64" / "train"
    truncated = train / "isoconfig_N64T0.64_1_tc02.npz"
    truncated.write_bytes(truncated.read_bytes()[:1000])
    for index in (1, 2):
        np.savez(train / f"isoconfig_N64T0.64_2_tc0{index}.npz", types=np.zeros(64, dtype=int))
    (train / "notes.npz").write_bytes(b"")
    report = import_here(source, tmp_path / "out")
    reasons = {Path(problem.file).name: problem.message for problem in report.problems}
    assert set(reasons) == {
        truncated.name,
        "isoconfig_N64T0.64_2_tc01.npz",
        "isoconfig_N64T0.64_2_tc02.npz",
        "notes.npz",
    }
    assert "cut off or altered" in reasons[truncated.name]
    assert "has no array `initial_positions`" in reasons["isoconfig_N64T0.64_2_tc01.npz"]
    dataset = open_dataset(tmp_path / "out")
    names = np.array(dataset.state("T0.64").configuration_ids)
    assert names[dataset.state("T0.64").configurations()].tolist() == ["1", "3", "4", "401", "402"]
    held = [dataset.state("T0.64").holds(i, "propensity", time=0.165) for i in range(len(names))]
    assert "1" not in names[held]
    assert np.isfinite(dataset.state("T0.64").values(0, "propensity", time=0.1)).all()
    with pytest.raises(DatasetError, match="at time 0.165 is not in"):
        dataset.state("T0.64").values(0, "propensity", time=0.165)
    assert verify(tmp_path / "out") == []


def test_mended_files_are_read_again_and_give_the_dataset_of_a_clean_import(reference, tmp_path):
    source, digest = reference
    train = source / "T0.64" / "train"
    whole = {}
    for name in ("isoconfig_N64T0.64_1_tc02.npz", "isoconfig_N64T0.64_3_tc01.npz"):
        whole[name] = (train / name).read_bytes()
        (train / name).write_bytes(whole[name][:500])
    destination = tmp_path / "mended"
    assert import_here(source, destination).digest != digest
    for name, content in whole.items():
        (train / name).write_bytes(content)
    events = []
    report = import_here(source, destination, on_event=events.append)
    assert [event.configuration for event in events] == ["1", "3"]
    assert report.digest == digest
    assert report.problems == ()


def test_a_file_that_breaks_later_leaves_nothing_behind(reference, tmp_path):
    source, _ = reference
    for index in (1, 2):
        path = source / "T0.64" / "train" / f"isoconfig_N64T0.64_1_tc0{index}.npz"
        path.write_bytes(b"broken")
    report = import_here(source, tmp_path / "reference")
    assert report.digest == import_here(source, tmp_path / "fresh").digest
    assert not list((tmp_path / "reference" / "store.zarr").glob("T0.64/*/c/0/*/*"))


@pytest.mark.usefixtures("reference")
def test_validation_is_carved_from_training_and_told(tmp_path):
    dataset = open_dataset(tmp_path / "reference")
    state = dataset.state("T0.64")
    split = dict(zip(state.configuration_ids, state.splits, strict=True))
    assert {name for name, s in split.items() if s == "test"} == {"401", "402"}
    assert sorted(split.values()).count("valid") == 1
    described = describe_dataset(tmp_path / "reference")
    assert described["states"]["T0.64"]["configurations"] == {"train": 3, "valid": 1, "test": 2}
    assert described["citation"]


def test_another_plan_at_the_same_place_is_refused(reference, tmp_path):
    source, _ = reference
    with pytest.raises(DatasetError, match="begun with other settings"):
        import_dataset(BOTAN, source, tmp_path / "reference", words={"pair_cutoff": (1.7,)})
    (source / "T0.64" / "test" / "isoconfig_N64T0.64_402_tc01.npz").unlink()
    with pytest.raises(DatasetError, match="begun with other states"):
        import_here(source, tmp_path / "reference")
    (tmp_path / "something").mkdir()
    with pytest.raises(DatasetError, match="exists and is no import"):
        import_here(source, tmp_path / "something")


def test_a_folder_with_a_capital_is_a_split_too(reference, tmp_path):
    source, digest = reference
    (source / "T0.64" / "train").rename(source / "T0.64" / "Train")
    assert import_here(source, tmp_path / "capital").digest == digest


def test_a_test_structure_that_is_trained_on_is_refused(make_botan, tmp_path):
    source = make_botan(indices=(1,))
    test, train = (source / "T0.64" / split for split in ("test", "train"))
    with np.load(train / "isoconfig_N64T0.64_2_tc01.npz") as file:
        arrays = dict(file)
    edge = (64 / 1.2) ** (1 / 3)
    moved = {n: (arrays[n][..., [1, 2, 0]] + 0.4) for n in ("positions", "initial_positions")}
    moved["positions"] += np.mod(moved["initial_positions"], edge) - moved["initial_positions"]
    moved["initial_positions"] = np.mod(moved["initial_positions"], edge)
    np.savez(test / "isoconfig_N64T0.64_403_tc01.npz", **arrays | moved)
    message = r"403 of T0.64 \(test\) is the same structure as 2 of T0.64 \(train\)"
    with pytest.raises(SourceError, match=message):
        import_here(source, tmp_path / "leaky")
    assert not (tmp_path / "leaky").exists()


def test_sources_without_data_are_refused(tmp_path, make_botan):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="holds no .* in folders named train, valid or test"):
        import_here(tmp_path / "empty", tmp_path / "out")
    source = make_botan(name="broken")
    for path in source.rglob("*.npz"):
        path.write_bytes(b"")
    with pytest.raises(SourceError, match="no configuration of T0.64 can be read"):
        import_here(source, tmp_path / "out")


def test_two_imports_to_one_place_do_not_run_at_once(reference, tmp_path):
    source, _ = reference

    def second(event):
        with pytest.raises(DatasetError, match="another process imports"):
            import_here(source, tmp_path / "out")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_here(source, tmp_path / "out", on_event=second)
    assert import_here(source, tmp_path / "out").problems == ()


def test_the_published_sample(shared_data, tmp_path):
    """Mean propensity and split-half correlation of type A, as measured from the files."""
    source = tmp_path / "sample"
    for split, number in (("train", 1), ("test", 401)):
        (source / split).mkdir(parents=True)
        name = f"isoconfig_N4096T0.44_{number}_tc07.npz"
        (source / split / name).symlink_to(shared_data / "botan_small" / split / name)
    report = import_dataset(BOTAN, source, tmp_path / "out", run=run_here)
    assert report.problems == ()
    dataset = open_dataset(tmp_path / "out")
    (index,) = dataset.state("T0.44").configurations("test")
    type_a = dataset.state("T0.44").structure_arrays(index)["species"] == 0
    halves = dataset.state("T0.44").halves(index, "propensity", time=4120.0)[:, type_a]
    assert halves.mean() == pytest.approx(0.3746, abs=1e-3)
    assert np.corrcoef(halves)[0, 1] == pytest.approx(0.738, abs=1e-3)
    assert len(dataset.state("T0.44").pairs(index)) * 2 == pytest.approx(166_484, rel=0.005)
