"""Contracts and campaigns before they count: draft one, change it, put it in force."""

from collections.abc import Collection
from copy import copy
from dataclasses import asdict, dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from partners.actions import addresses, guards, parties
from partners.actions.addresses import check_addresses
from partners.actions.guards import Faults, Of
from partners.domain import keysets
from partners.labels import PURPOSES, UNKNOWN
from partners.models import Campaign, Contract, Party
from partners.policies import identifiers
from partners.policies.lifecycle import NotNow

# 15 business days are three weeks.
LONGEST_COMPLETION_DAYS = 21
DRAFTED = "was just added by you or another officer. Look at it, or choose another id."
NOT_SIGNED_YET = "That day is still to come. Draft a contract once it is signed."
REPLACES = (
    "It would change what is in force for {partner}: {fields}. That takes two officers. Clear these fields in the"
    " draft, put it in force, then propose them on its page under Endpoints and keys."
)
NEW_CAMPAIGN = (
    "Someone agreed to it in this form, so it can't change. Make a new campaign, which starts without consent."
)


@dataclass(frozen=True)
class ContractTerms:
    """What is agreed with an aggregator. `hosts`: beside those of the two addresses ("name" or "name:port")."""

    signed_at: datetime
    starts_at: datetime
    ends_at: datetime
    purposes: tuple[str, ...]
    ack_within_s: int = 900
    complete_within_days: int = 10
    endpoint_url: str = ""
    jwks_uri: str = ""
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class CampaignTerms:
    """What is agreed about one use by one location service. `recipients`: URIs of those to whom it hands on."""

    lbs_provider: str
    purpose: str
    description: str
    consent_flow: str
    scope: str
    precision_m: int
    starts_at: datetime
    ends_at: datetime
    names_recipient: bool = False
    lifeline: bool = False
    family_tracking: bool = False
    consideration: str = ""
    recipients: tuple[str, ...] = ()


@transaction.atomic
def draft_contract(
    *, ref: str, aggregator: str, terms: ContractTerms, reason: str, actor: str, at: datetime
) -> Contract:
    """Write a contract down without putting it in force. `aggregator`: its URI.

    Raises ValidationError (by field), NotNow, StaffOnly.
    """
    name = guards.officer(actor=actor, reason=reason)
    faults = _name_faults(ref)
    owner = _party("aggregator", aggregator, faults)
    row = Contract(ref=ref, aggregator=owner, is_draft=True, **_contract_fields(terms))
    _check(row, faults, at)
    with guards.first(message=f"{ref} {DRAFTED}"):
        row.save(force_insert=True)
    guards.note_on(action="contract.drafted", actor=name, row=row, at=at, reason=reason)
    return row


@transaction.atomic
def draft_campaign(*, ref: str, contract: str, terms: CampaignTerms, reason: str, actor: str, at: datetime) -> Campaign:
    """Write a campaign down without putting it in force. `contract`: its id outside ("AGR-1").

    Raises ValidationError (by field), NotNow, StaffOnly.
    """
    name = guards.officer(actor=actor, reason=reason)
    under = Contract.objects.filter(ref=contract).first()
    if under is None:
        raise ValidationError({"contract": "There is no such contract."})
    faults = _name_faults(ref)
    row = Campaign(ref=ref, contract=under, is_draft=True, **_campaign_fields(terms, faults))
    _check(row, faults, at)
    with guards.first(message=f"{ref} {DRAFTED}"):
        row.save(force_insert=True)
    parties.add_recipients(ref=ref, recipients=terms.recipients, told_apart=True)
    guards.note_on(action="campaign.drafted", actor=name, row=row, at=at, reason=reason)
    return row


@transaction.atomic
def change_draft(
    *, of: Of, target_id: int, terms: ContractTerms | CampaignTerms, reason: str, actor: str, at: datetime
) -> Contract | Campaign:
    """Put other terms into a draft. Recipients are added, never taken away.

    Raises ValidationError (by field); NotNow for what is no draft, or what somebody agreed to already; StaffOnly.
    """
    name = guards.officer(actor=actor, reason=reason)
    row = guards.lock_target(of=of, target_id=target_id)
    _refuse_other_terms(row, of, terms)
    faults, before = Faults(), copy(row)
    changed = _put_terms(row, terms, faults)
    _check(row, faults, at)
    if changed:
        _save(row, changed)
    reached = isinstance(terms, CampaignTerms) and parties.add_recipients(
        ref=row.ref, recipients=terms.recipients, told_apart=True
    )
    if not changed and not reached:
        raise NotNow(guards.THE_SAME)
    guards.note_on(
        action=f"{of}.draft_changed",
        actor=name,
        row=row,
        at=at,
        reason=reason,
        detail=guards.describe_changes(row=row, before=before, fields=sorted(changed)),
    )
    return row


