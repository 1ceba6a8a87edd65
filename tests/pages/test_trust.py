"""What a stranger's record or card may do to a board: nothing but stand there as what it is."""

from __future__ import annotations

import copy
import json
import os
import re
from dataclasses import replace

import numpy as np
import pytest

from glassbench.contract.errors import HIDDEN, UserError
from glassbench.contract.model_card import parse_model_card
from glassbench.metrics import MetricSpecification
from glassbench.pages import build_site, read_sources
from glassbench.pages.board_page import pareto_front
from glassbench.pages.boards import make_boards
from glassbench.pages.model_page import weakest
from glassbench.pages.references import as_bibtex
from glassbench.pages.standing import make_standing
from glassbench.plugins.registry import list_models
from glassbench.record.record import RecordError, read_record, validate_record
from glassbench.submission.signature import sign_record

from .conftest import CONDITIONS, VERIFICATION, a_key
from .synthetic_records import make_record, put

# Moves the cursor, writes the clipboard, begins a line and a command, and reorders what follows.
ATTACK = "\x1b[2J\x1b]52;c;ZXZpbA==\x07\r\n::error::x\u202e\u200b\u009b31m\U000e0041##[add-mask]*"
CARD = {
    "name": "mine", "title": "A model", "authors": ["Ada"], "year": 2026, "licence": "MIT",
    "entry": "model:M", "reads": ["thermal"], "tasks": ["ka_propensity"],
    "conditions_per_fit": "one",
}  # fmt: skip


@pytest.fixture
def board(tmp_path, task, key):
    """Return a function that builds the board of records and returns its rows by model."""

    def call(**records):
        for name, record in records.items():
            put(tmp_path / "records", name, record)
        sources = read_sources(tmp_path / "records", tmp_path / "trusted.toml")
        build_site(sources, tmp_path / "site")
        board = next(b for b in make_boards(sources) if b.task.name == task.name and b.rows)
        return {row.name: row for row in board.rows}, sources.problems

    return call


@pytest.fixture
def key(tmp_path):
    return a_key(tmp_path)


@pytest.fixture
def record(task):
    def call(model="mine", quality=0.5, created="2026-01-02T03:04:05Z", **changes):
        points = CONDITIONS[:2]
        return make_record(task, model, quality, points, created=created, **changes)

    return call


def verified(record, key):
    return sign_record(record | {"status": "verified", "verification": VERIFICATION}, key)


def better(record):
    changed = copy.deepcopy(record)
    for entry in changed["conditions"]:
        entry["scores"]["pearson_a"]["value"] = 1.0
    return changed


INVENTED = VERIFICATION | {"mode": "retrain", "labels": "hidden", "kept_after_permutation": 0.0}
INVENTIONS = {
    "hidden labels that nobody signed": lambda r, key: (
        r | {"status": "verified", "verification": INVENTED}
    ),
    "a verification of a measured record": lambda r, key: r | {"verification": INVENTED},
    "no signature": lambda r, key: r | {"status": "verified"},
    "an invented signature": lambda r, key: (
        r | {"status": "verified", "verification": VERIFICATION}
    ),
    "altered afterwards": lambda r, key: better(verified(r, key)),
    "a signature that says measured": lambda r, key: verified(r, key) | {"status": "measured"},
}


@pytest.mark.attempt("a record calls itself verified")
@pytest.mark.parametrize("invent", INVENTIONS.values(), ids=INVENTIONS)
def test_a_record_is_verified_by_a_signature_alone(invent, board, key, record, tmp_path):
    rows, problems = board(r=invent(record(), key))
    assert rows["mine"].status == "measured"
    assert any("r.json is shown as measured" in problem for problem in problems)
    for page in ("task/ka_propensity", "record/r", "model/mine", "changes"):
        text = (tmp_path / "site" / f"{page}.html").read_text()
        main = text[text.index("<main") : text.index("</main")]
        assert 'class="chip verified"' not in main and "verified on" not in main, page
        assert "hidden labels" not in main, page
    plain = json.loads((tmp_path / "site" / "leaderboard.json").read_text())
    assert "verified" not in json.dumps(plain["boards"])


def test_the_signature_of_a_maintainer_shows(board, key, record, tmp_path):
    rows, problems = board(r=verified(record(), key))
    assert rows["mine"].status == "verified" and not problems
    assert "signed by a maintainer" in (tmp_path / "site" / "record" / "r.html").read_text()


