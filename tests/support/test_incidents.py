"""Incidents: whom they are about, closed with a reason, open again when it happens again."""

from datetime import timedelta

import pytest
from django.utils import timezone

import audit.actions
from accounts.models import User
from accounts.queries import StaffOnly
from audit.models import AuditEvent, Incident
from console.actions.incidents import close_incident
from partners.policies.lifecycle import NotNow
from support.domain.tickets import open_tickets
from support.models import Ticket
from support.queries.incidents import get_incident_impact
from tests.factories import a_party
from tests.support.officers import shown, staff, words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
WHY = "Their fix is in; no differences again."


def an_incident(*, subject: str = "", at_days_ago: int = 3) -> Incident:
    at = timezone.now() - timedelta(days=at_days_ago)
    subject = subject or f"partner:{a_party('GeoBridge').pk}"
    audit.actions.open_incident(kind=Incident.Kind.PARTNER_HAS, key="k", subject=subject, at=at)
    return Incident.objects.get()


@pytest.mark.parametrize("by", ["id", "uri"])
def test_it_names_its_party_its_ticket_and_when_due(by: str) -> None:
    party = a_party("GeoBridge")
    one = an_incident(subject=f"partner:{party.pk}" if by == "id" else party.uri, at_days_ago=6)
    open_tickets(at=one.opened_at)
    Ticket.objects.update(due_at=timezone.now() - timedelta(days=1, minutes=1))
    officer = staff()
    for path in ("/admin/incidents/", f"/admin/incidents/{one.pk}/"):
        page = officer.client.get(path).content.decode()
        assert f'href="/admin/parties/{party.pk}/"' in page
        assert "GeoBridge" in words(page)
        assert "T-" in words(page)
    assert "due 1 day ago" in shown(officer, "/admin/incidents/")
    assert "A partner allows what we deny: 1 GeoBridge" in shown(officer, "/admin/")


# What an officer reads of each kind under "How": in the ledger, where nothing stands here.
HOW = {
    "contradicted": "A partner's copy of the data, after it signed that it stopped",
    "ungated": "A release by the location gateway without the gate's permission",
    "basis_doubtful": "A release reported as an emergency or network release",
    "audit_fault": "The audit log in our own database",
    "partner_has": "Reconciliation of a partner's records with ours",
    "unhealthy": "The stream that sends stops to a partner",
    "lifeline_at_risk": "The stream that sends stops to a partner",
    "order_refused": "An order that a partner refused", "keys_refused": "An order that a partner refused",
    "no_way_out": "Our outgoing connections to partners. Stops were enforced at our gate.",
    "texts_spent": "Pages that send codes by text", "overdue": "Orders past their deadline",
    "no_evidence": "Requests for proof of consent past their deadline",
    "canary_failed": "Our own test of stopping without an account, with a line of ours",
    "stops_failing": "The pages and APIs that people use to stop",
    "our_breach": "An officer's report about our own systems",
    "partner_breach": "An officer's report about a partner",
    "staff_browsing": "Staff pages, where every view needs a reason",
    "machine_by_operator": "Operator commands", "addresses_by_operator": "Operator commands",
    "history_moved": "The carrier's records of which line had a number",
    "stops_by_agent": "Stops made on behalf of people",
}  # fmt: skip


def test_each_kind_says_how_it_came_about() -> None:
    at, told = timezone.now(), {}
    for kind in Incident.Kind.values:
        audit.actions.open_incident(kind=kind, key=f"{at.year} {kind}", subject="nobody", at=at)
        incident = Incident.objects.get(kind=kind)
        told[kind] = get_incident_impact(incident=incident, about=None, at=at).through
    assert told == {kind: HOW.get(kind, "Location releases on record") for kind in Incident.Kind.values}
    assert HOW.keys() <= told.keys()


def test_the_same_again_opens_it_anew() -> None:
    one, officer = an_incident(), staff()
    assert not audit.actions.open_incident(kind=one.kind, key=one.key, subject=one.subject, at=timezone.now())
    close_incident(incident_id=one.pk, actor=officer.actor, reason=WHY, at=timezone.now())
    with pytest.raises(NotNow):
        close_incident(incident_id=one.pk, actor=officer.actor, reason=WHY, at=timezone.now())
    again = timezone.now()
    assert audit.actions.open_incident(kind=one.kind, key=one.key, subject=one.subject, at=again)
    one.refresh_from_db()
    assert (one.closed_at, one.count, one.opened_at) == (None, 3, again)
    acts = AuditEvent.objects.filter(target=f"incident:{one.pk}").order_by("pk").values_list("action", flat=True)
    assert list(acts) == ["incident.closed", "incident.reopened"]


@pytest.mark.parametrize("role", [User.Role.AGENT, User.Role.AUDITOR, User.Role.LEGAL, User.Role.SUBSCRIBER])
def test_nobody_else_closes_one(role: User.Role) -> None:
    one = an_incident()
    with pytest.raises(StaffOnly):
        close_incident(incident_id=one.pk, actor=staff(role).actor, reason=WHY, at=timezone.now())
    assert Incident.objects.get().closed_at is None