def _refuse_other_terms(row: Contract | Campaign, of: Of, terms: ContractTerms | CampaignTerms) -> None:
    """Raises NotNow where these terms can't be put into this row."""
    if not row.is_draft:
        raise NotNow(f"{row.ref} is no longer a draft. Shorten it, or make a new {of}.")
    if isinstance(row, Contract) != isinstance(terms, ContractTerms):
        raise NotNow(f"These aren't the terms of a {of}.")


def _put_terms(row: Contract | Campaign, terms: ContractTerms | CampaignTerms, faults: Faults) -> list[str]:
    """Set the row's fields by these terms. Returns those that changed."""
    wanted = _contract_fields(terms) if isinstance(terms, ContractTerms) else _campaign_fields(terms, faults)
    changed = [field for field, value in wanted.items() if getattr(row, field) != value]
    for field in changed:
        setattr(row, field, wanted[field])
    return changed


@transaction.atomic
def put_in_force(
    *, of: Of, target_id: int, reason: str, actor: str, at: datetime, despite: Collection[str] = ()
) -> Contract | Campaign:
    """Make a draft count from its start on, and not from before now. It begins without anybody's yes.

    `despite`: what fails now and the officer said yes to, by name. Raises NotNow for what is no draft, is over already,
    lacks something, or would move where its partner is spoken to or its keys, which takes two officers; StaffOnly.
    `console.actions.terms.put_in_force` also checks whether somebody agreed to it while it was a draft.
    """
    name = guards.officer(actor=actor, reason=reason)
    row = guards.lock_target(of=of, target_id=target_id)
    if not row.is_draft:
        raise NotNow(f"{row.ref} is already in force.")
    if row.ends_at <= at:
        raise NotNow(f"{row.ref} would already have ended. Choose an end date in the future.")
    if lacking := find_lack(row=row):
        raise NotNow(f"{row.ref} can't be put in force yet. {lacking}")
    row.starts_at = max(row.starts_at, at)
    row.is_draft = False
    # The newest contract's address of keys counts, and this one may be the first to have one.
    with keysets.may_move(party=row.aggregator if isinstance(row, Contract) else row.contract.aggregator):
        row.save(update_fields=["starts_at", "is_draft"])
    detail = {"despite": list(despite)} if despite else {}
    guards.note_on(action=f"{of}.put_in_force", actor=name, row=row, at=at, reason=reason, detail=detail)
    return row


@transaction.atomic
def discard_draft(*, of: Of, target_id: int, reason: str, actor: str, at: datetime) -> str:
    """Take a draft away, with its recipients; its id is free again. Returns that id. The trail keeps that it was there.

    Raises NotNow for what is no draft, what other drafts stand under, and what somebody agreed to already; StaffOnly.
    """
    name = guards.officer(actor=actor, reason=reason)
    row = guards.lock_target(of=of, target_id=target_id)
    if not row.is_draft:
        raise NotNow(f"{row.ref} is no longer a draft, so it stays on record. Terminate it instead.")
    if isinstance(row, Contract) and row.campaigns.exists():
        raise NotNow(f"{row.ref} has campaigns. Discard those first.")
    guards.note_on(action=f"{of}.draft_discarded", actor=name, row=row, at=at, reason=reason)
    with connection.cursor() as cursor:
        cursor.execute("SELECT partners_discard_draft(%s, %s)", [of, row.pk])
    return row.ref


def unlisted_purposes(*, purposes: tuple[str, ...]) -> list[str]:
    """List those that are no W3C DPV purpose which we have words for."""
    return [one for one in purposes if not (one.startswith("dpv:") and one.removeprefix("dpv:") in PURPOSES)]


def unknown_words(*, purpose: str, scope: str) -> list[str]:
    """List which of these two fields of a campaign are in words that we don't know."""
    known = {"purpose": not unlisted_purposes(purposes=(purpose,)), "scope": identifiers.is_scope(scope)}
    return [name for name, is_known in known.items() if not is_known]


def _contract_fields(terms: ContractTerms) -> dict[str, object]:
    return {
        **asdict(terms),
        "purposes": list(dict.fromkeys(terms.purposes)),
        "hosts": sorted({host.lower() for host in terms.hosts}),
    }


def _campaign_fields(terms: CampaignTerms, faults: Faults) -> dict[str, object]:
    fields = asdict(terms)
    faults.note("recipients", *map(find_recipient_fault, fields.pop("recipients")))
    return {**fields, "lbs_provider": _party("lbs_provider", terms.lbs_provider, faults)}


def _name_faults(ref: str) -> Faults:
    """What is wrong with the name of something new: what is known keeps the one it has."""
    faults = Faults()
    faults.check("ref", identifiers.check_id, ref)
    return faults


def _party(field: str, uri: str, faults: Faults) -> Party | None:
    party = Party.objects.filter(uri=uri).exclude(uri=UNKNOWN).first()
    if party is None:
        faults.note(field, "There is no such company. Add it first.")
    return party


