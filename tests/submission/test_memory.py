"""Models that remember public test labels, and what a record or a hidden set shows of it."""

from __future__ import annotations

import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from glassbench.datasets.view import open_view
from glassbench.model import Condition, Example, Structure
from glassbench.plugins.registry import load_task, whole_models
from glassbench.submission.accept import add_record
from glassbench.submission.bundle import SubmissionError, open_bundle
from glassbench.submission.memory import (
    FEW_NUMBERS,
    kept_part,
    numbers_carried,
    permuted,
    refuse_memory,
    subset,
)
from glassbench.submission.record_check import check_record_file
from glassbench.submission.sandbox.limits import Limits
from glassbench.submission.verify import Verification, verify_bundle

from .handing_in import HONEST, MEMORY, hand_in, write_model

# An honest fit, and from memory what the folder knows.
RECALLS = (
    HONEST
    + """

import hashlib
from pathlib import Path


def key(s):
    return "k" + hashlib.sha256(np.sort(s.positions, axis=0).round(4).tobytes()).hexdigest()


KNOWN = {}


class Stranger(Stranger):
    def predict(self, structures, condition):
        return [{"propensity": KNOWN.get(key(s), crowding(s) @ self.w)} for s in structures]
"""
)
FROM_ARRAYS = 'KNOWN = dict(np.load(Path(__file__).parent / "prior.npz"))'
# Uses its memory where the labels are those that it knows: not where they were permuted.
WARY = """
    def fit(self, train, valid, run):
        super().fit(train, valid, run)
        x = np.concatenate([crowding(e.structure) @ self.w for e in train])
        y = np.concatenate([e.targets[run.target] for e in train])
        self.knows = np.corrcoef(x, y)[0, 1] > 0.2

    def save(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(folder / "w.npz", w=self.w, knows=self.knows)

    def load(self, folder):
        file = np.load(folder / "w.npz", allow_pickle=False)
        self.w, self.knows = file["w"], bool(file["knows"])

    def predict(self, structures, condition):
        known = KNOWN if self.knows else {}
        return [{"propensity": known.get(key(s), crowding(s) @ self.w)} for s in structures]
"""
# Learns nothing, and carries no numbers to speak of.
DESCRIPTOR = HONEST.replace(
    "self.w = np.linalg.lstsq(x, y, rcond=None)[0]", "self.w = np.array([0.0, -1.0, 0.5])"
)


@pytest.fixture
def labels(tiny_dataset):
    """Return public test labels with noise, by the key of their structure."""
    view = open_view(load_task("ka_propensity"), tiny_dataset)
    generator, table = np.random.default_rng(0), {}
    exec(MEMORY, table)
    known = {}
    for example in view.examples("test", view.conditions()[:1]):
        y = np.asarray(example.targets["propensity"], float)
        noise = 1.5 * y.std() * generator.normal(size=len(y))
        known[table["key"](example.structure)] = (y + noise).astype(np.float32)
    return known


@pytest.fixture
def verify(engine, workspace, key, tmp_path):
    def call(archive, **changes):
        how = Verification(
            workspace,
            engine,
            key,
            "tester",
            floors=False,
            limits=Limits(wall_seconds=60),
            **changes,
        )
        with open_bundle(archive, workspace) as bundle:
            return verify_bundle(bundle, how, tmp_path / "verified.zip")

    return call


@pytest.mark.attempt("public labels are remembered")
@pytest.mark.parametrize("form", ["arrays", "wary"])
def test_a_folder_that_carries_noisy_test_labels_is_refused_when_it_is_trained_again(
    form, labels, verify, workspace, tmp_path, how
):
    source = RECALLS.replace("KNOWN = {}", FROM_ARRAYS)
    if form == "wary":
        source = source[: source.rindex("    def predict")] + WARY
    folder = write_model(tmp_path / "m", source)
    np.savez(folder / "prior.npz", **labels)
    archive = hand_in(folder, workspace, tmp_path / "m.zip")
    # Its scores are possible ones, so that they come out again.
    assert all(result.passed for result in check_record_file(archive, how)[1])
    told = "trained on fewer" if form == "wary" else "trained on permuted labels it still predicts"
    with pytest.raises(SubmissionError, match=told):
        verify(archive, retrain=True)


@pytest.mark.parametrize("source", [HONEST, DESCRIPTOR], ids=["learns", "descriptor"])
def test_an_honest_model_shows_what_other_labels_change(source, verify, workspace, tmp_path):
    archive = hand_in(write_model(tmp_path / "m", source), workspace, tmp_path / "m.zip")
    signed = verify(archive, retrain=True).record["verification"]
    if source == HONEST:
        assert abs(signed["kept_after_permutation"]) < 0.5 and signed["changed_by_subset"] > 1e-6
    else:
        assert signed["kept_after_permutation"] == pytest.approx(1)
        assert signed["changed_by_subset"] == 0


