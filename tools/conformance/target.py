"""Whose end is tried, and where it is."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Event

from django.db.models import Q

from partners.labels import UNKNOWN
from partners.models import Campaign, Contract, Party, Reach
from partners.policies.hosts import events_address_of
from revocations.domain.streams import endpoints

PAUSE_S = 0.25
# Looks again and again until a condition holds, or it is time to give up. Tells which.
type Wait = Callable[[Callable[[], bool]], bool]


class NoTarget(Exception):
    """There is nothing to try; the message says why."""


@dataclass(frozen=True)
class DownstreamParty:
    """A company below the partner, and what it is allowed there."""

    recipient: str
    purpose: str
    scope: str


@dataclass(frozen=True)
class Target:
    """One partner's end. `below`: the companies that our own books name behind it, each once."""

    party: Party
    url: str
    authorization: str
    algorithm: str
    below: tuple[DownstreamParty, ...]

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Authorization": self.authorization} if self.authorization else {}


def target(*, name: str, at: datetime) -> Target:
    """Return the end of the partner of this URI, name or contract. Raises NoTarget."""
    party = _party(name)
    end = endpoints(party_ids=[party.pk])[party.pk]
    if not end.pushed:
        raise NoTarget(f"{party.name} receives by polling: there is no end to push to. Try it by its push stream.")
    url = end.url or events_address_of(party_id=party.pk)
    if not url:
        raise NoTarget(f"no address of {party.name} is known: neither a stream nor a contract has one")
    return Target(party, url, end.authorization, end.algorithm, _below(party, at))


def _party(name: str) -> Party:
    contract = Contract.objects.select_related("aggregator").filter(ref=name).first()
    if contract is not None:
        return contract.aggregator
    found = list(Party.objects.filter(Q(uri=name) | Q(name__iexact=name))[:2])
    if len(found) != 1:
        raise NoTarget(f"{'no' if not found else 'more than one'} party, name or contract {name!r}")
    return found[0]


def _below(party: Party, at: datetime) -> tuple[DownstreamParty, ...]:
    campaigns = Campaign.objects.filter(
        contract__aggregator=party, is_draft=False, contract__is_draft=False, starts_at__lte=at, ends_at__gt=at
    )
    found: dict[str, DownstreamParty] = {}
    for campaign in campaigns.select_related("lbs_provider").order_by("pk"):
        behind = Reach.objects.filter(campaign=campaign).values_list("party__uri", flat=True)
        for uri in (campaign.lbs_provider.uri, *sorted(behind)):
            if uri not in {party.uri, UNKNOWN}:
                found.setdefault(uri, DownstreamParty(uri, campaign.purpose, campaign.scope))
    return tuple(found.values())


def for_seconds(seconds: float) -> Wait:
    """Give up after so many seconds, each time."""

    def wait(condition: Callable[[], bool]) -> bool:
        end, pause = time.monotonic() + seconds, Event()
        while not condition():
            if time.monotonic() >= end:
                return False
            pause.wait(PAUSE_S)
        return True

    return wait
