"""Campaigns whose requests name their recipient: for whom each of them has to be asked about one by one."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from django.db import connection

from consent.models import LineGate
from partners.labels import party_name
from partners.models import Campaign, Party

# A campaign and for whom it asks, a party's URI; "" for nobody in particular.
type Asked = tuple[Campaign, str]


def list_parties_answered_by_name(
    *, known: Sequence[Campaign], row: LineGate, recipients: Collection[tuple[str, str]]
) -> list[Asked]:
    """Of these pairs of campaign and party those that may get an answer of their own, and whomever the line stopped.

    A stop of the aggregator or the provider covers whomever they ask for.
    """
    said = {key.removeprefix("party:") for key in (*row.stops, *row.pauses) if key.startswith("party:")}
    found = []
    for campaign in known:
        if campaign.names_recipient:
            wanted = {uri for ref, uri in recipients if ref == campaign.ref} | (said & {*campaign.cover.parties})
            found += [(campaign, uri) for uri in sorted(wanted - {*campaign.cover.named_parties})]
    return found


def is_refused_by_name(*, uri: str, row: LineGate) -> bool:
    """Whether a stop or pause names this party itself."""
    return f"party:{uri}" in row.stops or f"party:{uri}" in row.pauses


def kin_of(*, uris: Collection[str]) -> Mapping[str, list[str]]:
    """By party: those whose stops and pauses cover it, itself among them. One query, or none."""
    if not uris:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT uri, partners_kin_of('party', ARRAY[uri]) FROM unnest(%s::text[]) AS uri", [sorted(uris)]
        )
        return dict(cursor.fetchall())


def names_of(*, uris: Iterable[str]) -> Mapping[str, str]:
    """What pages call these parties. One query, or none."""
    wanted = set(uris)
    if not wanted:
        return {}
    return {party.uri: party_name(party.name, party.uri) for party in Party.objects.filter(uri__in=wanted)}
