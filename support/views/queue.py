"""The queue: what waits for us, due first."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import PersonRequest
from accounts.permissions import StaffAction
from support.access import at_the_desk
from support.oversight import queue as waiting


@require_safe
@at_the_desk(StaffAction.SEE_TICKETS)
def queue(request: PersonRequest) -> HttpResponse:
    """What waits for us."""
    return render(request, "desk/queue.html", {"counts": waiting.counts(user_id=request.user.pk, at=timezone.now())})


@require_safe
@at_the_desk(StaffAction.SEE_TICKETS)
def counts(request: PersonRequest) -> HttpResponse:
    """How many tickets wait, for the script that asks again."""
    return render(request, "desk/_counts.html", {"counts": waiting.counts(user_id=request.user.pk, at=timezone.now())})
