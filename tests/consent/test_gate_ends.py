"""An end is over at its very moment: the gate, which answers for a choice that is ahead of its clock, says so."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from accounts.models import Line
from audit.queries import database_clock
from consent.gate import deciding
from consent.gate.shapes import as_agreed
from consent.queries import permission
from partners.models import Campaign
from tests.factories import FAR_OFF, NOW, a_campaign, a_contract, a_ledger_row, a_line, an_approval
from tests.properties import undone

pytestmark = pytest.mark.django_db
NUMBER = "+12065550170"
A_MOMENT = timedelta(microseconds=1)


def a_use(
    *, approval: datetime | None = None, contract: datetime = FAR_OFF, campaign: datetime = FAR_OFF,
    line: datetime | None = None,
) -> tuple[Line, Campaign]:  # fmt: skip
    """A line and a campaign with its yes, each of which ends then."""
    of = a_campaign(a_contract(ends_at=contract), ends_at=campaign)
    owner = a_line(msisdn=NUMBER, deactivated_at=line)
    an_approval(owner, of, expires_at=approval)
    return owner, of


def a_paused_use(until: datetime) -> tuple[Line, Campaign]:
    line, campaign = a_use()
    a_ledger_row(line, "pause", at=NOW - timedelta(days=1), until=until)
    return line, campaign


ENDS: list[tuple[Callable[[datetime], tuple[Line, Campaign]], str, str]] = [
    (lambda at: a_use(approval=at), "permitted", "approval_expired"),
    (lambda at: a_use(contract=at), "permitted", "contract_not_in_force"),
    (lambda at: a_use(campaign=at), "permitted", "campaign_not_in_force"),
    (lambda at: a_use(line=at), "permitted", "line_unknown"),
    (a_paused_use, "paused", "permitted"),
]


def readings(line: Line, campaign: Campaign, at: datetime) -> set[str]:
    """What is said for this moment, which is ahead of the clock: by each statement of the gate, and by the ledger."""
    a_ledger_row(line, "allow", scope="campaign", ref="CMP-elsewhere", at=at)
    ways = [as_agreed(campaign=campaign, line=line.carrier_id), as_agreed(campaign=campaign, msisdn=NUMBER)]
    named = [as_agreed(campaign=campaign, line=line.carrier_id)] * 2
    found = [deciding.evaluate(questions=[way])[0] for way in ways] + deciding.evaluate(questions=named)
    parties = (campaign.contract.aggregator.uri, campaign.lbs_provider.uri)
    asked = permission.PermissionQuestion(
        line.pk, campaign.ref, parties, campaign.purpose, campaign.scope, campaign.precision_m, at, at
    )
    return {answer.reason or "permitted" for answer in found} | set(permission.answers_at(asked=[asked]))


@pytest.mark.parametrize(
    ("ending", "before", "after"), ENDS, ids=["an_approval", "an_agreement", "a_campaign", "a_line", "a_pause"]
)
def test_at_its_end_it_is_over(ending: Callable[[datetime], tuple[Line, Campaign]], before: str, after: str) -> None:
    end = database_clock() + timedelta(hours=1)
    with undone():
        line, campaign = ending(end)
        assert readings(line, campaign, end - A_MOMENT) == {before}
        assert readings(line, campaign, end) == {after}
