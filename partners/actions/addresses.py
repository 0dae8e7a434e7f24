"""Where a partner is spoken to and where its keys are: one officer writes down the first, two put another in its place.

Whoever moves them alone could let stop orders go to himself, and sign in the partner's name that it stopped. A draft's
addresses count for nothing until it is put in force. The database holds all to the same (`sql/addresses.sql`).
"""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from hashlib import sha256

from django.db import transaction

import audit.actions
from audit.models import Incident
from partners.actions import guards
from partners.actions.guards import Faults
from partners.clients import http
from partners.domain import keysets
from partners.models import Client, Contract, Party
from partners.policies.identifiers import events_address_of
from partners.policies.loosening import Endpoints, as_json

HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?", re.IGNORECASE | re.ASCII)
# What officers call them in their forms.
LABELS: Mapping[str, str] = {
    "endpoint_url": "Event address",
    "jwks_uri": "Key address (JWKS)",
    "hosts": "Other allowed hosts",
}


def endpoints_of(*, row: Contract) -> Endpoints:
    """Return a contract's endpoints as a proposal keeps them."""
    return Endpoints(row.endpoint_url, row.jwks_uri, tuple(row.hosts))


def describe_endpoints(*, row: Contract, was: Endpoints) -> dict[str, object]:
    """Return what a contract's endpoints were and are, and which of them an act changed, for the audit log."""
    before, now = as_json(was), as_json(endpoints_of(row=row))
    return {**audit.actions.describe_changes(was=before, now=now), "was": before, "now": now}


def check_addresses(*, endpoint_url: str, jwks_uri: str, hosts: Collection[str]) -> None:
    """Check that the door out would open these addresses and may speak to these hosts.

    Raises ValidationError (by field).
    """
    faults = Faults()
    for field, url in (("endpoint_url", endpoint_url), ("jwks_uri", jwks_uri)):
        refused = http.find_url_refusal(url=url) if url else ""
        faults.note(field, refused and f"It can't be used: {refused}.")
    if not all(HOST.fullmatch(host) for host in hosts):
        faults.note("hosts", "Write each host as name or name:port, one per line.")
    faults.raise_if_any()


def keys_fault(*, uri: str, jwks_uri: str) -> str:
    """Say why a company's keys can't be at this address; "" where they can.

    They stand on its own host: whoever holds another can't sign for it.
    """
    refused = http.find_url_refusal(url=jwks_uri) if jwks_uri else ""
    if refused:
        return f"It can't be used: {refused}."
    if jwks_uri and not keysets.on_own_host(uri=uri, jwks_uri=jwks_uri):
        return "Its keys must be on its own host, the one of its address."
    return ""


def list_replaced_endpoints(*, row: Contract, wanted: Endpoints) -> list[str]:
    """List which of these endpoints would take the place of what counts for the partner now, if they were in force.

    What nobody wrote down for the partner yet takes the place of nothing; where a machine of the partner was let in, an
    address for events takes the place of polling. Locks the partner until the transaction ends.
    """
    party = Party.objects.select_for_update().get(pk=row.aggregator_id)
    events, keys = events_address_of(party_id=party.pk), keysets.jwks_uri_of(party=party)
    listed = list(Contract.objects.filter(aggregator=party, is_draft=False).values_list("hosts", flat=True))
    hosts = set[str]().union(*listed)
    told = _can_be_notified(party, events, listed)
    now = Endpoints("", "", ()) if row.is_draft else endpoints_of(row=row)
    replaces = {
        "endpoint_url": told and _replaces_address(wanted.endpoint_url, now.endpoint_url, events),
        "jwks_uri": keys and _replaces_address(wanted.jwks_uri, now.jwks_uri, keys),
        "hosts": (told or hosts) and _replaces_hosts(wanted, now, hosts),
    }
    return [field for field in LABELS if replaces[field]]


