"""A task's window on a dataset takes axes, loads, labels and repeats from the dataset."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from glassbench.conformance.structures import glassy_structure
from glassbench.contract.errors import DatasetError
from glassbench.datasets.view import open_view
from glassbench.model import Condition, as_read
from glassbench.plugins.registry import load_task

from ..synthetic import FRAMES_2D, SAMPLES, plasticity_arrays

AT = Condition.of(quench_time=1e4, fraction=0.02, strain=0.05)


@pytest.fixture(scope="module")
def view(small_datasets):
    return open_view(load_task("lj2d_plasticity"), small_datasets["lj2d_plasticity"])


def test_conditions_follow_the_axes_of_the_task(view, tiny_dataset):
    conditions = view.conditions()
    assert len(conditions) == 2 * 4 * 2
    assert AT in conditions and list(conditions[0]) == ["quench_time", "fraction", "strain"]
    assert {c["quench_time"] for c in view.conditions("train")} == {1e4}
    old = open_view(load_task("ka_propensity"), tiny_dataset).conditions()
    assert [c.values for c in old] == [
        (("temperature", 0.64), ("time", 0.5)),
        (("temperature", 0.64), ("time", 5.0)),
    ]


def test_every_load_of_a_sample_is_one_structure_in_its_frame(view):
    structures = view.structures("valid", AT)
    assert [s.configuration for s in structures] == [f"valid0@{name}" for name in FRAMES_2D]
    for structure, frame in zip(structures, FRAMES_2D.values(), strict=True):
        assert np.array_equal(structure.frame, frame)
    assert view.parents("valid", AT) == ["valid0"] * 3


def test_labels_are_those_of_the_condition(view):
    index = [sample.name for sample in SAMPLES].index("valid0")
    d2min = plasticity_arrays(index, FRAMES_2D, 6)["d2min"].astype(np.float32)
    for example, values in zip(view.examples("valid", [AT]), d2min[:, 1], strict=True):
        assert np.array_equal(example.targets["d2min"], values)
        labels = example.targets["rearranging"] > 0
        assert labels.sum() > 0 and values[labels].min() > values[~labels].max()
        assert len(example.balanced) == 2 * labels.sum()
        assert labels[example.balanced].sum() == labels.sum()


def test_balanced_sets_are_stored_for_one_fraction_and_drawn_alike_for_others(view):
    stored = Condition.of(quench_time=1e4, fraction=0.005, strain=0.05)
    for condition in (stored, AT):
        first, second = (view.examples("train", [condition])[3].balanced for _ in range(2))
        assert np.array_equal(first, second) and len(first)


def test_a_repeat_is_a_prediction_that_divides_the_classes_at_one_half(view):
    assert view.repeat(AT, "test2@pure_plus") is None
    score = view.repeat(AT, "test0@pure_plus")["rearranging"]
    arrays = plasticity_arrays(5, FRAMES_2D, 6)
    threshold = view.dataset.state("state_0").shared("d2min_threshold", fraction=0.02, strain=0.05)
    repeat = arrays["d2min_repeat"][2, 1].astype(np.float32)
    assert np.array_equal(score > 0.5, repeat > threshold)
    assert np.array_equal(np.argsort(score), np.argsort(repeat))


def test_dynamics_are_seen_by_those_who_read_them(small_datasets):
    task, path = load_task("lj2d_plasticity"), small_datasets["lj2d_plasticity"]
    for reads, seen in ((("thermal",), False), (("thermal", "dynamics"), True)):
        structure = open_view(task, path, reads).structures("test", AT)[0]
        assert (structure.dynamics is not None) == seen


def arrays_of(given: object) -> dict[str, np.ndarray]:
    """Return every array of a structure or an example, by the name of its field."""
    arrays = {}
    for name, value in vars(given).items():
        if isinstance(value, np.ndarray):
            arrays[name] = value
        elif isinstance(value, dict):
            arrays |= {f"{name}.{key}": part for key, part in value.items()}
    return arrays


def test_a_model_cannot_change_what_it_is_given(view, tiny_dataset):
    old = open_view(load_task("ka_propensity"), tiny_dataset)
    with_pairs = Condition.of(temperature=0.64, time=0.5)
    seen = set()
    for window, condition in ((view, AT), (old, with_pairs)):
        examples = window.examples("train", [condition])
        for given in (examples[0], examples[0].structure, window.structures("test", condition)[0]):
            for name, values in arrays_of(given).items():
                seen.add(name)
                with pytest.raises(ValueError, match="read-only"):
                    values[...] = 0
                with pytest.raises(ValueError, match="read-only"):
                    values += 1
    assert seen >= {"positions", "species", "box", "frame", "pairs", "balanced"}
    assert seen >= {"dynamics.vibrational_msd", "targets.rearranging", "targets.propensity"}


def test_what_torch_writes_into_a_structure_stays_with_it(view):
    torch = pytest.importorskip("torch")
    before = view.structures("test", AT)[0]
    torch.from_numpy(before.positions).add_(1)
    torch.from_numpy(before.dynamics["vibrational_msd"]).add_(1)
    after = view.structures("test", AT)[0]
    assert not np.array_equal(after.positions, before.positions)
    assert not np.array_equal(after.dynamics["vibrational_msd"], before.dynamics["vibrational_msd"])


def test_what_a_model_adds_to_a_structure_stays_with_it(view):
    view.structures("test", AT)[0].dynamics["mine"] = np.ones(3)
    assert "mine" not in view.structures("test", AT)[0].dynamics


def test_a_view_travels_as_its_path(view):
    copy = pickle.loads(pickle.dumps(view))
    assert copy.conditions() == view.conditions() and copy.reads == view.reads


def test_another_task_s_dataset_is_refused(small_datasets, tiny_dataset):
    with pytest.raises(DatasetError, match="holds no `stiffness`"):
        open_view(load_task("cuzr_stiffness"), tiny_dataset)
    with pytest.raises(DatasetError, match="holds no `d2min`"):
        open_view(load_task("lj2d_plasticity"), tiny_dataset)
    with pytest.raises(DatasetError, match="`cooling_rate`, which is an axis of the task"):
        open_view(load_task("cuzr_plasticity"), small_datasets["lj2d_plasticity"])


def test_a_condition_that_is_not_there_is_told_with_those_that_are(view):
    with pytest.raises(DatasetError, match=r"no quench_time 1 here: it has 100, 10000"):
        view.structures("test", Condition.of(quench_time=1.0, fraction=0.02, strain=0.05))


def test_a_model_that_reads_no_thermal_positions_is_given_those_it_reads(tiny_dataset):
    task = load_task("ka_propensity")
    with pytest.raises(DatasetError, match="has no cage positions.*model.positions=thermal"):
        view = open_view(task, tiny_dataset, reads=["cage"])
        view.structures("test", view.conditions()[0])


def test_other_positions_stand_in_the_place_of_thermal_ones():
    glass = glassy_structure(150, reads=("thermal", "inherent", "cage"))
    assert as_read(glass, ("thermal", "cage")) is glass
    assert as_read(glass, ("cage",)).positions is glass.cage_positions
    assert as_read(glass, ("inherent", "cage")).positions is glass.inherent_positions
    assert as_read(glass, ("predictions",)) is glass
