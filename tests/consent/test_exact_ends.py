"""At each beginning and end of a story, and a microsecond before it, gate, ledger and oracle say the same."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import example, given
from pytest_django import DjangoDbBlocker

from consent.models import LineGate
from consent.queries.current_consent import sharing
from tests.clocks import Clock, standing_still
from tests.consent import oracle
from tests.consent.stories import (
    BAIL,
    NEW_NUMBER,
    NUMBER,
    Event,
    Plan,
    build,
    by_gate,
    by_ledger,
    day,
    moments,
    plans,
    question,
    requests,
)
from tests.properties import stories, undone

pytestmark = pytest.mark.django_db
A_MOMENT = timedelta(microseconds=1)
ENDED = ("approval_expired", "approval_unverified", "no_approval", "stopped_")
YES, WHOLE_YES = (Event("approval", 1, "campaign", 0, lasts, person=False) for lasts in (40, None))
OWN_YES = Event("allow", 1, "campaign", 0, 41, person=True)
PAUSE = Event("pause", 2, "all", 0, 40, person=True)
# A yes of the very moment of a stop is not newer than it, and the one that is ends before the other would.
WITH_A_STOP = (
    Event("approval", 2, "campaign", 0, None, person=False),
    Event("stop", 2, "all", 0, None, person=False),
    Event("approval", 3, "campaign", 0, 1, person=False),
)
# Nor is one of the very moment of a pause.
WITH_A_PAUSE = (Event("approval", 2, "campaign", 0, None, person=False), Event("pause", 2, "all", 0, 40, person=False))
CLAIM = Event("claim", 2, "campaign", 0, None, person=False)
PLAIN = Plan((WHOLE_YES,), "WA", None, (), None, "", None)


@pytest.fixture(scope="module")
def clock(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Clock]:
    with django_db_blocker.unblock(), standing_still(day(31)) as clock:
        yield clock


@stories(24)
@given(plan=plans)
@example(plan=replace(PLAIN, events=()))
@example(plan=replace(PLAIN, events=(YES,)))
@example(plan=replace(PLAIN, events=(OWN_YES,)))
@example(plan=replace(PLAIN, events=(WHOLE_YES, PAUSE)))
@example(plan=replace(PLAIN, events=WITH_A_STOP[:2]))
@example(plan=replace(PLAIN, events=WITH_A_STOP))
@example(plan=replace(PLAIN, events=WITH_A_PAUSE))
@example(plan=replace(PLAIN, events=(CLAIM,)))
@example(plan=replace(PLAIN, events=(), rule=(-1100, None)))
@example(plan=replace(PLAIN, number_change=1))
@example(plan=replace(PLAIN, events=(WHOLE_YES, replace(YES, day=2)), number_change=35))
@example(plan=replace(PLAIN, deactivated=35))
@example(plan=replace(PLAIN, contract_starts=33, contract_ends=35))
@example(plan=replace(PLAIN, term=(33, 41)))
@example(plan=replace(PLAIN, suspended="party", suspension=(33, 41)))
@example(plan=replace(PLAIN, events=(Event("approval", 1, "campaign", 1, None, person=False),), rule=(33, 41)))
def test_all_readings_agree_at_each_beginning_and_end(clock: Clock, plan: Plan) -> None:
    with undone():
        clock.move_to(day(31))
        line, world = build(plan)
        newest = LineGate.objects.values_list("newest_at", flat=True).get(pk=line.pk)
        # Of each campaign: its own request, one that names a recipient, and one that is not its own.
        asked = [one for one in requests(world) if one.recipient in {"", BAIL} and one.precision_m]
        asked += [replace(asked[0], precision_m=precision_m) for precision_m in (499, 500)]
        own = [one for one in asked if oracle.own_campaign(world, one) and not one.recipient]
        # What is said counts from when it is known; of a yes that was another's it is known only later.
        lately = any(event.kind == "another's" for event in plan.events)
        for moment in moments(world):
            for at in (moment - A_MOMENT, moment):
                clock.move_to(at)
                expected = [oracle.answer(world, one, at) for one in asked]
                assert by_ledger(line, world, asked, at, day(100) if lately else at) == expected, at
                # The gate answers for no moment before what was said last.
                if newest is None or newest <= at:
                    found = sharing(line=line, at=at)
                    assert found.paused_until is None or found.paused_until > at
                    # What is allowed has a proof that counts, and what ended or was stopped has none.
                    for use in found.uses.values():
                        assert use.allowed <= use.proof.counts <= (not use.beneath.startswith(ENDED)), at
                    has_new = plan.number_change is not None and at >= day(plan.number_change)
                    number, other = (NEW_NUMBER, NUMBER) if has_new else (NUMBER, NEW_NUMBER)
                    for name in ({"line": line.carrier_id}, {"msisdn": number}):
                        assert by_gate(*(question(one, **name) for one in asked)) == expected, at
                        assert by_gate(question(asked[1], **name)) == expected[1:2], at
                    assert set(by_gate(*(question(one, msisdn=other) for one in asked[:3]))) == {"line_unknown"}
                    assert by_gate(question(asked[0], msisdn=other)) == ["line_unknown"]
                    assert by_gate(question(asked[0], msisdn=number)) == expected[:1]
                    for one in own:
                        assert by_gate(question(one, line=line.carrier_id)) == [oracle.answer(world, one, at)], at
