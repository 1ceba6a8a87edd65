"""The site as files: deterministic, light, and true to its records."""

from __future__ import annotations

import csv
import filecmp
import hashlib
import itertools
import json
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pytest

from glassbench.contract.errors import UserError
from glassbench.home.workspace import content_folder
from glassbench.metrics.specification import FUNCTIONS
from glassbench.pages import build_site, read_sources
from glassbench.pages.api import Leaderboard
from glassbench.pages.overview import definitions
from glassbench.pages.render import render_markdown
from glassbench.pages.site import site_files
from glassbench.plugins.registry import load_task

from .conftest import CONDITIONS, HOSTILE
from .synthetic_records import PROBE, make_record, put

LIMIT = 400_000
ATOM = "{http://www.w3.org/2005/Atom}"


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_same_input_gives_the_same_bytes(sources, site, tmp_path):
    build_site(sources, tmp_path / "again")
    assert files_of(tmp_path / "again") == files_of(site)


def test_a_board_without_any_record_has_its_pages(tmp_path):
    report = build_site(read_sources(tmp_path / "records"), tmp_path / "site")
    assert (report.records, report.problems) == (0, ())
    assert "No record yet" in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")


def test_a_second_build_changes_what_its_records_ask_for_and_nothing_else(task, tmp_path):
    folder, out = tmp_path / "records", tmp_path / "site"
    for k in range(2):
        put(folder, f"r{k}", make_record(task, f"m{k}", 0.5, CONDITIONS))
    build_site(read_sources(folder), out)
    (out / "notes.txt").write_text("of someone else", encoding="utf-8")
    assert build_site(read_sources(folder), out).written == 0
    put(folder, "r2", make_record(task, "m2", 0.6, CONDITIONS))
    report = build_site(read_sources(folder), out)
    assert 0 < report.written < report.files
    (folder / "r2.json").unlink()
    assert build_site(read_sources(folder), out).removed > 0
    assert not (out / "record" / "r2.html").exists() and (out / "notes.txt").is_file()


def test_an_interrupted_build_leaves_whole_files_and_can_be_repeated(
    sources, site, tmp_path, monkeypatch
):
    def interrupted(sources, address):
        yield from itertools.islice(site_files(sources, address), 20)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("glassbench.pages.site.site_files", interrupted)
        with pytest.raises(KeyboardInterrupt):
            build_site(sources, tmp_path)
    whole = files_of(site)
    part = files_of(tmp_path)
    assert {name: whole[name] for name in part if not name.startswith(".")}.items() <= part.items()
    build_site(sources, tmp_path)
    assert files_of(tmp_path) == whole


def test_the_page_of_a_tuned_record_says_how_much_tuning_it_had(task, tmp_path):
    tuning = {
        "study": "a" * 64, "trials": 9, "finished": 4, "stopped": 5, "failed": 0,
        "search": "random", "scheduler": "asha", "metric": "pearson_a", "validation_score": 0.61,
        "seed": 0, "conditions": [{"temperature": 0.64, "time": 0.5}], "wall_seconds": 70.0,
        "cpu_seconds": 140.0, "gpu_seconds": 0.0, "dataset_digest": "sha256:0123",
        "model_digest": "b" * 64, "changed": ["rate"],
    }  # fmt: skip
    put(tmp_path, "tuned", make_record(task, "m", 0.5, CONDITIONS) | {"tuning": tuning})
    put(tmp_path, "plain", make_record(task, "n", 0.5, CONDITIONS))
    build_site(read_sources(tmp_path), tmp_path / "site")
    pages = {
        n: (tmp_path / "site" / "record" / f"{n}.html").read_text() for n in ("tuned", "plain")
    }
    for words in (
        "9 trials (4 finished, 5 stopped early)",
        "70 s, 140 CPU s",
        "changed since: rate",
    ):
        assert words in pages["tuned"]
    assert "<dt>Tuning</dt>" not in pages["plain"]


def test_a_file_that_was_edited_is_made_again(task, tmp_path):
    put(tmp_path / "records", "r", make_record(task, "m", 0.5, CONDITIONS))
    sources = read_sources(tmp_path / "records")
    build_site(sources, tmp_path / "site")
    page = tmp_path / "site" / "index.html"
    before = page.read_bytes()
    page.write_bytes(before.replace(b"GlassBench", b"GrassBench"))
    build_site(sources, tmp_path / "site")
    assert page.read_bytes() == before


