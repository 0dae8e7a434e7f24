import pytest

from accounts.models import Line
from partners.models import Campaign
from tests.factories import a_campaign, a_line, an_approval


@pytest.fixture(autouse=True)
def _texts_in_memory(texts_in_memory: None) -> None:
    """Of every test here."""


@pytest.fixture
def line() -> Line:
    """One that said yes to `campaign`, where that is asked for."""
    return a_line(msisdn="+12065550177")


@pytest.fixture
def campaign(line: Line) -> Campaign:
    campaign = a_campaign()
    an_approval(line, campaign)
    return campaign
