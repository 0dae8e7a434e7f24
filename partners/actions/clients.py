"""API clients: let one in, give it another key, bind it to a certificate, disable it.

By officers it takes two to let one in, or to give it another key or certificate (`proposals`), and one to disable it or
take its certificate away. An operator does all of it alone by commands, so that a carrier can begin before it has
officers: each such act is in the trail and opens an incident for the officers.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction

import audit.actions
from audit.models import Incident
from partners.actions import guards
from partners.actions.proposals import end_open, propose
from partners.models import Client, Party, Proposal
from partners.policies import identifiers
from partners.policies.lifecycle import NotNow
from partners.primitives import tokens
from partners.primitives.tokens import BadToken, Json
from partners.queries import thumbprint_of

EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
DISABLED = "The machine was disabled since: propose it again."


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
        raise NotNow(f"{client_id} is already the id of another API client. Choose another id.")
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
        raise NotNow(f"{client_id} is already disabled.")
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
        raise NotNow(f"There is no API client {client_id}.")
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


@transaction.atomic
def register_machine(
    *, client_id: str, kind: str, public_jwk: Mapping[str, Json], party: str, reason: str, actor: str, at: datetime
) -> Client:
    """Write a machine down, disabled, and propose to let it in with the private half of this key (a JWK).

    It gets no token before another officer agrees. `party`: an aggregator's URI, or "". Raises ValidationError (by
    field) for a key that is not EC P-256 or RSA and for a party that does not fit, NotNow where the client id is known,
    StaffOnly.
    """
    name = guards.officer(actor=actor, reason=reason)
    faults, key = guards.Faults(), dict[str, str]()
    faults.check("client_id", identifiers.check_client_id, client_id)
    try:
        key = _public(public_jwk)
    except ValidationError as error:
        faults.add(error)
    owner = Party.objects.filter(uri=party, kind=Party.Kind.AGGREGATOR).first() if party else None
    if kind not in Client.Kind.values or (kind == Client.Kind.AGGREGATOR) != (owner is not None):
        faults.note("party", "An aggregator's machine belongs to its party; the carrier's own belong to none.")
    faults.raise_if_any()
    if Client.objects.filter(client_id=client_id).exists():
        raise NotNow(f"{client_id} is already registered. Replace its key from its own page.")
    with guards.first(message=f"{client_id} was registered a moment ago, by you or another officer."):
        machine = Client.objects.create(client_id=client_id, kind=kind, party=owner, public_jwk=key, disabled_at=at)
    _note_officers_act("machine.registered", name, machine, at, reason)
    _propose(machine, reason, actor, at)
    return machine


@transaction.atomic
def propose_key(
    *, number: int, public_jwk: Mapping[str, Json], was: str, reason: str, actor: str, at: datetime
) -> Proposal:
    """Propose another key in place of the one the machine has, whose thumbprint (RFC 7638) is `was`.

    Until another officer agrees the machine signs in as before, or not at all. Then it is let in with the new key.
    Raises ValidationError (by field) for what is no key, NotNow where it has another key than `was` by now, or this
    very one; StaffOnly.
    """
    machine = _lock_machine(number)
    key = _public(public_jwk)
    if thumbprint_of(machine=machine) != was:
        raise NotNow(f"The key of {machine.client_id} has changed since you opened this page. Check it again.")
    if tokens.thumbprint(dict(key)) == was:
        raise NotNow(f"This is already the key of {machine.client_id}.")
    return _propose(machine, reason, actor, at, public_jwk=key)


@transaction.atomic
def propose_certificate(*, number: int, certificate: str, reason: str, actor: str, at: datetime) -> Proposal:
    """Propose to bind a machine's tokens to this certificate (PEM). Tokens bound to another end when it is agreed to.

    Counts where MTLS_CLIENT_CERTIFICATES is on. Raises ValidationError for what is no certificate, NotNow where it is
    bound to this one, StaffOnly.
    """
    machine = _lock_machine(number)
    try:
        thumbprint = tokens.certificate_thumbprint(certificate)
    except tokens.NoCertificate as error:
        raise ValidationError({"certificate": "This is no certificate in PEM."}) from error
    if machine.certificate_sha256 == thumbprint:
        raise NotNow(f"{machine.client_id} is already bound to this certificate.")
    return _propose(machine, reason, actor, at, certificate=thumbprint)


@transaction.atomic
def disable_machine(*, number: int, reason: str, actor: str, at: datetime) -> Client:
    """Let a machine in no more: its tokens end at once, and what was proposed about it is off the officers' list.

    Raises NotNow where it is disabled already, StaffOnly.
    """
    name = guards.officer(actor=actor, reason=reason)
    # Proposals before what they are about, as where one is agreed to.
    end_open(act=Proposal.Act.ENABLE_MACHINE, of=Proposal.Of.MACHINE, target_id=number, reason=DISABLED, at=at)
    machine = _lock_machine(number)
    if machine.disabled_at is not None:
        raise NotNow(f"{machine.client_id} is already disabled.")
    machine.disabled_at = at
    machine.save(update_fields=["disabled_at"])
    _note_officers_act("machine.disabled", name, machine, at, reason)
    return machine


@transaction.atomic
def unbind_machine(*, number: int, reason: str, actor: str, at: datetime) -> Client:
    """Bind a machine to no certificate. Where MTLS_CLIENT_CERTIFICATES is on it can't sign in until it is bound again.

    Raises NotNow where it is bound to none, StaffOnly.
    """
    name = guards.officer(actor=actor, reason=reason)
    machine = _lock_machine(number)
    if not machine.certificate_sha256:
        raise NotNow(f"{machine.client_id} isn't bound to a certificate.")
    was = machine.certificate_sha256
    machine.certificate_sha256 = ""
    machine.save(update_fields=["certificate_sha256"])
    _note_officers_act("machine.unbound", name, machine, at, reason, was=was)
    return machine


def _propose(machine: Client, reason: str, actor: str, at: datetime, **other: object) -> Proposal:
    """Propose to let it in, with the key and certificate that it has but for what is `other`."""
    return propose(
        act=Proposal.Act.ENABLE_MACHINE, of=Proposal.Of.MACHINE, target_id=machine.number, payload=other,
        reason=reason, actor=actor, at=at,
    )  # fmt: skip


def _lock_machine(number: int) -> Client:
    machine = Client.objects.select_for_update(of=("self",)).filter(number=number).first()
    if machine is None:
        raise NotNow("There is no such API client.")
    return machine


def _public(jwk: Mapping[str, Json]) -> dict[str, str]:
    try:
        return tokens.public_part(dict(jwk))
    except BadToken as error:
        raise ValidationError({"public_jwk": f"This key can't be used: {error}."}) from error


def _note_officers_act(action: str, name: str, machine: Client, at: datetime, reason: str, **more: str) -> None:
    audit.actions.record(
        action=action,
        actor=name,
        target=guards.machine_target(number=machine.number),
        at=at,
        reason=reason,
        detail={
            "ref": machine.client_id,
            "kind": str(machine.kind),
            "key": thumbprint_of(machine=machine),
            "certificate": machine.certificate_sha256,
            **more,
        },
    )
