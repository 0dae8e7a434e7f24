"""Rows of a number that no line has: under one id one content; without the gate's yes, counted once and seen."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import pytest
from django.test import Client as Browser
from pytest_django.fixtures import Settings

from accounts.models import Line
from accounts.primitives.sealing import number_hash
from audit.models import AuditEvent, Incident, IncidentLine
from audit.queries import database_clock
from consent.gate.deciding import evaluate
from consent.gate.rules import decision_ids
from consent.gate.shapes import Question
from disclosures.domain.ingest.store import attribute_pending_releases
from disclosures.feeds.releases import DisclosuresFeed
from disclosures.models import Disclosure, HeldDisclosure
from disclosures.queries.delayed import PendingRowCounts, count_pending_rows
from disclosures.queries.incident_scope import count_occurrences, get_incident_scope
from partners.feeds.checking import Fate
from tests.feeds import (
    BRIDGE,
    ROAD,
    ROADSIDE,
    Row,
    approval_row,
    line_row,
    ndjson,
    release_row,
    take_approvals,
    take_lines,
    take_notices,
    take_parties,
    take_releases,
    taken,
    told,
)
from tests.support.officers import staff

pytestmark = pytest.mark.usefixtures("db", "no_broker")
HELD = ("rejected", "msisdn", "line_unknown")
EVER = "2190-01-01T00:00:00Z"
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _parties(db: None) -> None:
    take_parties()


def reported(*rows: dict[str, object]) -> list[tuple[object, ...]]:
    return told(taken(DisclosuresFeed(gateway="gateway-1"), ndjson(rows)))


def ungated() -> list[tuple[str, str, int]]:
    assert set(Incident.objects.values_list("kind", flat=True)) <= {"ungated"}
    return list(Incident.objects.order_by("key").values_list("key", "subject", "count"))


def a_yes(line: Line, at: datetime) -> str:
    at_us = int((at - datetime(1970, 1, 1, tzinfo=at.tzinfo)) / timedelta(microseconds=1))
    return decision_ids(campaign="CMP-road", allowed=True, at_us=at_us)(line.pk)


def test_what_was_surely_a_no_is_counted_on_arrival() -> None:
    question = Question(
        aggregator=BRIDGE, provider=ROAD, campaign="CMP-road", purpose=ROADSIDE, scope="location-retrieval:read",
        precision_m=500, msisdn="+12065559999",
    )  # fmt: skip
    (answer,) = evaluate(questions=[question])
    assert answer.reason == "line_unknown"
    now = database_clock().isoformat()
    rows = [
        release_row(id="none", occurred_at=now),
        release_row(id="no", occurred_at=now, decision_id=answer.decision_id),
        release_row(id="old", occurred_at=now, decision_id="a5.0123"),
        release_row(id="nonsense", occurred_at=now, decision_id="a" + "f" * 40),
        release_row(id="other day"),
        release_row(id="refused", occurred_at=now, outcome="refused"),
        release_row(id="911", occurred_at=now, basis="emergency", path=[BRIDGE]),
    ]
    assert reported(*rows) == [HELD] * 7
    of_day = f"{now[:10]} {BRIDGE}"
    assert ungated() == [(f"2025-07-01 {BRIDGE}", BRIDGE, 1), (of_day, BRIDGE, 4)]
    # The same again, and the line that comes at last, count nothing twice.
    assert reported(*rows) == [HELD] * 7
    assert set(HeldDisclosure.objects.values_list("gateway", flat=True)) == {"gateway-1"}
    take_lines(line_row())
    assert (HeldDisclosure.objects.count(), Disclosure.objects.count()) == (0, 7)
    assert ungated() == [(f"2025-07-01 {BRIDGE}", BRIDGE, 1), (of_day, BRIDGE, 4)]


def test_what_was_counted_while_held_reaches_the_line_that_came_later() -> None:
    assert reported(release_row(id="r")) == [HELD]
    one = Incident.objects.get()
    assert (one.count, IncidentLine.objects.count()) == (1, 0)
    take_lines(line_row())
    row = Disclosure.objects.get()
    (kept,) = IncidentLine.objects.all()
    assert (kept.incident_id, kept.line_id, kept.disclosure_id) == (one.pk, row.line_id, row.id)
    assert ungated() == [(f"2025-07-01 {BRIDGE}", BRIDGE, 1)]
    assert get_incident_scope(incident=one, at=database_clock()).lines == 1
    # Whatever an order hides is in no count.
    take_notices({"disclosure_id": "r", "suppressed_until": EVER, "order_ref": "o"})
    assert get_incident_scope(incident=one, at=database_clock()).lines == 0
    assert count_occurrences(incidents=[one], at=database_clock()) == {one.pk: 0}


def test_a_file_s_unknown_number_needs_no_yes() -> None:
    assert told(take_releases(release_row(id="r"))) == [HELD]
    assert reported(release_row(id="r")) == [HELD]
    take_lines(line_row())
    assert (Disclosure.objects.count(), ungated()) == (1, [])


def test_a_claimed_yes_is_judged_when_its_line_arrives() -> None:
    """The gate was asked by the line's id, before the file told us of its new number."""
    take_lines(line_row())
    take_approvals(approval_row())
    line, at = Line.objects.get(), database_clock() - SECOND
    changed = (at - DAY).isoformat()
    yes, stranger = a_yes(line, at), decision_ids(campaign="CMP-road", allowed=True, at_us=1)(line.pk + 1)
    forged = f"{yes.partition('.')[0]}.{stranger.partition('.')[2]}"
    place = {"msisdn": "+12065550777", "occurred_at": at.isoformat()}
    assert reported(release_row(**place, decision_id=yes), release_row(**place, decision_id=forged)) == [HELD] * 2
    assert ungated() == []
    take_lines(line_row(msisdn="+12065550777", number_changed_at=changed))
    assert list(Disclosure.objects.values_list("line_id", flat=True)) == [line.pk] * 2
    assert ungated() == [(f"{at.date()} {BRIDGE}", BRIDGE, 1)]


