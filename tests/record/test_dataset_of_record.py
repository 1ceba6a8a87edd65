"""Of several datasets with one name, a record's is the one with its digest."""

import shutil

import pytest

from glassbench.contract.errors import UserError
from glassbench.datasets.manifest import content_digest
from glassbench.home.workspace import open_workspace
from glassbench.plugins.registry import load_task
from glassbench.record.record import dataset_of_record


def test_the_dataset_of_a_record_is_found_by_its_digest(tmp_path, tiny_dataset, hidden_dataset):
    workspace, task = open_workspace(str(tmp_path)), load_task("ka_propensity")
    workspace.datasets.mkdir(parents=True)
    stores = {}
    for name, store in (("tiny", tiny_dataset), ("tiny-prepared", hidden_dataset)):
        stores[name] = workspace.datasets / f"{name}.zarr"
        shutil.copytree(store, stores[name])
    for path in stores.values():
        named = {"name": "tiny", "digest": content_digest(path)}
        assert dataset_of_record(task, named, workspace).path == path
    named = {"name": "tinny", "digest": "sha256:0"}
    with pytest.raises(UserError, match="finds no dataset `tinny`"):
        dataset_of_record(task, named, workspace)
