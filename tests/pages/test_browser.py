"""The pages in a real Chromium, opened from the folder as a reader would."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest

from glassbench.metrics import paired_difference
from glassbench.model import Structure
from glassbench.pages import build_site, read_sources
from glassbench.pages.chart import style_of
from glassbench.pages.view import view_structure
from glassbench.plugins.registry import load_task

from .conftest import CONDITIONS, QUALITIES
from .synthetic_records import PROBE, make_record, put

PAGES = (
    "index.html", "task/ka_propensity.html", "task/ka_propensity-conditions.html",
    "model/averaged_ridge.html", "record/ka-mini-averaged_ridge.html", "compare.html",
    "method.html", "submit.html", "changes.html", "models.html",
)  # fmt: skip
TASK = "task/ka_propensity.html"
ROWS = "table.ranking tbody tr[data-model]"


def shown(page) -> list[str]:
    """Return the models that stand in the ranked table, from top to bottom."""
    return page.eval_on_selector_all(
        ROWS, "rows => rows.filter(r => !r.hidden).map(r => r.dataset.model)"
    )


def address(site: Path, name: str) -> str:
    return (site / name).as_uri()


def test_a_click_on_a_head_sorts_and_another_turns_it_round(page, site):
    page.goto(address(site, TASK))
    before = shown(page)
    page.click("th[data-column=score] button")
    assert page.get_attribute("th[data-column=score]", "aria-sort") == "descending"
    assert shown(page) == before
    page.click("th[data-column=score] button")
    assert page.get_attribute("th[data-column=score]", "aria-sort") == "ascending"
    assert shown(page) == before[::-1]
    page.click("th[data-column=score] button")
    assert shown(page) == before


def test_filters_leave_what_fits_and_a_permalink_brings_them_back(page, site):
    page.goto(address(site, TASK))
    everything = shown(page)
    page.select_option("select[name=status]", "verified")
    assert shown(page) == ["botan"]
    page.select_option("select[name=status]", "")
    page.fill("input[name=q]", "SHIBA")
    assert shown(page) == ["botan"]
    page.fill("input[name=q]", "")
    page.fill("input[name=from]", "2021")
    page.fill("input[name=to]", "2023")
    page.click("th[data-column=model] button")
    wanted = shown(page)
    assert 0 < len(wanted) < len(everything) and wanted == sorted(wanted)
    permalink = page.url
    page.goto("about:blank")
    page.goto(permalink)
    assert shown(page) == wanted
    assert page.input_value("input[name=from]") == "2021"
    page.click("button[type=reset]")
    page.wait_for_url(lambda url: "#" not in url)
    assert shown(page) == everything


def test_tiers_stay_apart_however_the_table_is_sorted(page, tiered, tmp_path):
    build_site(read_sources(tiered), tmp_path)
    page.goto(address(tmp_path, TASK))
    assert shown(page) == ["good", "poor", "modes", "shaken", "trembling"]
    page.click("th[data-column=score] button")
    page.click("th[data-column=score] button")
    assert shown(page) == ["poor", "good", "modes", "trembling", "shaken"]
    heads = page.locator("tr.divider:visible")
    assert [text.split()[-1] for text in heads.all_inner_texts()] == [
        "configuration", "structure", "dynamics"
    ]  # fmt: skip
    page.select_option("select[name=tier]", "dynamics")
    assert shown(page) == ["trembling", "shaken"]
    assert heads.count() == 1
    with page.expect_download() as waiting:
        page.click("[data-export=csv]")
    text = Path(waiting.value.path()).read_text(encoding="utf-8")
    rows = [(row["tier"], row["rank"], row["model"]) for row in csv.DictReader(io.StringIO(text))]
    assert rows == [("dynamics", "2", "trembling"), ("dynamics", "1", "shaken")]


def test_columns_are_chosen_and_remembered_in_the_address(page, site):
    page.goto(address(site, TASK))
    head = "th[data-column=pearson_b]"
    assert page.is_hidden(head)
    page.click(".menu summary")
    page.check("#columns label:has-text('Pearson, type B') input")
    assert page.is_visible(head)
    page.keyboard.press("Escape")
    assert page.is_hidden("#columns")
    page.reload()
    assert page.is_visible(head)


def test_the_exported_csv_holds_what_is_shown_with_the_numbers_of_the_records(page, site, records):
    page.goto(address(site, TASK))
    page.fill("input[name=q]", "averaged_ridge")
    with page.expect_download() as waiting:
        page.click("[data-export=csv]")
    text = Path(waiting.value.path()).read_text(encoding="utf-8")
    (row,) = csv.DictReader(io.StringIO(text))
    record = json.loads((records / "ka-mini-averaged_ridge.json").read_text(encoding="utf-8"))
    values = [entry["scores"]["pearson_a"]["value"] for entry in record["conditions"]]
    assert float(row["score"]) == pytest.approx(sum(values) / len(values), abs=1e-12)
    assert (row["model"], row["status"]) == ("averaged_ridge", "measured")
    assert float(row["low"]) < float(row["score"]) < float(row["high"])
    page.goto(address(site, TASK) + "#?q=averaged_ridge&columns=pearson_b")
    page.reload()
    with page.expect_download() as waiting:
        page.click("[data-export=csv]")
    text = Path(waiting.value.path()).read_text(encoding="utf-8")
    (row,) = csv.DictReader(io.StringIO(text))
    values = [entry["scores"]["pearson_b"]["value"] for entry in record["conditions"]]
    assert float(row["pearson_b"]) == pytest.approx(sum(values) / len(values), abs=1e-12)
    with page.expect_download() as waiting:
        page.click("[data-export=bib]")
    text = Path(waiting.value.path()).read_text(encoding="utf-8")
    assert "Boattini" in text and "Shiba" not in text


def test_without_scripts_the_ranked_table_stands(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address(site, TASK))
    rows = page.locator(ROWS)
    assert rows.count() == 5
    assert rows.first.is_visible() and "0.70" in rows.first.inner_text()
    for figure in ("curve", "cost"):
        assert page.locator(f"#{figure}-figure a").is_visible()
    # Columns that are off at first have no way to be turned on, and take no room.
    assert page.locator("table.ranking thead th:visible").count() < 12
    cut = page.locator(".wide:has(.ranking)").evaluate("box => box.scrollWidth - box.clientWidth")
    assert cut <= 1
    context.close()


def test_the_theme_can_be_chosen_and_stays(page, site):
    page.emulate_media(color_scheme="light")
    page.goto(address(site, "index.html"))
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.click("#theme")
    page.click("#theme")
    assert page.inner_text("#theme span") == "dark"
    dark = page.evaluate(background)
    assert dark != light
    page.goto(address(site, "method.html"))
    assert page.evaluate(background) == dark


def test_a_phone_shows_every_page_without_scrolling_sideways(browser, site):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    for name in PAGES:
        page.goto(address(site, name))
        page.wait_for_timeout(100)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, f"{name} is {width} wide"
    context.close()


def test_curves_show_every_model_and_a_click_isolates_one(page, site):
    page.goto(address(site, TASK))
    page.locator("#curve-figure").scroll_into_view_if_needed()
    page.wait_for_selector("#curve-figure svg[role=img]")
    assert page.locator("#curve-figure .panels figure").count() == 2
    legend = page.locator("#curve-figure .legend button")
    # The floor among the models is a dashed line, and no solid one below it.
    assert legend.count() == 4 and "local_density" not in legend.all_inner_texts()
    assert page.locator("#curve-figure [stroke-dasharray='5 4']").count() >= 1
    legend.first.click()
    assert page.locator("#curve-figure .legend button[aria-pressed=true]").count() == 1
    assert "model=averaged_ridge" in page.url
    page.click("#curve-figure details summary")
    cell = page.locator("#curve-figure details tbody tr").first.locator("td").nth(1)
    assert re.match(r"0\.\d{3} \[0\.\d{3}, 0\.\d{3}\]", cell.inner_text())


def test_where_there_is_one_condition_each_model_has_a_line_of_its_own(page, task, tmp_path):
    for name, quality in (("botan", 0.4), ("averaged_ridge", 0.6)):
        record = make_record(task, name, quality, [{"temperature": 0.64, "time": 5.0}])
        put(tmp_path / "records", name, record)
    build_site(read_sources(tmp_path / "records"), tmp_path / "site")
    page.goto(address(tmp_path / "site", TASK))
    page.locator("#curve-figure").scroll_into_view_if_needed()
    page.wait_for_selector("#curve-figure svg[role=img]")
    drawing = page.locator("#curve-figure .panels svg")
    words = [text for text in drawing.locator("text").all_text_contents() if text in QUALITIES]
    assert words == ["averaged_ridge", "botan"]
    bars = drawing.locator("line").evaluate_all(
        "lines => lines.map(l => [l.x1, l.x2, l.y1, l.y2].map(e => +e.baseVal.value))"
    )
    assert sum(y1 == y2 and x1 < x2 for x1, x2, y1, y2 in bars) >= 2
    page.locator("#curve-figure .legend button", has_text="botan").click()
    assert "model=botan" in page.url


def test_turned_predictions_are_drawn_by_angle(page, task, tmp_path):
    record = make_record(task, "sees", 0.5, CONDITIONS[:2])
    record["conditions"][1]["rotation_probe"] = PROBE
    put(tmp_path / "records", "sees", record)
    build_site(read_sources(tmp_path / "records"), tmp_path / "site")
    page.goto(address(tmp_path / "site", "record/sees.html"))
    page.locator("#turns").scroll_into_view_if_needed()
    page.wait_for_selector("#turns svg[role=img]")
    assert page.locator("#turns .legend li").all_inner_texts() == [" particle 7"]
    page.click("#turns details summary")
    rows = page.locator("#turns details tbody tr")
    rows.first.wait_for()
    assert [row.split() for row in rows.all_inner_texts()] == [
        ["0", "0.9000"], ["90", "0.1000"], ["180", "0.8000"], ["270", "0.2000"]
    ]  # fmt: skip


def test_names_in_the_drawing_of_costs_never_lie_on_each_other(page, task, tmp_path):
    names = [f"model_{k}" for k in range(4)]
    for k, name in enumerate(names):
        put(tmp_path / "records", name, make_record(task, name, 0.5 + 0.001 * k, CONDITIONS))
    build_site(read_sources(tmp_path / "records"), tmp_path / "site")
    page.goto(address(tmp_path / "site", TASK))
    page.locator("#cost-figure").scroll_into_view_if_needed()
    page.wait_for_selector("#cost-figure g.names text")
    boxes = page.locator("#cost-figure g.names text").evaluate_all(
        "texts => texts.map(t => t.getBoundingClientRect())"
        ".map(b => [b.left, b.top, b.right, b.bottom])"
    )
    assert len(boxes) >= 2
    for (left, top, right, bottom), other in itertools.combinations(boxes, 2):
        apart = right <= other[0] + 2 or other[2] <= left + 2
        assert apart or bottom <= other[1] + 3 or other[3] <= top + 3
    assert page.locator("#cost-figure .legend li").count() == len(names)


def test_compared_models_have_the_differences_of_the_metrics(page, site, records):
    names = ("averaged_ridge", "nt_gnn")
    chosen = f"#?board=ka_propensity&models={','.join(names)}"
    page.goto(address(site, "compare.html") + chosen)
    page.wait_for_selector("#compare table")
    rows = page.locator("#compare table tbody tr")
    loaded = [
        json.loads((records / f"ka-mini-{name}.json").read_text(encoding="utf-8")) for name in names
    ]
    assert rows.count() == len(loaded[0]["conditions"]) + 1
    differences = []
    for k, (one, other) in enumerate(zip(*(r["conditions"] for r in loaded))):
        seeds = [entry["scores"]["pearson_a"]["seeds"] for entry in (one, other)]
        first, second = (np.mean([s["by_configuration"] for s in own], axis=0) for own in seeds)
        expected = paired_difference(second, first, one["parents"]).difference
        cells = [text.replace("−", "-") for text in rows.nth(k).locator("td").all_inner_texts()]
        assert float(cells[1]) == pytest.approx(float(expected.mean), abs=6e-4)
        differences.append(second - first)
        ends = [float(end) for end in cells[2].strip("[]").split(",")]
        # Both draw 10 000 times, with other random numbers.
        assert ends == pytest.approx([expected.low, expected.high], abs=2e-3)
    assert "mean over these" in rows.last.inner_text()
    mean = rows.last.locator("td").nth(1).inner_text().replace("−", "-")
    assert float(mean) == pytest.approx(np.mean(differences), abs=6e-4)


@pytest.mark.parametrize("name", ["task/ka_propensity", "record"])
def test_paper_holds_every_table_and_every_figure_at_the_first_print(browser, site, name):
    if name == "record":
        name = f"record/{min((site / 'record').glob('*.html')).stem}"
    width = 1040  # lying A4 less its margins, in pixels of CSS
    page = browser.new_page(viewport={"width": width, "height": 600})
    page.goto((site / f"{name}.html").as_uri())
    # What is out of sight is drawn when the page is idle.
    page.wait_for_selector("[data-unseen]", state="detached")
    empty = (
        "[...document.querySelectorAll('.figure[id]')].some(f => !f.querySelector('svg, canvas'))"
    )
    page.wait_for_function(f"() => !{empty}")
    page.emulate_media(media="print")
    ends = page.evaluate(
        "[...document.querySelectorAll('table')].map((one) => one.getBoundingClientRect().right)"
    )
    assert ends and max(ends) <= width
    page.close()


@pytest.mark.parametrize("width", [1280, 1920])
def test_no_column_of_a_ranking_is_cut(browser, leaderboard_site, width):
    page = browser.new_page(viewport={"width": width, "height": 900})
    for path in sorted((leaderboard_site / "task").glob("*.html")):
        page.goto(path.as_uri())
        cut = page.evaluate(
            "[...document.querySelectorAll('.wide:has(.ranking)')]"
            ".filter(box => box.scrollWidth > box.clientWidth + 1).length"
        )
        assert not cut, path.name
    page.close()


def test_the_ranks_on_the_page_are_those_of_an_independent_count(page, leaderboard_site):
    """Ranks counted anew from the records: paired tests of all pairs, Holm's correction."""
    page.goto(address(leaderboard_site, TASK))
    told = page.eval_on_selector_all(
        "table.ranking tr[data-tier=thermal]",
        "rows => rows.map(r => [r.dataset.model, r.cells[0].textContent.trim().split(/\\s/)[0]])",
    )
    ranked = load_task("ka_propensity").default_values("mini")["time"]
    vectors = {}
    for name, _ in told:
        (path,) = (leaderboard_site / "records").glob(f"ka_propensity-mini-{name}-*.json")
        entries = json.loads(path.read_text(encoding="utf-8"))["conditions"]
        entries = [entry for entry in entries if entry["condition"]["time"] in ranked]
        scores = [entry["scores"]["pearson_a"]["seeds"] for entry in entries]
        vectors[name] = np.mean([[s["by_configuration"] for s in own] for own in scores], (0, 1))
        parents = entries[0]["parents"]
    pairs = list(itertools.combinations(vectors, 2))
    p_values = {}
    for one, other in pairs:
        test = paired_difference(vectors[one], vectors[other], parents)
        p_values[one, other] = float(test.p_value)
    better, worst = dict.fromkeys(vectors, 0), 0.0
    for k, (one, other) in enumerate(sorted(pairs, key=p_values.get)):
        worst = max(worst, min(1.0, (len(pairs) - k) * p_values[one, other]))
        if worst < 0.05:
            better[min((one, other), key=lambda name: vectors[name].mean())] += 1
    ranks = {name: 1 + count for name, count in better.items()}
    shared = {name for name in ranks if list(ranks.values()).count(ranks[name]) > 1}
    assert dict(told) == {n: f"{'=' if n in shared else ''}{rank}" for n, rank in ranks.items()}


