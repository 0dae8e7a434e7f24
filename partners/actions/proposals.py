"""Two officers for every act that loosens: one proposes with a reason, another agrees, and only then is it done.

The database holds both to it: nobody agrees to their own, and what a proposal says never changes.
"""

import uuid
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

import audit.actions
from accounts.policies.permissions import StaffAction
from accounts.queries import StaffOnly, acting_staff
from audit.queries import database_clock, not_ahead
from partners.actions import addresses, guards
from partners.actions.guards import Of
from partners.domain import keysets
from partners.models import AuthorizedAgent, Campaign, Client, Contract, JurisdictionRule, Party, Proposal, Suspension
from partners.policies import loosening
from partners.policies.lifecycle import NotNow, not_ended
from partners.policies.loosening import (
    OPEN_FOR,
    PAID,
    BadProposal,
    ExtendTerm,
    LetAgentAsk,
    LetMachineIn,
    MoveKeys,
    PaidForLess,
    RelaxRule,
    SetEndpoints,
    Terminate,
    as_json,
    is_expired,
)
from partners.primitives import tokens
from partners.primitives.tokens import BadToken
from partners.queries import key_of, thumbprint_of

MICROSECOND = timedelta(microseconds=1)
EXPIRED_BY = "system:expiry"
LEFT = "Whoever proposed it is no longer an officer. Decline it, then propose it yourself."


@transaction.atomic
def propose(
    *, act: str, of: str, target_id: int, payload: Mapping[str, Any], reason: str, actor: str, at: datetime
) -> Proposal:
    """Say that a loosening act is wanted. Nothing changes until another officer agrees, within 7 days.

    `payload`: what the act needs besides its target (`partners.policies.loosening`; the `was` of a term, of endpoints
    and of keys is filled in here, and the key and certificate of a machine where they are to stay as they are). A rule
    for anomalies stands above this app: `disclosures.actions` looks at it and proposes. So does `notices` here.
    Raises BadProposal, NotNow where the act makes no sense as things stand, StaffOnly.
    """
    name = guards.officer(actor=actor, reason=reason, action=StaffAction.PROPOSE)
    row = _target(of, target_id)
    fields = dict(payload)
    if act == Proposal.Act.EXTEND_TERM and isinstance(row, Contract | Campaign):
        fields["was"] = row.ends_at.isoformat()
    if act == Proposal.Act.SET_ENDPOINTS and isinstance(row, Contract):
        fields["was"] = as_json(addresses.endpoints_of(row=row))
    if act == Proposal.Act.MOVE_KEYS and isinstance(row, Party):
        fields["was"] = keysets.jwks_uri_of(party=row)
    if isinstance(row, Client):
        fields = {"public_jwk": row.public_jwk, "certificate": row.certificate_sha256, **fields}
    wanted = loosening.read(act=act, of=of, payload=fields)
    _refuse_senseless(act, of, row, wanted, at)
    _end_expired(act, of, target_id, at)
    with guards.first(message="The same change is already proposed and waits for another officer."):
        proposal = Proposal.objects.create(
            id=uuid.uuid4(),
            act=act,
            of=of,
            target_id=target_id,
            payload=as_json(wanted),
            reason=reason[:500],
            proposed_by=name,
            # What began since is no part of it: a door's clock that is ahead must not reach further.
            proposed_at=not_ahead(at=at),
        )
    _note("proposal.made", proposal, name, reason, proposal.proposed_at)
    return proposal


@transaction.atomic
def withdraw(*, proposal_id: uuid.UUID, reason: str, actor: str, at: datetime) -> Proposal:
    """Take one's own proposal back. Raises NotNow, StaffOnly."""
    name = guards.officer(actor=actor, reason=reason, action=StaffAction.PROPOSE)
    proposal = _open(proposal_id)
    if proposal.proposed_by != name:
        raise NotNow("Another officer proposed it. Decline it instead.")
    return _decide(proposal, Proposal.Decision.WITHDRAWN, name, reason, at)


