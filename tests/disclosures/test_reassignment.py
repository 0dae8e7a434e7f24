"""What a number reported after it was no longer a line's is not that line's, also where that became known later."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, connections, transaction
from django.db.backends.utils import CursorWrapper

from accounts.models import Line, LineNumber
from accounts.primitives.slots import lock_job
from audit.models import AuditEvent, Incident, IncidentLine
from audit.queries import database_clock
from consent.feeds.lines import LinesFeed
from disclosures import models, tasks
from disclosures.domain.ingest import projections, reassigned_rows, store
from disclosures.domain.ingest.rollups import roll_up
from disclosures.domain.ingest.rows import id_of
from disclosures.feeds import reports
from disclosures.feeds.releases import DisclosuresFeed
from disclosures.queries.incident_scope import count_occurrences, get_incident_scope
from disclosures.queries.release_counts import facts_of
from disclosures.queries.visible import visible
from disclosures.workers import reassignment
from disclosures.workers.anomalies.detection import find
from partners.feeds.reading import NumberedLine
from partners.models import Dealing, Party
from support.queries.visible import visible_incidents
from tests import feeds
from tests.feeds import BRIDGE, JAIL, LINK, ROAD, TRACK, line_row, moment, release_row, take_lines, take_releases, told
from tests.fixtures import Refusal
from tests.overlapping import elsewhere

OTHER, THIRD = "+12065550143", "+12065550144"
EVER, PAST = "2190-01-01T00:00:00Z", "2026-01-01T00:00:00Z"
SUMMER, AUTUMN, WINTER = "2025-07-01T12:00:00Z", "2025-09-20T12:00:00Z", "2025-11-05T12:00:00Z"
ENDED = line_row(line_id="A", deactivated_at="2025-09-01T00:00:00Z")
NEXT = line_row(
    line_id="B", account_id="A2", holder_name="Ben Ortiz", activated_at="2025-10-01T00:00:00Z", user_role="user"
)


@pytest.fixture(autouse=True)
def _world(committed_db: None, no_broker: None) -> None:
    feeds.take_parties()
    take_lines(line_row(line_id="A"))


def committed(row: feeds.Row) -> None:
    """A row of a lines file, and nothing yet of what follows from it."""
    feed, at = LinesFeed(), database_clock()
    feed.take(lines=[NumberedLine(1, feeds.ndjson([row]))], at=at)
    feed.finish(at=at)


def whose() -> list[tuple[str, str]]:
    """Every row: the line's id of the carrier, the row's own."""
    lines = dict(Line.objects.values_list("pk", "carrier_id"))
    return sorted(
        (lines[line_id], one) for line_id, one in models.Disclosure.objects.values_list("line_id", "source_id")
    )


def seen(line: str) -> list[str]:
    rows = visible(line_id=Line.objects.get(carrier_id=line).pk, at=database_clock())
    return sorted(row.source_id for row in rows)


def held() -> set[str]:
    ids = {id_of(one): one for one in ("r", "s", "t")}
    return {ids[one] for one in models.HeldDisclosure.objects.values_list("pk", flat=True)}


@pytest.mark.parametrize("lines_first", [True, False])
def test_a_release_is_the_new_subscriber_s_whichever_came_first(lines_first: bool) -> None:
    release = release_row(id="r", occurred_at=WINTER)
    if not lines_first:
        assert told(take_releases(release)) == [("accepted", "no_approval")]
    take_lines(ENDED, NEXT)
    feeds.take_approvals(feeds.approval_row(captured_at="2025-10-15T00:00:00Z"))
    if lines_first:
        assert told(take_releases(release)) == [("accepted", "permitted")]
    assert list(models.Disclosure.objects.values_list("source_id", "judgement")) == [("r", "permitted")]
    assert (whose(), seen("A"), seen("B")) == ([("B", "r")], [], ["r"])
    assert set(Dealing.objects.values_list("line_id", flat=True)) == {Line.objects.get(carrier_id="B").pk}
    assert told(take_releases(release)) == [("repeated",)]
    assert not models.HeldDisclosure.objects.exists()
    assert not models.ShortenedPeriod.objects.exists()


def test_what_was_taken_out_is_on_record_for_good(refused: Refusal) -> None:
    take_releases(*(release_row(id=one, occurred_at=WINTER) for one in ("r", "s")), release_row(occurred_at=SUMMER))
    # As the carrier's systems report it: the same as by a file.
    reports.receive_lines(
        is_csv=False, stream=BytesIO(feeds.ndjson([ENDED, NEXT])), client_id="billing", at=database_clock()
    )
    assert [row for line, row in whose() if line == "B"] == ["r", "s"]
    former = Line.objects.get(carrier_id="A").pk
    said = models.ReassignedRelease.objects.order_by("disclosure_id").values_list(
        "line_id", "disclosure_id", "occurred_at", "why"
    )
    assert list(said) == sorted((former, id_of(one), moment(WINTER), "ended") for one in ("r", "s"))
    (event,) = AuditEvent.objects.filter(action="disclosures.given_back")
    assert (event.actor, event.line_id) == ("client:billing", None)
    assert event.detail == {"count": 2, "lines": 1, "through": models.ReassignedRelease.objects.order_by("-pk")[0].pk}
    take_lines(ENDED, NEXT)
    assert AuditEvent.objects.filter(action="disclosures.given_back").count() == 1
    for statement in ("UPDATE disclosures_givenback SET line_id = 0", "DELETE FROM disclosures_givenback"):
        refused(statement)
        refused(statement, constraint="disclosures_givenback_append_only", using="owner")


def test_a_number_takes_along_what_it_reported_and_nothing_else() -> None:
    take_releases(
        release_row(id="r", occurred_at=WINTER), release_row(id="s", occurred_at=SUMMER),
        release_row(id="t", occurred_at=WINTER, msisdn=OTHER),
    )  # fmt: skip
    assert held() == {"t"}
    take_lines(
        line_row(line_id="A", msisdn=OTHER, number_changed_at="2025-09-01T00:00:00Z"),
        line_row(line_id="B", account_id="A2", activated_at="2025-10-01T00:00:00Z"),
    )
    assert whose() == [("A", "s"), ("A", "t"), ("B", "r")]
    assert [(one.disclosure_id, one.why) for one in models.ReassignedRelease.objects.all()] == [(id_of("r"), "number")]


def test_why_a_row_went_is_by_its_very_moment() -> None:
    changed, ended = "2025-09-01T00:00:00Z", "2025-10-01T00:00:00Z"
    take_releases(release_row(id="r", occurred_at=changed), release_row(id="s", occurred_at=ended))
    take_lines(line_row(line_id="A", msisdn=OTHER, number_changed_at=changed, deactivated_at=ended))
    said = models.ReassignedRelease.objects.order_by("occurred_at").values_list("disclosure_id", "why")
    assert list(said) == [(id_of("r"), "number"), (id_of("s"), "ended")]


def test_rows_by_the_new_number_stay_beside_those_that_go() -> None:
    take_lines(line_row(line_id="A", msisdn=OTHER, number_changed_at="2025-10-01T00:00:00Z"))
    take_releases(
        release_row(id="r", occurred_at=AUTUMN), release_row(id="t", occurred_at="2025-10-05T00:00:00Z", msisdn=OTHER)
    )
    take_lines(line_row(line_id="A", msisdn=THIRD, number_changed_at="2025-09-10T00:00:00Z"))
    assert (whose(), held()) == ([("A", "t")], {"r"})


def test_what_a_number_reports_from_its_return_on_stays() -> None:
    take_releases(release_row(id="r", occurred_at=WINTER), release_row(id="s", occurred_at=AUTUMN))
    committed(line_row(line_id="A", msisdn=OTHER, number_changed_at="2025-09-01T00:00:00Z"))
    committed(line_row(line_id="A", number_changed_at=WINTER))
    reassignment.attribute(at=database_clock(), actor="import:lines")
    assert (whose(), held()) == ([("A", "r")], {"s"})


def test_what_nobody_had_the_number_for_stays_held() -> None:
    take_releases(release_row(id="r", occurred_at=AUTUMN))
    take_lines(ENDED, NEXT)
    assert (whose(), held()) == ([], {"r"})
    assert told(take_releases(release_row(id="r", occurred_at=AUTUMN))) == [("rejected", "msisdn", "line_unknown")]
    # The end was a mistake: what was given back is the line's again.
    take_lines(line_row(line_id="A", deactivated_at="2025-09-28T00:00:00Z"))
    assert (whose(), held(), Incident.objects.count()) == ([("A", "r")], set(), 0)


@pytest.mark.parametrize("own", [None, EVER, PAST])
def test_a_hidden_row_stays_hidden_wherever_it_goes(own: str | None) -> None:
    """By an order of its own or by one that came later; it shows to the one whose it is, once the order lifts."""
    take_lines(NEXT | {"msisdn": THIRD})
    take_releases(release_row(id="r", occurred_at=WINTER, suppressed_until=own, authority_ref="own" if own else None))
    if own != EVER:
        feeds.take_notices({"disclosure_id": "r", "suppressed_until": EVER, "order_ref": "court"})
    notices = models.DelayedNotice.objects.order_by("number").values_list("number", "suppressed_until", "order_ref")
    orders = list(notices)
    assert (seen("A"), len(orders)) == ([], 1 if own in {None, EVER} else 2)
    take_lines(ENDED)
    assert held() == {"r"}
    assert models.HeldNotice.objects.count() == len(orders) - (own is not None)
    assert (models.DelayedNotice.objects.count(), models.ConcealedDisclosure.objects.count()) == (0, 0)
    take_lines(line_row(line_id="C", account_id="A3", activated_at="2025-10-01T00:00:00Z"))
    assert list(notices.all()) == orders
    assert (whose(), seen("A"), seen("C")) == ([("C", "r")], [], [])
    assert not Dealing.objects.exists()
    feeds.take_notices({"disclosure_id": "r", "suppressed_until": PAST, "order_ref": "over"})
    assert seen("C") == ["r"]


def test_the_order_on_a_row_that_stays_is_left_with_it() -> None:
    take_releases(release_row(id="r", occurred_at=WINTER), release_row(id="s", occurred_at=SUMMER))
    feeds.take_notices(*({"disclosure_id": one, "suppressed_until": EVER, "order_ref": "court"} for one in ("r", "s")))
    take_lines(ENDED)
    assert (whose(), held()) == ([("A", "s")], {"r"})
    for notices, one in ((models.HeldNotice.objects, "r"), (models.DelayedNotice.objects, "s")):
        assert list(notices.values_list("disclosure_id", flat=True)) == [id_of(one)]


def test_a_hidden_row_must_show_its_yes_once_it_shows() -> None:
    gag = {"suppressed_until": EVER, "decision_id": ""}
    feeds.taken(DisclosuresFeed(gateway="gate"), feeds.ndjson([release_row(id="r", occurred_at=WINTER, **gag)]))
    for row in (ENDED, NEXT):
        take_lines(row)
        assert not Incident.objects.exists()
    feeds.take_notices({"disclosure_id": "r", "suppressed_until": PAST, "order_ref": "over"})
    assert list(Incident.objects.values_list("kind", "count")) == [("ungated", 1)]


def test_a_hidden_doubt_is_counted_once_it_shows() -> None:
    doubtful = {"basis": "emergency", "path": [BRIDGE, TRACK], "suppressed_until": EVER}
    take_releases(release_row(id="r", occurred_at=WINTER, **doubtful))
    take_lines(ENDED, NEXT)
    assert (whose(), Incident.objects.count()) == ([("B", "r")], 0)
    feeds.take_notices({"disclosure_id": "r", "suppressed_until": PAST, "order_ref": "over"})
    assert list(Incident.objects.values_list("kind", "count")) == [("basis_doubtful", 1)]


def test_an_incident_reaches_whose_it_is() -> None:
    take_releases(release_row(id="r", occurred_at=WINTER, basis="emergency", path=[BRIDGE, TRACK]))
    ungated = release_row(id="s", occurred_at=WINTER, decision_id="made-up")
    feeds.taken(DisclosuresFeed(gateway="gate"), feeds.ndjson([ungated]))
    incidents = list(Incident.objects.order_by("kind"))
    assert [(one.kind, one.count) for one in incidents] == [("basis_doubtful", 1), ("ungated", 1)]
    take_lines(ENDED, NEXT)
    assert [line for line, _ in whose()] == ["B", "B"]
    moved = Incident.objects.get(kind="history_moved")
    assert [*Incident.objects.exclude(pk=moved.pk).values_list("count", flat=True), moved.count] == [1, 1, 2]
    assert IncidentLine.objects.count() == 4
    assert [one.doubted for one in models.ReassignedRelease.objects.order_by("disclosure_id")] == [
        [TRACK] if one == id_of("r") else [] for one in sorted((id_of("r"), id_of("s")))
    ]
    assert {get_incident_scope(incident=one, at=database_clock()).lines for one in [*incidents, moved]} == {1}
    for hidden, left in (("r", ["history_moved", "ungated"]), ("s", [])):
        feeds.take_notices({"disclosure_id": hidden, "suppressed_until": EVER, "order_ref": "o"})
        seen = visible_incidents(at=database_clock()).order_by("kind")
        assert list(seen.values_list("kind", flat=True)) == left


def test_a_release_that_moved_twice_in_a_day_leaves_twice_when_hidden() -> None:
    take_releases(*(release_row(id=one, occurred_at=WINTER) for one in ("r", "s")))
    take_lines(ENDED, NEXT)
    third = {**NEXT, "line_id": "C", "account_id": "A3", "holder_name": "Cleo Park"}
    take_lines({**NEXT, "deactivated_at": "2025-11-01T00:00:00Z"}, {**third, "activated_at": "2025-11-01T00:00:00Z"})
    assert whose() == [("C", "r"), ("C", "s")]
    lines = dict(Line.objects.values_list("pk", "carrier_id"))
    told = AuditEvent.objects.filter(action="line.history_moved").values_list("line_id", flat=True)
    assert sorted(lines[line_id or 0] for line_id in told) == ["A", "B", "B", "C"]
    moved = Incident.objects.get(kind="history_moved")
    assert count_occurrences(incidents=[moved], at=database_clock()) == {moved.pk: 4}
    feeds.take_notices({"disclosure_id": "r", "suppressed_until": EVER, "order_ref": "o"})
    assert count_occurrences(incidents=[moved], at=database_clock()) == {moved.pk: 2}


def test_dealings_say_what_the_lines_other_rows_say() -> None:
    take_releases(
        release_row(occurred_at=WINTER, path=[BRIDGE, ROAD, JAIL]),
        release_row(occurred_at=SUMMER),
        release_row(occurred_at=WINTER, aggregator=LINK, path=[LINK, TRACK]),
        # What was refused, an emergency's or is hidden speaks for nobody, before or after.
        *(
            release_row(occurred_at=at, path=[BRIDGE, party], **more)
            for at, party in ((SUMMER, JAIL), (WINTER, TRACK))
            for more in ({"outcome": "refused"}, {"basis": "emergency"}, {"suppressed_until": EVER})
        ),
    )
    former = Line.objects.get(carrier_id="A").pk
    of_former = Dealing.objects.filter(line_id=former)
    assert sorted(of_former.values_list("party__uri", flat=True)) == [JAIL, ROAD, TRACK]
    # Before, each release wrote one for the aggregator as well; and where something began was not written down.
    bridge, link, road, track = (Party.objects.get(uri=uri).pk for uri in (BRIDGE, LINK, ROAD, TRACK))
    gone, kept = moment(WINTER), moment(SUMMER)
    for aggregator, party, first, last in (
        (bridge, bridge, gone, gone), (link, link, kept, gone), (link, road, None, kept),
        (bridge, track, gone, gone),
    ):  # fmt: skip
        Dealing.objects.create(line_id=former, aggregator_id=aggregator, party_id=party, first_at=first, last_at=last)
    later = gone + timedelta(days=1)
    of_former.filter(aggregator_id=link, party_id=track).update(last_at=later)
    take_lines(ENDED, NEXT)
    left = of_former.values_list("aggregator__uri", "party__uri", "first_at", "last_at")
    assert set(left) == {
        (LINK, LINK, kept, kept), (LINK, ROAD, None, kept), (BRIDGE, ROAD, kept, kept), (BRIDGE, TRACK, gone, gone),
        (LINK, TRACK, later, later),
    }  # fmt: skip
    of_next = Dealing.objects.exclude(line_id=former).values_list("party__uri", flat=True)
    assert sorted(of_next) == [JAIL, ROAD, TRACK]


def test_anomalies_are_found_anew_without_what_went() -> None:
    take_releases(*(release_row(occurred_at=f"2025-11-0{n}T20:00:00Z") for n in range(1, 5)))
    standing = models.Anomaly.objects.filter(cleared_at=None).values_list("kind", "line_id")
    find(at=database_clock())
    assert list(standing) == [("no_approval", Line.objects.get(carrier_id="A").pk)]
    take_lines(ENDED, NEXT)
    assert not standing.all().exists()
    find(at=database_clock())
    assert list(standing.all()) == [("no_approval", Line.objects.get(carrier_id="B").pk)]


def test_counts_archives_and_changes_of_judgement_go_along() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    take_lines(line_row(line_id="C", msisdn=OTHER))
    for line in Line.objects.all():
        until = database_clock() + timedelta(days=1)
        models.Archive.objects.create(
            id=uuid4(), line_id=line.pk, user_id=1, language="en", asked_at=database_clock(), expires_at=until
        )
    take_releases(
        release_row(id="r", occurred_at=WINTER), *(release_row(occurred_at=SUMMER) for _ in range(5)),
        release_row(id="t", occurred_at=SUMMER, msisdn=OTHER),
    )  # fmt: skip
    feeds.take_approvals(feeds.approval_row(captured_at="2025-10-01T00:00:00Z"))
    assert [one.disclosure_id for one in models.JudgementChange.objects.all()] == [id_of("r")]
    line = Line.objects.get(carrier_id="A")
    models.GrowingLine.objects.create(line_id=line.pk)

    def counted() -> int:
        roll_up(at=database_clock(), long=5)
        return sum(one.n for one in facts_of(line_id=line.pk, zone=zone, at=database_clock()))

    assert counted() == 6
    take_lines(ENDED, line_row(line_id="C", msisdn=OTHER, deactivated_at="2025-09-01T00:00:00Z"))
    assert sum(one.n for one in facts_of(line_id=line.pk, zone=zone, at=database_clock())) == 5
    assert counted() == 5
    assert list(models.DailyRollup.objects.values_list("day", "n")) == [(date(2025, 7, 1), 5)]
    # Of everything in a file, that of the line that gave nothing back.
    assert [one.line_id for one in models.Archive.objects.all()] == [Line.objects.get(carrier_id="C").pk]
    assert not models.JudgementChange.objects.exists()
    assert models.DisclosureRegister.objects.count() == 6


def test_a_period_that_breaks_keeps_no_other_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    take_lines(line_row(line_id="C", msisdn=OTHER))
    take_releases(release_row(id="r", occurred_at=WINTER), release_row(id="s", occurred_at=WINTER, msisdn=OTHER))
    broken = Line.objects.get(carrier_id="A").pk
    inside = reassigned_rows._find_stretch

    def breaks(period: models.ShortenedPeriod) -> object:
        if period.line_id == broken:
            raise ValueError
        return inside(period)

    with monkeypatch.context() as patched:
        patched.setattr(reassigned_rows, "_find_stretch", breaks)
        take_lines(ENDED, line_row(line_id="C", msisdn=OTHER, deactivated_at="2025-09-01T00:00:00Z"))
    assert (whose(), held()) == ([("A", "r")], {"s"})
    tasks.attribute_held()
    assert whose() == []


def test_the_database_gives_back_only_what_lies_outside(refused: Refusal) -> None:
    end = "2025-09-01T00:00:00Z"
    take_lines(line_row(line_id="C", msisdn=OTHER))
    take_releases(
        *(release_row(id=one, occurred_at=at) for one, at in (("r", WINTER), ("s", SUMMER), ("t", end))),
        release_row(id="u", occurred_at=WINTER, msisdn=OTHER),
    )
    outside, inside, at_the_end, anothers = (id_of(one) for one in ("r", "s", "t", "u"))

    def stays(period: int, row: object) -> None:
        refused(
            f"SELECT disclosures_give_back({period}, ARRAY['{row}']::uuid[], '{{}}', NULL, NULL)",
            constraint="disclosures_given_back_from_outside",
        )

    stays(1, outside)
    line = Line.objects.get(carrier_id="A")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_linenumber SET ends_at = %s WHERE line_id = %s", [end, line.pk])
    work = models.ShortenedPeriod.objects.get()
    assert (work.line_id, work.since, work.until) == (line.pk, moment(end), None)
    # Inside of its period; outside, but not among the held ones; and held, but inside.
    stays(work.pk, inside)
    stays(work.pk, outside)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO disclosures_helddisclosure (id, msisdn_hash, row_sealed, held_at)"
            " SELECT r.id, n.msisdn_hash, '', now() FROM disclosures_disclosureregister r, accounts_linenumber n"
            " WHERE n.line_id = %s",
            [line.pk],
        )
    stays(work.pk, inside)
    stays(work.pk, anothers)
    # What lies at its very end is outside; it is inside of no period that ended there.
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT disclosures_give_back(%s, %s, '{}', NULL, NULL)", [work.pk, [at_the_end]])
        assert cursor.fetchall() == [(1,)]
        transaction.set_rollback(True)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_linenumber SET ends_at = '2025-08-01T00:00:00Z' WHERE line_id = %s", [line.pk])
    stays(models.ShortenedPeriod.objects.latest("pk").pk, at_the_end)
    # The same number again, from the moment of the row on.
    number = LineNumber.objects.get(line=line)
    number.pk, number.starts_at, number.ends_at = None, moment(WINTER), None
    number.save()
    stays(work.pk, outside)
    for statement in (
        f"SELECT disclosures_take_out({line.pk}, ARRAY['{inside}']::uuid[], '{{}}')",
        "INSERT INTO disclosures_shortenedperiod (line_id, msisdn_hash, since) VALUES (1, '', now())",
        "DELETE FROM disclosures_disclosure",
        "SET LOCAL disclosures.giving_back = 'yes'; DELETE FROM disclosures_disclosure",
    ):
        refused(statement)
    assert models.Disclosure.objects.count() == 4


def test_a_row_given_back_while_taken_in_stays_held(monkeypatch: pytest.MonkeyPatch) -> None:
    numbered = line_row(line_id="C", account_id="A3", msisdn=THIRD)

    def another_number() -> None:
        """As far as its import comes: what is held it takes in when nobody else does."""
        committed(numbered | {"msisdn": OTHER, "number_changed_at": "2025-06-20T00:00:00Z"})
        reassignment.detach_releases(at=database_clock(), actor="import:lines")

    take_releases(release_row(id="r", msisdn=THIRD, occurred_at=SUMMER))

    take_in = store.store

    def and_at_once(**rows: Any) -> Any:
        monkeypatch.setattr(store, "store", take_in)
        outcomes = take_in(**rows)
        elsewhere(another_number)
        return outcomes

    monkeypatch.setattr(store, "store", and_at_once)
    take_lines(numbered)
    assert (whose(), held()) == ([], {"r"})
    take_lines(line_row(line_id="D", account_id="A4", msisdn=THIRD, activated_at="2025-06-25T00:00:00Z"))
    assert (whose(), held()) == ([("D", "r")], set())


@pytest.mark.one_server
def test_a_row_without_a_hash_of_its_meaning_stays() -> None:
    """An earlier tool's."""
    take_releases(release_row(id="r", occurred_at=WINTER))
    with connections["owner"].cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE disclosures_disclosureregister SET content_hash = 'another'")
        cursor.execute("SET session_replication_role = origin")
    take_lines(ENDED, NEXT)
    assert whose() == [("A", "r")]
    assert not models.ShortenedPeriod.objects.exists()


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_killed_run_is_gone_on_with_by_the_next(after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    take_releases(*(release_row(id=one, occurred_at=WINTER) for one in ("r", "s", "t")))
    monkeypatch.setattr(reassigned_rows, "ROWS", 1)
    give_back, given = reassignment._detach_period, list[int]()

    def then_cut_off(periods: Sequence[int], at: datetime) -> int:
        if len(given) == after:
            raise KeyboardInterrupt
        given.append(give_back(periods, at))
        return given[-1]

    with monkeypatch.context() as patched:
        patched.setattr(reassignment, "_detach_period", then_cut_off)
        with pytest.raises(KeyboardInterrupt):
            take_lines(ENDED, NEXT)
    assert models.ShortenedPeriod.objects.count() == 1
    assert [line for line, _ in whose()] == ["A"] * (3 - after)
    assert len(held()) == after
    tasks.attribute_held()
    assert whose() == [("B", "r"), ("B", "s"), ("B", "t")]
    assert not models.ShortenedPeriod.objects.exists()
    assert [one.detail["count"] for one in AuditEvent.objects.filter(action="disclosures.given_back")] == [3]


def test_no_more_rows_are_looked_at_than_one_transaction_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where they stay: the end was a mistake."""
    later = "2025-09-21T00:00:00Z"
    take_releases(*(release_row(id=one, occurred_at=at) for one, at in (("s", AUTUMN), ("t", later), ("r", WINTER))))
    committed(ENDED)
    committed(line_row(line_id="A", deactivated_at="2025-09-28T00:00:00Z"))
    monkeypatch.setattr(reassigned_rows, "ROWS", 1)
    detach, looked_at = reassigned_rows.detach_stretch, list[tuple[list[UUID], UUID | None]]()

    def noted(*, stretch: reassigned_rows.Stretch, at: datetime) -> None:
        looked_at.append((stretch.ids, stretch.last))
        detach(stretch=stretch, at=at)

    monkeypatch.setattr(reassigned_rows, "detach_stretch", noted)
    tasks.attribute_held()
    assert looked_at == [([], id_of("s")), ([], id_of("t")), ([id_of("r")], id_of("r"))]
    assert (whose(), held()) == ([("A", "s"), ("A", "t")], {"r"})
    assert not models.ShortenedPeriod.objects.exists()


def test_one_worker_takes_held_rows_in_and_none_waits() -> None:
    take_releases(release_row(id="r", msisdn=THIRD, occurred_at=SUMMER))
    committed(line_row(line_id="C", account_id="A3", msisdn=THIRD))
    with ThreadPoolExecutor(1) as another, ExitStack() as its:
        another.submit(its.enter_context, lock_job(name="disclosures.attribute_held")).result()
        tasks.attribute_held()
        assert (whose(), held()) == ([], {"r"})
        another.submit(its.close).result()
        another.submit(connections.close_all).result()
    tasks.attribute_held()
    assert (whose(), held()) == ([("C", "r")], set())


def test_what_is_stored_while_its_line_ends_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attributed by what was known before the end, and committed after it: whoever gives back waits for it."""
    leave, others = projections.write_projections, list[Future[None]]()

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

        monkeypatch.setattr(projections, "write_projections", end_meanwhile)
        take_releases(release_row(id="r", occurred_at=WINTER))
        others[0].result()
    assert whose() == [("B", "r")]


def _waits_for_its_turn() -> bool:
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)")
        (waits,) = cursor.fetchone()
    return bool(waits)
