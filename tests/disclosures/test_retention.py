"""Months are made ahead and dropped whole when their time is over: by the owner alone, and never within a year."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection, connections, transaction
from pytest_django import Settings

import audit.actions
from accounts.models import Line
from audit.models import AuditEvent
from audit.queries import database_clock
from disclosures.domain.ingest import projections
from disclosures.domain.ingest.chunks import ChunkResult, record_chunk
from disclosures.domain.ingest.rollups import roll_up
from disclosures.models import (
    Anomaly,
    AnomalyRule,
    ChangedDay,
    ConcealedDisclosure,
    DailyRollup,
    DelayedNotice,
    Disclosure,
    DisclosureRegister,
    DroppedMonth,
    GrowingLine,
    HeldDisclosure,
    ImportedChunk,
    JudgementChange,
    ReassignedRelease,
    RolledFacts,
)
from disclosures.queries.release_counts import facts_of
from disclosures.queries.visible import visible, with_delay
from disclosures.workers import retention
from disclosures.workers.anomalies.detection import find
from partners.models import Dealing
from portal import health
from support.queries.visible import visible_incidents
from tests.clocks import standing_still
from tests.disclosures.conftest import partitions
from tests.factories import a_party
from tests.feeds import (
    BRIDGE,
    TRACK,
    approval_row,
    choice_row,
    line_row,
    parties_document,
    release_row,
    take_approvals,
    take_choices,
    take_lines,
    take_notices,
    take_parties,
    take_releases,
)
from tests.moments import A_MOMENT, ends_at
from tests.overlapping import elsewhere, wait_until_it_waits
from tests.world import gagged

pytestmark = pytest.mark.usefixtures("months_as_before", "no_broker")
PACIFIC = ZoneInfo("America/Los_Angeles")
# Five years ago, so that the test database's other months stay as they are (`months_as_before`).
DROPPED, KEPT = date(2021, 11, 1), date(2021, 12, 1)
BEGINS, NOW = datetime(2021, 12, 1, tzinfo=UTC), datetime(2026, 1, 5, tzinfo=UTC)


def take_terms() -> None:
    """Companies and a line as they were in 2021."""
    document = parties_document()
    for terms in (*document["contracts"], *document["campaigns"]):
        terms["starts_at"] = "2020-01-01T00:00:00Z"
    take_parties(document)
    take_lines(line_row(activated_at="2021-01-01T00:00:00Z"))


def scene() -> Line:
    """Rows on both sides of the end of November 2021 (UTC), which in the line's zone is still its last afternoon."""
    take_terms()
    take_releases(
        release_row(id="old", occurred_at="2021-11-20T12:00:00Z", path=[BRIDGE, TRACK]),
        release_row(id="last", occurred_at="2021-11-30T23:59:59Z"),
        release_row(id="next", occurred_at="2021-12-01T00:00:00Z"),
        release_row(id="new", occurred_at="2021-12-24T00:00:00Z"),
        release_row(id="hidden", occurred_at="2021-11-01T00:00:00Z", suppressed_until="2190-01-01T00:00:00Z"),
    )
    take_approvals(approval_row(captured_at="2021-02-01T00:00:00Z"))
    assert JudgementChange.objects.count() == 4
    return Line.objects.get()


def sources() -> set[str]:
    return set(Disclosure.objects.values_list("source_id", flat=True))


def in_default() -> int:
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM disclosures_disclosure_default")
        (n,) = cursor.fetchone()
    return int(n)


def kept_from() -> datetime | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT disclosures_kept_from()")
        (moment,) = cursor.fetchone() or (None,)
    return moment


@pytest.mark.one_server
def test_months_made_ahead_take_in_what_came_before() -> None:
    scene()
    assert kept_from() == datetime(2021, 11, 1, tzinfo=UTC)
    assert (in_default(), retention.make_partitions(now=NOW)) == (5, 2)
    assert (in_default(), partitions() >= {DROPPED, KEPT}, len(sources())) == (0, True, 5)
    assert retention.make_partitions(now=NOW) == 0
    # What came late, for a month that has none yet, is the oldest that is kept.
    older = datetime(2021, 10, 5, tzinfo=UTC)
    take_releases(release_row(id="older", occurred_at=older.isoformat()))
    assert (in_default(), kept_from()) == (1, older)
    with pytest.raises(IntegrityError, match="only the judgement may change"), transaction.atomic(using="owner"):
        Disclosure.objects.using("owner").filter(source_id="new").update(precision_m=1)


