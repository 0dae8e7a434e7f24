"""After `migrate` the first stop finds everything it needs."""

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import connections

from partners import keys
from partners.actions import ensure_signing_keys
from partners.models import SigningKey
from tests.fixtures import KEYS_SINCE


def forget_keys() -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute("DELETE FROM partners_signingkey")


@pytest.fixture
def no_keys(committed_db: None) -> Iterator[None]:
    """A database without signing keys; the test run's own come back afterwards."""
    forget_keys()
    yield
    forget_keys()
    ensure_signing_keys(at=KEYS_SINCE)


@pytest.mark.usefixtures("no_keys")
def test_migrate_makes_the_signing_keys() -> None:
    call_command("migrate", verbosity=0)
    assert set(SigningKey.objects.values_list("use", flat=True)) == set(SigningKey.Use.values)
    token = keys.sign(use=SigningKey.Use.RECEIPT, claims={"iss": "us"})
    assert keys.verify_own(use=SigningKey.Use.RECEIPT, token=token) == {"iss": "us"}
