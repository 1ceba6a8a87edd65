"""`python -m glassbench.conformance MODEL [TASK]`: check a model by its name or folder."""

from __future__ import annotations

import sys

from ..contract.errors import UserError, printable
from .check import check_plugin, report


def main(words: list[str]) -> int:
    """Print every result; return 0 if all passed, 1 if not, 2 for wrong words."""
    if not 1 <= len(words) <= 2 or words[0].startswith("--"):
        print("usage: python -m glassbench.conformance MODEL [TASK]", file=sys.stderr)
        return 2
    try:
        results = check_plugin(*words)
    except UserError as error:
        print(printable(error), file=sys.stderr)
        return 2
    print(report(results))
    return 0 if all(result.passed for result in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
