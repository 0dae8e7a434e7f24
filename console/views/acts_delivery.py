"""What an officer does about delivery: pause and enable a stream, send again."""

import uuid
from datetime import datetime
from functools import partial

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.policies.permissions import StaffAction
from accounts.views.access import PersonRequest
from accounts.views.downloads import csv_file, staff_download
from console.actions.staff_access_log import view_order
from console.forms.rules import SinceForm
from console.views.acts import Act, answer, look
from console.views.site import show
from partners.labels import party_name
from partners.models import Party
from revocations.actions.redelivery import recover_since, resend_newest
from revocations.actions.streams import enable_stream, pause_stream
from support.actions.queue import export_list
from support.forms.acting import ActForm, LookForm
from support.queries import timeline

NOTHING_OPEN = "Nothing to send: it has signed for every order."
STATUS = {
    "pause": (
        pause_stream,
        "Pause the stream of",
        (
            "Nothing is pushed while the stream is paused. Orders wait and deadlines keep running. After 15 minutes the"
            " partner is denied everything."
        ),
        "Paused. We notified the partner.",
    ),
    "enable": (
        enable_stream,
        "Enable the stream of",
        "All waiting orders are sent immediately.",
        "Enabled. Waiting orders are being sent.",
    ),
}


def stream_status(request: PersonRequest, party_id: int, word: str) -> HttpResponse:
    """Pause a partner's stream, or enable it."""
    party = get_object_or_404(Party, pk=party_id)
    if word not in STATUS:
        raise Http404
    verb, title, lead, done = STATUS[word]
    act = Act(
        title=f"{title} {party.name}",
        lead=lead,
        form=ActForm(request.POST or None),
        verb=lambda _, by: verb(party_id=party_id, **by),
        back=reverse("admin:timeline", args=[party_id]),
        done=done,
        button=word.capitalize(),
        warns=word == "pause",
    )
    return answer(request, act)


def resend(request: PersonRequest, party_id: int) -> HttpResponse:
    """Send a partner its newest unfinished orders at once."""
    party = get_object_or_404(Party, pk=party_id)
    act = Act(
        title=f"Resend latest orders to {party.name}",
        lead="Every order it hasn't signed as done is sent now, without waiting for the next retry.",
        form=ActForm(request.POST or None),
        verb=lambda _, by: resend_newest(party_id=party_id, **by),
        back=reverse("admin:timeline", args=[party_id]),
        done=lambda n: f"{n} order{'' if n == 1 else 's'} sent again." if n else NOTHING_OPEN,
        changed=bool,
        button="Resend",
    )
    return answer(request, act)


def recover(request: PersonRequest, party_id: int) -> HttpResponse:
    """Offer a partner everything again since a time: it lost its store."""
    party = get_object_or_404(Party, pk=party_id)
    act = Act(
        title=f"Recover orders of {party.name}",
        lead="For a partner that lost stored data: we offer the latest order of each line since then again.",
        form=SinceForm(request.POST or None),
        verb=lambda form, by: recover_since(party_id=party_id, since=form.moment(), **by),
        back=reverse("admin:timeline", args=[party_id]),
        done=lambda n: f"{n} order{'' if n == 1 else 's'} offered again." if n else "No orders since then.",
        changed=bool,
        button="Recover",
    )
    return answer(request, act)


def of_partner(request: PersonRequest, party_id: int) -> HttpResponse:
    """Every order and event to one partner, the newest first."""
    at = timezone.now()
    before, than = _moment(request.GET.get("before", "")), _id(request.GET.get("than", ""))
    page = timeline.timeline(party_id=party_id, before=before, than=than, at=at)
    if page is None:
        raise Http404
    title = f"Sent to {page.party.name}"
    return show(request, "timeline.html", title=title, page=page, at=at, form=LookForm(), party_id=party_id)


@staff_download
def download_sent(request: PersonRequest, party_id: int) -> HttpResponseBase:
    """Stream the same as CSV; that it was taken is written into the trail."""
    party = get_object_or_404(Party, pk=party_id)
    export_list(
        title="Orders and events sent", criteria={"Partner": party_name(party.name, party.uri)},
        needed=StaffAction.SEE_TERMS, user=request.user, at=timezone.now(),
    )  # fmt: skip
    return csv_file(lines=timeline.sent_as_csv(party_id=party_id), name=f"whereabouts-sent-{party_id}")


def order(request: PersonRequest, party_id: int, order_id: uuid.UUID) -> HttpResponse:
    """Say why, and see one order: its states, attempts, exact token, what it says, and what the partner signed."""
    form = LookForm(request.POST or None)
    if found := look(request, form, partial(view_order, party_id=party_id, order_id=order_id)):
        (page,) = found
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
