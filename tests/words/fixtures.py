"""Partners around one test, texts in memory."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from accounts.clients.texts import MemoryBackend
from tests.words.partners import Market, a_market


@pytest.fixture
def surroundings(settings: Settings, no_broker: None) -> None:
    """Texts stay in memory, no broker is there, pages answer at once, and partners may be on loopback."""
    settings.SMS_BACKEND = "accounts.clients.texts.MemoryBackend"
    settings.ANSWER_SECONDS = 0.0
    settings.DOOR_OUT_LOOPBACK = True
    MemoryBackend.outbox.clear()


@pytest.fixture
def market(db: None, surroundings: None) -> Iterator[Market]:
    """One for this test alone."""
    with a_market() as made:
        yield made
