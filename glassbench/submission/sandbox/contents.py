"""What may lie in a submission: sources, text and plain arrays, and nothing that runs unread."""

from __future__ import annotations

import pickletools
import stat
import zipfile
from pathlib import Path

from ...contract.errors import printable
from .bounded import array_header, bounded_members
from .limits import GIB, MIB

MAX_FILES = 2_000
MAX_FOLDER_BYTES = GIB
MAX_SOURCE_BYTES = 2 * MIB
COMPILED = (".so", ".pyd", ".dll", ".dylib", ".pyc", ".pyo", ".exe", ".whl", ".egg", ".jar")
PICKLES = (".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle", ".skops")
TORCH = (".pt", ".pth", ".ckpt", ".bin")
MAX_PICKLE_BYTES = 64 * MIB
A_PICKLE = "is a pickle, which can execute anything when it is read: write .safetensors or .npz"
# What a torch file of tensors names, as torch's own loader of weights admits it.
TENSOR_GLOBALS = ("torch._utils _rebuild_", "collections OrderedDict", "torch.serialization ")
TENSOR_TYPES = tuple(
    "Storage float16 float32 float64 bfloat16 int8 int16 int32 int64 uint8 bool Size".split()
)


def check_contents(folder: Path) -> list[str]:
    """Return what a submission holds that it may not, each file with the reason; nothing runs."""
    names = {p: printable(p.relative_to(folder), 120) for p in sorted(folder.rglob("*"))}
    refused = [
        f"{name} is a link or no plain file: put the file itself there"
        for path, name in names.items()
        if not (stat.S_ISREG(mode := path.lstat().st_mode) or stat.S_ISDIR(mode))
    ]
    if refused:
        return refused
    files = [path for path in names if path.is_file()]
    total = sum(path.stat().st_size for path in files)
    if len(files) > MAX_FILES or total > MAX_FOLDER_BYTES:
        return [
            f"the folder holds {len(files)} files of {total} bytes: at most {MAX_FILES} files and "
            f"{MAX_FOLDER_BYTES} bytes are taken"
        ]
    for path in files:
        if "__pycache__" not in path.parts:
            try:
                why = _refusal(path)
            except Exception as error:
                why = f"cannot be read: {printable(error)}"
            if why:
                refused.append(f"{names[path]} {why}")
    return refused


def _refusal(path: Path) -> str:
    """Return why a file is refused, or nothing."""
    suffix, size = path.suffix.lower(), path.stat().st_size
    if suffix in COMPILED:
        return "is compiled: hand in the source, so that people can read what runs"
    if suffix in (".py", ".toml", ".md") and size > MAX_SOURCE_BYTES:
        return f"has {size} bytes: nobody reads a source above {MAX_SOURCE_BYTES}"
    if suffix in PICKLES:
        return A_PICKLE
    with open(path, "rb") as file:
        if suffix == ".npy":
            array_header(file.read(20_000), "the array")
            return ""
        if zipfile.is_zipfile(path):
            return _refused_archive(path)
        data = file.read(MAX_PICKLE_BYTES)
    if data[:1] == b"\x80" and _globals_of(data) is not None:
        return A_PICKLE
    return "is no torch file (torch.save since 1.6): write .npz" if suffix in TORCH else ""


def _refused_archive(path: Path) -> str:
    """Look into a zip file: an `.npz`, a torch file, or anything else with pickles inside."""
    with zipfile.ZipFile(path) as archive:
        for member in bounded_members(archive, "it", 10 * MAX_FILES, MAX_FOLDER_BYTES):
            if path.suffix.lower() == ".npz":
                with archive.open(member) as file:
                    array_header(file.read(20_000), f"its array `{printable(member.filename)}`")
            elif member.filename.endswith((".pkl", ".pickle")):
                if member.file_size > MAX_PICKLE_BYTES:
                    return f"holds a pickle of {member.file_size} bytes"
                names = _globals_of(archive.read(member))
                bad = [name for name in names or () if not _is_tensor_part(name)]
                if names is None or bad:
                    what = f"calls `{printable(bad[0], 80)}`" if bad else "is broken"
                    return f"holds a pickle that {what}: write .safetensors, .npz or plain tensors"
    return ""


def _globals_of(data: bytes) -> list[str] | None:
    """Return the names that a pickle would import, or None where it is none; nothing runs."""
    imported: list[str] = []
    texts: list[str] = []
    try:
        for code, argument, _ in pickletools.genops(data):
            if code.name in ("GLOBAL", "INST"):
                imported.append(str(argument))
            elif code.name == "STACK_GLOBAL":
                imported.append(" ".join(texts[-2:]))
            elif isinstance(argument, str):
                texts.append(argument)
    except Exception:
        return imported or None
    return imported


def _is_tensor_part(name: str) -> bool:
    module, _, attribute = name.partition(" ")
    if name.startswith(TENSOR_GLOBALS) and "." not in attribute:
        return True
    return module == "torch" and attribute.endswith(TENSOR_TYPES)