@pytest.mark.one_server
def test_this_month_and_the_next_three_are_made() -> None:
    before = partitions()
    assert retention.make_partitions(now=datetime(2040, 7, 1, tzinfo=UTC)) == 4
    assert partitions() - before == {date(2040, month, 1) for month in (7, 8, 9, 10)}


@pytest.mark.one_server
def test_a_month_is_made_for_its_first_moment_alone() -> None:
    take_terms()
    take_releases(release_row(id="next", occurred_at="2021-12-01T00:00:00Z"))
    assert (retention.make_partitions(now=NOW), in_default()) == (1, 0)
    assert kept_from() == BEGINS


@pytest.mark.one_server
def test_what_is_kept_begins_with_the_oldest_release_of_the_last_day_of_a_month() -> None:
    take_terms()
    oldest = datetime(2021, 11, 30, tzinfo=UTC)
    later = (oldest + A_MOMENT, oldest + timedelta(hours=23), BEGINS)
    take_releases(*(release_row(id=f"n{n}", occurred_at=at.isoformat()) for n, at in enumerate((oldest, *later))))
    assert retention.make_partitions(now=NOW) == 2
    assert kept_from() == oldest


def test_an_incident_whose_findings_were_dropped_is_not_hidden() -> None:
    """An order on something else has nothing to do with it."""
    take_terms()
    take_releases(*(release_row(id=f"n{n}", occurred_at=f"2021-11-20T1{n}:00:00Z") for n in range(3)))
    find(at=database_clock())
    take_approvals(approval_row(captured_at="2021-02-01T00:00:00Z"))
    find(at=database_clock())
    assert [one.cleared_at is None for one in Anomaly.objects.all()] == [False]
    take_releases(release_row(id="hidden", occurred_at="2021-12-03T00:00:00Z", suppressed_until="2190-01-01T00:00:00Z"))
    retention.make_partitions(now=NOW)
    assert retention.drop_months(now=NOW) == 1
    assert not Anomaly.objects.exists()
    incidents = visible_incidents(at=database_clock()).values_list("kind", "count")
    assert list(incidents) == [("no_approval", 0)]


def test_a_month_goes_whole_with_all_that_hung_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BLOCKS", 1)
    line = scene()
    GrowingLine.objects.create(line_id=line.pk)
    retention.make_partitions(now=NOW)
    assert roll_up(at=database_clock(), long=5) == 1
    assert Dealing.objects.filter(party__uri=TRACK).count() == 1
    ChangedDay.objects.create(line_id=line.pk, day=date(2021, 11, 20))
    assert retention.drop_months(now=NOW) == 1
    told = AuditEvent.objects.filter(action="disclosures.month_dropped").values_list("target", flat=True)
    assert list(told) == ["month:2021-11"]
    assert retention.drop_months(now=NOW) == 0
    assert DROPPED not in partitions()
    assert KEPT in partitions()
    # A row that an order hides outlasts its month.
    assert sources() == {"next", "new", "hidden"}
    kept = set(Disclosure.objects.values_list("id", flat=True))
    assert set(DisclosureRegister.objects.values_list("id", flat=True)) == kept
    assert set(JudgementChange.objects.values_list("disclosure_id", flat=True)) == kept
    assert not Dealing.objects.filter(party__uri=TRACK).exists()
    (gone,) = DroppedMonth.objects.all()
    assert (gone.month, gone.forgotten_at) == (DROPPED, NOW)
    assert list(told) == ["month:2021-11"]
    # The day in which the month ended by the line's own clock is read from its rows until it is counted again; so is
    # that of the hidden row.
    assert set(ChangedDay.objects.values_list("day", flat=True)) == {date(2021, 11, 30), date(2021, 10, 31)}
    assert sum(one.n for one in facts_of(line_id=line.pk, zone=PACIFIC, at=database_clock())) == 2
    roll_up(at=database_clock())
    assert set(DailyRollup.objects.values_list("day", "n")) == {(date(2021, 11, 30), 1), (date(2021, 12, 23), 1)}
    assert sum(one.n for one in facts_of(line_id=line.pk, zone=PACIFIC, at=database_clock())) == 2
    assert RolledFacts.objects.filter(path__contains=[TRACK]).count() == 0


