"""Contracts and campaigns before they count: draft one, change it, put it in force."""

import re
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from partners import client
from partners.actions import guards, links
from partners.actions.guards import Of
from partners.keysets import jwks_uri_of
from partners.lifecycle import NotNow
from partners.models import Campaign, Contract, Party
from partners.words import PURPOSES

HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?", re.IGNORECASE | re.ASCII)
# 15 business days are three weeks.
LONGEST_COMPLETION_DAYS = 21
DRAFTED = "was written down a moment ago, by you or another officer. Look at it, or choose another id."
NEW_CAMPAIGN = "Somebody agreed to it as it is, so it stays as it is: make a new campaign, which starts without a yes."


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

    Raises ValidationError (by field), NotNow, NotForThem.
    """
    name = guards.officer(actor=actor, reason=reason)
    row = Contract(ref=ref, aggregator=_party("aggregator", aggregator), is_draft=True, **_contract_fields(terms))
    _check(row)
    with guards.first(else_said=f"{ref} {DRAFTED}"):
        row.save(force_insert=True)
    guards.note_on(action="contract.drafted", actor=name, row=row, at=at, reason=reason)
    return row


@transaction.atomic
def draft_campaign(*, ref: str, contract: str, terms: CampaignTerms, reason: str, actor: str, at: datetime) -> Campaign:
    """Write a campaign down without putting it in force. `contract`: its id outside ("AGR-1").

    Raises ValidationError (by field), NotNow, NotForThem.
    """
    name = guards.officer(actor=actor, reason=reason)
    under = Contract.objects.filter(ref=contract).first()
    if under is None:
        raise ValidationError({"contract": "There is no such contract."})
    row = Campaign(ref=ref, contract=under, is_draft=True, **_campaign_fields(terms))
    _check(row)
    with guards.first(else_said=f"{ref} {DRAFTED}"):
        row.save(force_insert=True)
    links.add_recipients(ref=ref, recipients=_uris(terms.recipients), told_apart=True)
    guards.note_on(action="campaign.drafted", actor=name, row=row, at=at, reason=reason)
    return row


@transaction.atomic
def change_draft(
    *, of: Of, target_id: int, terms: ContractTerms | CampaignTerms, reason: str, actor: str, at: datetime
) -> Contract | Campaign:
    """Put other terms into a draft. Recipients are added, never taken away.

    Raises ValidationError (by field); NotNow for what is no draft, or what somebody agreed to already; NotForThem.
    """
    name = guards.officer(actor=actor, reason=reason)
    row = guards.locked(of=of, target_id=target_id)
    if not row.is_draft:
        raise NotNow(f"{row.ref} is no draft any more. Shorten it, or make a new {of}.")
    if isinstance(row, Contract) != isinstance(terms, ContractTerms):
        raise NotNow(f"These are not the terms of a {of}.")
    wanted = _contract_fields(terms) if isinstance(terms, ContractTerms) else _campaign_fields(terms)
    changed = [field for field, value in wanted.items() if getattr(row, field) != value]
    for field in changed:
        setattr(row, field, wanted[field])
    _check(row)
    if changed:
        _save(row, changed)
    if isinstance(terms, CampaignTerms):
        links.add_recipients(ref=row.ref, recipients=_uris(terms.recipients), told_apart=True)
    guards.note_on(
        action=f"{of}.draft_changed",
        actor=name,
        row=row,
        at=at,
        reason=reason,
        detail={"fields": sorted(changed)},
    )
    return row


@transaction.atomic
def put_in_force(*, of: Of, target_id: int, reason: str, actor: str, at: datetime) -> Contract | Campaign:
    """Make a draft count from its start on, and not from before now. It begins without anybody's yes.

    Raises NotNow for what is no draft, is over already, or lacks something; NotForThem. `support.actions.put_in_force`
    also looks whether somebody agreed to it while it was a draft: call that one.
    """
    name = guards.officer(actor=actor, reason=reason)
    row = guards.locked(of=of, target_id=target_id)
    if not row.is_draft:
        raise NotNow(f"{row.ref} is no draft: it has been put in force already.")
    if row.ends_at <= at:
        raise NotNow(f"{row.ref} would be over already: give it an end that is still to come.")
    lacking = _contract_lacks(row) if isinstance(row, Contract) else _campaign_lacks(row)
    if lacking:
        raise NotNow(f"{row.ref} can't be put in force yet. {lacking}")
    row.starts_at = max(row.starts_at, at)
    row.is_draft = False
    row.save(update_fields=["starts_at", "is_draft"])
    guards.note_on(action=f"{of}.put_in_force", actor=name, row=row, at=at, reason=reason)
    return row


def unlisted_purposes(*, purposes: tuple[str, ...]) -> list[str]:
    """Those that are no W3C DPV purpose which we have words for."""
    return [one for one in purposes if not (one.startswith("dpv:") and one.removeprefix("dpv:") in PURPOSES)]


def _contract_fields(terms: ContractTerms) -> dict[str, object]:
    return {
        **asdict(terms),
        "purposes": list(dict.fromkeys(terms.purposes)),
        "hosts": sorted({host.lower() for host in terms.hosts}),
    }


def _campaign_fields(terms: CampaignTerms) -> dict[str, object]:
    fields = asdict(terms)
    del fields["recipients"]
    return {**fields, "lbs_provider": _party("lbs_provider", terms.lbs_provider)}


def _party(field: str, uri: str) -> Party:
    party = Party.objects.filter(uri=uri).exclude(uri="unknown").first()
    if party is None:
        raise ValidationError({field: "There is no such company. Add it first."})
    return party


def _uris(recipients: tuple[str, ...]) -> list[str]:
    wrong = [uri for uri in recipients if not uri or len(uri.encode()) > links.LONGEST_PAIR_BYTES or "\x00" in uri]
    if wrong:
        raise ValidationError({"recipients": "A recipient is named by its address, which is not too long."})
    return list(recipients)


def _check(row: Contract | Campaign) -> None:
    """Shape and order of everything; addresses as the door out sees them. Raises ValidationError."""
    row.full_clean(validate_constraints=False)
    if row.ends_at <= row.starts_at:
        raise ValidationError({"ends_at": "It must end after it starts."})
    if isinstance(row, Campaign):
        if unlisted_purposes(purposes=(row.purpose,)):
            raise ValidationError({"purpose": "Name a DPV purpose that we have words for."})
        return
    if unlisted_purposes(purposes=tuple(row.purposes)):
        raise ValidationError({"purposes": "Name DPV purposes that we have words for."})
    if row.complete_within_days > LONGEST_COMPLETION_DAYS:
        raise ValidationError({"complete_within_days": "At most 15 business days, which are 21 days."})
    check_addresses(endpoint_url=row.endpoint_url, jwks_uri=row.jwks_uri, hosts=row.hosts)


def check_addresses(*, endpoint_url: str, jwks_uri: str, hosts: Collection[str]) -> None:
    """The door out would open these addresses and may speak to these hosts. Raises ValidationError (by field)."""
    for field, url in (("endpoint_url", endpoint_url), ("jwks_uri", jwks_uri)):
        refused = client.refused(url=url) if url else ""
        if refused:
            raise ValidationError({field: f"We would not speak to it: {refused}."})
    if not all(HOST.fullmatch(host) for host in hosts):
        raise ValidationError({"hosts": "Name hosts as they stand in an address: name, or name:port."})


def _contract_lacks(contract: Contract) -> str:
    if not contract.purposes:
        return "It allows no purpose."
    if contract.complete_within_days > LONGEST_COMPLETION_DAYS:
        return "A partner may have at most 15 business days (21 days) to complete a stop."
    if contract.aggregator.kind != Party.Kind.AGGREGATOR:
        return "Its partner is not written down as an aggregator."
    if not (contract.jwks_uri or jwks_uri_of(party=contract.aggregator)):
        return "There is no address of the partner's keys (jwks_uri), so nothing it signs could be checked."
    return ""


def _campaign_lacks(campaign: Campaign) -> str:
    contract = campaign.contract
    if contract.is_draft:
        return f"Its contract {contract.ref} is a draft: put that in force first."
    if campaign.purpose not in contract.purposes:
        return f"Its purpose {campaign.purpose} is none of those of its contract {contract.ref}."
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