def test_only_a_verified_record_takes_the_place_of_a_verified_one(board, key, record):
    old = verified(record(), key)
    rows, _ = board(
        old=old, new=record(quality=0.9, created="2026-05-01T00:00:00Z", supersedes="old")
    )
    assert rows["mine"].entry.name == "old"
    newest = record(quality=0.4, created="2026-06-01T00:00:00Z", supersedes="old")
    rows, _ = board(newest=verified(newest, key))
    assert rows["mine"].entry.name == "newest"


def test_no_record_takes_the_place_of_another_models(board, record):
    rows, _ = board(a=record(), b=record("mallory", 0.9, supersedes="a"))
    assert set(rows) == {"mine", "mallory"}
    assert not rows["mine"].earlier
    later = record(created="2026-05-01T00:00:00Z", supersedes="a")
    rows, _ = board(c=later)
    assert rows["mine"].entry.name == "c"


@pytest.mark.attempt("another's name")
@pytest.mark.parametrize("name", ["Botan", "b0tan", "bo_tan", "BOTAN", "bo.t-an"])
def test_a_name_that_could_be_taken_for_anothers_is_left_out(name, board, record):
    rows, problems = board(a=record("botan"), b=record(name))
    assert set(rows) == {"botan"}
    assert any(name in problem and "could be taken for `botan`" in problem for problem in problems)


@pytest.mark.parametrize("name", ["b\u043etan", "botan\u200b", "bo tan", "\uff42otan", ""])
def test_a_name_of_other_letters_is_no_name(name, record):
    with pytest.raises(UserError):
        validate_record(record(name))


def test_a_name_is_its_first_owners(board, key, record):
    def of(author, **changes):
        plain = record(**changes)
        plain["model"]["authors"] = [author]
        return plain

    ours = of("Ada", created="2026-01-01T00:00:00Z")
    stolen = of("Mallory", created="2026-05-01T00:00:00Z", quality=0.9)
    taken = of("Mallory", model="botan")
    rows, problems = board(a=ours, b=stolen, c=taken)
    assert set(rows) == {"mine"} and rows["mine"].entry.name == "a"
    assert any("`mine` is that of Ada" in problem for problem in problems)
    assert any("`botan` is that of Hayato Shiba" in problem for problem in problems)


def test_a_task_whose_published_numbers_are_no_text_is_named_and_left_out(
    board, record, tmp_path, monkeypatch
):
    from glassbench.pages import sources

    def broken(task):
        if task.name == "cuzr_stiffness":
            raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no text")

    monkeypatch.setattr(sources, "read_reported", broken)
    rows, problems = board(a=record())
    assert set(rows) == {"mine"}
    assert any("task cuzr_stiffness is left out" in problem for problem in problems)


def test_the_first_of_two_names_that_look_alike_stays(board, key, record):
    early, late = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
    rows, _ = board(a=record("gnn1", created=late), b=record("gnnl", created=early))
    assert set(rows) == {"gnnl"}
    rows, _ = board(a=verified(record("gnn1", created=late), key))
    assert set(rows) == {"gnn1"}


def test_what_all_rows_share_is_taken_from_a_signed_record_first(board, key, record, tmp_path):
    invented = record("aaa")
    for entry in invented["conditions"]:
        entry["ceiling"]["pearson_a"]["value"] = 0.01
        entry["floors"] = [f | {"value": -0.9} for f in entry["floors"]]
        entry["reported"] = [{"model": "Invented", "value": 0.01, "source": "nowhere"}]
    signed = verified(record("zzz"), key)
    board(a=invented, z=signed)
    sources = read_sources(tmp_path / "records", tmp_path / "trusted.toml")
    both = next(b for b in make_boards(sources) if b.rows)
    entry, _ = signed["conditions"]
    point = both.points[0]
    assert both.ceiling("pearson_a", point) == entry["ceiling"]["pearson_a"]["value"]
    assert both.floors[entry["floors"][0]["model"]][point] == entry["floors"][0]["value"]
    assert "Invented" not in (tmp_path / "site" / "record" / "a.html").read_text()


