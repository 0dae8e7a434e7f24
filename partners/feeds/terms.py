"""Write down parties and what was agreed with them. Files may tighten; to loosen takes two officers and a reason.

An optional field that is absent (None) says nothing: what is known already, by a file or an officer, stays as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.forms import model_to_dict
from msgspec.structs import replace

from partners.actions import addresses, drafts
from partners.actions.drafts import LONGEST_COMPLETION_DAYS, under_contract, unlisted_purposes
from partners.actions.parties import LinkTooLong, add_link, add_recipients, find_link_fault
from partners.domain.keysets import jwks_uri_of, on_own_host
from partners.feeds.checking import RowRefused
from partners.labels import UNKNOWN
from partners.models import Campaign, Contract, Party, PendingTermChange
from partners.policies import identifiers
from partners.policies.loosening import PAID

# What a new row has where the file says nothing.
UNSAID: Mapping[str, Any] = {
    "website": "", "about": "", "jwks_uri": "", "endpoint_url": "", "names_recipient": False, "lifeline": False,
    "family_tracking": False, "consideration": "",
}  # fmt: skip
# As the trail names who takes a file in (`partners.feeds.command`).
ACTOR = "import:parties"
WARNINGS = {"ends_at": "after_its_contract", "purpose": "not_its_contract's"}
NOT_KNOWN = "not_one_we_know"
FROZEN = ("purpose", "description", "consent_flow", "scope", "precision_m", "lifeline", "family_tracking")


class ConcurrentChange(Exception):
    """An officer has changed the row since it was read: the entry is to be judged anew."""


@dataclass
class Changes:
    """What a file changed that the past may rest on: campaigns by their id, new links as (of, id).

    `parties`: the URIs of companies of which only now is known what they are. `warnings`: what is odd in what was
    taken.
    """

    campaigns: set[str] = field(default_factory=set)
    links: set[tuple[str, str]] = field(default_factory=set)
    parties: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)


def enqueue_term_change(*, changes: Changes, at: datetime) -> None:
    """Note a change in its transaction: whoever is cut off after it leaves to the next what was to follow."""
    kind = PendingTermChange.Kind
    noted = [
        *((kind.CAMPAIGN, "", ref) for ref in sorted(changes.campaigns)),
        *((kind.LINK, of, ref) for of, ref in sorted(changes.links)),
        *((kind.COMPANY, "", uri) for uri in sorted(changes.parties)),
    ]
    PendingTermChange.objects.bulk_create(
        PendingTermChange(kind=of_kind, of=of, ref=ref, recorded_at=at) for of_kind, of, ref in noted
    )


def load_unsettled_changes() -> tuple[Changes, list[int]]:
    """List the changes by files that are not settled yet, and the ids to give to `delete_settled_changes`."""
    kind, changes, ids = PendingTermChange.Kind, Changes(), list[int]()
    for one in PendingTermChange.objects.order_by("id"):
        ids.append(one.pk)
        match one.kind:
            case kind.CAMPAIGN:
                changes.campaigns.add(one.ref)
            case kind.LINK:
                changes.links.add((one.of, one.ref))
            case _:
                changes.parties.add(one.ref)
    return changes, ids


def delete_settled_changes(*, ids: Sequence[int]) -> None:
    """Return what rests on these changes has come up to them."""
    PendingTermChange.objects.filter(pk__in=ids).delete()


def is_left_behind(*, since: datetime) -> bool:
    """Return whether a change by a file has waited since before this moment."""
    return PendingTermChange.objects.filter(recorded_at__lt=since).exists()


def put_party(*, uri: str, fields: Mapping[str, Any], changes: Changes) -> bool:
    """Write down a party. Returns whether that changed anything. What it is called may change; what it is may not.

    Where its keys are a file says once, of a new party, and on its own host: whose key counts is the officers' word.
    """
    party = Party.objects.filter(uri=uri).first()
    if party is not None and (uri == "unknown" or party.kind not in {fields["kind"], Party.Kind.UNNAMED}):
        raise RowRefused("kind", "id_conflict")
    if party is not None and party.kind != Party.Kind.UNNAMED:
        _refuse_other_keys(party.jwks_uri, fields)
        return _update(party, {**fields, "jwks_uri": party.jwks_uri})
    if fields["jwks_uri"] and not on_own_host(uri=uri, jwks_uri=fields["jwks_uri"]):
        raise RowRefused("jwks_uri", "not_on_its_own_host")
    return _name_party(party, uri, fields, changes)


def _name_party(party: Party | None, uri: str, fields: Mapping[str, Any], changes: Changes) -> bool:
    """Write down a party that we knew from paths alone, or not at all."""
    if not identifiers.is_uri(uri):
        raise RowRefused("id", "not_a_uri")
    if party is not None and (known := jwks_uri_of(party=party)):
        _refuse_other_keys(known, fields)
    changes.parties.add(uri)
    if party is not None:
        return _update(party, fields)
    Party.objects.create(uri=uri, **_whole(fields))
    return True


def put_contract(*, ref: str, aggregator: str, fields: Mapping[str, Any], changes: Changes, at: datetime) -> bool:
    """Write down a contract. A later end, an earlier start, more purposes, longer deadlines are refused.

    So is another address of keys than the one that counts: whose key counts is the officers' word. Another address for
    events is taken, and an incident tells the officers.
    """
    party = _find_party("aggregator", aggregator)
    if fields["ends_at"] <= fields["starts_at"]:
        raise RowRefused("ends_at", "before_starts_at")
    if fields["complete_within_days"] > LONGEST_COMPLETION_DAYS:
        raise RowRefused("complete_within_days", "too_large")
    if unlisted_purposes(purposes=tuple(fields["purposes"])):
        changes.warnings.append(f"purposes {NOT_KNOWN}")
    contract = Contract.objects.filter(ref=ref).first()
    if contract is None:
        _add_contract(ref, party, fields, at)
        return True
    _refuse_another(contract, party, fields)
    _refuse_other_keys(contract.jwks_uri, fields)
    _refuse_longer(contract, fields)
    _refuse_wider(contract, fields)
    _refuse_overtaking(contract, fields)
    moved = _set_events_address(contract, fields, at)
    same_purposes = set(fields["purposes"]) == set(contract.purposes)
    kept = {"jwks_uri": contract.jwks_uri, **({"purposes": contract.purposes} if same_purposes else {})}
    changed = _update(contract, {**fields, **kept}) or moved
    if changed:
        _note_its_campaigns(contract, fields, changes)
    return changed


def _note_its_campaigns(contract: Contract, fields: Mapping[str, Any], changes: Changes) -> None:
    ends = dict(Campaign.objects.filter(contract=contract).values_list("ref", "ends_at"))
    changes.campaigns |= ends.keys()
    changes.warnings += ["ends_at before_its_campaigns"] * any(end > fields["ends_at"] for end in ends.values())


def _refuse_another(contract: Contract, party: Party, fields: Mapping[str, Any]) -> None:
    """Refuse what names this contract and is another one."""
    if contract.aggregator_id != party.pk:
        raise RowRefused("aggregator", "id_conflict")
    if contract.signed_at != fields["signed_at"]:
        raise RowRefused("signed_at", "id_conflict")


def _add_contract(ref: str, party: Party, fields: Mapping[str, Any], at: datetime) -> None:
    _refuse_bad_id(ref)
    if fields["signed_at"] > at:
        raise RowRefused("signed_at", "in_future")
    _refuse_kind("aggregator", party, Party.Kind.AGGREGATOR)
    if known := jwks_uri_of(party=party):
        _refuse_other_keys(known, fields)
    contract = Contract.objects.create(ref=ref, aggregator=party, **{**_whole(fields), "endpoint_url": ""})
    _set_events_address(contract, fields, at)


def put_campaign(*, ref: str, contract: str, provider: str, fields: Mapping[str, Any], changes: Changes) -> bool:
    """Write down a campaign. What someone agreed to stays as it was; the rest may be tightened."""
    under = Contract.objects.filter(ref=contract).first()
    if under is None:
        raise RowRefused("contract", "contract_unknown")
    party = _find_party("lbs_provider", provider)
    if fields["ends_at"] <= fields["starts_at"]:
        raise RowRefused("ends_at", "before_starts_at")
    changes.warnings += _beyond_its_contract(under, fields)
    unknown = drafts.unknown_words(purpose=fields["purpose"], scope=fields["scope"])
    campaign = Campaign.objects.filter(ref=ref).first()
    if campaign is None:
        _refuse_bad_id(ref)
        _refuse_kind("lbs_provider", party, Party.Kind.LBS_PROVIDER)
        # Nothing is allowed by words that no rule of a state and no page knows, until an officer has put them right.
        Campaign.objects.create(ref=ref, contract=under, lbs_provider=party, is_draft=bool(unknown), **_whole(fields))
        changes.campaigns.add(ref)
        return True
    _refuse_new_words(campaign, fields, unknown)
    _refuse_longer(campaign, fields)
    _refuse_looser(campaign, fields)
    other_provider = campaign.lbs_provider_id != party.pk
    changed = _change(campaign, fields, under, party)
    if other_provider:
        _refuse_kind("lbs_provider", party, Party.Kind.LBS_PROVIDER)
    if changed:
        changes.campaigns.add(ref)
    return changed


def _change(campaign: Campaign, fields: Mapping[str, Any], under: Contract, provider: Party) -> bool:
    try:
        with transaction.atomic():
            return _update(campaign, {**fields, "contract": under, "lbs_provider": provider})
    except IntegrityError as error:
        if "is frozen" not in str(error):
            raise
        raise RowRefused(_frozen_field(campaign.ref, fields, under, provider), "id_conflict") from error


def is_campaign_in_force(*, ref: str) -> bool:
    """Return whether there is such a campaign and it is no draft: whoever is added to it now makes nothing looser."""
    return Campaign.objects.filter(ref=ref, is_draft=False).exists()


def put_recipients(*, ref: str, recipients: Sequence[str], told_apart: bool) -> bool:
    """Add those whom a campaign's data reaches; a party not known yet is added unnamed. Reach only grows."""
    if any(uri != UNKNOWN and not identifiers.is_uri(uri) for uri in recipients):
        raise RowRefused("recipients", "not_a_uri")
    return add_recipients(ref=ref, recipients=recipients, told_apart=told_apart)