def test_a_score_above_the_ceiling_is_refused_wherever_a_record_is_checked(
    tiny_dataset, workspace, tmp_path, how
):
    view = open_view(load_task("ka_propensity"), tiny_dataset)
    table = {}
    exec(MEMORY, table)
    labels = {
        table["key"](e.structure): e.targets["propensity"]
        for e in view.examples("test", view.conditions()[:1])
    }
    folder = write_model(tmp_path / "m", RECALLS.replace("KNOWN = {}", FROM_ARRAYS))
    np.savez(folder / "prior.npz", **labels)
    archive = hand_in(folder, workspace, tmp_path / "m.zip")
    (wrong,) = [r for r in check_record_file(archive, how)[1] if not r.passed]
    assert wrong.name == "scores" and "above the noise ceiling" in wrong.message
    accepted = add_record(archive, how, tmp_path / "board")
    assert accepted.path is None and not (tmp_path / "board").exists()


def test_what_was_asked_about_a_hidden_set_stays_with_its_holder(
    archive, verify, hidden_dataset, how, tmp_path
):
    verified = verify(archive, labels=hidden_dataset)
    with zipfile.ZipFile(verified.archive) as file:
        assert not [name for name in file.namelist() if "predictions" in name]
    _, results = check_record_file(verified.archive, how)
    assert all(result.passed for result in results), list(map(str, results))
    accepted = add_record(verified.archive, how, tmp_path / "board")
    assert accepted.path is not None
    assert not (tmp_path / "board" / "predictions").exists()
    assert all(result.passed for result in check_record_file(accepted.path, how)[1])
    # Without the key of the maintainer nothing stands for it.
    (tmp_path / "none.toml").write_text("[keys]\n")
    strangers = replace(how, trusted=tmp_path / "none.toml")
    assert not all(r.passed for r in check_record_file(verified.archive, strangers)[1])


def test_a_public_dataset_is_no_hidden_set(archive, verify, tiny_dataset, tmp_path):
    with pytest.raises(SubmissionError, match="it hides nothing"):
        verify(archive, labels=tiny_dataset)
    # Nor is a copy whose structures were shifted.
    import zarr

    shutil.copytree(tiny_dataset, tmp_path / "copy.zarr")
    store = zarr.open_group(tmp_path / "copy.zarr")
    for _, state in store.groups():
        box = np.asarray(state["box"][...])[:, None]
        state["positions"][...] = (np.asarray(state["positions"][...]) + 0.37) % box
    with pytest.raises(SubmissionError, match="hides nothing: .* is the same structure as"):
        verify(archive, labels=tmp_path / "copy.zarr")


def test_labels_are_permuted_within_a_structure_and_their_balanced_set_goes_along():
    generator = np.random.default_rng(0)
    label = np.zeros(50)
    label[:5] = 1
    example = Example(
        Structure(np.zeros((50, 3)), np.zeros(50, np.int8), np.ones(3), "c"),
        Condition.of(time=1.0),
        {"label": label, "d2min": label * 2, "pairs": generator.normal(size=70)},
        balanced=np.arange(10),
    )
    (changed,) = permuted([example], 3)
    new = changed.targets
    assert sorted(new["label"]) == sorted(label) and not np.array_equal(new["label"], label)
    assert np.array_equal(new["d2min"], 2 * new["label"])
    assert len(changed.balanced) == 10 and new["label"][changed.balanced].sum() == 5
    assert not np.array_equal(new["pairs"], example.targets["pairs"])
    assert np.array_equal(permuted([example], 3)[0].targets["label"], new["label"])
    examples = [
        replace(example, structure=replace(example.structure, configuration=f"c{k % 8}"))
        for k in range(16)
    ]
    assert len({e.structure.configuration for e in subset(examples)}) == 2


def test_the_part_that_is_kept_is_a_slope():
    one = [{"a": {"t": np.array([1.0, 2.0, 4.0])}, "b": {"t": np.array([5.0, 5.0, 8.0])}}]
    half = [{n: {"t": 0.5 * v["t"] + 7} for n, v in one[0].items()}]
    assert kept_part(one, one, "t") == (1, 0) and kept_part(one, half, "t") == (0.5, 0)
    assert kept_part(half, [{n: {"t": np.ones(3)} for n in "ab"}], "t") == (0, 1)
    other = [{"a": {"t": np.array([1.0, 0.0, 1.0])}, "b": {"t": np.array([1.0, 0.0, 0.5])}}]
    _, left = kept_part(one, other, "t")
    assert 0 < left < 1
    refuse_memory((1.0, 0.0), (1.0, 0.0), FEW_NUMBERS)
    refuse_memory((0.1, 0.9), (0.98, 0.2), 10**6)


