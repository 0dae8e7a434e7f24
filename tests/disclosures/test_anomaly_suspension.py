"""Who looked up a line after a stop or with no approval is suspended for it, unless that was our own fault."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from accounts.clients.texts import MemoryBackend
from accounts.models import Line
from accounts.primitives.zones import zone_of
from audit.models import Incident
from audit.queries import database_clock
from consent.actions import choices, system_stops
from consent.actions.system_stops import Outcome
from consent.domain import order_planning
from consent.models import Choice, RejudgeRequest
from disclosures.domain.ingest import rejudging
from disclosures.models import Anomaly, AnomalyWatch, Disclosure
from disclosures.queries.anomaly_rows import list_anomaly_releases
from disclosures.queries.rules import SUSPENDS_FOR
from disclosures.workers.anomalies import detection
from disclosures.workers.anomalies.detection import act, find
from partners.models import Campaign, Dealing, Party
from revocations.domain.wire import Agreement
from tests.disclosures.anomalies import DAY, HOUR, judge_again, set_rule, standing, told
from tests.factories import a_contract, a_party
from tests.feeds import (
    NUMBER,
    ROAD,
    Row,
    approval_row,
    choice_row,
    line_row,
    release_row,
    take_approvals,
    take_choices,
    take_lines,
    take_parties,
)
from tests.feeds import take_releases as take
from tests.moments import begins_at
from tests.overlapping import overlap
from tests.people import texts_by_day
from tests.promises.asking import ask

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
WASHINGTON = zone_of("WA")
OTHER = "dpv:FraudPreventionAndDetection"


@pytest.fixture
def now(committed_db: None) -> datetime:
    take_parties()
    take_lines(line_row(activated_at="2024-01-01T00:00:00Z"))
    return database_clock()


def ago(now: datetime, days: float) -> str:
    return (now - timedelta(days=days)).isoformat()


def unapproved(now: datetime, *days: float) -> list[Row]:
    """Look-ups under a purpose that nobody ever agreed to; those of earlier days at noon where the line is.

    Whatever the hour of the test, they are not by night, which would be found as well.
    """
    noon = now.astimezone(WASHINGTON).replace(hour=12)
    return [release_row(occurred_at=ago(noon if one >= 1 else now, one), purpose=OTHER) for one in days]


def campaign() -> Campaign:
    return Campaign.objects.get(ref="CMP-road")


def on(day: int, now: datetime) -> int:
    """What becomes of what is found now, so many days later."""
    rejudging.rejudge(cause="choice")
    find(at=database_clock())
    return act(at=now + day * DAY)


def consequences() -> list[str]:
    return sorted(Anomaly.objects.values_list("consequence", flat=True))


def test_with_no_approval_it_is_suspended_after_three_days(now: datetime) -> None:
    take_approvals(approval_row(captured_at=ago(now, 300)))
    take(*unapproved(now, 5, 4, 3))
    line = Line.objects.get()
    find(at=database_clock())
    assert act(at=database_clock()) == 0
    assert on(2, now) == 0
    assert ask(line, campaign()).allowed
    (found,) = standing()
    assert begins_at(lambda at: act(at=at), found.found_at + 3 * DAY)
    assert begins_at(lambda at: (act(at=at), consequences())[1] == ["old"], found.newest_at + SUSPENDS_FOR)
    assert on(4, now) == 1
    assert (ask(line, campaign()).reason, consequences()) == ("stopped_party", ["suspended"])
    assert len(texts_by_day(NUMBER, after=now + 4 * DAY)) == 1
    assert on(5, now) == 0
    assert Choice.objects.filter(origin="system").count() == 1


def test_an_approval_that_came_late_suspends_nobody(now: datetime) -> None:
    take(*(release_row(occurred_at=ago(now, one)) for one in (5, 4, 3)))
    find(at=database_clock())
    assert [one.kind for one in standing()] == ["no_approval"]
    take_approvals(approval_row(captured_at=ago(now, 300)))
    assert on(4, now) == 0
    (cleared,) = Anomaly.objects.all()
    assert cleared.consequence == ""
    assert cleared.cleared_at is not None
    assert Incident.objects.get(kind="no_approval").closed_at == cleared.cleared_at
    assert ask(Line.objects.get(), campaign()).allowed
    assert MemoryBackend.outbox == []


def test_its_own_claim_that_came_afterwards_excuses_nothing(now: datetime) -> None:
    take(*(release_row(occurred_at=ago(now, one)) for one in (5, 4, 3)))
    find(at=database_clock())
    take_approvals(approval_row(captured_at=ago(now, 300), verified_by="partner"))
    assert set(Disclosure.objects.values_list("judgement", flat=True)) == {"approval_unverified"}
    at = database_clock()
    find(at=at)
    (found,) = standing()
    assert (found.kind, found.n) == ("no_approval", 3)
    incident = Incident.objects.get(kind="no_approval")
    behind = list_anomaly_releases(kind="no_approval", key=incident.key, subject=incident.subject, at=at, rows=9)
    assert [one.judgement for one in behind] == ["approval_unverified"] * 3
    assert incident.closed_at is None
    assert on(4, now) == 1
    assert ask(Line.objects.get(), campaign()).reason == "stopped_party"
    # What the carrier holds does, as ever.
    take_approvals(approval_row(captured_at=ago(now, 300)))
    find(at=database_clock())
    assert standing() == []


def test_a_claim_there_first_and_old_ones_suspend_nobody(now: datetime) -> None:
    take_approvals(approval_row(captured_at=ago(now, 300), verified_by="partner"))
    take(*(release_row(occurred_at=ago(now, one)) for one in (5, 4, 3)))
    # What happened too long ago is told and suspends nobody.
    take(*unapproved(now, 100, 99, 98))
    assert on(4, now) == 0
    assert [(one.n, one.consequence) for one in standing()] == [(3, "old")]


def test_one_later_still_leaves_the_stop_to_the_person(now: datetime) -> None:
    take(*(release_row(occurred_at=ago(now, one)) for one in (5, 4, 3)))
    find(at=database_clock())
    assert on(4, now) == 1
    take_approvals(approval_row(captured_at=ago(now, 300)))
    find(at=database_clock())
    assert standing() == []
    line = Line.objects.get()
    assert ask(line, campaign()).reason == "stopped_party", "we do not undo it"
    choices.allow(line_id=line.pk, campaign="CMP-road", actor="subscriber:1", channel="web")
    assert ask(line, campaign()).allowed


def test_after_the_persons_own_stop_nothing_is_written(now: datetime) -> None:
    line = Line.objects.get()
    take_approvals(approval_row(captured_at=ago(now, 300)))
    choices.stop(line_id=line.pk, scope="party", ref=ROAD, actor="subscriber:1", channel="web")
    take(release_row(occurred_at=database_clock().isoformat()))
    find(at=database_clock())
    assert on(4, now) == 0
    assert consequences() == ["stopped"]
    assert ask(line, campaign()).reason == "stopped_party"


@pytest.mark.parametrize(("scope", "ref"), [("campaign", "CMP-road"), ("", "")])
def test_after_our_stop_the_persons_own_still_counts(now: datetime, scope: str, ref: str) -> None:
    """Theirs is of one use, so that we stop the company; what it goes on to do there is after theirs all the same."""
    take_approvals(approval_row(captured_at=ago(now, 300)))
    if scope:
        choices.stop(line_id=Line.objects.get().pk, scope=scope, ref=ref, actor="subscriber:1", channel="web")
        take(release_row(occurred_at=database_clock().isoformat()))
    else:
        take(*unapproved(now, 5, 4, 3))
    assert on(4, now) == 1
    take(release_row(id="after", occurred_at=database_clock().isoformat()))
    expected = "after_stop" if scope else "partner_suspended"
    assert Disclosure.objects.latest("occurred_at").judgement == expected
    find(at=database_clock())
    assert [one.n for one in standing() if one.kind == "after_stop"] == ([2] if scope else [])
    # What went out after our own no is an incident whoever's yes was missing.
    assert [one.n for one in standing() if one.kind == "suspended"] == ([] if scope else [1])
    assert [one.count for one in Incident.objects.filter(kind="suspended")] == ([] if scope else [1])


def test_a_pause_counts_beside_our_stop(now: datetime) -> None:
    take(*unapproved(now, 5, 4, 3))
    assert on(4, now) == 1
    until = database_clock() + DAY
    choices.pause(line_id=Line.objects.get().pk, scope="all", until=until, actor="subscriber:1", channel="web")
    take(release_row(occurred_at=database_clock().isoformat()))
    assert Disclosure.objects.latest("occurred_at").judgement == "after_stop"


def test_after_a_file_s_pierced_stop_we_stop_it(now: datetime) -> None:
    take_choices(choice_row(made_at=ago(now, 20), scope="party", ref=ROAD))
    take(release_row(occurred_at=ago(now, 10)))
    take_approvals(approval_row(captured_at=ago(now, 5)))
    line = Line.objects.get()
    assert ask(line, campaign()).allowed
    find(at=database_clock())
    assert on(4, now) == 1
    assert ask(line, campaign()).reason == "stopped_party"


def test_who_was_allowed_since_is_left_alone(now: datetime) -> None:
    line = Line.objects.get()
    take(*unapproved(now, 5, 4, 3))
    choices.allow(line_id=line.pk, campaign="CMP-road", actor="subscriber:1", channel="web")
    find(at=database_clock())
    assert on(4, now) == 0
    assert consequences() == ["allowed"]
    take(*unapproved(database_clock(), 0))
    assert on(5, now) == 1
    # Where a month has begun meanwhile, it is found in that one anew.
    assert Anomaly.objects.latest("last_at").consequence == "suspended"


def test_a_yes_excuses_nothing_that_came_after_it(now: datetime) -> None:
    line = Line.objects.get()
    set_rule("no_approval", at=now, window=1)
    take(*unapproved(now, 5, 5, 5, 5))
    choices.allow(line_id=line.pk, campaign="CMP-road", actor="subscriber:1", channel="web")
    after = database_clock()
    take(*(release_row(occurred_at=after.isoformat(), purpose=OTHER) for _ in range(3)))
    find(at=database_clock())
    # Where a month has begun meanwhile, there are two; else the fullest time was before the yes.
    assert Anomaly.objects.latest("newest_at").newest_at == after
    assert on(4, now) == 1
    assert ask(line, campaign()).reason == "stopped_party"


@pytest.mark.parametrize("change", [{"enabled": False}, {"suspend_after_days": None}])
def test_a_rule_that_is_off_or_suspends_nobody(now: datetime, change: dict[str, object]) -> None:
    take(*unapproved(now, 5, 4, 3))
    find(at=database_clock())
    set_rule("no_approval", at=database_clock(), **change)
    assert on(20, now) == 0
    set_rule("no_approval", at=database_clock(), enabled=True, suspend_after_days=0)
    assert act(at=now + 20 * DAY) == 1


def test_what_is_found_of_another_kind_suspends_nobody(now: datetime) -> None:
    take_approvals(approval_row(captured_at=ago(now, 300)))
    take(release_row(occurred_at=ago(now, 183), basis="network"))
    take(*(release_row(occurred_at=ago(now, 2 + n / 1440)) for n in range(20)))
    find(at=database_clock())
    assert {one.kind for one in standing()} == {"burst", "dormant"}
    assert on(9, now) == 0
    assert ask(Line.objects.get(), campaign()).allowed


@pytest.mark.parametrize("meanwhile", ["cleared", "switched off"])
def test_what_is_no_longer_so_suspends_nobody(now: datetime, monkeypatch: pytest.MonkeyPatch, meanwhile: str) -> None:
    take(*unapproved(now, 5, 4, 3))
    find(at=database_clock())
    read = detection._open

    def and_meanwhile(at: datetime, *, after: tuple[int, str]) -> list[tuple[int, str, list[int]]]:
        found = read(at, after=after)
        if meanwhile == "switched off":
            set_rule("no_approval", at=database_clock(), enabled=False)
        else:
            judge_again(Disclosure.objects.all(), "permitted")
            find(at=database_clock())
        return found

    monkeypatch.setattr(detection, "_open", and_meanwhile)
    assert act(at=now + 4 * DAY) == 0
    assert consequences() == [""]
    assert ask(Line.objects.get(), campaign()).reason == "no_approval"


def test_a_line_to_be_judged_again_waits_a_day(now: datetime) -> None:
    take(*unapproved(now, 5, 4, 3))
    find(at=database_clock())
    RejudgeRequest.objects.create(line_id=Line.objects.get().pk, since=now)
    other = RejudgeRequest.objects.create(line_id=Line.objects.get().pk + 1, since=now)
    assert act(at=now + 3 * DAY + HOUR) == 0
    assert consequences() == [""]
    RejudgeRequest.objects.exclude(pk=other.pk).delete()
    judge_again(Disclosure.objects.order_by("occurred_at")[:1], "approval_unverified")
    assert act(at=now + 3 * DAY + HOUR) == 0, "and until that was looked at"
    RejudgeRequest.objects.create(line_id=Line.objects.get().pk, since=now)
    assert begins_at(lambda at: act(at=at), Anomaly.objects.get().found_at + 4 * DAY)


def test_what_was_judged_again_is_acted_on_once_looked_at(now: datetime) -> None:
    take(*unapproved(now, 5, 4, 3))
    find(at=database_clock())
    judge_again(Disclosure.objects.order_by("occurred_at")[:1], "approval_unverified")
    assert act(at=now + 3 * DAY + HOUR) == 0
    find(at=database_clock())
    assert act(at=now + 3 * DAY + HOUR) == 1


def test_a_line_that_breaks_keeps_nobody_waiting(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    take_lines(line_row(line_id="L2", msisdn="+12065550143"))
    take(*unapproved(now, 5, 4, 3), *(row | {"msisdn": "+12065550143"} for row in unapproved(now, 5, 4, 3)))
    find(at=database_clock())
    first, stop_company = Line.objects.order_by("pk")[0], system_stops.stop_company

    def fails_for_the_first(*, line_id: int, party: str, after: datetime, actor: str, at: datetime) -> Outcome:
        if line_id == first.pk:
            raise RuntimeError
        return stop_company(line_id=line_id, party=party, after=after, actor=actor, at=at)

    monkeypatch.setattr("disclosures.workers.anomalies.detection.stop_company", fails_for_the_first)
    assert on(4, now) == 1
    monkeypatch.undo()
    assert on(4, now) == 1
    assert Choice.objects.filter(origin="system").count() == 2


def test_a_partner_that_becomes_known_meanwhile_is_told_too(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    take(*unapproved(now, 5, 4, 3))
    find(at=database_clock())
    other, made_up, tries = a_contract(a_party("Newcomer")), order_planning.agreements_after_no, list[int]()

    def and_meanwhile(**asked: Any) -> Sequence[Agreement]:
        found = made_up(**asked)
        tries.append(len(found))
        if len(tries) == 1:
            Dealing.objects.using("owner").create(
                line_id=Line.objects.get().pk, aggregator_id=other.aggregator_id,
                party_id=Party.objects.get(uri=ROAD).pk, last_at=now,
            )  # fmt: skip
        return found

    monkeypatch.setattr(order_planning, "agreements_after_no", and_meanwhile)
    assert act(at=now + 4 * DAY) == 1
    assert tries == [1, 2]
    assert consequences() == ["suspended"]


def test_two_at_once_find_and_do_the_same_as_one(now: datetime) -> None:
    take(*unapproved(now, 5, 4, 3))
    at = database_clock()

    def both(_: int) -> int:
        try:
            find(at=at)
            return act(at=at + 4 * DAY)
        finally:
            connection.close()

    find(at=at)
    alone = told(standing())
    Anomaly.objects.all().delete()
    Incident.objects.update(closed_at=at, count=0)
    AnomalyWatch.objects.all().delete()
    with ThreadPoolExecutor(3) as pool:
        suspended = sum(pool.map(both, range(3)))
    assert (suspended, Choice.objects.filter(origin="system").count()) == (1, 1)
    assert told(standing()) == alone
    assert list(Incident.objects.values_list("kind", "count")) == [("no_approval", 1)]
    assert consequences() == ["suspended"]


def test_two_workers_who_act_at_once_suspend_once(now: datetime) -> None:
    take(*unapproved(now, 5, 4, 3))
    at = database_clock()
    find(at=at)

    def acts() -> int:
        return act(at=at + 4 * DAY)

    assert overlap(acts, acts) == (1, 0)
    assert (Choice.objects.filter(origin="system").count(), consequences()) == (1, ["suspended"])


def test_the_deep_look_never_falls_due_with_the_usual_one() -> None:
    usual, deep = (settings.CELERY_BEAT_SCHEDULE[f"find-anomalies{name}"]["schedule"] for name in ("", "-deep"))
    assert isinstance(usual, float)
    assert isinstance(deep, float)
    assert deep % usual == usual / 2
