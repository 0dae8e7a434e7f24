"""One product for all tests of this package."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from tests.promises.through_the_doors.product import Product, running


@pytest.fixture(scope="package")
def running_product(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    with django_db_blocker.unblock(), running(tmp_path_factory.mktemp("product")) as product:
        yield product


@pytest.fixture
def product(running_product: Product, django_db_blocker: DjangoDbBlocker) -> Iterator[Product]:
    """The product, with partners that behave afterwards whatever a test asked of them."""
    with django_db_blocker.unblock():
        yield running_product
    for partner in running_product.partners.values():
        partner.fault("none")