def test_a_phone_stacks_rows_as_cards(browser, leaderboard_site):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    for name in (TASK, "task/ka_propensity--roadmap.html", "models.html"):
        page.goto(address(leaderboard_site, name))
        rows = page.locator("table.stacked tbody tr:not(.divider):visible")
        boxes = rows.evaluate_all("rows => rows.map(r => r.getBoundingClientRect().toJSON())")
        assert boxes and all(box["right"] <= 390 and 20 < box["height"] < 700 for box in boxes)
        assert all(text.strip() for text in rows.all_inner_texts())
    page.close()


def test_a_model_has_the_same_colour_on_every_page(page, site):
    page.goto(address(site, TASK))
    page.locator("#curve-figure").scroll_into_view_if_needed()
    page.wait_for_selector("#curve-figure .legend button")
    stroke = "item => item.querySelector('path').getAttribute('stroke')"
    here = page.locator("#curve-figure .legend button", has_text="nt_gnn").evaluate(stroke)
    asked = "#?board=ka_propensity&models=averaged_ridge,nt_gnn"
    page.goto(address(site, "compare.html") + asked)
    page.wait_for_selector("#compare .legend li")
    there = page.locator("#compare .legend li", has_text="nt_gnn").evaluate(stroke)
    assert here == there == style_of("nt_gnn")[0]