def test_a_claimed_yes_is_awaited_for_a_day() -> None:
    at = database_clock()
    claimed = f"a{int(at.timestamp() * 1_000_000):x}.forged"
    assert reported(release_row(id="r", occurred_at=at.isoformat(), decision_id=claimed)) == [HELD]
    attribute_pending_releases(at=at + DAY - SECOND, actor="system:test")
    assert ungated() == []
    attribute_pending_releases(at=at + DAY + SECOND, actor="system:test")
    attribute_pending_releases(at=at + DAY + SECOND, actor="system:test")
    assert ungated() == [(f"{at.date()} {BRIDGE}", BRIDGE, 1)]
    take_lines(line_row())
    assert (Disclosure.objects.count(), ungated()[0][2]) == (1, 1)


def test_what_an_order_hides_is_counted_nowhere_until_it_lifts() -> None:
    take_notices({"disclosure_id": "by notice", "suppressed_until": None, "order_ref": "o", "awaited": True})
    assert reported(release_row(id="by notice"), release_row(id="own", suppressed_until=EVER)) == [HELD] * 2
    assert (ungated(), count_pending_rows()) == ([], PendingRowCounts(0, 0, 0, None))
    take_notices({"disclosure_id": "by notice", "suppressed_until": "2026-01-01T00:00:00Z", "order_ref": "o"})
    attribute_pending_releases(at=database_clock(), actor="system:test")
    assert ungated() == [(f"2025-07-01 {BRIDGE}", BRIDGE, 1)]
    assert (count_pending_rows().from_gateway, count_pending_rows().ungated) == (1, 1)
    assert told(take_releases(release_row(id="by file", msisdn="+12065550123"))) == [HELD]
    assert (count_pending_rows().from_files, count_pending_rows().n) == (1, 2)
    take_lines(line_row())
    take_notices({"disclosure_id": "own", "suppressed_until": "2026-01-01T00:00:00Z", "order_ref": "o"})
    assert ungated() == [(f"2025-07-01 {BRIDGE}", BRIDGE, 2)]


