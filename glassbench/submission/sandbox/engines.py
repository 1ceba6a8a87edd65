"""The programs that build walls, as the machine has them: bubblewrap, Apptainer, Podman."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .limits import MIB, Limits, SandboxError
from .shown import INPUT, LIBRARY, SCRATCH, View

SHARED_MEMORY_BYTES = 64 * MIB
# What Podman asks for by itself may be above what this user may have.
MAX_OPEN_FILES, PROCESSES_TO_START = 1024, 1024
GRACE_SECONDS = 10
PREFERRED = ("bubblewrap", "apptainer", "podman")


@dataclass(frozen=True)
class Engine:
    """One way to build walls.

    Attributes
    ----------
    name : `bubblewrap`, `apptainer`, `podman` or `none`
    program : path of its program
    version : as the program tells
    """

    name: str
    program: str
    version: str

    @property
    def title(self) -> str:
        return f"{self.name} {self.version}".strip()


NO_ENGINE = Engine("none", "", "")


def find_engines() -> list[Engine]:
    """Return the engines of this machine, the preferred one first."""
    programs = {"bubblewrap": "bwrap", "apptainer": "apptainer", "podman": "podman"}
    engines = []
    for name in PREFERRED:
        program = shutil.which(programs[name])
        if program and sys.platform.startswith("linux"):
            engines.append(Engine(name, program, _version(program)))
    return engines


def choose_engine(name: str = "auto") -> Engine:
    """Return the engine of that name, or the preferred one of this machine.

    Raises
    ------
    SandboxError
        If there is none; the message says what to install.
    """
    engines = find_engines()
    for engine in engines:
        if name in ("auto", engine.name):
            return engine
    there = ", ".join(engine.name for engine in engines) or "none"
    wanted = "a sandbox" if name == "auto" else f"sandbox `{name}`"
    raise SandboxError(
        f"{wanted} is not on this machine (there is: {there}): install bubblewrap "
        "(`apt-get install bubblewrap`, `dnf install bubblewrap`), or Apptainer or Podman on a "
        "cluster"
    )


def inside_command() -> list[str]:
    """Return the command that starts a cell's first program, as seen from inside."""
    start = f"{LIBRARY}/glassbench/submission/sandbox/start.py"
    return [sys.executable, "-I", "-B", "-X", "utf8", start, INPUT, LIBRARY, SCRATCH]


def bubblewrap_arguments(view: View, limits: Limits, as_root: bool) -> list[str]:
    """Return bubblewrap's arguments for a cell.

    Root enters without a user namespace and keeps the two capabilities with which
    the first program becomes nobody: only then the kernel counts its processes.
    """
    words = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    words += ["--unshare-cgroup-try", "--die-with-parent", "--new-session", "--clearenv"]
    words += ["--cap-drop", "ALL"]
    if as_root:
        words += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
        words += ["--setenv", "GLASSBENCH_DROP", "1"]
    else:
        words += ["--unshare-user", "--disable-userns", "--uid", "65534", "--gid", "65534"]
    made: set[str] = set()
    for place, source in view.places.items():
        for parent in reversed(Path(place).parents[:-1]):
            if str(parent) not in made and str(parent) not in view.places:
                words += ["--perms", "0755", "--dir", str(parent)]
                made.add(str(parent))
        words += ["--ro-bind", str(source), place]
    for place, target in view.links.items():
        words += ["--symlink", target, place]
    for place in view.hidden:
        covered = _source_of(place, view)
        empty = ["--perms", "0755", "--tmpfs", place, "--remount-ro", place]
        words += empty if covered.is_dir() else ["--ro-bind", "/dev/null", place]
    words += ["--proc", "/proc", "--dev", "/dev"]
    for place, size in ((SCRATCH, limits.scratch_bytes), ("/dev/shm", SHARED_MEMORY_BYTES)):
        words += ["--perms", "1777", "--size", str(size), "--tmpfs", place]
    if not any(Path(place).is_relative_to("/tmp") for place in view.places):
        words += ["--symlink", SCRATCH, "/tmp"]
    return [*words, "--chdir", SCRATCH, "--remount-ro", "/dev", "--remount-ro", "/"]


