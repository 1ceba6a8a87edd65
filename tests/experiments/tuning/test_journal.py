"""What happened is read back, whatever a crash left of the last line."""

import pytest

from glassbench.experiments.tuning.journal import Journal

COST = {"wall_seconds": 2.0, "cpu_seconds": 1.5, "gpu_seconds": 0.0}


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path)
    journal.suggested({"rate": 0.1})
    journal.started(0)
    journal.report(0, 1, 0.3, COST)
    journal.report(0, 2, 0.4, COST)
    journal.suggested({"rate": 0.2})
    journal.ended(0, "finished", 0.45, COST)
    return journal


def test_a_journal_tells_the_next_process_all_it_knows(journal, tmp_path):
    again = Journal(tmp_path)
    assert again.trials == journal.trials
    first, second = again.trials
    assert (first.state, first.score, first.epochs) == ("finished", 0.45, 2)
    assert first.reports == {1: 0.3, 2: 0.4} and first.cost == COST and first.ended
    assert (second.state, second.epochs, second.ended) == ("running", None, False)
    assert second.began > 0


@pytest.mark.parametrize("kept", [1, 10, 40])
def test_a_torn_line_says_nothing_and_spoils_no_other(journal, tmp_path, kept):
    whole = journal.path.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    journal.path.write_bytes(whole[: -len(last)] + last[:kept])
    again = Journal(tmp_path)
    assert again.trials[0].state == "running"
    again.ended(0, "stopped", 0.4, COST)
    again.suggested({"rate": 0.3})
    third = Journal(tmp_path)
    assert [t.state for t in third.trials] == ["stopped", "running", "running"]
    assert [t.index for t in third.trials] == [0, 1, 2]


def test_an_epoch_counts_once_and_a_trial_that_runs_again_forgets_its_error(journal, tmp_path):
    journal.report(0, 2, 0.9, COST)
    assert journal.trials[0].reports[2] == 0.4
    journal.ended(1, "failed", None, COST, "it broke")
    assert Journal(tmp_path).trials[1].error == "it broke"
    journal.started(1)
    assert (journal.trials[1].state, journal.trials[1].error) == ("running", "")


def test_hyperparameters_that_changed_under_way_are_those_of_the_trial(journal, tmp_path):
    journal.report(1, 1, 0.2, COST, {"rate": 0.2})
    journal.report(1, 1, 0.2, COST, {"rate": 0.25})
    assert Journal(tmp_path).trials[1].hyperparameters == {"rate": 0.25}
    journal.ended(1, "finished", 0.3, COST, hyperparameters={"rate": 0.3})
    assert Journal(tmp_path).trials[1].hyperparameters == {"rate": 0.3}
