import pytest
from django.utils import translation
from pytest_django import Settings

from accounts.texts import MemoryBackend
from tests.partners.fixtures import outside

__all__ = ["outside"]


@pytest.fixture(autouse=True)
def _texts_in_memory(settings: Settings) -> None:
    translation.activate("en")
    settings.SMS_BACKEND = "accounts.texts.MemoryBackend"
    settings.ANSWER_SECONDS = 0.0
    MemoryBackend.outbox.clear()
