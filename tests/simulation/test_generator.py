"""A task's generator is found in its folder, and offers what a generation asks for."""

import pytest

from glassbench.plugins.registry import list_tasks, load_task
from glassbench.simulation.generator import FOLDER, load_generator, load_plan

GENERATED = [task.name for task in list_tasks() if (task.folder / FOLDER).is_dir()]


def test_tasks_of_this_repository_have_a_generator():
    assert set(GENERATED) == {
        "cuzr_plasticity",
        "cuzr_stiffness",
        "ka_propensity",
        "ka_shear",
        "lj2d_plasticity",
    }


@pytest.mark.parametrize("task", GENERATED)
def test_every_plan_has_pieces_with_their_own_names_in_order_of_need(task, tmp_path):
    generator = load_generator(load_task(task))
    for name, plan in generator.PLANS.items():
        pieces = plan.pieces()
        assert plan.name == name
        assert len({piece.name for piece in pieces}) == len(pieces)
        assert {piece.kind for piece in pieces} <= set(generator.WORK)
        seen = set()
        for piece in pieces:
            assert seen.issuperset(piece.needs)
            seen.add(piece.name)
        assert plan.disk_bytes() > 0
        assert plan.pieces_folder(tmp_path).parent == tmp_path


@pytest.mark.parametrize("task", ["lj2d_plasticity", "cuzr_plasticity"])
def test_labels_of_the_paper_are_stored_with_all_their_digits(task):
    plans = load_generator(load_task(task)).PLANS
    assert plans["mini"].mantissa_bits == 11 and plans["paper"].mantissa_bits == 23


def test_the_mini_plan_has_40_samples_4_loads_and_repeats_of_two_test_samples():
    planned = load_plan(load_task("lj2d_plasticity"), "mini").pieces()
    assert sum(piece.kind == "sample" for piece in planned) == 40
    shears = [piece for piece in planned if piece.kind == "shear"]
    repeats = [piece for piece in shears if piece.arguments["repeat"]]
    assert len(shears) == 40 * 4 + 8 and len(repeats) == 8
    assert {piece.needs[0] for piece in repeats} == {"quench_1e3-test000", "quench_1e3-test001"}


def test_the_paper_plan_has_the_papers_sizes():
    slow, *others = load_plan(load_task("lj2d_plasticity"), "paper").states
    assert slow.counts == {"test": 50, "train": 4900, "valid": 50}
    assert [state.protocol.quench_time for state in others] == [1e5, 1e4, 1e3, 1e2, 1e1, 1e0]
    assert slow.schedule.step == 1e-5 and slow.protocol.particles == 10_000
