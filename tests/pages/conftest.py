"""A site of synthetic records, with everything that a board may meet."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from glassbench.home.workspace import content_folder
from glassbench.pages import build_site, read_sources
from glassbench.plugins.registry import load_task
from glassbench.submission.signature import load_key, make_key, sign_record

from .synthetic_records import make_record, put

CONDITIONS = [
    {"temperature": temperature, "time": time}
    for temperature in (0.5, 0.64)
    for time in (0.5, 5.0, 50.0)
]
QUALITIES = {"averaged_ridge": 0.7, "botan": 0.5, "nt_gnn": 0.5, "local_density": 0.2}
# Models of three tiers of input: name, quality, what it reads.
TIERED = (
    ("good", 0.6, ("thermal",)),
    ("poor", 0.3, ("thermal",)),
    ("modes", 0.5, ("thermal", "inherent")),
    ("shaken", 0.9, ("thermal", "dynamics")),
    ("trembling", 0.7, ("dynamics",)),
)
VERIFICATION = {
    "by": "a maintainer", "mode": "weights", "labels": "public", "sandbox": "bubblewrap 0.8",
    "walls": {"network": True}, "largest_difference": 0.0, "submitted": "0" * 64,
    "environment": "0" * 64, "public_key": "", "signature": "",
}  # fmt: skip
ADDRESS = "https://glass.example/v_1~b/"
HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture(scope="session")
def task():
    return load_task("ka_propensity")


def a_key(folder: Path):
    """Return a maintainer's key, whose public part stands in `trusted.toml` of the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    public = make_key(folder / "key.pem")
    (folder / "trusted.toml").write_text(f'[keys]\n"a maintainer" = "{public}"\n')
    return load_key(folder / "key.pem")


@pytest.fixture(scope="session")
def records(tmp_path_factory, task):
    """A folder of records: four models, one verified, a hostile one, and broken ones."""
    folder = tmp_path_factory.mktemp("board") / "records"
    key = a_key(folder.parent)
    for index, (model, quality) in enumerate(QUALITIES.items()):
        record = make_record(
            task, model, quality, CONDITIONS, seeds=(0, 1), generator=np.random.default_rng(index)
        )
        put(folder, f"ka-mini-{model}", record)
    verified = make_record(
        task, "botan", 0.5, CONDITIONS, generator=np.random.default_rng(1), status="verified",
        verification=VERIFICATION, supersedes="ka-mini-botan", created="2026-02-01T00:00:00Z",
    )  # fmt: skip
    put(folder, "ka-mini-botan-verified", sign_record(verified, key))
    hostile = make_record(task, "hostile", 0.1, CONDITIONS, generator=np.random.default_rng(9))
    hostile["model"]["title"] = f"</script><script>alert(1)</script>{HOSTILE}"
    hostile["failed"] = [{"condition": None, "seed": 0, "error": HOSTILE}]
    hostile["hyperparameters"] = {"rate": HOSTILE}
    put(folder, "hostile", hostile)
    (folder / "broken.json").write_text("{", encoding="utf-8")
    put(folder, "no_conditions", make_record(task, "x", 0.5, CONDITIONS) | {"conditions": []})
    (folder / "nan.json").write_text(
        json.dumps(make_record(task, "x", float("nan"), CONDITIONS)), encoding="utf-8"
    )
    other = make_record(task, "x", 0.5, CONDITIONS)
    other["task"]["name"] = "no_such_task"
    put(folder, "other_task", other)
    return folder


@pytest.fixture(scope="session")
def sources(records):
    return read_sources(records, records.parent / "trusted.toml")


@pytest.fixture(scope="session")
def site(sources, tmp_path_factory) -> Path:
    """The folder of the site built from `records`."""
    folder = tmp_path_factory.mktemp("site") / "site"
    build_site(sources, folder)
    return folder


@pytest.fixture(scope="session")
def leaderboard_sources():
    return read_sources(content_folder("leaderboard") / "records")


@pytest.fixture(scope="session")
def leaderboard_site(leaderboard_sources, tmp_path_factory) -> Path:
    """The folder of the site built from the records of the leaderboard, with an address."""
    folder = tmp_path_factory.mktemp("leaderboard") / "site"
    build_site(leaderboard_sources, folder, ADDRESS)
    return folder


@pytest.fixture(scope="session")
def tiered(tmp_path_factory, task):
    """A folder of records of models that read more or less."""
    folder = tmp_path_factory.mktemp("tiered") / "records"
    for index, (name, quality, reads) in enumerate(TIERED):
        generator = np.random.default_rng(index)
        record = make_record(task, name, quality, CONDITIONS, generator=generator, reads=reads)
        put(folder, f"ka-mini-{name}", record)
    return folder


@pytest.fixture(scope="session")
def browser():
    """A real Chromium."""
    api = pytest.importorskip(
        "playwright.sync_api", reason="playwright drives the browser: install the extra `test`"
    )
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no `chromium` on this machine, in which the pages would be read")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    opened = context.new_page()
    opened.set_default_timeout(15_000)
    opened.faults = []
    opened.on("pageerror", lambda error: opened.faults.append(str(error)))
    opened.on("console", lambda said: opened.faults.extend(refusals(said.text)))
    yield opened
    assert not opened.faults
    context.close()


def refusals(said: str) -> list[str]:
    """Return what the browser says of something that the policy of the page forbids."""
    return [said] if "Content Security Policy" in said else []
