"""The API clients and authorised agents as officers see them, and the keys that an act would replace.

Of agents' requests only counts are shown: whose they are is their person's alone.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from django.db.models import Count

from console.queries.proposals import OpenProposal, list_open_proposals
from partners.clients import http
from partners.domain.keysets import fetch_published_keys, jwks_uri_of, on_own_host
from partners.models import AgentRequest, AuthorizedAgent, Client, Contract, PartnerKeySet, Party, Proposal
from partners.policies import loosening
from partners.policies.loosening import BadProposal, MoveKeys, SetEndpoints
from partners.primitives import tokens
from partners.primitives.tokens import BadToken, Json
from partners.queries import key_of, thumbprint_of
from support.queries.history import RecordedAct, done_to


@dataclass(frozen=True)
class MachinePage:
    """A machine. `key`: its key's thumbprint (RFC 7638), "" where what is kept makes none. `kty`: what sort it is."""

    machine: Client
    key: str
    kty: str
    asked: Sequence[OpenProposal]
    history: Sequence[RecordedAct]

    @property
    def is_new(self) -> bool:
        """Whether it was never let in."""
        return self.machine.disabled_at is not None and self.machine.changed_at is None

    @property
    def waits(self) -> bool:
        """Whether it is proposed already to let it in, or to change how it signs in."""
        return any(one.proposal.act == Proposal.Act.ENABLE_MACHINE for one in self.asked)


@dataclass(frozen=True)
class KeyReplacement:
    """What would be put in the place of what: thumbprints (RFC 7638), and the addresses where the keys stand.

    `found` is None where nothing that is a JWK Set stands at the new address now.
    """

    known: Sequence[str]
    found: Sequence[str] | None
    was: str = ""
    address: str = ""
    template: ClassVar[str] = "replace.html"

    @property
    def seal(self) -> Sequence[object]:
        """Of the keys that were shown, and of where they stand."""
        return [list(self.known), None if self.found is None else list(self.found), self.was, self.address]


def machine_page(*, number: int, at: datetime) -> MachinePage | None:
    """Return everything about one machine; None where there is none."""
    machine = Client.objects.select_related("party").filter(number=number).first()
    if machine is None:
        return None
    return MachinePage(
        machine=machine,
        key=thumbprint_of(machine=machine),
        kty=str(machine.public_jwk.get("kty", "")),
        asked=list_open_proposals(of="machine", target_id=number, at=at),
        history=done_to(target=f"machine:{number}", also=f"client:{machine.client_id}"),
    )


def key_replaced(*, machine: Client, public_jwk: Mapping[str, Json]) -> KeyReplacement | None:
    """Return what another key would replace; None where it is no usable key, or the one that the machine has."""
    try:
        found = tokens.thumbprint(dict(public_jwk))
    except BadToken:
        return None
    known = thumbprint_of(machine=machine)
    return None if found == known else KeyReplacement(known=[known] if known else [], found=[found])


def keys_moved(*, party: Party, was: str, address: str, own_host: bool) -> KeyReplacement | None:
    """Return what another address of a company's keys would replace; None where none was known, or it could not be set.

    Fetches the keys that stand there now: speaks HTTP, never inside a transaction. `own_host`: whether it must be the
    company's own host.
    """
    if not was or was == address:
        return None
    known = _thumbprints(_list_partner_keys(party))
    if not address:
        return KeyReplacement(known, (), was=was)
    if http.find_url_refusal(url=address) or (own_host and not on_own_host(uri=party.uri, jwks_uri=address)):
        return None
    keys = fetch_published_keys(url=address)
    return KeyReplacement(known, None if keys is None else _thumbprints(keys), was=was, address=address)


