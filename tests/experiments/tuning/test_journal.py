"""What happened is read back, whatever a crash left of the last line."""

import pytest

from glassbench.experiments.tuning.search import Journal, TrialReport

COST = {"wall_seconds": 2.0, "cpu_seconds": 1.5, "gpu_seconds": 0.0}


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path)
    journal.suggested({"rate": 0.1})
    journal.started(0)
    journal.reported(0, TrialReport(1, 0.3))
    journal.reported(0, TrialReport(2, 0.4))
    journal.suggested({"rate": 0.2})
    journal.reported(0, TrialReport(2, 0.4, True, 0.45, cost=COST))
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
    again.ended(0, "stopped", score=0.4)
    again.suggested({"rate": 0.3})
    third = Journal(tmp_path)
    assert [t.state for t in third.trials] == ["stopped", "running", "running"]
    assert [t.index for t in third.trials] == [0, 1, 2]


def test_an_epoch_counts_once_and_a_trial_that_runs_again_forgets_its_error(journal, tmp_path):
    journal.reported(0, TrialReport(2, 0.9))
    assert journal.trials[0].reports[2] == 0.4
    journal.reported(1, TrialReport(0, None, True, error="it broke", cost=COST))
    assert Journal(tmp_path).trials[1].error == "it broke"
    journal.started(1)
    assert (journal.trials[1].state, journal.trials[1].error) == ("running", "")


def test_hyperparameters_that_changed_under_way_are_those_of_the_trial(journal, tmp_path):
    journal.reported(1, TrialReport(1, 0.2), {"rate": 0.2})
    journal.reported(1, TrialReport(1, 0.2), {"rate": 0.25})
    assert Journal(tmp_path).trials[1].hyperparameters == {"rate": 0.25}
    journal.reported(1, TrialReport(1, 0.2, True, 0.3), {"rate": 0.3})
    assert Journal(tmp_path).trials[1].hyperparameters == {"rate": 0.3}


def test_the_cost_of_a_trial_is_that_of_all_its_attempts(journal, tmp_path):
    journal.started(1)
    journal.reported(1, TrialReport(1, 0.2, cost=COST))
    again = Journal(tmp_path)
    again.started(1)
    again.reported(1, TrialReport(2, 0.3, cost=COST))
    again.reported(1, TrialReport(2, 0.3, True, 0.3, cost=COST))
    assert Journal(tmp_path).trials[1].cost == {name: 2 * spent for name, spent in COST.items()}


def test_an_event_is_on_disk_before_it_is_told(journal, tmp_path):
    told = []
    watched = Journal(tmp_path, lambda event: told.append((event.kind, Journal(tmp_path).trials)))
    watched.started(1)
    watched.ended(1, "stopped", score=0.1)
    assert [(kind, trials[1].state) for kind, trials in told] == [
        ("started", "running"), ("stopped", "stopped"),
    ]  # fmt: skip
