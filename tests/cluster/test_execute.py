import json
import os
import time

import pytest

from glassbench.cluster import ClusterError, execute
from glassbench.home.files import exclusive
from glassbench.trial.result import read_result

RUN = "stub_trials:run"


def collect(events):
    return lambda event: events.append(event)


def kinds(events, trial):
    return [event.kind for event in events if event.trial.key == trial.key]


def calls(workspace, trial):
    text = (workspace.trial_folder(trial.key) / "calls").read_text()
    return [line.split() for line in text.splitlines()]


@pytest.mark.usefixtures("two_cores")
class TestOnRay:
    def test_a_killed_worker_is_replaced_and_goes_on_from_its_checkpoint(
        self, make_trial, workspace
    ):
        trial, other = make_trial(wish="die once"), make_trial(seed=1)
        events = []
        outcomes = execute(
            [trial, other], workspace, cluster="local", on_event=collect(events), run=RUN
        )
        assert [outcome.error for outcome in outcomes] == [None, None]
        assert outcomes[0].result.history[0]["started_at"] == 2
        assert kinds(events, trial).count("retried") == 1
        assert kinds(events, other).count("retried") == 0
        epochs = [e.progress.epoch for e in events if e.trial == trial and e.progress]
        assert epochs == [1, 2, 3]

    def test_two_trials_on_two_cores_take_one_each_in_processes_of_their_own(
        self, make_trial, workspace
    ):
        trials = [make_trial(seed=seed) for seed in (0, 1)]
        execute(trials, workspace, cluster="local", run=RUN)
        (first,), (second,) = (calls(workspace, trial) for trial in trials)
        assert first[1:] == second[1:] == ["1", "1", "cpu"]
        assert len({first[0], second[0], str(os.getpid())}) == 3

    def test_one_trial_takes_both_cores_while_floors_take_one(self, make_trial, workspace):
        trial = make_trial()
        floors = [make_trial(seed=seed, floor=True) for seed in (1, 2, 3)]
        outcomes = execute([*floors, trial], workspace, cluster="local", run=RUN)
        assert all(outcome.result for outcome in outcomes)
        assert calls(workspace, trial)[0][1:] == ["2", "2", "cpu"]
        assert all(calls(workspace, floor)[0][1:] == ["1", "1", "cpu"] for floor in floors)

    def test_a_trial_that_raises_fails_once_with_its_log_and_the_others_finish(
        self, make_trial, workspace
    ):
        bad, dying, good = make_trial(wish="raise"), make_trial(wish="die always"), make_trial()
        events = []
        outcomes = execute(
            [bad, dying, good],
            workspace,
            cluster="local",
            on_event=collect(events),
            max_failures=1,
            run=RUN,
        )
        assert [bool(outcome.result) for outcome in outcomes] == [False, False, True]
        assert outcomes[0].error == "ValueError: the loss is infinite"
        log = outcomes[0].log.read_text()
        for words in ("Traceback", "printed by seed 0", "words of compiled code"):
            assert words in log
        assert len(calls(workspace, bad)) == 1
        assert len(calls(workspace, dying)) == 2
        assert "died 2 times" in outcomes[1].error
        assert [event.kind for event in events if event.kind == "failed"] == ["failed"] * 2

    def test_a_finished_trial_is_not_run_again(self, make_trial, workspace):
        trial = make_trial()
        execute([trial], workspace, cluster="local", run=RUN)
        events = []
        outcomes = execute([trial, trial], workspace, cluster="local", run=RUN,
                           on_event=collect(events))  # fmt: skip
        assert len(calls(workspace, trial)) == 1
        assert [event.kind for event in events] == ["cached"]
        assert outcomes[0].result == outcomes[1].result

    def test_ctrl_c_stops_the_workers_and_the_same_call_goes_on(self, make_trial, workspace):
        trials = [make_trial(seed=0, seconds=0.1), make_trial(seed=1, seconds=30)]

        def interrupt(event):
            begun = (workspace.trial_folder(trials[1].key) / "calls").exists()
            if begun and read_result(workspace, trials[0]) is not None:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            execute(trials, workspace, cluster="local", run=RUN, on_event=interrupt)
        assert read_result(workspace, trials[0]) is not None
        process = int(calls(workspace, trials[1])[0][0])
        for _ in range(100):
            if not os.path.exists(f"/proc/{process}"):
                break
            time.sleep(0.1)
        else:
            pytest.fail("the worker outlived the interrupt")
        events = []
        again = [trials[0], make_trial(seed=2)]
        execute(again, workspace, cluster="local", run=RUN, on_event=collect(events))
        assert kinds(events, trials[0]) == ["cached"]


def test_in_process_results_are_those_of_ray(make_trial, workspace, tmp_path, two_cores, capfd):
    trials = [make_trial(seed=0), make_trial(seed=1, wish="raise"), make_trial(seed=2, wish="exit")]
    on_ray = execute(trials, workspace, cluster="local", run=RUN)
    elsewhere = type(workspace)(tmp_path / "elsewhere")

    def say(event):
        print("event", event.kind)

    here = execute(trials, elsewhere, cluster="none", run=RUN, on_event=say)
    assert [outcome.result for outcome in here] == [outcome.result for outcome in on_ray]
    assert [outcome.error for outcome in here] == [outcome.error for outcome in on_ray]
    terminal = capfd.readouterr().out
    assert "event progress" in terminal
    assert "printed by" not in terminal
    log = (elsewhere.trial_folder(trials[0].key) / "log.txt").read_text()
    assert "printed by seed 0" in log and "printed by compiled code" in log


def test_an_edited_plugin_is_refused(make_trial, workspace):
    trial = make_trial()
    with open(f"{trial.model.folder}/model.py", "a") as file:
        file.write("answer = 43\n")
    with pytest.raises(ClusterError, match="edited in between"):
        execute([trial], workspace, cluster="none", run=RUN)


def test_an_unreadable_result_is_reported_and_kept(make_trial, workspace):
    trial = make_trial()
    path = workspace.trial_folder(trial.key) / "result.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    (outcome,) = execute([trial], workspace, cluster="none", run=RUN)
    assert outcome.result is None and str(path.parent) in outcome.error
    assert path.read_text() == "{"


def test_a_trial_under_way_elsewhere_is_waited_for_and_not_run_twice(
    make_trial, workspace, environment_of_workers
):
    import threading

    import stub_trials

    trial = make_trial()
    folder = workspace.trial_folder(trial.key)
    held = threading.Event()

    def other_run():
        with exclusive(folder, lambda words: None):
            held.set()
            time.sleep(0.5)
            from glassbench.trial.result import write_result

            write_result(workspace, stub_trials.result_of(trial, started_at=7))

    thread = threading.Thread(target=other_run)
    thread.start()
    held.wait()
    events = []
    (outcome,) = execute([trial], workspace, cluster="none", run=RUN, on_event=events.append)
    thread.join()
    assert outcome.result.history[0]["started_at"] == 7
    assert any(f"process {os.getpid()}" in event.message for event in events)
    assert not (folder / "calls").exists()


def test_what_a_trial_ran_on_is_kept_beside_its_result(make_trial, workspace, two_cores):
    trial = make_trial()
    execute([trial], workspace, cluster="local", run=RUN)
    provenance = json.loads((workspace.trial_folder(trial.key) / "provenance.json").read_text())
    assert provenance["hardware"]["cores"] == os.cpu_count()
