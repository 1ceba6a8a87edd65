"""A configuration file says what was written into it, and what is wrong with it."""

import pytest

from glassbench.contract.errors import UserError
from glassbench.experiments.tuning.configuration import read_configuration, write_configuration

VALUES = {"rate": 1e-5, "epochs": 20, "name": 'quote " and ü', "costs": [1e-4, 2.0], "on": True}
TUNING = {
    "study": "a" * 64, "trials": 3, "finished": 2, "stopped": 1, "failed": 0, "search": "random",
    "scheduler": "asha", "metric": "pearson_a", "seed": 0,
    "conditions": [{"temperature": 0.64, "time": 16.5}], "wall_seconds": 1.0, "cpu_seconds": 1.0,
    "gpu_seconds": 0.0, "dataset_digest": "sha256:x", "model_digest": "b" * 64,
}  # fmt: skip


def test_what_is_written_is_read(tmp_path):
    content = {"task": "t", "model": "m", "dataset": "d", "hyperparameters": VALUES}
    path = write_configuration(tmp_path / "a" / "best.toml", content | {"tuning": TUNING}, "x\ny")
    assert path.read_text().startswith("# x\n# y\n")
    found = read_configuration(path)
    assert (found.task, found.model, found.dataset) == ("t", "m", "d")
    assert found.hyperparameters == VALUES and found.tuning.to_json() == TUNING | {
        "validation_score": None,
        "changed": [],
    }


def test_the_statement_names_what_a_run_changed(tmp_path):
    content = {"task": "t", "model": "m", "hyperparameters": VALUES}
    tuned = write_configuration(tmp_path / "a.toml", content | {"tuning": TUNING}, "")
    statement = read_configuration(tuned).statement(VALUES | {"rate": 0.1})
    assert statement.changed == ["rate"] and statement.trials == 3
    assert read_configuration(tuned).statement(VALUES).changed == []
    by_hand = write_configuration(tmp_path / "b.toml", content, "")
    assert read_configuration(by_hand).statement(VALUES) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "there is no configuration file"),
        ("task = ", "is not valid TOML"),
        ('task = "t"\nmodl = "m"', "did you mean `model`"),
        ('task = 3\nmodel = "m"\n[hyperparameters]', "`task` is 3"),
        ('task = "t"\nmodel = "m"', "`hyperparameters` is missing"),
        ('task = "t"\nmodel = "m"\n[hyperparameters]\n[tuning]\ntrails = 3', "mean `trials`"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, message):
    path = tmp_path / "best.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError, match="best.toml") as error:
        read_configuration(path)
    assert message in str(error.value)
