"""What a number reported after it was no longer a line's is not that line's, also where that became known later."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, connections
from django.db.backends.utils import CursorWrapper

from accounts.models import Line
from accounts.primitives.advisory_locks import turn
from audit.models import AuditEvent, Incident, IncidentLine
from audit.queries import database_clock
from consent.feeds.lines import LinesFeed
from disclosures import tasks
from disclosures.domain.ingest import projections, reassigned_rows, replay, store
from disclosures.domain.ingest.rollups import roll_up
from disclosures.domain.ingest.rows import id_of
from disclosures.feeds import reports
from disclosures.feeds.releases import DisclosuresFeed
from disclosures.models import (
    Anomaly,
    Archive,
    ConcealedDisclosure,
    DailyRollup,
    DelayedNotice,
    Disclosure,
    DisclosureRegister,
    GrowingLine,
    HeldDisclosure,
    HeldNotice,
    JudgementChange,
    ReassignedRelease,
    ShortenedPeriod,
)
from disclosures.queries.incident_scope import get_incident_scope
from disclosures.queries.release_counts import facts_of
from disclosures.queries.visible import visible
from disclosures.workers import reassignment
from disclosures.workers.anomalies.detection import find
from partners.feeds.reading import numbered_lines
from partners.models import Dealing, Party
from tests.consent.test_feeds_at_once import elsewhere
from tests.feeds import (
    BRIDGE,
    JAIL,
    LINK,
    ROAD,
    TRACK,
    Row,
    approval_row,
    line_row,
    moment,
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
from tests.fixtures import Refusal

OTHER, THIRD = "+12065550143", "+12065550144"
EVER = "2190-01-01T00:00:00Z"
SUMMER, AUTUMN, WINTER = "2025-07-01T12:00:00Z", "2025-09-20T12:00:00Z", "2025-11-05T12:00:00Z"
OPEN = line_row(line_id="A")
ENDED = line_row(line_id="A", deactivated_at="2025-09-01T00:00:00Z")
NEXT = line_row(
    line_id="B", account_id="A2", holder_name="Ben Ortiz", activated_at="2025-10-01T00:00:00Z", user_role="user"
)
YES = approval_row(id="yes", captured_at="2025-10-15T00:00:00Z")


@pytest.fixture(autouse=True)
def _world(committed_db: None, no_broker: None) -> None:
    del committed_db, no_broker
    take_parties()
    take_lines(OPEN)


def committed(row: Row) -> None:
    """A row of a lines file, and nothing yet of what follows from it."""
    feed, at = LinesFeed(), database_clock()
    feed.take(lines=list(numbered_lines(BytesIO(ndjson([row])))), at=at)
    feed.finish(at=at)


def whose() -> list[tuple[str, str, str]]:
    """Every row: the line's id of the carrier, the row's own, the judgement."""
    lines = dict(Line.objects.values_list("pk", "carrier_id"))
    rows = Disclosure.objects.values_list("line_id", "source_id", "judgement")
    return sorted((lines[line_id], source_id, judgement) for line_id, source_id, judgement in rows)


def seen(line: str) -> list[str]:
    rows = visible(line_id=Line.objects.get(carrier_id=line).pk, at=database_clock())
    return sorted(row.source_id for row in rows)


def held() -> set[str]:
    ids = {id_of(one): one for one in ("r", "s", "t")}
    return {ids[one] for one in HeldDisclosure.objects.values_list("pk", flat=True)}


def test_a_row_that_is_given_back_right_after_it_was_taken_in_from_the_held_ones_stays_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numbered = line_row(line_id="C", account_id="A3", msisdn=THIRD)
    changed = line_row(line_id="C", account_id="A3", msisdn=OTHER, number_changed_at="2025-06-20T00:00:00Z")

    def another_number() -> None:
        """As far as its import comes: what is held it takes in when nobody else does."""
        committed(changed)
        reassignment.give_back(at=database_clock(), actor="import:lines")

    take_releases(release_row(id="r", msisdn=THIRD, occurred_at=SUMMER))

    def and_at_once(**rows: Any) -> Any:
        monkeypatch.setattr(replay, "store", store.store)
        outcomes = store.store(**rows)
        elsewhere(another_number)
        return outcomes

    monkeypatch.setattr(replay, "store", and_at_once)
    take_lines(numbered)
    assert (whose(), held()) == ([], {"r"})
    take_lines(line_row(line_id="D", account_id="A4", msisdn=THIRD, activated_at="2025-06-25T00:00:00Z"))
    assert (whose(), held()) == ([("D", "r", "no_approval")], set())


@pytest.mark.parametrize("lines_first", [True, False])
def test_a_release_is_the_new_subscribers_whichever_came_first(lines_first: bool) -> None:
    lines, release = [ENDED, NEXT], release_row(id="r", occurred_at=WINTER)
    if lines_first:
        take_lines(*lines)
        take_approvals(YES)
        assert told(take_releases(release)) == [("accepted", "permitted")]
    else:
        assert told(take_releases(release)) == [("accepted", "no_approval")]
        take_lines(*lines)
        take_approvals(YES)
    assert whose() == [("B", "r", "permitted")]
    assert (seen("A"), seen("B")) == ([], ["r"])
    lines_with_it = set(Dealing.objects.values_list("line_id", flat=True))
    assert lines_with_it == {Line.objects.get(carrier_id="B").pk}
    assert told(take_releases(release)) == [("repeated",)]
    assert not HeldDisclosure.objects.exists()
    assert not ShortenedPeriod.objects.exists()


def test_what_was_taken_out_is_on_record_and_the_trail_says_how_many() -> None:
    take_releases(*(release_row(id=one, occurred_at=WINTER) for one in ("r", "s")), release_row(occurred_at=SUMMER))
    before = AuditEvent.objects.count()
    take_lines(ENDED, NEXT)
    former = Line.objects.get(carrier_id="A").pk
    said = ReassignedRelease.objects.order_by("disclosure_id").values_list(
        "line_id", "disclosure_id", "occurred_at", "why"
    )
    assert list(said) == sorted((former, id_of(one), moment(WINTER), "ended") for one in ("r", "s"))
    (event,) = AuditEvent.objects.filter(action="disclosures.given_back")
    assert (event.actor, event.line_id) == ("import:lines", None)
    assert event.detail == {"count": 2, "lines": 1, "through": ReassignedRelease.objects.order_by("-pk")[0].pk}
    assert AuditEvent.objects.count() > before
    take_lines(ENDED, NEXT)
    assert AuditEvent.objects.filter(action="disclosures.given_back").count() == 1


def test_a_number_that_went_to_somebody_else_takes_with_it_what_it_reported_and_nothing_else() -> None:
    take_releases(
        release_row(id="r", occurred_at=WINTER),
        release_row(id="s", occurred_at=SUMMER),
        release_row(id="t", occurred_at=WINTER, msisdn=OTHER),
    )
    assert held() == {"t"}
    take_lines(
        line_row(line_id="A", msisdn=OTHER, number_changed_at="2025-09-01T00:00:00Z"),
        line_row(line_id="B", account_id="A2", activated_at="2025-10-01T00:00:00Z"),
    )
    assert [(line, row) for line, row, _ in whose()] == [("A", "s"), ("A", "t"), ("B", "r")]
    assert [(one.disclosure_id, one.why) for one in ReassignedRelease.objects.all()] == [(id_of("r"), "number")]


def test_rows_by_the_new_number_stay_though_they_came_before_another_end_was_known() -> None:
    """Rows of both numbers lie side by side on one line: of them only those of the old one go."""
    take_lines(line_row(line_id="A", msisdn=OTHER, number_changed_at="2025-10-01T00:00:00Z"))
    take_releases(
        release_row(id="r", occurred_at=AUTUMN), release_row(id="t", occurred_at="2025-10-05T00:00:00Z", msisdn=OTHER)
    )
    take_lines(line_row(line_id="A", msisdn=THIRD, number_changed_at="2025-09-10T00:00:00Z"))
    assert [(line, row) for line, row, _ in whose()] == [("A", "t")]
    assert held() == {"r"}


def test_what_nobody_had_the_number_for_stays_held_as_unknown_until_somebody_had() -> None:
    take_releases(release_row(id="r", occurred_at=AUTUMN))
    take_lines(ENDED, NEXT)
    assert whose() == []
    assert held() == {"r"}
    assert told(take_releases(release_row(id="r", occurred_at=AUTUMN))) == [("rejected", "msisdn", "line_unknown")]
    # The end was a mistake: what was given back is the line's again.
    take_lines(line_row(line_id="A", deactivated_at="2025-09-28T00:00:00Z"))
    assert [(line, row) for line, row, _ in whose()] == [("A", "r")]
    assert not held()


def test_a_row_of_an_earlier_tool_without_a_hash_of_what_it_means_stays() -> None:
    take_releases(release_row(id="r", occurred_at=WINTER))
    with connections["owner"].cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE disclosures_disclosureregister SET content_hash = 'another'")
        cursor.execute("SET session_replication_role = origin")
    take_lines(ENDED, NEXT)
    assert [(line, row) for line, row, _ in whose()] == [("A", "r")]
    assert not ShortenedPeriod.objects.exists()


@pytest.mark.parametrize("own", [None, EVER, "2026-01-01T00:00:00Z"])
def test_a_hidden_row_stays_hidden_wherever_it_goes(own: str | None) -> None:
    """By an order of its own or by one that came later; and it shows to the one whose it is, once the order lifts."""
    take_lines(NEXT | {"activated_at": "2025-10-01T00:00:00Z", "msisdn": THIRD})
    take_releases(release_row(id="r", occurred_at=WINTER, suppressed_until=own, authority_ref="own" if own else None))
    if own != EVER:
        take_notices({"disclosure_id": "r", "suppressed_until": EVER, "order_ref": "court"})
    orders = list(DelayedNotice.objects.order_by("number").values_list("number", "suppressed_until", "order_ref"))
    assert (seen("A"), len(orders)) == ([], 1 if own in {None, EVER} else 2)
    take_lines(ENDED)
    assert held() == {"r"}
    assert HeldNotice.objects.count() == len(orders) - (own is not None)
    assert not DelayedNotice.objects.exists()
    assert not ConcealedDisclosure.objects.exists()
    take_lines(line_row(line_id="C", account_id="A3", activated_at="2025-10-01T00:00:00Z"))
    again = DelayedNotice.objects.order_by("number").values_list("number", "suppressed_until", "order_ref")
    assert list(again) == orders
    assert [(line, row) for line, row, _ in whose()] == [("C", "r")]
    assert (seen("A"), seen("C")) == ([], [])
    assert not Dealing.objects.exists()
    take_notices({"disclosure_id": "r", "suppressed_until": "2026-01-01T00:00:00Z", "order_ref": "over"})
    assert seen("C") == ["r"]


def test_a_hidden_row_of_the_gateway_must_show_its_yes_once_it_shows() -> None:
    gag = {"suppressed_until": EVER, "decision_id": ""}
    taken(DisclosuresFeed(gateway="gate"), ndjson([release_row(id="r", occurred_at=WINTER, **gag)]))
    take_lines(ENDED)
    assert not Incident.objects.exists()
    take_lines(NEXT)
    assert not Incident.objects.exists()
    take_notices({"disclosure_id": "r", "suppressed_until": "2026-01-01T00:00:00Z", "order_ref": "over"})
    assert list(Incident.objects.values_list("kind", "count")) == [("ungated", 1)]


def test_what_was_an_incident_of_its_day_is_one_and_reaches_whose_it_is() -> None:
    rows = [
        release_row(id="r", occurred_at=WINTER, basis="emergency", path=[BRIDGE, TRACK]),
        release_row(id="s", occurred_at=WINTER, decision_id="made-up"),
    ]
    take_releases(rows[0])
    taken(DisclosuresFeed(gateway="gate"), ndjson(rows[1:]))
    incidents = list(Incident.objects.order_by("kind"))
    assert [(one.kind, one.count) for one in incidents] == [("basis_doubtful", 1), ("ungated", 1)]
    take_lines(ENDED, NEXT)
    assert [line for line, _, _ in whose()] == ["B", "B"]
    assert list(Incident.objects.order_by("kind").values_list("count", flat=True)) == [1, 1]
    assert IncidentLine.objects.count() == 2
    assert {get_incident_scope(incident=one, at=database_clock()).lines for one in incidents} == {1}


def test_dealings_say_what_the_lines_other_rows_say() -> None:
    rows = [
        release_row(id="r", occurred_at=WINTER, path=[BRIDGE, ROAD, JAIL]),
        release_row(id="s", occurred_at=SUMMER),
        release_row(id="t", occurred_at=WINTER, aggregator=LINK, path=[LINK, TRACK]),
        release_row(occurred_at=WINTER, path=[BRIDGE]),
    ]
    take_releases(*rows)
    former = Line.objects.get(carrier_id="A").pk
    of_former = Dealing.objects.filter(line_id=former)
    assert sorted(of_former.values_list("party__uri", flat=True)) == [JAIL, BRIDGE, ROAD, TRACK]
    take_lines(ENDED, NEXT)
    assert list(of_former.values_list("party__uri", "first_at", "last_at")) == [(ROAD, moment(SUMMER), moment(SUMMER))]
    assert sorted(Dealing.objects.exclude(line_id=former).values_list("party__uri", flat=True)) == [
        JAIL, BRIDGE, ROAD, TRACK,
    ]  # fmt: skip


def test_an_older_dealing_of_an_aggregator_that_rests_on_it_alone_goes_too() -> None:
    """Before, each release wrote one for the aggregator as well; and where something began was not written down."""
    take_releases(release_row(occurred_at=WINTER), release_row(occurred_at=WINTER, aggregator=LINK, path=[LINK, TRACK]))
    former = Line.objects.get(carrier_id="A").pk
    bridge, link, road = (Party.objects.get(uri=uri).pk for uri in (BRIDGE, LINK, ROAD))
    gone, kept = moment(WINTER), moment(SUMMER)
    Dealing.objects.create(line_id=former, aggregator_id=bridge, party_id=bridge, first_at=gone, last_at=gone)
    Dealing.objects.create(line_id=former, aggregator_id=link, party_id=link, first_at=kept, last_at=gone)
    Dealing.objects.create(line_id=former, aggregator_id=link, party_id=road, first_at=None, last_at=kept)
    take_lines(ENDED, NEXT)
    left = Dealing.objects.filter(line_id=former).values_list("party__uri", "first_at", "last_at")
    assert sorted(left) == [(LINK, kept, kept), (ROAD, None, kept)]


def test_what_was_found_in_look_ups_is_found_anew_without_them() -> None:
    take_releases(*(release_row(occurred_at=f"2025-11-0{n}T20:00:00Z") for n in range(1, 5)))
    find(at=database_clock())
    assert list(Anomaly.objects.filter(cleared_at=None).values_list("kind", "line_id")) == [
        ("no_approval", Line.objects.get(carrier_id="A").pk)
    ]
    take_lines(ENDED, NEXT)
    assert not Anomaly.objects.filter(cleared_at=None).exists()
    find(at=database_clock())
    assert list(Anomaly.objects.filter(cleared_at=None).values_list("kind", "line_id")) == [
        ("no_approval", Line.objects.get(carrier_id="B").pk)
    ]


def test_days_of_a_long_line_are_counted_without_it() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    take_releases(release_row(id="r", occurred_at=WINTER), *(release_row(occurred_at=SUMMER) for _ in range(5)))
    line = Line.objects.get(carrier_id="A")
    GrowingLine.objects.create(line_id=line.pk)
    roll_up(at=database_clock(), long=5)
    assert sum(one.n for one in facts_of(line_id=line.pk, zone=zone, at=database_clock())) == 6
    take_lines(ENDED)
    assert sum(one.n for one in facts_of(line_id=line.pk, zone=zone, at=database_clock())) == 5
    roll_up(at=database_clock(), long=5)
    assert list(DailyRollup.objects.values_list("day", "n")) == [(date(2025, 7, 1), 5)]


def test_a_file_of_everything_that_may_tell_of_it_is_gone() -> None:
    take_lines(line_row(line_id="C", msisdn=OTHER))
    now = database_clock()
    for line in Line.objects.all():
        Archive.objects.create(
            id=uuid4(), line_id=line.pk, user_id=1, language="en", asked_at=now, expires_at=now + timedelta(days=1)
        )
    take_releases(release_row(occurred_at=WINTER), release_row(occurred_at=SUMMER, msisdn=OTHER))
    take_lines(ENDED, line_row(line_id="C", msisdn=OTHER, deactivated_at="2025-09-01T00:00:00Z"))
    assert [one.line_id for one in Archive.objects.all()] == [Line.objects.get(carrier_id="C").pk]


def test_what_the_carriers_systems_report_of_lines_gives_back_as_well() -> None:
    take_releases(release_row(id="r", occurred_at=WINTER))
    reports.take_lines(is_csv=False, stream=BytesIO(ndjson([ENDED, NEXT])), client_id="billing", at=database_clock())
    assert [(line, row) for line, row, _ in whose()] == [("B", "r")]


def test_changes_of_judgement_go_with_the_row() -> None:
    take_releases(release_row(id="r", occurred_at=WINTER))
    take_approvals(approval_row())
    assert JudgementChange.objects.count() == 1
    take_lines(ENDED)
    assert not JudgementChange.objects.exists()
    assert not DisclosureRegister.objects.exists()


def cut_off(monkeypatch: pytest.MonkeyPatch, after: int, *rows: Row) -> None:
    """Take lines in, and break off after so many of the shortened periods' rows were given back."""
    monkeypatch.setattr(reassigned_rows, "ROWS", 1)
    give_back, given = reassignment._give_back, list[int]()

    def then_cut_off(periods: Sequence[int], at: datetime) -> int:
        if len(given) == after:
            raise KeyboardInterrupt
        given.append(give_back(periods, at))
        return given[-1]

    with monkeypatch.context() as patched:
        patched.setattr(reassignment, "_give_back", then_cut_off)
        with pytest.raises(KeyboardInterrupt):
            take_lines(*rows)