def test_boards_of_datasets_whose_digests_begin_alike_have_two_names(board, record, tmp_path):
    begin = "sha256:88888888"
    records = {c: record(c, dataset=("mini", begin + c)) for c in "ab"}
    board(m=record(), **records)
    names = [b.name for b in make_boards(read_sources(tmp_path / "records")) if b.rows]
    assert len(set(names)) == 3


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.replace('"peak_memory_bytes": ', '"peak_memory_bytes": 1' + "0" * 400),
        lambda t: t[:1] + '"status": "verified", ' + t[1:],
    ],
    ids=["huge integer", "a key twice"],
)
def test_json_that_nobody_writes_is_left_out_and_named(change, board, record, tmp_path):
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "odd.json").write_text(change(json.dumps(record("odd"))))
    rows, problems = board(a=record())
    assert set(rows) == {"mine"} and any("odd.json is left out" in p for p in problems)


@pytest.mark.attempt("a record without end")
@pytest.mark.parametrize("what", ["link", "pipe", "sparse"])
def test_what_has_no_end_is_not_read(what, board, record, tmp_path):
    (tmp_path / "records").mkdir()
    odd = tmp_path / "records" / "odd.json"
    if what == "link":
        odd.symlink_to("/dev/zero")
    elif what == "pipe":
        os.mkfifo(odd)
    else:
        with open(odd, "wb") as file:
            file.truncate(2**42)
    with pytest.raises(RecordError, match="odd.json (is a link|has 4398046511104 bytes)"):
        read_record(odd)
    rows, problems = board(a=record())
    assert set(rows) == {"mine"} and any("record odd.json is left out" in p for p in problems)


def test_owners_stand_on_the_board_and_what_nobody_measured_is_marked(board, key, record, tmp_path):
    owned = record()
    owned["model"]["authors"] = ["Ada Lovelace", "Bob"]
    retrained = record("again", verification=VERIFICATION | {"mode": "retrain"}, status="verified")
    board(a=owned, b=verified(record("weights"), key), c=sign_record(retrained, key))
    text = (tmp_path / "site" / "task" / "ka_propensity.html").read_text()
    rows = {m[1]: m[0] for m in re.finditer(r'<tr data-model="(\w+)".*?</tr>', text, re.S)}
    assert "Ada Lovelace et al." in rows["mine"] and 'title="Ada Lovelace, Bob"' in rows["mine"]
    assert [rows[name].count("†") for name in ("mine", "weights", "again")] == [3, 3, 1]
    assert "stated by the author of the record" in text
    plain = json.loads((tmp_path / "site" / "leaderboard.json").read_text())
    models = {m["model"]: m for board in plain["boards"] for m in board["models"]}
    assert models["mine"]["stated"] == ["cost", "parameters"]
    assert models["weights"]["stated"] == ["cost", "parameters"]
    assert models["again"]["stated"] == ["parameters"]
    assert models["mine"]["authors"] == ["Ada Lovelace", "Bob"]
    assert "Ada Lovelace, Bob" in (tmp_path / "site" / "model" / "mine.html").read_text()


def nested(depth, opening, closing):
    return opening * depth + closing * depth


@pytest.mark.attempt("a record is nested deeply")
@pytest.mark.parametrize("depth", [260, 200_000])
@pytest.mark.parametrize("brackets", [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize(
    "path", ["title", "hyperparameters", "conditions", "verification", "unknown", "explanation"]
)
def test_deep_nesting_is_left_out_and_named(depth, brackets, path, board, record, tmp_path):
    middle = "1" if brackets[0] != "[" else ""
    deep = brackets[0] * depth + middle + brackets[1] * depth
    plain = record("deep")
    if path == "title":
        plain["model"]["title"] = "@@"
    elif path == "hyperparameters":
        plain["hyperparameters"] = {"x": "@@"}
    elif path != "explanation":
        plain[path] = "@@"
    folder = tmp_path / ("explain" if path == "explanation" else "records")
    folder.mkdir(exist_ok=True)
    text = json.dumps(plain).replace('"@@"', deep)
    (folder / "deep.json").write_text(deep if path == "explanation" else text)
    if path == "explanation":
        put(tmp_path / "records", "deep", plain)
    rows, problems = board(good=record("good"))
    assert "good" in rows and ("deep" in rows) == (path == "explanation")
    assert any("deep.json is left out" in problem for problem in problems)


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        b"\x80",
        b"",
        b"null",
        b"[]",
        b"\x00" * 10,
        b"1e999",
    ],
)
def test_a_file_that_is_no_record_is_left_out_and_named(content, board, record, tmp_path):
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "odd.json").write_bytes(content)
    wide = json.dumps(record("wide")).encode("utf-16")
    (tmp_path / "records" / "wide.json").write_bytes(wide)
    rows, problems = board(good=record("good"))
    assert set(rows) == {"good"} and len(problems) == 2


