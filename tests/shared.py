"""What the tests of a module start from, made once: their transactions lie within its, and nothing of them remains."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy

import pytest
from django.db import transaction
from django.test import Client, override_settings
from pytest_django import DjangoDbBlocker

from accounts.clients.texts import MemoryBackend


def shared[T](blocker: DjangoDbBlocker, build: Callable[[], T]) -> Iterator[T]:
    """For a fixture of a module: what `build` made, with no broker, texts in memory and partners on loopback.

    Its tests use `db` besides. What they change in objects, not in rows, they have to put back themselves.
    """
    block = transaction.atomic()
    # As the transactions of Django's own tests: what refuses to run within another one runs within this.
    vars(block)["_from_testcase"] = True
    quick = override_settings(
        SMS_BACKEND="accounts.clients.texts.MemoryBackend", ANSWER_SECONDS=0.0,
        DOOR_OUT_LOOPBACK=True,
    )  # fmt: skip
    with blocker.unblock():
        block.__enter__()
    try:
        with blocker.unblock(), quick, pytest.MonkeyPatch.context() as patched:
            patched.setattr("revocations.tasks.deliver.delay", lambda **_: None)
            MemoryBackend.outbox.clear()
            made = build()
        yield made
    finally:
        with blocker.unblock():
            transaction.set_rollback(True)
            block.__exit__(None, None, None)


@contextmanager
def as_they_were(clients: Iterable[Client]) -> Iterator[None]:
    """Browsers that have the same cookies again afterwards."""
    before = [(client, deepcopy(client.cookies)) for client in clients]
    yield
    for client, cookies in before:
        client.cookies = cookies
