from pathlib import Path

import pytest
from pytest_django import Settings

from accounts.models import User
from tests.partners.fixtures import outside
from tests.support.officers import Member, staff

__all__ = ["outside"]


@pytest.fixture(autouse=True)
def _texts_in_memory(texts_in_memory: None) -> None:
    """Of every test here."""


@pytest.fixture
def attachments(settings: Settings, tmp_path: Path) -> Path:
    """Where files of cases lie, empty."""
    settings.ATTACHMENTS_DIR = tmp_path / "attachments"
    return tmp_path / "attachments"


# Whoever asks for one of these names its kind of database in `usefixtures`.


@pytest.fixture
def officer() -> Member:
    return staff(name="first")


@pytest.fixture
def second(officer: Member) -> Member:
    return staff(name="second")


@pytest.fixture
def ana() -> Member:
    """An agent of the desk."""
    return staff(User.Role.AGENT, name="ana")