def put_links(*, of: str, ref: str, others: Sequence[tuple[str, str]], at: datetime, changes: Changes) -> bool:
    """Write down what an id succeeds or is the same as; the other need not be known. Links are never taken back."""
    added = False
    for link, other in others:
        if find_link_fault(of=of, ref=other):
            raise RowRefused(link, "not_a_uri" if of == "party" else "not_an_id")
        try:
            new = add_link(of=of, ref=ref, kin_ref=other, link=link, at=at)
        except LinkTooLong as error:
            raise RowRefused(link, "too_long") from error
        if new:
            changes.links |= {(of, ref), (of, other)}
        added = added or new
    return added


def _refuse_bad_id(ref: str) -> None:
    """Of something new: what is known keeps the id it has."""
    if not identifiers.is_id(ref):
        raise RowRefused("id", "not_an_id")


def _beyond_its_contract(contract: Contract, fields: Mapping[str, Any]) -> list[str]:
    """What of a campaign goes beyond what was agreed, or is said in words of its own. It is taken as it was agreed."""
    beyond = under_contract(contract=contract, purpose=fields["purpose"], ends_at=fields["ends_at"])
    found = [f"{name} {WARNINGS[name]}" for name in sorted(beyond)]
    found += ["starts_at before_its_contract"] * (fields["starts_at"] < contract.starts_at)
    unknown = drafts.unknown_words(purpose=fields["purpose"], scope=fields["scope"])
    flow = [] if identifiers.is_consent_flow(fields["consent_flow"]) else ["consent_flow"]
    return [*found, *(f"{name} {NOT_KNOWN}" for name in (*flow, *unknown))]


