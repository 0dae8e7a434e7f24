import pytest

from tests.words.fixtures import clock, market, standing, surroundings

__all__ = ["clock", "market", "standing", "surroundings"]


@pytest.fixture(autouse=True)
def _everywhere(surroundings: None) -> None:
    """The same around every test of this package."""
