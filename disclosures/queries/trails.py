"""The way a location took, as hops with names: carrier, aggregator, location service, end customer."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from partners.labels import UNKNOWN, party_name
from partners.models import Party

NO_ID = 0


@dataclass(frozen=True)
class NamedParty:
    """A party as pages name it. `id` is 0 where we hold nothing about it but its address."""

    id: int
    uri: str
    name: str
    kind: str = Party.Kind.UNNAMED
    about: str = ""
    website: str = ""


@dataclass(frozen=True)
class Hop:
    """One stop of a trail. `lost`: somebody was here, or after here, and we do not know who."""

    name: str
    role: Literal["carrier", "aggregator", "service", "next"]
    id: int = NO_ID
    lost: bool = False


class Parties:
    """The parties behind a set of addresses, read once."""

    def __init__(self, found: Mapping[str, NamedParty]) -> None:
        self._found = found

    def __getitem__(self, uri: str) -> NamedParty:
        return self._found.get(uri) or NamedParty(NO_ID, uri, party_name("", uri))

    @classmethod
    def read(cls, uris: Collection[str]) -> "Parties":
        """Read the parties of these addresses in one query. A page can't lead to anyone called "unknown"."""
        return cls(
            {
                party.uri: NamedParty(
                    party.pk, party.uri, party_name(party.name, party.uri), party.kind, party.about, party.website
                )
                for party in Party.objects.filter(uri__in=uris).exclude(uri=UNKNOWN)
            }
        )


def company_of(*, path: Sequence[str]) -> str:
    """Return whose act a disclosure is: the first known party after the aggregator, else the aggregator."""
    return next((uri for uri in path[1:] if uri != UNKNOWN), path[0] if path else UNKNOWN)


def _before_the_unnamed(path: Sequence[str]) -> set[str]:
    """Return who can be stopped where nobody can name who received it: the last known party before each such place."""
    places = [place for place, uri in enumerate(path) if uri == UNKNOWN] or ([1] if len(path) == 1 else [])
    known = (_get_last_named(path[:place]) for place in places)
    return {uri for uri in known if uri}


def _get_last_named(path: Sequence[str]) -> str:
    return next((uri for uri in reversed(path) if uri != UNKNOWN), "")


def trail(*, path: Sequence[str], parties: Parties) -> tuple[Hop, ...]:
    """Return the hops of a path, the carrier first. A missing hop is said."""
    hops = [Hop("", "carrier")]
    for place, uri in enumerate(path):
        role: Literal["aggregator", "service", "next"] = ("aggregator", "service", "next")[min(place, 2)]
        known = parties[uri]
        hops.append(Hop("" if uri == UNKNOWN else known.name, role, known.id, lost=uri == UNKNOWN))
    if len(path) == 1:
        hops.append(Hop("", "next", lost=True))
    return tuple(hops)


def describe_reported_path(*, paths: Iterable[Sequence[str]], parties: Parties) -> tuple[NamedParty, ...]:
    """Whom to stop for the sake of those in these paths that nobody can name, by name."""
    uris = {uri for path in paths for uri in _before_the_unnamed(path)}
    return tuple(sorted((parties[uri] for uri in uris), key=lambda known: (known.name.casefold(), known.uri)))


def uris_of(*, paths: Iterable[Sequence[str]]) -> set[str]:
    """Return every address in these paths."""
    return {uri for path in paths for uri in path}