def _find_party(field_name: str, uri: str) -> Party:
    party = Party.objects.filter(uri=uri).first()
    if party is None:
        raise RowRefused(field_name, "party_unknown")
    return party


def _refuse_kind(field_name: str, party: Party, kind: Party.Kind) -> None:
    """A company that was only seen so far may be anything."""
    if party.kind not in (kind, Party.Kind.UNNAMED):
        raise RowRefused(field_name, f"not_an_{kind.value}")


def _refuse_other_keys(known: str, fields: Mapping[str, Any]) -> None:
    """A file without an address of keys says nothing of it."""
    if fields["jwks_uri"] not in {None, "", known}:
        raise RowRefused("jwks_uri", "changed_by_officers_alone")


def _refuse_overtaking(contract: Contract, fields: Mapping[str, Any]) -> None:
    """By a later start it would be its partner's newest contract, whose addresses count."""
    newer = Contract.objects.filter(
        aggregator=contract.aggregator_id, is_draft=False, starts_at__gte=contract.starts_at
    ).exclude(pk=contract.pk)
    for name in ("endpoint_url", "jwks_uri"):
        own = getattr(contract, name)
        if own and fields["starts_at"] > contract.starts_at and newer.exclude(**{f"{name}__in": ("", own)}).exists():
            raise RowRefused("starts_at", "changed_by_officers_alone")


