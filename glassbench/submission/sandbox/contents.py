"""What may lie in a submission: sources, text and plain arrays, and nothing that runs unread.

Files that `plugin_files` leaves out are neither looked at nor shown, packed or run.
"""

from __future__ import annotations

import itertools
import os
import pickletools
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ...contract.errors import printable
from ...contract.folder_digest import FOR_PEOPLE, is_left_out
from .bounded import array_header, bounded_zip, named_arrays
from .limits import GIB, MIB, require

MAX_FILES, MAX_DEPTH = 2_000, 16
MAX_FOLDER_BYTES = GIB
SOURCES = (".py", ".toml")
TEXTS = (*SOURCES, ".json", ".csv", ".txt", ".md", ".svg", ".rst", ".bib", ".yaml", ".typed", "")
ARRAYS = (".npy", ".npz", ".safetensors")
# The most of one text that is read; nobody reviews a longer source.
MAX_TEXT_BYTES = {".py": 2 * MIB, ".toml": MIB // 16}
# What a line may declare at the top of a source, and characters that are seen as nothing.
DECLARED = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.MULTILINE)
UNSEEN = re.compile("[\u115f\u1160\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]|\r(?!\n)")
COMPILED = (".so", ".pyd", ".dll", ".dylib", ".pyc", ".pyo", ".exe", ".whl", ".egg", ".jar")
PICKLES = (".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle", ".skops")
TORCH = (".pt", ".pth", ".ckpt", ".bin")
# Of all files together, what is looked at in pickles, and how many parts archives have.
MAX_PICKLE_BYTES, MAX_PARTS = 8 * MIB, 20_000
A_PICKLE = "is a pickle, which can execute anything when it is read: write .safetensors or .npz"
# What a torch file of tensors names, as torch's own loader of weights admits it.
TENSOR_GLOBALS = ("torch._utils _rebuild_", "collections OrderedDict", "torch.serialization ")
TENSOR_TYPES = tuple(
    "Storage float16 float32 float64 bfloat16 int8 int16 int32 int64 uint8 bool Size".split()
)


def check_contents(folder: Path) -> list[str]:
    """Return what a submission holds that it may not, each file with the reason; nothing runs."""
    entries = list(itertools.islice(_entries(folder), 2 * MAX_FILES))
    names = {path: printable(path.relative_to(folder), 120) for path, _ in entries}
    refused = []
    for path, mode in entries:
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            refused.append(f"{names[path]} is a link or no plain file: put the file itself there")
        if len(path.relative_to(folder).parts) > MAX_DEPTH:
            refused.append(f"{names[path]} lies more than {MAX_DEPTH} folders deep")
    if refused:
        return refused
    files = sorted(path for path, mode in entries if stat.S_ISREG(mode))
    total = sum(path.stat().st_size for path in files)
    if len(entries) == 2 * MAX_FILES or len(files) > MAX_FILES or total > MAX_FOLDER_BYTES:
        return [
            f"the folder holds {len(files)} files of {total} bytes: at most {MAX_FILES} files and "
            f"{MAX_FOLDER_BYTES} bytes are taken"
        ]
    seen: Counter[str] = Counter()
    for path in files:
        try:
            why = _refusal(path, seen)
        except Exception as error:
            why = f"cannot be read: {printable(error)}"
        if why:
            refused.append(f"{names[path]} {why}")
    return refused


def refuse_contents(folder: Path, what: str) -> None:
    """Refuse a folder with files that would run unread."""
    refused = check_contents(folder)
    require(not refused, f"{what}: {'; '.join(refused[:3])}")


def _entries(folder: Path, depth: int = 0) -> Iterator[tuple[Path, int]]:
    """Yield paths and modes beneath a folder; links are not followed, nor what lies too deep."""
    for entry in os.scandir(folder) if folder.is_dir() and depth <= MAX_DEPTH else ():
        if not is_left_out(entry.name):
            yield Path(entry.path), entry.stat(follow_symlinks=False).st_mode
            if entry.is_dir(follow_symlinks=False):
                yield from _entries(Path(entry.path), depth + 1)


