"""Promises 3 and 4, in the database: what its guards of choices, orders and events say at the very moment."""

import uuid
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Line, LineNumber
from consent.actions.choices import PRESSED_AGAIN, PauseOver, RecordedChoice, pause, stop, stop_each
from consent.models import Choice, LineGate, Origin
from revocations.models import Order, StreamEvent
from tests.clocks import Clock
from tests.factories import NOW, a_campaign, a_ledger_row, a_line, a_party, an_approval
from tests.feeds import line_row, take_lines
from tests.gate_questions import ask
from tests.moments import ends_at
from tests.properties import undone

pytestmark = pytest.mark.usefixtures("db", "no_broker")
A_MOMENT, DAY = timedelta(microseconds=1), timedelta(days=1)
WEEK = timedelta(days=7)
WHO: dict[str, Any] = {"actor": "subscriber:1", "channel": "web"}


def test_a_choice_is_newer_than_the_newest(clock: Clock) -> None:
    line, newest = a_line(), NOW - DAY
    a_ledger_row(line, "stop", at=newest)
    for origin, scope, ref in ((Origin.PERSON, "all", ""), (Origin.SYSTEM, "party", "https://roadaid.example")):
        with pytest.raises(IntegrityError, match="newer than the line's newest"), transaction.atomic():
            a_ledger_row(line, "stop", scope=scope, ref=ref, at=newest, origin=origin)
        newest += A_MOMENT
        assert a_ledger_row(line, "stop", scope=scope, ref=ref, at=newest, origin=origin).made_at == newest


def test_of_two_choices_at_one_moment_the_second_is_a_microsecond_newer(clock: Clock) -> None:
    line = a_line()
    for code in "AB":
        stop(line_id=line.pk, scope="party", ref=a_party(code).uri, **WHO)
    assert list(Choice.objects.order_by("made_at").values_list("made_at", flat=True)) == [NOW, NOW + A_MOMENT]


def test_of_two_yeses_the_one_that_covers_the_other_is_kept(clock: Clock) -> None:
    """Where they begin together, or end together, too."""
    line, first, second = a_line(), a_campaign(), a_campaign()
    for campaign, days in ((first, [(1, 5), (1, 6)]), (second, [(1, 6), (2, 6)])):
        for begins, ends in days:
            an_approval(line, campaign, at=NOW - 9 * DAY + begins * DAY, expires_at=NOW + ends * DAY)
    kept = LineGate.objects.get(pk=line.pk).approvals
    assert [len(kept[campaign.ref]) for campaign in (first, second)] == [1, 1]


def test_a_shorter_pause_leaves_the_longer_one_before_it(clock: Clock) -> None:
    line, campaign = a_line(), a_campaign()
    an_approval(line, campaign)
    for days in (2, 1):
        pause(line_id=line.pk, scope="all", until=NOW + days * DAY, **WHO)

    def is_paused(at: datetime) -> bool:
        clock.move_to(at)
        return ask(line, campaign) == "paused"

    assert ends_at(is_paused, NOW + 2 * DAY)


def test_nothing_that_a_file_says_or_ends_lies_ahead(clock: Clock) -> None:
    line, campaign = a_line(), a_campaign()
    for made_at, is_taken in ((NOW, True), (NOW + A_MOMENT, False)):
        for say in (
            lambda at: an_approval(line, campaign, at=at),
            lambda at: a_ledger_row(line, "allow", scope="campaign", ref=campaign.ref, at=at, origin="file"),
        ):
            refused = pytest.raises(IntegrityError, match="dated in the future")
            with nullcontext() if is_taken else refused, transaction.atomic():
                say(made_at)
    # An end is corrected to this very moment, and from then on it has come.
    for rows, end in ((Line.objects.all(), "deactivated_at"), (LineNumber.objects.all(), "ends_at")):
        rows.update(**{end: NOW - DAY})
        rows.update(**{end: NOW})
        with pytest.raises(IntegrityError, match="does not begin again"), transaction.atomic():
            rows.update(**{end: NOW + A_MOMENT})


