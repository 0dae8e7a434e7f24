"""Streams are asked whether they live, and three silences in a row can be counted. Time is passed in, never slept."""

from datetime import UTC, datetime, timedelta

import pytest

from audit.models import AuditEvent, Incident
from partners.models import Party, Suspension
from revocations.actions.streams import (
    create_stream,
    delete_stream,
    enable_stream,
    pause_stream,
    set_status,
    verify_stream,
)
from revocations.domain.streams import DELIVERY, RequestedStream, change_status
from revocations.models import Breaker, Pulse, ResponsibleParty, State, Stream, StreamAttempt, StreamEvent, StreamHealth
from revocations.workers import stream_health, verification
from tests.factories import a_contract, a_party
from tests.properties import undone
from tests.staff import an_actor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
START = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def party() -> Party:
    party = a_party("GeoBridge")
    a_contract(party, ack_within_s=900)
    create_stream(party=party, wanted=RequestedStream(), at=START)
    return party


def the_stream() -> Stream:
    return Stream.objects.get()


def failed() -> int:
    """How many in a row its partner let pass."""
    return StreamHealth.objects.get().failed_verifications


def delivery_ran(since: datetime, until: datetime) -> None:
    minutes = int((until - since) / MINUTE) + 1
    Pulse.objects.bulk_create([Pulse(minute=since + n * MINUTE) for n in range(minutes)], ignore_conflicts=True)


def acknowledge(event: StreamEvent, at: datetime) -> None:
    StreamEvent.objects.filter(pk=event.pk).update(
        state=State.ACKNOWLEDGED, acknowledged_at=at, sent_at=at, next_attempt_at=None
    )


def test_a_quiet_stream_is_asked_every_six_hours(party: Party) -> None:
    for status in (Stream.Status.PAUSED, Stream.Status.DISABLED):
        with undone():
            Stream.objects.update(status=status)
            assert verification.ask(now=START + 30 * HOUR) == 0
    assert verification.ask(now=START + 6 * HOUR - MINUTE) == 0
    # One question waits at a time.
    assert [verification.ask(now=START + hours * HOUR) for hours in (6, 6, 20)] == [1, 0, 0]
    event = StreamEvent.objects.get()
    assert (event.kind, event.party_id, event.state) == ("verification", party.pk, "queued")
    assert event.claims["sub_id"] == {"format": "opaque", "id": str(the_stream().id)}
    assert event.claims["event"] == {}
    acknowledge(event, START + 6 * HOUR)
    assert verification.ask(now=START + 12 * HOUR - MINUTE) == 0
    assert verification.ask(now=START + 12 * HOUR) == 1


def test_a_verification_that_the_partner_asked_for_counts(party: Party) -> None:
    verify_stream(party=party, stream_id=str(the_stream().id), state="x", at=START + 5 * HOUR)
    acknowledge(StreamEvent.objects.get(), START + 5 * HOUR + MINUTE)
    assert verification.mark_verified(now=START + 6 * HOUR) == 1
    assert the_stream().verified_at == START + 5 * HOUR + MINUTE
    assert verification.ask(now=START + 10 * HOUR) == 0
    assert verification.ask(now=START + 11 * HOUR) == 1


def test_a_stream_enabled_again_has_its_six_hours(party: Party) -> None:
    pause_stream(party_id=party.pk, actor=an_actor(), reason="test", at=START + HOUR)
    enable_stream(party_id=party.pk, actor=an_actor(), reason="test", at=START + 30 * HOUR)
    assert verification.ask(now=START + 36 * HOUR - MINUTE) == 0
    assert verification.ask(now=START + 36 * HOUR) == 1


def test_an_acknowledgement_ends_what_had_failed(party: Party) -> None:
    StreamHealth.objects.update(failed_verifications=2)
    verification.ask(now=START + 6 * HOUR)
    acknowledge(StreamEvent.objects.get(), START + 6 * HOUR + MINUTE)
    with undone():
        # Acknowledged before its stream, it is no word of the new one.
        another_stream(party, START + 6 * HOUR + 2 * MINUTE)
        assert verification.mark_verified(now=START + 7 * HOUR) == 0
        assert (the_stream().verified_at, failed()) == (None, 2)
    assert verification.mark_verified(now=START + 6 * HOUR + MINUTE) == 1
    assert (the_stream().verified_at, failed()) == (START + 6 * HOUR + MINUTE, 0)
    # It ends no newer failure.
    StreamHealth.objects.update(failed_verifications=1)
    assert (verification.mark_verified(now=START + 7 * HOUR), failed()) == (0, 1)


