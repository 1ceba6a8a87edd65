"""Seeds: from names alone, or from names and a secret that nobody else holds."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.contract.errors import UserError
from glassbench.datasets.store import open_dataset
from glassbench.home.workspace import Workspace
from glassbench.simulation.generate import generate_dataset, plan_generation
from glassbench.simulation.seeds import (
    SECRET_VARIABLE,
    choose_secret,
    describe_seeds,
    secret_tag,
    seed_from_names,
)


@pytest.fixture
def secret(tmp_path, monkeypatch):
    """Choose a secret for one test; return its bytes."""
    monkeypatch.setenv(SECRET_VARIABLE, "")  # so that it is unset again afterwards
    path = tmp_path / "secret.bin"
    path.write_bytes(bytes(range(32)))
    choose_secret(str(path))
    return path.read_bytes()


def test_seeds_depend_on_names_and_on_their_borders():
    assert seed_from_names("a", 1) == seed_from_names("a", 1)
    assert seed_from_names("ab", "c") != seed_from_names("a", "bc")
    seeds = {seed_from_names("trajectory", k) for k in range(1000)}
    assert len(seeds) == 1000
    assert all(0 < seed < 2**31 - 1 for seed in seeds)


def test_public_seeds_are_those_of_the_embedded_data():
    assert seed_from_names("ka_propensity", "T0.64", "test", 0, "velocities") == 1510868767


def test_another_secret_gives_other_seeds(secret, tmp_path, monkeypatch):
    one, tag = seed_from_names("a"), secret_tag()
    other = tmp_path / "other.bin"
    other.write_bytes(bytes(range(1, 33)))
    choose_secret(str(other))
    assert seed_from_names("a") != one and secret_tag() != tag
    monkeypatch.delenv(SECRET_VARIABLE)
    assert seed_from_names("a") != one and secret_tag() == ""


def test_provenance_tells_of_a_secret_and_not_the_secret(secret):
    words = describe_seeds("task, split")
    assert words == f"sha256 of the names of task, split, after a secret ({secret_tag()})"
    assert secret.hex() not in words


@pytest.mark.parametrize("content", [None, b"short"])
def test_no_secret_is_refused(content, tmp_path):
    path = tmp_path / "secret.bin"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match="head -c 32 /dev/urandom"):
        choose_secret(str(path))


def test_a_hidden_set_is_another_one_in_another_place(tiny_plan, tiny_generation, secret):
    public, pieces = tiny_generation
    workspace = Workspace(pieces.parents[1])
    hidden = generate_dataset(tiny_plan, "tiny", workspace)
    assert hidden.name == f"lj2d_plasticity-tiny-hidden-{secret_tag()}.zarr.zip"
    assert hidden.parent == public.parent
    plan = plan_generation(tiny_plan, "tiny", workspace)
    assert plan.folder != pieces and not plan.left
    one, other = (
        next(iter((folder / "pieces").glob("*test000.npz"))) for folder in (pieces, plan.folder)
    )
    with np.load(one) as public_sample, np.load(other) as hidden_sample:
        name = "positions"
        assert not np.allclose(public_sample[name], hidden_sample[name])
    assert open_dataset(public).digest != open_dataset(hidden).digest