def test_a_file_name_that_is_no_text_is_named_and_ends_nothing(board, record, tmp_path):
    (tmp_path / "records").mkdir()
    name = b"\xff\x1b[2J.json"
    try:
        (tmp_path / "records" / name.decode("utf-8", "surrogateescape")).write_text("{}")
    except OSError:
        pytest.skip("this file system takes no such name")
    rows, problems = board(good=record("good"))
    assert set(rows) == {"good"} and len(problems) == 1


def text_places(node, path=()):
    """Yield the path of every text of plain values, and of every name in a table of names."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from text_places(value, (*path, name))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from text_places(value, (*path, index))
    elif isinstance(node, str):
        yield path


def with_text(record, path, text):
    changed = copy.deepcopy(record)
    node = changed
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = text
    return changed


def hostile(record):
    """Return the record with the attack in every text that its schema does not hold to a form."""
    record = copy.deepcopy(record)
    record["model"]["authors"] = ["A"]
    record["hyperparameters"] = {ATTACK: ATTACK, "list": [ATTACK]}
    record["failed"] = [{"condition": None, "seed": 0, "error": ATTACK}]
    record["tracking"] = {"uri": "u", "run_id": "r"}
    record["supersedes"] = ATTACK
    record["provenance"]["environments"][0]["hardware"]["gpus"] = ["g"]
    record["conditions"][0]["reported"] = [{"model": "m", "value": 0.5, "source": "s"}]
    taken = []
    for path in list(text_places(record)):
        if path[0] == "status":
            continue
        changed = with_text(record, path, f"x{ATTACK}y")
        try:
            validate_record(changed)
        except UserError:
            continue
        record, taken = changed, [*taken, path]
    return record, taken


def test_no_word_of_a_record_reaches_a_page_raw(board, record, tmp_path):
    attack, taken = hostile(record("hostile"))
    # Those that are text for people take any text; those that are names and digests do not.
    steps = {step for path in taken for step in path if isinstance(step, str)}
    asked = "title hyperparameters error uri run_id cpu gpus python platform commit source"
    assert {*asked.split(), "configurations", "model", "supersedes"} <= steps
    (tmp_path / "records").mkdir()
    # Raw, as no program of ours writes it.
    raw = re.sub(r"\\u(2\w{3}|00[89]\w)", lambda m: chr(int(m[1], 16)), json.dumps(attack))
    (tmp_path / "records" / "attack.json").write_text(raw, encoding="utf-8")
    rows, _ = board()
    assert set(rows) == {"hostile"}
    for path in (tmp_path / "site").rglob("*"):
        if path.is_file() and path.parent.name not in ("static", "figure"):
            text = path.read_text(encoding="utf-8")
            hidden = HIDDEN.search(re.sub(r"[\n\t]", " ", text))
            assert hidden is None, (path, text[hidden.start() - 80 : hidden.end() + 20])


@pytest.mark.attempt("a card names nobody, or another DOI")
@pytest.mark.parametrize(
    "change",
    [
        {"authors": [""]}, {"authors": ["  "]}, {"authors": []}, {"authors": ["x" * 301]},
        {"doi": "10.1/x},\n}\n@misc{evil,"}, {"doi": "https://doi.org/10.1000/x"},
        {"doi": 'javascript:alert(1)'}, {"doi": "10.1000/x y"}, {"doi": "10.1000/x\n"},
        {"doi": "10.1000/{x}"}, {"doi": "10.1000/x%0a"}, {"doi": "10.1000/" + "x" * 300},
    ],
)  # fmt: skip
def test_a_card_with_an_author_of_no_name_or_another_doi_is_refused(change, tmp_path):
    with pytest.raises(UserError, match="authors|doi"):
        parse_model_card(CARD | change, tmp_path)


@pytest.mark.attempt("a bibliography is broken open")
@pytest.mark.parametrize(
    "text",
    ["a}, year = 1,\n}\n@misc{evil, title={b", "{{{", "}", "\\", "a\\}b", "%", "\n@article{x,"],
)
def test_a_bibliography_has_one_entry_a_model_whatever_its_card_says(text, tmp_path):
    # A name of several lines is refused when the card is read.
    author = " ".join(f"A {text}".split())
    card = parse_model_card(
        CARD | {"title": text, "authors": [author], "doi": "10.1000/x(1):2"}, tmp_path
    )
    entry = as_bibtex([card])
    depths = np.cumsum([(c == "{") - (c == "}") for c in entry])
    # All within the braces of one entry, which close once.
    assert depths[-1] == 0 and (depths[entry.index("{") : entry.rindex("}")] > 0).all()
    assert entry.startswith("@misc{") and "\n@" not in entry


def test_where_lower_is_better_every_table_has_the_lowest_first(task, tmp_path, record):
    """The task of another primary metric, the mean absolute error, with the same records."""
    error = MetricSpecification.from_table(
        {"name": "mae", "title": "Error", "function": "mae", "target": "propensity",
         "average": "configuration", "primary": True}
    )  # fmt: skip
    other = task.model_copy(update={"metrics": (error,), "folder": tmp_path})
    for name, value in (("good", 0.2), ("middle", 0.4), ("poor", 0.7)):
        plain = make_record(other, name, value, CONDITIONS[:2])
        for entry in plain["conditions"]:
            entry["floors"].append({**entry["floors"][0], "model": "worse", "value": 0.8})
        # Worst at the second condition.
        plain["conditions"][1]["scores"]["mae"]["value"] = value + 0.1
        put(tmp_path / "records", name, plain)
    sources = read_sources(tmp_path / "records")
    sources = replace(sources, tasks={task.name: other})
    build_site(sources, tmp_path / "site")
    text = (tmp_path / "site" / "task" / "ka_propensity.html").read_text()
    assert re.findall(r'<tr data-model="(\w+)"', text) == ["good", "middle", "poor"]
    assert "Error, lower is better" in text and "(local_density)" in text
    assert "data-lower" in text[text.index('data-column="score"') :][:60]
    # The end of the bar that no model reaches is the left one.
    assert re.search(r'class="bar-above" x="2" y="2"', text)
    board, standing = next(
        (b, s) for b in make_boards(sources) if b.rows for s in [make_standing(b)]
    )
    assert standing.floor_name == "local_density"
    assert [place.rank for place in standing.places] == [1, 2, 3]
    first = next(row for row in board.rows if row.name == "good")
    assert weakest(board, first)[0]["value"] == pytest.approx(0.3)
    assert pareto_front(board, standing)["wall_seconds"] == {"good"}
    home = (tmp_path / "site" / "index.html").read_text()
    assert 'href="model/good.html"' in home and 'href="model/poor.html"' not in home


def of_baseline(record, **changes):
    """Return a record of a baseline as it is installed."""
    card = next(model.contract for model in list_models() if model.name == "averaged_ridge")
    values = {"hyperparameters": card.hyperparameters_for("ka_propensity", "mini", {})}
    plain = record("averaged_ridge", **values | changes)
    plain["model"]["digest"] = plain["provenance"]["model_digest"] = card.digest
    plain["model"]["authors"] = list(card.authors)
    return plain


def by_a_stranger(record, **changes):
    """Return one of the same name and authors, of another program, newer, with more conditions."""
    plain = of_baseline(record, created="2026-06-01T00:00:00Z", quality=0.99, **changes)
    plain["model"]["digest"] = plain["provenance"]["model_digest"] = "f" * 64
    last = copy.deepcopy(plain["conditions"][-1])
    last["condition"] = CONDITIONS[2]
    plain["conditions"].append(last)
    return plain


TAKEOVERS = {
    "newer, with more conditions": {},
    "as its successor": {"supersedes": "own"},
    "calling itself verified": {"status": "verified", "verification": VERIFICATION},
    "calling its labels hidden": {"status": "verified", "verification": INVENTED},
    "with tuning": {"tuning": None},
    "given other positions": {"hyperparameters": {"positions": "cage"}},
    "made in the year 2999": {"created": "2999-01-01T00:00:00Z"},
}


@pytest.mark.attempt("a stranger's record takes the row of a baseline")
@pytest.mark.parametrize("name", TAKEOVERS)
def test_a_row_of_a_baseline_is_of_the_program_that_is_installed(name, board, record):
    changes = dict(TAKEOVERS[name])
    stranger = by_a_stranger(record, **{k: v for k, v in changes.items() if k != "created"})
    stranger |= {"created": changes.get("created", stranger["created"])}
    if name == "with tuning":
        stranger["tuning"] = TUNING
    rows, problems = board(own=of_baseline(record), stranger=stranger)
    assert rows["averaged_ridge"].entry.name == "own"
    assert set(rows) == {"averaged_ridge"}
    refused = name in ("given other positions", "made in the year 2999")
    assert any("stranger.json is left out" in p for p in problems) == refused


TUNING = {
    "study": "0" * 64, "trials": 7, "finished": 7, "stopped": 0, "failed": 0, "search": "random",
    "scheduler": "none", "metric": "pearson_a", "validation_score": 0.99, "seed": 0,
    "conditions": [{"temperature": 0.5, "time": 0.5}], "wall_seconds": 1.0, "cpu_seconds": 1.0,
    "gpu_seconds": 0.0, "dataset_digest": "sha256:0123456789abcdef", "model_digest": "0" * 64,
    "changed": [],
}  # fmt: skip


def test_a_record_whose_settings_were_tuned_is_marked(board, record, tmp_path):
    board(a=record() | {"tuning": TUNING}, b=record("plain"))
    text = (tmp_path / "site" / "task" / "ka_propensity.html").read_text()
    rows = {m[1]: m[0] for m in re.finditer(r'<tr data-model="(\w+)".*?</tr>', text, re.S)}
    assert "tuned</span>" in rows["mine"] and "7 trials" in rows["mine"]
    assert "tuned" not in rows["plain"]
    assert "stated by the author" in (tmp_path / "site" / "record" / "a.html").read_text()


@pytest.mark.attempt("a stranger's record takes the row of a baseline")
@pytest.mark.parametrize("said", [("thermal", "cage"), ("cage", "thermal"), ("inherent", "cage")])
def test_a_row_is_of_the_positions_that_its_model_was_given(said, board, record):
    given, reads = said
    odd = record("other", hyperparameters={"positions": given}, reads=(reads,))
    rows, problems = board(good=record(), odd=odd)
    assert set(rows) == {"mine"}
    assert any(f"was given {given} positions, and says that it reads {reads}" in p
               for p in problems)  # fmt: skip


def test_records_that_supersede_each_other_have_one_row(board, record):
    pair = {"a": record(supersedes="b"), "b": record(supersedes="a"), "c": record(supersedes="c")}
    rows, problems = board(**pair)
    assert set(rows) == {"mine"} and not problems


EXPLAINED = {
    "schema_version": 1, "seed": 0, "dataset": [], "replaced": [], "maps": [], "structures": [],
    "learning_curve": [], "transfer": [],
}  # fmt: skip
WRONG = {
    "a better score": lambda e: e["conditions"][0]["worst"][0].update(value=0.99),
    "an undefined score": lambda e: e["conditions"][0]["worst"][0].update(value=None),
    "another configuration": lambda e: e["conditions"][0]["worst"][0].update(configuration="x"),
    "another seed": lambda e: e.update(seed=7),
    "another condition": lambda e: e["conditions"][0].update(condition=CONDITIONS[5]),
    "another model": lambda e: e.update(model_digest="1" * 64),
    "another dataset": lambda e: e.update(dataset_digest="sha256:" + "1" * 16),
}


@pytest.mark.attempt("an explanation is of another record")
@pytest.mark.parametrize("name", [None, *WRONG])
def test_an_explanation_has_the_scores_of_its_record(name, board, record, tmp_path):
    plain = record()
    entry = plain["conditions"][0]
    worst = {
        "configuration": "c1", "target_mean": 1.0, "target_spread": 1.0, "bias": 0.0,
        "value": entry["scores"]["pearson_a"]["seeds"][0]["by_configuration"][1] + 1e-4,
    }  # fmt: skip
    part = {"condition": entry["condition"], "unit": "", "worst": [worst], "errors": [],
            "parity": None}  # fmt: skip
    digests = {
        "model_digest": plain["model"]["digest"],
        "dataset_digest": plain["dataset"]["digest"],
    }
    explained = copy.deepcopy(EXPLAINED | digests | {"conditions": [part]})
    if name:
        WRONG[name](explained)
    put(tmp_path / "explain", "a", explained)
    rows, problems = board(a=plain)
    assert (rows["mine"].entry.explanation is None) == bool(name)
    assert any("explanation a.json is left out" in p for p in problems) == bool(name)
