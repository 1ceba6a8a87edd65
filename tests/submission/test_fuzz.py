"""Whatever is handed in: one message or none, no traceback, and nothing written.

`GLASSBENCH_FUZZ=10000 pytest tests/submission/test_fuzz.py` tries as many cases of each kind,
drawn anew; some that are always the same are tried otherwise.
"""

from __future__ import annotations

import copy
import io
import json
import os
import re
import shutil
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glassbench.contract.errors import UserError
from glassbench.contract.model_card import parse_model_card, read_model_card
from glassbench.datasets.manifest import content_digest
from glassbench.datasets.view import open_view
from glassbench.home.workspace import Workspace, content_folder
from glassbench.plugins.registry import load_task
from glassbench.record.record import validate_record
from glassbench.submission.bundle import open_bundle
from glassbench.submission.record_check import Checking, check_bundle, check_record_file
from glassbench.submission.source import check_sources, place_of_error

# Cases of each of the cheap kinds, and of those that score predictions again or read a store.
CHEAP, DEAR = (int(os.environ.get("GLASSBENCH_FUZZ", count)) for count in (130, 35))
FUZZ = settings(
    max_examples=CHEAP,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize="GLASSBENCH_FUZZ" not in os.environ,
)
CARDS = [
    (content_folder("baselines") / name / "model.toml").read_text(encoding="utf-8")
    for name in ("averaged_ridge", "nt_gnn", "number_of_neighbours")
]
TOKENS = ("[", "]", "[[", "=", '"', "'''", "{", "}", ".", ",", "\n", "#", "-", "nan", "inf", "true",
          "1e999", "9" * 5000, "[" * 3000, "\x00", "\x1b[2J", "../..", "é", "1979-05-27", "name",
          "defaults", "hyperparameters", "a." * 500)  # fmt: skip
KEYS = ("name", "reads", "defaults", "entry", "tasks", "search_space", "resources", "year",
        "hyperparameters", "dependencies")  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@st.composite
def edited(draw, texts, tokens):
    """Return a text, or bytes, with a few stretches taken out, put in or put in their place."""
    text = draw(st.sampled_from(texts))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 0, 1, 3, 20, 500])))
        text = text[:start] + draw(tokens) + text[end:]
    return text


def without_traceback(call):
    """Return what a call returns; only errors that are one message may come."""
    try:
        return call()
    except UserError as error:
        assert str(error).strip()
        return None


