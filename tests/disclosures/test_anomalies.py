"""Each rule at, below and above its threshold; late rows; rows that are hidden, shown, and judged again."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Line, LineState
from audit.actions import close_incident
from audit.models import AuditEvent, Incident
from audit.queries import database_clock
from consent.actions.choices import stop
from consent.models import Approval, InvalidatedApproval
from disclosures.models import Anomaly, AnomalyWatch, Basis, Judgement, Outcome
from disclosures.queries.anomaly_rows import list_anomaly_releases
from disclosures.workers.anomalies.detection import find
from portal import health
from tests.disclosures.anomalies import (
    AFTER_STOP,
    BAIL,
    BRIDGE,
    DAY,
    HOUR,
    JAIL,
    MAY,
    MINUTE,
    NO_APPROVAL,
    ROAD,
    TRACK,
    every,
    judge_again,
    looked,
    seen,
    set_rule,
    standing,
)
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.world import gagged

pytestmark = pytest.mark.usefixtures("db", "no_broker")


@pytest.fixture
def now() -> datetime:
    return database_clock()


@pytest.fixture
def line(now: datetime) -> Line:
    return a_line(activated_at=MAY - 20 * DAY)


@pytest.mark.parametrize(
    ("kind", "judgement", "least"),
    [("after_stop", AFTER_STOP, 1), ("no_approval", NO_APPROVAL, 3), ("suspended", Judgement.PARTNER_SUSPENDED, 1)],
)
def test_releases_after_a_stop_or_with_no_approval(
    line: Line, now: datetime, kind: str, judgement: str, least: int
) -> None:
    looked(line, *every(MAY, least - 1, DAY), judgement=judgement, recorded_at=now)
    assert seen(now) == []
    looked(line, MAY + 5 * DAY, judgement=judgement, recorded_at=now)
    assert seen(now) == [(kind, least, least)]
    looked(line, MAY + 6 * DAY, MAY + 29 * DAY, judgement=judgement, recorded_at=now)
    assert seen(now)[0] == (kind, least + 1, least + 1), "the fullest window that ends in May"
    june = standing(period=date(2026, 6, 1))[0]
    assert (june.n, june.first_at, june.last_at) == (least + 2, MAY if least > 1 else MAY + 5 * DAY, MAY + 29 * DAY)


def test_a_window_holds_both_its_ends_exactly(line: Line, now: datetime) -> None:
    looked(line, MAY, MAY + DAY, MAY + 30 * DAY + timedelta(microseconds=1), judgement=NO_APPROVAL, recorded_at=now)
    assert seen(now) == []
    looked(line, MAY + 30 * DAY, judgement=NO_APPROVAL, recorded_at=now)
    assert seen(now) == [("no_approval", 3, 3)]
    assert (standing()[0].first_at, standing()[0].last_at) == (MAY, MAY + 30 * DAY)


def test_bursts(line: Line, now: datetime) -> None:
    looked(line, *every(MAY, 19, MINUTE), recorded_at=now)
    looked(line, *every(MAY, 19, MINUTE), path=(BRIDGE, TRACK), recorded_at=now)
    assert seen(now) == []
    looked(line, MAY + 60 * MINUTE + timedelta(seconds=1), recorded_at=now)
    assert seen(now) == [], "one minute more than an hour"
    looked(line, MAY + 60 * MINUTE, recorded_at=now)
    assert seen(now) == [("burst", 20, 20)]
    looked(line, MAY + 30 * MINUTE, recorded_at=now)
    assert seen(now) == [("burst", 21, 21)]
    (found,) = standing()
    assert (found.n, found.party, found.first_at, found.last_at) == (21, ROAD, MAY, MAY + 60 * MINUTE)
    assert (found.line_id, found.period, found.rule.version) == (line.pk, date(2026, 5, 1), 1)


def test_nights_are_nights_where_the_line_was(line: Line, now: datetime) -> None:
    # In Washington State 22:00 is 05:00 UTC in summer. Four nights, the last look-up a minute before six.
    ten = datetime(2026, 5, 11, 5, tzinfo=UTC)
    looked(line, ten, ten + DAY, ten + DAY + HOUR, ten + 6 * DAY + 8 * HOUR - MINUTE, recorded_at=now)
    looked(line, ten + 2 * DAY - MINUTE, ten + 3 * DAY + 8 * HOUR, recorded_at=now)
    assert seen(now) == [], "three nights, and two that were not: a minute before ten, and six sharp"
    looked(line, ten + 2 * DAY, recorded_at=now)
    assert seen(now) == [("night", 4, 5)]
    looked(line, ten + 7 * DAY, recorded_at=now)
    assert seen(now) == [("night", 4, 5)], "a week holds seven nights"
    assert standing()[0].first_at == ten
    LineState.objects.filter(line=line).update(state="NY")
    Line.objects.update(state="NY")
    looked(line, MAY + 2 * DAY, recorded_at=now)
    find(at=now)
    assert standing(kind="night") == [], "there it is one in the morning, and nine, and only some of these are nights"


def test_a_night_belongs_to_the_state_of_its_own_time(line: Line, now: datetime) -> None:
    LineState.objects.create(line=line, state="HI", since=MAY + DAY)
    two = datetime(2026, 5, 10, 9, tzinfo=UTC)
    looked(line, *every(two - 3 * DAY, 7, DAY), recorded_at=now)
    # 09:00 UTC is 2 in the morning in Washington and 23 o'clock in Hawaii: nights both.
    assert seen(now) == [("night", 7, 7)]


def test_one_end_customer_across_many_lines(now: datetime) -> None:
    lines = [a_line() for _ in range(25)]
    midnight = datetime(2026, 5, 11, tzinfo=UTC)
    for n, one in enumerate(lines[:24]):
        looked(one, midnight + n * HOUR, midnight + n * HOUR + MINUTE, path=(BRIDGE, TRACK, JAIL), recorded_at=now)
    looked(lines[24], midnight + DAY, path=(BRIDGE, TRACK, JAIL), recorded_at=now)
    looked(lines[24], midnight, path=(BRIDGE, JAIL), recorded_at=now)
    assert seen(now) == [], "24 on the day, one on the next, and one to whom it is no end customer"
    looked(lines[24], midnight, path=(BRIDGE, "unknown", "unknown", JAIL), recorded_at=now)
    assert seen(now) == [("many_lines", 25, 49)]
    (found,) = standing()
    assert (found.party, found.recipient, found.line_id, found.period) == (JAIL, JAIL, None, date(2026, 5, 11))
    assert (found.first_at, found.last_at) == (midnight, midnight + 23 * HOUR + MINUTE)
    set_rule("many_lines", at=now, threshold=25, window=2)
    looked(lines[0], midnight + 2 * DAY, path=(BRIDGE, TRACK, JAIL), recorded_at=now)
    find(at=now)
    assert [(one.period.day, one.n) for one in standing(kind="many_lines")] == [(11, 25), (12, 25)]


def test_look_ups_of_a_line_that_had_been_quiet(now: datetime) -> None:
    line, young = a_line(activated_at=MAY - 300 * DAY), a_line(activated_at=MAY - 180 * DAY + MINUTE)
    looked(line, MAY - 180 * DAY, path=(BRIDGE, TRACK), recorded_at=now)
    looked(line, MAY, MAY + HOUR, MAY + DAY, recorded_at=now)
    looked(young, *every(MAY, 9, HOUR), recorded_at=now)
    assert seen(now) == [], "two in the first day, and a line that was not there for so long"
    looked(line, MAY + DAY - MINUTE, recorded_at=now)
    assert seen(now) == [("dormant", 3, 3)]
    # It was not quiet after all: what came late says so.
    looked(line, MAY - 90 * DAY, recorded_at=now)
    assert seen(now) == []
    assert Anomaly.objects.get().cleared_at == now
    never = a_line(activated_at=MAY - 180 * DAY)
    looked(never, *every(MAY, 3, HOUR), path=(BRIDGE, "unknown"), recorded_at=now)
    assert seen(now) == [("dormant", 3, 3)]
    assert standing()[0].party == BRIDGE, "nobody else can be named"


def kept_from() -> datetime | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT disclosures_kept_from()")
        (found,) = cursor.fetchone()
    return found if found is None else datetime.fromisoformat(str(found))


@pytest.mark.parametrize("basis", [Basis.APPROVAL, Basis.EMERGENCY, Basis.NETWORK])
def test_nobody_knows_of_quiet_before_the_ledger_began(now: datetime, basis: str) -> None:
    """It is as old as its oldest row, in whatever partition."""
    assert kept_from() is None
    line, other = a_line(activated_at=MAY - 900 * DAY), a_line(activated_at=MAY - 900 * DAY)
    began = MAY - 180 * DAY
    looked(line, *every(MAY, 3, HOUR), recorded_at=now)
    assert kept_from() == MAY
    looked(other, began + timedelta(microseconds=1), basis=basis, recorded_at=now)
    assert seen(now) == [], "the carrier went live in between, or what was before has been dropped"
    looked(other, began, basis=basis, recorded_at=now)
    assert seen(now + MINUTE) == [("dormant", 3, 3)]
    assert kept_from() == began


def test_claims_of_consent_that_people_dispute(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = a_campaign(a_contract(a_party("GeoBridge")))
    other = a_campaign(a_contract(a_party("NorthLink")), a_party("SecureTrack", "lbs_provider"))
    lines = [a_line() for _ in range(4)]
    before = now - DAY
    for n in range(996):
        an_approval(lines[0], campaign, at=before - n * MINUTE, verified_by="partner", recorded_at=now)
    for one in lines:
        an_approval(one, campaign, at=before, verified_by="partner", recorded_at=now)
        an_approval(one, other, at=before, verified_by="carrier", recorded_at=now)
    for one in lines[1:]:
        stop(line_id=one.pk, scope="party", ref=ROAD, actor="subscriber:1", channel="web", reason="never_agreed")
    at = database_clock()
    assert seen(at) == [], "three in a thousand are not more than three"
    set_rule("disputed", at=at, threshold=2)
    an_approval(lines[1], campaign, at=before, verified_by="partner", recorded_at=at)
    find(at=database_clock())
    (found,) = standing()
    assert (found.kind, found.n, found.looks, found.out_of) == ("disputed", 4, 4, 1001)
    assert (found.party, found.line_id, found.period) == (BRIDGE, None, at.date().replace(day=1))
    monkeypatch.setattr("disclosures.workers.anomalies.detection.OVERLAP", timedelta(0))
    of_another = Approval.objects.filter(line_id=lines[1].pk, verified_by="partner").earliest("recorded_at")
    InvalidatedApproval.objects.create(
        line_id=lines[1].pk, yes_id=of_another.id, campaign=campaign.ref, recorded_at=database_clock()
    )
    find(at=database_clock())
    (found,) = standing()
    assert (found.n, found.out_of) == (3, 1000), "a claim about somebody else is none about this line"
    told = Incident.objects.get(kind="disputed")
    behind = list_anomaly_releases(kind=told.kind, key=told.key, subject=told.subject, at=database_clock(), rows=99)
    assert len(behind) == 3
    stop(line_id=lines[0].pk, scope="campaign", ref=other.ref, actor="s:1", channel="web", reason="never_agreed")
    find(at=database_clock())
    assert [one.party for one in standing()] == [BRIDGE], "what the carrier holds is no claim"


def test_each_company_has_its_own_and_others_bases_none(line: Line, now: datetime) -> None:
    for basis in (Basis.EMERGENCY, Basis.LEGAL_PROCESS, Basis.NETWORK):
        looked(line, *every(MAY, 40, MINUTE), basis=basis, path=(BRIDGE, TRACK, JAIL), recorded_at=now)
    looked(line, *every(MAY, 40, MINUTE), outcome=Outcome.REFUSED, recorded_at=now)
    assert seen(now) == []
    # Two with long names that are alike at the start, too.
    long = [f"https://{'a' * 240}{n}.example" for n in range(2)]
    for path in ((BRIDGE, ROAD), (BRIDGE, TRACK, JAIL), (BRIDGE, TRACK, BAIL), *((BRIDGE, uri) for uri in long)):
        looked(line, MAY, judgement=AFTER_STOP, path=path, recorded_at=now)
    find(at=now)
    assert [(one.party, one.n) for one in standing()] == [(long[0], 1), (long[1], 1), (ROAD, 1), (TRACK, 2)]
    assert Incident.objects.values("key").distinct().count() == 4
    found = Incident.objects.exclude(subject__in=(ROAD, TRACK))
    assert {len(one.subject) for one in found} == {200}
    for one in found:
        (row,) = list_anomaly_releases(kind=one.kind, key=one.key, subject=one.subject, at=now, rows=9)
        assert row.path[-1] in long


def test_late_rows_are_looked_at_however_late(line: Line, now: datetime) -> None:
    old = a_line(activated_at=now - 900 * DAY)
    looked(line, MAY, judgement=AFTER_STOP, recorded_at=now)
    find(at=now)
    # Committed after the look, and recorded before it.
    looked(line, MAY - 2 * HOUR, judgement=AFTER_STOP, recorded_at=now - timedelta(minutes=9))
    looked(a_line(), MAY, judgement=AFTER_STOP, path=(BRIDGE, TRACK), recorded_at=now - DAY)
    find(at=now + timedelta(seconds=30))
    assert [(one.party, one.n) for one in standing()] == [(ROAD, 2)]
    find(at=now + 5 * MINUTE, deep=True)
    assert [one.party for one in standing()] == [ROAD, TRACK]
    later = now + 3 * DAY
    looked(old, now - 700 * DAY, judgement=AFTER_STOP, recorded_at=later - HOUR)
    looked(line, MAY - HOUR, judgement=AFTER_STOP, recorded_at=later - 2 * DAY)
    find(at=later)
    assert {(one.line_id, one.n) for one in standing(party=ROAD)} == {(line.pk, 3), (old.pk, 1)}


def test_the_same_look_again_changes_nothing(line: Line, now: datetime) -> None:
    looked(line, *every(MAY, 25, MINUTE), judgement=AFTER_STOP, path=(BRIDGE, TRACK, JAIL), recorded_at=now)
    find(at=now)
    rows, incidents = list(Anomaly.objects.values()), list(Incident.objects.values())
    assert (len(rows), len(incidents)) == (2, 2)
    find(at=now + MINUTE, deep=True)
    AnomalyWatch.objects.all().delete()
    find(at=now + 2 * MINUTE)
    assert (list(Anomaly.objects.values()), list(Incident.objects.values())) == (rows, incidents)
    assert not AuditEvent.objects.filter(action__startswith="incident.").exists()


def test_the_first_look_goes_back_thirty_recorded_days(line: Line, now: datetime) -> None:
    assert b"\nwhereabouts_anomalies_behind_seconds " not in health.metrics(at=now)
    looked(line, MAY, judgement=AFTER_STOP, recorded_at=now - 31 * DAY)
    looked(a_line(), MAY, judgement=AFTER_STOP, path=(BRIDGE, TRACK), recorded_at=now - 29 * DAY)
    # With the first row of these days, that is.
    assert find(at=now) == 30
    assert [one.party for one in standing()] == [TRACK]
    assert AnomalyWatch.objects.get().until == now
    assert b"whereabouts_anomalies_behind_seconds 90.0" in health.metrics(at=now + timedelta(seconds=90))
    assert find(at=now + MINUTE) == 1


def test_the_first_look_goes_back_to_what_was_judged_again(line: Line, now: datetime) -> None:
    judge_again(looked(line, MAY, recorded_at=now - 31 * DAY), AFTER_STOP)
    assert seen(database_clock() + 29 * DAY) == [("after_stop", 1, 1)]


def test_what_is_judged_again_is_cleared_and_stands_again(line: Line, now: datetime) -> None:
    rows = looked(line, *every(MAY, 4, HOUR), judgement=NO_APPROVAL, recorded_at=now - 2 * DAY)
    assert seen(now - DAY) == [("no_approval", 4, 4)]
    judge_again(rows[:1], "permitted")
    assert seen(database_clock()) == [("no_approval", 3, 3)]
    judge_again(rows[1:2], "permitted")
    at = database_clock()
    assert seen(at) == []
    (gone,) = Anomaly.objects.all()
    assert (gone.cleared_at, gone.n) == (at, 3)
    incident = Incident.objects.get()
    assert (incident.closed_at, incident.count) == (at, 0)
    event = AuditEvent.objects.get(action="incident.closed")
    assert (event.actor, event.reason) == ("system:anomalies", "Newer records show that this is no longer true.")
    # And when it is so after all, it stands again, and its incident is open again.
    looked(line, MAY + 9 * HOUR, judgement=NO_APPROVAL, recorded_at=at + MINUTE)
    again = at + 2 * MINUTE
    assert seen(again) == [("no_approval", 3, 3)]
    (stands,) = Anomaly.objects.all()
    assert (stands.pk, stands.found_at, stands.cleared_at) == (gone.pk, again, None)
    incident.refresh_from_db()
    assert (incident.closed_at, incident.opened_at, incident.count) == (None, again, 1)


def test_a_late_stop_makes_one_of_what_was_permitted(line: Line, now: datetime) -> None:
    rows = looked(line, MAY, recorded_at=now - 2 * DAY)
    assert seen(now - DAY) == []
    judge_again(rows, "after_stop")
    assert seen(database_clock()) == [("after_stop", 1, 1)]


def test_one_incident_a_kind_company_and_year(now: datetime) -> None:
    lines = [a_line() for _ in range(3)]
    for one in lines:
        looked(one, MAY - 200 * DAY, MAY, MAY + 40 * DAY, judgement=AFTER_STOP, recorded_at=now)
    looked(lines[0], MAY, judgement=AFTER_STOP, path=(BRIDGE, TRACK), recorded_at=now)
    find(at=now)
    told = list(Incident.objects.order_by("key").values_list("kind", "key", "subject", "count"))
    assert told == [
        ("after_stop", f"2025 {ROAD}", ROAD, 3),
        ("after_stop", f"2026 {ROAD}", ROAD, 6),
        ("after_stop", f"2026 {TRACK}", TRACK, 1),
    ]


def test_a_closed_incident_is_reopened_in_the_trail(now: datetime) -> None:
    looked(a_line(), MAY, judgement=AFTER_STOP, recorded_at=now)
    find(at=now)
    Incident.objects.update(closed_at=now)
    find(at=now + MINUTE)
    assert Incident.objects.get().closed_at == now
    looked(a_line(), MAY, judgement=AFTER_STOP, recorded_at=now)
    find(at=now + MINUTE)
    incident = Incident.objects.get()
    assert (incident.closed_at, incident.opened_at, incident.count) == (None, now + MINUTE, 2)
    assert AuditEvent.objects.get().action == "incident.reopened"


def closed(at: datetime) -> Incident:
    one = Incident.objects.get()
    assert close_incident(incident_id=one.pk, actor="officer:1", reason="Looked into.", at=at)
    return one


def test_a_closed_incident_opens_again_for_more_alone(line: Line, now: datetime) -> None:
    looked(line, MAY, judgement=AFTER_STOP, recorded_at=now)
    find(at=now)
    one = closed(now + MINUTE)
    find(at=now + MINUTE)
    assert Incident.objects.get().closed_at == now + MINUTE
    later = now + 2 * MINUTE
    looked(line, MAY + DAY, judgement=AFTER_STOP, recorded_at=later)
    find(at=later)
    one.refresh_from_db()
    assert (one.closed_at, one.opened_at, one.count) == (None, later, 1)
    # And by one that is older, and came later.
    closed(later + MINUTE)
    looked(line, MAY - DAY, judgement=AFTER_STOP, recorded_at=later + 2 * MINUTE)
    find(at=later + 2 * MINUTE)
    one.refresh_from_db()
    assert (one.closed_at, one.opened_at) == (None, later + 2 * MINUTE)
    # Not by one that is none, nor by less.
    rows = looked(line, MAY + 2 * DAY, recorded_at=later + 3 * MINUTE)
    closed(later + 3 * MINUTE)
    gagged(looked(line, MAY + 3 * DAY, judgement=AFTER_STOP, recorded_at=later)[0], until=None, at=later)
    find(at=later + 4 * MINUTE)
    find(at=later + 5 * MINUTE, deep=True)
    assert Incident.objects.get().closed_at == later + 3 * MINUTE
    judge_again(rows, AFTER_STOP)
    find(at=max(database_clock(), later + 6 * MINUTE))
    assert Incident.objects.get().closed_at is None
    # Found while an officer closed it: a search says by which moment it looks, and takes its time.
    closed(later + 9 * MINUTE)
    looked(line, MAY + 4 * DAY, judgement=AFTER_STOP, recorded_at=later + 8 * MINUTE)
    find(at=later + 8 * MINUTE)
    assert Incident.objects.get().closed_at is None


def test_more_in_another_week_begins_clocks_anew(line: Line, now: datetime) -> None:
    looked(line, MAY, judgement=AFTER_STOP, recorded_at=now)
    find(at=now)
    later = now + 8 * DAY
    looked(line, MAY + HOUR, judgement=AFTER_STOP, recorded_at=later)
    find(at=later)
    one = Incident.objects.get()
    assert (one.opened_at, one.renewed_at, one.count) == (now, later, 1)
    find(at=later + 8 * DAY, deep=True)
    assert Incident.objects.get().renewed_at == later


def test_the_newest_is_never_before_the_last_whoever_writes_it(line: Line, now: datetime) -> None:
    looked(line, MAY, judgement=AFTER_STOP, recorded_at=now)
    find(at=now)
    # As a program does that knows of no newest.
    Anomaly.objects.update(last_at=MAY + DAY)
    assert Anomaly.objects.get().newest_at == MAY + DAY
    one = Anomaly.objects.get()
    Anomaly.objects.all().delete()
    fields = {name: getattr(one, name) for name in ("kind", "line_id", "party", "period", "first_at", "last_at", "n")}
    made = Anomaly.objects.create(
        **fields, looks=1, rule=one.rule, found_at=now, changed_at=now, newest_at=MAY - 900 * DAY
    )
    made.refresh_from_db()
    assert made.newest_at == MAY + DAY


def test_a_rule_that_is_off_leaves_what_was_found(line: Line, now: datetime) -> None:
    looked(line, MAY, judgement=AFTER_STOP, recorded_at=now)
    assert seen(now) == [("after_stop", 1, 1)]
    set_rule("after_stop", at=now, enabled=False)
    for one in (line, a_line()):
        looked(one, MAY + HOUR, judgement=AFTER_STOP, recorded_at=now + MINUTE)
    assert seen(now + MINUTE) == [("after_stop", 1, 1)]
    assert [one.count for one in Incident.objects.all()] == [1]
    newest = set_rule("after_stop", at=now, enabled=True)
    assert seen(now + 2 * MINUTE) == [("after_stop", 2, 2), ("after_stop", 1, 1)]
    assert {one.rule_id for one in standing()} == {newest.pk}


def test_what_a_rule_that_is_off_found_is_cleared(line: Line, now: datetime) -> None:
    rows = looked(line, *every(MAY, 4, HOUR), judgement=NO_APPROVAL, recorded_at=now - HOUR)
    assert seen(now - HOUR) == [("no_approval", 4, 4)]
    set_rule("no_approval", at=now - HOUR, enabled=False, threshold=9)
    judge_again(rows[:1], "permitted")
    assert seen(database_clock()) == [("no_approval", 3, 3)]
    judge_again(rows[1:2], "permitted")
    at = database_clock()
    assert seen(at) == []
    assert [(one.n, one.cleared_at) for one in Anomaly.objects.all()] == [(3, at)]
    # And it does not stand again by a rule that finds nothing.
    rows[1].refresh_from_db()
    judge_again(rows[1:2], "no_approval")
    assert seen(database_clock()) == []


def test_another_threshold_counts_from_then_on(line: Line, now: datetime) -> None:
    other = a_line()
    for one in (line, other):
        looked(one, MAY, MAY + HOUR, judgement=AFTER_STOP, recorded_at=now - DAY)
    find(at=now - HOUR)
    set_rule("after_stop", at=now, threshold=4)
    looked(line, MAY + 2 * HOUR, judgement=AFTER_STOP, recorded_at=now)
    find(at=now)
    assert [one.line_id for one in standing()] == [other.pk]


def statements_of(at: datetime) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert find(at=at) == 1
    return len(seen)


def test_a_look_costs_the_same_whatever_it_finds(now: datetime) -> None:
    def come(n: int) -> None:
        for _ in range(n):
            looked(a_line(), *every(MAY, 25, MINUTE), judgement=AFTER_STOP, path=(BRIDGE, TRACK, JAIL), recorded_at=now)

    looked(a_line(), MAY - 180 * DAY, basis=Basis.NETWORK, recorded_at=now)
    come(25)
    find(at=now)
    come(1)
    one = statements_of(now)
    come(30)
    many = statements_of(now)
    assert (Anomaly.objects.count(), Incident.objects.count()) == (169, 4)
    assert one == many
