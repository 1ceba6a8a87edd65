"""`glassbench study`: one command, one table, one results file, one figure."""

from __future__ import annotations

import json
from pathlib import Path

SMALL = ("model.smallest_radius=0.8", "model.largest_radius=2.2", "model.step=0.2", "time=5")


def words(dataset, *more):
    task = ("task=ka_propensity", "model=neighbour_count_ridge", f"dataset={dataset}")
    return ["training_configurations", *task, *SMALL, "cluster=none", *more]


def test_a_study_prints_a_table_and_leaves_results_and_figures(glassbench, tiny_dataset, home):
    given = words(tiny_dataset, "values=1,all", "seed=0,1", "floors=off")
    answer = glassbench("study", *given)
    assert answer.code == 0, answer.err
    assert "Number of training configurations" in answer.out
    assert "they stand in no record" in answer.out
    assert "T = 0.64, t = 5, neighbour_count_ridge" in answer.out
    rows = [line.split() for line in answer.out.splitlines()]
    assert [row[0] for row in rows if len(row) > 3 and row[0].isdigit()] == ["1", "4"]
    (folder,) = (home / "studies").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == [
        "figure.png", "figure.svg", "results.json",
    ]  # fmt: skip
    assert not (home / "records").exists() or not list((home / "records").iterdir())
    again = glassbench("study", *given, "--json")
    plain = json.loads(again.out)
    assert plain["study"] == "training_configurations"
    assert [p["text"] for p in plain["panels"][0]["curves"][0]["points"]] == ["1", "4"]
    assert Path(plain["files"]["results"]).parent == folder
    stored = json.loads((folder / "results.json").read_text())
    assert stored["panels"] == plain["panels"]
    # Everything was there: no trial ran again.
    assert "finished" not in again.err


def test_wrong_words_are_refused_before_any_work(glassbench, tiny_dataset, home):
    for given, message in [
        ((), "the first word names the study"),
        (("task=ka_propensity",), "the first word names the study"),
        (("shell_removed", "task=ka_propensity"), "did you mean `shells_removed`"),
        (("rounds", "model=botan"), "`task=` is missing"),
        (("rounds", *words(tiny_dataset)[1:]), "no hyperparameter `recurrences`"),
    ]:
        answer = glassbench("study", *given)
        assert answer.code == 2
        assert message in answer.err
    assert not (home / "trials").exists()


def test_a_failed_trial_is_named_and_the_others_stand(glassbench, tiny_dataset, home):
    # A radius beyond half of the box cannot be counted within.
    given = [w for w in words(tiny_dataset) if not w.startswith("model.largest_radius")]
    given[0] = "seeds"
    answer = glassbench("study", *given, "model.largest_radius=4", "seed=0", "floors=off")
    assert answer.code == 1
    assert "failed  neighbour_count_ridge temperature=0.64 time=5 seed=0, as usual: " in answer.out


def test_the_studies_are_listed_with_their_source(glassbench):
    answer = glassbench("studies")
    assert answer.code == 0
    assert "shells_removed" in answer.out
    assert "Extended Data Fig. 8" in answer.out
    plain = json.loads(glassbench("studies", "--json").out)
    assert {"name", "title", "source", "values", "seeds", "options"} == set(plain["studies"][0])


def test_the_best_floor_is_the_lowest_where_lower_is_better():
    from glassbench.cli.study import _best_floor

    floors = [{"model": name, "metric": "error", "points": [{"x": 1.0, "value": value}]}
              for name, value in (("near", 0.2), ("far", 0.5))]  # fmt: skip
    panel, curve, point = {"floors": floors}, {"metric": "error"}, {"x": 1.0}
    assert _best_floor(panel, curve, point, False) == "0.200 near"
    assert _best_floor(panel, curve, point, True) == "0.500 far"