def test_who_received_as_a_kept_month_began_is_known() -> None:
    scene()
    take_releases(release_row(id="at once", occurred_at="2021-12-01T00:00:00Z", path=[BRIDGE, TRACK]))
    retention.make_partitions(now=NOW)
    assert retention.drop_months(now=NOW) == 1
    assert Dealing.objects.filter(party__uri=TRACK).exists()


def test_what_was_found_or_held_goes_with_releases() -> None:
    line = scene()
    retention.make_partitions(now=NOW)
    rule = AnomalyRule.objects.get(kind="after_stop")
    for month, at in ((DROPPED, BEGINS - A_MOMENT), (KEPT, BEGINS)):
        Anomaly.objects.create(
            kind="after_stop", line_id=line.pk, party=TRACK, period=month, first_at=at - timedelta(days=25), last_at=at,
            newest_at=at, n=1, looks=1, rule=rule, found_at=at, changed_at=at, grown_at=at,
        )  # fmt: skip
        ReassignedRelease.objects.using("owner").create(
            line_id=line.pk, disclosure_id=uuid4(), occurred_at=at, given_back_at=NOW, why="ended", doubted=[]
        )
        # What is held for nobody is kept no longer than a release.
        HeldDisclosure.objects.create(id=uuid4(), msisdn_hash=b"", row_sealed=b"", held_at=at)
    retention.drop_months(now=NOW)
    assert [one.held_at for one in HeldDisclosure.objects.all()] == [BEGINS]
    assert [one.last_at for one in Anomaly.objects.all()] == [BEGINS]
    assert [one.occurred_at for one in ReassignedRelease.objects.all()] == [BEGINS]


def test_how_far_an_import_came_is_known_for_thirty_days() -> None:
    told = ChunkResult(lines=1, size=1, counts={}, judged={}, refused=[])
    record_chunk(file=b"file", starts_at=0, content=b"row", told=told, at=NOW)

    def is_known(at: datetime) -> bool:
        retention.drop_months(now=at)
        return ImportedChunk.objects.exists()

    assert ends_at(is_known, NOW + timedelta(days=30))


def test_what_is_sent_again_is_dropped_again() -> None:
    scene()
    retention.make_partitions(now=NOW)
    retention.drop_months(now=NOW)
    take_releases(release_row(id="old", occurred_at="2021-11-20T12:00:00Z", path=[BRIDGE, TRACK]))
    assert in_default() == 2
    retention.make_partitions(now=NOW)
    assert retention.drop_months(now=NOW) == 1
    assert sources() == {"next", "new", "hidden"}
    assert DisclosureRegister.objects.count() == 3


def test_a_drop_is_told_though_the_process_was_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    scene()
    retention.make_partitions(now=NOW)
    told = AuditEvent.objects.filter(action="disclosures.month_dropped").order_by("id")

    def killed(**_said: object) -> None:
        raise SystemExit

    with monkeypatch.context() as cut:
        cut.setattr("audit.actions.record", killed)
        with pytest.raises(SystemExit):
            retention.drop_months(now=NOW)
    assert (DROPPED in partitions(), told.count()) == (False, 0)
    # A trail may tell of months that a database brought back from an older copy does not know as dropped.
    audit.actions.record(
        action="disclosures.month_dropped", actor="system:retention", target="month:1999-12", at=NOW
    )  # fmt: skip
    for _ in range(2):
        assert retention.drop_months(now=NOW) == 0
        assert list(told.values_list("target", flat=True)) == ["month:1999-12", "month:2021-11"]
    take_releases(release_row(id="old", occurred_at="2021-11-20T12:00:00Z", path=[BRIDGE, TRACK]))
    retention.make_partitions(now=NOW)
    retention.drop_months(now=NOW)
    again = DroppedMonth.objects.get().dropped_at
    assert [event.detail for event in told][2:] == [{"dropped_at": again.isoformat()}]


