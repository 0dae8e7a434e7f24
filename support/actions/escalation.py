"""What staff ask others for a case: a partner for proof, a partner to take an order again, an officer to suspend."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.policies.permissions import StaffAction
from accounts.primitives.reasons import check_reason
from accounts.queries import acting_staff
from consent.domain import order_planning
from consent.models import Choice
from disclosures.models import Disclosure
from disclosures.queries.trails import company_of
from partners.actions.suspensions import suspend
from partners.labels import UNKNOWN, party_name
from partners.models import Campaign, Contract, Party
from revocations.actions.receipts import DisputedUse
from revocations.actions.receipts import request_evidence as ask_partners
from revocations.actions.redelivery import resend_for_case
from revocations.models import EvidenceRequest, Order
from support.actions.cases import lock_case_for_staff, record_case_act, require_line
from support.domain.tickets import append_event, lock_merged_case
from support.models import SuspendRequest, Ticket
from support.policies import thread_events
from support.policies.lifecycle import DONE, NEXT, NotNow, move
from support.policies.thread_events import describe_event
from support.queries.case import choice_id_of, evidence_key, look_up_of
from support.queries.visible import find_hidden_cases


@transaction.atomic
def ask_for_evidence(*, code: str, reason: str, actor: str, at: datetime) -> int:
    """Ask the partners concerned for their proof that the person agreed, due in 7 days. Returns how many questions.

    Each is asked once for a case. The case waits for the partner. Raises StaffOnly, NoReason, NotNow.
    """
    name, ticket = lock_case_for_staff(code=code, actor=actor, at=at)
    why, line_id = check_reason(reason), require_line(ticket=ticket)
    key = evidence_key(ticket=ticket)
    known = EvidenceRequest.objects.filter(line_id=line_id, choice_id=key).values_list("contract_id", "campaign")
    asked = set(known)
    wanted = [
        one
        for one in _list_disputed_uses(ticket, line_id, at)
        if (one.contract.pk, one.campaign.ref if one.campaign else "") not in asked
    ]
    if not wanted:
        raise NotNow(
            _("Every partner concerned was asked already; the answers land in the case.")
            if asked
            else _("There is no partner to ask: the case names no look-up or choice that involves one.")
        )
    count = ask_partners(line_id=line_id, choice_id=key, disputed=wanted, at=at)
    partners = sorted({party_name(one.contract.aggregator.name, one.contract.aggregator.uri) for one in wanted})
    append_event(
        ticket=ticket,
        body=describe_event(thread_events.PROOF_ASKED, names=", ".join(partners), why=why),
        author=name,
        at=at,
    )
    _wait_for_partner(ticket, at)
    record_case_act(ticket=ticket, action="evidence.asked", actor=name, at=at, reason=why, detail={"questions": count})
    return count


@transaction.atomic
def resend_orders(*, code: str, party_id: int, reason: str, actor: str, at: datetime) -> int:
    """Send one partner again what it has not signed as done about this person. Returns how many orders.

    Raises StaffOnly, NoReason, NotNow.
    """
    name, ticket = lock_case_for_staff(code=code, actor=actor, at=at)
    why, line_id = check_reason(reason), require_line(ticket=ticket)
    partner = Party.objects.filter(pk=party_id).first()
    if partner is None or not Order.objects.filter(line_id=line_id, party_id=party_id).exists():
        raise NotNow(_("We sent this partner no message about this person."))
    count = resend_for_case(party_id=party_id, line_id=line_id, actor=name, reason=f"{ticket.code}: {why}", at=at)
    if not count:
        raise NotNow(_("It has signed for every message about this person. Nothing was sent."))
    resent = thread_events.ORDER_RESENT if count == 1 else thread_events.ORDERS_RESENT
    what = describe_event(resent, name=party_name(partner.name, partner.uri), n=count, why=why)
    append_event(ticket=ticket, body=what, author=name, at=at)
    return count


@transaction.atomic
def request_suspension(*, code: str, party_id: int, reason: str, actor: str, at: datetime) -> SuspendRequest:
    """Ask the privacy office to suspend a company. It decides, and the case hears of it.

    Raises StaffOnly, NoReason, NotNow.
    """
    name, ticket = lock_case_for_staff(code=code, actor=actor, at=at)
    why = check_reason(reason)
    party = Party.objects.filter(pk=party_id).exclude(uri=UNKNOWN).first()
    if party is None:
        raise NotNow(_("There is no such company."))
    if ticket.suspend_requests.filter(party_id=party_id, decision="").exists():
        raise NotNow(_("The privacy office was already asked and hasn't decided yet."))
    made = SuspendRequest.objects.create(ticket=ticket, party_id=party_id, reason=why, asked_by=name, asked_at=at)
    what = describe_event(thread_events.SUSPENSION_ASKED, name=party_name(party.name, party.uri), why=why)
    append_event(ticket=ticket, body=what, author=name, at=at)
    record_case_act(ticket=ticket, action="suspend.asked", actor=name, at=at, reason=why, detail={"party": party_id})
    return made


@transaction.atomic
def decide_request(*, request_id: int, suspends: bool, reason: str, actor: str, at: datetime) -> SuspendRequest:
    """Suspend the company that an agent asked about, at once and everywhere, or decline. The case's thread tells which.

    Raises StaffOnly, NoReason, and NotNow for one that is decided or not there.
    """
    name = acting_staff(actor=actor, action=StaffAction.SUSPEND)
    why = check_reason(reason)
    shown = find_hidden_cases(at=at).visible_requests()
    asked = shown.select_for_update(of=("self",)).filter(pk=request_id).first()
    if asked is None or asked.decision:
        raise NotNow(_("It is already decided."))
    ticket = lock_merged_case(ticket=Ticket.objects.select_for_update(of=("self",)).get(pk=asked.ticket_id))
    if suspends:
        # All staff read why a company is suspended, and the case may be hidden later: the reason does not name it.
        suspend(of="party", target_id=asked.party_id, actor=name, reason=why, at=at)
    words = SuspendRequest.Decision.SUSPENDED if suspends else SuspendRequest.Decision.DECLINED
    asked.decision, asked.decided_by, asked.decided_at, asked.decision_reason = words, name, at, why
    asked.save(update_fields=["decision", "decided_by", "decided_at", "decision_reason"])
    party = Party.objects.get(pk=asked.party_id)
    did = thread_events.SUSPENDED if suspends else thread_events.NOT_SUSPENDED
    what = describe_event(did, name=party_name(party.name, party.uri), why=why)
    append_event(ticket=ticket, body=what, author=name, at=at)
    record_case_act(
        ticket=ticket, action="suspend.decided", actor=name, at=at, reason=why, detail={"decision": str(words)}
    )
    return asked


def _wait_for_partner(ticket: Ticket, at: datetime) -> None:
    if Ticket.State.PARTNER in NEXT[Ticket.State(ticket.state)] and ticket.state not in DONE:
        move(ticket=ticket, to=Ticket.State.PARTNER, at=at)
        ticket.save()


def _list_disputed_uses(ticket: Ticket, line_id: int, at: datetime) -> list[DisputedUse]:
    """Whom to ask about what: as for a dispute, of the choice that the case is about, or of its look-up."""
    choice_id = choice_id_of(ticket=ticket)
    choice = Choice.objects.filter(line_id=line_id, id=choice_id).first() if choice_id else None
    if choice is not None and choice.scope != Choice.Scope.ALL:
        return order_planning.list_disputed_uses(line_id=line_id, scope=choice.scope, ref=choice.ref)
    look_up = look_up_of(ticket=ticket, at=at)
    return _describe_look_up(look_up, line_id) if look_up is not None else []


def _describe_look_up(row: Disclosure, line_id: int) -> list[DisputedUse]:
    campaign = (
        Campaign.objects.select_related("lbs_provider", "contract__aggregator").filter(ref=row.campaign).first()
        if row.campaign
        else None
    )
    if campaign is not None:
        return [DisputedUse(campaign.contract, campaign, campaign.lbs_provider.uri)]
    company = company_of(path=row.path)
    if company == UNKNOWN or not Party.objects.filter(uri=company).exists():
        company = row.aggregator
    through = Contract.objects.filter(aggregator__uri=row.aggregator).values_list("pk", flat=True)
    asked = order_planning.list_disputed_uses(line_id=line_id, scope=Choice.Scope.PARTY, ref=company)
    return [one for one in asked if one.contract.pk in set(through)]
