"""What runs unread is refused with the reason; plain arrays and tensors are taken."""

from __future__ import annotations

import json
import os
import pickle
import zipfile

import numpy as np
import pytest

from glassbench.submission.sandbox.contents import check_contents


class Evil:
    def __reduce__(self):
        return os.system, ("echo executed > executed.txt",)


def pickled(path):
    path.write_bytes(pickle.dumps(Evil()))


def old_protocol(path):
    path.write_bytes(pickle.dumps(Evil(), protocol=2))


def objects(path):
    array = np.empty(1, dtype=object)
    array[0] = Evil()
    np.save(path, array, allow_pickle=True)


def objects_in_npz(path):
    np.savez(path, a=np.array([Evil()], dtype=object))


def evil_torch(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Evil(), protocol=2))


def text(path):
    path.write_bytes(b"x")


REFUSED = {
    "weights.pkl": (pickled, "pickle"),
    "weights.joblib": (pickled, "pickle"),
    "weights.bin": (old_protocol, "pickle"),
    "weights.dat": (pickled, "pickle"),
    "weights.npy": (objects, "objects"),
    "weights.npz": (objects_in_npz, "objects"),
    "weights.pt": (evil_torch, "system"),
    "hidden.zip": (evil_torch, "system"),
    "fast.so": (text, "compiled"),
    "model.pyc": (text, "compiled"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_could_execute_is_refused_with_the_reason(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "model"
    folder.mkdir()
    write, reason = REFUSED[name]
    write(folder / name)
    (refusal,) = check_contents(folder)
    assert refusal.startswith(f"{name} ") and reason in refusal
    assert not (tmp_path / "executed.txt").exists()


@pytest.mark.parametrize("target", ["/etc/passwd", "..", "nowhere", "/dev/zero"])
def test_links_are_refused_and_not_followed(target, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "link").symlink_to(target)
    (refusal,) = check_contents(folder)
    assert "link" in refusal


def test_a_pipe_is_refused_and_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "no plain file" in check_contents(tmp_path)[0]


def test_plain_arrays_tensors_and_text_are_taken(tmp_path):
    torch = pytest.importorskip("torch")
    network = torch.nn.Linear(3, 2)
    content = {"dimension": 3, "target": "propensity", "weights": network.state_dict()}
    torch.save(content, tmp_path / "weights.pt")
    np.savez(tmp_path / "weights.npz", a=np.zeros(3), name=np.array("word"))
    np.save(tmp_path / "weights.npy", np.zeros(3))
    header = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    tensors = len(header).to_bytes(8, "little") + header + bytes(4)
    (tmp_path / "weights.safetensors").write_bytes(tensors)
    (tmp_path / "model.py").write_text("x = 1\n")
    assert check_contents(tmp_path) == []
