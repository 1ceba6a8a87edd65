"""Draw the picture of the README from the board: truth beside prediction, and scores against time.

python docs/make/picture.py            # writes docs/images/propensity.png
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "images" / "propensity.png"
BOARD = ROOT / "leaderboard"
PREFIX = "ka_propensity-mini-"
MODELS = ("averaged_ridge", "structure_svm", "botan", "nt_gnn")
SHOWN, TIME, THICKNESS = "averaged_ridge", 5.2, 1.2


def read(folder: str, model: str) -> dict[str, Any]:
    """Return the record or the explanation of a model on the embedded data."""
    (path,) = (BOARD / folder).glob(f"{PREFIX}{model}-*.json")
    return json.loads(path.read_text(encoding="utf-8"))


def unpack(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


def draw_slice(axes, explanation: dict[str, Any], values: str) -> Any:
    """Draw the particles of a thin slice, coloured by the truth or by the prediction."""
    (drawn,) = [m for m in explanation["maps"] if m["condition"]["time"] == TIME]
    structure = explanation["structures"][drawn["structure"]]
    box = np.asarray(structure["box"])
    positions = unpack(structure["positions"], "<u2").reshape(-1, 3) / 65536 * box
    low, high = drawn["limits"]
    colours = low + unpack(drawn[values], np.uint8) / 255 * (high - low)
    inside = positions[:, 2] < THICKNESS
    sizes = np.where(unpack(structure["species"], np.uint8)[inside] == 0, 60, 34)
    points = axes.scatter(
        *positions[inside, :2].T, c=colours[inside], s=sizes, cmap="viridis", vmin=low, vmax=high
    )
    axes.set(aspect="equal", xlim=(0, box[0]), ylim=(0, box[1]), xticks=[], yticks=[])
    return points


def draw_scores(axes) -> None:
    """Draw the primary metric of some models against time, with the noise ceiling and a floor."""
    for number, model in enumerate(MODELS):
        record = read("records", model)
        metric = record["task"]["primary_metric"]
        entries = record["conditions"]
        times = [entry["condition"]["time"] for entry in entries]
        scores = [entry["scores"][metric] for entry in entries]
        values = [score["value"] for score in scores]
        spread = np.abs(np.asarray([score["interval"] for score in scores]).T - values)
        axes.errorbar(times, values, spread, marker="osD^"[number], capsize=2, label=model)
    ceilings = [entry["ceiling"][metric]["value"] for entry in entries]
    floors = [max(floor["value"] for floor in entry["floors"]) for entry in entries]
    axes.plot(times, ceilings, "k--", linewidth=1, label="noise ceiling")
    axes.plot(times, floors, "k:", linewidth=1, label="best trivial floor")
    axes.set(xscale="log", ylim=(0, 1.25), xlabel="t / τ", ylabel="Pearson correlation, type A")
    axes.set_xticks(times, [f"{time:g}" for time in times])
    axes.minorticks_off()
    axes.legend(fontsize=8, ncols=3, loc="upper center")


def main() -> None:
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 1.25))
    explanation = read("explain", SHOWN)
    draw_slice(left, explanation, "target")
    points = draw_slice(middle, explanation, "prediction")
    left.set_title("propensity, simulated", fontsize=10)
    middle.set_title(f"propensity, predicted by {SHOWN}", fontsize=10)
    figure.colorbar(points, ax=middle, label="S / σ at t = 5.2 τ", shrink=0.85)
    draw_scores(right)
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    main()
