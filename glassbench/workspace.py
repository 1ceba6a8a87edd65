"""Where results, imported datasets and caches lie on this machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

HOME_VARIABLE = "GLASSBENCH_HOME"


@dataclass(frozen=True)
class Workspace:
    """The folder that holds everything a run leaves behind."""

    home: Path

    @property
    def datasets(self) -> Path:
        """Imported and generated datasets, one folder each."""
        return self.home / "datasets"

    @property
    def trials(self) -> Path:
        """Trials by key: request, checkpoint, predictions, result."""
        return self.home / "trials"

    @property
    def records(self) -> Path:
        """Records of finished requests, one JSON file each."""
        return self.home / "records"

    @property
    def generation(self) -> Path:
        """Pieces of simulations that are not yet a whole dataset."""
        return self.home / "generation"

    @property
    def sources(self) -> Path:
        """Sources of plugins by digest, unpacked for import."""
        return self.home / "sources"

    @property
    def database(self) -> Path:
        """The default tracking store."""
        return self.home / "mlflow.db"

    def trial_folder(self, key: str) -> Path:
        return self.trials / key[:2] / key


def open_workspace(home: Path | str | None = None) -> Workspace:
    """Return the workspace at `home`, at $GLASSBENCH_HOME, or at `~/.glassbench`."""
    chosen = home or os.environ.get(HOME_VARIABLE) or Path.home() / ".glassbench"
    return Workspace(Path(chosen).expanduser().absolute())
