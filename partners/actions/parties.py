"""Companies: write one down, what it is called, and what it is linked to.

Links between ids and a campaign's known recipients only grow; they carry stops, never approvals.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from datetime import datetime
from typing import TypedDict, Unpack

from django.core.exceptions import ValidationError
from django.db import transaction

from partners.actions import guards
from partners.actions.addresses import keys_fault, moves_keys
from partners.actions.proposals import lock_open, propose
from partners.domain import keysets
from partners.labels import link as linkable
from partners.models import Campaign, IdentifierLink, Party, Proposal, Reach
from partners.policies import identifiers
from partners.policies.lifecycle import NotNow

KEYS_BY_CONTRACT = (
    "Its contract names another address for its keys, and two officers must change that. Add it without that address,"
    " then propose that on its page."
)
# Looked up together, so they share what one entry of an index may hold.
LONGEST_PAIR_BYTES = 2000


class PartyFields(TypedDict, total=False):
    """What officers say of a company. What they leave out stays as it is."""

    name: str
    website: str
    about: str
    jwks_uri: str


@transaction.atomic
def add_party(*, uri: str, kind: str, reason: str, actor: str, at: datetime, **said: Unpack[PartyFields]) -> Party:
    """Write a company down under the URI that names it everywhere, or name one that was only seen in a path.

    Raises ValidationError (by field), NotNow where it is known already, StaffOnly.
    """
    who = guards.officer(actor=actor, reason=reason)
    faults = guards.Faults()
    faults.check("kind", identifiers.check_kind, kind)
    faults.check("uri", identifiers.check_uri, uri)
    party = Party.objects.select_for_update().filter(uri=uri).first()
    if party is not None and (party.kind != Party.Kind.UNNAMED or uri == "unknown"):
        raise NotNow(f"{party.name} already exists. Change it instead.")
    party = party or Party(uri=uri)
    jwks_uri = said.get("jwks_uri", party.jwks_uri)
    faults.note("jwks_uri", keys_fault(uri=uri, jwks_uri=jwks_uri))
    if party.pk and moves_keys(party=party, jwks_uri=jwks_uri):
        raise NotNow(KEYS_BY_CONTRACT)
    party.kind = kind
    with guards.first(message="You or another officer just added it. Change it instead."):
        _put(party, faults, said)
    guards.note_on(action="party.added", actor=who, row=party, at=at, reason=reason)
    return party


@transaction.atomic
def change_party(
    *, party_id: int, reason: str, actor: str, at: datetime, **said: Unpack[PartyFields]
) -> Party | Proposal:
    """Change what a company is called, what is said of it, and where its keys are. What it is stays as it is.

    An address that would take the place of the one where its keys are is proposed, and the proposal returned: another
    officer must agree. Raises ValidationError (by field), NotNow, StaffOnly.
    """
    who = guards.officer(actor=actor, reason=reason)
    lock_open(act=Proposal.Act.MOVE_KEYS, of=Proposal.Of.PARTY, target_id=party_id)
    party = _lock_party(party_id)
    changed, before = _changed_fields(party, said), copy(party)
    if not changed:
        raise NotNow(guards.THE_SAME)
    faults, jwks_uri = guards.Faults(), said.get("jwks_uri", party.jwks_uri)
    faults.note("jwks_uri", keys_fault(uri=party.uri, jwks_uri=jwks_uri))
    proposed = moves_keys(party=party, jwks_uri=jwks_uri)
    _put(party, faults, {**said, "jwks_uri": party.jwks_uri} if proposed else said)
    if proposed:
        changed = [field for field in changed if field != "jwks_uri"]
    if changed:
        detail = guards.describe_changes(row=party, before=before, fields=changed)
        guards.note_on(action="party.changed", actor=who, row=party, at=at, reason=reason, detail=detail)
    if not proposed:
        return party
    return propose(
        act=Proposal.Act.MOVE_KEYS, of=Proposal.Of.PARTY, target_id=party.pk, payload={"jwks_uri": jwks_uri},
        reason=reason, actor=actor, at=at,
    )  # fmt: skip


def _changed_fields(party: Party, said: Mapping[str, object]) -> list[str]:
    return sorted(field for field, value in said.items() if getattr(party, field) != value)


def _lock_party(party_id: int) -> Party:
    """Raises NotNow for a company that nobody wrote down."""
    party = Party.objects.select_for_update().filter(pk=party_id).exclude(uri="unknown").first()
    if party is None:
        raise NotNow("There is no such company.")
    if party.kind == Party.Kind.UNNAMED:
        raise NotNow("We know it only from a path. Add it as a company first.")
    return party


def _put(party: Party, faults: guards.Faults, said: PartyFields) -> None:
    with keysets.may_move(party=party):
        for field, value in said.items():
            setattr(party, field, value)
        try:
            party.full_clean(validate_unique=False)
        except ValidationError as error:
            faults.add(error)
        faults.note("website", find_website_fault(said.get("website", "")))
        faults.raise_if_any()
        party.save()


def find_website_fault(website: str) -> str:
    """Say why people can't be led to a company's website; "" where they can, or where it has none."""
    return "Enter an address that starts with https://." if website and not linkable(website) else ""


class LinkTooLong(Exception):
    """The two ids together are longer than what can be looked up."""


def add_recipients(*, ref: str, recipients: Sequence[str], told_apart: bool) -> bool:
    """Add those whom a campaign's data reaches; a party not known yet is added unnamed. Reach only grows.

    `told_apart`: whether requests that name them leave the stops of others; only while the campaign does not count yet.
    """
    campaign = Campaign.objects.get(ref=ref)
    added = False
    for uri in dict.fromkeys(recipients):
        party, _ = Party.objects.get_or_create(uri=uri, defaults={"name": uri, "kind": Party.Kind.UNNAMED})
        _, new = Reach.objects.get_or_create(
            campaign_id=campaign.pk, party_id=party.pk, defaults={"told_apart": told_apart}
        )
        added = added or new
    return added


def find_link_fault(*, of: str, ref: str) -> str:
    """Say what is wrong with the name of something that need not be known yet: a link to it is never taken back."""
    if of == IdentifierLink.Of.PARTY and not identifiers.is_uri(ref) and not Party.objects.filter(uri=ref).exists():
        return identifiers.NOT_A_URI
    if (
        of == IdentifierLink.Of.CAMPAIGN
        and not identifiers.is_id(ref)
        and not Campaign.objects.filter(ref=ref).exists()
    ):
        return identifiers.NOT_AN_ID
    return ""


def add_link(*, of: str, ref: str, kin_ref: str, link: str, at: datetime) -> bool:
    """Write down that `ref` succeeds, or is the same as, `kin_ref`; the other need not be known. Never taken back.

    Returns whether it is new. Raises LinkTooLong.
    """
    if len(ref.encode()) + len(kin_ref.encode()) > LONGEST_PAIR_BYTES:
        raise LinkTooLong(ref)
    if ref == kin_ref or IdentifierLink.objects.filter(of=of, ref=ref, kin_ref=kin_ref).exists():
        return False
    IdentifierLink.objects.create(of=of, ref=ref, kin_ref=kin_ref, link=link, recorded_at=at)
    return True
