"""The answers that are written often, for officers."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.domain.view_as import get_shown_role
from accounts.policies.permissions import StaffAction, actor_of, staff_may
from accounts.views.access import PersonRequest
from support.actions import replies as actions
from support.forms.writing import CannedForm
from support.models import SavedReply
from support.policies.lifecycle import NotNow
from support.queries.writing import canned_list, reply_of
from support.views.access import at_the_desk

LONGEST_SEARCH = 100


@require_http_methods(["GET", "HEAD", "POST"])
@at_the_desk(StaffAction.SEE_TICKETS)
def replies(request: PersonRequest) -> HttpResponse:
    """Show every reply in every language, or search them: words may be a person's name and stand in no address."""
    words = request.POST.get("q", "").replace("\x00", "").strip()[:LONGEST_SEARCH]
    if words:
        answers = actions.search_replies(words=words, actor=actor_of(request.user), at=timezone.now())
    else:
        answers = canned_list()
    may_change = staff_may(get_shown_role(request), StaffAction.CHANGE_REPLIES)
    return render(request, "desk/replies.html", {"answers": answers, "may_change": may_change, "words": words})


@require_http_methods(["GET", "HEAD", "POST"])
@at_the_desk(StaffAction.CHANGE_REPLIES)
def reply(request: PersonRequest, reply_id: int = 0) -> HttpResponse:
    """One of them, or a new one, to write."""
    found = reply_of(reply_id=reply_id) if reply_id else None
    if reply_id and found is None:
        raise Http404
    form = CannedForm(request.POST or None, initial=_initial(request, found), fixed=found is not None)
    if form.is_valid():
        actions.write_reply(**form.cleaned_data, actor=actor_of(request.user), at=timezone.now())
        messages.success(request, _("Saved. Everyone can use it now."))
        return redirect("desk-replies")
    shown = {"form": form, "answer": found}
    return render(request, "desk/reply.html", shown, status=400 if form.errors else 200)


@require_POST
@at_the_desk(StaffAction.CHANGE_REPLIES)
def retire(request: PersonRequest, reply_id: int) -> HttpResponse:
    """Take one out of use, or bring it back."""
    retires = request.POST.get("how") != "restore"
    try:
        actions.retire_reply(reply_id=reply_id, retires=retires, actor=actor_of(request.user), at=timezone.now())
    except NotNow as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Retired. No one is offered it any more.") if retires else _("Restored."))
    return redirect("desk-replies")


def _initial(request: PersonRequest, found: SavedReply | None) -> dict[str, str]:
    """What the form begins with: the reply as it is, or what the address names of a new one."""
    if found is not None:
        return {name: getattr(found, name) for name in ("key", "language", "title", "body")}
    return {name: request.GET[name] for name in ("key", "language") if name in request.GET}
