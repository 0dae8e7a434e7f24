"""One row that breaks in a round keeps no other waiting, and officers are told of it."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

import audit.actions
from accounts.models import Line, LineNumber, Message
from audit.models import AuditEvent, Incident
from consent.actions.choices import stop
from consent.models import AwaitedOutcome
from consent.workers import cohorts, outcome_texts
from consent.workers.cohorts import ITS_TERM
from partners.models import Contract
from revocations.models import BY_TERM, Cohort
from support.domain import tickets
from support.models import Ticket
from support.workers import term_change_propagation
from tests.factories import a_campaign, a_contract, a_line, an_approval
from tests.support.officers import shown, staff

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")


def of_no_key(line: Line) -> None:
    """No key opens its number: it was lost, or came back with an older database."""
    LineNumber.objects.filter(line=line).update(msisdn_sealed=b"not ours")


def told(job: str) -> str:
    """What officers read of the one incident that there is."""
    (incident,) = Incident.objects.filter(kind="work_breaks")
    assert incident.subject == job
    assert incident.key == f"{job}:{incident.opened_at:%Y-%m-%d}"
    page = shown(staff(), f"/admin/incidents/{incident.pk}/")
    assert "Our background work fails for some rows: see the worker's log" in page
    assert "A background job, which goes on with everything else" in page
    return f"{incident.count}"


def test_a_line_whose_number_no_key_opens_keeps_no_other_from_hearing_that_a_partner_is_late() -> None:
    campaign, now = a_campaign(), timezone.now()
    first, second = a_line(), a_line()
    for line in (first, second):
        an_approval(line, campaign)
        stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    Message.objects.all().delete()
    AwaitedOutcome.objects.filter(pk=first.pk).update(look_at=now - timedelta(days=1))
    of_no_key(first)
    later = now + timedelta(days=60)
    assert [outcome_texts.notify_outcomes(now=later) for _ in range(2)] == [1, 0]
    assert list(Message.objects.values_list("line_id", "kind")) == [(second.pk, "late")]
    assert told("consent.outcome_texts") == "1"


def test_a_dispute_of_such_a_line_keeps_no_other_from_its_case() -> None:
    first, second = a_line(), a_line()
    for line in (first, second):
        an_approval(line, a_campaign())
        stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web", reason="never_agreed")
    of_no_key(first)
    assert tickets.open_tickets(at=timezone.now()) == 1
    assert list(Ticket.objects.values_list("line_id", flat=True)) == [second.pk]
    assert told("support.tickets") == "1"


def test_an_end_that_breaks_keeps_no_other_partner_from_being_told_of_its_own() -> None:
    at = timezone.now()
    contracts = [a_contract(ref=f"AGR-{n}") for n in range(2)]
    for contract in contracts:
        a_campaign(contract)
        Contract.objects.filter(pk=contract.pk).update(ends_at=at - timedelta(minutes=5))
    broken = Cohort.objects.create(
        id=uuid4(), of="contract", target_id=10**9, contract_id=contracts[0].pk, party_id=contracts[0].aggregator_id,
        epoch=7, terminated_at=at - timedelta(days=2), recorded_at=at - timedelta(days=2), actor=BY_TERM, plan={},
        reason=ITS_TERM, complete_by=at,
    )  # fmt: skip
    assert cohorts.end_terms(now=at) == 2
    assert cohorts.build_manifests(now=at + timedelta(minutes=5)) == 2
    assert list(Cohort.objects.filter(manifest_at=None)) == [broken]
    assert told("consent.manifests") == "1"


def test_an_act_that_can_t_be_settled_keeps_no_later_act_from_partners() -> None:
    at = timezone.now()
    for target in (10**9, a_contract().pk):
        audit.actions.record(action="contract.shortened", actor="officer:1", target=f"contract:{target}", at=at)
    first, second = AuditEvent.objects.filter(action="contract.shortened").order_by("id")
    assert first.target == f"contract:{10**9}"
    assert [term_change_propagation.settle(now=at + timedelta(seconds=1)) for _ in range(2)] == [1, 0]
    settled = AuditEvent.objects.filter(action="act.settled").values_list("target", flat=True)
    assert list(settled) == [f"event:{second.pk}"]
    assert told("support.settle") == "1"
