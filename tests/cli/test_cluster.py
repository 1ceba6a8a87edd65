"""`glassbench cluster template` lists and prints the files to begin with."""

import json


def test_templates_are_listed_and_printed(glassbench):
    assert "slurm.sh" in glassbench("cluster", "template").out
    assert glassbench("cluster", "template", "slurm").out.startswith("#!/bin/bash\n")
    assert json.loads(glassbench("cluster", "template", "aws", "--json").out)["file"].endswith(
        "aws.yaml"
    )
    told = glassbench("cluster", "template", "slrm")
    assert told.code == 2 and "did you mean `slurm`" in told.err
