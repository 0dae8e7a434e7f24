import pytest
from django.utils import translation
from pytest_django import Settings

from accounts.texts import MemoryBackend


@pytest.fixture(autouse=True)
def _texts_in_memory(settings: Settings) -> None:
    translation.activate("en")  # a page in Spanish leaves its language to the next test
    settings.SMS_BACKEND = "accounts.texts.MemoryBackend"
    settings.ANSWER_SECONDS = 0.0
    MemoryBackend.outbox.clear()
