"""Carrier feeds to test with: rows as the interface names them, and taking them in as the commands do."""

import io
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from django.db import connection

import audit.queries
from consent.feeds.approvals import ApprovalsFeed
from consent.feeds.choices import ChoicesFeed
from consent.feeds.lines import LinesFeed
from disclosures import actions
from disclosures.feeds.releases import DisclosuresFeed, NoticesFeed
from disclosures.feeds.terms import settle_files
from partners.feeds.checking import Fate
from partners.feeds.command import Feed
from partners.feeds.parties import PartiesFeed
from partners.feeds.reading import NumberedLine, csv_records, numbered_lines

counter = itertools.count(1)
BRIDGE, LINK = "https://geobridge.example", "https://northlink.example"
ROAD, TRACK, JAIL = "https://roadaid.example", "https://securetrack.example", "https://countyjail.example"
ROADSIDE = "dpv:RequestedServiceProvision"
NUMBER = "+12065550142"

type Row = dict[str, object]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def line_row(**changes: object) -> Row:
    row: Row = {
        "line_id": "L1", "msisdn": NUMBER, "account_id": "A1", "holder_name": "Ada Marsh", "user_role": "holder",
        "state": "WA", "language": "en", "activated_at": "2025-01-01T00:00:00Z", "deactivated_at": None,
    }  # fmt: skip
    return row | changes


def parties_document(**changes: list[Row]) -> dict[str, list[Row]]:
    term = {"starts_at": "2024-01-01T00:00:00Z", "ends_at": "2094-01-01T00:00:00Z"}
    document: dict[str, list[Row]] = {
        "parties": [
            {"id": uri, "name": uri[8:-8].title(), "kind": kind, "website": uri, "about": ""}
            for uri, kind in (
                (BRIDGE, "aggregator"),
                (LINK, "aggregator"),
                (ROAD, "lbs_provider"),
                (TRACK, "lbs_provider"),
                (JAIL, "end_customer"),
            )
        ],
        "contracts": [
            {
                "id": ref,
                "aggregator": aggregator,
                "signed_at": "2023-12-01T00:00:00Z",
                **term,
                "purposes": [ROADSIDE, "dpv:IdentityVerification"],
                "ack_within_s": 900,
                "complete_within_days": 10,
                "endpoint_url": "http://127.0.0.1:9/events",
                "jwks_uri": "http://127.0.0.1:9/jwks.json",
            }
            for ref, aggregator in (("AGR-1", BRIDGE), ("AGR-2", LINK))
        ],
        "campaigns": [
            {
                "id": ref,
                "contract": contract,
                "lbs_provider": provider,
                "purpose": purpose,
                "description": "Finds you when you call",
                "consent_flow": "sms",
                "scope": "location-retrieval:read",
                "precision_m": 500,
                **term,
            }
            for ref, contract, provider, purpose in (
                ("CMP-road", "AGR-1", ROAD, ROADSIDE),
                ("CMP-track", "AGR-2", TRACK, "dpv:IdentityVerification"),
            )
        ],
    }
    return {**document, **changes}


def approval_row(**changes: object) -> Row:
    row: Row = {
        "id": f"approval-{next(counter)}", "msisdn": NUMBER, "campaign": "CMP-road", "method": "sms",
        "captured_at": "2025-06-01T00:00:00Z", "captured_by": ROAD, "wording": "Find me when I call. Reply YES.",
        "language": "en", "evidence_ref": "ev-1", "verified_by": "carrier",
    }  # fmt: skip
    return row | changes


def choice_row(**changes: object) -> Row:
    row: Row = {
        "id": f"choice-{next(counter)}", "msisdn": NUMBER, "made_at": "2025-08-01T00:00:00Z", "kind": "stop",
        "scope": "all", "channel": "phone",
    }  # fmt: skip
    return row | changes


def release_row(**changes: object) -> Row:
    row: Row = {
        "id": f"release-{next(counter)}",
        "occurred_at": "2025-07-01T12:00:00Z",
        "msisdn": NUMBER,
        "aggregator": BRIDGE,
        "path": [BRIDGE, ROAD],
        "campaign": "CMP-road",
        "purpose": ROADSIDE,
        "scope": "location-retrieval:read",
        "precision_m": 500,
        "basis": "approval",
        "outcome": "released",
    }
    return row | changes


def ndjson(rows: Iterable[Mapping[str, object]]) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def taken(feed: Feed, content: bytes, *, as_csv: bool = False) -> list[Fate]:
    """What became of each line of a file, as the command would have it, what it brings about included."""
    lines = numbered_lines(io.BytesIO(content))
    at = audit.queries.database_clock()
    with each_as_at_commit():
        fates = feed.take(lines=list(csv_records(lines) if as_csv else lines), at=at) + feed.finish(at=at)
        if not isinstance(feed, DisclosuresFeed | NoticesFeed):
            actions.catch_up(cause=feed.name, at=audit.queries.database_clock())
    as_at_commit()
    return fates


@contextmanager
def each_as_at_commit() -> Iterator[None]:
    """What a command does in a transaction of its own, and a test within its one, is checked as its commit would."""
    outside = len(connection.savepoint_ids)

    def check(execute: Callable[..., object], sql: str | bytes, *rest: object) -> object:
        ends = isinstance(sql, str) and sql.startswith("RELEASE SAVEPOINT")
        if ends and len(connection.savepoint_ids) == outside:
            as_at_commit()
        return execute(sql, *rest)

    with connection.execute_wrapper(check):
        yield


def as_at_commit() -> None:
    """Run the deferred checks, as the end of a command's transaction would."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def take_lines(*rows: Mapping[str, object]) -> list[Fate]:
    return taken(LinesFeed(), ndjson(rows))


def take_approvals(*rows: Mapping[str, object]) -> list[Fate]:
    return taken(ApprovalsFeed(), ndjson(rows))


def take_choices(*rows: Mapping[str, object]) -> list[Fate]:
    return taken(ChoicesFeed(), ndjson(rows))


def take_releases(*rows: Mapping[str, object]) -> list[Fate]:
    return taken(DisclosuresFeed(), ndjson(rows))


def take_notices(*rows: Mapping[str, object]) -> list[Fate]:
    return taken(NoticesFeed(), ndjson(rows))


def take_parties(document: Mapping[str, object] | None = None) -> list[Fate]:
    """The document as `import_parties` takes it in, held approvals and past judgements included."""
    feed = PartiesFeed()
    at = audit.queries.database_clock()
    content = json.dumps(parties_document() if document is None else document).encode()
    with each_as_at_commit():
        fates = feed.take(lines=[NumberedLine(1, content)], at=at)
        settle_files(at=at)
    as_at_commit()
    return fates


def told(fates: Iterable[Fate]) -> list[tuple[object, ...]]:
    """Fates as short tuples: ("accepted",), or ("accepted", judgement), or ("rejected", field, reason)."""
    return [
        ("rejected", fate.field, fate.reason)
        if fate.status == "rejected"
        else (fate.status, fate.note)
        if fate.note
        else (fate.status,)
        for fate in fates
    ]
