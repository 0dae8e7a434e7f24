"""One purpose, and the link by which its stops hold for another."""

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone

from accounts.views.access import PersonRequest
from console.actions import terms
from console.forms.terms import LinkForm
from console.queries.purposes import list_other_purposes, purpose_page
from console.views.acts import Act, answer
from console.views.site import show


def purpose(request: PersonRequest, term: str) -> HttpResponse:
    """Who uses it, where it is prohibited, what it is linked with."""
    at = timezone.now()
    page = purpose_page(term=term, at=at)
    if page is None:
        raise Http404
    return show(request, "purpose.html", title=page.words, page=page, at=at)


def link(request: PersonRequest, term: str) -> HttpResponse:
    """Say that it succeeds another: stops hold across."""
    page = purpose_page(term=term, at=timezone.now())
    if page is None:
        raise Http404
    act = Act(
        title=f"Link {page.words} ({term})",
        lead="From now on, a stop or pause of one purpose also applies to the other, both ways. Consent never carries"
        " over. A link can't be undone.",
        form=LinkForm(request.POST or None, of="purpose", others=list_other_purposes(than=term)),
        verb=lambda form, actor, at: terms.link(
            of="purpose", ref=term, kin_ref=form.cleaned_data["kin_ref"], link=form.cleaned_data["link"],
            reason=form.cleaned_data["reason"], actor=actor, at=at,
        ),
        back=reverse("admin:purpose", args=[term]),
        done=lambda new: "Linked. Stops of one now apply to the other." if new else "They are already linked.",
        button="Link",
    )  # fmt: skip
    return answer(request, act)
