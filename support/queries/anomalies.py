"""Anomalies as officers see them: under an incident by code, and the rows behind any incident after a reason.

No list or file names a line: it has a code that is good for one incident alone.
"""

import json
from base64 import b32encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.fernet import InvalidToken
from django.db.models import QuerySet

from accounts.primitives.sealing import compute_hmac, seal, unseal
from audit.models import Incident
from disclosures.labels import judgement_in_words
from disclosures.models import Anomaly, AnomalyRule, Judgement
from disclosures.queries.anomaly_rows import START, IncidentRow, Place, list_anomalies, list_anomaly_releases
from disclosures.queries.incident_scope import STATEMENTS, list_incident_rows
from partners.labels import UNKNOWN, party_name, purpose_in_words, sanitise_text
from partners.models import Party
from support.queries.exports import csv_lines

PAGE = 50
# So many rows of a file are held at a time.
PART = 500
COLUMNS = ("line_code", "at", "aggregator", "location_service", "end_customer", "purpose", "judgement")
CONSEQUENCES: Mapping[str, str] = {
    "": "open",
    "suspended": "suspended for the line",
    "stopped": "the person's stop applies",
    "allowed": "allowed by the person since",
    "spared": "needs review: a lifeline, not suspended automatically",
    "ended": "line ended",
    "nobody": "company unknown",
    "old": "too old to suspend",
}
# What is no judgement of the ledger's, and of its judgements those that speak to the person.
SAID: Mapping[str, str] = {
    "disputed": "Claimed and disputed",
    "partner_has": "Allowed at the partner, denied here",
    Judgement.PERMITTED: "The person allowed it",
    Judgement.AFTER_STOP: "After the person stopped",
    Judgement.NO_APPROVAL: "No record of consent",
    Judgement.APPROVAL_UNVERIFIED: "Only the company claims consent",
    Judgement.APPROVAL_EXPIRED: "The person's consent had ended",
    Judgement.JURISDICTION_PROHIBITS: "Not allowed in the person's state",
    Judgement.PRECISION_EXCEEDED: "More precise than the person agreed to",
}
# Incidents that have rows: what is found in the ledger, and what the system found by other ways.
HAVE_ROWS = frozenset({*AnomalyRule.Kind.values, *STATEMENTS})


@dataclass(frozen=True)
class Row:
    """One row behind an anomaly as a page shows it; `hops` are names, the aggregator first."""

    code: str
    at: datetime
    hops: Sequence[str]
    uris: Sequence[str]
    purpose: str
    judgement: str


@dataclass(frozen=True)
class RowsPage:
    """Some of the rows behind an incident. `later`: what the next page is asked by, "" at the end; `first`: no page
    comes before.
    """

    incident: Incident
    rows: Sequence[Row]
    later: str
    first: bool


def anomalies_under(*, incident: Incident) -> QuerySet[Anomaly]:
    """Return what was found under an incident; nothing for one of another kind."""
    return list_anomalies(kind=incident.kind, key=incident.key, subject=incident.subject)


def code_of(*, incident_id: int, line_id: int) -> str:
    """Return what a line is called under one incident: 8 letters and digits that tell nothing."""
    return b32encode(compute_hmac("anomaly-code", f"{incident_id}:{line_id}".encode())).decode()[:8]


def rows_under(*, incident: Incident, at: datetime, rows: int, after: Place = START) -> list[IncidentRow]:
    """Return the rows behind what stands under an incident, the first ones after a place."""
    if incident.kind in STATEMENTS:
        return list_incident_rows(incident=incident, at=at, rows=rows, after=after)
    return list_anomaly_releases(
        kind=incident.kind, key=incident.key, subject=incident.subject, at=at, rows=rows, after=after
    )


def rows_in_parts(*, incident: Incident, at: datetime) -> Iterator[Sequence[IncidentRow]]:
    """All of them, so many in memory at a time, each part a statement of its own that begins after the one before."""
    after = START
    while part := rows_under(incident=incident, at=at, rows=PART, after=after):
        yield part
        if len(part) < PART:
            return
        after = part[-1].place


def rows_page(*, incident: Incident, after: str, at: datetime) -> tuple[RowsPage, Sequence[IncidentRow]]:
    """One page of them, and whose they are. `after`: as the page before says it; anything else is the first page."""
    place = _place(incident.pk, after)
    found = rows_under(incident=incident, at=at, rows=PAGE + 1, after=place)
    kept = found[:PAGE]
    later = _seal_place(incident.pk, kept[-1].place) if len(found) > PAGE else ""
    return RowsPage(incident, in_words(incident_id=incident.pk, rows=kept), later, first=place == START), kept


def _seal_place(incident_id: int, place: Place) -> str:
    """Return a place in a form of a page, which names no line and no look-up."""
    return seal(json.dumps([incident_id, place.line_id, place.at.isoformat(), place.id])).decode()


def _place(incident_id: int, sealed: str) -> Place:
    try:
        of, line_id, at, row_id = json.loads(unseal(sealed.encode()))
    except InvalidToken:
        return START
    return Place(line_id, datetime.fromisoformat(at), row_id) if of == incident_id else START


def in_words(*, incident_id: int, rows: Sequence[IncidentRow]) -> list[Row]:
    """Return these rows as a page or a file shows them. One statement."""
    names = _names({uri for one in rows for uri in one.path})
    return [
        Row(
            code=code_of(incident_id=incident_id, line_id=one.line_id),
            at=one.at,
            hops=[names.get(uri, "an unknown company") for uri in one.path],
            uris=one.path,
            purpose=purpose_in_words(one.purpose),
            judgement=SAID.get(one.judgement) or judgement_in_words(one.judgement),
        )
        for one in rows
    ]


def as_csv(*, incident_id: int, parts: Iterable[Sequence[IncidentRow]]) -> Iterator[str]:
    """Yield these rows as CSV, part by part. Lines by their codes alone."""
    words = (in_words(incident_id=incident_id, rows=part) for part in parts)
    yield from csv_lines(columns=COLUMNS, rows=(_cells(one) for part in words for one in part))


def _cells(one: Row) -> tuple[object, ...]:
    aggregator, service, *below = [*one.uris, "", ""]
    return (one.code, one.at, aggregator, service, " ".join(uri for uri in below if uri), one.purpose, one.judgement)


def _names(uris: set[str]) -> Mapping[str, str]:
    known = {uri: party_name(name, uri) for uri, name in Party.objects.filter(uri__in=uris).values_list("uri", "name")}
    return {uri: known.get(uri, sanitise_text(uri, at_most=80)) for uri in uris if uri != UNKNOWN}
