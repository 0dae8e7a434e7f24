from tests.partners.fixtures import outside
from tests.words.fixtures import market, surroundings

__all__ = ["market", "outside", "surroundings"]
