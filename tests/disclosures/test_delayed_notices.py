"""Delayed-notice orders that come before their row, are renewed, or lift late: the row is hidden as long as the newest
says so, and then leaves all that other rows leave."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Line
from audit.models import Incident
from audit.queries import database_clock
from consent.models import Tightening
from disclosures import tasks
from disclosures.domain.ingest import projections
from disclosures.domain.ingest.rows import id_of
from disclosures.feeds.releases import DisclosuresFeed, NoticesFeed
from disclosures.models import ConcealedDisclosure, DelayedNotice, Disclosure, HeldNotice
from disclosures.queries.access_summary import get_access_page
from disclosures.queries.release_counts import facts_of
from disclosures.queries.visible import visible
from partners.models import Dealing
from tests.feeds import (
    BRIDGE,
    ROAD,
    TRACK,
    Row,
    line_row,
    moment,
    ndjson,
    release_row,
    take_lines,
    take_notices,
    take_parties,
    take_releases,
    taken,
    told,
)
from tests.moments import begins_at
from tests.world import gagged

pytestmark = pytest.mark.usefixtures("db", "no_broker")
PAST, EVER = "2026-01-01T00:00:00Z", "2190-01-01T00:00:00Z"
UNKNOWN = ("rejected", "disclosure_id", "disclosure_unknown")


@pytest.fixture(autouse=True)
def _parties(db: None, no_broker: None) -> None:
    take_parties()


def notice(until: str | None, *, ref: str = "court") -> Row:
    return {"disclosure_id": "r", "suppressed_until": until, "order_ref": ref}


def awaited(until: str | None, *, ref: str = "court") -> Row:
    return notice(until, ref=ref) | {"awaited": True}


def seen() -> list[str]:
    return [row.source_id for row in visible(line_id=Line.objects.get().pk, at=database_clock())]


def test_an_order_hides_to_its_very_end() -> None:
    take_lines(line_row())
    take_releases(release_row(id="r", suppressed_until=PAST, authority_ref="own"))
    of: dict[str, Any] = {"line_id": Line.objects.get().pk}
    for is_shown in (
        lambda at: visible(**of, at=at),
        lambda at: facts_of(**of, zone=ZoneInfo("UTC"), at=at),
        lambda at: get_access_page(**of, zone=ZoneInfo("UTC"), before=None, at=at).days,
    ):
        assert begins_at(is_shown, datetime.fromisoformat(PAST))


def test_an_order_on_a_held_row_hides_it_at_once() -> None:
    take_releases(release_row(id="r", basis="legal_process", campaign="", path=[BRIDGE, TRACK]))
    assert told(take_notices(notice(None), notice(None))) == [("accepted",), ("repeated",)]
    assert HeldNotice.objects.count() == 1
    take_lines(line_row())
    assert Disclosure.objects.count() == 1
    assert seen() == []
    assert not Dealing.objects.exists()
    assert list(DelayedNotice.objects.values_list("number", "suppressed_until", "order_ref")) == [(1, None, "court")]
    assert not HeldNotice.objects.exists()


@pytest.mark.parametrize("said", [{}, {"awaited": False}, {"awaited": None}])
def test_an_unknown_id_hides_nothing_unless_it_is_said_to_come(said: Row) -> None:
    take_lines(line_row())
    assert told(take_notices(notice(None) | said, notice(PAST) | said)) == [UNKNOWN, UNKNOWN]
    assert not HeldNotice.objects.exists()
    take_releases(release_row(id="r"))
    assert (seen(), DelayedNotice.objects.count()) == (["r"], 0)


def test_an_id_that_is_said_to_come_is_answered_with_what_is_so() -> None:
    take_lines(line_row())
    fates = take_notices(awaited(None), awaited(None), notice(EVER), notice(PAST), awaited(PAST), awaited("soon"))
    assert told(fates) == [
        ("accepted",), ("repeated",), ("accepted",), ("accepted",), ("repeated",),
        ("rejected", "suppressed_until", "not_a_time"),
    ]  # fmt: skip
    assert [fate.warnings for fate in fates] == [("disclosure_id hidden_on_arrival",)] * 3 + [()] * 3
    take_releases(release_row(id="r"))
    assert seen() == ["r"], "the newest word lifted it before it came"


def test_a_csv_file_says_it_in_a_column() -> None:
    head = b"disclosure_id,suppressed_until,order_ref,awaited\n"
    rows = b"a,2190-01-01T00:00:00Z,o,\nb,2190-01-01T00:00:00Z,o,true\nc,2190-01-01T00:00:00Z,o,perhaps\n"
    assert told(taken(NoticesFeed(), head + rows, as_csv=True)) == [
        UNKNOWN,
        ("accepted",),
        ("rejected", "awaited", "wrong_type"),
    ]


def test_notices_may_come_before_the_file_of_disclosures() -> None:
    take_lines(line_row())
    assert told(take_notices(awaited(EVER), awaited(None, ref="second"))) == [("accepted",), ("accepted",)]
    assert told(take_releases(release_row(id="r", suppressed_until=PAST, authority_ref="own"))) == [("accepted",)]
    assert seen() == []
    assert list(DelayedNotice.objects.order_by("number").values_list("number", "suppressed_until", "order_ref")) == [
        (1, moment(PAST), "own"), (2, moment(EVER), "court"), (3, None, "second"),
    ]  # fmt: skip
    assert told(take_notices(notice(None, ref="second"), notice(PAST))) == [("repeated",), ("accepted",)]
    assert seen() == ["r"]


def test_notices_that_waited_go_to_the_archive_in_their_order() -> None:
    take_lines(line_row())
    # As they may lie in their table after others went from it, read as a large table is.
    for number, ref in {2: "second", 3: "third", 1: "first"}.items():
        HeldNotice.objects.create(disclosure_id=id_of("r"), number=number, order_ref=ref, recorded_at=database_clock())
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off")
    before = list(Tightening.objects.values_list("pk", flat=True))
    take_releases(release_row(id="r"))
    kept = Tightening.objects.exclude(pk__in=before).order_by("at")
    assert [one.facts["order_ref"] for one in kept] == ["first", "second", "third"]


def test_a_notice_leaves_its_line_s_rows_for_the_archive() -> None:
    take_lines(line_row())
    take_notices(awaited(EVER, ref="held"))
    take_releases(release_row(id="r"))
    take_notices(notice(None))
    line_id = Disclosure.objects.values_list("line_id", flat=True).get()
    held = {"disclosure_id": str(id_of("r")), "suppressed_until": EVER.replace("Z", "+00:00"), "order_ref": "held"}
    assert list(Tightening.objects.filter(kind="notice").order_by("at").values_list("line_id", "facts")) == [
        (0, held), (line_id, held), (line_id, held | {"suppressed_until": None, "order_ref": "court"}),
    ]  # fmt: skip


def test_a_gag_that_was_lifted_meanwhile_stays_lifted() -> None:
    take_lines(line_row())
    take_notices(awaited(None), notice(PAST))
    assert told(take_releases(release_row(id="r", suppressed_until=EVER))) == [("accepted", "no_approval")]
    assert seen() == ["r"]
    assert set(Dealing.objects.values_list("party__uri", flat=True)) == {ROAD}
    assert not ConcealedDisclosure.objects.exists()


@pytest.mark.parametrize("held", [False, True])
def test_orders_again_change_nothing_and_others_renew_them(held: bool) -> None:
    take_lines(line_row())
    orders = notice(None), notice(PAST)
    if held:
        take_notices(awaited(None), *orders)
        take_notices(*orders)
    take_releases(release_row(id="r"))
    if not held:
        assert told(take_notices(*orders)) == [("accepted",), ("accepted",)]
    assert seen() == ["r"]
    assert told(take_notices(*orders)) == [("repeated",), ("repeated",)]
    assert told(take_notices(*orders[:1])) == [("repeated",)]
    assert (seen(), DelayedNotice.objects.count(), HeldNotice.objects.count()) == (["r"], 2, 0)
    for renewed in (notice(None, ref="court, again"), notice(EVER)):
        before = transaction.savepoint_create()
        assert told(take_notices(renewed, renewed)) == [("accepted",), ("repeated",)]
        assert seen() == []
        transaction.savepoint_rollback(before)


def test_a_lifted_row_leaves_what_other_rows_leave_once() -> None:
    take_lines(line_row())
    row = release_row(id="r", basis="emergency", campaign="", path=[BRIDGE, TRACK], suppressed_until=EVER)
    take_releases(row)
    assert not Incident.objects.exists()
    take_notices(notice(PAST))
    take_notices(notice(None), notice(PAST, ref="other court"))
    tasks.reveal()
    assert list(Incident.objects.values_list("kind", "key", "count")) == [("basis_doubtful", f"2025-07-01 {TRACK}", 1)]


def test_no_worker_whose_clock_is_ahead_shows_a_row_before_its_order_ends() -> None:
    take_lines(line_row())
    soon = (database_clock() + timedelta(minutes=30)).isoformat()
    row = release_row(id="r", basis="emergency", campaign="", path=[BRIDGE, TRACK], suppressed_until=soon)
    assert told(take_releases(row)) == [("accepted",)]
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        tasks.reveal()
    assert (Dealing.objects.count(), Incident.objects.count(), ConcealedDisclosure.objects.count()) == (0, 0, 1)


def test_hidden_rows_of_the_gateway_need_no_yes_yet() -> None:
    take_lines(line_row())
    feed = DisclosuresFeed(gateway="gateway")
    fates = taken(feed, ndjson([release_row(id="r", suppressed_until=EVER)]))
    assert told(fates) == [("accepted",)]
    assert not Incident.objects.exists()
    take_notices(notice(PAST))
    assert list(Incident.objects.values_list("kind", "count")) == [("ungated", 1)]


def test_however_long_nothing_ran_no_lifted_row_is_passed_over() -> None:
    take_lines(line_row())
    take_releases(release_row(id="r", suppressed_until=EVER), release_row(id="h", suppressed_until=EVER))
    # As if it had been shortened in time.
    over = database_clock() - timedelta(days=30)
    gagged(Disclosure.objects.get(source_id="r"), until=over, at=over - timedelta(days=1), number=2)
    assert not Dealing.objects.exists()
    projections.reveal(at=database_clock())
    assert set(Dealing.objects.values_list("party__uri", flat=True)) == {ROAD}
    assert ConcealedDisclosure.objects.count() == 1
