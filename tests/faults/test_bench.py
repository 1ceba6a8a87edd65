"""The bench of the faults sees what is lost, computed again or there twice."""

import json

from .bench import EPOCHS, Row, duplicates, epochs_again, outcomes, total


def test_epochs_that_were_computed_again_are_counted(tmp_path):
    (tmp_path / "epochs").mkdir()
    (tmp_path / "epochs" / "0").write_text("1 77\n2 77\n2 78\n3 78\n")
    assert epochs_again(tmp_path, 0) == 1
    assert epochs_again(tmp_path, 1) == 0


def test_a_seed_that_a_record_names_twice_and_a_history_with_a_gap_are_counted(tmp_path):
    (tmp_path / "records").mkdir()
    scores = {"pearson": {"seeds": [{"seed": 0}, {"seed": 1}, {"seed": 0}]}}
    (tmp_path / "records" / "r.json").write_text(json.dumps({"conditions": [{"scores": scores}]}))
    assert duplicates(tmp_path) == 1
    trial = tmp_path / "trials" / "ab" / "abc"
    trial.mkdir(parents=True)
    for epochs, more in ((range(1, EPOCHS + 1), 0), (range(2, EPOCHS + 1), 1)):
        result = {
            "conditions": [], "transfer": [], "trial": {"seed": 4},
            "history": [{"epoch": epoch} for epoch in epochs], "predictions": {"sha256": "x"},
        }  # fmt: skip
        (trial / "result.json").write_text(json.dumps(result))
        assert duplicates(tmp_path) == 1 + more
        assert list(outcomes(tmp_path)) == [4]


def test_rows_of_one_fault_are_added():
    rows = [Row("a", "how", 1, lost, 0, lost == 0, "line") for lost in (0, 2)]
    (row,) = total(rows)
    assert (row.tried, row.lost, row.equal) == (2, 2, False)
