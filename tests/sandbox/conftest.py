from __future__ import annotations

import pytest

from glassbench.sandbox import SandboxError, choose_engine, try_engine
from glassbench.workspace import Workspace


@pytest.fixture(scope="session")
def engine():
    """Return an engine of which every wall that matters stands on this machine."""
    try:
        found = choose_engine()
        walls = try_engine(found)
        walls.require()
    except SandboxError as error:
        pytest.skip(str(error))
    return found


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "home")
