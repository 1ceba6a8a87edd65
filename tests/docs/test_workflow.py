"""The workflow that checks pull requests gives their code no secret, and is pinned."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml")
WORKFLOWS = sorted((Path(__file__).resolve().parents[2] / ".github" / "workflows").glob("*.yml"))


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.stem)
def workflow(request):
    return request.param


def steps(content) -> list[dict]:
    return [step for job in content["jobs"].values() for step in job["steps"]]


def test_there_is_a_workflow():
    assert WORKFLOWS


def test_every_action_is_pinned_by_the_hash_of_its_commit(workflow):
    used = [step["uses"] for step in steps(yaml.safe_load(workflow.read_text())) if "uses" in step]
    assert used
    assert all(re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", name) for name in used)


def test_a_strangers_code_gets_neither_secret_nor_token():
    (workflow,) = (path for path in WORKFLOWS if path.stem == "submission")
    text = workflow.read_text()
    content = yaml.safe_load(text)
    # YAML 1.1 reads the key `on` as true.
    assert list(content[True]) == ["pull_request"]
    assert content["permissions"] == {"contents": "read"}
    assert "secrets" not in text and "github.token" not in text
    assert all("permissions" not in job for job in content["jobs"].values())
    for step in steps(content):
        if "checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False


def test_nothing_of_a_pull_request_is_pasted_into_a_script(workflow):
    for step in steps(yaml.safe_load(workflow.read_text())):
        assert "${{" not in step.get("run", "")


def test_the_checker_is_that_of_the_base_branch():
    (workflow,) = (path for path in WORKFLOWS if path.stem == "submission")
    content = yaml.safe_load(workflow.read_text())
    places = {
        s["with"]["path"]: s["with"]["ref"] for s in steps(content) if "path" in s.get("with", {})
    }
    assert "base.sha" in places["trusted"] and "head.sha" in places["handed-in"]
    installs = [s["run"] for s in steps(content) if "pip install" in s.get("run", "")]
    assert installs and all("handed-in" not in run for run in installs)
