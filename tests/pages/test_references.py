"""What the pages tell readers to cite, and how."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from glassbench.home.workspace import content_folder
from glassbench.pages import read_sources
from glassbench.pages.boards import make_boards
from glassbench.pages.chart import COLOURS, style_of
from glassbench.pages.references import (
    as_bibtex,
    cite_all,
    method_of,
    reference_of_reported,
    references,
    tex,
)
from glassbench.plugins.registry import list_models

CARDS = [plugin.contract for plugin in list_models() if plugin.error is None]
METHODS = {
    "debye_waller": "10.1103/PhysRevLett.96.185701",
    "flexibility_volume": "10.1038/ncomms13733",
}


@pytest.mark.parametrize("card", [c for c in CARDS if c.doi], ids=lambda card: card.name)
def test_a_model_cites_the_paper_of_its_doi_with_its_title_and_authors(card):
    reference = method_of(card.name, card.doi)
    assert reference is not None and reference.doi == card.doi and reference.year == card.year
    assert [a.split()[-1] for a in reference.author] == [a.split()[-1] for a in card.authors]
    entry = as_bibtex([card])
    assert f"title = {{{{{tex(reference.title)}}}}}" in entry and card.title not in entry
    assert f"doi = {{{reference.doi}}}" in entry and entry.startswith(f"@{reference.type}{{")


def test_methods_whose_card_names_no_paper_are_known():
    for name, doi in METHODS.items():
        assert method_of(name).doi == doi
    assert method_of("fourier_ridge").title.startswith("Random Features")


def test_a_board_is_cited_with_glassbench_its_dataset_and_each_paper_once():
    text = cite_all(CARDS, "roadmap")
    keys = re.findall(r"^@\w+\{([^,]+),", text, re.MULTILINE)
    assert len(set(keys)) == len(keys)
    assert {"glassbench", "jung2025", "bapst2020", "widmercooper2006"} <= set(keys)
    assert text.isascii() or not set(text) & set("αβτ×≤")


def test_every_published_model_with_a_paper_has_a_year():
    (board,) = [b for b in make_boards(read_sources(content_folder("tasks"))) if b.reported]
    named = {number.model for number in board.reported}
    assert {n for n in named if reference_of_reported(n)} == {
        "BOTAN", "CAGE", "GlassMLP", "SE(3)-GNN", "EIGNN-Cage", "EIGNN-Inh"
    }  # fmt: skip
    assert {name for entry in references().values() for name in entry.reported} <= named


def test_colours_belong_to_models_and_stand_out_from_either_ground():
    assert style_of("botan") == style_of("botan") != style_of("nt_gnn")
    assert style_of("a stranger") == style_of("a stranger")

    def luminance(colour: str) -> float:
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    for colour in COLOURS:
        for ground in ("#ffffff", "#181d24"):
            low, high = sorted((luminance(colour), luminance(ground)))
            assert (high + 0.05) / (low + 0.05) >= 3


def test_the_tables_for_papers_compile(leaderboard_site, tmp_path):
    tables = sorted((leaderboard_site / "export").glob("*.tex"))
    for table in tables:
        text = table.read_text(encoding="utf-8")
        assert text.isascii(), f"{table.name} holds letters that plain pdfTeX does not set"
        assert text.count(r"\begin{") == text.count(r"\end{")
    if shutil.which("pdflatex") is None:
        pytest.skip("no `pdflatex` on this machine, with which the tables would be compiled")
    body = "\n".join(f"\\input{{{table}}}" for table in tables)
    document = f"\\documentclass{{article}}\\usepackage{{booktabs}}\\begin{{document}}{body}"
    (tmp_path / "all.tex").write_text(document + "\\end{document}", encoding="utf-8")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "all.tex"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-2000:]