def test_officers_and_operators_see_how_many_there_are(client: Browser, settings: Settings) -> None:
    take_releases(release_row(), release_row())
    reported(release_row(), release_row(outcome="refused"), release_row(outcome="refused"))
    settings.METRICS_TOKEN = "token-of-this-test"
    said = client.get("/metrics", headers={"Authorization": "Bearer token-of-this-test"}).content.decode()
    assert [line for line in said.splitlines() if line.startswith("whereabouts_releases_held{")] == [
        'whereabouts_releases_held{of="file"} 2.0', 'whereabouts_releases_held{of="gateway"} 3.0',
        'whereabouts_releases_held{of="ungated"} 1.0',
    ]  # fmt: skip
    page = staff().client.get("/admin/").content.decode()
    assert "3 by the gateway, 2 from files" in page
    assert "1 released without the gate's permission" in page.replace("&#x27;", "'")


LATE, CONFLICT = "+12065550777", ("rejected", "id", "id_conflict")
FIRST = release_row(id="x", msisdn=LATE)
OTHER, ALIKE = FIRST | {"precision_m": 700}, release_row(id="y", msisdn=LATE)


def one_by_one(rows: Sequence[Row]) -> list[Fate]:
    return [fate for row in rows for fate in take_releases(row)]


@pytest.mark.parametrize("take", [one_by_one, lambda rows: take_releases(*rows)], ids=["one_by_one", "at_once"])
def test_other_content_under_a_held_row_s_id_conflicts(take: Callable[[Sequence[Row]], list[Fate]]) -> None:
    assert told(take([FIRST, OTHER, ALIKE, FIRST, OTHER])) == [HELD, CONFLICT, HELD, HELD, CONFLICT]
    assert HeldDisclosure.objects.count() == 2
    take_lines(line_row(line_id="L9", msisdn=LATE))
    assert sorted(Disclosure.objects.values_list("source_id", "precision_m")) == [("x", 500), ("y", 500)]
    (event,) = AuditEvent.objects.filter(action="disclosures.attributed")
    assert event.detail == {"count": 2, "conflicts": 0}


def test_a_held_row_whose_id_was_taken_is_counted() -> None:
    take_lines(line_row())
    take_approvals(approval_row())
    assert told(take_releases(FIRST, ALIKE)) == [HELD, HELD]
    assert told(take_releases(release_row(id="x"))) == [("accepted", "permitted")]
    take_lines(line_row(line_id="L9", msisdn=LATE))
    assert not HeldDisclosure.objects.exists()
    assert set(Disclosure.objects.values_list("source_id", flat=True)) == {"x", "y"}
    (event,) = AuditEvent.objects.filter(action="disclosures.attributed")
    assert event.detail == {"count": 1, "conflicts": 1}


def test_a_row_that_no_key_opens_keeps_no_other_from_its_line_nor_from_being_counted(
    django_capture_on_commit_callbacks: Callable[..., AbstractContextManager[object]],
) -> None:
    at = database_clock()
    first, second, third = (f"+1206555014{n}" for n in range(3))
    for n, number in enumerate((first, second, third)):
        assert reported(release_row(id=f"d-{n}", msisdn=number)) == [HELD]
    HeldDisclosure.objects.filter(msisdn_hash=number_hash(first)).update(row_sealed=b"not ours")
    HeldDisclosure.objects.update(ungated_at=None, ungated_from=at)
    lines = [line_row(line_id=f"L{n}", account_id=f"A{n}", msisdn=number) for n, number in enumerate((first, second))]
    assert [count for *_, count in ungated()] == [3]
    with django_capture_on_commit_callbacks(execute=True):
        take_lines(*lines)
    assert list(Disclosure.objects.values_list("line_id", flat=True)) == [Line.objects.get(carrier_id="L1").pk]
    assert HeldDisclosure.objects.count() == 2
    assert set(Incident.objects.values_list("kind", "count")) == {("ungated", 5), ("work_breaks", 1)}