@pytest.mark.parametrize("kind", ["SVG", "PNG"])
def test_a_figure_is_saved_as_it_is_drawn(page, site, kind):
    page.goto(address(site, TASK))
    page.locator("#cost-figure").scroll_into_view_if_needed()
    page.wait_for_selector("#cost-figure svg[role=img]")
    with page.expect_download() as waiting:
        page.click(f"#cost-figure .savers button:has-text('{kind}')")
    content = Path(waiting.value.path()).read_bytes()
    assert content.startswith(b"<svg" if kind == "SVG" else b"\x89PNG") and len(content) > 2000


def test_no_filter_of_published_numbers_does_nothing(page, site):
    page.goto(address(site, "task/ka_propensity--roadmap.html"))
    fields = page.locator("form.tools input:visible, form.tools select:visible")
    names = fields.evaluate_all("all => all.map(field => field.name)")
    assert names == ["q", "from", "to"]
    everything = shown(page)
    page.fill("input[name=from]", "2025")
    assert 0 < len(shown(page)) < len(everything)


def test_a_filter_that_leaves_nothing_says_so(page, site):
    page.goto(address(site, TASK))
    page.select_option("select[name=status]", "reported")
    assert "No record here is reported yet" in page.inner_text("section#ranking")
    page.click("section#ranking .note button")
    assert len(shown(page)) == 5


