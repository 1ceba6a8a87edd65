"""The programs that build walls, bubblewrap and Podman, and what of the machine a cell shows.

Shown, read-only, are Python and its libraries, and no data.
"""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .limits import MIB, Limits, SandboxError
from .start import NOBODY

SHARED_MEMORY_BYTES = 64 * MIB
# What Podman asks for by itself may be above what this user may have.
MAX_OPEN_FILES, PROCESSES_TO_START = 1024, 1024
GRACE_SECONDS = 10
NEW_USER_NAMESPACE = 0x10000000
# The preferred one first.
PROGRAMS = {"bubblewrap": "bwrap", "podman": "podman"}
SYSTEM_LINKS = ("bin", "sbin", "lib", "lib64")
SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/alternatives")
INPUT, LIBRARY, SCRATCH = "/input", "/library", "/scratch"


@dataclass(frozen=True)
class Engine:
    """One way to build walls: its name, the path of its program, and what version that is."""

    name: str
    program: str
    version: str

    @property
    def title(self) -> str:
        return f"{self.name} {self.version}".strip()


def choose_engine(name: str = "auto") -> Engine:
    """Return the engine of that name, or the preferred one of this machine."""
    linux = sys.platform.startswith("linux")
    paths = {name: shutil.which(program) for name, program in PROGRAMS.items() if linux}
    there = {name: path for name, path in paths.items() if path}
    for engine, path in there.items():
        if name in ("auto", engine):
            return Engine(engine, path, _version(path))
    wanted = "a sandbox" if name == "auto" else f"sandbox `{name}`"
    raise SandboxError(
        f"{wanted} is not on this machine (there is: {', '.join(there) or 'none'}): install "
        "bubblewrap (`apt-get install bubblewrap`, `dnf install bubblewrap`), or Podman on a "
        "cluster"
    )


def inside_command() -> list[str]:
    """Return the command that starts a cell's first program, as seen from inside."""
    start = f"{LIBRARY}/glassbench/submission/sandbox/start.py"
    return [sys.executable, "-I", "-B", "-X", "utf8", start, INPUT, LIBRARY, SCRATCH]


