"""Over any history: nobody who said no is asked again within 12 months, and nobody more than twice a month."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import example, given
from hypothesis import strategies as st

from accounts.clients.texts import Outcome
from accounts.models import Line
from accounts.primitives.zones import zone_of
from audit.queries import database_clock
from consent.actions.records import FileApproval, record_claims
from consent.models import ConsentRequest, Origin
from consent.workers import request_texts
from partners.models import Campaign
from tests.factories import a_campaign, a_contract, a_ledger_row, a_line, a_party
from tests.properties import stories

pytestmark = pytest.mark.usefixtures("db", "no_broker")
type Event = tuple[int, str, int]

DAYS = 800
YEAR, MONTH = timedelta(days=366), timedelta(days=31)
NOS = ("no", "stop", "stop of another", "stop from a file")
events = st.tuples(st.integers(0, DAYS), st.sampled_from(["claim"] * 5 + [*NOS, "pause", "allow"]), st.integers(0, 2))


@pytest.fixture(autouse=True)
def _a_gateway_that_takes_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each history is undone in the end, and no backend is called in a transaction."""
    monkeypatch.setattr("accounts.clients.texts.send_and_wait", lambda **_: Outcome.TAKEN)


@stories(40)
@given(history=st.lists(events, max_size=16))
@example(history=[(0, "claim", 0), (1, "no", 0), (2, "claim", 1), (365, "claim", 1), (369, "claim", 1)])
@example(history=[(0, "claim", 0), (0, "claim", 1), (0, "claim", 2), (30, "claim", 2), (33, "claim", 2)])
@example(history=[(0, "stop of another", 0), (5, "allow", 0), (360, "claim", 1), (370, "claim", 2)])
def test_nobody_who_said_no_is_asked_again_within_twelve_months(history: list[Event]) -> None:
    with transaction.atomic():
        nos, asked = lived(sorted(history))
        transaction.set_rollback(True)
    for at in asked:
        assert [no for no in nos if no <= at < no + YEAR] == []
        assert len([other for other in asked if at - MONTH < other <= at]) <= 2
        assert 8 <= at.astimezone(zone_of("WA")).hour < 21


@pytest.mark.parametrize(
    ("history", "asked"),
    [
        ([(0, "claim", 0)], [0]),
        ([(0, "claim", 0), (1, "no", 0), (2, "claim", 1), (365, "claim", 1)], [0]),
        ([(0, "claim", 0), (1, "no", 0), (369, "claim", 1)], [0, 369]),
        ([(0, "claim", 0), (0, "claim", 1), (0, "claim", 2)], [0, 0]),
        ([(0, "claim", 0), (0, "claim", 1), (32, "claim", 2)], [0, 0, 32]),
    ],
)
def test_and_who_may_be_asked_is(history: Sequence[Event], asked: list[int]) -> None:
    start = _start()
    with transaction.atomic():
        texted = lived(history)[1]
        transaction.set_rollback(True)
    assert [(at - start).days for at in texted] == asked


def lived(history: Sequence[Event]) -> tuple[list[datetime], list[datetime]]:
    """Live a history, the worker running at noon and at midnight of every day that matters. Returns nos and texts."""
    line, campaigns = a_line(state="WA"), _campaigns()
    nos: list[datetime] = []
    for n, (day, kind, which) in enumerate(history):
        at = _start() + timedelta(days=day, seconds=n)
        happen(line, campaigns[which], kind, at)
        if kind in NOS:
            nos.append(at)
        for hours in (0, 4, 16, 28):
            request_texts.text_waiting(now=_start() + timedelta(days=day, hours=hours, seconds=n + 0.5))
    texted = ConsentRequest.objects.filter(line_id=line.pk, texted_at__isnull=False).values_list("texted_at", flat=True)
    return nos, sorted(at for at in texted if at is not None)


def happen(line: Line, campaign: Campaign, kind: str, at: datetime) -> None:
    match kind:
        case "claim":
            claim = FileApproval(
                id=uuid.uuid4(), source_id=str(at), campaign=campaign.ref, method="sms", captured_at=at,
                captured_by=campaign.lbs_provider.uri, wording="Yes?", language="en", evidence_ref="e",
                expires_at=None, verified_by="partner", content_hash=b"",
            )  # fmt: skip
            party = campaign.contract.aggregator
            record_claims(by_line={line.pk: [claim]}, party_id=party.pk, client_id="c", at=at)
        case "no":
            a_ledger_row(line, "refuse", scope="campaign", ref=campaign.ref, at=at)
        case "stop":
            a_ledger_row(line, "stop", scope="party", ref=campaign.lbs_provider.uri, at=at)
        case "stop of another":
            a_ledger_row(line, "stop", scope="party", ref="https://another.example", at=at)
        case "stop from a file":
            a_ledger_row(line, "stop", scope="campaign", ref=campaign.ref, at=at, origin=Origin.FILE)
        case "pause":
            a_ledger_row(line, "pause", at=at, until=at + timedelta(days=30))
        case _:
            a_ledger_row(line, "allow", scope="campaign", ref=campaign.ref, at=at, until=at + timedelta(days=20))


def _start() -> datetime:
    """Noon in Washington, long enough ago that all of a history is past."""
    return (database_clock() - timedelta(days=DAYS + 10)).replace(hour=20, minute=0, second=0, microsecond=0)


def _campaigns() -> list[Campaign]:
    contract = a_contract(a_party("GeoBridge"))
    return [a_campaign(contract, a_party(f"Finder{n}", "lbs_provider")) for n in range(3)]
