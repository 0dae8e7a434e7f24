"""What officers do about authorised agents: to let one ask for people takes two (`proposals`), to shut it out one."""

import re
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Collection
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest

import audit.actions
from accounts.policies.permissions import StaffAction
from accounts.primitives.reasons import has_visible_text
from partners.actions import guards
from partners.actions.proposals import MICROSECOND, end_open, propose
from partners.models import AgentRequest, AuthorizedAgent, Proposal
from partners.policies.lifecycle import NotNow
from partners.queries import key_of

NAMED = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,59}")
NO_KEY = "This is no public Ed25519 key in base64."
SUSPENDED = "The agent was suspended since: propose it again."
HOST = re.compile(r"(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}(:\d{2,5})?")


@transaction.atomic
def register_agent(
    *, agent_id: str, name: str, key: str, hosts: Collection[str], reason: str, actor: str, at: datetime
) -> AuthorizedAgent:
    """Write an agent down and propose that it may ask for people. It may not until another officer agrees.

    `agent_id`, `key`: as the protocol's directory has them, the key Ed25519 in base64. `hosts`: where it may be called
    back. Raises ValidationError (by field), NotNow where the id is known, StaffOnly.
    """
    officer = guards.officer(actor=actor, reason=reason)
    _check(name, key, hosts)
    if not NAMED.fullmatch(agent_id):
        raise ValidationError(
            {"agent_id": "A letter, and then up to 59 letters, digits, dots, dashes and underscores."}
        )
    if AuthorizedAgent.objects.filter(pk=agent_id).exists():
        raise NotNow(f"{agent_id} is already registered. Propose what it may do from its own page.")
    with guards.first(message=f"{agent_id} was registered a moment ago, by you or another officer."):
        agent = AuthorizedAgent.objects.create(
            id=agent_id, name=name, verify_key=b64decode(key), hosts=sorted(hosts), registered_at=at, changed_at=at,
            ended_at=at,
        )  # fmt: skip
    _note("authorized.registered", officer, agent, at, reason)
    propose_agent(number=agent.number, name=name, key=key, hosts=hosts, reason=reason, actor=actor, at=at)
    return agent


@transaction.atomic
def propose_agent(
    *, number: int, name: str, key: str, hosts: Collection[str], reason: str, actor: str, at: datetime
) -> Proposal:
    """Propose that an agent may ask for people under this name, with this key and these hosts: also if it may already.

    Until another officer agrees it may what it may now. Raises ValidationError (by field), NotNow, StaffOnly.
    """
    _check(name, key, hosts)
    return propose(
        act=Proposal.Act.LET_AGENT_ASK, of=Proposal.Of.AUTHORIZED, target_id=number,
        payload={"name": name, "key": key, "hosts": sorted(hosts)}, reason=reason, actor=actor, at=at,
    )  # fmt: skip


@transaction.atomic
def suspend_agent(*, number: int, reason: str, actor: str, at: datetime) -> AuthorizedAgent:
    """Let an agent ask for nobody any more: its token ends at once, and nobody can answer what it asked.

    What waits for a person's answer is over from here, for good (`consent.workers.agent_callbacks` closes it), and
    what was proposed about it is taken off the officers' list. It is told of nothing more. What people confirmed stays.
    Raises NotNow where it may not ask as it is, StaffOnly.
    """
    officer = guards.officer(actor=actor, reason=reason, action=StaffAction.SUSPEND)
    # Proposals before what they are about, as where one is agreed to.
    end_open(act=Proposal.Act.LET_AGENT_ASK, of=Proposal.Of.AUTHORIZED, target_id=number, reason=SUSPENDED, at=at)
    agent = AuthorizedAgent.objects.select_for_update(of=("self",)).filter(number=number).first()
    if agent is None:
        raise NotNow("There is no such agent.")
    if agent.ended_at is not None:
        raise NotNow(f"{agent.pk} may not act for anyone now.")
    agent.ended_at = agent.changed_at = at
    agent.token_hash = None
    agent.save(update_fields=["ended_at", "changed_at", "token_hash"])
    _note("authorized.suspended", officer, agent, at, reason)
    _end_what_is_open(agent, at)
    return agent


def _end_what_is_open(agent: AuthorizedAgent, at: datetime) -> None:
    waiting = AgentRequest.objects.filter(agent=agent, closed_at__isnull=True, expires_at__gt=at)
    waiting.update(expires_at=Greatest(Value(at), F("received_at") + MICROSECOND))
    AgentRequest.objects.filter(agent=agent, notify_at__isnull=False).update(notify_at=None)


def _check(name: str, key: str, hosts: Collection[str]) -> None:
    """Raises ValidationError (by field)."""
    if not has_visible_text(name) or len(name) > 200:
        raise ValidationError({"name": "What people call it, up to 200 letters: it stands on the page that asks them."})
    try:
        given = b64decode(key, validate=True)
        Ed25519PublicKey.from_public_bytes(given)
    except (Error, ValueError) as error:
        raise ValidationError({"key": NO_KEY}) from error
    # Written in another way the same key would not be the one that the database compares with what was agreed on.
    if b64encode(given).decode() != key:
        raise ValidationError({"key": NO_KEY})
    wrong = [host for host in hosts if not HOST.fullmatch(host)]
    if wrong:
        raise ValidationError({"hosts": f"This is no name of a host: {wrong[0][:80]}"})


def _note(action: str, officer: str, agent: AuthorizedAgent, at: datetime, reason: str) -> None:
    said = {"ref": agent.pk, "name": agent.name, "key": key_of(agent=agent), "hosts": agent.hosts}
    audit.actions.record(
        action=action, actor=officer, target=guards.agent_target(number=agent.number), at=at, reason=reason, detail=said
    )
