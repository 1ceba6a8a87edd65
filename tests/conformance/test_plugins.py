"""A stranger checks a model by the path of its folder."""

from __future__ import annotations

import shutil

import pytest

from glassbench.conformance import assert_conforms, check_plugin, report
from glassbench.contract.errors import UserError
from glassbench.home.workspace import content_folder


@pytest.fixture
def stranger(tmp_path):
    """Return a copy of a baseline outside of the checkout."""
    folder = tmp_path / "stranger"
    shutil.copytree(content_folder("baselines") / "number_of_neighbours", folder)
    return folder


def test_a_folder_outside_of_the_checkout_is_checked(stranger):
    lines = report(check_plugin(str(stranger))).splitlines()
    assert all(line.startswith("ok    ") for line in lines) and len(lines) > 10


def test_a_broken_model_is_named_with_every_finding(stranger):
    source = (stranger / "model.py").read_text()
    (stranger / "model.py").write_text(
        source.replace("number[:, None].astype", "(number + number[::-1])[:, None].astype")
    )
    with pytest.raises(AssertionError, match=r"(?s)breaks the contract.*FAILED  permutation"):
        assert_conforms(stranger)


def test_a_task_that_the_model_does_not_serve_is_refused(stranger):
    with pytest.raises(UserError, match="serves ka_propensity, not cuzr_stiffness"):
        check_plugin(stranger, "cuzr_stiffness")