@pytest.mark.parametrize(("ago", "events"), [(timedelta(hours=1), 2), (timedelta(hours=1) - A_MOMENT, 1)])
def test_an_event_without_its_drop_tells_of_the_newest_alone(
    monkeypatch: pytest.MonkeyPatch, ago: timedelta, events: int
) -> None:
    """Earlier releases did not write which drop it was."""
    scene()
    retention.make_partitions(now=NOW)
    with monkeypatch.context() as cut:
        cut.setattr("audit.actions.record", lambda **_: None)
        assert retention.drop_months(now=NOW) == 1
    action, target = "disclosures.month_dropped", "month:2021-11"
    at = DroppedMonth.objects.get().dropped_at - ago
    audit.actions.record(action=action, actor="system:retention", target=target, at=at)
    retention.drop_months(now=NOW)
    assert AuditEvent.objects.filter(action=action, target=target).count() == events


def test_a_drop_cut_off_is_finished_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    scene()
    retention.make_partitions(now=NOW)
    with monkeypatch.context() as cut:
        cut.setattr(retention, "REGISTER", "SELECT 1 / 0")
        with pytest.raises(Exception, match="division by zero"):
            retention.drop_months(now=NOW)
    assert (sources(), DisclosureRegister.objects.count()) == ({"next", "new", "hidden"}, 5)
    assert retention.drop_months(now=NOW) == 0
    assert DisclosureRegister.objects.count() == 3


def test_what_comes_while_entries_are_forgotten_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    scene()
    retention.make_partitions(now=NOW)
    late = release_row(id="late", occurred_at="2021-11-07T00:00:00Z", suppressed_until="2190-01-01T00:00:00Z")
    stretches = retention._stretches

    def meanwhile(owner: str, table: str) -> Iterator[tuple[int, int]]:
        if table == "disclosures_disclosureregister":
            assert [fate.status for fate in take_releases(late)] == ["accepted"]
        return stretches(owner, table)

    with monkeypatch.context() as patched:
        patched.setattr(retention, "_stretches", meanwhile)
        assert retention.drop_months(now=NOW) == 1
    assert ([fate.status for fate in take_releases(late)], upkeep()) == (["repeated"], (0, 0))
    assert sources() == {"next", "new", "hidden", "late"}


def drop_elsewhere() -> int:
    """Drop on connections of one's own."""
    return done_elsewhere(lambda: retention.drop_months(now=NOW))


def done_elsewhere[T](verb: Callable[[], T]) -> T:
    try:
        return verb()
    finally:
        connections.close_all()


def test_whoever_reads_for_long_is_not_waited_for_and_the_next_run_does_it() -> None:
    scene()
    with transaction.atomic(), ThreadPoolExecutor(1) as pool:
        assert len(sources()) == 5
        assert pool.submit(done_elsewhere, upkeep).result() == (0, 0)
        assert len(sources()) == 5
    assert upkeep() == (2, 1)
    assert sources() == {"next", "new", "hidden"}


def test_what_changed_while_it_was_to_be_forgotten_is_looked_at_again() -> None:
    scene()
    retention.make_partitions(now=NOW)
    of_track = Dealing.objects.filter(party__uri=TRACK)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert of_track.update(last_at=datetime(2021, 11, 21, tzinfo=UTC)) == 1
            dropping = pool.submit(drop_elsewhere)
            wait_until_it_waits(dropping)
        assert dropping.result() == 1
    assert (of_track.exists(), DroppedMonth.objects.filter(forgotten_at=None).exists()) == (False, False)