@pytest.mark.parametrize("agreed", [60, 3600])
def test_a_verification_fails_when_its_agreed_time_is_over(party: Party, agreed: int) -> None:
    # The longest of its contracts counts, and the other's is a quarter of an hour.
    a_contract(party, ack_within_s=agreed)
    asked, longest = START + 6 * HOUR, timedelta(seconds=max(agreed, 900))
    verification.ask(now=asked)
    delivery_ran(asked, asked + 3 * HOUR)
    with undone():
        # Several questions left open are one failure.
        for n in range(1, 3):
            verify_stream(party=party, stream_id=str(the_stream().id), state=str(n), at=asked + n * MINUTE)
        assert (verification.mark_failed_verifications(now=asked + 2 * HOUR), failed()) == (1, 1)
    with undone():
        # A breaker's probe is no question.
        Breaker.objects.create(party_id=party.pk, probe_id=StreamEvent.objects.get().id)
        assert verification.mark_failed_verifications(now=asked + 2 * HOUR) == 0
    assert verification.mark_failed_verifications(now=asked + longest - MINUTE) == 0
    assert verification.mark_failed_verifications(now=asked + longest) == 1
    assert failed() == 1
    event = StreamEvent.objects.get()
    assert (event.state, event.next_attempt_at, event.note) == ("rejected", None, "not acknowledged in time")
    assert verification.mark_failed_verifications(now=asked + 2 * HOUR) == 0
    (written,) = AuditEvent.objects.filter(action="stream.verification_failed")
    assert (written.actor, written.target) == ("system:verification", f"stream:{the_stream().id}")
    assert written.detail == {"in_a_row": 1}


def test_time_in_which_we_did_not_deliver_is_not_counted(party: Party) -> None:
    asked = START + 6 * HOUR
    verification.ask(now=asked)
    assert verification.mark_failed_verifications(now=asked + 48 * HOUR) == 0
    delivery_ran(asked + 48 * HOUR, asked + 48 * HOUR + 13 * MINUTE)
    assert verification.mark_failed_verifications(now=asked + 49 * HOUR) == 0
    delivery_ran(asked + 49 * HOUR, asked + 49 * HOUR)
    assert verification.mark_failed_verifications(now=asked + 50 * HOUR) == 1


def test_what_is_parked_with_us_is_our_fault(party: Party) -> None:
    asked = START + 6 * HOUR
    verification.ask(now=asked)
    StreamEvent.objects.update(state=State.PARKED, parked_with=ResponsibleParty.US, next_attempt_at=asked + HOUR)
    tried(StreamEvent.objects.get(), 1, asked, "refused", "invalid_request")
    delivery_ran(asked, asked + 9 * HOUR)
    assert verification.mark_failed_verifications(now=asked + HOUR - MINUTE) == 0
    # From then on it waits for the partner, which could come for it.
    assert verification.mark_failed_verifications(now=asked + HOUR + 14 * MINUTE) == 0
    assert verification.mark_failed_verifications(now=asked + HOUR + 15 * MINUTE) == 1


def tried(event: StreamEvent, number: int, at: datetime, outcome: str, detail: str = "") -> None:
    StreamAttempt.objects.create(event_id=event.pk, number=number, at=at, outcome=outcome, detail=detail)


def test_three_questions_that_never_left_our_house_deny_nobody(party: Party) -> None:
    delivery_ran(START, START + 40 * HOUR)
    for number in (1, 2, 3):
        verification.ask(now=START + 6 * number * HOUR)
        event = StreamEvent.objects.get(state=State.QUEUED)
        for n in range(4):
            tried(event, 4 * number + n, event.queued_at + 4 * n * MINUTE, "ours")
        now = START + 6 * number * HOUR + HOUR
        assert (verification.mark_failed_verifications(now=now), stream_health.watch(now=now)) == (0, 0)
    assert (failed(), Suspension.objects.count(), Incident.objects.count()) == (0, 0, 0)


def test_a_question_fails_by_the_time_since_it_left_us(party: Party) -> None:
    asked = START + 6 * HOUR
    verification.ask(now=asked)
    delivery_ran(asked, asked + 2 * HOUR)
    event = StreamEvent.objects.get()
    tried(event, 1, asked, "ours")
    tried(event, 2, asked + 20 * MINUTE, "lost")
    tried(event, 3, asked + 30 * MINUTE, "no_answer")
    assert verification.mark_failed_verifications(now=asked + 44 * MINUTE) == 0
    assert verification.mark_failed_verifications(now=asked + 45 * MINUTE) == 1


def test_a_question_from_before_a_pause_fails_nobody(party: Party) -> None:
    asked = START + 6 * HOUR
    verification.ask(now=asked)
    pause_stream(party_id=party.pk, actor=an_actor(), reason="test", at=asked + MINUTE)
    delivery_ran(asked, asked + 2 * HOUR)
    assert verification.mark_failed_verifications(now=asked + 2 * HOUR) == 0
    enable_stream(party_id=party.pk, actor=an_actor(), reason="test", at=asked + 2 * HOUR)
    assert verification.mark_failed_verifications(now=asked + 2 * HOUR) == 0
    # Nor does it keep a new one from being asked, though it was never answered.
    assert verification.ask(now=asked + 8 * HOUR - MINUTE) == 0
    assert verification.ask(now=asked + 8 * HOUR) == 1


