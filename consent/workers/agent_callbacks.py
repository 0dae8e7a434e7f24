"""Agents' requests that nobody answered come to their end, and agents are told by callback what became of theirs."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import takewhile
from time import monotonic
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import F, Window
from django.db.models.functions import RowNumber

import audit.actions
from accounts.primitives.slots import lock_job
from accounts.workers.one_by_one import run_each
from consent.domain import agents
from partners.clients import http
from partners.models import AgentRequest

TURN = "consent.agent_callbacks"
ACTOR = "system:agency"
BATCH = 200
# No callback is begun after so many seconds of a run, and none is waited for longer than a few; the next run goes on.
RUN_S, CALLBACK_S = 20.0, 5.0
# So many not taken: this agent is away for the rest of the run.
AWAY = 3
FIRST_WAIT, MOST_TRIES = timedelta(minutes=1), 12


def run_agent_callbacks(*, now: datetime, clock: Callable[[], float] = monotonic) -> int:
    """End what is over, and call back who is to be told. Returns how many were told. Safe to repeat.

    What is over ends also while another worker calls back. `clock`: seconds, by which the run comes to its end.
    """
    _end_overdue(now)
    with lock_job(name=TURN) as mine:
        return _run(now, clock) if mine else 0


def _run(now: datetime, clock: Callable[[], float]) -> int:
    failed, over = Counter[str](), clock() + RUN_S

    def call_back(row: tuple[UUID, str]) -> bool:
        request_id, agent_id = row
        taken = _call_back(request_id, now)
        failed[agent_id] += not taken
        return taken

    in_time = takewhile(lambda _row: clock() < over, _due(now))
    return run_each(job=TURN, rows=(row for row in in_time if failed[row[1]] < AWAY), do=call_back, at=now)


def _due(now: datetime) -> list[tuple[UUID, str]]:
    """The first of each agent, then the second of each: many of one agent keep no other waiting."""
    nth = Window(RowNumber(), partition_by=[F("agent_id")], order_by="notify_at")
    due = AgentRequest.objects.filter(notify_at__lte=now, agent__ended_at__isnull=True).annotate(nth=nth)
    return list(due.order_by("nth", "notify_at").values_list("pk", "agent_id")[:BATCH])


def _end_overdue(now: datetime) -> None:
    over = AgentRequest.objects.filter(closed_at__isnull=True, expires_at__lte=now).values_list("pk", flat=True)
    rows = over.iterator(chunk_size=BATCH)
    run_each(job="consent.agent_requests", rows=rows, do=partial(_end, now=now), at=now, at_most=BATCH)


@transaction.atomic
def _end(request_id: UUID, now: datetime) -> int:
    over = AgentRequest.objects.select_for_update(skip_locked=True, of=("self",)).select_related("agent")
    request = over.filter(pk=request_id, closed_at__isnull=True).first()
    if request is None:
        return 0  # another worker, or its person, was at it
    is_told = bool(request.callback) and request.agent.ended_at is None
    request.status, request.reason = AgentRequest.Status.DENIED, AgentRequest.Reason.INSUF_VERIFICATION
    request.closed_at, request.notify_at = now, now if is_told else None
    request.save(update_fields=["status", "reason", "closed_at", "notify_at"])
    if request.line_id is not None:
        audit.actions.record(
            action="agent.unanswered", actor=ACTOR, target=f"agent_request:{request.pk}", line_id=request.line_id,
            at=now, detail={"agent": request.agent.name},
        )  # fmt: skip
    return 1


def _call_back(request_id: UUID, now: datetime) -> bool:
    """Whether the agent took it. It may ask at any time; so that after some tries it is left alone."""
    request = AgentRequest.objects.select_related("agent").get(pk=request_id)
    body = msgspec.json.encode(agents.status_of(request=request, at=now))
    reply = http.post(
        url=request.callback, body=body, content_type="application/json", seconds=CALLBACK_S, hosts=request.agent.hosts
    )
    taken = reply.status is not None and 200 <= reply.status < 300
    tries = request.notify_tries + 1
    again = None if taken or tries >= MOST_TRIES else now + FIRST_WAIT * 2 ** min(request.notify_tries, 10)
    AgentRequest.objects.filter(pk=request.pk).update(notify_at=again, notify_tries=tries)
    return taken
