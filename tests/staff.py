"""People of the privacy office, as the trail names them."""

import itertools
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from accounts.models import User
from accounts.policies.permissions import actor_of
from audit.queries import database_clock
from partners.actions.addresses import endpoints_of
from partners.actions.clients import register_client, register_machine
from partners.actions.notices import propose_notice, publish_notice
from partners.actions.proposals import carry_out, mark_agreed
from partners.domain.keysets import jwks_uri_of
from partners.models import Client, Contract, NoticeText, Party, Proposal
from partners.policies.loosening import as_json
from partners.primitives.tokens import Json
from tests.partners.outside import Signer

counter = itertools.count(1)


def a_staff_user(role: str = "officer", **fields: Any) -> User:
    """Somebody of staff with an e-mail and no password."""
    n = next(counter)
    return User.objects.create_user(f"{role}{n}", f"{role}{n}@carrier.example", role=role, **fields)


def an_actor(role: str = "officer") -> str:
    """The name in the trail of somebody new of this role."""
    return actor_of(a_staff_user(role))


def an_agreed_proposal(
    act: str, of: str, target_id: int, *, at: datetime, payload: dict[str, Any] | None = None
) -> Proposal:
    """What one officer proposed and another agreed to, both at `at`; what it proposes is not done."""
    proposal = Proposal.objects.create(
        id=uuid.uuid4(), act=act, of=of, target_id=target_id, payload=payload or {}, reason="test",
        proposed_by=an_actor(), proposed_at=at,
    )  # fmt: skip
    proposal.decision, proposal.decided_by, proposal.decided_at = Proposal.Decision.AGREED, an_actor(), at
    proposal.save(update_fields=["decision", "decided_by", "decided_at"])
    return proposal


def move_endpoints(contract: Contract, **endpoints: object) -> None:
    """Change a contract's endpoints as if two officers had agreed just now, whatever the door out thinks of them."""
    was = as_json(endpoints_of(row=Contract.objects.get(pk=contract.pk)))
    payload = {**was, **endpoints, "was": was}
    an_agreed_proposal("set_endpoints", "contract", contract.pk, payload=payload, at=database_clock())
    Contract.objects.filter(pk=contract.pk).update(**endpoints)


def move_keys(party: Party, jwks_uri: str) -> None:
    """Change the address of a company's keys as if two officers had agreed just now."""
    payload = {"jwks_uri": jwks_uri, "was": jwks_uri_of(party=Party.objects.get(pk=party.pk))}
    an_agreed_proposal("move_keys", "party", party.pk, payload=payload, at=database_clock())
    Party.objects.filter(pk=party.pk).update(jwks_uri=jwks_uri)


def a_notice(
    body: str, *, use: str = "stop", language: str = "en", at: datetime, starts_at: datetime | None = None
) -> NoticeText:
    """A wording that two officers have agreed to just now. `starts_at`: None: it counts from then on."""
    proposal = propose_notice(
        use=use, language=language, body=body, starts_at=starts_at or at, reason="Plainer.", actor=an_actor(), at=at
    )
    agreed = mark_agreed(proposal_id=proposal.pk, reason="Read.", actor=an_actor(), at=at)
    return publish_notice(proposal=agreed, at=at)


def a_machine(client_id: str, kind: str, *, public_jwk: Mapping[str, Json], party: str = "") -> Client:
    """A machine that two officers have let in just now. `party`: an aggregator's URI."""
    at = database_clock()
    machine = register_machine(
        client_id=client_id, kind=kind, public_jwk=public_jwk, party=party, reason="test", actor=an_actor(), at=at
    )
    proposal = Proposal.objects.get(of=Proposal.Of.MACHINE, target_id=machine.number, decision="")
    agreed = mark_agreed(proposal_id=proposal.pk, reason="test", actor=an_actor(), at=at)
    carry_out(proposal=agreed, at=at)
    machine.refresh_from_db()
    return machine


def a_client(
    signer: Signer, kind: str = Client.Kind.GATEWAY, *, party: Party | None = None, at: datetime | None = None
) -> Client:
    """A machine that an operator has registered, with this key."""
    return register_client(
        client_id=signer.uri, kind=Client.Kind(kind), public_jwk=dict(signer.public), party=party, actor="system:test",
        at=at or database_clock(),
    )  # fmt: skip
