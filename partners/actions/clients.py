"""API clients by the operator's own commands: registered, given another key, bound to a certificate, disabled.

What officers do about them is in `machines`, where letting one in takes two. An operator does it alone, so that a
carrier can begin before it has officers: each such act is in the trail and opens an incident for the officers.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction

import audit.actions
from audit.models import Incident
from partners.actions import guards
from partners.models import Client, Party
from partners.policies import identifiers
from partners.policies.lifecycle import NotNow
from partners.primitives import tokens
from partners.primitives.tokens import Json

EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


@transaction.atomic
def register_client(
    *,
    client_id: str,
    kind: Client.Kind,
    public_jwk: Mapping[str, Json],
    party: Party | None,
    actor: str,
    at: datetime,
    reason: str = "",
) -> Client:
    """Let a machine ask for tokens with the private half of this key; a known one gets the new key in the old's place.

    One that is disabled stays so: two officers let it in again. With the key it has nothing is done. `party`: for an
    aggregator only. Raises BadToken for a key that is not EC P-256 or RSA, and NotNow where the name is another's: a
    machine stays what it is and whose it is.
    """
    key = tokens.public_part(dict(public_jwk))
    known = Client.objects.select_for_update().filter(client_id=client_id).first()
    if known is None:
        _refuse_bad_id(client_id)
        client = Client.objects.create(client_id=client_id, kind=kind, party=party, public_jwk=key, disabled_at=at)
        return _change(client, "client.registered", actor, reason, at, disabled_at=None)
    if (known.kind, known.party_id) != (kind, party.pk if party else None):
        raise NotNow(f"{client_id} is registered as another machine. Choose another client id.")
    if known.public_jwk == key:
        return known
    return _change(known, "client.key_changed", actor, reason, at, public_jwk=key)


@transaction.atomic
def restore_key(*, client_id: str, public_jwk: Mapping[str, Json], actor: str, reason: str, at: datetime) -> bool:
    """Give a machine once more the key that it had before a backup was restored. Returns whether it had another."""
    client = Client.objects.select_for_update().filter(client_id=client_id).exclude(public_jwk=public_jwk).first()
    if client is None:
        return False
    _change(client, "client.key_changed", actor, reason, at, public_jwk=dict(public_jwk))
    return True


@transaction.atomic
def disable_client(*, client_id: str, actor: str, reason: str, at: datetime) -> Client:
    """Let a machine in no more: its tokens end at once. To let it in again takes two officers."""
    client = _lock_client(client_id)
    if client.disabled_at is not None:
        raise NotNow(f"{client_id} is disabled already.")
    client.disabled_at = at
    client.save(update_fields=["disabled_at"])
    _record_client_event("client.disabled", client, actor, reason, at)
    return client


@transaction.atomic
def bind_client(*, client_id: str, certificate: str, actor: str, reason: str, at: datetime) -> Client:
    """Bind a machine's tokens to this certificate (PEM), "" to none. Tokens bound to another end at once.

    Counts where MTLS_CLIENT_CERTIFICATES is on. Raises NoCertificate.
    """
    client = _lock_client(client_id)
    if certificate:
        bound_to = tokens.certificate_thumbprint(certificate)
        return _change(client, "client.bound", actor, reason, at, certificate_sha256=bound_to)
    client.certificate_sha256 = ""
    client.save(update_fields=["certificate_sha256"])
    _record_client_event("client.bound", client, actor, reason, at)
    return client


def _refuse_bad_id(client_id: str) -> None:
    try:
        identifiers.check_client_id(client_id)
    except ValidationError as error:
        raise NotNow(" ".join(error.messages)) from error


def _lock_client(client_id: str) -> Client:
    client = Client.objects.select_for_update().filter(client_id=client_id).first()
    if client is None:
        raise NotNow(f"There is no machine {client_id}.")
    return client


def _change(client: Client, action: str, actor: str, reason: str, at: datetime, **changed: object) -> Client:
    """Change what a machine signs in with, and open the incident without which the database refuses the change."""
    client.changed_at = at if client.changed_at is None else max(at, client.changed_at + MICROSECOND)
    for name, value in changed.items():
        setattr(client, name, value)
    target = guards.machine_target(number=client.number)
    moment = (client.changed_at - EPOCH) // MICROSECOND
    audit.actions.open_incident(kind=Incident.Kind.MACHINE_BY_OPERATOR, key=f"{target}:{moment}", subject=target, at=at)
    client.save(update_fields=["changed_at", *changed])
    _record_client_event(action, client, actor, reason, at)
    return client


def _record_client_event(action: str, client: Client, actor: str, reason: str, at: datetime) -> None:
    audit.actions.record(
        action=action,
        actor=actor,
        target=f"client:{client.client_id}",
        at=at,
        reason=reason,
        detail={
            "kind": str(client.kind),
            "key": tokens.thumbprint(client.public_jwk),
            "certificate": client.certificate_sha256,
        },
    )