def test_what_comes_while_a_month_is_dropped_goes_with_it() -> None:
    """What speaks of its rows is taken away before they are: what was written meanwhile goes later.

    But what an order hides since then outlasts the month.
    """
    GrowingLine.objects.create(line_id=scene().pk)
    retention.make_partitions(now=NOW)
    assert roll_up(at=database_clock(), long=5) == 1

    def judge() -> None:
        take_choices(choice_row(made_at="2021-10-01T00:00:00Z"))
        take_notices(
            {"disclosure_id": "old", "suppressed_until": "2021-11-21T00:00:00Z", "order_ref": "court"},
            {"disclosure_id": "last", "suppressed_until": "2190-01-01T00:00:00Z", "order_ref": "court"},
        )

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert len(DailyRollup.objects.select_for_update().filter(day__lt=KEPT)) == 2
            dropping = pool.submit(drop_elsewhere)
            wait_until_it_waits(dropping)
            elsewhere(judge)
        assert dropping.result() == 1
    kept = set(Disclosure.objects.values_list("id", flat=True))
    assert sources() == {"last", "next", "new", "hidden"}
    assert set(JudgementChange.objects.values_list("disclosure_id", flat=True)) == kept
    assert set(DelayedNotice.objects.values_list("disclosure_id", flat=True)) < kept


def test_nothing_counted_while_a_month_is_dropped_outlives_it() -> None:
    """Of a line whose days end as the month does: by universal time, as where nobody knows a line's state."""
    line = scene()
    Line.objects.update(state="")
    GrowingLine.objects.create(line_id=line.pk)
    retention.make_partitions(now=NOW)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert roll_up(at=database_clock(), long=5) == 1
            ChangedDay.objects.create(line_id=line.pk, day=date(2021, 11, 30))
            dropping = pool.submit(drop_elsewhere)
            wait_until_it_waits(dropping)
        assert dropping.result() == 1
    # Its last day is gone; the first of the next is counted again, and that of what outlasts the month.
    assert set(ChangedDay.objects.values_list("day", flat=True)) == {KEPT, DROPPED}
    assert set(DailyRollup.objects.values_list("day", flat=True)) == {KEPT, date(2021, 12, 24)}


def seen(line: Line) -> dict[str, bool]:
    """What its person sees, and whether each is marked as told late."""
    rows = with_delay(rows=visible(line_id=line.pk, at=database_clock()), line_id=line.pk)
    return {row.source_id: vars(row)["delayed"] for row in rows}


def upkeep() -> tuple[int, int]:
    """The daily runs: how many months were made, and how many dropped."""
    return retention.make_partitions(now=NOW), retention.drop_months(now=NOW)


