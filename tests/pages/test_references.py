"""What the pages tell readers to cite, and how."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from glassbench.home.workspace import content_folder
from glassbench.pages import build_site, read_sources
from glassbench.pages.boards import make_boards
from glassbench.pages.chart import COLOURS, style_of
from glassbench.pages.references import (
    TITLE,
    as_bibtex,
    cite_all,
    glassbench_bibtex,
    method_of,
    reference_of_reported,
    references,
    tex,
)
from glassbench.plugins.registry import list_models, list_tasks

from .conftest import ADDRESS

# As the publishers' pages and reference lists of other papers have them.
TITLES = {
    "10.1038/s41567-020-0842-8": "Unveiling the predictive power of static structure in glassy "
    "systems",
    "10.1063/5.0129791": "BOTAN: BOnd TArgeting Network for prediction of slow glassy dynamics by "
    "machine learning relative motion",
    "10.1103/PhysRevLett.127.088007": "Averaging local structure to predict the dynamic propensity "
    "in supercooled liquids",
    "10.1038/s41467-021-21806-z": "Predicting orientation-dependent plastic susceptibility from "
    "static structure in amorphous solids via deep learning",
    "10.1016/j.eml.2021.101446": "Machine learning atomic-scale stiffness in metallic glass",
    "10.1063/1.5019779": "SchNet – A deep learning architecture for molecules and materials",
    "10.1038/nphys1025": "Irreversible reorganization in a supercooled liquid originates from "
    "localized soft modes",
    "10.1103/PhysRevLett.96.185701": "Predicting the long-time dynamic heterogeneity in a "
    "supercooled liquid on the basis of short-time heterogeneities",
    "10.1038/ncomms13733": "Universal structural parameter to quantitatively predict metallic "
    "glass properties",
    "10.1063/5.0144822": "Improving the prediction of glassy dynamics by pinpointing the local "
    "cage",
    "10.1103/PhysRevLett.130.238202": "Predicting dynamic heterogeneity in glass-forming liquids "
    "by physics-inspired machine learning",
    "10.21468/SciPostPhys.16.5.136": "Rotation-equivariant graph neural networks for learning "
    "glassy liquids representations",
    "10.48550/arXiv.2407.06111": "Enhancing the prediction of glass dynamics by incorporating the "
    "direction of deviation from equilibrium positions",
    "10.1021/acs.jpcb.4c07532": "Enhancing glassy dynamics prediction by incorporating "
    "displacement from the initial to equilibrium state",
    "10.48550/arXiv.2603.13820": "Inferring the dynamics of glass-forming liquids from static "
    "structure across thermal states",
    "10.1038/s42254-024-00791-4": "Roadmap on machine learning glassy dynamics",
}
CARDS = [plugin.contract for plugin in list_models() if plugin.error is None]
METHODS = {
    "debye_waller": "10.1103/PhysRevLett.96.185701",
    "flexibility_volume": "10.1038/ncomms13733",
}


def test_every_doi_has_the_title_of_its_paper():
    held = {entry.doi: entry.title.casefold() for entry in references().values() if entry.doi}
    assert held == {doi: title.casefold() for doi, title in TITLES.items()}


def test_the_file_of_references_is_complete():
    dois = {entry.doi for entry in references().values()}
    cited = {card.doi for card in CARDS if card.doi}
    for plugin in list_tasks():
        cited |= set(re.findall(r"doi:(10\.[^\s,;]+)", plugin.contract.citation))
    assert cited <= dois
    for entry in references().values():
        assert entry.author and entry.title and entry.year and entry.link
        assert entry.journal or entry.booktitle or entry.howpublished
        assert entry.type != "article" or (entry.volume and entry.pages)
    names = {card.name for card in CARDS}
    assert {name for entry in references().values() for name in entry.models} <= names


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


def test_the_citation_file_says_what_the_pages_say():
    path = Path(__file__).parents[2] / "CITATION.cff"
    lines = [line.partition(": ") for line in path.read_text(encoding="utf-8").splitlines()]
    stated = {name: value.strip('"') for name, _, value in lines}
    assert (stated["title"], stated["version"]) == (TITLE, version("glassbench"))
    assert f"version {stated['version']}" in glassbench_bibtex() and TITLE in glassbench_bibtex()


def test_every_published_model_with_a_paper_has_a_year():
    (board,) = [b for b in make_boards(read_sources(content_folder("tasks"))) if b.reported]
    named = {number.model for number in board.reported}
    assert {n for n in named if reference_of_reported(n)} == {
        "BOTAN", "CAGE", "GlassMLP", "SE(3)-GNN", "EIGNN-Cage", "EIGNN-Inh"
    }  # fmt: skip
    assert {name for entry in references().values() for name in entry.reported} <= named


def test_models_of_one_task_are_told_apart():
    tasks = {plugin.contract.name: plugin.contract for plugin in list_tasks()}
    for name, task in tasks.items():
        models = [c.name for c in CARDS if name in c.tasks and c.name not in task.floors]
        styles = [style_of(model) for model in models]
        assert len(set(styles)) == len(models)
        assert len({colour for colour, _ in styles}) >= min(len(models), len(COLOURS))


def test_a_published_model_looks_as_the_one_here_of_its_name():
    for published, here in (
        ("BOTAN", "botan"),
        ("SE(3)-GNN", "se3_gnn"),
        ("GlassMLP", "glass_mlp"),
    ):
        assert style_of(published) == style_of(here)


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


@pytest.fixture(scope="module")
def tables(leaderboard_site, sources, tmp_path_factory):
    """The LaTeX of boards of the leaderboard and of synthetic, hostile records, by file."""
    synthetic = tmp_path_factory.mktemp("tables") / "site"
    build_site(sources, synthetic, ADDRESS)
    return [table for site in (leaderboard_site, synthetic) for table in site.glob("export/*.tex")]


def test_captions_carry_the_address_of_their_board(tables):
    for table in tables:
        text = table.read_text(encoding="utf-8")
        caption = next(line for line in text.splitlines() if line.startswith(r"\caption"))
        assert tex(f"{ADDRESS}task/{table.stem}.html") in caption.replace(r"\allowbreak{}", "")
        assert text.isascii(), f"{table.name} holds letters that plain pdfTeX does not set"
        assert text.count(r"\begin{") == text.count(r"\end{")


def test_the_tables_for_papers_compile(tables, tmp_path):
    if shutil.which("pdflatex") is None:
        pytest.skip("no `pdflatex` on this machine, with which the tables would be compiled")
    body = "\n".join(f"\\input{{{table}}}\\clearpage" for table in tables)
    document = f"\\documentclass{{article}}\\usepackage{{booktabs}}\\begin{{document}}{body}"
    (tmp_path / "all.tex").write_text(document + "\\end{document}", encoding="utf-8")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "all.tex"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-2000:]
    wide = re.findall(r"Overfull .hbox .([\d.]+)pt too wide", run.stdout)
    assert max(map(float, wide), default=0) < 20, "a table or its caption leaves the page"
