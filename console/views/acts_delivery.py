"""What an officer does about delivery: pause and enable a stream, send again."""

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from accounts.views.access import PersonRequest
from console.forms.rules import SinceForm
from console.views.acts import Act, answer
from partners.models import Party
from revocations.actions.redelivery import recover_since, resend_newest
from revocations.actions.streams import enable_stream, pause_stream
from support.forms.base import ActForm

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
        verb=lambda form, actor, at: verb(party_id=party_id, actor=actor, reason=form.cleaned_data["reason"], at=at),
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
        verb=lambda form, actor, at: resend_newest(
            party_id=party_id, actor=actor, reason=form.cleaned_data["reason"], at=at
        ),
        back=reverse("admin:timeline", args=[party_id]),
        done=lambda n: f"{n} order{'' if n == 1 else 's'} sent again." if n else NOTHING_OPEN,
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
        verb=lambda form, actor, at: recover_since(
            party_id=party_id, since=form.moment(), actor=actor, reason=form.cleaned_data["reason"], at=at
        ),
        back=reverse("admin:timeline", args=[party_id]),
        done=lambda n: f"{n} order{'' if n == 1 else 's'} offered again." if n else "No orders since then.",
        button="Recover",
    )
    return answer(request, act)
