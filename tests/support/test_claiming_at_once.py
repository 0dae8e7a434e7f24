"""Fifty agents who ask for the next case in the same moment: each gets one, none gets another's, none is left."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

from accounts.models import User
from support.actions.queue import claim_next
from support.models import Entry, Ticket
from support.queries.queue import QueueFilter
from tests.staff import a_staff_user
from tests.support.desk import a_ticket

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")
AGENTS, EACH = 50, 3


def test_fifty_agents_claiming_at_once_never_collide() -> None:
    at = timezone.now()
    tickets = [a_ticket(at=at, due_in=timedelta(minutes=n)) for n in range(AGENTS * EACH)]
    agents = [a_staff_user("agent") for _ in range(AGENTS)]
    together = threading.Barrier(AGENTS)

    def work(user: User) -> list[tuple[str | None, int]]:
        try:
            connection.ensure_connection()
            together.wait(60)
            return [(claim_next(asked=QueueFilter(), user=user, at=at), user.pk) for _ in range(EACH)]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(AGENTS) as desks:
        got = [one for taken in desks.map(work, agents, timeout=120) for one in taken]
    assert sorted(str(code) for code, _ in got) == sorted(one.code for one in tickets)
    assert set(got) == {(one.code, one.assignee_id) for one in Ticket.objects.all()}
    assert Entry.objects.count() == AGENTS * EACH
    assert claim_next(asked=QueueFilter(), user=agents[0], at=at) is None