@transaction.atomic
def decline(*, proposal_id: uuid.UUID, reason: str, actor: str, at: datetime) -> Proposal:
    """Say no to another officer's proposal. Raises NotNow, StaffOnly."""
    name = guards.officer(actor=actor, reason=reason, action=StaffAction.AGREE)
    proposal = _open(proposal_id)
    if proposal.proposed_by == name:
        raise NotNow("You proposed it. Withdraw it instead.")
    return _decide(proposal, Proposal.Decision.DECLINED, name, reason, at)


@transaction.atomic
def mark_agreed(*, proposal_id: uuid.UUID, reason: str, actor: str, at: datetime) -> Proposal:
    """Say yes to another officer's proposal. The act itself must follow in the same transaction.

    Raises NotNow for one's own, a decided or an expired proposal; StaffOnly.
    """
    name = guards.officer(actor=actor, reason=reason, action=StaffAction.AGREE)
    proposal = _open(proposal_id)
    if proposal.proposed_by == name:
        raise NotNow("You proposed it, so another officer must approve it.")
    if is_expired(proposal=proposal, at=max(at, database_clock())):
        raise NotNow("This proposal is more than 7 days old and has expired. Propose it again.")
    try:
        acting_staff(actor=proposal.proposed_by, action=StaffAction.PROPOSE)
    except StaffOnly as error:
        raise NotNow(LEFT) from error
    return _decide(proposal, Proposal.Decision.AGREED, name, reason, at)


@transaction.atomic
def carry_out(*, proposal: Proposal, at: datetime) -> None:
    """Do an agreed act on a term, a rule, what is paid, a machine, an agent, endpoints or an address of keys.

    Raises NotNow where things have changed since.
    """
    wanted = loosening.read(act=proposal.act, of=proposal.of, payload=proposal.payload)
    match wanted:
        case ExtendTerm():
            _extend(proposal, wanted, at)
        case RelaxRule():
            _relax(proposal, wanted, at)
        case PaidForLess():
            _pay_less(proposal, wanted, at)
        case LetMachineIn():
            _let_in(proposal, wanted, at)
        case LetAgentAsk():
            _let_ask(proposal, wanted, at)
        case SetEndpoints():
            _set_endpoints(proposal, wanted, at)
        case MoveKeys():
            _move_keys(proposal, wanted, at)
        case _:
            raise NotNow(f"{proposal.act} is not done here.")


def _extend(proposal: Proposal, wanted: ExtendTerm, at: datetime) -> None:
    row = guards.lock_target(of=_of(proposal.of), target_id=proposal.target_id)
    if row.ends_at != wanted.was:
        raise NotNow(f"The end of {row.ref} has changed since it was proposed. Propose it again.")
    if row.ends_at <= at:
        raise NotNow(f"{row.ref} has ended in the meantime. To start again, make another {proposal.of}.")
    row.ends_at = wanted.ends_at
    row.save(update_fields=["ends_at"])
    detail = {"was": wanted.was.isoformat(), "ends_at": row.ends_at.isoformat()}
    _record_decision(f"{proposal.of}.extended", proposal, guards.target_of(row=row), at, {"ref": row.ref, **detail})


def _relax(proposal: Proposal, wanted: RelaxRule, at: datetime) -> None:
    rule = JurisdictionRule.objects.select_for_update(of=("self",)).get(pk=proposal.target_id)
    if rule.ends_at is not None:
        raise NotNow("The rule's end is already fixed.")
    rule.ends_at = max(wanted.ends_at, at, rule.starts_at + MICROSECOND)
    rule.relaxed_by = proposal
    rule.save(update_fields=["ends_at", "relaxed_by"])
    detail = {"state": rule.state, "ends_at": rule.ends_at.isoformat()}
    _record_decision("rule.relaxed", proposal, f"rule:{rule.pk}", at, detail)


