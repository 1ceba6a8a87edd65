"""What runs unread is refused with the reason; plain arrays and tensors are taken."""

from __future__ import annotations

import io
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


def script(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/code/model.py", "x = 1")


def many_pickles(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"archive/{number}/data.pkl", pickle.dumps(bytes(2**22)))


def many_arrays(path):
    one = io.BytesIO()
    np.save(one, np.zeros(1))
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(20_001):
            archive.writestr(f"{number}.npy", one.getvalue())


def holding(data):
    return lambda path: path.write_bytes(data)


HIDDEN = {
    "right to left": "\u202e", "isolate": "\u2066", "zero width": "\u200b", "soft hyphen": "\u00ad",
    "filler": "\u3164", "variation": "\ufe01", "tag": "\U000e0041", "escape": "\x1b", "nul": "\0",
    "lone return": "\r", "page": "\x0c", "private": "\ue000", "supplement": "\U000e0101",
}  # fmt: skip
REFUSED = {
    "weights.pkl": (pickled, "pickle"),
    "weights.joblib": (pickled, "pickle"),
    "weights.bin": (old_protocol, "pickle"),
    "weights.dat": (pickled, "pickle"),
    "weights.npy": (objects, "objects"),
    "weights.npz": (objects_in_npz, "objects"),
    "weights.pt": (evil_torch, "system"),
    "hidden.zip": (evil_torch, "system"),
    "code.pt": (script, "the code"),
    "many.pt": (many_pickles, "all pickles above"),
    "many.npz": (many_arrays, "20000"),
    "long.toml": (holding(b"#" * 2**17), "are read"),
    "long.py": (holding(b"#" * 2**22), "are read"),
    "latin.py": (holding(b"x = '\xe9'"), "no text in UTF-8"),
    "wide.py": (holding("x = 1".encode("utf-16")), "no text in UTF-8"),
    "other.py": (holding(b"# coding: utf-7\nx = '+AGE-'"), "declares an encoding"),
    "second.py": (holding(b"#!/x\n# -*- coding: latin-1 -*-\n"), "declares an encoding"),
    "notes.md": (holding(b"\xff"), "no text in UTF-8"),
    "table.csv": (holding(b"a\0b"), "no text"),
    "program.sh": (text, "of a kind that is not taken"),
    "data.h5": (text, "of a kind that is not taken"),
    "text.npz": (text, "no .npz"),
    "fast.so": (text, "compiled"),
    "model.pyc": (text, "compiled"),
}


@pytest.mark.attempt("code that nobody reads")
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


@pytest.mark.attempt("code that nobody reads")
@pytest.mark.parametrize("name", HIDDEN)
def test_characters_that_nobody_sees_are_refused_in_sources(name, tmp_path):
    for file, around in (("model.py", "x = 1 # {}\n"), ("model.toml", "x = '{}'\n")):
        (tmp_path / file).write_bytes(around.format(HIDDEN[name] + "y").encode())
    refused = check_contents(tmp_path)
    assert len(refused) == 2 and all("nobody sees" in line for line in refused)


def test_what_the_digest_leaves_out_is_not_looked_at(tmp_path):
    for name in (".hidden/model.py", "__pycache__/model.cpython-311.pyc", ".git/config"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\xff")
    (tmp_path / "model.py").write_text("# σ, ρ and τ_α are taken: people see them\r\nσ = 1\n")
    assert check_contents(tmp_path) == []


def test_folders_without_end_are_refused_at_once(tmp_path):
    inner = tmp_path
    for _ in range(40):
        inner = inner / "a"
        inner.mkdir()
    (tmp_path / "/".join("a" * 17) / "x.py").write_text("")
    assert "folders deep" in check_contents(tmp_path)[0]
    sparse = tmp_path / "sparse"
    sparse.mkdir()
    with open(sparse / "weights.npy", "wb") as file:
        file.truncate(2**42)
    assert "4398046511104 bytes" in check_contents(sparse)[0]
    many = tmp_path / "many"
    many.mkdir()
    for number in range(2001):
        (many / f"{number}.txt").touch()
    assert "at most 2000 files" in check_contents(many)[0]


@pytest.mark.attempt("files without end")
@pytest.mark.parametrize(
    "target", ["/proc/kcore", "/proc/self/mem", "/etc/passwd", "..", "nowhere", "/dev/zero"]
)
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