def test_a_structure_is_seen_as_a_slice_as_spheres_and_above_a_threshold(page, tmp_path):
    generator = np.random.default_rng(0)
    structure = Structure(
        generator.uniform(0, 6, (200, 3)),
        (np.arange(200) % 5 == 0).astype(np.int8),
        np.full(3, 6.0),
        "</script><b>glass",
    )
    values = {"error": np.linspace(-1, 1, 200), "shown": np.linspace(0, 1, 200)}
    page.goto(view_structure(structure, values).save(tmp_path / "view.html").as_uri())
    status = page.get_by_role("status")
    assert page.locator("h1").text_content() == "</script><b>glass"
    assert page.get_by_label("Coloured by").locator("option").all_text_contents() == [
        "species",
        "error",
        "shown",
    ]
    in_slice = status.text_content()
    page.get_by_label("Depth of the slice").fill("0.1")
    assert status.text_content() != in_slice
    page.get_by_role("button", name="As spheres in 3D").click()
    assert status.text_content().startswith("200 of 200 particles.")
    for kind, start in (("SVG", b"<svg"), ("PNG", b"\x89PNG")):
        with page.expect_download() as waiting:
            page.get_by_role("button", name=kind).click()
        assert Path(waiting.value.path()).read_bytes().startswith(start)
    page.get_by_label("Leave out values below").fill("0.75")
    left, words = status.text_content().split(" of 200 particles, from ")
    assert 48 <= int(left) <= 52 and words.startswith("0.7")
    page.get_by_label("Coloured by").select_option("0")
    page.get_by_label("Leave out values below").fill("0.5")
    assert status.text_content().startswith("40 of 200 particles")
