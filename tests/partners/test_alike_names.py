"""A company named in another spelling is the same company: a stop of the one covers the other, an approval never."""

import pytest
from django.db import connection

from audit.queries import database_clock
from consent.gate.deciding import evaluate
from consent.gate.shapes import Question
from disclosures.feeds.terms import settle_files
from disclosures.models import Disclosure
from partners.models import IdentifierLink, Party
from tests.feeds import (
    BRIDGE,
    JAIL,
    NUMBER,
    ROAD,
    ROADSIDE,
    approval_row,
    choice_row,
    line_row,
    parties_document,
    release_row,
    take_approvals,
    take_choices,
    take_lines,
    take_parties,
    take_releases,
    told,
)  # fmt: skip

pytestmark = pytest.mark.usefixtures("db", "no_broker")
SPELLINGS = (
    f"{JAIL}/", f"{JAIL}//", f"{JAIL}.", f"{JAIL}./", JAIL.upper(), f"{JAIL}:443", f"{JAIL}:443/",
    JAIL.replace("https", "http"), JAIL.replace("county", "%63ounty"), JAIL.replace("county", "%43ounty"),
    f"{JAIL}%2F", JAIL.replace("county", "county\u200b"), f" {JAIL}", f"{JAIL}\u00a0",
)  # fmt: skip
OTHERS = ("https://countyjail.example.org", f"{JAIL}/branch", f"{JAIL}:8443", "https://county-jail.example")


def ask(recipient: str) -> str:
    question = Question(
        aggregator=BRIDGE, provider=ROAD, campaign="CMP-road", purpose=ROADSIDE, scope="location-retrieval:read",
        precision_m=500, msisdn=NUMBER, recipient=recipient,
    )  # fmt: skip
    return evaluate(questions=[question])[0].reason


@pytest.fixture
def stopped(db: None, no_broker: None) -> None:
    """A line whose person agreed to a service that names for whom it asks, and then stopped one of those."""
    document = parties_document()
    document["campaigns"][0] |= {"names_recipient": True, "recipients": [JAIL]}
    take_parties(document)
    take_lines(line_row())
    take_approvals(approval_row())
    take_choices(choice_row(scope="party", ref=JAIL))


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.usefixtures("stopped")
def test_a_stop_covers_every_spelling(spelling: str) -> None:
    late = release_row(path=[BRIDGE, ROAD, spelling], occurred_at="2025-09-01T12:00:00Z")
    assert told(take_releases(late)) == [("accepted", "permitted")]
    assert ask(spelling) == "stopped_party"
    # What was reported in the moment in which the name was first seen is judged again by what it is.
    settle_files(at=database_clock())
    assert Disclosure.objects.get().judgement == "after_stop"


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.usefixtures("stopped")
def test_another_company_stays_another(other: str) -> None:
    take_releases(release_row(path=[BRIDGE, ROAD, other], occurred_at="2025-09-01T12:00:00Z"))
    assert ask(other) == ""
    assert not IdentifierLink.objects.exists()


def test_an_alike_name_is_found_by_its_index() -> None:
    for spelling in SPELLINGS:
        Party.objects.create(uri=spelling, name="Jail", kind="unnamed")
    assert IdentifierLink.objects.count() == len(SPELLINGS) - 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT partners_kin_of('party', ARRAY[%s]::text[])", [SPELLINGS[-1]])
        assert set(cursor.fetchone()[0]) == {*SPELLINGS}
    assert Party.objects.filter(uri__in=SPELLINGS).count() == len(SPELLINGS)