def _can_be_notified(party: Party, events: str, listed: Collection[Collection[str]]) -> bool:
    """Whether a way to tell the partner is written down, or a machine of theirs was let in to poll."""
    if events:
        return True
    return bool(listed) and Client.objects.filter(party=party, changed_at__isnull=False).exists()


def _replaces_address(wanted: str, now: str, counts: str) -> bool:
    return wanted not in {now, now or counts}


def _replaces_hosts(wanted: Endpoints, now: Endpoints, hosts: set[str]) -> bool:
    return wanted.hosts != now.hosts and bool(now.hosts or not hosts.issuperset(wanted.hosts))


def moves_keys(*, party: Party, jwks_uri: str) -> bool:
    """Return whether this address of the company's own would take the place of the one where its keys are now."""
    was, becomes = keysets.jwks_uri_of(party=party), keysets.jwks_uri_of(party=Party(pk=party.pk, jwks_uri=jwks_uri))
    return was not in {"", becomes}


def put_endpoints(*, row: Contract, wanted: Endpoints) -> list[str]:
    """Write a contract's endpoints down, inside the caller's transaction. Returns the fields that changed."""
    changed = [field for field in LABELS if getattr(wanted, field) != getattr(endpoints_of(row=row), field)]
    row.endpoint_url, row.jwks_uri, row.hosts = wanted.endpoint_url, wanted.jwks_uri, list(wanted.hosts)
    row.full_clean(validate_constraints=False, validate_unique=False)
    with keysets.may_move(party=Party.objects.get(pk=row.aggregator_id)):
        row.save(update_fields=changed)
    return changed


def put_keys(*, party: Party, jwks_uri: str) -> None:
    """Write down where a company's keys are, inside the caller's transaction."""
    with keysets.may_move(party=party):
        party.jwks_uri = jwks_uri
        party.save(update_fields=["jwks_uri"])


@transaction.atomic
def set_endpoints_by_operator(*, row: Contract, wanted: Endpoints, actor: str, at: datetime) -> None:
    """Write a contract's endpoints down by the operator's word alone.

    Where that takes the place of what counts for the partner, an incident tells the officers: the database refuses it
    without. Locks the contract.
    """
    guards.lock_target(of="contract", target_id=row.pk)
    replaced, was = not row.is_draft and list_replaced_endpoints(row=row, wanted=wanted), endpoints_of(row=row)
    if replaced:
        _tell_officers(row, row.aggregator, [*_values(was), *_values(wanted)], at)
    put_endpoints(row=row, wanted=wanted)
    if replaced:
        said = describe_endpoints(row=row, was=was)
        guards.note_on(action="contract.endpoints_set", actor=actor, row=row, at=at, reason="", detail=said)


@transaction.atomic
def move_keys_by_operator(*, party: Party, jwks_uri: str, actor: str, at: datetime) -> None:
    """Write down where a company's keys are by the operator's word alone; officers are told in the same way."""
    moved, was = moves_keys(party=party, jwks_uri=jwks_uri), keysets.jwks_uri_of(party=party)
    if moved:
        _tell_officers(party, party, [party.jwks_uri, jwks_uri], at)
    put_keys(party=party, jwks_uri=jwks_uri)
    if moved:
        said = {"was": was, "now": keysets.jwks_uri_of(party=party)}
        guards.note_on(action="party.keys_moved", actor=actor, row=party, at=at, reason="", detail=said)


def _tell_officers(row: Contract | Party, party: Party, values: Sequence[str], at: datetime) -> None:
    """By an incident under what was and what becomes, as the database looks for it (`sql/addresses.sql`)."""
    change = sha256("\n".join(values).encode()).hexdigest()
    audit.actions.open_incident(
        kind=Incident.Kind.ADDRESSES_BY_OPERATOR, key=f"{guards.target_of(row=row)}:{change}", subject=party.uri, at=at
    )


def _values(endpoints: Endpoints) -> list[str]:
    return [endpoints.endpoint_url, endpoints.jwks_uri, " ".join(endpoints.hosts)]
