"""Every fault, by one command: `uv run python -m tests.faults.run [--long] [--stops N] [--seed N] [--results FILE]`.

Without `--long` it is what CI runs. With it the storm is 10,000 stops (or `--stops`), with as many more kills, and the
database among those killed; `--results` adds a line for `docs/explanation/reliability.md`.
"""

import argparse
import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LONG_STOPS = 10_000


def main() -> int:
    """The exit status of the tests."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--long", action="store_true", help="the long storm")
    parser.add_argument("--stops", type=int, default=LONG_STOPS, help="how many people stop in the long storm")
    parser.add_argument("--seed", type=int, default=1, help="what chooses who is killed when")
    parser.add_argument("--results", type=Path, help="a file to which the long storm adds a line of Markdown")
    asked = parser.parse_args()
    os.environ["FAULTS_SEED"] = str(asked.seed)
    if asked.long:
        os.environ["FAULTS_STOPS"] = str(asked.stops)
    if asked.results:
        os.environ["FAULTS_RESULTS"] = str(asked.results.resolve())
    return int(pytest.main(["-q", "-p", "no:cacheprovider", str(HERE)]))


if __name__ == "__main__":
    sys.exit(main())
