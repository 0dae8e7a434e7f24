from pathlib import Path

import pytest
from django.utils import translation
from pytest_django import Settings

from accounts.clients.texts import MemoryBackend
from tests.partners.fixtures import outside

__all__ = ["outside"]


@pytest.fixture(autouse=True)
def _texts_in_memory(settings: Settings) -> None:
    translation.activate("en")
    settings.SMS_BACKEND = "accounts.clients.texts.MemoryBackend"
    settings.ANSWER_SECONDS = 0.0
    MemoryBackend.outbox.clear()


@pytest.fixture
def attachments(settings: Settings, tmp_path: Path) -> Path:
    """Where files of cases lie, empty."""
    settings.ATTACHMENTS_DIR = tmp_path / "attachments"
    return tmp_path / "attachments"
