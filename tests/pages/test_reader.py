"""What a reader sees in a real Chromium: frames, many models, one glass, and the rules of axe."""

from __future__ import annotations

import itertools
import re
import threading
from pathlib import Path

import numpy as np
import pytest

from glassbench.pages import build_site, make_server, read_sources
from glassbench.pages.references import glassbench_bibtex, site_settings
from glassbench.plugins.registry import load_task

from .synthetic_records import make_explanation, make_record, put

TASK = "task/ka_propensity.html"
POINTS = [{"temperature": 0.64, "time": time} for time in (0.52, 5.2, 16.5)]
GLASS = ("botan", "nt_gnn")
KINDS = (
    "index", "task/ka_propensity", "task/ka_propensity-conditions", "task/ka_propensity--roadmap",
    "embed/ka_propensity", "models", "model/botan", "model/eignn", "record/botan", "compare",
    "method", "submit", "changes",
)  # fmt: skip


@pytest.fixture(scope="module")
def glasses(tmp_path_factory, task) -> Path:
    """A site of two explained records, for a reader of a phone and of a screen."""
    folder = tmp_path_factory.mktemp("glasses")
    for k, name in enumerate(GLASS):
        generator = np.random.default_rng(k)
        record = make_record(task, name, 0.5 + 0.1 * k, POINTS, generator=generator)
        put(folder / "records", name, record)
        put(folder / "explain", name, make_explanation(record))
    sources = read_sources(folder / "records")
    assert all(entry.explanation for entry in sources.entries), sources.problems
    build_site(sources, folder / "site")
    return folder / "site"


@pytest.fixture(scope="module")
def many(tmp_path_factory, task) -> Path:
    """A site of 36 models of two tiers, some with long names, some with equal scores."""
    folder = tmp_path_factory.mktemp("many")
    for k in range(36):
        name = f"{'a_rather_long_name_of_a_network' if k % 6 == 5 else 'network'}_{k}"
        record = make_record(
            task, name, 0.7 - 0.012 * k, POINTS, parents=6, generator=np.random.default_rng(k),
            reads=("thermal",) if k % 3 else ("thermal", "inherent"),
        )  # fmt: skip
        record["cost"] |= {"cpu_seconds": 10.0 * 1.15 ** (36 - k) * (1 + k % 5), "gpu_seconds": 0.0}
        put(folder / "records", name, record)
    build_site(read_sources(folder / "records"), folder / "site")
    return folder / "site"


@pytest.fixture
def served(glasses):
    """Return a function that serves a folder at a port of its own."""
    servers = []

    def serve(folder: Path) -> str:
        server = make_server(folder, 0)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("parent", ["file", "http"])
def test_curves_stand_in_a_frame_of_another_origin_and_keep_their_state(
    page, glasses, served, tmp_path, parent
):
    inner = f"{served(glasses)}/embed/ka_propensity.html#?model=botan&metric=pearson_b"
    outer = tmp_path / "outer.html"
    outer.write_text(f'<iframe src="{inner}" width="900" height="700"></iframe>')
    page.goto(outer.as_uri() if parent == "file" else f"{served(tmp_path)}/outer.html")
    frame = page.frame_locator("iframe")
    frame.locator("#curve-figure svg[role=img]").wait_for()
    pressed = frame.locator("#curve-figure .legend button[aria-pressed=true]")
    assert "botan" in pressed.inner_text()
    assert frame.locator("select").first.input_value() == "pearson_b"
    frame.locator("#curve-figure .legend button", has_text="nt_gnn").click()
    (child,) = page.main_frame.child_frames
    assert "model=nt_gnn" in child.evaluate("location.hash")


def test_no_other_page_stands_in_a_frame_of_another_origin(browser, glasses, served, tmp_path):
    page = browser.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    (tmp_path / "outer.html").write_text(f'<iframe src="{served(glasses)}/{TASK}"></iframe>')
    page.goto(f"{served(tmp_path)}/outer.html")
    page.wait_for_timeout(200)
    assert any("frame-ancestors" in text for text in said)
    page.close()


