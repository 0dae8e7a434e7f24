"""What tests of a module share leaves nothing to the tests after them."""

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from tests.shared import shared


@pytest.mark.usefixtures("db")
def test_what_can_not_be_made_leaves_no_transaction_open(django_db_blocker: DjangoDbBlocker) -> None:
    def build() -> None:
        raise LookupError

    before = list(connection.savepoint_ids)
    with pytest.raises(LookupError):
        next(iter(shared(django_db_blocker, build)))
    assert connection.savepoint_ids == before
