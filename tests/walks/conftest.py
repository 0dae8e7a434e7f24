"""One world for all the walks of a module: nothing that is asked of it remains."""

from collections.abc import Iterator
from typing import ClassVar

import pytest
from django.test import TestCase, override_settings
from pytest_django import DjangoDbBlocker

from accounts.clients.texts import MemoryBackend
from tests.walks import world
from tests.walks.world import World


class Shared(TestCase):
    """Django's own way to share rows: one transaction around all of a class, here of a module."""

    world: ClassVar[World]

    @classmethod
    def setUpTestData(cls) -> None:
        cls.world = world.build()


@pytest.fixture(scope="module")
def everyone(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """The world of `tests.walks.world`, with no broker and texts in memory."""
    MemoryBackend.outbox.clear()
    quick = override_settings(SMS_BACKEND="accounts.clients.texts.MemoryBackend", ANSWER_SECONDS=0.0, METRICS_TOKEN="")
    with django_db_blocker.unblock(), quick, pytest.MonkeyPatch.context() as patched:
        patched.setattr("revocations.tasks.deliver.delay", lambda **_: None)
        Shared.setUpClass()
        yield Shared.world
        Shared.tearDownClass()
        Shared.doClassCleanups()
