import pytest

from accounts.models import Line
from partners.models import Campaign
from tests.factories import a_campaign, an_approval
from tests.partners.fixtures import outside
from tests.words.fixtures import market, surroundings

__all__ = ["market", "outside", "surroundings"]


@pytest.fixture(autouse=True)
def _texts_in_memory(texts_in_memory: None) -> None:
    """Of every test here."""


@pytest.fixture
def campaign(line: Line) -> Campaign:
    """One that the line said yes to."""
    campaign = a_campaign()
    an_approval(line, campaign)
    return campaign