def test_a_folder_of_others_is_refused(sources, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work", encoding="utf-8")
    with pytest.raises(UserError, match="out="):
        build_site(sources, tmp_path)


def test_no_page_leaves_the_folder_for_what_it_loads(site):
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for name in re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="([^"]+)"', text):
            assert not re.match(r"[a-z]+:|//", name), f"{page} loads {name}"
            assert (page.parent / name).resolve().is_file(), f"{page} loads {name}"


def test_every_link_leads_somewhere(site):
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for link in re.findall(r'<a [^>]*href="([^"]+)"', text):
            name, _, anchor = link.partition("#")
            if re.match(r"https?:", link):
                continue
            target = (page.parent / name).resolve() if name else page
            assert target.is_file(), f"{page.name} links to {link}"
            if anchor and not anchor.startswith("?"):
                assert f'id="{anchor}"' in target.read_text(encoding="utf-8"), link


def test_a_page_weighs_less_than_400_kilobytes_before_data(site):
    library = (site / "static" / "plot.min.js").stat().st_size
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = {
            (page.parent / name).resolve()
            for name in re.findall(r'(?:src|href)="([^"]+\.(?:js|css|svg))"', text)
        }
        weight = len(text.encode()) + sum(path.stat().st_size for path in loaded)
        assert weight + (library if "figures.js" in text else 0) < LIMIT, page


def test_what_a_record_says_is_text_and_never_markup(site):
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert HOSTILE not in text and "<script>alert" not in text
    script = next((site / "data" / "board").glob("ka_propensity_pearson_a-*.js"))
    assert script.read_text(encoding="utf-8").startswith("glassbench.receive(")


def test_the_csv_holds_the_numbers_of_the_records(site, records):
    with open(site / "export" / "ka_propensity.csv", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["model"] == "averaged_ridge"]
    rows = [row for row in rows if row["metric"] == "pearson_a"]
    record = json.loads((records / "ka-mini-averaged_ridge.json").read_text(encoding="utf-8"))
    assert len(rows) == len(CONDITIONS)
    for entry in record["conditions"]:
        (row,) = [
            r
            for r in rows
            if float(r["temperature (ε_AA/k_B)"]) == entry["condition"]["temperature"]
            and float(r["time (τ)"]) == entry["condition"]["time"]
        ]
        score = entry["scores"]["pearson_a"]
        assert float(row["value"]) == score["value"]
        assert [float(row["low"]), float(row["high"])] == pytest.approx(score["interval"])
        assert (row["status"], row["record"]) == ("measured", "ka-mini-averaged_ridge")


def test_a_record_shows_what_a_turn_against_the_load_does(task, tmp_path):
    sees, blind = (make_record(task, name, 0.5, CONDITIONS[:2]) for name in ("sees", "blind"))
    sees["conditions"][0]["rotation_probe"] = PROBE
    blind["conditions"][0]["rotation_probe"] = PROBE | {"value": 0.0, "interval": [0.0, 0.0]}
    for record in (sees, blind, make_record(task, "without", 0.5, CONDITIONS)):
        put(tmp_path / "records", record["model"]["name"], record)
    build_site(read_sources(tmp_path / "records"), tmp_path / "site")
    pages = {p.stem: p.read_text(encoding="utf-8") for p in (tmp_path / "site/record").iterdir()}
    assert '<span class="clear">0.123</span>' in pages["sees"] and 'id="turns"' in pages["sees"]
    assert "does not see the direction of the load" in pages["blind"]
    assert 'id="turns"' not in pages["blind"] and "Rotating the structure" not in pages["without"]


def test_a_board_shows_how_fields_fluctuate_beside_the_truth(task, tmp_path):
    point = {"temperature": 0.64, "time": 5.0}
    record = make_record(task, "smooth", 0.5, [point])
    entry = record["conditions"][0]
    for name, value in {"spread_a": 0.5, "s4_a": 0.3, "xi4_a": 0.75, "chi4_a": None}.items():
        entry["scores"][name] |= {"value": value, "interval": None}
    entry["truth"] = {"spread_a": {"value": 0.0567, "interval": [0.05, 0.06]}}
    put(tmp_path / "records", "smooth", record)
    older = make_record(task, "older", 0.4, [point])
    for name in ("spread_a", "s4_a", "xi4_a", "chi4_a"):
        del older["conditions"][0]["scores"][name], older["conditions"][0]["ceiling"][name]
    put(tmp_path / "records", "older", older)
    build_site(read_sources(tmp_path / "records"), tmp_path / "site")
    page = (tmp_path / "site" / "task" / f"{task.name}.html").read_text(encoding="utf-8")
    section = page.partition('id="fluctuations"')[2].partition("</section>")[0]
    cells = re.findall(r"<td[^>]*>(?:<[^>]*>)*([^<\s]*)", section)
    assert "0.0567" in cells and "0.50" in cells and "1.20" in cells  # 0.3 / 0.5²
    assert "Not measured: older." in section and '<th scope="row">older' not in section


