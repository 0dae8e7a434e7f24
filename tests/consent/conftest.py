import pytest
from django.utils import translation
from pytest_django import Settings

from accounts.clients.texts import MemoryBackend
from accounts.models import Line
from partners.models import Campaign
from tests.factories import a_campaign, a_line, an_approval


@pytest.fixture(autouse=True)
def _texts_in_memory(settings: Settings) -> None:
    translation.activate("en")  # a page in Spanish leaves its language to the next test
    settings.SMS_BACKEND = "accounts.clients.texts.MemoryBackend"
    settings.ANSWER_SECONDS = 0.0
    MemoryBackend.outbox.clear()


@pytest.fixture
def line() -> Line:
    """One that said yes to `campaign`, where that is asked for."""
    return a_line(msisdn="+12065550177")


@pytest.fixture
def campaign(line: Line) -> Campaign:
    campaign = a_campaign()
    an_approval(line, campaign)
    return campaign
