"""Agents' requests that nobody answered come to their end, and agents are told by callback what became of theirs."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from django.db import transaction

from accounts.turns import turn
from consent import agents
from partners import client
from partners.models import AgentRequest

TURN = "consent.agency"
BATCH = 200
FIRST_WAIT, MOST_TRIES = timedelta(minutes=1), 12


def see_to(*, now: datetime) -> int:
    """End what is over, and call back who is to be told. Returns how many were told. Safe to repeat."""
    with turn(name=TURN) as mine:
        if not mine:
            return 0
        _end(now)
        due = AgentRequest.objects.filter(notify_at__lte=now).order_by("notify_at").values_list("pk", flat=True)
        return sum(_tell(request_id, now) for request_id in list(due[:BATCH]))


@transaction.atomic
def _end(now: datetime) -> None:
    over = AgentRequest.objects.select_for_update().filter(closed_at__isnull=True, expires_at__lte=now)
    for request in over[:BATCH]:
        request.status, request.reason = AgentRequest.Status.DENIED, AgentRequest.Reason.INSUF_VERIFICATION
        request.closed_at, request.notify_at = now, now if request.callback else None
        request.save(update_fields=["status", "reason", "closed_at", "notify_at"])


def _tell(request_id: UUID, now: datetime) -> bool:
    """Whether the agent took it. It may ask at any time; so that after some tries it is left alone."""
    request = AgentRequest.objects.select_related("agent").get(pk=request_id)
    body = msgspec.json.encode(agents.status_of(request=request))
    reply = client.post(url=request.callback, body=body, content_type="application/json", hosts=request.agent.hosts)
    taken = reply.status is not None and 200 <= reply.status < 300
    tries = request.notify_tries + 1
    again = None if taken or tries >= MOST_TRIES else now + FIRST_WAIT * 2 ** min(request.notify_tries, 10)
    AgentRequest.objects.filter(pk=request.pk).update(notify_at=again, notify_tries=tries)
    return taken