def keys_proposed(*, proposal: Proposal) -> KeyReplacement | None:
    """Return the keys that a yes to this proposal would put in the place of others; None where it moves no address.

    Fetches the keys that stand there now: speaks HTTP, never inside a transaction.
    """
    if proposal.decision or proposal.act not in {Proposal.Act.MOVE_KEYS, Proposal.Act.SET_ENDPOINTS}:
        return None
    try:
        wanted = loosening.read(act=proposal.act, of=proposal.of, payload=proposal.payload)
    except BadProposal:  # of an older release: its page says so
        return None
    if isinstance(wanted, SetEndpoints):
        contract = Contract.objects.select_related("aggregator").get(pk=proposal.target_id)
        return keys_moved(party=contract.aggregator, was=wanted.was.jwks_uri, address=wanted.jwks_uri, own_host=False)
    if not isinstance(wanted, MoveKeys):
        return None
    party = Party.objects.get(pk=proposal.target_id)
    address = jwks_uri_of(party=Party(pk=party.pk, jwks_uri=wanted.jwks_uri))
    return keys_moved(party=party, was=wanted.was, address=address, own_host=bool(wanted.jwks_uri))


def _list_partner_keys(party: Party) -> list[dict[str, Json]]:
    held = PartnerKeySet.objects.filter(party=party).first()
    keys = held.jwks.get("keys", []) if held else []
    return [key for key in keys if isinstance(key, dict)]


def _thumbprints(keys: Sequence[dict[str, Json]]) -> list[str]:
    found = []
    for key in keys:
        try:
            found.append(tokens.thumbprint(key))
        except BadToken:
            continue
    return found


COUNTED_FOR = timedelta(days=30)


@dataclass(frozen=True)
class AgentPage:
    """An agent. `asked`: what is proposed about it. `counts`: what became of what it asked in 30 days, in words."""

    agent: AuthorizedAgent
    key: str
    asked: Sequence[OpenProposal]
    counts: Sequence[tuple[str, int]]
    history: Sequence[RecordedAct]

    @property
    def was_let_in(self) -> bool:
        """Whether it could ever ask: one that could not is new, and none that was suspended."""
        return self.agent.ended_at is None or self.agent.ended_at > self.agent.registered_at

    @property
    def waits(self) -> bool:
        """Whether it is proposed already that it may ask."""
        return any(one.proposal.act == Proposal.Act.LET_AGENT_ASK for one in self.asked)


def agent_page(*, number: int, at: datetime) -> AgentPage | None:
    """Return everything about one agent; None where there is none."""
    agent = AuthorizedAgent.objects.filter(number=number).first()
    if agent is None:
        return None
    return AgentPage(
        agent=agent,
        key=key_of(agent=agent),
        asked=list_open_proposals(of="authorized", target_id=number, at=at),
        counts=_counts(agent, at),
        history=done_to(target=f"authorized:{number}", also=f"agent:{agent.pk}"),
    )


def count_agent_requests(*, agent_ids: Collection[str], at: datetime) -> Mapping[str, tuple[int, int]]:
    """How many requests of each agent came in 30 days, and how many of them their person confirmed. One statement."""
    rows = AgentRequest.objects.filter(agent__in=agent_ids, received_at__gt=at - COUNTED_FOR)
    found: dict[str, tuple[int, int]] = dict.fromkeys(agent_ids, (0, 0))
    for agent_id, status, n in rows.values_list("agent_id", "status").annotate(Count("pk")):
        asked, done = found[agent_id]
        found[agent_id] = (asked + n, done + (n if status == AgentRequest.Status.FULFILLED else 0))
    return found


def _counts(agent: AuthorizedAgent, at: datetime) -> list[tuple[str, int]]:
    rows = AgentRequest.objects.filter(agent=agent, received_at__gt=at - COUNTED_FOR)
    counted = {(status, reason): n for status, reason, n in rows.values_list("status", "reason").annotate(Count("pk"))}
    return [(_describe_status(status, reason), n) for (status, reason), n in sorted(counted.items())]


def _describe_status(status: str, reason: str) -> str:
    state = AgentRequest.Status(status)
    why = AgentRequest.Reason(reason).label if reason and state != AgentRequest.Status.IN_PROGRESS else ""
    return f"{state.label}: {why}" if why else str(state.label)
