"""What an officer does about an incident."""

from datetime import UTC, date, datetime

from django.db import transaction

import audit.actions
from accounts.policies.permissions import StaffAction
from accounts.primitives.reasons import NoReason, check_reason, has_visible_text
from accounts.queries import StaffOnly, acting_staff
from audit.models import Incident
from audit.policies import REPORTED
from partners.models import Party
from partners.policies.lifecycle import NotNow
from support.policies.lifecycle import ZONE
from support.queries import names
from support.queries.incidents import IncidentPage, incident_page, is_about
from support.queries.visible import find_incident, hidden_incidents

NOT_SENT_YET = "That day is in the future. Record only notifications already sent."
NO_SUCH_INCIDENT = "There is no such incident."
NOT_OWN = "An incident about an officer must be handled by another officer."
NO_COMPANY = "Choose the company that had the breach."
# What became known before then is a mistyped year.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


@transaction.atomic
def report_incident(
    *, kind: str, company: str, happened: str, affected: str, known_at: datetime, actor: str, reason: str, at: datetime
) -> int:
    """Open an incident by hand, of what no program saw: what happened, what was affected, and since when it is known.

    `company`: the URI of the partner whose breach it is; "" for one of ours. Returns its id. Raises StaffOnly,
    NoReason, and NotNow for a moment to come, a kind that nobody reports, or a breach of a partner's without a partner.
    """
    name = acting_staff(actor=actor, action=StaffAction.CLOSE_INCIDENT)
    reason = check_reason(reason)
    if not all(has_visible_text(words) for words in (happened, affected)):
        raise NoReason("Say what happened, what was affected and why you are reporting it.")
    _refuse_report(kind, known_at, at)
    party = Party.objects.filter(uri=company).first() if kind == Incident.Kind.PARTNER_BREACH else None
    if (party is None) == (kind == Incident.Kind.PARTNER_BREACH):
        raise NotNow(NO_COMPANY)
    return audit.actions.report_incident(
        kind=kind, subject=f"partner:{party.pk}" if party else "our own systems", happened=happened.strip(),
        affected=affected.strip(), known_at=known_at, actor=name, reason=reason, at=at,
    )  # fmt: skip


def _refuse_report(kind: str, known_at: datetime, at: datetime) -> None:
    if kind not in REPORTED:
        raise NotNow("The system detects this kind itself. Choose another kind.")
    if fault := find_time_fault(known_at, at=at):
        raise NotNow(fault)


def find_time_fault(known_at: datetime, *, at: datetime) -> str:
    """Say why an incident can't have become known then; "" where it can."""
    if known_at > at:
        return "That time is in the future. Enter when it became known."
    return "That time is too long ago. Enter when it became known." if known_at < EARLIEST else ""


@transaction.atomic
def close_incident(*, incident_id: int, actor: str, reason: str, at: datetime) -> None:
    """Say that an incident is over, and why. The same trouble again opens it anew.

    Raises StaffOnly, NoReason, and NotNow where it is closed already, or about whoever acts.
    """
    name = acting_staff(actor=actor, action=StaffAction.CLOSE_INCIDENT)
    reason = check_reason(reason)
    _require_others(incident_id, at, name)
    if not audit.actions.close_incident(incident_id=incident_id, actor=name, reason=reason, at=at):
        raise NotNow("This incident is already closed.")


@transaction.atomic
def assign_incident(*, incident_id: int, to: str, actor: str, reason: str, at: datetime) -> None:
    """Acknowledge an open incident, and say whose it is ("officer:7", whoever acts included).

    Raises StaffOnly, also for somebody who could not close it; NoReason; NotNow where it is closed or theirs already,
    or about either of them.
    """
    name = acting_staff(actor=actor, action=StaffAction.CLOSE_INCIDENT)
    reason = check_reason(reason)
    try:
        theirs = acting_staff(actor=to, action=StaffAction.CLOSE_INCIDENT)
    except StaffOnly as error:
        raise StaffOnly("Choose an officer. Only officers can close incidents.") from error
    if _require_others(incident_id, at, name, theirs).closed_at is not None:
        raise NotNow("This incident is closed. It reopens if it happens again.")
    if not audit.actions.acknowledge_incident(
        incident_id=incident_id, assigned_to=theirs, actor=name, reason=reason, at=at
    ):
        raise NotNow(f"It is already assigned to {names.actors(wanted={theirs})[theirs]}. Nothing was changed.")