def test_every_export_tells_the_tier_of_a_rank(tiered, tmp_path):
    build_site(read_sources(tiered), tmp_path)
    with open(tmp_path / "export" / "ka_propensity.csv", encoding="utf-8", newline="") as file:
        primary = [row for row in csv.DictReader(file) if row["metric"] == "pearson_a"]
    rows = {row["model"]: (row["tier"], row["rank"]) for row in primary}
    assert rows["good"] == ("thermal", "1") and rows["trembling"] == ("dynamics", "2")
    plain = json.loads((tmp_path / "leaderboard.json").read_text(encoding="utf-8"))
    board = next(b for b in plain["boards"] if b["name"] == "ka_propensity")
    assert {m["model"]: (m["tier"], str(m["rank"])) for m in board["models"]} == rows
    table = (tmp_path / "export" / "ka_propensity.tex").read_text(encoding="utf-8")
    heads = re.findall(r"\\multicolumn\{5\}\{l\}\{(.*?)\}", table)
    assert [head.split()[-2:] for head in heads] == [
        ["instantaneous", "configuration"], ["inherent", "structure"], ["short-time", "dynamics"]
    ]  # fmt: skip


def test_the_home_page_names_the_best_of_every_tier(tiered, tmp_path):
    build_site(read_sources(tiered), tmp_path)
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "Best using only the instantaneous configuration" in text
    for name in ("good", "modes", "shaken"):
        assert f'<a href="model/{name}.html">' in text
    tasks = text[text.index('id="tasks"') :]
    assert "model/trembling.html" not in tasks and "model/poor.html" not in tasks


def test_the_page_of_a_model_counts_those_of_its_tier(tiered, tmp_path):
    build_site(read_sources(tiered), tmp_path)
    text = (tmp_path / "model" / "trembling.html").read_text(encoding="utf-8")
    assert '<td class="num">2 of 2</td>' in text and "short-time dynamics" in text


