"""The machines that may sign in: registered, bound to a certificate, disabled; by the operator's own commands.

What officers do about them stands in `machines`.
"""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

import audit.actions
from partners import certificates, tokens
from partners.lifecycle import NotNow
from partners.models import Client, Party
from partners.tokens import Json


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

    One that is disabled stays so: two officers let it in again. `party`: for an aggregator only. Raises BadToken for a
    key that is not EC P-256 or RSA, and NotNow where the name is another's: a machine stays what it is and whose it is.
    """
    key = tokens.read_jwk(dict(public_jwk))
    known = Client.objects.select_for_update().filter(client_id=client_id).first()
    if known is not None and (known.kind, known.party_id) != (kind, party.pk if party else None):
        raise NotNow(f"{client_id} is registered as another machine. Choose another client id.")
    client, made = Client.objects.update_or_create(
        client_id=client_id,
        defaults={"kind": kind, "party": party, "public_jwk": key.as_dict(private=False)},
    )
    verb = "client.registered" if made else "client.key_changed"
    _written_down(verb, client, actor, reason, at)
    return client


@transaction.atomic
def disable_client(*, client_id: str, actor: str, reason: str, at: datetime) -> Client:
    """Let a machine in no more: its tokens end at once. To let it in again takes two officers."""
    client = _known(client_id)
    if client.disabled_at is not None:
        raise NotNow(f"{client_id} is disabled already.")
    client.disabled_at = at
    client.save(update_fields=["disabled_at"])
    _written_down("client.disabled", client, actor, reason, at)
    return client


@transaction.atomic
def bind_client(*, client_id: str, certificate: str, actor: str, reason: str, at: datetime) -> Client:
    """Bind a machine's tokens to this certificate (PEM), "" to none. Tokens bound to another end at once.

    Counts where MTLS_CLIENT_CERTIFICATES is on. Raises NoCertificate.
    """
    client = _known(client_id)
    client.certificate_sha256 = certificates.thumbprint_of(certificate) if certificate else ""
    client.save(update_fields=["certificate_sha256"])
    _written_down("client.bound", client, actor, reason, at)
    return client


def _known(client_id: str) -> Client:
    client = Client.objects.select_for_update().filter(client_id=client_id).first()
    if client is None:
        raise NotNow(f"There is no machine {client_id}.")
    return client


def _written_down(action: str, client: Client, actor: str, reason: str, at: datetime) -> None:
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
