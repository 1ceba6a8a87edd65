"""Published numbers and published settings beside what was measured here."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from glassbench.contract.task import read_reported
from glassbench.home.workspace import content_folder
from glassbench.pages import build_site, read_sources
from glassbench.pages.boards import make_boards
from glassbench.pages.model_page import weakest
from glassbench.pages.published import beside, published_tables, state_of_the_art
from glassbench.pages.sources import is_less, reductions, with_seeds
from glassbench.pages.standing import make_standing
from glassbench.plugins.registry import load_task

from .synthetic_records import make_record, put


@pytest.fixture(scope="module")
def roadmap():
    (board,) = [b for b in make_boards(read_sources(content_folder("tasks"))) if b.reported]
    return board


def test_all_published_numbers_stand_in_tables_by_temperature(roadmap):
    tables = published_tables(roadmap)
    values = [v for t in tables for row in t["rows"] for v in row["values"] if v is not None]
    numbers = read_reported(roadmap.task)
    assert sorted(values) == sorted(number.value for number in numbers) and len(values) == 350
    assert len({row["name"] for table in tables for row in table["rows"]}) == 11


def test_published_ranks_are_those_at_the_relaxation_time(roadmap):
    for table in published_tables(roadmap):
        scaled = [x for _, x in table["times"]]
        k = int(np.argmin(np.abs(np.log(scaled))))
        assert scaled[k] == pytest.approx(1, rel=0.01)
        at_tau = {row["name"]: row["values"][k] for row in table["rows"]}
        for row in table["rows"]:
            better = [name for name, value in at_tau.items() if value > at_tau[row["name"]]]
            assert row["rank"] == 1 + len(better)
            assert row["best"] == max(v for v in row["values"] if v is not None)


def test_a_board_of_published_numbers_is_ordered_at_the_relaxation_time(roadmap, site):
    points = roadmap.relaxed
    assert [point[0] for point in points] == [0.44, 0.5, 0.56, 0.64]
    assert all(
        point[1] / roadmap.tau_alpha(point) == pytest.approx(1, rel=0.01) for point in points
    )
    numbers = roadmap.published("pearson_a")
    for name, mean in roadmap.published_means(()):
        assert mean == pytest.approx(np.mean([numbers[name][point].value for point in points]))
    text = (site / "task" / "ka_propensity--roadmap.html").read_text(encoding="utf-8")
    assert "11 reported" in text and "Published in other metrics alone" in text


def test_the_state_of_the_art_only_rises_over_the_years(roadmap):
    lines = state_of_the_art(roadmap)
    assert [line["words"] for line in lines] == ["T = 0.44", "T = 0.5", "T = 0.56", "T = 0.64"]
    for line in lines:
        years, values = zip(*((step["year"], step["value"]) for step in line["best"]))
        assert list(years) == sorted(set(years)) and list(values) == sorted(values)


def test_exports_hold_every_published_number_with_its_doi(site):
    with open(site / "export" / "ka_propensity--roadmap.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 350 and len({row["model"] for row in rows}) == 11
    assert {row["source_doi"] for row in rows if row["model"] == "BOTAN"} == {"10.1063/5.0129791"}


def test_a_short_training_of_a_published_network_is_called_reduced(task, tmp_path):
    record = make_record(task, "botan", 0.5, [{"temperature": 0.64, "time": 16.5}])
    record["hyperparameters"] = {"epochs": 8, "width": 64, "batch_size": 1, "augment": True}
    put(tmp_path, "short", record)
    sources = read_sources(tmp_path)
    (entry,) = sources.entries
    assert reductions(entry, sources.cards["botan"]) == ("8 of 1000 epochs",)
    entry.record["hyperparameters"]["epochs"] = 1000
    assert reductions(entry, sources.cards["botan"]) == ()
    board = next(b for b in make_boards(sources) if b.name == task.name)
    assert beside(board, "botan").startswith("published: 0.66 at T = 0.64, t = 16.5")
    assert beside(board, "eignn").startswith("published: EIGNN-Cage 0.67 at T = 0.64")


@pytest.mark.parametrize(
    ("own", "published", "less"),
    [(8, 1000, True), (1000, 1000, False), (2000, 1000, False), (True, False, False),
     ([8, 16], [16, 32, 64], True), ([16, 32, 64], [16, 32, 64], False), (0.1, 0.2, False),
     ("mini", "paper", True), ("paper", "paper", False), ("cosine", "constant", False)],
)  # fmt: skip
def test_fewer_or_smaller_is_less(own, published, less):
    assert is_less(own, published) is less


def test_three_seeds_widen_an_interval_and_fewer_do_not():
    assert with_seeds((0.4, 0.6), [0.4, 0.6]) == (0.4, 0.6)
    assert with_seeds(None, [0.4, 0.5, 0.6]) is None
    low, high = with_seeds((0.4, 0.6), [0.4, 0.5, 0.6])
    half = np.hypot(0.1, 4.302652729749464 * 0.1 / np.sqrt(3))
    assert (low, high) == pytest.approx((0.5 - half, 0.5 + half))
    assert with_seeds((0.4, 0.6), [0.5, 0.5, 0.5]) == pytest.approx((0.4, 0.6))


def test_the_largest_value_of_a_metric_is_no_noise_ceiling(tmp_path):
    task = load_task("lj2d_plasticity")
    point = {"quench_time": 1000.0, "fraction": 0.005, "strain": 0.02}
    for name, ceiling in (("bound", 0.9948), ("measured", 0.93)):
        record = make_record(task, "m", 0.5, [point])
        for entry in record["conditions"][0]["ceiling"].values():
            entry["value"] = ceiling
        put(tmp_path / name, "r", record)
        board = next(b for b in make_boards(read_sources(tmp_path / name)) if b.rows)
        standing = make_standing(board)
        assert standing.bound is (name == "bound")
        assert (standing.share(standing.places[0]) is None) is (name == "bound")
        words = "Largest possible value" if name == "bound" else "Noise ceiling"
        assert standing.ceiling_words == words
        share = weakest(board, board.rows[0])[0]["share"]
        assert (share is None) is (name == "bound")
        build_site(read_sources(tmp_path / name), tmp_path / name / "site")
        for page in ("task/lj2d_plasticity-conditions", "record/r"):
            text = (tmp_path / name / "site" / f"{page}.html").read_text(encoding="utf-8")
            assert ("noise ceiling" in text.casefold()) is (name != "bound")
        assert ("Of ceiling" in text) is (name != "bound")