def _set_events_address(contract: Contract, fields: Mapping[str, Any], at: datetime) -> bool:
    """Returns whether it is another one."""
    url = fields["endpoint_url"]
    if url is None or url == contract.endpoint_url:
        return False
    _lock_as_read(contract)
    wanted = replace(addresses.endpoints_of(row=contract), endpoint_url=url)
    addresses.set_endpoints_by_operator(row=contract, wanted=wanted, actor=ACTOR, at=at)
    return True


def _refuse_longer(row: Contract | Campaign, fields: Mapping[str, Any]) -> None:
    if fields["starts_at"] < row.starts_at:
        raise RowRefused("starts_at", "loosening_needs_two_officers")
    if fields["ends_at"] > row.ends_at:
        raise RowRefused("ends_at", "loosening_needs_two_officers")


def _refuse_wider(contract: Contract, fields: Mapping[str, Any]) -> None:
    if not set(fields["purposes"]) <= set(contract.purposes):
        raise RowRefused("purposes", "loosening_needs_two_officers")
    for name in ("ack_within_s", "complete_within_days"):
        if fields[name] > getattr(contract, name):
            raise RowRefused(name, "loosening_needs_two_officers")


def _refuse_looser(campaign: Campaign, fields: Mapping[str, Any]) -> None:
    if fields["names_recipient"] and not campaign.names_recipient:
        raise RowRefused("names_recipient", "loosening_needs_two_officers")
    said = fields["consideration"]
    if said is not None and PAID[said] < PAID[campaign.consideration]:
        raise RowRefused("consideration", "loosening_needs_two_officers")


def _refuse_new_words(campaign: Campaign, fields: Mapping[str, Any], unknown: Sequence[str]) -> None:
    """What is in force does not come to be called by words that we don't know."""
    for name in unknown if not campaign.is_draft else ():
        if fields[name] != getattr(campaign, name):
            raise RowRefused(name, NOT_KNOWN)


def _frozen_field(ref: str, fields: Mapping[str, Any], contract: Contract, provider: Party) -> str:
    """Which of the frozen fields differs first."""
    campaign = Campaign.objects.get(ref=ref)
    if campaign.contract_id != contract.pk:
        return "contract"
    if campaign.lbs_provider_id != provider.pk:
        return "lbs_provider"
    return next((name for name in FROZEN if fields[name] not in {None, getattr(campaign, name)}), "")


def _whole(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: UNSAID.get(name) if value is None else value for name, value in fields.items()}


def _update(row: Party | Contract | Campaign, fields: Mapping[str, Any]) -> bool:
    changed = [name for name, value in fields.items() if value is not None and getattr(row, name) != value]
    if not changed:
        return False
    _lock_as_read(row)
    for name in changed:
        setattr(row, name, fields[name])
    row.save(update_fields=changed)
    return True


def _lock_as_read(row: Party | Contract | Campaign) -> None:
    """Lock a row only when it changes: to lock all that a file names would hold up everybody's choices about them."""
    now = type(row).objects.select_for_update(no_key=True).get(pk=row.pk)
    if model_to_dict(now) != model_to_dict(row):
        raise ConcurrentChange
