"""The machines that sign in, and the keys that an act would put in the place of those that are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from console.queries.proposals import OpenProposal, list_open_proposals
from partners.clients import http
from partners.domain.keysets import fetch_published_keys, on_own_host
from partners.models import Client, PartnerKeySet, Party, Proposal
from partners.primitives import tokens
from partners.primitives.tokens import BadToken, Json
from partners.queries import thumbprint_of
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
    """Everything about one machine; None where there is none."""
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
    """What another key would replace; None where it is no usable key, or the one that the machine has."""
    try:
        found = tokens.thumbprint(dict(public_jwk))
    except BadToken:
        return None
    known = thumbprint_of(machine=machine)
    return None if found == known else KeyReplacement(known=[known] if known else [], found=[found])


def keys_moved(*, party: Party, was: str, address: str, own_host: bool) -> KeyReplacement | None:
    """What another address of a company's keys would replace; None where none was known, or it could not be set.

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
