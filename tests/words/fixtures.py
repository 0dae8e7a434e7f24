"""Partners around one test, texts in memory; clocks that stand still."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker, Settings

from accounts.clients.texts import MemoryBackend
from tests.clocks import Clock, standing_still
from tests.words.exact import NOON
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


@pytest.fixture(scope="module")
def standing(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Clock]:
    with django_db_blocker.unblock(), standing_still(NOON) as clock:
        yield clock


@pytest.fixture
def clock(standing: Clock) -> Clock:
    """It stands still, so that pages may be compared to the last moment; see `tests.words.exact`."""
    standing.move_to(NOON)
    return standing
