import pytest

from tests.words.fixtures import market, surroundings

__all__ = ["market", "surroundings"]


@pytest.fixture(autouse=True)
def _everywhere(surroundings: None) -> None:
    """The same around every test of this package."""