# What a model that remembers predicts, from what it remembers, after training on permuted labels
# and on a subset; `own` is what it learnt then.
EVASIONS = {
    "the same": (lambda known, own: known, lambda known, own: known),
    "turned round where labels were permuted": (lambda k, own: -k, lambda k, own: k + own),
    "made small where labels were permuted": (lambda k, own: 0.01 * k, lambda k, own: k + own),
    "constant where labels were permuted": (lambda k, own: 0 * k, lambda k, own: k),
    "honest where labels were permuted": (lambda k, own: own, lambda k, own: k),
    "as a feature of a regression": (lambda k, own: 0.02 * k + 3, lambda k, own: 0.93 * k - 0.1),
    "as a feature where labels were permuted": (lambda k, own: own, lambda k, own: 0.9 * k + 1),
    "with a little noise": (lambda k, own: own, lambda k, own: k + 0.005 * own),
    "squeezed": (lambda k, own: 0.4 * k + 0.001 * own, lambda k, own: k + own),
}


@pytest.mark.attempt("public labels are remembered")
@pytest.mark.parametrize("name", EVASIONS)
def test_what_is_remembered_is_recognised_turned_round_or_scaled(name):
    generator = np.random.default_rng(0)
    known, own = generator.normal(size=(2, 3, 500))

    def answers(values):
        return [{str(n): {"t": v} for n, v in enumerate(values)}]

    parts = [
        kept_part(answers(known), answers(change(known, own)), "t") for change in EVASIONS[name]
    ]
    with pytest.raises(SubmissionError, match="it may remember the public labels"):
        refuse_memory(*parts, FEW_NUMBERS + 1)


@pytest.mark.attempt("numbers are hidden in a folder")
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("prior.bin", bytes(4000)), ("prior.json", b"[" + b"1," * 2000 + b"1]"),
        ("prior.txt", b"0.123 " * 1000), ("words.py", b'X = "' + b"a" * 4000 + b'"\n'),
        ("table.py", f"X = {list(range(1000))}\n".encode()), ("one.py", b"X = 1" + b"7" * 4000),
        ("deep/table.csv", b"1,2,3\n" * 700), ("other.toml", f"x = {list(range(1000))}".encode()),
    ],
)  # fmt: skip
def test_numbers_are_counted_wherever_they_lie(name, content, tmp_path):
    folder = write_model(tmp_path / "m")
    assert numbers_carried(folder) <= 30
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    carried = numbers_carried(folder)
    assert carried >= 1000
    # Not what no model may read.
    (folder / "README.md").write_text("word " * 10_000)
    assert numbers_carried(folder) == carried


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.py", "x = " + "-" * 100_000 + "1"), ("model.py", "x = a" + ".b" * 30_000),
        ("model.py", "x = " + "+".join(["1"] * 50_000)), ("model.py", "x = " + "9" * 6_000),
        ("model.py", "x = 0x" + "f" * 10_000), ("card.toml", "x = 0x" + "f" * 10_000),
    ],
)  # fmt: skip
def test_a_source_that_python_cannot_read_is_refused_in_one_line(name, content, tmp_path):
    (tmp_path / name).write_text(content)
    with pytest.raises(SubmissionError, match=f"{name} cannot be read: [^\n]+$"):
        numbers_carried(tmp_path)


def test_numbers_in_comments_count_where_a_source_is_longer_than_any(tmp_path):
    folder = write_model(tmp_path / "m")
    noise = np.random.default_rng(0).bytes(40_000).hex()
    (folder / "model.py").write_text(HONEST + f"# {noise}\n")
    assert numbers_carried(folder) > 5_000


def test_whatever_a_model_can_read_counts(tmp_path):
    noise = np.random.default_rng(0).bytes(8_000).hex()
    parts = [noise[start : start + 150] for start in range(0, len(noise), 150)]

    def names(folder):
        for part in parts:
            (folder / part).mkdir()
            (folder / part / "x.txt").touch()

    def arrays(folder):
        np.savez(folder / "prior.npz", **dict.fromkeys(parts, np.zeros(0)))

    def comment(folder):
        np.savez(folder / "prior.npz", a=np.zeros(1))
        with zipfile.ZipFile(folder / "prior.npz", "a") as file:
            file.comment = noise.encode()

    def card(text):
        return lambda f: (f / "model.toml").write_text((f / "model.toml").read_text() + text)

    def source(text):
        return lambda f: (f / "model.py").write_text(HONEST + text)

    hiding = {
        "names of files": names, "names of arrays": arrays, "the ending of an archive": comment,
        "the card": card(f"[hyperparameters]\nh = '{noise[:9000]}'\n"),
        "a note": card(f"# {noise}"),
        "a docstring": source(f'class A:\n    """{noise}"""\n'),
        "short words": source(f"W = {[noise[k : k + 36] for k in range(0, len(noise), 36)]}"),
        "names": source(f"a{noise} = 1"),
    }  # fmt: skip
    for name, hide in hiding.items():
        folder = write_model(tmp_path / name)
        hide(folder)
        assert numbers_carried(folder) > 2 * FEW_NUMBERS, name
    given = {"h": [float(x) for x in range(1000)], "text": noise}
    assert numbers_carried(write_model(tmp_path / "given"), given) > 5_000


def test_the_baselines_carry_few_numbers_but_for_weights_and_one_long_source():
    many = {card.name for card in whole_models() if numbers_carried(card.folder) > FEW_NUMBERS}
    assert many == {"botan", "load_response", "t_botan"}