def test_who_ends_the_pause_of_its_410_is_asked_anew(party: Party) -> None:
    asked, stream = START + 6 * HOUR, the_stream()
    verification.ask(now=asked)
    change_status(stream=stream, status=Stream.Status.PAUSED, reason="410 Gone", by=DELIVERY, at=asked + MINUTE)
    delivery_ran(asked, asked + 2 * HOUR)
    set_status(party=party, stream_id=str(stream.id), status=Stream.Status.ENABLED, reason="", at=asked + 2 * HOUR)
    assert verification.ask(now=asked + 8 * HOUR - MINUTE) == 0
    assert verification.ask(now=asked + 8 * HOUR) == 1


def test_who_pauses_and_enables_it_in_time_gains_none(party: Party) -> None:
    asked, stream_id = START + 6 * HOUR, str(the_stream().id)
    verification.ask(now=asked)
    for status, minutes in ((Stream.Status.PAUSED, 10), (Stream.Status.ENABLED, 11)):
        set_status(party=party, stream_id=stream_id, status=status, reason="", at=asked + minutes * MINUTE)
    delivery_ran(asked, asked + HOUR)
    assert verification.mark_failed_verifications(now=asked + HOUR) == 1
    assert failed() == 1


def another_stream(party: Party, at: datetime) -> None:
    """The partner deletes its stream and makes another."""
    delete_stream(party=party, stream_id=str(the_stream().id), at=at)
    create_stream(party=party, wanted=RequestedStream(), at=at)


def silent(times: int, since: datetime) -> datetime:
    """So many verifications in a row that nobody answers. Returns when the last was over."""
    asked = since
    for _ in range(times):
        asked += 6 * HOUR
        assert verification.ask(now=asked) == 1
        delivery_ran(asked, asked + HOUR)
        verification.mark_failed_verifications(now=asked + HOUR)
    return asked + HOUR


def test_another_stream_begins_with_what_the_partner_let_pass(party: Party) -> None:
    over = silent(2, START)
    with undone():
        # Nor is it freed by having no stream at all.
        over_again = silent(1, over - HOUR)
        delete_stream(party=party, stream_id=str(the_stream().id), at=over_again)
        assert (failed(), stream_health.watch(now=over_again)) == (3, 1)
    another_stream(party, over)
    assert (failed(), stream_health.watch(now=over)) == (2, 0)
    asked = over + 5 * HOUR
    assert verification.ask(now=asked - MINUTE) == 0
    assert verification.ask(now=asked) == 1
    with undone():
        acknowledge(StreamEvent.objects.get(state=State.QUEUED), asked + MINUTE)
        assert (verification.mark_verified(now=asked + HOUR), failed()) == (1, 0)
    delivery_ran(asked, asked + HOUR)
    assert verification.mark_failed_verifications(now=asked + HOUR) == 1
    assert (failed(), stream_health.watch(now=asked + HOUR)) == (3, 1)
    assert Suspension.objects.get().target_id == party.pk


def test_a_question_stays_one_when_another_stream_is_made(party: Party) -> None:
    asked = START + 6 * HOUR
    verification.ask(now=asked)
    delivery_ran(asked, asked + HOUR)
    another_stream(party, asked + 5 * MINUTE)
    assert verification.mark_failed_verifications(now=asked + 14 * MINUTE) == 0
    assert verification.mark_failed_verifications(now=asked + 15 * MINUTE) == 1
    assert failed() == 1


def test_who_makes_another_stream_each_hour_is_asked(party: Party) -> None:
    for hours in range(1, 6):
        another_stream(party, START + hours * HOUR)
        assert verification.ask(now=START + hours * HOUR) == 0
    assert verification.ask(now=START + 6 * HOUR) == 1


def test_a_stream_paused_and_deleted_begins_anew(party: Party) -> None:
    asked = START + 6 * HOUR
    verification.ask(now=asked)
    stream_id = str(the_stream().id)
    set_status(party=party, stream_id=stream_id, status=Stream.Status.PAUSED, reason="", at=asked + MINUTE)
    delivery_ran(asked, asked + 2 * HOUR)
    another_stream(party, asked + HOUR)
    assert verification.mark_failed_verifications(now=asked + 2 * HOUR) == 0
    assert (failed(), verification.ask(now=asked + 6 * HOUR), verification.ask(now=asked + 7 * HOUR)) == (0, 0, 1)