def namespace_of_root() -> int:
    """Return a descriptor of a new user namespace in which root and nobody are as outside.

    No right in it counts outside. bubblewrap itself makes one in which root is nobody, whose
    processes the kernel does not count.
    """
    code = f"import ctypes; print(ctypes.CDLL(None).unshare({NEW_USER_NAMESPACE}), flush=True)"
    command = [sys.executable, "-I", "-S", "-c", f"{code}; input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        try:
            if first.stdout.readline().strip() != b"0":
                raise SandboxError("this machine allows root no user namespace")
            for ids in ("uid_map", "gid_map"):
                Path("/proc", str(first.pid), ids).write_text(f"0 0 1\n{NOBODY} {NOBODY} 1")
            return os.open(f"/proc/{first.pid}/ns/user", os.O_RDONLY)
        finally:
            first.kill()


def bubblewrap_arguments(view: View, limits: Limits, namespace: int | None) -> list[str]:
    """Return bubblewrap's arguments for a cell.

    Root enters through a user `namespace` and keeps the two capabilities with which
    the first program becomes nobody: only then the kernel counts its processes.
    """
    words = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    words += ["--unshare-cgroup-try", "--die-with-parent", "--new-session", "--clearenv"]
    words += ["--cap-drop", "ALL"]
    if namespace is not None:
        words += ["--userns", str(namespace)]
        words += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
        words += ["--setenv", "GLASSBENCH_DROP", "1"]
    else:
        words += ["--unshare-user", "--disable-userns", "--uid", str(NOBODY), "--gid", str(NOBODY)]
    made: set[str] = set()
    for place, source in view.places.items():
        for parent in map(str, reversed(Path(place).parents[:-1])):
            if parent not in made and parent not in view.places:
                words += ["--perms", "0755", "--dir", parent]
                made.add(parent)
        words += ["--ro-bind", str(source), place]
    for place, target in view.links.items():
        words += ["--symlink", target, place]
    for place in view.hidden:
        empty = ["--perms", "0755", "--tmpfs", place, "--remount-ro", place]
        words += empty if view.is_folder(place) else ["--ro-bind", "/dev/null", place]
    words += ["--proc", "/proc", "--dev", "/dev"]
    for place, size in ((SCRATCH, limits.scratch_bytes), ("/dev/shm", SHARED_MEMORY_BYTES)):
        words += ["--perms", "1777", "--size", str(size), "--tmpfs", place]
    if not any(Path(place).is_relative_to("/tmp") for place in view.places):
        words += ["--symlink", SCRATCH, "/tmp"]
    return [*words, "--chdir", SCRATCH, "--remount-ro", "/dev", "--remount-ro", "/"]


def podman_command(engine: Engine, view: View, limits: Limits, skeleton: Path) -> list[str]:
    """Return Podman's command for a cell on an empty root folder.

    The container bears the skeleton's name, by which `podman_ending` finds it, and ends
    after its time even where the process that started it is no more.
    """
    words = [engine.program, "run", "--rm", "--name", skeleton.name, "--replace"]
    words += ["--pidfile", str(pid_file(skeleton))]
    words += ["--timeout", str(math.ceil(limits.wall_seconds) + GRACE_SECONDS)]
    words += ["--ulimit", f"nofile={MAX_OPEN_FILES}", "--ulimit", f"nproc={PROCESSES_TO_START}"]
    words += ["--log-driver", "none", "--interactive", "--network", "none", "--read-only"]
    words += ["--passwd=false", "--read-only-tmpfs=false", "--cap-drop", "all"]
    words += ["--security-opt", "no-new-privileges", "--security-opt", "mask=/sys"]
    words += ["--hostname", "cell", "--no-hosts"]
    if os.geteuid() == 0:
        for ids in ("--uidmap", "--gidmap"):
            words += [ids, "0:0:1", ids, f"{NOBODY}:{NOBODY}:1"]
    words += ["--unsetenv-all", "--pids-limit", str(limits.processes)]
    words += ["--user", f"{NOBODY}:{NOBODY}"]
    words += ["--memory", str(limits.memory_bytes), "--memory-swap", str(limits.memory_bytes)]
    words += ["--tmpfs", f"{SCRATCH}:rw,size={limits.scratch_bytes},mode=1777"]
    words += ["--shm-size", str(SHARED_MEMORY_BYTES), "--workdir", SCRATCH]
    for place, source in view.places.items():
        words += ["--volume", f"{source}:{place}:ro"]
    for place in view.hidden:
        empty = skeleton / ("empty" if view.is_folder(place) else "empty.file")
        words += ["--volume", f"{empty}:{place}:ro"]
    return [*words, "--rootfs", str(skeleton), *inside_command()]


def pid_file(skeleton: Path) -> Path:
    """Return where Podman tells which process of this machine is the first one inside."""
    return skeleton.with_name("first.pid")


def podman_ending(engine: Engine, skeleton: Path) -> list[str]:
    """Return the command that ends a container.

    It is a child of a monitor that outlives the program that started it.
    """
    return [engine.program, "rm", "--force", "--ignore", "--time", "0", skeleton.name]


def make_skeleton(view: View, folder: Path) -> Path:
    """Make the root folder of a container: mount points, links, and nothing else."""
    for place in (*view.places, SCRATCH, "/proc", "/dev", "/sys", "/tmp", "/etc", "/run", "/var"):
        point = folder / place.lstrip("/")
        if view.places.get(place, Path("/")).is_file():
            point.parent.mkdir(parents=True, exist_ok=True)
            point.touch()
        else:
            point.mkdir(parents=True, exist_ok=True)
    for place, target in view.links.items():
        (folder / place.lstrip("/")).symlink_to(target)
    (folder / "empty").mkdir()
    (folder / "empty.file").touch()
    # Nobody, as whom a cell runs, must pass, whatever the umask of this process is.
    for point in (folder, *folder.rglob("*")):
        if point.is_dir() and not point.is_symlink():
            point.chmod(0o755)
    # Where something is mounted, the mount point's mode may hold.
    folder.joinpath(SCRATCH.lstrip("/")).chmod(0o1777)
    return folder


def _version(program: str) -> str:
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": "/"}
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=20, env=environment
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.split()[-1] if done.stdout.split() else ""


@dataclass(frozen=True)
class View:
    """What is to be seen, by place inside; what is `hidden` holds data and is shown empty."""

    places: dict[str, Path]
    links: dict[str, str]
    hidden: tuple[str, ...]

    def is_folder(self, place: str) -> bool:
        for shown, source in self.places.items():
            if Path(place).is_relative_to(shown):
                return (source / Path(place).relative_to(shown)).is_dir()
        raise KeyError(place)


def machine_view(request: Path, secret: Iterable[Path] = ()) -> View:
    """Return what a cell shows: the system's libraries, Python, GlassBench, and the request.

    What is `secret` is covered wherever it lies.
    """
    package = Path(__file__).resolve().parents[2]
    places = {"/usr": Path("/usr")}
    links = {}
    for name in SYSTEM_LINKS:
        path = Path("/", name)
        if path.is_symlink():
            links[str(path)] = os.readlink(path)
        elif path.is_dir():
            places[str(path)] = path
    places |= {name: Path(name) for name in SYSTEM_FILES if Path(name).exists()}
    for root in _python_roots():
        if not any(root.is_relative_to(shown) for shown in places.values()):
            places[str(root)] = root
    places |= {f"{LIBRARY}/glassbench": package, INPUT: request}
    return View(places, links, tuple(_hidden(places, package, secret)))


def private_files(shown: Collection[Path]) -> list[Path]:
    """Return what lies in the user's home, but for what leads to a place that is shown."""
    home = Path(os.path.expanduser("~"))
    with suppress(OSError):
        entries = sorted(home.iterdir()) if home != Path("/") else []
        return [p for p in entries if not any(s.is_relative_to(p) for s in shown)]
    return []


def _python_roots() -> list[Path]:
    """Return the folders of Python and of its libraries, outermost first."""
    executable = Path(sys.executable)
    roots = {Path(sys.prefix), Path(sys.base_prefix), executable.resolve().parents[1]}
    paths = sysconfig.get_paths()
    roots |= {Path(paths[name]) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    roots |= {root.resolve() for root in roots}
    kept: list[Path] = []
    for root in sorted(roots, key=lambda r: len(r.parts)):
        if (
            root.is_dir()
            and root != Path("/")
            and not any(root.is_relative_to(outer) for outer in kept)
        ):
            kept.append(root)
    return kept


def _hidden(places: dict[str, Path], package: Path, secret: Iterable[Path]) -> list[str]:
    """Return the places inside at which data would be seen, were they not covered."""
    from ...home.workspace import KINDS, content_folder

    data = [package / "_content", *(content_folder(kind) for kind in KINDS), *secret]
    data += private_files(places.values())
    sites = {sysconfig.get_paths()[name] for name in ("purelib", "platlib")}
    data += [Path(site, "glassbench", "_content") for site in sites]
    hidden = []
    for path in data:
        for place, source in places.items():
            for candidate in {path, path.resolve()}:
                if candidate.exists() and candidate.is_relative_to(source) and place != INPUT:
                    hidden.append(str(Path(place) / candidate.relative_to(source)))
    # What lies beneath a covered place is covered with it.
    return sorted(p for p in set(hidden) if not {str(q) for q in Path(p).parents} & set(hidden))
