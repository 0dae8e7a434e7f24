"""Deadlines: 24 hours, streams that are not well, agreed dates. Time is moved by passing `now`."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.core import mail
from django.db.models import QuerySet
from hypothesis import example, given
from hypothesis import strategies as st

from accounts.models import User
from audit.models import AuditEvent
from audit.queries import database_clock
from partners.actions.suspensions import lift
from partners.models import Campaign, Contract, Party, Proposal, Suspension
from portal import health
from revocations.domain.streams import health_of
from revocations.models import (
    Attempt,
    Breach,
    Order,
    Pulse,
    ResponsibleParty,
    State,
    Stream,
    StreamAttempt,
    StreamEvent,
    StreamHealth,
)
from revocations.queries.answerable_time import get_answerable_time, list_delivery_minutes, tries_at
from revocations.workers import stream_health as health_clocks
from revocations.workers.deadlines import record_late_completions
from revocations.workers.stream_health import list_unanswered_since
from tests.factories import NOW, a_contract, a_line, an_approval
from tests.moments import A_MOMENT, begins_at, ends_at
from tests.properties import stories, undone
from tests.revocations.waiting import DAY, HOUR, MINUTE, Waiting, denials, incidents, run
from tests.staff import an_agreed_proposal

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]


# --- which time counts


def naive(pulses: Sequence[datetime], tries: Sequence[tuple[datetime, bool]]) -> timedelta:
    """Minute by minute: does the newest minute with tries, up to this one, hold our failures alone?"""
    total = timedelta(0)
    for pulse in pulses:
        before = [(at, ours) for at, ours in tries if at < pulse + MINUTE]
        newest = max((at.replace(second=0, microsecond=0) for at, _ in before), default=None)
        last = [ours for at, ours in before if at.replace(second=0, microsecond=0) == newest]
        if not (last and all(last)):
            total += MINUTE
    return total


moments = st.integers(0, 40 * 60).map(lambda seconds: NOW + timedelta(seconds=seconds))


@stories(200)
@given(beats=st.sets(st.integers(0, 40), max_size=41), tries=st.lists(st.tuples(moments, st.booleans()), max_size=12))
def test_counted_time_is_what_minute_by_minute_counting_gives(
    beats: set[int], tries: list[tuple[datetime, bool]]
) -> None:
    pulses = [NOW + n * MINUTE for n in sorted(beats)]
    assert get_answerable_time(pulses=pulses, tries=tries) == naive(pulses, tries)


OUTCOMES = {"lost": True, "ours": True, "no_answer": False, "no_connection": False, "error": False, "polled": False}


@stories(40)
@given(
    beats=st.sets(st.integers(-3, 30), max_size=30),
    tries=st.lists(st.tuples(st.integers(0, 30 * 60), st.sampled_from(sorted(OUTCOMES)), st.booleans()), max_size=8),
    since=st.integers(0, 10 * 60),
    lasts=st.integers(0, 20 * 60),
)
@example(beats={*range(20)}, tries=[(0, "lost", True), (120, "polled", True), (600, "lost", True)], since=0, lasts=1200)
def test_answerable_reads_pulses_and_tries_as_they_were_written(
    beats: set[int], tries: list[tuple[int, str, bool]], since: int, lasts: int
) -> None:
    with undone():
        scene = Waiting()
        zero = scene.began.replace(second=0, microsecond=0) + MINUTE
        Pulse.objects.bulk_create([Pulse(minute=zero + n * MINUTE) for n in beats])
        event = StreamEvent.objects.create(
            id=uuid.uuid4(), party_id=scene.party.pk, kind=StreamEvent.Kind.VERIFICATION, jti=uuid.uuid4().hex,
            claims={}, queued_at=zero, next_attempt_at=zero,
        )  # fmt: skip
        for number, (seconds, outcome, of_order) in enumerate(tries):
            at = zero + timedelta(seconds=seconds)
            if of_order:
                Attempt.objects.create(
                    line_id=scene.line.pk, order_id=scene.order.id, number=number, at=at, outcome=outcome
                )
            else:
                StreamAttempt.objects.create(event_id=event.id, number=number, at=at, outcome=outcome)
        start = zero + timedelta(seconds=since)
        end = start + timedelta(seconds=lasts)
        whole = [zero + n * MINUTE for n in sorted(beats) if start <= zero + n * MINUTE <= end - MINUTE]
        judged = [(zero + timedelta(seconds=seconds), OUTCOMES[outcome]) for seconds, outcome, _ in tries]
        counted = get_answerable_time(
            pulses=list_delivery_minutes(since=start, now=end), tries=tries_at(party_id=scene.party.pk)
        )
        assert counted == naive(whole, judged)


# --- 24 hours


def test_after_24_hours_unacknowledged_a_partner_is_denied_everything() -> None:
    scene = Waiting()
    other = a_line()
    an_approval(other, scene.campaign)
    run(scene.began, scene.began + 2 * DAY)
    assert (health_clocks.watch(now=scene.began + DAY - MINUTE), denials(), scene.says(other)) == (0, [], "")
    assert health_clocks.watch(now=scene.began + DAY + 2 * MINUTE) == 1
    assert denials() == [("party", scene.party.pk, True)]
    assert scene.says(other) == "partner_unhealthy"
    breach = Breach.objects.get()
    assert (breach.kind, breach.contract_id, breach.line_id, breach.about) == (
        "acknowledge", scene.contract.pk, scene.line.pk, str(scene.order.id),
    )  # fmt: skip
    assert breach.due_at == scene.began + DAY
    assert incidents() == [("unhealthy", 1)]
    written = AuditEvent.objects.get(action="suspension.began")
    assert (written.actor, written.target) == ("system:clocks", f"party:{scene.party.pk}")
    # The next beat finds it done.
    assert health_clocks.watch(now=scene.began + DAY + 3 * MINUTE) == 0
    assert (len(denials()), Breach.objects.count(), incidents()) == (1, 1, [("unhealthy", 1)])
    # It came after all: the breach is mended, the denial stays until two officers lift it.
    scene.acknowledge(acknowledged_at=scene.began + 30 * HOUR)
    assert record_late_completions() == 1
    assert Breach.objects.get().mended_at == scene.began + 30 * HOUR
    assert scene.says(other) == "partner_unhealthy"


def test_our_own_outage_counts_nothing() -> None:
    scene = Waiting()
    run(scene.began, scene.began + 10 * HOUR)
    run(scene.began + 15 * HOUR, scene.began + 40 * HOUR)
    assert health_clocks.watch(now=scene.began + 28 * HOUR) == 0
    assert health_clocks.watch(now=scene.began + 29 * HOUR + 3 * MINUTE) == 1


FAILURES_OF_OURS = (("refused", "invalid_request: no such field"), ("ours", "our network is down"), ("lost", ""))


def test_time_after_our_failure_counts_nothing_until_the_next_try() -> None:
    scene = Waiting()
    run(scene.began, scene.began + 4 * DAY)
    for outcome, detail in FAILURES_OF_OURS:
        with undone():
            scene.tried(1, outcome, detail)
            assert health_clocks.watch(now=scene.began + 2 * DAY) == 0
            scene.tried(48, "no_answer", number=2)
            assert health_clocks.watch(now=scene.began + 2 * DAY + 22 * HOUR) == 0
            assert health_clocks.watch(now=scene.began + 2 * DAY + 24 * HOUR) == 1
    # The partner's own failures count.
    for number, outcome in enumerate(("no_connection", "error", "redirect", "no_answer", "refused"), start=1):
        scene.tried(number, outcome, number=number)
    assert health_clocks.watch(now=scene.began + DAY + 2 * MINUTE) == 1


def test_a_denial_comes_at_exactly_24_hours() -> None:
    two_officers()
    scene = Waiting(lifeline=True)
    scene.acknowledge()
    whole = scene.began.replace(second=0, microsecond=0) + MINUTE
    run(whole, whole + 2 * DAY)
    for waits in (lambda: scene.a_newer_order(whole), lambda: scene.an_event(whole)):
        with undone():
            waits()
            mail.outbox.clear()
            assert (health_clocks.watch(now=whole + 12 * HOUR - A_MOMENT), len(mail.outbox)) == (0, 0)
            assert (health_clocks.watch(now=whole + 12 * HOUR), len(mail.outbox)) == (0, 2)
            assert (health_clocks.watch(now=whole + DAY - A_MOMENT), denials()) == (0, [])
            assert (health_clocks.watch(now=whole + DAY), Breach.objects.get().due_at) == (1, whole + DAY)


def test_what_is_parked_with_us_counts_nothing() -> None:
    scene = Waiting()
    run(scene.began, scene.began + 3 * DAY)
    later = scene.began + 4 * DAY
    Order.objects.filter(pk=scene.order.pk).update(
        state=State.PARKED, parked_with=ResponsibleParty.US, next_attempt_at=later
    )
    assert health_clocks.watch(now=scene.began + 3 * DAY) == 0
    assert begins_at(lambda at: health_clocks.watch(now=at), later), "it is offered anew"
    Order.objects.filter(pk=scene.order.pk).update(parked_with=ResponsibleParty.PARTNER)
    assert health_clocks.watch(now=scene.began + 3 * DAY) == 1


def test_a_newer_order_carries_on_an_unacknowledged_one_s_clock() -> None:
    scene = Waiting()
    run(scene.began, scene.began + 3 * DAY)
    with undone():
        newer = scene.a_newer_order(scene.began + 20 * HOUR)
        Order.objects.filter(pk=scene.order.pk).update(
            state=State.SUPERSEDED, superseded_by=newer.id, next_attempt_at=None
        )
        assert list_unanswered_since() == {scene.party.pk: scene.began}
        assert health_clocks.watch(now=scene.began + DAY - MINUTE) == 0
        assert health_clocks.watch(now=scene.began + DAY + 2 * MINUTE) == 1
        assert Breach.objects.get().about == str(newer.id)
    with undone():
        # One that is older than an acknowledged one starts no clock.
        scene.acknowledge(scene.a_newer_order(scene.began + HOUR), acknowledged_at=scene.began + 2 * HOUR)
        assert health_clocks.watch(now=scene.began + 3 * DAY) == 0
    # One after an acknowledged one has its own.
    scene.acknowledge()
    scene.a_newer_order(scene.began + 20 * HOUR)
    assert health_clocks.watch(now=scene.began + 44 * HOUR - MINUTE) == 0
    assert health_clocks.watch(now=scene.began + 44 * HOUR + 2 * MINUTE) == 1


def test_one_partner_s_silence_denies_no_other() -> None:
    silent, well = Waiting(), Waiting(name="NorthLink")
    well.acknowledge()
    run(silent.began, silent.began + 2 * DAY)
    health_clocks.watch(now=silent.began + 2 * DAY)
    assert denials() == [("party", silent.party.pk, True)]


def test_operators_are_told_since_when_each_lets_anything_lie() -> None:
    silent, well = Waiting(), Waiting(name="NorthLink")
    well.acknowledge()
    silent.a_stop()
    assert list_unanswered_since() == {silent.party.pk: silent.began}
    # Parked with us it is on nobody's clock, and nobody has taken it either.
    later = silent.began + 5 * DAY
    Order.objects.filter(pk=silent.order.pk).update(
        state=State.PARKED, parked_with=ResponsibleParty.US, next_attempt_at=later
    )
    well.an_event(well.began + HOUR, next_attempt_at=later)
    well.an_event(well.began, StreamEvent.Kind.VERIFICATION, next_attempt_at=later)
    assert list_unanswered_since() == {silent.party.pk: silent.began, well.party.pk: well.began + HOUR}
    told = health.metrics(at=well.began + 2 * HOUR).decode()
    assert f'whereabouts_oldest_unacknowledged_seconds{{party="{well.party.pk}"}} 3600.0' in told
    assert 'whereabouts_orders{state="queued"} 1.0' in told
    assert 'whereabouts_orders{state="parked"} 1.0' in told


# --- streams


NOT_ENABLED = [
    (Stream.Status.PAUSED, "partner:1"), (Stream.Status.DISABLED, "partner:1"), (Stream.Status.PAUSED, "system:410"),
    (Stream.Status.PAUSED, "officer:1"), (Stream.Status.DISABLED, "officer:1"),
]  # fmt: skip


def test_a_stream_not_enabled_for_fifteen_minutes_denies() -> None:
    scene = Waiting()
    scene.acknowledge()
    second = a_contract(scene.party)
    for status, by in NOT_ENABLED:
        with undone():
            scene.a_stream(status=status, status_by=by)
            # While we were down it is not judged.
            assert health_clocks.watch(now=scene.began + DAY) == 0
            run(scene.began, scene.began + DAY)
            assert health_clocks.watch(now=scene.began + 14 * MINUTE) == 0
            assert health_clocks.watch(now=scene.began + 17 * MINUTE) == 1
            assert (denials(), incidents()) == ([("party", scene.party.pk, True)], [("unhealthy", 1)])
            # What our own officer stopped is no breach.
            contracts = [] if by == "officer:1" else [scene.contract.pk, second.pk]
            assert sorted(Breach.objects.values_list("kind", "contract_id")) == [("unhealthy", pk) for pk in contracts]
            # Once it is lifted, what was before counts no longer.
            Stream.objects.update(status_at=scene.began - HOUR)
            run(scene.began - HOUR, scene.began)
            lifted = lift_by_two(scene.party)
            assert [health_clocks.watch(now=lifted + n * MINUTE) for n in (14, 17)] == [0, 1]


def test_after_exactly_fifteen_minutes_each_contract_that_has_begun_is_broken() -> None:
    scene = Waiting()
    scene.acknowledge()
    whole = scene.began.replace(second=0, microsecond=0) + MINUTE
    due = whole + 15 * MINUTE
    scene.a_stream(status=Stream.Status.DISABLED, status_by="partner")
    Stream.objects.update(status_at=whole)
    run(whole, whole + HOUR)
    begun, _ = (a_contract(scene.party, starts_at=due + later) for later in (0 * MINUTE, A_MOMENT))
    assert begins_at(lambda at: health_clocks.watch(now=at), due)
    assert health_clocks.watch(now=due) == 1
    assert set(Breach.objects.values_list("contract_id", flat=True)) == {scene.contract.pk, begun.pk}


def test_three_failed_verifications_deny_and_two_do_not() -> None:
    two_officers()
    scene = Waiting(lifeline=True)
    scene.acknowledge()
    health_of(party_id=scene.party.pk, at=scene.began)
    for failed, warned in ((1, 0), (2, 2)):
        StreamHealth.objects.update(failed_verifications=failed)
        assert (health_clocks.watch(now=scene.began + HOUR), len(mail.outbox)) == (0, warned)
    StreamHealth.objects.update(failed_verifications=3)
    assert health_clocks.watch(now=scene.began + HOUR) == 1
    assert Breach.objects.get().about == f"suspension:{Suspension.objects.get().pk}:{scene.contract.pk}"


def test_once_two_officers_have_lifted_it_the_clock_runs_anew() -> None:
    scene = Waiting()
    run(scene.began, scene.began + 5 * DAY)
    # The gate's clock is the database's: the denial begins and is lifted now, whatever `now` was passed.
    assert health_clocks.watch(now=scene.began + 2 * DAY) == 1
    with pytest.raises(Exception, match="needs two officers"), undone():
        Suspension.objects.update(ends_at=database_clock())
    lifted = lift_by_two(scene.party)
    assert health_clocks.watch(now=lifted + DAY - MINUTE) == 0
    assert health_clocks.watch(now=lifted + DAY + 3 * MINUTE) == 1
    assert Suspension.objects.filter(automatic=True).count() == 2


def test_after_that_it_takes_three_new_verifications_to_deny() -> None:
    scene = Waiting()
    scene.acknowledge()
    health_of(party_id=scene.party.pk, at=scene.began)
    StreamHealth.objects.update(failed_verifications=3)
    assert health_clocks.watch(now=scene.began + HOUR) == 1
    lifted = lift_by_two(scene.party)
    # What was asked at that very moment is none of the new ones.
    for n in range(3):
        scene.an_event(lifted + n * MINUTE, StreamEvent.Kind.VERIFICATION)
    assert health_clocks.watch(now=lifted + HOUR) == 0
    scene.an_event(lifted + A_MOMENT, StreamEvent.Kind.VERIFICATION)
    assert health_clocks.watch(now=lifted + HOUR) == 1


def test_so_does_the_clock_of_an_unacknowledged_end() -> None:
    scene = Waiting()
    scene.acknowledge()
    began = scene.began - 2 * DAY
    run(began, scene.began + 5 * DAY)
    scene.an_event(began)
    assert list_unanswered_since() == {scene.party.pk: began}
    assert health_clocks.watch(now=scene.began) == 1
    assert Breach.objects.get().line_id is None
    lifted = lift_by_two(scene.party)
    assert health_clocks.watch(now=lifted + DAY - MINUTE) == 0
    assert health_clocks.watch(now=lifted + DAY + 3 * MINUTE) == 1


def lift_by_two(party: Party) -> datetime:
    proposal = an_agreed_proposal(Proposal.Act.LIFT_SUSPENSION, "party", party.pk, at=database_clock())
    (lifted,) = lift(proposal=proposal, at=database_clock())
    assert lifted.ends_at is not None
    return lifted.ends_at


# --- lifelines


def two_officers() -> None:
    for n, (role, active) in enumerate([("officer", True), ("officer", True), ("officer", False), ("agent", True)]):
        User.objects.create(username=f"u{n}", email=f"u{n}@carrier.example", role=role, is_active=active)


def test_before_a_lifeline_is_denied_every_officer_is_told_once() -> None:
    two_officers()
    scene = Waiting(lifeline=True)
    run(scene.began, scene.began + 2 * DAY)
    assert (health_clocks.watch(now=scene.began + 12 * HOUR - MINUTE), len(mail.outbox)) == (0, 0)
    for minutes in (2, 3, 60):
        health_clocks.watch(now=scene.began + 12 * HOUR + minutes * MINUTE)
    assert [letter.to for letter in mail.outbox] == [["u0@carrier.example"], ["u1@carrier.example"]]
    assert mail.outbox[0].body == (
        "A partner: It hasn't acknowledged an order.\n\nIf this continues, it will be denied everything, including"
        " 1 service that people rely on in an emergency.\n\n"
        "http://localhost:8000/admin/incidents/?kind=lifeline_at_risk&state=open\n"
    )
    assert mail.outbox[0].subject == "Whereabouts: a lifeline is at risk"
    assert (denials(), incidents()) == ([], [("lifeline_at_risk", 1)])
    health_clocks.watch(now=scene.began + 24 * HOUR + 2 * MINUTE)
    assert (len(denials()), incidents()) == (1, [("lifeline_at_risk", 1), ("lifeline_at_risk", 1), ("unhealthy", 1)])
    assert [letter.to for letter in mail.outbox[2:]] == [["u0@carrier.example"], ["u1@carrier.example"]]
    assert "It is denied everything now, including 1 service that people rely on in an emergency." in (
        mail.outbox[2].body
    )
    health_clocks.watch(now=scene.began + 24 * HOUR + 3 * MINUTE)
    assert len(mail.outbox) == 4


def test_an_officer_whose_address_is_none_keeps_no_other_from_being_told() -> None:
    two_officers()
    User.objects.filter(username="u0").update(email="u0\n@carrier.example")
    scene = Waiting(lifeline=True)
    run(scene.began, scene.began + DAY)
    health_clocks.watch(now=scene.began + 12 * HOUR + 2 * MINUTE)
    assert ([letter.to for letter in mail.outbox], incidents()) == (
        [["u1@carrier.example"]], [("lifeline_at_risk", 1)],
    )  # fmt: skip


def test_officers_are_told_of_a_stopped_stream_before_its_denial() -> None:
    two_officers()
    scene = Waiting(lifeline=True)
    scene.acknowledge()
    scene.a_stream(status=Stream.Status.PAUSED)
    run(scene.began, scene.began + HOUR)
    assert (health_clocks.watch(now=scene.began + 2 * MINUTE), denials(), len(mail.outbox)) == (0, [], 2)


def test_where_no_lifeline_is_reached_nobody_is_told() -> None:
    two_officers()
    scene, over = Waiting(), Waiting(lifeline=True, name="NorthLink")
    # What has ended is nobody's.
    Campaign.objects.filter(pk=over.campaign.pk).update(ends_at=over.began)
    Contract.objects.filter(pk=over.contract.pk).update(ends_at=over.began)
    run(scene.began, over.began + DAY)
    health_clocks.watch(now=over.began + 13 * HOUR)
    assert (len(mail.outbox), incidents()) == (0, [])


def test_a_lifeline_is_reached_from_its_beginning_to_its_end() -> None:
    two_officers()
    scene = Waiting(lifeline=True)
    now = scene.began + 13 * HOUR
    run(scene.began, now)

    def is_told(rows: QuerySet[Any], field: str, at: datetime) -> bool:
        before = len(mail.outbox)
        rows.update(**{field: at})
        health_clocks.watch(now=now)
        return len(mail.outbox) > before

    for rows in (Campaign.objects.filter(pk=scene.campaign.pk), Contract.objects.filter(pk=scene.contract.pk)):
        assert ends_at(partial(is_told, rows, "starts_at"), now + A_MOMENT)
        assert begins_at(partial(is_told, rows, "ends_at"), now + A_MOMENT)


def test_officers_are_told_of_a_lifeline_once_a_day() -> None:
    two_officers()
    scene = Waiting(lifeline=True)
    scene.acknowledge()
    stream = scene.a_stream(status=Stream.Status.PAUSED)
    assert health_clocks.watch(now=scene.began) == 0
    for at, told in ((HOUR, 2), (DAY - A_MOMENT, 2), (DAY, 4), (DAY + HOUR, 4)):
        # Paused anew, it is another trouble each time.
        Stream.objects.filter(pk=stream.pk).update(status_at=scene.began + at)
        assert (health_clocks.watch(now=scene.began + at), len(mail.outbox)) == (0, told), at


def test_a_mail_server_that_is_down_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object, **__: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("revocations.workers.stream_health.send_mail", down)
    two_officers()
    scene = Waiting(lifeline=True)
    run(scene.began, scene.began + 2 * DAY)
    assert health_clocks.watch(now=scene.began + 2 * DAY) == 1
    assert incidents() == [("lifeline_at_risk", 1), ("unhealthy", 1)]
