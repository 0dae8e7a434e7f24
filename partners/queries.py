"""What is asked about partners."""

from base64 import b64encode
from datetime import datetime

from django.db.models import Exists, OuterRef

from partners.models import AuthorizedAgent, Client, Contract, Suspension
from partners.policies.lifecycle import running
from partners.primitives import tokens


def has_contract_in_force(*, party_id: int, at: datetime) -> bool:
    """Return whether any agreement with this aggregator is in force and not suspended at `at`. One statement."""
    held = running(at=at)
    return (
        Contract.objects.filter(aggregator_id=party_id, is_draft=False, starts_at__lte=at, ends_at__gt=at)
        .exclude(Exists(held.filter(of=Suspension.Of.PARTY, target_id=OuterRef("aggregator_id"))))
        .exclude(Exists(held.filter(of=Suspension.Of.CONTRACT, target_id=OuterRef("pk"))))
        .exists()
    )


def thumbprint_of(*, machine: Client) -> str:
    """RFC 7638's name for the key that this machine signs in with; "" where what is kept makes none."""
    try:
        return tokens.thumbprint(machine.public_jwk)
    except tokens.BadToken:
        return ""


def key_of(*, agent: AuthorizedAgent) -> str:
    """Return an authorised agent's public key, as its protocol's directory writes it: base64."""
    return b64encode(bytes(agent.verify_key)).decode()
