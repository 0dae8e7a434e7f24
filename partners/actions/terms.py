"""Tighter terms for what is in force: one officer is enough. Looser ones are proposed (`proposals`)."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction

import audit.actions
from accounts.primitives.reasons import has_visible_text
from accounts.primitives.zones import ZONE_OF_STATE
from partners.actions import addresses, guards, parties
from partners.actions.drafts import unlisted_purposes
from partners.actions.guards import Of
from partners.actions.proposals import lock_open, propose
from partners.models import Campaign, Contract, IdentifierLink, JurisdictionRule, Party, Proposal
from partners.policies.lifecycle import NotNow
from partners.policies.loosening import PAID, Endpoints, as_json

MICROSECOND = timedelta(microseconds=1)
PASSED = "That day has passed, or is today. Name one to come; to end it now, terminate it, by its plan."
# A slip of the year must not judge a past that nobody kept, nor wait for a day that nobody here will see.
EARLIEST_BEFORE, LATEST_AFTER = timedelta(days=5 * 366), timedelta(days=10 * 366)
NO_SALE = "Leave this empty: the rule doesn't prohibit sales."
NO_RULE = "Choose a purpose, or prohibit paid use."
RULE_DATES = "Name a day from five years ago to ten years from now."
TWO_OFFICERS = "This loosens it, so another officer must approve it. Propose it."


@dataclass(frozen=True)
class RuleTerms:
    """What a rule of a state prohibits: purposes by name and, with `sale_test`, any sale.

    `consideration`: "monetary" where only what money is paid for is a sale. `max_radius_m`: only what is asked for
    within this radius is prohibited; None: whatever the radius.
    """

    state: str
    starts_at: datetime
    purposes: tuple[str, ...]
    sale_test: bool
    source: str
    consideration: str = ""
    max_radius_m: int | None = None


@transaction.atomic
def shorten_term(
    *, of: Of, target_id: int, ends_at: datetime, reason: str, actor: str, at: datetime
) -> Contract | Campaign:
    """Let a contract or campaign end earlier than agreed, on a day that is still to come.

    Raises ValidationError for a moment that has passed: a slip of the year must end nothing, and what is to end now is
    terminated, by a plan. NotNow for a draft, for what has ended, and for a later end; StaffOnly.
    """
    name = guards.officer(actor=actor, reason=reason)
    row = guards.lock_target(of=of, target_id=target_id)
    if row.is_draft:
        raise NotNow(f"{row.ref} is a draft. Change its terms instead.")
    if row.ends_at <= at:
        raise NotNow(f"{row.ref} has already ended.")
    if ends_at < at:
        raise ValidationError({"ends_at": PASSED})
    if ends_at == row.ends_at:
        raise NotNow(f"{row.ref} already ends then. Nothing was changed.")
    if ends_at > row.ends_at:
        raise NotNow(f"{row.ref} ends on {row.ends_at:%-d %b %Y}. {TWO_OFFICERS}")
    was = row.ends_at
    row.ends_at = max(ends_at, row.starts_at + MICROSECOND)
    row.save(update_fields=["ends_at"])
    guards.note_on(
        action=f"{of}.shortened",
        actor=name,
        row=row,
        at=at,
        reason=reason,
        detail={"was": was.isoformat(), "ends_at": row.ends_at.isoformat()},
    )
    return row


@transaction.atomic
def set_endpoints(
    *, contract_id: int, endpoint_url: str, jwks_uri: str, hosts: tuple[str, ...], reason: str, actor: str, at: datetime
) -> Contract | Proposal:
    """Write down where a partner is spoken to and where its keys are; `hosts`: others that it may name.

    What would take the place of an address that counts is proposed instead, all of it, and the proposal returned:
    another officer must agree. Keys that were fetched from another address count no longer. Raises ValidationError (by
    field) for an address that the door out would not open; NotNow, StaffOnly.
    """
    name = guards.officer(actor=actor, reason=reason)
    lock_open(act=Proposal.Act.SET_ENDPOINTS, of=Proposal.Of.CONTRACT, target_id=contract_id)
    row = guards.lock_target(of="contract", target_id=contract_id)
    if not isinstance(row, Contract):
        raise NotNow("There is no such contract.")
    addresses.check_addresses(endpoint_url=endpoint_url, jwks_uri=jwks_uri, hosts=hosts)
    wanted = Endpoints(endpoint_url, jwks_uri, tuple(sorted({host.lower() for host in hosts})))
    if not row.is_draft and addresses.list_replaced_endpoints(row=row, wanted=wanted):
        return propose(
            act=Proposal.Act.SET_ENDPOINTS, of=Proposal.Of.CONTRACT, target_id=row.pk, payload=as_json(wanted),
            reason=reason, actor=actor, at=at,
        )  # fmt: skip
    was = addresses.endpoints_of(row=row)
    if not addresses.put_endpoints(row=row, wanted=wanted):
        raise NotNow(guards.THE_SAME)
    detail = addresses.describe_endpoints(row=row, was=was)
    guards.note_on(action="contract.endpoints_set", actor=name, row=row, at=at, reason=reason, detail=detail)
    return Contract.objects.get(pk=row.pk)


@transaction.atomic
def set_consideration(*, campaign_id: int, consideration: str, reason: str, actor: str, at: datetime) -> Campaign:
    """Say that as much or more is paid for a campaign's data than was written down.

    Raises NotNow where it would be less, which is proposed, and where it is so already; ValidationError for a word that
    we do not have; StaffOnly.
    """
    name = guards.officer(actor=actor, reason=reason)
    row = guards.lock_target(of="campaign", target_id=campaign_id)
    if not isinstance(row, Campaign) or consideration not in Campaign.Consideration.values:
        raise ValidationError({"consideration": "Nothing is paid, money, or other value."})
    if consideration == row.consideration:
        raise NotNow("That is already recorded.")
    if PAID[consideration] < PAID[row.consideration]:
        raise NotNow(f"{row.ref} counts as paid for. {TWO_OFFICERS}")
    was, row.consideration = row.consideration, consideration
    row.save(update_fields=["consideration"])
    guards.note_on(
        action="campaign.consideration_set",
        actor=name,
        row=row,
        at=at,
        reason=reason,
        detail={"was": was, "consideration": consideration},
    )
    return row


@transaction.atomic
def add_rule(*, terms: RuleTerms, reason: str, actor: str, at: datetime) -> JurisdictionRule:
    """Prohibit uses in a state from a moment on, whoever agreed.

    A rule is never changed, and prohibits no less because another does; to let it end takes two officers. Raises
    ValidationError (by field), NotNow, StaffOnly.
    """
    name = guards.officer(actor=actor, reason=reason)
    rule = JurisdictionRule(**{**asdict(terms), "state": terms.state.upper(), "purposes": list(terms.purposes)})
    _check_rule(rule, at)
    with guards.first(message=f"{rule.state} has a rule from that very moment. Let the new one begin at another."):
        rule.save(force_insert=True)
    audit.actions.record(
        action="rule.added", actor=name, target=f"rule:{rule.pk}", at=at, reason=reason, detail={"state": rule.state}
    )
    return rule


def _check_rule(rule: JurisdictionRule, at: datetime) -> None:
    """Everything that is wrong, at once. Raises ValidationError (by field)."""
    faults = guards.Faults()
    _check_purposes(rule, faults)
    if rule.state not in ZONE_OF_STATE:
        faults.note("state", "Name a US state or territory by its postal code, like MD.")
    if rule.source and not has_visible_text(rule.source):
        faults.note("source", "Name the statute and section.")
    faults.note("starts_at", find_start_fault(rule.starts_at, at=at))
    if rule.consideration and not rule.sale_test:
        faults.note("consideration", NO_SALE)
    _check_columns(rule, faults)
    faults.raise_if_any()


def _check_purposes(rule: JurisdictionRule, faults: guards.Faults) -> None:
    if unlisted_purposes(purposes=tuple(rule.purposes)):
        faults.note("purposes", "Name DPV purposes that we have words for.")
    if not rule.purposes and not rule.sale_test:
        faults.note("purposes", NO_RULE)


def find_start_fault(starts_at: datetime, *, at: datetime) -> str:
    """Say why no rule begins then; "" where one may."""
    return "" if at - EARLIEST_BEFORE <= starts_at <= at + LATEST_AFTER else RULE_DATES


def _check_columns(rule: JurisdictionRule, faults: guards.Faults) -> None:
    try:
        # No purpose by name is fine beside the test of a sale; those named were looked at above.
        rule.full_clean(exclude=["state", "relaxed_by", "ends_at", "purposes"], validate_constraints=False)
    except ValidationError as error:
        faults.add(error)


@transaction.atomic
def link(*, of: str, ref: str, kin_ref: str, link: str, reason: str, actor: str, at: datetime) -> bool:
    """Write down that one party, purpose or campaign succeeds, or (parties) is the same as, another.

    Stops and pauses hold across from now on, both ways; approvals never do. Not taken back. Returns whether it is new.
    Call `console.actions.terms.link`, which tells the partners that the stops newly affect. Raises ValidationError,
    NotNow, StaffOnly.
    """
    name = guards.officer(actor=actor, reason=reason)
    _refuse_senseless_link(of, ref, kin_ref, link)
    target = _target(of, ref)
    if "\x00" in kin_ref or not kin_ref:
        raise ValidationError({"kin_ref": "Name the other."})
    if fault := parties.find_link_fault(of=of, ref=kin_ref):
        raise ValidationError({"kin_ref": fault})
    try:
        new = parties.add_link(of=of, ref=ref, kin_ref=kin_ref, link=link, at=at)
    except parties.LinkTooLong as error:
        raise ValidationError({"kin_ref": "The two together are too long to be looked up."}) from error
    if new:
        audit.actions.record(
            action=f"{of}.linked",
            actor=name,
            target=target,
            at=at,
            reason=reason,
            detail={"link": link, "ref": ref, "to": kin_ref},
        )
    return new


def _refuse_senseless_link(of: str, ref: str, kin_ref: str, link: str) -> None:
    if (
        of not in IdentifierLink.Of.values
        or link not in {"succeeds", "same_as"}
        or (link == "same_as" and of != IdentifierLink.Of.PARTY)
    ):
        raise ValidationError({"link": "Parties, purposes and campaigns succeed one another; parties are the same."})
    if ref == kin_ref:
        raise NotNow("It is itself already.")
    if "unknown" in {ref, kin_ref} and of == IdentifierLink.Of.PARTY:
        raise NotNow("A company that we can't name can't be linked to another.")


def _target(of: str, ref: str) -> str:
    """How the trail names what is linked. Raises ValidationError where there is no such thing."""
    row: Party | Campaign | None = None
    if of == IdentifierLink.Of.PARTY:
        row = Party.objects.filter(uri=ref).first()
    elif of == IdentifierLink.Of.CAMPAIGN:
        row = Campaign.objects.filter(ref=ref).first()
    elif not unlisted_purposes(purposes=(ref,)) or Campaign.objects.filter(purpose=ref).exists():
        return f"purpose:{ref}"[:160]
    if row is None:
        raise ValidationError({"ref": f"There is no such {of}."})
    return guards.target_of(row=row)
