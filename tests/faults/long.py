"""What runs only with `python -m tests.faults.run --long`: CI has no time for it."""

import os

import pytest

STOPS = int(os.environ.get("FAULTS_STOPS") or 0)
SEED = int(os.environ.get("FAULTS_SEED") or 1)
RESULTS = os.environ.get("FAULTS_RESULTS", "")

long_run = pytest.mark.skipif(not STOPS, reason="for the long run: python -m tests.faults.run --long")