def _refusal(path: Path, seen: Counter[str]) -> str:
    """Return why a file is refused, or nothing; `seen` counts what was looked into so far."""
    suffix, size = path.suffix.lower(), path.stat().st_size
    if suffix in COMPILED:
        return "is compiled: hand in the source, so that people can read what runs"
    if suffix in PICKLES:
        return A_PICKLE
    if suffix in TEXTS:
        most = MAX_TEXT_BYTES.get(suffix, 64 * MIB)
        why = f"has {size} bytes: of such a file at most {most} are read"
        return why if size > most else _refused_text(path.read_bytes(), suffix)
    with open(path, "rb") as file:
        if suffix == ".npy":
            array_header(file.read(20_000), "the array")
            return ""
        start = file.read(MIB)
    if start[:4] == b"PK\x03\x04":
        return _refused_archive(path, seen)
    if start[:1] == b"\x80" and _globals_of(start) is not None:
        return A_PICKLE
    if suffix in TORCH:
        return "is no torch file (torch.save since 1.6): write .npz"
    if suffix in (".npz", ".safetensors", *FOR_PEOPLE):
        return "is no .npz of plain arrays" if suffix == ".npz" else ""
    return f"is of a kind that is not taken: write {', '.join((*TEXTS[:4], *ARRAYS))} or .pt"


def _refused_text(data: bytes, suffix: str) -> str:
    """Return why a text is not what people see when they read it, or nothing."""
    if data[:1] == b"\x80" and _globals_of(data[:MIB]) is not None:
        return A_PICKLE
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return f"is no text in UTF-8 (byte {error.start}): save it as UTF-8"
    declared = [name.lower() for name in DECLARED.findall(b"\n".join(data.split(b"\n", 2)[:2]))]
    if suffix == ".py" and not set(declared) <= {b"utf-8", b"utf8"}:
        return "declares an encoding: people and Python must read the same, so take it out"
    if suffix not in SOURCES:
        return "holds a byte 0: it is no text" if "\0" in text else ""
    odd = {c for c in set(text) - set("\n\t\r") if unicodedata.category(c) in ("Cc", "Cf", "Co")}
    odd |= set(UNSEEN.findall(text))
    names = ", ".join(f"U+{ord(c):04X}" for c in sorted(odd)[:3])
    return f"holds characters that nobody sees ({names}): take them out" if odd else ""


def _refused_archive(path: Path, seen: Counter[str]) -> str:
    """Look into a zip file: an `.npz`, a torch file, or anything else with pickles inside."""
    suffix = path.suffix.lower()
    with bounded_zip(path, "it", MAX_PARTS, MAX_FOLDER_BYTES) as (archive, members):
        seen["parts"] += len(members)
        if seen["parts"] > MAX_PARTS:
            return f"brings the parts of all archives above {MAX_PARTS}: write fewer arrays"
        for name, member in named_arrays(members, "it") if suffix == ".npz" else ():
            with archive.open(member) as file:
                array_header(file.read(20_000), f"its array `{printable(name)}`")
        for member in () if suffix == ".npz" else members:
            if member.filename.endswith((".pkl", ".pickle")):
                seen["pickles"] += member.file_size
                if seen["pickles"] > MAX_PICKLE_BYTES:
                    return f"brings all pickles above {MAX_PICKLE_BYTES} bytes"
                names = _globals_of(archive.read(member))
                bad = [name for name in names or () if not _is_tensor_part(name)]
                if names is None or bad:
                    what = f"calls `{printable(bad[0], 80)}`" if bad else "is broken"
                    return f"holds a pickle that {what}: write .safetensors, .npz or plain tensors"
            elif member.filename.endswith(".py"):
                return f"holds the code `{printable(member.filename, 80)}`: write plain tensors"
    return "" if suffix in (".npz", *TORCH) else "is a zip archive: hand in the files themselves"


def _globals_of(data: bytes) -> list[str] | None:
    """Return the names that a pickle would import, or None where it is none; nothing runs."""
    imported: list[str] = []
    texts: list[str] = []
    try:
        for code, argument, _ in pickletools.genops(data):
            if code.name in ("GLOBAL", "INST"):
                imported.append(str(argument))
            elif code.name == "STACK_GLOBAL":
                imported.append(" ".join(texts))
            elif isinstance(argument, str):
                texts = [*texts[-1:], argument]
    except Exception:
        return imported or None
    return imported


def _is_tensor_part(name: str) -> bool:
    module, _, attribute = name.partition(" ")
    if name.startswith(TENSOR_GLOBALS) and "." not in attribute:
        return True
    return module == "torch" and attribute.endswith(TENSOR_TYPES)