@pytest.mark.parametrize("name", KINDS)
def test_no_page_breaks_a_rule_of_axe(browser, glasses, name):
    """At three widths; in the dark those rules that ask for colours, since nothing else changes."""
    axe = pytest.importorskip(
        "axe_playwright_python", reason="it brings axe-core: install the extra `test`"
    )
    context = browser.new_context(color_scheme="light", bypass_csp=True)
    page = context.new_page()
    page.goto((glasses / f"{name}.html").as_uri())
    # As when it is printed: what is out of sight is drawn, too.
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.wait_for_selector("[data-unseen]", state="detached")
    page.add_script_tag(path=Path(axe.__file__).with_name("axe.min.js"))
    broken = []
    for width in (390, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        for figure in page.locator(".figure[id]").all():
            figure.locator("svg[role=img], canvas, p").first.wait_for()
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            only = {"runOnly": ["color-contrast", "link-in-text-block"]} if theme == "dark" else {}
            found = page.evaluate("only => axe.run({...only, resultTypes: ['violations']})", only)[
                "violations"
            ]
            broken += [(width, theme, v["id"], [n["html"] for n in v["nodes"][:3]]) for v in found]
    assert not broken
    context.close()


def boxes_of(page, selector: str) -> list[list[float]]:
    return page.locator(selector).evaluate_all(
        "all => all.map(t => t.getBoundingClientRect())"
        ".map(b => [b.left, b.top, b.right, b.bottom])"
    )


def meet(one: list[float], other: list[float], slack: float = 2) -> bool:
    across = one[0] < other[2] - slack and other[0] < one[2] - slack
    return across and one[1] < other[3] - slack and other[1] < one[3] - slack


@pytest.mark.parametrize("width", [1176, 1280, 1920])
def test_a_board_of_36_models_is_read_without_collisions(page, many, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto((many / TASK).as_uri())
    cut = page.locator(".wide:has(.ranking)").evaluate("box => box.scrollWidth - box.clientWidth")
    assert cut <= 1
    page.locator("#curve-figure").scroll_into_view_if_needed()
    page.wait_for_selector("#curve-figure svg[role=img]")
    strokes = page.locator("#curve-figure .legend button path:first-child").evaluate_all(
        "all => all.map(path => path.getAttribute('stroke'))"
    )
    coloured = [colour for colour in strokes if colour != "#82888e"]
    assert len(strokes) == 36 and 8 <= len(coloured) <= 10  # the first eight, the first of a tier
    ends = boxes_of(page, "#curve-figure .panels svg text[fill^='#']")
    assert len(ends) == len(coloured)
    assert not [pair for pair in itertools.combinations(ends, 2) if meet(*pair)]
    page.locator("#cost-figure").scroll_into_view_if_needed()
    page.wait_for_selector("#cost-figure g.names text")
    names = boxes_of(page, "#cost-figure g.names text")
    assert len(names) > 12
    assert not [pair for pair in itertools.combinations(names, 2) if meet(*pair)]
    assert page.locator("#cost-figure .legend li").count() == 36


# How many lines there are, and the names that a point of one lies in.
STRUCK = """() => {
  const svg = document.querySelector('#cost-figure svg[role=img]');
  const lines = [...svg.querySelectorAll('path[fill=none], g[fill=none] path')]
    .filter((path) => path.getTotalLength() > 20);
  const points = lines.flatMap((path) => {
    const steps = [...Array(Math.floor(path.getTotalLength() / 2)).keys()];
    const matrix = path.getScreenCTM();
    return steps.map((k) => path.getPointAtLength(2 * k)).map((p) => p.matrixTransform(matrix));
  });
  const inside = (box, p) => p.x > box.left + 1 && p.x < box.right - 1
    && p.y > box.top + 4 && p.y < box.bottom - 4;
  const names = [...svg.querySelectorAll('g.names text')];
  const struck = (name) => points.some((p) => inside(name.getBoundingClientRect(), p));
  return [lines.length, names.filter(struck).map((name) => name.textContent)];
}"""


@pytest.mark.parametrize("width", [390, 1280])
def test_no_line_of_the_pareto_front_strikes_through_a_name(page, many, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto((many / TASK).as_uri())
    page.locator("#cost-figure").scroll_into_view_if_needed()
    page.wait_for_selector("#cost-figure g.names text")
    lines, struck = page.evaluate(STRUCK)
    assert lines >= 2 and struck == []


def test_range_bars_hold_their_dots(page, many):
    page.set_viewport_size({"width": 1920, "height": 900})
    page.goto((many / TASK).as_uri())
    cut = page.locator(".ranking .bar").evaluate_all(
        "bars => bars.filter(bar => { const dot = bar.querySelector('circle').getBBox();"
        " return dot.x + dot.width > bar.clientWidth; }).length"
    )
    assert page.locator(".ranking .bar").count() == 36 and cut == 0


def drag(page, canvas, share: float) -> None:
    """Drag over the upper left of a canvas, a share of its edge."""
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 1, box["y"] + 1)
    page.mouse.down()
    page.mouse.move(box["x"] + share * box["width"], box["y"] + share * box["height"])
    page.mouse.up()


@pytest.fixture
def glass(page, glasses):
    page.goto((glasses / TASK).as_uri() + "#?glassA=botan&glassB=nt_gnn")
    page.locator("#glass-figure").scroll_into_view_if_needed()
    page.wait_for_selector("#glass-figure canvas")
    return page


MAPS = "#glass-figure .maps:not(.parity)"


def test_one_glass_is_seen_by_two_models(glass):
    heads = glass.locator(f"{MAPS} figcaption").all_inner_texts()
    assert heads == ["simulation", "botan", "nt_gnn", "botan minus nt_gnn"]
    at = glass.locator("#glass-figure select").nth(2)
    for label in at.locator("option").all_inner_texts():
        at.select_option(label)
        colours = "c => new Set(c.discs.map(disc => disc.fill)).size"
        assert glass.locator(f"{MAPS} canvas").nth(1).evaluate(colours) > 4
    glass.select_option("#glass-figure label:has-text('Show') select", "botan minus nt_gnn")
    assert glass.locator(f"{MAPS} canvas").count() == 1 and "glassView=botan+minus" in glass.url


def test_what_is_brushed_in_the_parity_plot_is_marked_in_slices_and_spheres(glass):
    ringed = "c => c.discs.filter(disc => disc.line === '#d01c8b').length"
    slice_ = glass.locator(f"{MAPS} canvas").first
    drag(glass, glass.locator("#glass-figure .parity canvas").first, 0.999)
    marked = int(re.search(r"(\d+) particles are marked", glass.inner_text("#glass-figure"))[1])
    assert 0 < slice_.evaluate(ringed) <= marked and 50 < marked <= 64
    glass.click("#glass-figure button:has-text('Unmark')")
    assert slice_.evaluate(ringed) == 0
    drag(glass, slice_, 0.6)
    marked = int(re.search(r"(\d+) particles are marked", glass.inner_text("#glass-figure"))[1])
    dots = "c => c.discs.filter(disc => disc.fill === '#d01c8b').length"
    assert glass.locator("#glass-figure .parity canvas").last.evaluate(dots) == marked > 0
    glass.click("#glass-figure button:has-text('3D')")
    assert glass.locator(f"{MAPS} canvas").first.evaluate(ringed) == marked


def test_labels_are_drawn_as_two_columns(page, tmp_path):
    task = load_task("lj2d_plasticity")
    point = {"quench_time": 1000.0, "fraction": 0.005, "strain": 0.02}
    record = make_record(task, "m", 0.5, [point])
    put(tmp_path / "records", "m", record)
    put(tmp_path / "explain", "m", make_explanation(record, labels=True))
    build_site(read_sources(tmp_path / "records"), tmp_path / "site")
    page.goto((tmp_path / "site" / "task" / "lj2d_plasticity.html").as_uri())
    page.locator("#glass-figure").scroll_into_view_if_needed()
    plot = page.locator("#glass-figure .parity canvas")
    places = plot.evaluate("c => c.discs.map(disc => disc.x / c.width)")
    low = [x for x in places if x < 0.5]
    assert len(places) == 64 and 0 < len(low) < 64
    assert max(low) - min(low) > 0.2 and min(x for x in places if x > 0.5) - max(low) > 0.1
    assert "does not rearrange" in page.inner_text("#glass-figure .parity")


def test_spheres_are_drawn_turned_and_kept_in_the_address(glass):
    glass.click("#glass-figure button:has-text('3D')")
    canvas = glass.locator(f"{MAPS} canvas").first
    painted = (
        "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((v, k) =>"
        " k % 4 === 3 && v).length / (c.width * c.height)"
    )
    assert canvas.evaluate("c => c.discs.length") == 2 * 64
    assert canvas.evaluate(painted) > 0.1
    before = canvas.evaluate("c => c.toDataURL()")
    canvas.focus()
    glass.keyboard.press("ArrowRight")
    assert canvas.evaluate("c => c.toDataURL()") != before
    assert "glassThree=1" in glass.url
    glass.reload()
    glass.locator("#glass-figure").scroll_into_view_if_needed()
    glass.wait_for_selector("#glass-figure button[aria-pressed=true]")


@pytest.mark.parametrize("kind", ["SVG", "PNG"])
def test_slices_and_spheres_are_saved_with_name_and_scale(glass, kind):
    for press in (None, "#glass-figure button:has-text('3D')"):
        if press:
            glass.click(press)
        glass.select_option("#glass-figure label:has-text('Show') select", "simulation")
        saved: list = []

        def keep(download, saved=saved):
            saved.append(download)

        glass.on("download", keep)
        glass.click(f"#glass-figure .savers button:has-text('{kind}')")
        while len(saved) < 3:  # the picture and two parity plots
            glass.wait_for_timeout(20)
        content = Path(saved[0].path()).read_bytes()
        glass.remove_listener("download", keep)
        if kind == "PNG":
            assert content.startswith(b"\x89PNG") and len(content) > 5000
        else:
            text = content.decode()
            assert text.count("<circle") >= (1 if press is None else 2 * 64)
            assert "simulation" in text and 'σ<tspan dy="4"' in text and "linearGradient" in text


def test_a_board_draws_the_learning_curves_of_its_models(page, glasses):
    page.goto((glasses / TASK).as_uri())
    figure = page.locator("#learning-curves svg.chart")
    names = figure.locator("g text").all_text_contents()
    assert [name for name in names if name in GLASS] == ["nt_gnn", "botan"]
    # Their curves are the same; their names stand one above the other.
    ends = boxes_of(page, "#learning-curves svg.chart g text")
    assert len(ends) == 2 and not meet(*ends)
    page.click("#learning-curves summary")
    rows = page.locator("#learning-curves tbody tr").all_inner_texts()
    assert [row.split() for row in rows] == [[n, "0.300", "0.400", "0.500"] for n in GLASS[::-1]]


def test_the_figure_of_the_first_page_is_saved(page, glasses):
    page.goto((glasses / "index.html").as_uri())
    with page.expect_download() as waiting:
        page.click(".figure.first .savers button:has-text('SVG')")
    text = Path(waiting.value.path()).read_text(encoding="utf-8")
    assert text.startswith("<svg") and "nt_gnn" in text


def test_links_out_of_the_site_follow_from_one_line(tmp_path, glasses, task, monkeypatch):
    record = make_record(task, "botan", 0.5, POINTS)
    digest = record["predictions"][0]["sha256"]
    put(tmp_path / "records", "botan", record)
    (tmp_path / "predictions").mkdir()
    (tmp_path / "predictions" / f"{digest}.npz.xz").write_bytes(b"xz")
    pages = ("index", "model/botan", "record/botan")
    for address in ("", "https://code.example/glass/bench"):
        monkeypatch.setitem(site_settings(), "repository", address)
        glassbench_bibtex.cache_clear()
        site = tmp_path / f"site{len(address)}"
        build_site(read_sources(tmp_path / "records"), site)
        home, model, record_page = ((site / f"{n}.html").read_text() for n in pages)
        links = [f"{address}/{p}" for p in ("issues", "tree/HEAD/tasks", "tree/HEAD/baselines")]
        assert all((f'href="{link}"' in home) == bool(address) for link in links)
        assert (f'href="{address}/tree/HEAD/baselines/botan"' in model) == bool(address)
        assert ("report a problem" in record_page) == bool(address)
        assert ("code.example" in (site / "export/glassbench.bib").read_text()) == bool(address)
        # Predictions lie in the site itself.
        assert f'href="../predictions/{digest}.npz.xz" download' in record_page
        assert (site / "predictions" / f"{digest}.npz.xz").read_bytes() == b"xz"
        glassbench_bibtex.cache_clear()
        assert 'href="/' not in home and 'href=""' not in home + model + record_page
