"""What an officer does about delivery: pause and enable a stream, send again."""

import uuid
from functools import partial

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from accounts.views.access import PersonRequest
from console.actions.staff_access_log import view_order
from console.forms.rules import SinceForm
from console.views.acts import Act, answer, look
from console.views.listing import show_list
from console.views.lists_delivery import sent_list
from console.views.site import show
from partners.models import Party
from revocations.actions.redelivery import recover_since, resend_newest
from revocations.actions.streams import enable_stream, pause_stream
from support.forms.acting import ActForm, LookForm
from support.queries import timeline
from support.queries.counts import health_of

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


def of_partner(request: PersonRequest, party_id: int) -> HttpResponseBase:
    """Every order and event to one partner, the newest first. Names no line."""
    party, at = get_object_or_404(Party, pk=party_id), timezone.now()
    health = health_of(party_ids=[party_id], at=at)[party_id]
    return show_list(request, sent_list(party), template="timeline.html", party=party, health=health, at=at)


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
