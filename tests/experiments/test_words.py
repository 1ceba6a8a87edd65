from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassbench.contract.conditions import AxisChoice, choose_conditions, match_condition
from glassbench.contract.errors import WordError
from glassbench.experiments.words import parse_axis, parse_run, parse_seeds, split_words
from glassbench.model import Condition

AXES = ("temperature", "time")
WORDS = [
    "task=ka_propensity",
    "model=botan",
    "temperature=0.64",
    "time=0.52,16.5",
    "seed=0..2",
    "epochs=4",
    "model.learning_rate=1e-3",
    "cluster=none",
    "floors=off",
]


def test_the_words_make_the_request():
    request = parse_run(split_words(WORDS), AXES)
    assert (request.task, request.models) == ("ka_propensity", ("botan",))
    assert request.axes["time"] == AxisChoice(values=(0.52, 16.5))
    assert request.seeds == (0, 1, 2)
    assert request.hyperparameters == {"learning_rate": "1e-3", "epochs": "4"}
    assert (request.cluster, request.floors, request.force) == ("none", False, False)


@given(st.permutations(WORDS))
def test_the_order_of_the_words_means_nothing(words):
    assert parse_run(split_words(words), AXES) == parse_run(split_words(WORDS), AXES)


def test_hyperparameters_are_kept_as_text():
    request = parse_run(
        split_words(["task=t", "model=m", "model.id=00123", "model.weights=../a,b=c/x..y.pth"]),
        AXES,
    )
    assert request.hyperparameters == {"id": "00123", "weights": "../a,b=c/x..y.pth"}


@given(st.integers(0, 50), st.integers(0, 50))
def test_a_range_of_seeds_holds_both_ends(first, length):
    assert parse_seeds(f"{first}..{first + length}") == tuple(range(first, first + length + 1))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["botan"], "`botan` is not of the form key=value"),
        (["task="], "`task=` is not of the form"),
        (["tsk=x"], r"no key `tsk`: did you mean `task`\? There are .*temperature"),
        (["temprature=1"], "no key `temprature`: did you mean `temperature`"),
        (["model=b"], "`model` is given twice, as `botan` and as `b`"),
        (["model.epochs=3", "epochs=4"], "`epochs` and `model.epochs` are the same"),
        (["model.=3"], "names no hyperparameter"),
        (["seed=-1"], "`-1` in `seed` is not a whole number of 0 or more"),
        (["seed=1.5"], "`1.5` in `seed` is not a whole number"),
        (["seed=4..0"], r"range `4\.\.0` of `seed` runs backwards: write `0\.\.4`"),
        (["seed=0..4,2"], "`seed` has 2 twice"),
        (["seed=0..1000000000"], "more than 1000 seeds"),
        (["seed=99999999999"], "above 2147483647"),
        (["seed=1,,2"], "empty place"),
        (["time=hot"], "`hot` in `time` is not a number"),
        (["time=inf"], "`inf` in `time` is not finite"),
        (["cluster=lokal"], r"`cluster=lokal`: did you mean `local`\?"),
        (["cluster=ray://"], "`cluster=ray://`"),
        (["cluster=node1:"], "`cluster=node1:`"),
        (["floors=maybe"], "`floors=maybe` is neither on nor off"),
        (["threads=0"], "`threads=0` is below 1"),
    ],
)
def test_a_wrong_word_is_named(words, message):
    with pytest.raises(WordError, match=message):
        parse_run(split_words(["task=ka_propensity", "model=botan", *words]), AXES)


@pytest.mark.parametrize("missing", ["task", "model"])
def test_a_missing_word_is_named_with_the_command_that_lists(missing):
    words = [word for word in ("task=t", "model=m") if not word.startswith(missing)]
    with pytest.raises(WordError, match=f"`{missing}=` is missing: `glassbench {missing}s`"):
        parse_run(split_words(words), AXES)


AVAILABLE = [
    *(Condition.of(temperature=0.44, time=t) for t in (13.0, 4120.0)),
    *(Condition.of(temperature=0.64, time=t) for t in (0.165, 0.52, 5.2, 16.5)),
]
DEFAULT = {"temperature": (0.64,), "time": (0.52, 5.2, 16.5)}


def _chosen(default=DEFAULT, **words):
    asked = {axis: parse_axis(axis, text) for axis, text in words.items()}
    return [(c["temperature"], c["time"]) for c in choose_conditions(AVAILABLE, asked, default)]


def test_without_words_the_task_chooses():
    assert _chosen() == [(0.64, 0.52), (0.64, 5.2), (0.64, 16.5)]


def test_without_words_and_without_a_default_everything_is_taken():
    assert len(_chosen(default={})) == len(AVAILABLE)


def test_a_state_without_the_default_times_gives_all_its_times():
    assert _chosen(temperature="0.44") == [(0.44, 13.0), (0.44, 4120.0)]


def test_values_ranges_and_all():
    assert _chosen(time="0.165") == [(0.64, 0.165)]
    assert _chosen(time="0.5..6") == [(0.64, 0.52), (0.64, 5.2)]
    assert len(_chosen(temperature="all", time="all")) == len(AVAILABLE)
    assert _chosen(temperature="all", time="10..5000") == [
        (0.44, 13.0),
        (0.44, 4120.0),
        (0.64, 16.5),
    ]


def test_a_value_matches_within_one_part_in_a_billion():
    assert _chosen(time=repr(16.5 * (1 + 5e-10))) == [(0.64, 16.5)]
    with pytest.raises(WordError, match="has no time 16.5000001: it has 0.165, 0.52"):
        _chosen(time="16.5000001")


def test_what_the_dataset_lacks_is_answered_with_what_it_has():
    with pytest.raises(WordError, match="no temperature 0.6: it has 0.44, 0.64"):
        _chosen(temperature="0.6")
    with pytest.raises(WordError, match=r"no time 16.5 at temperature 0.44: it has 13, 4120 there"):
        _chosen(temperature="0.44,0.64", time="16.5")
    with pytest.raises(WordError, match=r"no time 100\.\.200"):
        _chosen(time="100..200")


@given(
    st.lists(st.sampled_from([0.44, 0.64]), unique=True, min_size=1),
    st.lists(st.sampled_from([13.0, 4120.0, 0.52, 16.5]), unique=True, min_size=1),
)
def test_all_combinations_that_were_asked_for_are_there_or_the_request_is_refused(temps, times):
    words = {
        "temperature": ",".join(map(repr, temps)),
        "time": ",".join(map(repr, times)),
    }
    wanted = set(itertools.product(temps, times))
    if wanted <= {(c["temperature"], c["time"]) for c in AVAILABLE}:
        assert set(_chosen(**words)) == wanted
    else:
        with pytest.raises(WordError):
            _chosen(**words)


def test_one_condition_needs_all_its_axes():
    assert match_condition(AVAILABLE, {"time": 16.5, "temperature": 0.64}) == AVAILABLE[-1]
    with pytest.raises(WordError, match="names temperature and time; given: time=16.5"):
        match_condition(AVAILABLE, {"time": 16.5})


@pytest.mark.parametrize("address", ["node1:6379", "10.0.0.1:20036", "ray://node1:10001"])
def test_a_cluster_is_named_by_host_and_port_with_or_without_ray(address):
    assert (
        parse_run(split_words(["task=t", "model=m", f"cluster={address}"]), AXES).cluster == address
    )
