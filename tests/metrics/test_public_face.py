"""What `import glassbench.metrics` offers, and what it must not load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import glassbench.metrics


def test_every_public_name_exists():
    assert len(set(glassbench.metrics.__all__)) == len(glassbench.metrics.__all__)
    for name in glassbench.metrics.__all__:
        assert hasattr(glassbench.metrics, name)


def test_importing_the_metrics_loads_numpy_alone_and_nothing_of_the_house():
    program = (
        "import sys, glassbench\n"
        "before = set(sys.modules)\n"
        "import glassbench.metrics\n"
        "new = set(sys.modules) - before\n"
        "heavy = {'scipy', 'sklearn', 'torch', 'ray', 'xarray', 'zarr', 'mlflow', 'matplotlib'}\n"
        "print(sorted(heavy & new))\n"
        "print(sorted({m.split('.')[1] for m in new if m.startswith('glassbench.')}))\n"
    )
    root = Path(__file__).resolve().parents[2]
    output = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    assert output.split("\n")[:2] == ["[]", "['metrics']"]
