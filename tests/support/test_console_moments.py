"""What the console's pages say changes at the very moment of an end or a beginning, and not a microsecond before."""

import uuid
from datetime import datetime, timedelta

import pytest
import time_machine

import audit.actions
from accounts.actions.line_separation import request_separation
from accounts.actions.people import get_or_create_person
from accounts.models import Separation
from audit.models import Incident
from audit.queries import database_clock
from partners.models import Campaign, Contract, JurisdictionRule, SigningKey, Suspension
from partners.policies import lifecycle
from revocations.models import Order
from tests.factories import FRAUD, a_campaign, a_contract, a_line, a_party
from tests.moments import A_MOMENT
from tests.staff import a_notice
from tests.support.console import a_cohort
from tests.support.officers import Member, rows_of, shown

pytestmark = pytest.mark.usefixtures("db", "no_broker")
DAY = timedelta(days=1)


def all_at(moment: datetime) -> None:
    """Of everything with an end or a beginning one, at this moment."""
    campaign = a_campaign(
        a_contract(a_party("Ash"), ref="SOON", ends_at=moment + lifecycle.NOTICE_PERIOD),
        a_party("Birch", "lbs_provider"),
        purpose=FRAUD,
    )
    contract, line = campaign.contract, a_line()
    for state, starts_at, ends_at in (("NV", moment - DAY, moment), ("OR", moment, None)):
        JurisdictionRule.objects.create(
            state=state, starts_at=starts_at, ends_at=ends_at, purposes=[FRAUD], source="A law"
        )
    Suspension.objects.create(
        of="campaign", target_id=campaign.pk, starts_at=moment - DAY, ends_at=moment, reason="Due", actor="officer:1"
    )
    a_notice("Read this.", at=moment - DAY, starts_at=moment)
    Order.objects.create(
        line_id=line.pk, id=uuid.uuid4(), contract_id=contract.pk, party_id=contract.aggregator_id, epoch=1, version=1,
        jti="j", txn="t", record_id=uuid.uuid4(), lane="stop", snapshot={"required_actions": []},
        queued_at=moment - DAY, next_attempt_at=moment, complete_by=moment,
    )  # fmt: skip
    a_cohort(campaign, at=moment - DAY, complete_by=moment)
    begins = a_contract(a_party("Oak"), ref="BEGINS", starts_at=moment, ends_at=moment + 9 * DAY)
    a_campaign(begins, ref="WITHIN", purpose=FRAUD, ends_at=begins.ends_at)
    a_campaign(a_contract(a_party("Elm"), ref="ENDS", ends_at=moment), ref="OVER", purpose=FRAUD)
    first = SigningKey.objects.filter(use=SigningKey.Use.RECEIPT)
    first.update(retired_at=moment)
    SigningKey.objects.create(
        kid="coming", use=SigningKey.Use.RECEIPT, private_sealed=b"", public_jwk={"kty": "EC"},
        published_at=moment - DAY, used_from=moment,
    )  # fmt: skip
    audit.actions.open_incident(kind=Incident.Kind.OVERDUE, key="k", subject="Ash", at=moment - DAY)
    Incident.objects.update(due_at=moment)
    request_separation(line_id=line.pk, user=get_or_create_person(line=line, at=moment), reach="x", note="", at=moment)
    Separation.objects.update(due_at=moment)


# By page: what a row of it says until the moment and from then on; "": there is no row that says either.
SAID = (
    ("rules/", "NV in force until", "NV ended"),
    ("rules/", "agreed by two officers", ""),
    ("rules/?state=now", "NV", ""),
    ("rules/?state=ended", "", "NV"),
    ("rules/", "OR upcoming", "OR in force To spot fraud"),
    ("purposes/", "3 1 NV", "3 2 OR"),
    ("suspensions/", "denied", "lifted"),
    ("suspensions/?running=yes", "campaign", ""),
    ("suspensions/?running=no", "", "campaign"),
    ("notices/", "upcoming, ", ""),
    ("orders/", "within a day", "overdue"),
    ("orders/?due=overdue", "", "Waiting to send"),
    ("orders/?due=running", "Waiting to send", ""),
    ("terminations/", "preparing list", "overdue"),
    ("terminations/", "within a day", "less than a day ago"),
    ("terminations/?state=late", "", "campaign"),
    ("keys/", "published, not used yet", "archived"),
    ("incidents/", "within a day", "overdue"),
    ("incidents/?due=overdue", "", "A partner missed"),
    ("contracts/?ends=30", "ENDS Elm", "SOON Ash"),
    ("contracts/?ends=30", "", "BEGINS Oak"),
    ("set-up/contract/ENDS/", "Term Ends on", "Term Ended on"),
    ("set-up/campaign/WITHIN/", "Until then nothing is allowed.", "Its purpose and term are within BEGINS."),
    ("set-up/campaign/WITHIN/", "Prohibited in NV, even with consent. Prohibited in OR from", "Prohibited in OR, even"),
    ("set-up/campaign/OVER/", "Prohibited in NV, even with consent. check", "Prohibited in no state."),
)


def read_pages(member: Member, at: datetime) -> dict[str, str]:
    """What every page says at that moment: of lists the rows."""
    with time_machine.travel(at, tick=False):
        return {page: read_page(member, page) for page in {page for page, *_ in SAID}}


def read_page(member: Member, page: str) -> str:
    """The rows of a list; of a set-up page, which names its contract or campaign by its reference, all words."""
    if not page.startswith("set-up/"):
        return " | ".join(rows_of(member, f"/admin/{page}"))
    _, of, ref, _ = page.split("/")
    model = Contract if of == "contract" else Campaign
    return shown(member, f"/admin/set-up/{of}/{model.objects.get(ref=ref).pk}/")


def test_every_list_tells_of_an_end_at_its_very_moment(officer: Member) -> None:
    end = database_clock()
    all_at(end)
    before, then = read_pages(officer, end - A_MOMENT), read_pages(officer, end)
    for page, until, since in SAID:
        said = [bool(words and words in rows[page]) for rows in (before, then) for words in (until, since)]
        assert said == [bool(until), False, False, bool(since)], page
    # Nothing of a campaign is before its contract where both begin at one moment.
    a_campaign(Contract.objects.get(ref="BEGINS"), ref="SAME", purpose=FRAUD, starts_at=end, ends_at=end + 9 * DAY)
    with time_machine.travel(end - A_MOMENT, tick=False):
        assert "Its purpose and term are within BEGINS." in read_page(officer, "set-up/campaign/SAME/")