def _pay_less(proposal: Proposal, wanted: PaidForLess, at: datetime) -> None:
    row = guards.lock_target(of="campaign", target_id=proposal.target_id)
    if isinstance(row, Campaign):
        was, row.consideration = row.consideration, wanted.consideration
        row.save(update_fields=["consideration"])
        detail = {"ref": row.ref, "was": was, "consideration": row.consideration}
        _record_decision("campaign.paid_for_less", proposal, guards.target_of(row=row), at, detail)


def _let_in(proposal: Proposal, wanted: LetMachineIn, at: datetime) -> None:
    machine = Client.objects.select_for_update(of=("self",)).get(number=proposal.target_id)
    since = [moment for moment in (machine.changed_at, machine.disabled_at) if moment is not None]
    if max(since, default=proposal.proposed_at) > proposal.proposed_at:
        raise NotNow(f"{machine.client_id} was disabled or changed after it was proposed. Propose it again.")
    _refuse_machine(machine, wanted)
    was = {"was": thumbprint_of(machine=machine), "was_bound_to": machine.certificate_sha256}
    machine.public_jwk, machine.certificate_sha256 = wanted.public_jwk, wanted.certificate
    machine.disabled_at, machine.changed_at = None, at
    machine.save(update_fields=["public_jwk", "certificate_sha256", "disabled_at", "changed_at"])
    detail = {"ref": machine.client_id, "key": thumbprint_of(machine=machine), "certificate": wanted.certificate, **was}
    _record_decision("machine.let_in", proposal, guards.machine_target(number=machine.number), at, detail)


def _let_ask(proposal: Proposal, wanted: LetAgentAsk, at: datetime) -> None:
    agent = AuthorizedAgent.objects.select_for_update(of=("self",)).get(number=proposal.target_id)
    if (agent.changed_at or agent.registered_at) > proposal.proposed_at:
        raise NotNow(f"{agent.pk} was suspended or changed after it was proposed. Propose it again.")
    was = {"was": key_of(agent=agent), "was_name": agent.name, "was_hosts": agent.hosts}
    # What it was given by the key of then counts no more.
    agent.name, agent.verify_key, agent.hosts = wanted.name, b64decode(wanted.key), list(wanted.hosts)
    agent.changed_at, agent.ended_at, agent.token_hash = at, None, None
    agent.save(update_fields=["name", "verify_key", "hosts", "changed_at", "ended_at", "token_hash"])
    now = {"was": wanted.key, "was_name": agent.name, "was_hosts": agent.hosts}
    detail = {"ref": agent.pk, "name": agent.name, "key": wanted.key, "hosts": agent.hosts}
    changed = {name: before for name, before in was.items() if before != now[name]}
    _record_decision("authorized.let_in", proposal, guards.agent_target(number=agent.number), at, {**detail, **changed})


def _set_endpoints(proposal: Proposal, wanted: SetEndpoints, at: datetime) -> None:
    row = guards.lock_target(of="contract", target_id=proposal.target_id)
    if not isinstance(row, Contract) or addresses.endpoints_of(row=row) != wanted.was:
        raise NotNow("The endpoints have changed since it was proposed. Propose it again.")
    addresses.put_endpoints(row=row, wanted=wanted)
    detail = {"ref": row.ref, **addresses.describe_endpoints(row=row, was=wanted.was)}
    _record_decision("contract.endpoints_set", proposal, guards.target_of(row=row), at, detail)


def _move_keys(proposal: Proposal, wanted: MoveKeys, at: datetime) -> None:
    party = Party.objects.select_for_update().get(pk=proposal.target_id)
    if keysets.jwks_uri_of(party=party) != wanted.was:
        raise NotNow(f"The address of the keys of {party.name} has changed since it was proposed. Propose it again.")
    addresses.put_keys(party=party, jwks_uri=wanted.jwks_uri)
    detail = {"ref": party.uri, "was": wanted.was, "now": keysets.jwks_uri_of(party=party)}
    _record_decision("party.keys_moved", proposal, guards.target_of(row=party), at, detail)