@contextmanager
def owners_clock(by: str) -> Iterator[None]:
    """So much later by the clock of those runs."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT set_config('whereabouts.clock_shift', %s, false)", [by])
        yield
        cursor.execute("RESET whereabouts.clock_shift")


@contextmanager
def owners_clock_at(at: datetime) -> Iterator[None]:
    """That clock stopped."""
    with standing_still(at), connections["owner"].cursor() as cursor:
        cursor.execute("SELECT set_config('tests.now', %s, false)", [at.isoformat()])
        yield


def test_what_an_order_hides_outlasts_its_month_for_a_while() -> None:
    line = scene()
    hidden = {"id": "hidden", "occurred_at": "2021-11-01T00:00:00Z", "suppressed_until": "2190-01-01T00:00:00Z"}
    row = Disclosure.objects.get(source_id="hidden")
    take_releases(release_row(**{**hidden, "id": "next too", "occurred_at": BEGINS.isoformat()}))
    assert upkeep() == (2, 1)
    # It tells nobody of an older month; and what an order hides in a month that stays is hidden still.
    assert kept_from() == BEGINS
    assert ConcealedDisclosure.objects.filter(occurred_at=BEGINS).count() == 1
    assert (DROPPED in partitions(), in_default(), seen(line)) == (False, 1, {"next": False, "new": False})
    for table in (DelayedNotice, JudgementChange):
        assert table.objects.filter(line_id=line.pk, disclosure_id=row.id).count() == 1
    assert ConcealedDisclosure.objects.filter(id=row.id).exists()
    # Sent again it is known, and stays hidden. Nothing is made or dropped because it is there.
    (fate,) = take_releases(release_row(**hidden))
    assert (fate.status, upkeep(), in_default()) == ("repeated", (0, 0), 1)
    told = AuditEvent.objects.filter(action="disclosures.month_dropped")
    assert (told.count(), sorted(seen(line))) == (1, ["new", "next"])
    # The order is lifted with a moment that is long past: it hid the row up to now.
    take_notices({"disclosure_id": "hidden", "suppressed_until": "2022-01-01T00:00:00Z", "order_ref": "court-7"})
    projections.reveal(at=database_clock())
    assert seen(line) == {"next": False, "new": False, "hidden": True}
    with owners_clock("29 days"):
        assert upkeep() == (0, 0)
    with owners_clock("31 days"):
        assert upkeep() == (1, 1)
    assert (in_default(), sorted(seen(line)), DisclosureRegister.objects.count()) == (0, ["new", "next"], 3)
    assert not DelayedNotice.objects.filter(disclosure_id=row.id).exists()
    assert not JudgementChange.objects.filter(disclosure_id=row.id).exists()


def test_what_was_shown_long_ago_outlasts_nothing() -> None:
    line = scene()
    day = {"occurred_at": "2021-11-04T00:00:00Z"}
    take_releases(*(release_row(id=name, **day) for name in ("further", "over", "newly over", "over before")))
    take_releases(
        release_row(id="came over", suppressed_until="2022-01-01T00:00:00Z", **day),
        release_row(id="first", occurred_at="2021-11-01T00:00:00Z", suppressed_until="2190-01-01T00:00:00Z"),
    )
    now = database_clock()
    month_ago = now - timedelta(days=30)
    for name, until in {"further": None, "over": month_ago, "newly over": month_ago + A_MOMENT}.items():
        gagged(Disclosure.objects.get(source_id=name), until=until, at=now - timedelta(days=60))
    before = Disclosure.objects.get(source_id="over before")
    for number, until in enumerate([None, now - timedelta(days=90)], 1):
        gagged(before, until=until, at=now - timedelta(days=60), number=number)
    with owners_clock_at(now):
        upkeep()
    assert sources() == {"next", "new", "first", "hidden", "further", "newly over"}
    assert seen(line) == {"next": False, "new": False, "newly over": True}


def test_what_outlasts_its_month_counts_once_it_shows() -> None:
    line = scene()
    GrowingLine.objects.create(line_id=line.pk)
    upkeep()
    # The order's row of an older month is read from the row, also after a younger month has gone.
    assert roll_up(at=database_clock(), long=3) == 1
    day = date(2021, 10, 31)

    def counted() -> int:
        return sum(one.n for one in facts_of(line_id=line.pk, zone=PACIFIC, at=database_clock()))

    assert (counted(), DailyRollup.objects.filter(day=day).count()) == (2, 0)
    take_notices({"disclosure_id": "hidden", "suppressed_until": "2022-01-01T00:00:00Z", "order_ref": "court-7"})
    assert (counted(), facts_of(line_id=line.pk, zone=PACIFIC, at=database_clock())[0].recent) == (3, 0)
    roll_up(at=database_clock() + timedelta(hours=2))
    assert (counted(), DailyRollup.objects.filter(day=day).count()) == (3, 1)
    later = datetime(2026, 2, 5, tzinfo=UTC)
    retention.make_partitions(now=later)
    assert retention.drop_months(now=later) == 1
    assert (counted(), sources()) == (1, {"hidden"})
    roll_up(at=database_clock() + timedelta(hours=2))
    assert (counted(), DailyRollup.objects.filter(day=day).count()) == (1, 1)


def test_a_company_named_late_can_still_be_told() -> None:
    line = scene()
    take_releases(
        release_row(
            id="late", occurred_at="2021-11-05T00:00:00Z", path=[BRIDGE, TRACK], suppressed_until="2190-01-01T00:00:00Z"
        )
    )
    of_track = Dealing.objects.filter(line_id=line.pk, party__uri=TRACK)
    upkeep()
    assert not of_track.exists()
    take_notices({"disclosure_id": "late", "suppressed_until": "2022-01-01T00:00:00Z", "order_ref": "court-7"})
    told = of_track.get()
    gone = a_party("Gone", "lbs_provider")
    for line_id, party in ((77, told.party), (line.pk, gone)):
        Dealing.objects.create(line_id=line_id, aggregator=told.aggregator, party=party, last_at=told.last_at)
    take_releases(release_row(id="old", occurred_at="2021-11-20T12:00:00Z"))
    assert upkeep() == (1, 1)
    # Another line, whose own look-ups are gone, has nothing left of it, and this line nothing of another company.
    assert [one.line_id for one in Dealing.objects.filter(party__in=(told.party, gone))] == [line.pk]
    assert "late" in seen(line)


def test_nothing_is_dropped_within_a_year_whatever_is_set(settings: Settings) -> None:
    settings.RETENTION_MONTHS = 1
    now = database_clock()
    newest = (now - timedelta(days=330)).astimezone(UTC).date().replace(day=1)
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT disclosures_make_partitions(%s, %s)", [now - timedelta(days=330), now])
        with pytest.raises(IntegrityError, match="a year has not passed"):
            cursor.execute("SELECT disclosures_drop_month(%s)", [newest])
    assert newest in partitions()
    scene()
    retention.make_partitions(now=NOW)
    year_after = datetime(2022, 12, 1, tzinfo=UTC)
    drop = "SELECT disclosures_drop_month('2021-11-01')"
    with (
        owners_clock_at(year_after - A_MOMENT),
        connections["owner"].cursor() as cursor,
        pytest.raises(IntegrityError, match="a year has not passed"),
    ):
        cursor.execute(drop)
    with owners_clock_at(year_after), connections["owner"].cursor() as cursor:
        cursor.execute(drop)
    assert DROPPED not in partitions()


@pytest.mark.one_server
def test_neither_role_deletes_but_by_dropping(refused: Callable[[str], None]) -> None:
    scene()
    retention.make_partitions(now=NOW)
    for statement in (
        "SELECT disclosures_drop_month('2021-11-01')",
        "DROP TABLE disclosures_disclosure_2021_11",
        "SET LOCAL disclosures.dropping = 'yes'; DELETE FROM disclosures_disclosureregister",
        "SET LOCAL disclosures.dropping = 'yes'; DELETE FROM disclosures_judgementchange",
        "SET LOCAL disclosures.dropping = 'yes'; DELETE FROM disclosures_disclosure",
        "DELETE FROM disclosures_droppedmonth",
        "INSERT INTO disclosures_droppedmonth (month) VALUES ('2021-11-01')",
    ):
        refused(statement)
    assert len(sources()) == 5
    for name in ("disclosureregister", "judgementchange", "delayednotice"):
        table = f"disclosures_{name}"
        change = f"UPDATE {table} SET line_id = 0"
        for statement in (f"DELETE FROM {table}", change, f"SET disclosures.dropping = 'yes'; {change}"):
            with pytest.raises(IntegrityError, match="append-only"), connections["owner"].cursor() as cursor:
                cursor.execute(statement)


def test_readyz_names_the_months_that_are_missing() -> None:
    now = database_clock()
    assert health.readiness(at=now).partitions == "ok"
    for later, missing in (
        (datetime(2040, 12, 10, tzinfo=UTC), "2040-12, 2041-01"),
        (datetime(2041, 1, 31, 23, 59, tzinfo=UTC), "2041-01, 2041-02"),
        (datetime(2041, 2, 28, 23, 59, tzinfo=PACIFIC), "2041-03, 2041-04"),
    ):
        found = health.readiness(at=later)
        assert (found.partitions, found.ready) == (f"missing: {missing}", True)
        assert b"whereabouts_partitions_missing 2.0" in health.metrics(at=later)
    assert connection.vendor == "postgresql"
