"""What was sent to one partner, and what came of each."""

import uuid
from datetime import datetime

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.policies.permissions import actor_of
from accounts.primitives.reasons import NoReason
from accounts.queries import NotForThem
from accounts.views.access import PersonRequest
from console.actions.staff_access_log import look_at_order
from console.views.site import show
from support.forms.base import LookForm
from support.queries import timeline


def of_partner(request: PersonRequest, party_id: int) -> HttpResponse:
    """Every order and event to one partner, the newest first."""
    at = timezone.now()
    before, than = _moment(request.GET.get("before", "")), _id(request.GET.get("than", ""))
    page = timeline.timeline(party_id=party_id, before=before, than=than, at=at)
    if page is None:
        raise Http404
    title = f"Sent to {page.party.name}"
    return show(request, "timeline.html", title=title, page=page, at=at, form=LookForm(), party_id=party_id)


def order(request: PersonRequest, party_id: int, order_id: uuid.UUID) -> HttpResponse:
    """Say why, and see one order: its states, attempts, exact token, what it says, and what the partner signed."""
    form = LookForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            page = look_at_order(
                party_id=party_id, order_id=order_id, actor=actor_of(request.user),
                at=timezone.now(), **form.build_arguments(),
            )  # fmt: skip
        except (NotForThem, NoReason) as error:
            form.add_error(None, str(error))
        else:
            if page is None:
                raise Http404
            return show(request, "sent.html", title=f"Order {page.sent.what}", page=page)
    if not timeline.was_sent(party_id=party_id, order_id=order_id):
        raise Http404
    return show(request, "order_look.html", title="Order about one line", form=form, party_id=party_id)


def event(request: PersonRequest, party_id: int, event_id: uuid.UUID) -> HttpResponse:
    """One event that is not about one line."""
    page = timeline.event_page(party_id=party_id, event_id=event_id)
    if page is None:
        raise Http404
    return show(request, "sent.html", title=page.sent.what, page=page)


def _moment(text: str) -> datetime | None:
    try:
        found = parse_datetime(text)
    except ValueError:
        return None
    return found if found is not None and found.tzinfo else None


def _id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        return timeline.FIRST
