"""A generation goes on where it was killed, and its digest tells nothing of it."""

import random
import subprocess
import sys
import time
from concurrent.futures import Future
from contextlib import nullcontext
from pathlib import Path

import pytest

from glassbench.contract.errors import UserError
from glassbench.datasets.store import open_dataset
from glassbench.home.workspace import Workspace
from glassbench.plugins.registry import load_task
from glassbench.simulation.generate import generate_dataset, plan_generation
from glassbench.simulation.pieces import Piece, PieceFailed

PROGRAM = Path(__file__).with_name("generate_tiny.py")


def test_a_generation_killed_at_random_has_the_digest_of_an_undisturbed_one(
    tiny_generation, tmp_path
):
    moments = random.Random(7)
    command = [sys.executable, str(PROGRAM), str(tmp_path)]
    for pieces in (0, 3, 7):
        driver = subprocess.Popen(command)
        while len(list(tmp_path.rglob("*.npz"))) < pieces:
            assert driver.poll() is None
            time.sleep(0.02)
        time.sleep(moments.uniform(0.0, 1.0))
        driver.kill()
        driver.wait()
    subprocess.run(command, check=True)
    (made,) = (tmp_path / "datasets").glob("*.zarr.zip")
    expected = open_dataset(tiny_generation[0])
    assert open_dataset(made).digest == expected.digest


def test_nothing_is_left_to_do_after_a_generation(tiny_plan, tiny_generation):
    path, folder = tiny_generation
    workspace = Workspace(folder.parents[1])
    plan = plan_generation(tiny_plan, "tiny", workspace)
    assert plan.left == () and plan.atom_steps_left == 0 and plan.cpu_hours(1e9) is None

    def refuse(generator, folder):
        raise AssertionError("a finished generation opens no runner")

    assert generate_dataset(tiny_plan, "tiny", workspace, open_runner=refuse) == path


def test_a_plan_counts_its_pieces_by_kind(tiny_plan, tmp_path):
    plan = plan_generation(tiny_plan, "tiny", Workspace(tmp_path))
    kinds = plan.by_kind()
    assert {kind: counts[:2] for kind, counts in kinds.items()} == {
        "sample": (2, 2),
        "shear": (6, 6),
        "vibration": (2, 2),
    }
    assert sum(steps for *_, steps in kinds.values()) == pytest.approx(plan.atom_steps_left)


def test_unknown_plans_are_refused_with_those_there_are(tmp_path):
    with pytest.raises(UserError, match="ka_pair_distance` has no generator .* for cuzr"):
        plan_generation(load_task("ka_pair_distance"), "mini", Workspace(tmp_path))
    with pytest.raises(UserError, match="no dataset plan `huge`: there are mini, paper"):
        plan_generation(load_task("lj2d_plasticity"), "huge", Workspace(tmp_path))


def test_failed_pieces_end_a_generation_with_their_number(tiny_plan, tmp_path):
    class Broken:
        slots = 4

        def start(self, piece: Piece):
            outcome = Future()
            outcome.set_exception(PieceFailed(f"piece {piece.name} is lost"))
            return outcome

        def stop(self):
            pass

    told = []
    with pytest.raises(UserError, match="2 of 10 pieces failed"):
        generate_dataset(
            tiny_plan,
            "tiny",
            Workspace(tmp_path),
            open_runner=lambda generator, folder: nullcontext(Broken()),
            on_event=told.append,
        )
    assert [event.error is not None for event in told] == [True, True]
