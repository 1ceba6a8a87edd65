"""The studies by name."""

from __future__ import annotations

from ...contract.suggest import did_you_mean
from ...contract.variation import Variation
from .declaration import Study, StudyError
from .hyperparameter import Hyperparameter, refuse_lost_pairs
from .seeds import Seeds
from .shells import KOB_ANDERSEN_SHELLS, DisplacedShells, RemovedShells
from .training_size import TrainingConfigurations
from .transfer import Transfer

BAPST = "Bapst et al., Nat. Phys. 16, 448 (2020)"
BOTAN = "Shiba et al., J. Chem. Phys. 158, 084503 (2023)"
# Weights that were trained at one value would favour it.
UNTRAINED = {"pretrained": "none"}

STUDIES = (
    Study(
        name="training_configurations",
        title="Number of training configurations",
        source=f"{BAPST}, Extended Data Fig. 1",
        varies=TrainingConfigurations(),
        values=(),
        label="training configurations",
        scale="log",
        seeds=(0, 1, 2),
    ),
    Study(
        name="rounds",
        title="Rounds of message passing",
        source=f"{BOTAN}, Fig. 9; {BAPST}, Extended Data Fig. 2",
        varies=Hyperparameter("recurrences"),
        values=("1", "2", "3", "4", "5", "6", "7"),
        label="rounds of message passing",
        fixed=UNTRAINED,
    ),
    Study(
        name="edge_threshold",
        title="Longest edge of the graph",
        source=f"{BAPST}, Extended Data Fig. 2",
        varies=Hyperparameter("edge_threshold", refuse_lost_pairs),
        values=("1.2", "1.4", "1.6", "1.8", "2.0", "2.2"),
        label=r"edge threshold ($\sigma_{AA}$)",
        fixed=UNTRAINED,
    ),
    Study(
        name="p",
        title="Weight of particles against pairs in the loss",
        source=f"{BOTAN}, Fig. 10",
        varies=Hyperparameter("p", variation=Variation(other_targets=True)),
        values=("0", "0.2", "0.4", "0.6", "0.8", "1"),
        label="p",
        fixed=UNTRAINED,
        metrics=("pearson_a", "pair_pearson_a"),
    ),
    Study(
        name="edge_features",
        title="What an edge of the graph knows at first",
        source=f"{BAPST}, Extended Data Fig. 2",
        varies=Hyperparameter("edge_features"),
        values=("none", "distance", "vector"),
        label="edge features",
        scale="words",
        fixed=UNTRAINED,
    ),
    Study(
        name="shells_removed",
        title="Surroundings removed beyond a radius",
        source=f"{BAPST}, Extended Data Fig. 8",
        varies=RemovedShells(),
        values=KOB_ANDERSEN_SHELLS,
        label=r"radius of what is left ($\sigma_{AA}$)",
    ),
    Study(
        name="shells_displaced",
        title="Particles of one shell displaced",
        source=f"{BAPST}, Extended Data Fig. 9",
        varies=DisplacedShells(),
        values=KOB_ANDERSEN_SHELLS,
        label=r"outer end of the displaced shell ($\sigma_{AA}$)",
    ),
    Study(
        name="transfer_temperature",
        title="Trained at one temperature, tested at the others",
        source=BAPST,
        varies=Transfer("temperature"),
        values=(),
        label="temperature of the test",
    ),
    Study(
        name="transfer_time",
        title="Trained at one time, tested at the others",
        source="the transfer between temperatures of Bapst et al.",
        varies=Transfer("time"),
        values=(),
        label="time of the test",
        scale="log",
    ),
    Study(
        name="seeds",
        title="Fits with several seeds: median, best and worst",
        source=f"{BOTAN}, Fig. 8; {BAPST}, Extended Data Fig. 3",
        varies=Seeds(),
        values=(),
        label="",
        scale="log",
        seeds=(0, 1, 2, 3, 4),
        spread="seeds",
    ),
)


def find_study(name: str) -> Study:
    """Return the study of a name.

    Raises
    ------
    StudyError
        With the nearest right words and the list of all.
    """
    for study in STUDIES:
        if study.name == name:
            return study
    raise StudyError(f"there is no study `{name}`{did_you_mean(name, [s.name for s in STUDIES])}")
