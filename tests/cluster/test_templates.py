"""The files that start Ray on clusters stay valid, and name the Ray of the constraints."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from glassbench.cli.doctor import FOLDER, TEMPLATES
from glassbench.experiments.words import parse_run, split_words

yaml = pytest.importorskip("yaml")
ROOT = Path(__file__).resolve().parents[2]
CRD = "GLASSBENCH_KUBERAY_CRD"
RAY_UP = sorted(FOLDER.glob("ray_up_*.yaml"))


def text_of(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def pinned_ray() -> str:
    (version,) = re.findall(r"^ray==(.+)$", (ROOT / "constraints.txt").read_text(), re.M)
    return version


def test_every_file_is_offered_and_every_offer_is_there():
    assert {file for file, _ in TEMPLATES.values()} == {path.name for path in FOLDER.iterdir()}


@pytest.mark.parametrize("name", sorted(file for file, _ in TEMPLATES.values()))
def test_every_file_names_the_ray_of_the_constraints_and_no_other(name):
    found = re.findall(r"\b2\.\d{2}\.\d+\b", text_of(name))
    assert found and set(found) == {pinned_ray()}


@pytest.mark.parametrize("name", ["Dockerfile", "kuberay.yaml"])
def test_images_have_the_version_of_this_package(name):
    from glassbench import __version__

    assert set(re.findall(r"/glassbench:([\w.]+)", text_of(name))) == {__version__}


class TestSlurm:
    def test_bash_reads_the_script_and_what_each_node_runs(self, tmp_path):
        script = FOLDER / "slurm.sh"
        subprocess.run(["bash", "-n", script], check=True)
        (inner,) = re.findall(r"on_each_node='\n(.*?)\n'", text_of("slurm.sh"), re.S)
        (tmp_path / "node.sh").write_text(inner)
        subprocess.run(["bash", "-n", tmp_path / "node.sh"], check=True)

    @pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
    def test_shellcheck_finds_nothing(self):
        subprocess.run(["shellcheck", FOLDER / "slurm.sh"], check=True)

    def test_all_options_stand_before_the_first_command(self):
        lines = text_of("slurm.sh").splitlines()
        first = next(k for k, line in enumerate(lines) if line and not line.startswith("#"))
        assert all(k < first for k, line in enumerate(lines) if line.startswith("#SBATCH"))

    @pytest.mark.parametrize(
        ("home", "words", "said"),
        [("", ["run"], "a folder that all nodes share"), ("/tmp", [], "which command?")],
    )
    def test_what_is_forgotten_is_told_before_anything_starts(self, tmp_path, home, words, said):
        environment = {"PATH": os.environ["PATH"], "GLASSBENCH_HOME": home}
        done = subprocess.run(
            ["bash", FOLDER / "slurm.sh", *words],
            env={name: value for name, value in environment.items() if value},
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode != 0 and said in done.stderr and not list(tmp_path.iterdir())


class TestRayUp:
    @pytest.mark.parametrize("path", RAY_UP, ids=lambda path: path.stem)
    def test_ray_takes_the_file(self, path):
        from ray.autoscaler._private.util import prepare_config, validate_config

        config = prepare_config(yaml.safe_load(path.read_text(encoding="utf-8")))
        validate_config(config)
        assert config["max_workers"] >= 1 and config["head_start_ray_commands"]

    def test_ray_refuses_a_file_with_a_wrong_key(self):
        from jsonschema import ValidationError
        from ray.autoscaler._private.util import prepare_config, validate_config

        config = yaml.safe_load(text_of("ray_up_onpremise.yaml")) | {"setup_comands": []}
        with pytest.raises(ValidationError, match="setup_comands"):
            validate_config(prepare_config(config))

    @pytest.mark.parametrize("path", RAY_UP, ids=lambda path: path.stem)
    def test_the_shell_reads_every_command(self, path):
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        for key, commands in config.items():
            for command in commands if key.endswith("_commands") else ():
                subprocess.run(["bash", "-n", "-c", command], check=True)


class TestKubeRay:
    @pytest.fixture
    def manifests(self):
        return {item["kind"]: item for item in yaml.safe_load_all(text_of("kuberay.yaml"))}

    def test_driver_and_workers_share_the_home_and_the_image(self, manifests):
        spec = manifests["RayJob"]["spec"]["rayClusterSpec"]
        (workers,) = spec["workerGroupSpecs"]
        pods = [group["template"]["spec"] for group in (spec["headGroupSpec"], workers)]
        (claim,) = {p["volumes"][0]["persistentVolumeClaim"]["claimName"] for p in pods}
        assert claim == manifests["PersistentVolumeClaim"]["metadata"]["name"]
        assert manifests["PersistentVolumeClaim"]["spec"]["accessModes"] == ["ReadWriteMany"]
        for key in ("image", "env", "volumeMounts"):
            first, second = (pod["containers"][0][key] for pod in pods)
            assert first == second
        environment = {entry["name"]: entry["value"] for entry in pods[0]["containers"][0]["env"]}
        mounted = pods[0]["containers"][0]["volumeMounts"][0]["mountPath"]
        assert environment["GLASSBENCH_HOME"] == mounted

    def test_the_entry_point_is_understood_and_waits_for_every_node(self, manifests):
        spec = manifests["RayJob"]["spec"]
        (inner,) = re.findall(r'^bash -c "(.*)"$', spec["entrypoint"], re.S)
        doctor, run = (part.split() for part in inner.split("&&"))
        assert doctor[:2] == ["glassbench", "doctor"] and run[:2] == ["glassbench", "run"]
        (workers,) = spec["rayClusterSpec"]["workerGroupSpecs"]
        assert int(split_words(doctor[2:])["nodes"]) == 1 + workers["replicas"]
        assert parse_run(split_words(run[2:]), []).cluster == "auto"

    def test_the_manifest_follows_the_schema_of_kuberay(self, manifests):
        path = os.environ.get(CRD)
        if not path:
            pytest.skip(f"set {CRD} to KubeRay's ray-operator/config/crd/bases/ray.io_rayjobs.yaml")
        definition = yaml.load(Path(path).read_text(encoding="utf-8"), yaml.CSafeLoader)
        (version,) = (v for v in definition["spec"]["versions"] if v["name"] == "v1")
        check = Draft202012Validator(closed(version["schema"]["openAPIV3Schema"]))
        assert not [error.message for error in check.iter_errors(manifests["RayJob"])]
        manifests["RayJob"]["spec"]["rayClusterSpec"]["headGroupSpec"]["tempalte"] = {}
        assert any("tempalte" in error.message for error in check.iter_errors(manifests["RayJob"]))


def closed(schema):
    """Return an OpenAPI schema that refuses unknown fields, as a strict API server does."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: closed(part) for key, part in schema.items()}
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    open_ended = "additionalProperties" in schema or schema.get(
        "x-kubernetes-preserve-unknown-fields"
    )
    described = isinstance(schema.get("properties"), dict) and schema.get("type") == "object"
    # `metadata` is described by the API server, not by the definition.
    if described and not open_ended and schema["properties"]:
        schema["additionalProperties"] = False
    return schema
