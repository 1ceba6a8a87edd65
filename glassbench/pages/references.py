"""What to cite: publications of methods and datasets, GlassBench itself, as BibTeX and in words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from ..contract.checked import Checked, Texts, read_toml
from ..contract.errors import visible
from ..contract.model_card import ModelCard
from ..contract.task import plain_name
from ..home.workspace import content_folder

_TEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    # BibTeX counts braces, whether a backslash stands before them or not.
    "{": r"\textbraceleft ", "}": r"\textbraceright ",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "–": "--", "’": "'", "−": "$-$", "×": r"$\times$", "·": r"$\cdot$", "⟨": r"$\langle$",
    "⟩": r"$\rangle$", "Å": r"\AA{}", "<": "$<$", ">": "$>$", "≤": r"$\le$", "≥": r"$\ge$",
    "°": r"$^\circ$",
}  # fmt: skip
ACCENTS = {"\u0308": '"', "\u0301": "'", "\u0300": "`", "\u0302": "^", "\u0303": "~", "\u0327": "c"}
FIELDS = (
    "title", "journal", "booktitle", "howpublished", "volume", "pages", "year", "doi", "url",
    "note",
)  # fmt: skip
AS_IT_IS = ("doi", "url", "year", "pages", "volume")
TITLE = (
    "GlassBench: a benchmark of models that predict the dynamics and plasticity of glasses "
    "from their structure"
)


class Reference(Checked):
    """One publication; `models`, `reported` and `datasets` are the names that cite it."""

    type: str
    author: Texts
    title: str
    journal: str = ""
    booktitle: str = ""
    howpublished: str = ""
    volume: str = ""
    pages: str = ""
    year: int
    doi: str = ""
    url: str = ""
    note: str = ""
    models: Texts = ()
    reported: Texts = ()
    datasets: Texts = ()
    training: dict[str, int] = {}

    @property
    def link(self) -> str:
        """Its address."""
        return f"https://doi.org/{self.doi}" if self.doi else self.url

    @property
    def who(self) -> str:
        """Its authors, in short: `Fan & Ma`."""
        surnames = [name.split()[-1] for name in self.author]
        return " & ".join(surnames) if len(surnames) <= 2 else f"{surnames[0]} et al."

    @property
    def short(self) -> str:
        """As a text names it: `Fan & Ma (2021)`."""
        return f"{self.who} ({self.year})"

    @property
    def words(self) -> str:
        """As a reader knows it: `Fan & Ma, Nature Communications 12, 1506 (2021)`."""
        venue = self.journal or self.booktitle or self.howpublished
        where = [" ".join(filter(None, [venue, self.volume])), self.pages.split("--")[0]]
        return f"{self.who}, {', '.join(filter(None, where))} ({self.year})"


@cache
def references() -> dict[str, Reference]:
    """Return every reference of the leaderboard by its BibTeX key."""
    table = read_toml(content_folder("leaderboard") / "references.toml")
    return {key: Reference.model_validate(entry, strict=False) for key, entry in table.items()}


def key_of_model(name: str, doi: str = "") -> str:
    """Return the key of the reference of a model's method, empty where none is known."""
    named = (key for key, entry in references().items() if name in entry.models)
    same = (key for key, entry in references().items() if doi and entry.doi == doi)
    return next(named, "") or next(same, "")


def method_of(name: str, doi: str = "") -> Reference | None:
    """Return the publication of a model's method, None where none is known."""
    return references().get(key_of_model(name, doi))


def reference_of_reported(name: str) -> Reference | None:
    """Return the publication of a model as `reported.csv` names it."""
    return next((entry for entry in references().values() if name in entry.reported), None)


def card_of_reported(name: str, cards: Iterable[str]) -> str:
    """Return the name of the model here that a published one is, empty where there is none."""
    reference = reference_of_reported(name)
    named = reference.models if reference else ()
    same = (card for card in cards if card in named or plain_name(card) == plain_name(name))
    return next(same, "")


def bibtex(key: str) -> str:
    """Return a reference as an entry of BibTeX."""
    entry = references()[key]
    authors = " and ".join("others" if name == "others" else tex(name) for name in entry.author)
    return _entry(entry.type, key, authors, {f: getattr(entry, f) for f in FIELDS})


