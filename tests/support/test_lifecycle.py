"""A ticket's states follow one another by rule: in the code, and in the database whatever the code does."""

from datetime import timedelta
from itertools import product

import pytest
from django.db import transaction
from django.utils import timezone

from support.domain.tickets import new_code, write
from support.models import Entry, Ticket
from support.policies.lifecycle import NEXT, NotNow, due_at, is_late, move, raise_priority, restart_answer_clock
from tests.fixtures import Refusal

pytestmark = pytest.mark.django_db
State = Ticket.State


def a_ticket(state: Ticket.State = State.OPEN) -> Ticket:
    now, code = timezone.now(), new_code()
    closed = now if state == State.CLOSED else None
    into = a_ticket() if state == State.MERGED else None
    return Ticket.objects.create(
        code=code, kind="other", key=f"asked:{code}", state=state, about="A question", opened_at=now,
        due_at=now + timedelta(days=5), closed_at=closed, merged_into=into,
    )  # fmt: skip


@pytest.mark.parametrize(("was", "to"), list(product(State, State)), ids=str)
def test_code_and_database_let_the_same_states_follow(was: Ticket.State, to: Ticket.State) -> None:
    ticket = a_ticket(was)
    closed_at = timezone.now() if to == State.CLOSED else None
    merged_into = a_ticket() if to == State.MERGED else None
    with transaction.atomic():
        changed = Ticket.objects.filter(pk=ticket.pk)
        if was == to or to in NEXT[was]:
            assert changed.update(state=to, closed_at=closed_at, merged_into=merged_into) == 1
        else:
            with pytest.raises(Exception, match=f"does not go from {was} to {to}"):
                changed.update(state=to, closed_at=closed_at, merged_into=merged_into)


def test_a_move_that_may_not_be_is_said_in_words() -> None:
    ticket = a_ticket(State.CLOSED)
    with pytest.raises(NotNow, match=r"A case that is “Closed” can't become “Waiting for a partner”."):
        move(ticket=ticket, to=State.PARTNER, at=timezone.now())


def test_opened_again_it_is_neither_solved_nor_closed() -> None:
    ticket, at = a_ticket(), timezone.now()
    move(ticket=ticket, to=State.SOLVED, at=at)
    assert (ticket.solved_at, ticket.closed_at, ticket.reopened) == (at, None, 0)
    move(ticket=ticket, to=State.CLOSED, at=at)
    assert (ticket.solved_at, ticket.closed_at, ticket.reopened) == (at, at, 0)
    move(ticket=ticket, to=State.OPEN, at=at)
    assert (ticket.solved_at, ticket.closed_at, ticket.reopened) == (None, None, 1)
    for to in (State.WAITING, State.OPEN):
        move(ticket=ticket, to=to, at=at)
    assert ticket.reopened == 1


@pytest.mark.parametrize("change", ["line_id = 9", "code = 'T-AAAAAA'", "key = 'other'", "opened_at = now()"])
def test_whose_a_ticket_is_stays(change: str, refused: Refusal) -> None:
    ticket = a_ticket()
    refused(f"UPDATE support_ticket SET {change} WHERE id = {ticket.pk}", constraint="support_ticket_whose_it_is")


def test_what_was_said_stays(refused: Refusal) -> None:
    ticket = a_ticket()
    entry = write(
        ticket=ticket, kind=Entry.Kind.HEARD, author="subscriber:1", channel=Entry.Channel.WEB, body="Why?",
        at=timezone.now(),
    )  # fmt: skip
    for statement in (
        f"UPDATE support_entry SET body = 'So.' WHERE id = {entry.pk}",
        f"DELETE FROM support_entry WHERE id = {entry.pk}",
        f"DELETE FROM support_ticket WHERE id = {ticket.pk}",
    ):
        refused(statement)
    assert Entry.objects.get().body == "Why?"


def test_a_wait_has_its_end_then_the_clock_starts_anew() -> None:
    ticket, at = a_ticket(), timezone.now()
    ticket.priority = Ticket.Priority.HIGH
    move(ticket=ticket, to=State.WAITING, at=at)
    assert ticket.due_at == at + timedelta(days=14)
    restart_answer_clock(ticket=ticket, at=at + timedelta(days=3))
    assert ticket.due_at == at + timedelta(days=17)
    assert not is_late(ticket=ticket, at=at + timedelta(days=18))
    later = at + timedelta(days=40)
    move(ticket=ticket, to=State.OPEN, at=later)
    # As urgent as it was: three business days, not the five of its kind.
    assert ticket.due_at == due_at(kind="other", priority=Ticket.Priority.HIGH, at=later)
    assert ticket.due_at < due_at(kind="other", at=later)


def test_a_partner_s_turn_is_part_of_our_time() -> None:
    ticket, at = a_ticket(), timezone.now()
    due = ticket.due_at
    move(ticket=ticket, to=State.PARTNER, at=at)
    move(ticket=ticket, to=State.OPEN, at=at + timedelta(days=9))
    assert ticket.due_at == due


@pytest.mark.parametrize("was", [State.SOLVED, State.CLOSED])
def test_opened_again_it_is_not_late_at_once(was: Ticket.State) -> None:
    ticket, at = a_ticket(was), timezone.now() + timedelta(days=60)
    move(ticket=ticket, to=State.OPEN, at=at)
    assert ticket.due_at == due_at(kind="other", at=at)


def test_what_is_more_urgent_is_due_sooner() -> None:
    ticket, at = a_ticket(), timezone.now()
    ticket.due_at = said = due_at(kind="other", at=at)
    raise_priority(ticket=ticket, priority=Ticket.Priority.URGENT, at=at)
    soon = due_at(kind="other", priority=Ticket.Priority.URGENT, at=at)
    assert (ticket.priority, ticket.due_at) == (1, soon)
    assert soon < said
    raise_priority(ticket=ticket, priority=Ticket.Priority.LOW, at=at)
    assert (ticket.priority, ticket.due_at) == (4, soon)


def test_how_urgent_it_is_moves_no_wait_for_the_person() -> None:
    ticket, at = a_ticket(), timezone.now()
    move(ticket=ticket, to=State.WAITING, at=at)
    raise_priority(ticket=ticket, priority=Ticket.Priority.URGENT, at=at)
    assert ticket.due_at == at + timedelta(days=14)
    move(ticket=ticket, to=State.SOLVED, at=at)
    assert ticket.due_at == at + timedelta(days=14)
