import pytest
from pytest_django import Settings

from accounts.clients.texts import MemoryBackend


@pytest.fixture(autouse=True)
def _texts_in_memory(settings: Settings) -> None:
    settings.SMS_BACKEND = "accounts.clients.texts.MemoryBackend"
    settings.ANSWER_SECONDS = 0.0
    MemoryBackend.outbox.clear()
