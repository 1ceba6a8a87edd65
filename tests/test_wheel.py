"""What the wheel holds: the package, and the folders of plain files inside it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The wheel of this repository, unpacked as an installation would."""
    pytest.importorskip("hatchling", reason="hatchling builds the wheel: install the extra `test`")
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist")],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    (wheel,) = (folder / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_puts_one_package_into_site_packages(unpacked):
    assert sorted(p.name for p in unpacked.iterdir() if not p.name.endswith(".dist-info")) == [
        "glassbench"
    ]


def test_every_task_and_model_is_found_in_the_wheel_with_the_digest_of_the_checkout(unpacked):
    code = (
        "from glassbench.plugins.registry import *\n"
        "for task in list_tasks(): print('task', task.name, load_task(task.name).folder)\n"
        "for m in list_models(): print('model', m.name, load_model_card(m.name).digest)\n"
    )
    found = {}
    for place in (unpacked, REPOSITORY):
        done = subprocess.run(
            [sys.executable, "-P", "-c", code],
            cwd=unpacked,
            env={"PYTHONPATH": str(place), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        found[place] = [line.split() for line in done.stdout.splitlines()]
    content = unpacked / "glassbench" / "_content"
    tasks = [row for row in found[unpacked] if row[0] == "task"]
    assert tasks
    assert all(Path(row[2]) == content / "tasks" / row[1] for row in tasks)
    models = [[r for r in found[place] if r[0] == "model"] for place in (unpacked, REPOSITORY)]
    assert models[0] == models[1]


def test_every_file_of_the_package_is_in_the_wheel(unpacked):
    listed = subprocess.run(
        ["git", "ls-files", "glassbench", "tasks", "baselines", "submissions", "leaderboard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("no git checkout, so that the files of the package are not known")
    # Predictions are for whoever checks records in the repository.
    files = [f for f in listed.stdout.split() if not f.startswith("leaderboard/predictions/")]
    for name in files:
        inside = name if name.startswith("glassbench/") else f"glassbench/_content/{name}"
        if (REPOSITORY / name).exists():
            assert (unpacked / inside).is_file(), name
