"""Anomalies as officers see them: under an incident by code, and the rows behind any incident after a reason.

No list or file names a line: it has a code that is good for one incident alone.
"""

from base64 import b32encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from accounts.sealing import keyed
from audit.models import Incident
from disclosures.models import Anomaly, AnomalyRule
from disclosures.queries.found import Behind, found_under, rows_behind
from disclosures.queries.reached import STATEMENTS, rows_reached
from disclosures.words import judgement_in_words
from partners.models import Party
from partners.words import UNKNOWN, party_name, purpose_in_words, shown
from support.oversight.exports import csv_lines

PAGE = 50
# Of one incident no more rows are in a file: whoever needs more narrows it down.
MOST_ROWS = 20_000
COLUMNS = ("line_code", "at", "aggregator", "location_service", "end_customer", "purpose", "judgement")
CONSEQUENCES: Mapping[str, str] = {
    "": "open",
    "suspended": "we suspended it for the line",
    "stopped": "the person's stop stands",
    "allowed": "the person allowed it since",
    "spared": "left to you: it finds them when they call for help",
    "ended": "the line is over",
    "nobody": "nobody can name it",
    "old": "too long ago to suspend",
}
# What is no judgement of the ledger's.
SAID: Mapping[str, str] = {"disputed": "Claimed, and disputed", "partner_has": "Held as allowed, denied here"}
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
    """Some of the rows behind an incident: `number` of the page, and whether more follow."""

    incident: Incident
    rows: Sequence[Row]
    number: int
    more: bool

    @property
    def earlier(self) -> int:
        """The number of the page before."""
        return self.number - 1

    @property
    def later(self) -> int:
        """The number of the page after."""
        return self.number + 1


def anomalies_under(*, incident: Incident) -> QuerySet[Anomaly]:
    """What was found under an incident; nothing for one of another kind."""
    return found_under(kind=incident.kind, key=incident.key, subject=incident.subject)


def code_of(*, incident_id: int, line_id: int) -> str:
    """What a line is called under one incident: 8 letters and digits that tell nothing."""
    return b32encode(keyed("anomaly-code", f"{incident_id}:{line_id}".encode())).decode()[:8]


def rows_under(*, incident: Incident, at: datetime, rows: int, after: int = 0) -> list[Behind]:
    """The rows behind what stands under an incident, from the `after`th on."""
    if incident.kind in STATEMENTS:
        return rows_reached(incident=incident, at=at, rows=rows, after=after)
    ids = list(anomalies_under(incident=incident).filter(cleared_at=None).values_list("pk", flat=True))
    return rows_behind(kind=incident.kind, ids=ids, at=at, rows=rows, after=after) if ids else []


def rows_page(*, incident: Incident, number: int, at: datetime) -> tuple[RowsPage, Sequence[Behind]]:
    """One page of them, and whose they are."""
    found = rows_under(incident=incident, at=at, rows=PAGE + 1, after=(number - 1) * PAGE)
    kept = found[:PAGE]
    return RowsPage(incident, in_words(incident_id=incident.pk, rows=kept), number, len(found) > PAGE), kept


def in_words(*, incident_id: int, rows: Sequence[Behind]) -> list[Row]:
    """These rows as a page or a file shows them. One statement."""
    names = _names({uri for one in rows for uri in one.path})
    return [
        Row(
            code=code_of(incident_id=incident_id, line_id=one.line_id),
            at=one.at,
            hops=[names.get(uri, "nobody can name it") for uri in one.path],
            uris=one.path,
            purpose=purpose_in_words(one.purpose),
            judgement=SAID.get(one.judgement) or judgement_in_words(one.judgement),
        )
        for one in rows
    ]


def as_csv(*, incident_id: int, rows: Sequence[Behind]) -> Iterator[str]:
    """These rows as CSV. Lines by their codes alone."""
    yield from csv_lines(columns=COLUMNS, rows=(_cells(one) for one in in_words(incident_id=incident_id, rows=rows)))


def _cells(one: Row) -> tuple[object, ...]:
    aggregator, service, *below = [*one.uris, "", ""]
    return (one.code, one.at, aggregator, service, " ".join(uri for uri in below if uri), one.purpose, one.judgement)


def _names(uris: set[str]) -> Mapping[str, str]:
    known = {uri: party_name(name, uri) for uri, name in Party.objects.filter(uri__in=uris).values_list("uri", "name")}
    return {uri: known.get(uri, shown(uri, at_most=80)) for uri in uris if uri != UNKNOWN}