def listing(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*"))


@FUZZ
@given(data=edited(CARDS, st.sampled_from(TOKENS) | st.text(max_size=30)))
def test_any_text_as_model_toml(data, tmp_path_factory):
    folder = _folder(tmp_path_factory, "card")
    (folder / "model.toml").write_text(data, encoding="utf-8", errors="replace")
    before = listing(folder)
    try:
        card = read_model_card(folder)
    except UserError as error:
        assert place_of_error(folder / "model.toml", error).startswith("model.toml")
    else:
        for task in card.tasks:
            without_traceback(lambda task=task: card.hyperparameters_for(task, "mini", {}))
    assert listing(folder) == before


@FUZZ
@given(key=st.text(max_size=12) | st.sampled_from(KEYS), value=values)
def test_any_value_of_any_key_of_model_toml(key, value):
    import tomllib

    table = tomllib.loads(CARDS[0]) | {key: value}
    without_traceback(lambda: parse_model_card(table, Path("folder")))


@FUZZ
@given(data=st.binary(max_size=200) | edited(
    ["import numpy as np\nclass A:\n    def fit(self):\n        return eval('1')\n"],
    st.sampled_from(["(" * 300, "\x00", "import x", "\t", "'", "lambda:", "-" * 3000]),
).map(str.encode))  # fmt: skip
def test_any_text_as_source(data, tmp_path_factory):
    folder = _folder(tmp_path_factory, "source")
    (folder / "model.py").write_bytes(data)
    assert check_sources(folder, ("numpy",))


@pytest.fixture(scope="module")
def handed_in(tiny_dataset, tmp_path_factory):
    """Return a workspace, an archive in it, and the record that the archive holds."""
    from .handing_in import hand_in, link_dataset, write_model

    place = tmp_path_factory.mktemp("fuzz")
    workspace = Workspace(place / "home")
    link_dataset(tiny_dataset, workspace)
    archive = hand_in(write_model(place / "mine"), workspace, place / "mine.zip")
    with open_bundle(archive, workspace) as bundle:
        return workspace, archive, bundle.record


@settings(FUZZ, max_examples=DEAR)
@given(data=st.data())
def test_any_change_of_a_record(data, handed_in):
    """A change anywhere is refused by the schema or by the scores, or touches no score."""
    workspace, archive, record = handed_in
    changed = copy.deepcopy(record)
    _change(changed, data)
    try:
        validate_record(changed)
    except UserError:
        return
    before = listing(workspace.home)
    with open_bundle(archive, workspace) as bundle:
        from dataclasses import replace

        findings = check_bundle(replace(bundle, record=changed), Checking(workspace, floors=False))
    assert listing(workspace.home) == before
    if changed["conditions"] != record["conditions"]:
        assert not all(finding.passed for finding in findings)


@settings(FUZZ, max_examples=DEAR)
@given(data=st.data())
def test_any_change_of_an_archive(data, handed_in, tmp_path_factory):
    workspace, archive, _ = handed_in
    place = _folder(tmp_path_factory, "archive")
    tokens = st.binary(max_size=20) | st.sampled_from([b"PK\x01\x02", b"\xff" * 8, b"../../x"])
    original = archive.read_bytes()
    raw = data.draw(st.booleans())
    content = data.draw(edited([original], tokens)) if raw else _rewritten(original, data)
    path = place / "changed.zip"
    path.write_bytes(content)
    before = listing(place)
    _, findings = without_traceback(
        lambda: check_record_file(path, Checking(workspace, floors=False))
    )
    assert findings and all("Traceback" not in finding.message for finding in findings)
    assert listing(place) == before


# What stands in place of a value of a store's metadata.
METADATA = (
    *(b"null", b"[", b"{", b'"', b"[]", b"{}", b"0", b"-1", b"1e999", b"NaN", b"99999999999"),
    *(
        b'"numcodecs.pickle"',
        b'"gzip"',
        b'"object"',
        b'"<M8[s]"',
        b'"../x"',
        b"[" * 260,
        b"9" * 400,
    ),
)


@settings(FUZZ, max_examples=DEAR)
@given(data=st.data())
def test_any_change_of_a_store(data, tiny_dataset, tmp_path_factory):
    """It is read as it was, or refused; no codec that executes what it decodes is asked."""
    files = sorted(path for path in tiny_dataset.rglob("*") if path.is_file())
    described = [path for path in files if path.name == "zarr.json"]
    file = data.draw(st.sampled_from(described) | st.sampled_from(files))
    store = _folder(tmp_path_factory, "store") / "changed.zarr"
    if not store.exists():
        shutil.copytree(tiny_dataset, store)
    content = bytearray(file.read_bytes())
    values = [m.span() for m in re.finditer(rb'"[^"]*"|-?\d+|true|null|\[[^\[\]]*\]', content)]
    start, end = data.draw(st.sampled_from(values or [(0, 0)]))
    content[start:end] = data.draw(st.sampled_from(METADATA) | st.binary(max_size=9))
    changed = store / file.relative_to(tiny_dataset)
    changed.write_bytes(content)
    try:
        without_traceback(lambda: _read_all(store))
        without_traceback(lambda: content_digest(store))
    finally:
        changed.write_bytes(file.read_bytes())


def _read_all(store: Path) -> None:
    view = open_view(load_task("ka_propensity"), store)
    for condition in view.conditions():
        for example in view.examples("train", (condition,)):
            assert len(example.targets)


@FUZZ
@given(text=st.text(max_size=300) | st.sampled_from(["[" * 10**5, "{}", '{"schema_version": 1}']))
def test_any_text_as_record(text, tmp_path_factory):
    path = _folder(tmp_path_factory, "record") / "r.json"
    path.write_text(text, encoding="utf-8", errors="replace")
    record, findings = check_record_file(path, Checking(Workspace(path.parent / "home")))
    assert record is None and findings[0].passed is False
    assert not (path.parent / "home").exists()


def _folder(factory, name: str) -> Path:
    """Return one folder of this name for all cases of a test."""
    folder = factory.getbasetemp() / f"fuzz-{name}"
    folder.mkdir(exist_ok=True)
    return folder


def _change(record: dict, data) -> None:
    """Put another value at some place of a record, take it away, or add one."""
    node, path = record, []
    while isinstance(node, dict | list) and node and (not path or data.draw(st.booleans())):
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        path.append((node, data.draw(st.sampled_from(keys))))
        node = node[path[-1][1]]
    holder, key = path[-1]
    how = data.draw(st.sampled_from(["value", "number", "remove", "twice"]))
    if how == "remove":
        del holder[key]
    elif how == "twice" and isinstance(holder, list):
        holder.append(copy.deepcopy(holder[key]))
    elif how == "number" and isinstance(holder[key], float):
        holder[key] *= 1 + 10.0 ** data.draw(st.integers(-8, 0))
    else:
        holder[key] = data.draw(values)


def _rewritten(original: bytes, data) -> bytes:
    """Write the archive again with members renamed, changed, added or left out."""
    with zipfile.ZipFile(io.BytesIO(original)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from(sorted(files)))
        how = data.draw(st.sampled_from(["rename", "change", "leave out", "json"]))
        content = files.pop(name)
        if how == "rename":
            new = data.draw(
                st.text(max_size=20) | st.sampled_from(["../x", "/x", "a/../../x", "C:x"])
            )
            files[new] = content
        elif how == "change":
            files[name] = data.draw(edited([content], st.binary(max_size=10)))
        elif how == "json":
            files[name] = json.dumps(data.draw(values)).encode()
        if not files:
            break
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name or "x"), content)
    return file.getvalue()
