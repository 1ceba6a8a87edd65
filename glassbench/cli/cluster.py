"""`glassbench cluster`: files that start Ray on the machines of a cluster."""

from __future__ import annotations

from pathlib import Path

from ..contract.errors import WordError, did_you_mean
from .output import Asked, Result, command, new_group
from .tables import in_pairs

app = new_group(help="Files that start Ray on the machines of a cluster.")
FOLDER = Path(__file__).resolve().parents[1] / "cluster" / "templates"
TEMPLATES = {
    "slurm": ("slurm.sh", "a job of SLURM, for `sbatch`"),
    "kuberay": ("kuberay.yaml", "a RayJob with its volume, for `kubectl apply`"),
    "dockerfile": ("Dockerfile", "the image of that RayJob"),
    "onpremise": ("ray_up_onpremise.yaml", "machines reached by ssh, for `ray up`"),
    "aws": ("ray_up_aws.yaml", "machines rented from Amazon, for `ray up`"),
}


@app.command()
@command(plain="[name]")
def template(asked: Asked) -> Result:
    """Print a file to begin with: slurm, kuberay, dockerfile, onpremise or aws.

    `glassbench cluster template slurm > slurm.sh`. Each says in its first lines how it is used and
    what is to be changed. Without a name, the list of them.
    """
    if not asked.plain:
        rows = [(key, f"{file}  {what}") for key, (file, what) in TEMPLATES.items()]
        files = {key: {"file": file, "what": what} for key, (file, what) in TEMPLATES.items()}
        return Result({"templates": files}, in_pairs(rows))
    (name,) = asked.plain
    if name not in TEMPLATES:
        raise WordError(f"there is no template `{name}`{did_you_mean(name, TEMPLATES)}")
    file, _ = TEMPLATES[name]
    text = (FOLDER / file).read_text(encoding="utf-8")
    return Result({"name": name, "file": file, "text": text}, text.splitlines())
