"""Dates that a partner agreed to: what is late is a breach, and a breach that is mended stays on record."""

from datetime import datetime, timedelta

import pytest

from consent.actions import choices
from consent.queries.progress import newest_order_states
from consent.queries.termination import ended_agreements
from console.queries.terminations import termination_page
from partners.actions.drafts import LONGEST_COMPLETION_DAYS
from revocations.actions.contradictions import Use, mark_contradicted_ends
from revocations.models import Breach, Cohort, Order, State
from revocations.queries.cohorts import cohort_progress
from revocations.workers.deadlines import record_late_completions, record_overdue
from support.domain import tickets
from support.models import Ticket
from tests.factories import NOW
from tests.moments import begins_at
from tests.orders import an_index, sign_end
from tests.revocations.waiting import DAY, HOUR, MINUTE, Waiting, incidents

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]


# --- agreed dates


def test_each_order_past_its_date_is_a_breach() -> None:
    scene = Waiting()
    scene.a_stop()
    _, done = scene.a_stop()
    scene.acknowledge(done, state=State.COMPLETED, completed_at=scene.began + HOUR)
    due = scene.order.complete_by
    assert due == scene.began + 10 * DAY

    def is_unconfirmed(at: datetime) -> bool:
        return newest_order_states(line_id=scene.line.pk, at=at)[scene.contract.pk].unconfirmed

    assert begins_at(is_unconfirmed, scene.began + 15 * MINUTE)
    assert record_overdue(now=due - MINUTE) == 0
    # Pages call it late from that very moment on.
    for at, overdue in ((due - timedelta(microseconds=1), False), (due, True)):
        assert newest_order_states(line_id=scene.line.pk, at=at)[scene.contract.pk].overdue is overdue
    # The other's date is a moment later.
    assert record_overdue(now=due) == 1
    late = due + MINUTE
    assert (record_overdue(now=late), record_overdue(now=late)) == (1, 0)
    assert incidents() == [("overdue", 2)]
    found = Breach.objects.filter(contract_id=scene.contract.pk)
    assert {(one.kind, one.about, one.due_at) for one in found} == {
        ("complete", str(order.id), order.complete_by) for order in Order.objects.exclude(pk=done.pk)
    }


def test_a_breach_is_mended_when_a_newer_order_is_completed() -> None:
    scene = Waiting()
    other, second = scene.a_stop()
    late = scene.began + 11 * DAY
    assert record_overdue(now=late) == 2
    assert record_late_completions() == 0
    scene.acknowledge(state=State.COMPLETED, completed_at=late)
    assert (record_late_completions(), record_late_completions()) == (1, 0)
    assert Breach.objects.get(about=str(scene.order.id)).mended_at == late
    assert [one.about for one in Breach.objects.filter(mended_at=None)] == [str(second.id)]
    # A newer order carries on what the late one asked.
    choices.allow(line_id=other.pk, campaign=scene.campaign.ref, actor="subscriber:1", channel="web")
    newer = Order.objects.get(line_id=other.pk, version=2)
    Order.objects.filter(pk=second.pk).update(state=State.SUPERSEDED, superseded_by=newer.id, next_attempt_at=None)
    assert record_late_completions() == 0
    scene.acknowledge(newer, state=State.COMPLETED, completed_at=late + DAY)
    assert record_late_completions() == 1
    assert Breach.objects.get(about=str(second.id)).mended_at == late + DAY


def test_an_end_not_signed_for_in_time_is_a_breach() -> None:
    scene = Waiting()
    scene.acknowledge(state=State.COMPLETED, completed_at=scene.began)
    cohort = scene.a_cohort(index_token=an_index())
    late = scene.began + 11 * DAY

    def is_overdue(at: datetime) -> bool:
        """By the line's own pages, by the partner's progress and by the officers' page alike."""
        (told,) = ended_agreements(line_id=scene.line.pk, at=at)
        page = termination_page(cohort_id=cohort.pk, at=at)
        assert page is not None
        (deletion,) = (step for step in page.steps if step.what == "Partner signed that it deleted the data")
        assert told.overdue == page.progress.overdue == deletion.late
        return told.overdue

    assert begins_at(is_overdue, cohort.complete_by)
    assert (record_overdue(now=late), record_overdue(now=late)) == (1, 0)
    sign_end(cohort, at=late)
    assert not cohort_progress(cohort_id=cohort.pk, at=late).overdue
    assert record_late_completions() == 1
    # One that is asked for again has a date and a breach of its own.
    used = Use(
        scene.line.pk, scene.party.pk, (scene.party.uri,), scene.campaign.purpose, scene.campaign.scope,
        occurred_at=late + DAY, campaign=scene.campaign.ref,
    )  # fmt: skip
    assert mark_contradicted_ends(uses=[used], at=late + DAY) == 1
    again = Cohort.objects.get()
    assert (again.complete_by, record_overdue(now=late + DAY)) == (late + 11 * DAY, 0)
    later = again.complete_by
    assert (record_overdue(now=later), record_overdue(now=later)) == (1, 0)
    assert [one.about for one in Breach.objects.filter(mended_at=None)] == [str(again.event_id)]
    assert record_late_completions() == 0
    sign_end(again, at=later + DAY)
    assert record_late_completions() == 1
    assert Breach.objects.get(about=str(again.event_id)).mended_at == later + DAY
    assert Breach.objects.get(about=str(cohort.pk)).mended_at == late


def test_a_date_that_passed_unseen_is_found_at_last() -> None:
    scene = Waiting()
    _, second = scene.a_stop()
    scene.acknowledge(second, state=State.COMPLETED, completed_at=scene.began + HOUR)
    late, due = scene.began + 30 * DAY, second.complete_by
    assert due is not None
    Breach.objects.create(
        kind="complete", contract_id=scene.contract.pk, party_id=scene.party.pk, line_id=1, about="newer",
        due_at=due + DAY, at=late,
    )  # fmt: skip
    Order.objects.filter(pk=second.pk).update(state=State.CONTRADICTED)
    # Of the day before the newest, its first moment included.
    assert (record_overdue(now=late), record_overdue(now=late)) == (1, 0)
    assert record_overdue(now=late, whole=True) == 1


def test_a_late_partner_has_one_ticket_a_day() -> None:
    scene = Waiting()
    for _ in range(3):
        scene.a_stop()
    late = scene.began + 11 * DAY
    record_overdue(now=late)
    assert (tickets.open_tickets(at=late), tickets.open_tickets(at=late)) == (1, 0)
    ticket = Ticket.objects.get()
    assert (ticket.kind, ticket.about) == (
        "overdue",
        f"GeoBridge: A partner missed an agreed deadline, {late:%-d %b %Y}",
    )
    assert ticket.line_id is None


def test_no_contract_may_ask_for_more_than_fifteen_business_days() -> None:
    def business_days(first: datetime, days: int) -> int:
        return sum((first + (n + 1) * DAY).weekday() < 5 for n in range(days))

    week = [NOW + n * DAY for n in range(7)]
    assert max(business_days(day, LONGEST_COMPLETION_DAYS) for day in week) == 15
    assert max(business_days(day, LONGEST_COMPLETION_DAYS + 1) for day in week) == 16