def _record_decision(action: str, proposal: Proposal, target: str, at: datetime, detail: Mapping[str, object]) -> None:
    """Write down what the second officer's yes did, in their own words: what was, and what is."""
    audit.actions.record(
        action=action,
        actor=proposal.decided_by,
        target=target,
        at=at,
        reason=proposal.decision_reason,
        detail={**detail, "proposal": str(proposal.id), "proposed_by": proposal.proposed_by},
    )


def _of(of: str) -> Of:
    return "contract" if of == Proposal.Of.CONTRACT else "campaign"


type Target = Party | Contract | Campaign | JurisdictionRule | Client | AuthorizedAgent


def _target(of: str, target_id: int) -> Target | None:
    """None: whoever proposes has looked."""
    if of in {Proposal.Of.ANOMALY, Proposal.Of.PROTECTION, Proposal.Of.IMPORT, Proposal.Of.NOTICE}:
        return None
    models: dict[str, type[Target]] = {
        Proposal.Of.PARTY: Party,
        Proposal.Of.CONTRACT: Contract,
        Proposal.Of.CAMPAIGN: Campaign,
        Proposal.Of.RULE: JurisdictionRule,
    }
    row = models[of].objects.filter(pk=target_id).first() if of in models else None
    if of == Proposal.Of.MACHINE:
        row = Client.objects.filter(number=target_id).first()
    if of == Proposal.Of.AUTHORIZED:
        row = AuthorizedAgent.objects.filter(number=target_id).first()
    if row is None:
        raise NotNow(f"There is no such {of}.")
    return row


def _refuse_senseless(act: str, of: str, row: Target | None, wanted: loosening.Payload, at: datetime) -> None:
    """What could not be done now even if two wanted it is not proposed."""
    if act == Proposal.Act.LIFT_SUSPENSION and row is not None:
        if not Suspension.objects.filter(not_ended(at=at), of=of, target_id=row.pk).exists():
            raise NotNow("It is not suspended.")
    elif isinstance(row, JurisdictionRule):
        if row.ends_at is not None:
            raise NotNow("The rule's end is already fixed.")
    else:
        _refuse_senseless_row(row, wanted, at)


def _refuse_senseless_row(row: Target | None, wanted: loosening.Payload, at: datetime) -> None:
    match row:
        case Client():
            _refuse_machine(row, wanted)
        case AuthorizedAgent():
            _refuse_agent(row, wanted)
        case Party():
            _refuse_keys(row, wanted)
        case Contract() | Campaign():
            _refuse_senseless_terms(row, wanted, at)


def _refuse_machine(machine: Client, wanted: loosening.Payload) -> None:
    if not isinstance(wanted, LetMachineIn):
        return
    try:
        key = tokens.public_part(dict(wanted.public_jwk))
    except BadToken as error:
        raise BadProposal(f"This key can't be used: {error}.") from error
    if key != wanted.public_jwk:
        raise BadProposal("Give only the public key of the API client, and nothing else.")
    if machine.disabled_at is None and wanted == LetMachineIn(machine.public_jwk, machine.certificate_sha256):
        raise NotNow(f"{machine.client_id} may already sign in with this key and this certificate.")


def _refuse_agent(agent: AuthorizedAgent, wanted: loosening.Payload) -> None:
    if agent.ended_at is None and wanted == LetAgentAsk(agent.name, key_of(agent=agent), tuple(agent.hosts)):
        raise NotNow(f"{agent.pk} may already act under this name, with this key and these hosts.")


def _refuse_keys(party: Party, wanted: loosening.Payload) -> None:
    if not isinstance(wanted, MoveKeys):
        return
    if fault := addresses.keys_fault(uri=party.uri, jwks_uri=wanted.jwks_uri):
        raise BadProposal(fault)
    if not addresses.moves_keys(party=party, jwks_uri=wanted.jwks_uri):
        raise NotNow("This replaces no other address. Change it without a second officer.")


def _refuse_endpoints(row: Contract, wanted: SetEndpoints) -> None:
    addresses.check_addresses(endpoint_url=wanted.endpoint_url, jwks_uri=wanted.jwks_uri, hosts=wanted.hosts)
    if not addresses.list_replaced_endpoints(row=row, wanted=wanted):
        raise NotNow("This replaces no other address. Set it without a second officer.")


