"""Files in a folder, on `file://`, and on file systems of fsspec, whole or not at all."""

import pytest
import torch

from glassbench.contract.errors import UserError
from glassbench.home.files import Storage
from glassbench.home.workspace import open_workspace
from glassbench.model import Run
from glassbench.training import TrainingSettings
from glassbench.training.loop import train_network


@pytest.fixture(params=["folder", "file://", "memory://", "local://"])
def place(request, tmp_path):
    """Return a place that is empty: the disk, pyarrow's reading of it, and two of fsspec."""
    folder = tmp_path / "checkpoints of mine"
    if request.param == "folder":
        return folder
    if request.param == "file://":
        return folder.as_uri()
    return f"{request.param}{folder}"


def test_a_file_is_read_as_it_was_written_last_and_gone_with_its_folder(place):
    storage = Storage(place)
    assert storage.read("a.pt") is None
    storage.write("a.pt", b"first")
    storage.write("a.pt", b"second")
    assert Storage(place).read("a.pt") == b"second"
    storage.remove()
    storage.remove()
    assert Storage(place).read("a.pt") is None


def test_what_cannot_be_written_leaves_the_file_before_and_nothing_else(tmp_path, monkeypatch):
    storage = Storage(tmp_path)
    storage.write("a.pt", b"first")
    (tmp_path / "full").symlink_to("/dev/full")
    monkeypatch.setattr("glassbench.home.files._partial", lambda path: path.with_name("full"))
    with pytest.raises(OSError, match="No space left"):
        storage.write("a.pt", b"second")
    assert storage.read("a.pt") == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["a.pt"]


def test_a_scheme_that_nothing_opens_is_refused_with_what_may_be_named():
    with pytest.raises(UserError, match=r"nowhere://x.*s3://"):
        Storage("nowhere://x")


class Stopped(Exception):
    pass


def train(folder, place, stop_at=None):
    torch.manual_seed(0)
    network = torch.nn.Linear(3, 1)
    inputs = torch.arange(12.0).reshape(4, 3)

    def loss_of(index, generator):
        return (network(inputs[index]) - float(generator.normal())).square().mean()

    def report(progress):
        if progress.epoch == stop_at:
            raise Stopped

    settings = TrainingSettings(epochs=4, batch_size=2)
    run = Run(1, "x", "none", folder, report=report, checkpoints=str(place))
    train_network(network, 4, loss_of, lambda: None, settings, run)
    return network.weight.detach().clone()


def test_a_training_goes_on_from_a_checkpoint_that_lies_elsewhere(place, tmp_path):
    undisturbed = train(tmp_path / "undisturbed", "")
    with pytest.raises(Stopped):
        train(tmp_path / "one machine", place, stop_at=3)
    resumed = train(tmp_path / "another machine", place)
    assert torch.equal(resumed, undisturbed)
    assert not (tmp_path / "one machine").exists()


def test_a_workspace_takes_the_place_of_its_checkpoints_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("GLASSBENCH_CHECKPOINTS", raising=False)
    assert open_workspace(tmp_path).trial_checkpoints("k") == ""
    monkeypatch.setenv("GLASSBENCH_CHECKPOINTS", "s3://bucket/of/mine/")
    assert open_workspace(tmp_path).trial_checkpoints("k") == "s3://bucket/of/mine/k"
    monkeypatch.setenv("GLASSBENCH_CHECKPOINTS", str(tmp_path / "there"))
    assert open_workspace(tmp_path).trial_checkpoints("k") == f"{(tmp_path / 'there').as_uri()}/k"
