from __future__ import annotations

import pytest

from glassbench.home.workspace import Workspace
from glassbench.submission.record_check import Checking
from glassbench.submission.sandbox.engines import choose_engine
from glassbench.submission.sandbox.limits import SandboxError
from glassbench.submission.sandbox.walls import try_engine
from glassbench.submission.signature import load_key, make_key

from .handing_in import hand_in, link_dataset, write_model


@pytest.fixture(scope="session")
def engine():
    """Return an engine of which every wall that matters stands on this machine."""
    try:
        found = choose_engine()
        try_engine(found).require()
    except SandboxError as error:
        pytest.skip(str(error))
    return found


@pytest.fixture
def workspace(tmp_path, tiny_dataset):
    found = Workspace(tmp_path / "home")
    link_dataset(tiny_dataset, found)
    return found


@pytest.fixture
def archive(tmp_path, workspace):
    """Return the packed submission of an honest stranger."""
    return hand_in(write_model(tmp_path / "mine"), workspace, tmp_path / "mine.zip")


@pytest.fixture
def key(tmp_path):
    """Return a maintainer's key that `how` trusts."""
    path = tmp_path / "key.pem"
    public = make_key(path)
    (tmp_path / "trusted.toml").write_text(f'[keys]\ntester = "{public}"\n', encoding="utf-8")
    return load_key(path)


@pytest.fixture
def how(workspace, key, tmp_path):
    return Checking(workspace, trusted=tmp_path / "trusted.toml", floors=False)