def find_recipient_fault(uri: str) -> str:
    """Say what is wrong with the name of a recipient; "" for nothing."""
    return "" if uri == UNKNOWN or identifiers.is_uri(uri) else f"Name each recipient. {identifiers.NOT_A_URI}"


def _check(row: Contract | Campaign, faults: Faults, at: datetime) -> None:
    """Everything that is wrong, at once. Raises ValidationError (by field)."""
    # A company that there is none of was noted already.
    unknown = [name for name in ("aggregator", "lbs_provider") if getattr(row, f"{name}_id", 0) is None]
    try:
        row.full_clean(exclude=unknown, validate_constraints=False)
    except ValidationError as error:
        faults.add(error)
    if row.ends_at <= row.starts_at:
        faults.note("ends_at", "The end must be after the start.")
    if isinstance(row, Campaign):
        _check_campaign(row, faults)
    else:
        _check_contract(row, faults, at)
    faults.raise_if_any()


def _check_contract(row: Contract, faults: Faults, at: datetime) -> None:
    if row.signed_at > at:
        faults.note("signed_at", NOT_SIGNED_YET)
    if unlisted_purposes(purposes=tuple(row.purposes)):
        faults.note("purposes", "Name DPV purposes that we have words for.")
    if row.complete_within_days > LONGEST_COMPLETION_DAYS:
        faults.note("complete_within_days", "At most 15 business days, which are 21 days.")
    try:
        check_addresses(endpoint_url=row.endpoint_url, jwks_uri=row.jwks_uri, hosts=row.hosts)
    except ValidationError as error:
        faults.add(error)


def _check_campaign(row: Campaign, faults: Faults) -> None:
    faults.check("consent_flow", identifiers.check_consent_flow, row.consent_flow)
    faults.check("scope", identifiers.check_scope, row.scope)
    if unlisted_purposes(purposes=(row.purpose,)):
        faults.note("purpose", "Name a DPV purpose that we have words for.")
    for field, fault in under_contract(contract=row.contract, purpose=row.purpose, ends_at=row.ends_at).items():
        faults.note(field, fault)


def find_lack(*, row: Contract | Campaign) -> str:
    """Return what keeps a draft from being put in force, as things stand; "" for nothing."""
    return _contract_lacks(row) if isinstance(row, Contract) else _campaign_lacks(row)


def under_contract(*, contract: Contract, purpose: str, ends_at: datetime) -> dict[str, str]:
    """Return what of a campaign goes beyond its contract, by field."""
    found = dict[str, str]()
    if purpose not in contract.purposes:
        found["purpose"] = f"Its contract {contract.ref} does not allow this purpose."
    if ends_at > contract.ends_at:
        found["ends_at"] = (
            f"Its contract {contract.ref} ends on {contract.ends_at:%-d %b %Y}. Choose that day or earlier."
        )
    return found


def _contract_lacks(contract: Contract) -> str:
    if not contract.purposes:
        return "It allows no purpose."
    if contract.complete_within_days > LONGEST_COMPLETION_DAYS:
        return "A partner may have at most 15 business days (21 days) to complete a stop."
    if contract.aggregator.kind != Party.Kind.AGGREGATOR:
        return "Its partner is not written down as an aggregator."
    if not (contract.jwks_uri or keysets.jwks_uri_of(party=contract.aggregator)):
        return "There is no address of the partner's keys (jwks_uri), so nothing it signs could be checked."
    replaced = addresses.list_replaced_endpoints(row=contract, wanted=addresses.endpoints_of(row=contract))
    fields = ", ".join(addresses.LABELS[field] for field in replaced)
    return fields and REPLACES.format(partner=contract.aggregator.name, fields=fields)


def _campaign_lacks(campaign: Campaign) -> str:
    contract = campaign.contract
    if contract.is_draft:
        return f"Its contract {contract.ref} is a draft: put that in force first."
    if unknown := unknown_words(purpose=campaign.purpose, scope=campaign.scope):
        return f"We don't know its {' and '.join(unknown)}: change the draft."
    if campaign.purpose not in contract.purposes:
        return f"Its purpose {campaign.purpose} is none of those of its contract {contract.ref}."
    if campaign.ends_at > contract.ends_at:
        return (
            f"It ends after its contract {contract.ref}, which ends on {contract.ends_at:%-d %b %Y}: change the draft."
        )
    if campaign.lbs_provider.kind == Party.Kind.UNNAMED:
        return "Its location service was only ever seen in a path: add it as a company first."
    if not campaign.consideration:
        return "Say what is paid for the data: some states forbid a sale whoever agreed."
    return ""


def _save(row: Contract | Campaign, changed: list[str]) -> None:
    try:
        with transaction.atomic():
            row.save(update_fields=changed)
    except IntegrityError as error:
        if "is frozen" not in str(error):
            raise
        raise NotNow(f"{row.ref}: {NEW_CAMPAIGN}") from error
