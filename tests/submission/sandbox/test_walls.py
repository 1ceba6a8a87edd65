"""The walls: what is missing is named, and nothing is called verified without it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from glassbench.home import workspace
from glassbench.submission.sandbox import engines, kernel, launch, walls
from glassbench.submission.sandbox.engines import (
    LIBRARY,
    Engine,
    bubblewrap_arguments,
    choose_engine,
    machine_view,
    make_skeleton,
)
from glassbench.submission.sandbox.limits import Limits, SandboxError
from glassbench.submission.sandbox.walls import MEANING, Walls, try_engine

HERE = Engine("bubblewrap", "/usr/bin/bwrap", "0.8.0")


@pytest.mark.parametrize("missing", MEANING)
def test_each_wall_is_asked_for_by_name(missing):
    without = Walls(HERE, {name: name != missing for name in MEANING})
    with pytest.raises(SandboxError, match=f"do not stand: {missing}"):
        without.require()
    assert sum("MISSING" in line for line in without.lines()) == 1


@pytest.mark.parametrize(("version", "missing"), [(0, ()), (4, ("landlock",))])
def test_landlock_is_asked_for_where_the_kernel_has_it(version, missing, engine, monkeypatch):
    """Inside, its building is prevented; the outside knows what the kernel could do."""
    original = walls.run_cell

    def without_landlock(*arguments):
        outcome = original(*arguments)
        outcome.report["walls"]["landlock"] = False
        return outcome

    monkeypatch.setattr(walls, "run_cell", without_landlock)
    monkeypatch.setattr(kernel, "landlock_version", lambda: version)
    assert try_engine(engine).missing == missing


def test_a_machine_without_engines_says_what_to_install(monkeypatch):
    monkeypatch.setattr(engines.shutil, "which", lambda name: None)
    with pytest.raises(SandboxError, match="install bubblewrap"):
        choose_engine()


def test_every_wall_is_tried_and_stands(engine, tmp_path):
    label = tmp_path / "labels.bin"
    label.write_bytes(b"labels")
    tried = try_engine(engine, [label])
    assert tried.missing == ()
    assert set(tried.held) == set(MEANING)


TAKEN_AWAY = {
    "processes": lambda words: [word for word in words if word != "--unshare-pid"],
    "reading": lambda words: [*words[:-4], "--ro-bind", "/etc/hostname", "/etc/hostname"],
}


def test_a_variable_with_a_short_name_is_not_found_inside_other_names(engine, monkeypatch):
    monkeypatch.setenv("T", "1")
    try_engine(engine).require()


@pytest.mark.parametrize("name", ["processes", "reading"])
def test_a_wall_that_is_taken_away_is_found_missing(name, engine, monkeypatch):
    """Each wall is told from the attempt to cross it, not from how it was asked for."""
    if engine.name != "bubblewrap" or not Path("/etc/hostname").is_file():
        pytest.skip("the arguments of bubblewrap are changed, and /etc/hostname is shown")
    original = engines.bubblewrap_arguments
    monkeypatch.setattr(
        engines,
        "bubblewrap_arguments",
        lambda view, limits, namespace: TAKEN_AWAY[name](original(view, limits, namespace)),
    )
    assert name in try_engine(engine, [Path("/etc/hostname")]).missing


def test_a_cell_sees_no_data_of_the_package(tmp_path):
    secret = Path(sys.prefix) / "secret.bin"
    view = machine_view(tmp_path, [secret, tmp_path / "elsewhere"])
    assert view.places[f"{LIBRARY}/glassbench"].name == "glassbench"
    shown = [source for source in view.places.values() if source != tmp_path]
    from glassbench.home.workspace import content_folder

    for kind in ("tasks", "leaderboard"):
        folder = content_folder(kind).resolve()
        hidden = any(place.endswith(f"/{kind}") for place in view.hidden)
        assert hidden or not any(folder.is_relative_to(source) for source in shown)


def test_the_data_inside_an_installed_package_are_covered_as_one(tmp_path, monkeypatch):
    package = tmp_path / "site" / "glassbench"
    for kind in ("tasks", "baselines"):
        (package / "_content" / kind).mkdir(parents=True)
    monkeypatch.setattr(engines, "__file__", str(package / "submission" / "sandbox" / "engines.py"))
    monkeypatch.setattr(workspace, "content_folder", lambda kind: package / "_content" / kind)
    assert machine_view(tmp_path / "request").hidden == (f"{LIBRARY}/glassbench/_content",)


def test_a_container_gets_an_empty_root_and_no_network(tmp_path):
    request = tmp_path / "request"
    request.mkdir()
    view = machine_view(request)
    skeleton = make_skeleton(view, tmp_path / "root")
    assert (skeleton / "input").is_dir() and not any((skeleton / "usr").iterdir())
    engine = Engine("podman", "/usr/bin/podman", "1")
    command = " ".join(engines.podman_command(engine, view, Limits(), skeleton))
    for words in ("--network none", "--read-only", "--cap-drop all", f"{request}:/input:ro"):
        assert words in command, command


def test_nobody_may_pass_a_containers_root_whatever_the_umask(tmp_path):
    request = tmp_path / "request"
    request.mkdir()
    before = os.umask(0o077)
    try:
        skeleton = make_skeleton(machine_view(request), tmp_path / "root")
    finally:
        os.umask(before)
    folders = [skeleton, *(p for p in skeleton.rglob("*") if p.is_dir() and not p.is_symlink())]
    modes = {folder.name: folder.stat().st_mode & 0o777 for folder in folders}
    assert modes.pop("scratch") == 0o777
    assert set(modes.values()) == {0o755}


def test_a_container_that_outlives_its_starter_is_ended_by_its_name(tmp_path):
    request, skeleton = tmp_path / "request", tmp_path / "glassbench-root-1"
    request.mkdir()
    engine, limits = Engine("podman", "/usr/bin/podman", "4"), Limits(wall_seconds=3)
    command = engines.podman_command(engine, machine_view(request), limits, skeleton)
    assert command[command.index("--name") + 1] == skeleton.name
    assert int(command[command.index("--timeout") + 1]) > limits.wall_seconds
    assert engines.podman_ending(engine, skeleton)[-1] == skeleton.name


def test_other_users_enter_through_a_user_namespace(tmp_path):
    words = bubblewrap_arguments(machine_view(tmp_path), Limits(), namespace=None)
    assert "--unshare-user" in words and "--disable-userns" in words
    assert "CAP_SETUID" not in words


def test_a_python_that_lies_in_tmp_is_shown_where_it_lies():
    view = engines.View({"/tmp/venv": Path("/tmp/venv")}, {}, ())
    words = bubblewrap_arguments(view, Limits(), namespace=None)
    assert "/tmp" not in words[words.index("/tmp/venv") :]
    elsewhere = engines.View({"/opt/venv": Path("/opt/venv")}, {}, ())
    assert "/tmp" in bubblewrap_arguments(elsewhere, Limits(), namespace=None)


def test_a_control_group_ends_what_takes_more_memory_than_allowed_and_is_gone_afterwards():
    """Memory that no process holds counts too: here, a file in memory."""
    limits = Limits(memory_bytes=48 * 2**20, scratch_bytes=2**20)
    take = "print(open('/proc/self/cgroup').read(), flush=True)\n"
    take += "import os; n = os.memfd_create('x'); [os.write(n, bytes(2**20)) for _ in range(200)]"
    with launch.control_group(limits) as members:
        if members is None:
            pytest.skip("this user may make no control group here")
        command = ["/bin/sh", "-c", launch.ENTER_GROUP, "sh", str(members)]
        command += [sys.executable, "-c", take]
        done = subprocess.run(command, env={}, capture_output=True, text=True)
    if members.parent.name not in done.stdout:
        pytest.skip("this user may not enter a control group here")
    assert done.returncode == -9
    assert not members.parent.exists()


@pytest.mark.skipif(not kernel.landlock_version(), reason="this kernel has no Landlock")
def test_landlock_denies_writing_and_connections(tmp_path):
    code = f"""
import socket, sys
from pathlib import Path
from glassbench.submission.sandbox import kernel
assert kernel.restrict([{str(tmp_path)!r}]) > 0
Path({str(tmp_path)!r}, "inside").write_text("x")
for attempt in (lambda: Path("/var/tmp/glassbench-landlock").write_text("x"),
                lambda: Path({str(tmp_path)!r}).parent.joinpath("beside").write_text("x")):
    try:
        attempt()
    except PermissionError:
        continue
    sys.exit("written")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ}
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "inside").exists()
