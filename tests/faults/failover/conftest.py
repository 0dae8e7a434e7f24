"""The three servers, where `python -m tests.faults.failover` has started them."""

import pytest

from tests.faults.failover import nodes
from tests.faults.failover.nodes import Cluster


@pytest.fixture
def cluster() -> Cluster:
    """Three servers, whole again."""
    if not nodes.started:
        pytest.skip("needs servers of its own: python -m tests.faults.failover")
    (cluster,) = nodes.started
    cluster.wait_until_whole()
    return cluster
