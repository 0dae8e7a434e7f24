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