def apptainer_command(engine: Engine, view: View, limits: Limits, skeleton: Path) -> list[str]:
    """Return Apptainer's command for a cell on an empty root folder."""
    words = [engine.program, "--silent", "exec", "--containall", "--cleanenv", "--no-home"]
    words += ["--no-eval", "--userns", "--net", "--network", "none", "--no-privs"]
    words += ["--memory", str(limits.memory_bytes), "--pids-limit", str(limits.processes)]
    words += ["--pwd", SCRATCH]
    for place, source in _places(view, skeleton).items():
        words += ["--bind", f"{source}:{place}:ro"]
    return [*words, "--scratch", SCRATCH, str(skeleton), *inside_command()]


def podman_command(engine: Engine, view: View, limits: Limits, skeleton: Path) -> list[str]:
    """Return Podman's command for a cell on an empty root folder.

    The container bears the skeleton's name, by which `ending_command` finds it, and ends
    after its time even where the process that started it is no more.
    """
    words = [engine.program, "run", "--rm", "--name", skeleton.name, "--replace"]
    words += ["--pidfile", str(pid_file(skeleton))]
    words += ["--timeout", str(math.ceil(limits.wall_seconds) + GRACE_SECONDS)]
    words += ["--ulimit", f"nofile={MAX_OPEN_FILES}", "--ulimit", f"nproc={PROCESSES_TO_START}"]
    words += ["--log-driver", "none", "--interactive", "--network", "none", "--read-only"]
    words += [
        "--passwd=false",
        "--read-only-tmpfs=false",
        "--cap-drop",
        "all",
        "--security-opt",
        "no-new-privileges",
    ]
    words += ["--unsetenv-all", "--pids-limit", str(limits.processes), "--user", "65534:65534"]
    words += ["--memory", str(limits.memory_bytes), "--memory-swap", str(limits.memory_bytes)]
    words += ["--tmpfs", f"{SCRATCH}:rw,size={limits.scratch_bytes},mode=1777"]
    words += ["--shm-size", str(SHARED_MEMORY_BYTES), "--workdir", SCRATCH]
    for place, source in _places(view, skeleton).items():
        words += ["--volume", f"{source}:{place}:ro"]
    return [*words, "--rootfs", str(skeleton), *inside_command()]


def pid_file(skeleton: Path) -> Path:
    """Return where Podman tells which process of this machine is the first one inside."""
    return skeleton.with_name("first.pid")


def ending_command(engine: Engine, skeleton: Path) -> list[str] | None:
    """Return the command that ends a container, None where its processes are our children's.

    Podman's containers are children of a monitor that outlives the program that started them.
    """
    if engine.name != "podman":
        return None
    return [engine.program, "rm", "--force", "--ignore", "--time", "0", skeleton.name]


CONTAINERS: dict[str, Callable[[Engine, View, Limits, Path], list[str]]] = {
    "apptainer": apptainer_command,
    "podman": podman_command,
}


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
    return folder


def _places(view: View, skeleton: Path) -> dict[str, Path]:
    """Return what a container mounts: the shown places, and emptiness over the hidden ones."""
    empty = {
        place: skeleton / ("empty" if _source_of(place, view).is_dir() else "empty.file")
        for place in view.hidden
    }
    return view.places | empty


def _source_of(place: str, view: View) -> Path:
    """Return the path on this machine that a place beneath a shown one has."""
    for shown, source in view.places.items():
        if Path(place).is_relative_to(shown):
            return source / Path(place).relative_to(shown)
    raise KeyError(place)


def _version(program: str) -> str:
    try:
        done = subprocess.run(
            [program, "--version"],
            capture_output=True,
            text=True,
            timeout=20,
            env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": "/"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    words = done.stdout.split()
    return words[-1] if words else ""