@transaction.atomic
def note_incident(*, incident_id: int, actor: str, reason: str, at: datetime) -> None:
    """Write a note into an incident's timeline, open or closed. Raises StaffOnly, NoReason, NotNow."""
    name = acting_staff(actor=actor, action=StaffAction.CLOSE_INCIDENT)
    reason = check_reason(reason)
    _require_visible(incident_id, at)
    audit.actions.add_incident_note(incident_id=incident_id, actor=name, note=reason, at=at)


@transaction.atomic
def do_duty(
    *, incident_id: int, duty: str, told_on: date, reference: str, actor: str, reason: str, at: datetime
) -> None:
    """Write down that the FCC, the agencies, the customers or the partner were told, on which day, by which reference.

    Raises StaffOnly, NoReason, and NotNow for a day to come, one before the incident was known, a duty that this
    incident has not, or an incident about whoever acts.
    """
    name = acting_staff(actor=actor, action=StaffAction.CLOSE_INCIDENT)
    _complete_duty(_require_others(incident_id, at, name), duty, told_on, reference, name, check_reason(reason), at)


@transaction.atomic
def do_hidden_duty(
    *, incident_id: int, duty: str, told_on: date, reference: str, actor: str, reason: str, at: datetime
) -> None:
    """Write down the same of an incident that an order hides, whose clocks run on: for legal process alone.

    Nobody else ever finds it in its timeline. Raises as above, and NotNow where no order hides it, or not all of it.
    """
    name = acting_staff(actor=actor, action=StaffAction.CHANGE_DELAYED)
    known = hidden_incidents(at=at).filter(pk=incident_id).first()
    if known is None:
        raise NotNow(NO_SUCH_INCIDENT)
    _complete_duty(known, duty, told_on, reference, name, check_reason(reason), at)


def _complete_duty(
    known: Incident, duty: str, told_on: date, reference: str, actor: str, reason: str, at: datetime
) -> None:
    if told_on > at.date():
        raise NotNow(NOT_SENT_YET)
    if told_on < (began := known.opened_at.astimezone(ZONE).date()):
        raise NotNow(f"It became known on {began:%-d %b %Y}. Enter that day or a later one.")
    done = audit.actions.complete_duty(
        incident_id=known.pk, duty=duty, told_on=told_on, reference=reference, actor=actor, reason=reason, at=at
    )
    if not done:
        raise NotNow("This incident has no such deadline.")


@transaction.atomic
def export_incident(*, incident_id: int, form: str, actor: str, reason: str, at: datetime) -> tuple[IncidentPage, str]:
    """Export everything about one incident, with who takes it. The audit trail records that.

    `form`: "html" or "json". Raises StaffOnly, NoReason, and NotNow where there is no such incident.
    """
    name = acting_staff(actor=actor, action=StaffAction.SEE_INCIDENTS)
    reason = check_reason(reason)
    page = incident_page(incident_id=incident_id, at=at)
    if page is None:
        raise NotNow(NO_SUCH_INCIDENT)
    audit.actions.record(
        action="export.taken", actor=name, target="export:incident", at=at, reason=reason,
        detail={"incident": incident_id, "form": form},
    )  # fmt: skip
    return page, names.actors(wanted={name})[name]


def _require_others(incident_id: int, at: datetime, *officers: str) -> Incident:
    """Find an incident that is about none of these officers, whatever their role was then. Raises NotNow."""
    found = _require_visible(incident_id, at)
    if any(is_about(incident=found, member=one) for one in officers):
        raise NotNow(NOT_OWN)
    return found


def _require_visible(incident_id: int, at: datetime) -> Incident:
    """Find an incident. Raises NotNow where there is none, or an order hides all of it."""
    found = find_incident(incident_id=incident_id, at=at)
    if found is None:
        raise NotNow(NO_SUCH_INCIDENT)
    return found
