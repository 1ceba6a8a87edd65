from __future__ import annotations

import os

import pytest

from glassbench.home.workspace import Workspace
from glassbench.submission.sandbox.engines import choose_engine
from glassbench.submission.sandbox.limits import SandboxError
from glassbench.submission.sandbox.walls import try_engine


@pytest.fixture(scope="session")
def engine():
    """Return an engine of which every wall that matters stands on this machine.

    `GLASSBENCH_TEST_SANDBOX=podman` tries the same cheats behind other walls.
    """
    try:
        found = choose_engine(os.environ.get("GLASSBENCH_TEST_SANDBOX", "auto"))
        walls = try_engine(found)
        walls.require()
    except SandboxError as error:
        pytest.skip(str(error))
    return found


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "home")
