"""The plan of the 2D plasticity dataset holds what its sizes say, and its pieces can be made."""

import pytest
from glassbench.simulation.generators import GENERATED_TASKS, generator_of, pieces_folder
from glassbench.simulation.lj2d_plasticity import PLANS, pieces


@pytest.mark.parametrize("task", GENERATED_TASKS)
def test_every_generator_offers_what_a_generation_asks(task, tmp_path):
    generator = generator_of(task)
    for dataset in generator.PLANS:
        planned = generator.pieces(dataset)
        names = [piece.name for piece in planned]
        assert len(set(names)) == len(names)
        assert {piece.kind for piece in planned} <= set(generator.WORK)
        seen = set()
        for piece in planned:
            assert seen.issuperset(piece.needs)
            seen.add(piece.name)
        assert generator.disk_bytes(dataset) > 0
        assert pieces_folder(task, dataset, tmp_path).parent == tmp_path


def test_the_mini_plan_has_40_samples_4_loads_and_repeats_of_two_test_samples():
    planned = pieces("mini")
    assert sum(piece.kind == "sample" for piece in planned) == 40
    shears = [piece for piece in planned if piece.kind == "shear"]
    repeats = [piece for piece in shears if piece.arguments["repeat"]]
    assert len(shears) == 40 * 4 + 8 and len(repeats) == 8
    assert {piece.needs[0] for piece in repeats} == {"quench_1e3-test000", "quench_1e3-test001"}


def test_the_paper_plan_has_the_papers_sizes():
    (slow, *others) = PLANS["paper"]
    assert slow.samples == {"test": 50, "train": 4900, "valid": 50}
    assert [state.protocol.quench_time for state in others] == [1e5, 1e4, 1e3, 1e2, 1e1, 1e0]
    assert slow.schedule.step == 1e-5 and slow.protocol.particles == 10_000
