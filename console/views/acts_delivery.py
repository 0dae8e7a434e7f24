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

NOTHING_OPEN = "Nothing was sent: it has signed for every order."
STATUS = {
    "pause": (
        pause_stream,
        "Pause the stream of",
        "Nothing is pushed while it is paused; orders wait, the clocks run. After 15 minutes it is denied everything.",
        "Paused. The partner is told.",
    ),
    "enable": (
        enable_stream,
        "Enable the stream of",
        "Everything that waited goes out at once.",
        "Enabled. What waited is on its way.",
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
        title=f"Send {party.name} its newest orders again",
        lead="Every order that it has not signed as done goes out now, whatever its back-off.",
        form=ActForm(request.POST or None),
        verb=lambda form, actor, at: resend_newest(
            party_id=party_id, actor=actor, reason=form.cleaned_data["reason"], at=at
        ),
        back=reverse("admin:timeline", args=[party_id]),
        done=lambda n: f"{n} of its orders {'is' if n == 1 else 'are'} sent again." if n else NOTHING_OPEN,
        button="Send again",
    )
    return answer(request, act)


def recover(request: PersonRequest, party_id: int) -> HttpResponse:
    """Offer a partner everything again since a time: it lost its store."""
    party = get_object_or_404(Party, pk=party_id)
    act = Act(
        title=f"Recover {party.name}",
        lead="For a partner that lost what it had stored: the newest order of each line since then is offered again.",
        form=SinceForm(request.POST or None),
        verb=lambda form, actor, at: recover_since(
            party_id=party_id, since=form.moment(), actor=actor, reason=form.cleaned_data["reason"], at=at
        ),
        back=reverse("admin:timeline", args=[party_id]),
        done=lambda n: (
            f"{n} of its orders {'is' if n == 1 else 'are'} offered again." if n else "Nothing was queued since then."
        ),
        button="Offer again",
    )
    return answer(request, act)