def as_bibtex(cards: Iterable[ModelCard]) -> str:
    """Return what models ask to be cited, each publication once.

    A model whose paper is not among the references is cited by its card.
    """
    entries: dict[str, str] = {}
    for card in cards:
        key = key_of_model(card.name, card.doi)
        if key:
            entries.setdefault(key, bibtex(key))
        elif card.doi:
            key = _key(card)
            fields = {"title": card.title, "year": card.year, "doi": card.doi}
            fields["url"] = f"https://doi.org/{card.doi}"
            entries[key] = _entry("misc", key, " and ".join(map(tex, card.authors)), fields)
        else:
            entries[card.name] = f"% {card.name}: no publication of its own, cite GlassBench\n"
    return "\n".join(entries.values())


def cite_all(cards: Iterable[ModelCard], dataset: str = "") -> str:
    """Return GlassBench, what a dataset asks to be cited, and the methods of models."""
    of_dataset = [key for key, entry in references().items() if dataset in entry.datasets]
    parts = [glassbench_bibtex(), *map(bibtex, of_dataset), as_bibtex(cards)]
    return "\n".join(filter(None, parts))


@cache
def glassbench_bibtex() -> str:
    """Return the entry of GlassBench itself: the harness, its data and this board."""
    from importlib.metadata import version

    software = f"Software, version {version('glassbench')}"
    fields = {"title": TITLE, "howpublished": software, "url": repository()}
    return _entry("misc", "glassbench", "{The GlassBench maintainers}", fields)


def record_bibtex(entry: str, model: str, created: str, note: str) -> str:
    """Return the entry of one record."""
    title = f"GlassBench record: {model}"
    fields = {"title": title, "year": created[:4], "note": note, "url": repository()}
    key = f"glassbench:{re.sub(r'[^A-Za-z0-9.-]', '-', entry)}"
    return _entry("misc", key, "{The GlassBench maintainers}", fields)


def _entry(kind: str, key: str, authors: str, fields: Mapping[str, Any]) -> str:
    lines = [f"  author = {{{authors}}}"]
    for name, value in fields.items():
        if not value:
            continue
        text = str(value) if name in AS_IT_IS else tex(str(value))
        # Inner braces keep the letters of a title as they are.
        lines.append(f"  {name} = {{{{{text}}}}}" if name == "title" else f"  {name} = {{{text}}}")
    return f"@{kind}{{{key},\n" + ",\n".join(lines) + "\n}\n"


def _key(card: ModelCard) -> str:
    surname = unicodedata.normalize("NFKD", card.authors[0].split()[-1])
    plain = surname.encode("ascii", "ignore").decode()
    return re.sub(r"\W", "", f"{plain}{card.year}{card.name}")


def tex(text: str) -> str:
    """Return a text as TeX that plain pdfTeX sets, on one line."""
    line = " ".join(visible(text).split())
    return "".join(_TEX.get(letter) or _ascii(letter) for letter in line)


def tex_words(text: str) -> str:
    """Return a text as TeX in which symbols of one letter have real subscripts: `C_rank`."""
    return re.sub(r"\b([A-Za-z])\\_([A-Za-z\d]+)", r"$\1_{\\mathrm{\2}}$", tex(text))


def _ascii(letter: str) -> str:
    """Return a letter in ASCII: Greek and raised ones as mathematics, accents as commands."""
    if letter.isascii():
        return letter
    greek = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (\w+)", unicodedata.name(letter, ""))
    if greek:
        name = greek[2].lower()
        return rf"$\{name if greek[1] == 'SMALL' else name.capitalize()}$"
    plain = unicodedata.normalize("NFKD", letter)
    if unicodedata.decomposition(letter).startswith("<super>"):
        return rf"$^{{{'-' if letter == '⁻' else plain}}}$"
    accent = ACCENTS.get(plain[1:])
    if accent:
        return f"{{\\{accent}{{{plain[0]}}}}}"
    return plain.encode("ascii", "ignore").decode() or "?"


@cache
def site_settings() -> dict[str, Any]:
    """Return `leaderboard/site.toml`."""
    return read_toml(content_folder("leaderboard") / "site.toml")


def repository() -> str:
    """Return the address of the public repository, empty where none is configured."""
    return str(site_settings()["repository"]).rstrip("/")
