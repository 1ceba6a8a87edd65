"""What may lie in a submission: sources, text and plain arrays, and nothing that runs unread."""

from __future__ import annotations

import io
import json
import pickletools
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path

from ...contract.text import printable
from .bounded import array_header
from .limits import GIB, MIB, SandboxError

MAX_FILES = 2_000
MAX_FOLDER_BYTES = GIB
MAX_SOURCE_BYTES = 2 * MIB
COMPILED = (".so", ".pyd", ".dll", ".dylib", ".pyc", ".pyo", ".exe", ".whl", ".egg", ".jar")
PICKLES = (".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle", ".skops")
TORCH = (".pt", ".pth", ".ckpt", ".bin")
MAX_PICKLE_BYTES = 64 * MIB
MAX_HEADER_BYTES = 100 * MIB
# What a torch file of tensors names, as torch's own loader of weights admits it.
TENSOR_GLOBALS = ("torch._utils _rebuild_", "collections OrderedDict", "torch.serialization ")
TENSOR_TYPES = "Storage float16 float32 float64 bfloat16 int8 int16 int32 int64 uint8 bool Size"


@dataclass(frozen=True)
class Refusal:
    """A file that a submission may not hold, and why."""

    path: str
    why: str

    def __str__(self) -> str:
        return f"{self.path} {self.why}"


def check_contents(folder: Path) -> list[Refusal]:
    """Return what a submission holds that it may not, without executing any of it."""
    paths = sorted(folder.rglob("*"))
    refused = [
        Refusal(_name(path, folder), "is a link or no plain file: put the file itself there")
        for path in paths
        if not (stat.S_ISREG(mode := path.lstat().st_mode) or stat.S_ISDIR(mode))
    ]
    if refused:
        return refused
    files = [path for path in paths if path.is_file()]
    total = sum(path.stat().st_size for path in files)
    if len(files) > MAX_FILES or total > MAX_FOLDER_BYTES:
        return [
            Refusal(
                ".",
                f"holds {len(files)} files of {total} bytes: at most {MAX_FILES} files and "
                f"{MAX_FOLDER_BYTES} bytes are taken",
            )
        ]
    for path in files:
        if "__pycache__" in path.parts:
            continue
        why = _refusal(path)
        if why:
            refused.append(Refusal(_name(path, folder), why))
    return refused


def _refusal(path: Path) -> str:
    """Return why a file is refused, or nothing."""
    suffix = path.suffix.lower()
    if suffix in COMPILED:
        return "is compiled: hand in the source, so that people can read what runs"
    if suffix in (".py", ".toml", ".md") and path.stat().st_size > MAX_SOURCE_BYTES:
        return f"has {path.stat().st_size} bytes: nobody reads a source above {MAX_SOURCE_BYTES}"
    if suffix in PICKLES:
        return "is a pickle, which can execute anything when it is read: write .safetensors or .npz"
    try:
        return _refused_arrays(path, suffix)
    except SandboxError as error:
        return printable(error)
    except Exception as error:
        return f"cannot be read: {printable(error)}"


def _refused_arrays(path: Path, suffix: str) -> str:
    if suffix == ".safetensors":
        return _refused_safetensors(path)
    if suffix == ".npy":
        array_header(_head(path), "the array")
        return ""
    if zipfile.is_zipfile(path):
        return _refused_archive(path, suffix)
    data = path.read_bytes()[:MAX_PICKLE_BYTES]
    if data[:1] == b"\x80" and _globals_of(data) is not None:
        return "is a pickle, which can execute anything when it is read: write .safetensors or .npz"
    if suffix in TORCH:
        return "is no torch file of tensors (torch.save since 1.6): write .safetensors or .npz"
    return ""


def _refused_archive(path: Path, suffix: str) -> str:
    """Look into a zip file: an `.npz`, a torch file, or anything else with pickles inside."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        total = sum(member.file_size for member in members)
        if total > MAX_FOLDER_BYTES or len(members) > 10 * MAX_FILES:
            return f"unfolds to {len(members)} files of {total} bytes"
        for member in members:
            if suffix == ".npz":
                with archive.open(member) as file:
                    array_header(file.read(20_000), f"its array `{printable(member.filename)}`")
            elif member.filename.endswith((".pkl", ".pickle")):
                if member.file_size > MAX_PICKLE_BYTES:
                    return f"holds a pickle of {member.file_size} bytes"
                named = _globals_of(archive.read(member))
                bad = [name for name in named or () if not _is_tensor_part(name)]
                if named is None or bad:
                    what = f"calls `{printable(bad[0], 80)}`" if bad else "is broken"
                    return f"holds a pickle that {what}: write .safetensors, .npz or plain tensors"
    return ""


def _refused_safetensors(path: Path) -> str:
    size = path.stat().st_size
    head = _head(path)
    length = int.from_bytes(head[:8], "little")
    if len(head) < 8 or length > min(MAX_HEADER_BYTES, size - 8):
        return "is no safetensors file: its header is longer than the file"
    with open(path, "rb") as file:
        file.seek(8)
        header = json.load(io.BytesIO(file.read(length)))
    ends = [e["data_offsets"][1] for n, e in header.items() if n != "__metadata__"]
    if max(ends, default=0) != size - 8 - length:
        return "is no safetensors file: its tensors do not fill it"
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
            if code.name == "STOP":
                return imported
    except Exception:
        return imported or None
    return None


def _is_tensor_part(name: str) -> bool:
    module, _, attribute = name.partition(" ")
    if name.startswith(TENSOR_GLOBALS) and "." not in attribute:
        return True
    return module == "torch" and attribute.endswith(tuple(TENSOR_TYPES.split()))


def _head(path: Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(20_000)


def _name(path: Path, folder: Path) -> str:
    return printable(path.relative_to(folder).as_posix(), 120)
