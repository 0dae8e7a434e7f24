"""A link and a campaign that are written at once: the stop of the one company covers what the other asks for."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from audit.queries import database_clock
from partners.actions import links
from partners.models import Campaign, Contract, Kin, Party
from tests.factories import a_campaign, a_contract, a_party

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
OLD = "https://old.example"
WAITS = """
SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
    WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database())
"""


def at_once(first: Callable[[], object], second: Callable[[], object]) -> None:
    """`second` begins on another connection once `first` was written, which commits when `second` waits or is over."""

    def run() -> None:
        try:
            second()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first()
            other: Future[None] = pool.submit(run)
            with connection.cursor() as cursor:
                while not other.done():
                    cursor.execute(WAITS)
                    if cursor.fetchone() == (True,):
                        break
        other.result()


def a_link(provider: Party) -> Callable[[], object]:
    return lambda: links.add_link(of="party", ref=provider.uri, kin_ref=OLD, link="same_as", at=database_clock())


def a_new_campaign(contract: Contract, provider: Party) -> Callable[[], object]:
    return lambda: a_campaign(contract, provider, ref="CMP-new")


@pytest.mark.parametrize("link_first", [True, False], ids=["the_link_first", "the_campaign_first"])
def test_a_campaign_and_a_link_that_come_at_once_know_of_each_other(link_first: bool) -> None:
    provider, contract = a_party("RoadAid", "lbs_provider"), a_contract()
    acts = [a_link(provider), a_new_campaign(contract, provider)]
    at_once(*(acts if link_first else reversed(acts)))
    assert Kin.objects.filter(ref=provider.uri, kin_ref=OLD).exists()
    cover = Campaign.objects.get(ref="CMP-new").cover
    assert sorted(cover.parties) == sorted([contract.aggregator.uri, provider.uri, OLD])
    assert OLD in cover.named_parties
