from __future__ import annotations

import hashlib
import json
import shutil
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from glassbench.cli import data_made
from glassbench.contract.errors import UserError
from glassbench.datasets.downloading import Download
from glassbench.datasets.manifest import pack_store
from glassbench.datasets.store import open_dataset
from glassbench.home.workspace import Workspace
from glassbench.plugins.registry import load_task

CUTOFF = "pair_cutoff=1.5"  # the small box of these files is shorter than twice the default


@pytest.fixture
def stored(home, tiny_dataset):
    """A copy of the small dataset in the workspace, under the name `tiny`."""
    destination = Workspace(home).datasets / "tiny.zarr.zip"
    pack_store(tiny_dataset, destination)
    return destination


@pytest.fixture
def botan_files(tmp_path):
    """Three configurations in the published format, small: two for training, one for tests."""
    generator = np.random.default_rng(0)
    edge = (64 / 1.2) ** (1 / 3)
    grid = np.stack(np.meshgrid(*[np.arange(4)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    for split, number in (("train", 1), ("train", 2), ("test", 401)):
        start = (grid + 0.5) * edge / 4 + generator.normal(0, 0.05, (64, 3))
        folder = tmp_path / "published" / "T0.64" / split
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(
            folder / f"isoconfig_N64T0.64_{number}_tc01.npz",
            types=(generator.random(64) < 0.2).astype(np.int8),
            initial_positions=np.mod(start, edge),
            positions=np.mod(start, edge) + generator.normal(0, 0.06, (4, 64, 3)),
        )
    return tmp_path / "published"


def test_a_dataset_is_drawn_where_asked(glassbench, stored, home, tmp_path):
    answer = glassbench("data", "info", "tiny", "plot=on")
    drawn = home / "figures" / "datasets" / "tiny.png"
    assert answer.out.splitlines()[-1] == f"figure  {drawn}" and drawn.is_file()
    chosen = tmp_path / "card.png"
    answer = glassbench("data", "info", "tiny", f"plot={chosen}", "--json")
    assert json.loads(answer.out)["figure"] == str(chosen) and chosen.is_file()
    answer = glassbench("data", "info", "tiny", "plot=card.pdf")
    assert answer.code == 2 and "`plot=card.pdf` is not possible" in answer.err


def test_a_dataset_is_downloaded_when_it_is_used_first(home, botan_files, monkeypatch, capsys):
    served = partial(SimpleHTTPRequestHandler, directory=str(botan_files))
    with ThreadingHTTPServer(("127.0.0.1", 0), served) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        files = [p.relative_to(botan_files) for p in botan_files.rglob("*.npz")]
        entry = Download(
            name="far",
            title="a few files",
            url=f"http://127.0.0.1:{server.server_port}/",
            reader="botan",
            licence="CC0",
            files={
                f.as_posix(): hashlib.sha256((botan_files / f).read_bytes()).hexdigest()
                for f in files
            },
        )
        task, workspace = load_task("ka_propensity"), Workspace(home)
        monkeypatch.setattr(data_made, "known_downloads", lambda: {"far": (task, entry)})
        with pytest.raises(UserError, match="download=yes fetches it, as `glassbench data downl"):
            data_made.download_first({"dataset": "far"}, task, True, workspace)
        assert not workspace.datasets.exists()
        # The files are fetched; their small box is shorter than twice the usual cutoff of pairs.
        with pytest.raises(UserError, match="shorter than twice the pair cutoff"):
            words = {"dataset": "far", "download": "yes"}
            data_made.download_first(words, task, True, workspace)
        assert sorted(p.name for p in (home / "downloads" / "far").rglob("*.npz")) == sorted(
            f.name for f in files
        )
        server.shutdown()
    data_made.download_first({"dataset": "mini"}, task, True, workspace)


def test_a_configuration_is_looked_at(glassbench, stored, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    answer = glassbench("data", "view", "tiny", "time=5", "configuration=train1")
    assert answer.code == 0, answer.err
    (page,) = opened
    assert page.endswith("/figures/views/train1.html")
    text = Path(answer.out.strip()).read_text()
    assert '"name": "propensity"' in text and "http" not in text.replace("http://www.w3.org", "")
    picture = tmp_path / "a.png"
    answer = glassbench("data", "view", "tiny", f"png={picture}", "colour=species", "depth=0.2")
    assert answer.code == 0 and picture.read_bytes().startswith(b"\x89PNG")
    file = tmp_path / "glass.npz"
    positions = np.random.default_rng(0).uniform(0, 4, (60, 3))
    np.savez(file, positions=positions, species=["Cu", "Zr"] * 30, box=[4, 4, 4],
             propensity_time_5p2=positions[:, 0])  # fmt: skip
    answer = glassbench("data", "view", str(file), f"out={tmp_path / 'v.html'}")
    assert answer.code == 0 and len(opened) == 1
    page = (tmp_path / "v.html").read_text()
    assert '"names": ["Cu", "Zr"]' in page and '"name": "propensity_time_5p2"' in page


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["tiny", "configuration=train"], "there is no configuration `train`: did you mean"),
        (["tiny", "png=a.png", "colour=propensty"], "did you mean `propensity`"),
        (["tiny", "time=6"], "no time 6"),
        (["tiny", "run=nothing"], "there is no run `nothing`"),
        (["tin"], "did you mean `tiny`"),
        ([], "the dataset or file is wanted"),
    ],
)
def test_what_cannot_be_looked_at_is_named(glassbench, stored, words, message):
    answer = glassbench("data", "view", *words)
    assert answer.code == 2 and message in answer.err


def test_datasets_are_listed_with_size_and_digest(glassbench, stored):
    row = json.loads(glassbench("data", "list", "--json").out)["datasets"][-1]
    assert row["name"] == "tiny"
    assert row["origin"] == "workspace"
    assert row["bytes"] == stored.stat().st_size
    assert row["configurations"] == 9
    assert row["digest"] == open_dataset(stored).digest
    assert row["digest"][:19] in glassbench("data", "list").out


def test_a_damaged_dataset_is_listed_as_broken_and_hides_no_other(glassbench, stored):
    (stored.parent / "torn.zarr.zip").write_bytes(stored.read_bytes()[:1000])
    answer = glassbench("data", "list")
    assert answer.code == 0
    assert "broken: torn" in answer.err
    assert open_dataset(stored).digest[:19] in answer.out


def test_a_card_tells_states_times_splits_and_provenance(glassbench, stored):
    out = glassbench("data", "info", "tiny").out
    for part in ("state T0.64", "0.5, 5", "4 train, 2 valid, 3 test", "CC0", "made in a test"):
        assert part in out
    card = json.loads(glassbench("data", "info", str(stored), "--json").out)
    assert card["states"]["T0.64"]["particles"] == 108


def test_a_whole_dataset_verifies_and_an_altered_one_does_not(glassbench, home, tiny_dataset):
    copy = Workspace(home).datasets / "copy.zarr"
    shutil.copytree(tiny_dataset, copy)
    shutil.copy(f"{tiny_dataset}.manifest.json", f"{copy}.manifest.json")
    answer = glassbench("data", "verify", "copy")
    assert answer.code == 0, answer.out
    assert "is whole" in answer.out
    chunk = copy / "T0.64" / "propensity" / "c" / "1" / "0" / "0"
    content = bytearray(chunk.read_bytes())
    content[len(content) // 2] ^= 1
    chunk.write_bytes(content)
    answer = glassbench("data", "verify", "copy", "--json")
    assert answer.code == 1
    assert "altered" in {finding["kind"] for finding in json.loads(answer.out)["findings"]}


def test_an_imported_dataset_is_found_by_its_name(glassbench, home, botan_files):
    words = ("data", "import", "botan", str(botan_files), "name=mine", "workers=1", CUTOFF)
    answer = glassbench(*words)
    assert answer.code == 0, answer.err
    assert "3/3" in answer.err
    assert str(Workspace(home).datasets / "mine") in answer.out
    again = json.loads(glassbench(*words, "--json").out)
    assert again["configurations"]["T0.64"]["test"] == 1
    card = json.loads(glassbench("data", "info", "mine", "--json").out)
    assert card["content_digest"] == again["digest"]


def test_a_file_that_cannot_be_used_is_named(glassbench, home, botan_files):
    (broken,) = botan_files.glob("T0.64/train/*_2_tc01.npz")
    broken.write_bytes(broken.read_bytes()[:100])
    answer = glassbench("data", "import", "botan", str(botan_files), "workers=1", CUTOFF)
    assert answer.code == 1, answer.err
    assert f"left out: T0.64/train/{broken.name}" in answer.err
    assert "published" in answer.out
    listed = glassbench("data", "list")
    assert listed.code == 0
    assert "incomplete: published: 1 files were left out" in listed.err
    assert "2 of 3" in listed.out
    (imported,) = Workspace(home).datasets.iterdir()
    assert open_dataset(imported).whole == [2, 3]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["pair_cutoff=1,2"], "`pair_cutoff` is 2 numbers: give one"),
        (["times.hot=1"], "`hot` in `times.hot` is not a number"),
        (["validation_fraction=0.1,0.2"], "`0.1,0.2` in `validation_fraction` is not a number"),
        (["workers=0"], "`workers=0` is below 1"),
        (["cutoff=2"], "did you mean `pair_cutoff`"),
    ],
)
def test_wrong_settings_are_named(glassbench, botan_files, words, message):
    answer = glassbench("data", "import", "botan", str(botan_files), *words)
    assert answer.code == 2
    assert message.split(" in ")[0] in answer.err


def test_readers_are_listed_and_found_by_name(glassbench, botan_files):
    rows = {
        row["name"]: row
        for row in json.loads(glassbench("data", "import", "--json").out)["readers"]
    }
    assert rows["botan"]["origin"] == "ka_propensity" and "Shiba" in rows["botan"]["summary"]
    assert {"bapst", "botan", "roadmap"} <= set(rows)
    assert "Shiba et al." in glassbench("data", "import").out
    answer = glassbench("data", "import", "botna", str(botan_files))
    assert answer.code == 2 and "there is no reader `botna`: did you mean `botan`" in answer.err
    answer = glassbench("data", "import", "botan")
    assert answer.code == 2 and "Name the folder" in answer.err


def test_generation_without_a_plan_is_refused_with_those_that_there_are(glassbench):
    answer = glassbench("data", "generate", "ka_propensity", "dataset=huge")
    assert answer.code == 2
    assert "no dataset plan `huge`: there are" in answer.err