def _refuse_senseless_terms(row: Contract | Campaign, wanted: loosening.Payload, at: datetime) -> None:
    if row.is_draft:
        raise NotNow(f"{row.ref} is a draft. Change it instead.")
    if isinstance(wanted, SetEndpoints) and isinstance(row, Contract):
        # What has ended too: its partner owes deletions still, and is told so.
        _refuse_endpoints(row, wanted)
        return
    if row.ends_at <= at and not isinstance(wanted, Terminate):
        raise NotNow(f"{row.ref} has ended. To start again, make another one.")
    if isinstance(wanted, ExtendTerm):
        _refuse_extension(row, wanted)
    if isinstance(wanted, PaidForLess):
        _refuse_payment(row, wanted)


def _refuse_extension(row: Contract | Campaign, wanted: ExtendTerm) -> None:
    if wanted.ends_at <= row.ends_at:
        raise NotNow(f"{row.ref} ends on {row.ends_at:%-d %b %Y}. Choose a later end. One officer may shorten it.")
    if isinstance(row, Campaign) and wanted.ends_at > row.contract.ends_at:
        until = f"{row.contract.ref} ends on {row.contract.ends_at:%-d %b %Y}"
        raise NotNow(f"Its contract {until}. Choose that day or an earlier one, or extend the contract first.")


def _refuse_payment(row: Contract | Campaign, wanted: PaidForLess) -> None:
    paid = PAID[row.consideration] if isinstance(row, Campaign) else 0
    if PAID[wanted.consideration] >= paid:
        raise NotNow("This isn't less than what is recorded, so one officer may set it.")


def end_open(*, act: str, of: str, target_id: int, reason: str, at: datetime) -> None:
    """Take what is proposed, and can be done no more, off the officers' list. Inside the caller's transaction."""
    for old in Proposal.objects.select_for_update(of=("self",)).filter(
        act=act, of=of, target_id=target_id, decision=""
    ):
        _decide(old, Proposal.Decision.WITHDRAWN, EXPIRED_BY, reason, at)


def lock_open(*, act: str, of: str, target_id: int) -> None:
    """Lock what is proposed, before what it is about: whoever agrees takes both in this order."""
    list(Proposal.objects.select_for_update(of=("self",)).filter(act=act, of=of, target_id=target_id, decision=""))


def _end_expired(act: str, of: str, target_id: int, at: datetime) -> None:
    for old in Proposal.objects.select_for_update(of=("self",)).filter(
        act=act, of=of, target_id=target_id, decision="", proposed_at__lte=at - OPEN_FOR
    ):
        _decide(old, Proposal.Decision.WITHDRAWN, EXPIRED_BY, "Nobody agreed within 7 days.", at)


def _open(proposal_id: uuid.UUID) -> Proposal:
    proposal = Proposal.objects.select_for_update(of=("self",)).filter(pk=proposal_id).first()
    if proposal is None:
        raise NotNow("There is no such proposal.")
    if proposal.decision:
        raise NotNow(f"It was already decided: {proposal.get_decision_display().lower()}.")
    return proposal


def _decide(proposal: Proposal, decision: Proposal.Decision, name: str, reason: str, at: datetime) -> Proposal:
    proposal.decision, proposal.decided_by = decision, name
    proposal.decided_at, proposal.decision_reason = at, reason[:500]
    proposal.save(update_fields=["decision", "decided_by", "decided_at", "decision_reason"])
    _note(f"proposal.{decision}", proposal, name, reason, at)
    return proposal


def _note(action: str, proposal: Proposal, name: str, reason: str, at: datetime) -> None:
    audit.actions.record(
        action=action,
        actor=name,
        target=f"{proposal.of}:{proposal.target_id}",
        at=at,
        reason=reason,
        detail={"proposal": str(proposal.id), "act": proposal.act, "proposed_by": proposal.proposed_by},
    )
