"""What `predict` may return, and the one line that says what is wrong with the rest."""

from __future__ import annotations

import numpy as np
import pytest

from glassbench.conformance import glassy_structure
from glassbench.model import Condition
from glassbench.plugins.registry import load_task
from glassbench.trial.predictions import Asked, PredictionsError, checked_answers

AT = Condition.of(temperature=0.64, time=16.5)
COUNTS = np.arange(250) / 7


@pytest.fixture(scope="module")
def structures():
    return {"c1": glassy_structure(250, 3, with_pairs=False)}


@pytest.fixture(scope="module")
def asked():
    return Asked("toy", load_task("ka_propensity"), AT)


def one(values):
    return [{"propensity": values}]


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        (COUNTS, np.float64),
        (COUNTS.astype(np.float32), np.float32),
        (COUNTS.astype(np.float16), np.float32),
        (COUNTS.astype(">f8"), np.float64),
        (COUNTS.tolist(), np.float64),
        (COUNTS.astype(object), np.float64),
        (np.arange(250), np.float64),
        (COUNTS < 3, np.float64),
        (1e6 + 1e-3 * COUNTS, np.float64),
        (1e60 * COUNTS, np.float64),
    ],
)
def test_real_numbers_keep_their_precision(structures, asked, values, kept):
    found = checked_answers(one(values), structures, asked)["c1"]["propensity"]
    assert found.dtype == kept
    assert np.array_equal(found, np.asarray(values, dtype=kept))


def test_an_iterator_of_answers_and_other_targets_are_taken(structures, asked):
    answer = {"propensity": COUNTS, "uncertainty": COUNTS}
    found = checked_answers(iter([answer]), structures, asked)
    assert set(found["c1"]) == {"propensity", "uncertainty"}


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (None, "returned None from `predict`: `predict` returns a list"),
        ({"c1": {"propensity": COUNTS}}, "returned a dict"),
        (COUNTS, "returned an array of shape"),
        ([COUNTS], r"the prediction is an array of shape \(250,\)"),
        ([None], "the prediction is None"),
        ([], "model toy returned 0 predictions for 1 structures"),
        ([{"Propensity": COUNTS}], "no prediction of `propensity`.*one of `Propensity`: rename"),
        ([{}], "but of nothing"),
        (one(COUNTS + 1j), "complex128 values, real numbers"),
        (one(np.ma.masked_less(COUNTS, 3)), "masked array"),
        (one(COUNTS[:-1]), r"shape \(249,\), \(250,\) is wanted"),
        (one(COUNTS[:, None]), r"shape \(250, 1\)"),
        (one(3.0), r"shape \(\)"),
        (one(np.where(COUNTS == 0, np.nan, COUNTS)), "1 of 250 values that are not finite"),
        (one(["high"] * 250), "real numbers are wanted"),
        (one(value for value in COUNTS), "does not become an array"),
    ],
)
def test_anything_else_is_refused_in_one_line(structures, asked, answers, words):
    with pytest.raises(PredictionsError, match=words) as refused:
        checked_answers(answers, structures, asked)
    assert "toy" in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize("kind", ["gradient", "bfloat16"])
def test_tensors_that_numpy_cannot_read_are_named(structures, asked, kind):
    torch = pytest.importorskip("torch")
    values = torch.tensor(COUNTS)
    values = values.requires_grad_() if kind == "gradient" else values.to(torch.bfloat16)
    with pytest.raises(PredictionsError, match="`propensity` is a Tensor, which does not become"):
        checked_answers(one(values), structures, asked)