def test_a_pause_comes_over_to_the_line_that_continues_this_one_until_it_is_over(clock: Clock) -> None:
    number, until = {"line_id": "L2", "account_id": "A2", "msisdn": "+12065550177"}, NOW + DAY
    take_lines(line_row(), line_row(**number))
    first, second = Line.objects.order_by("carrier_id")
    pause(line_id=first.pk, scope="all", until=until, actor="subscriber:1", channel="web")
    come = []
    for at in (until - A_MOMENT, until):
        with undone():
            clock.move_to(at)
            take_lines(line_row(continues_line_id="L1", **number))
            come.append(Choice.objects.filter(line_id=second.pk).count())
    clock.move_to(NOW)
    assert come == [1, 0]


def test_no_pause_begins_that_is_over_at_that_moment(clock: Clock) -> None:
    line = a_line()
    with pytest.raises(PauseOver):
        pause(line_id=line.pk, scope="all", until=NOW, **WHO)
    assert pause(line_id=line.pk, scope="all", until=NOW + A_MOMENT, **WHO).order_ids == ()


def test_a_button_is_the_same_one_pressed_again_for_a_quarter_of_an_hour(clock: Clock) -> None:
    line, parties = a_line(), [a_party("A").uri, a_party("B").uri]

    def is_repeated(at: datetime, press: Callable[[], Sequence[RecordedChoice]]) -> bool:
        clock.move_to(at)
        return all(said.repeated for said in press())

    presses: tuple[Callable[[], Sequence[RecordedChoice]], ...] = (
        lambda: [stop(line_id=line.pk, scope="all", **WHO)],
        lambda: stop_each(line_id=line.pk, parties=parties, **WHO),
    )
    for press in presses:
        clock.move_to(NOW)
        # What is no newer than the stop gives no reason to say it again.
        for later in (0 * A_MOMENT, A_MOMENT):
            with undone():
                stopped_at = Choice.objects.get(id=press()[0].choice_id).made_at
                an_approval(line, a_campaign(), at=NOW - DAY, recorded_at=stopped_at + later)
                assert is_repeated(NOW + DAY / 999, press) is not bool(later)
        clock.move_to(NOW)
        with undone():
            over = Choice.objects.get(id=press()[0].choice_id).made_at + PRESSED_AGAIN
            assert ends_at(partial(is_repeated, press=press), over)
    clock.move_to(NOW)
    # Nor is a pause the one pressed again that is over.
    first, longer = NOW + timedelta(minutes=5), NOW + timedelta(minutes=8)
    pause(line_id=line.pk, scope="all", until=first, **WHO)
    assert ends_at(
        lambda at: is_repeated(at, lambda: [pause(line_id=line.pk, scope="all", until=longer, **WHO)]), first
    )  # fmt: skip
    clock.move_to(NOW)


def test_a_try_is_at_most_a_week_away(clock: Clock) -> None:
    line, campaign = a_line(), a_campaign()
    an_approval(line, campaign)
    stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    StreamEvent.objects.create(
        id=uuid.uuid4(), party_id=a_party().pk, kind=StreamEvent.Kind.COHORT, jti="j", queued_at=NOW,
        claims={"events": {}}, next_attempt_at=NOW,
    )  # fmt: skip
    for rows in (Order.objects.all(), StreamEvent.objects.all()):
        assert rows.update(next_attempt_at=NOW + WEEK) == 1
        with pytest.raises(IntegrityError, match="more than a week away"), transaction.atomic():
            rows.update(next_attempt_at=NOW + WEEK + A_MOMENT)
    order = Order.objects.get()
    order.id, order.version, order.jti = uuid.uuid4(), 2, "k"
    order.save(force_insert=True)
    order.id, order.version, order.jti, order.next_attempt_at = uuid.uuid4(), 3, "l", NOW + WEEK + A_MOMENT
    with pytest.raises(IntegrityError, match="more than a week away"), transaction.atomic():
        order.save(force_insert=True)