def test_what_is_stored_while_the_line_ends_is_given_back_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attributed by what was known before the end, and committed after it: whoever gives back waits for it."""
    leave, others = projections.leave, list[Future[None]]()

    def ends() -> None:
        take_lines(ENDED, NEXT)
        connection.close()

    with ThreadPoolExecutor(1) as other:

        def end_meanwhile(*, cursor: CursorWrapper, rows: str, terms: str, at: datetime, **more: Any) -> dict[int, int]:
            others.append(other.submit(ends))
            # The end is committed by then, and what follows it has its turn to wait for.
            while not _waits_for_its_turn():
                pass
            monkeypatch.undo()
            return leave(cursor=cursor, rows=rows, terms=terms, at=at, **more)

        monkeypatch.setattr(projections, "leave", end_meanwhile)
        take_releases(release_row(id="r", occurred_at=WINTER))
        others[0].result()
    assert [(line, row) for line, row, _ in whose()] == [("B", "r")]


def _waits_for_its_turn() -> bool:
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)")
        (waits,) = cursor.fetchone()
    return bool(waits)


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_run_that_is_killed_is_gone_on_with_by_the_next(after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    take_releases(*(release_row(id=one, occurred_at=WINTER) for one in ("r", "s", "t")))
    cut_off(monkeypatch, after, ENDED, NEXT)
    assert ShortenedPeriod.objects.count() == 1
    assert [line for line, _, _ in whose()] == ["A"] * (3 - after)
    assert len(held()) == after
    tasks.attribute_held()
    assert [(line, row) for line, row, _ in whose()] == [("B", "r"), ("B", "s"), ("B", "t")]
    assert not ShortenedPeriod.objects.exists()
    assert [one.detail["count"] for one in AuditEvent.objects.filter(action="disclosures.given_back")] == [3]


def test_held_rows_are_taken_in_by_one_worker_at_a_time_and_no_other_waits() -> None:
    take_releases(release_row(id="r", msisdn=THIRD, occurred_at=SUMMER))
    committed(line_row(line_id="C", account_id="A3", msisdn=THIRD))
    with ThreadPoolExecutor(1) as another, ExitStack() as its:
        another.submit(its.enter_context, turn(name="disclosures.attribute_held")).result()
        tasks.attribute_held()
        assert (whose(), held()) == ([], {"r"})
        another.submit(its.close).result()
        another.submit(connections.close_all).result()
    tasks.attribute_held()
    assert (whose(), held()) == ([("C", "r", "no_approval")], set())


def test_a_period_that_breaks_keeps_no_other_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    take_lines(line_row(line_id="C", msisdn=OTHER))
    take_releases(release_row(id="r", occurred_at=WINTER), release_row(id="s", occurred_at=WINTER, msisdn=OTHER))
    broken = Line.objects.get(carrier_id="A").pk
    inside = reassigned_rows._look_through

    def breaks(period: ShortenedPeriod, most: int) -> object:
        if period.line_id == broken:
            raise ValueError
        return inside(period, most)

    with monkeypatch.context() as patched:
        patched.setattr(reassigned_rows, "_look_through", breaks)
        take_lines(ENDED, line_row(line_id="C", msisdn=OTHER, deactivated_at="2025-09-01T00:00:00Z"))
    assert [(line, row) for line, row, _ in whose()] == [("A", "r")]
    assert held() == {"s"}
    tasks.attribute_held()
    assert whose() == []


def test_the_database_gives_back_nothing_but_what_lies_outside(refused: Refusal) -> None:
    take_releases(release_row(id="r", occurred_at=WINTER), release_row(id="s", occurred_at=SUMMER))
    outside, inside = id_of("r"), id_of("s")
    refused(
        f"SELECT disclosures_give_back(1, ARRAY['{outside}']::uuid[], '{{}}', NULL, NULL)",
        constraint="disclosures_given_back_from_outside",
    )
    line = Line.objects.get()
    with connections["default"].cursor() as cursor:
        cursor.execute("UPDATE accounts_linenumber SET ends_at = '2025-09-01T00:00:00Z'")
    work = ShortenedPeriod.objects.get()
    assert (work.line_id, work.since, work.until) == (line.pk, moment("2025-09-01T00:00:00Z"), None)
    for one in (inside, outside):
        # Inside of its period; and outside, but not among the held ones.
        refused(
            f"SELECT disclosures_give_back({work.pk}, ARRAY['{one}']::uuid[], '{{}}', NULL, NULL)",
            constraint="disclosures_given_back_from_outside",
        )
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "INSERT INTO disclosures_helddisclosure (id, msisdn_hash, row_sealed, held_at)"
            " SELECT r.id, n.msisdn_hash, '', now() FROM disclosures_disclosureregister r, accounts_linenumber n"
        )
    refused(
        f"SELECT disclosures_give_back({work.pk}, ARRAY['{inside}']::uuid[], '{{}}', NULL, NULL)",
        constraint="disclosures_given_back_from_outside",
    )
    refused(f"SELECT disclosures_take_out({line.pk}, ARRAY['{inside}']::uuid[], '{{}}')")
    refused("INSERT INTO disclosures_shortenedperiod (line_id, msisdn_hash, since) VALUES (1, '', now())")
    refused("DELETE FROM disclosures_disclosure")
    refused("SET LOCAL disclosures.giving_back = 'yes'; DELETE FROM disclosures_disclosure")
    assert Disclosure.objects.count() == 2


def test_what_was_given_back_is_on_record_for_good(refused: Refusal) -> None:
    take_releases(release_row(id="r", occurred_at=WINTER))
    take_lines(ENDED)
    for statement in ("UPDATE disclosures_givenback SET line_id = 0", "DELETE FROM disclosures_givenback"):
        refused(statement)
        refused(statement, constraint="disclosures_givenback_append_only", using="owner")