def test_reported_numbers_stand_in_rows_of_their_own(site):
    with open(site / "export" / "ka_propensity--roadmap.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["status"] for row in rows} == {"reported"}
    assert all(row["source"] and not row["record"] and not row["rank"] for row in rows)


def test_the_api_keeps_its_schema(site):
    text = (site / "leaderboard.json").read_text(encoding="utf-8")
    plain = json.loads(text)
    assert Leaderboard.model_validate_json(text).model_dump(mode="json") == plain
    board = next(b for b in plain["boards"] if b["name"] == "ka_propensity")
    assert [m["status"] for m in board["models"] if m["model"] == "botan"] == ["verified"]
    assert all((site / m["record"]).is_file() for m in board["models"])


class Tags(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_pages_run_no_script_but_their_own(site):
    for page in site.rglob("*.html"):
        tags = Tags(page.read_text(encoding="utf-8")).found
        (policy,) = [a["content"] for t, a in tags if a.get("http-equiv")]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in policy and "http" not in policy
        for tag, attributes in tags:
            assert tag not in ("iframe", "object", "embed", "form") or "hidden" in attributes
            assert tag != "script" or attributes["src"].split("/")[-2] == "static"
            assert not [name for name in attributes if name.startswith("on")], page
            assert not (attributes.get("href") or "").startswith(("javascript:", "data:"))
            assert tag != "img" or attributes["src"].startswith(("../figure/", "../badge/"))


def test_the_feed_is_atom_with_the_newest_first(site):
    feed = ElementTree.parse(site / "feed.xml").getroot()
    assert feed.tag == f"{ATOM}feed"
    for name in ("id", "title", "updated"):
        assert feed.findtext(f"{ATOM}{name}")
    dates = [entry.findtext(f"{ATOM}updated") for entry in feed.iter(f"{ATOM}entry")]
    assert dates == sorted(dates, reverse=True)
    ids = [entry.findtext(f"{ATOM}id") for entry in feed.iter(f"{ATOM}entry")]
    assert len(set(ids)) == len(ids) == 2
    titles = [entry.findtext(f"{ATOM}title") for entry in feed.iter(f"{ATOM}entry")]
    assert titles[0].startswith("1 record verified on") and titles[1].startswith("New board")
    first = feed.findall(f"{ATOM}entry/{ATOM}summary")[1].text
    assert first.startswith("leads: averaged_ridge (thermal input, 0.69")
    own = ElementTree.parse(site / "feed" / "ka_propensity.xml").getroot()
    assert len(list(own.iter(f"{ATOM}entry"))) == 2


def test_every_metric_has_words_and_an_equation():
    assert set(definitions()) == set(FUNCTIONS)
    for definition in definitions().values():
        assert definition["words"].endswith(".")
        tree = ElementTree.fromstring(str(definition["equation"]))
        assert tree.tag.endswith("math")
        assert "\\" not in "".join(tree.itertext())


def test_pictures_in_other_files_are_left_out():
    html = render_markdown(
        "See\n\n![a glass](mini.png)\n\nand ![b](https://x.org/b.png) [c](c.md)!"
    )
    assert "glass" not in html and "<p></p>" in html
    assert '<a href="https://x.org/b.png">b</a> c!' in html


def test_numbers_in_tables_of_markdown_stand_right_without_inline_style():
    html = render_markdown("| a | b |\n| --- | ---: |\n| x | 1 |\n")
    assert "style=" not in html and '<td class="num">1</td>' in html


def test_markdown_of_strangers_stays_text():
    html = render_markdown(
        "# Title\n\n<script>alert(1)</script> [x](javascript:alert(1)) ![i](http://a/b.png)"
    )
    assert "<script" not in html and "<img" not in html
    assert 'href="javascript' not in html


def test_the_vendored_library_is_the_one_that_is_written_down():
    folder = content_folder("leaderboard")
    note = json.loads((folder / "vendor" / "vendored.json").read_text(encoding="utf-8"))
    content = (folder / note["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == note["sha256"]
    licences = (folder / "static" / "plot.LICENSES.txt").read_text(encoding="utf-8")
    assert all(f"{p['package']} {p['version']}" in licences for p in note["packages"])


def test_the_records_of_the_leaderboard_are_whole(leaderboard_sources, leaderboard_site):
    folder = content_folder("leaderboard") / "records"
    assert len(leaderboard_sources.entries) == len(list(folder.glob("*.json")))
    problems = leaderboard_sources.problems
    assert not [problem for problem in problems if "record" in problem.split()]
    for entry in leaderboard_sources.entries:
        copied = leaderboard_site / "records" / f"{entry.name}.json"
        assert filecmp.cmp(copied, entry.path, shallow=False)
    page = (leaderboard_site / "task" / "lj2d_plasticity.html").read_text(encoding="utf-8")
    assert '<img src="../figure/lj2d_plasticity.png" loading="lazy"' in page
    drawn = content_folder("tasks") / "lj2d_plasticity" / "mini.png"
    assert filecmp.cmp(leaderboard_site / "figure" / "lj2d_plasticity.png", drawn, shallow=False)


def test_transfer_over_cooling_rates_is_told_with_means_and_offsets(tmp_path):
    task, rates = load_task("cuzr_stiffness"), ({"cooling_rate": 1e13}, {"cooling_rate": 1e12})
    record = make_record(task, "m", 0.5, list(rates))
    fast, slow = record["conditions"]
    fast["transfer"] = {
        "conditions": [
            {key: slow[key] for key in ("condition", "configurations", "parents", "scores")}
            | {"means": {"prediction": 0.8125, "target": 0.875}}
        ],
        "means": {"prediction": 0.75, "target": 0.765625},
        "rank_order": 1.0,
    }
    put(tmp_path / "records", "r", record | {"conditions": [fast]})
    build_site(read_sources(tmp_path / "records"), tmp_path / "site")
    page = (tmp_path / "site" / "task" / "cuzr_stiffness.html").read_text(encoding="utf-8")
    section = page[page.index('id="transfer"') : page.index('id="about"')]
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", section))
    assert "All were trained at q = 10¹³ K/s" in words
    # The rank order of two points says nothing, and is left out.
    row = "m 0.8125 [−0.0625] 0.7500 [−0.0156]"
    assert "Rank order" not in words and "1.00" not in words
    assert f"true mean 0.8750 0.7656 {row}" in words.replace("[ ", "[").replace(" ]", "]")
