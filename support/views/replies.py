"""One answer to many people whom the same thing hit."""

import uuid
from collections.abc import Callable
from functools import partial

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.policies.permissions import StaffAction, actor_of
from accounts.primitives.reasons import NoReason
from accounts.queries import StaffOnly
from accounts.views.access import PersonRequest
from support.actions.replies import begin_reply, preview_reply, undo_reply
from support.forms.writing import ReplyForm
from support.policies.lifecycle import NotNow
from support.policies.reply_variables import BadVariable
from support.queries import writing as told
from support.views.access import at_the_desk


@require_http_methods(["GET", "HEAD", "POST"])
@at_the_desk(StaffAction.WORK_TICKETS)
def new(request: PersonRequest) -> HttpResponseBase:
    """Whom to answer, and what, with a preview; nothing is sent for a minute."""
    hits = told.incidents(at=timezone.now())
    form = ReplyForm(request.POST if request.method == "POST" else None, hits=hits)
    shown: dict[str, object] = {"form": form, "hits": hits, "newest": told.list_newest_replies(at=timezone.now())}
    if request.method == "POST" and "change" not in request.POST and form.is_valid():
        if "preview" in request.POST:
            shown["preview"] = _try_with(form, partial(preview_reply, user=request.user))
        elif begun := _try_with(form, partial(begin_reply, actor=actor_of(request.user))):
            return redirect("desk-many-reply", many_id=begun.id)
    return render(request, "desk/many.html", shown)


@require_safe
@at_the_desk(StaffAction.SEE_TICKETS)
def reply(request: PersonRequest, many_id: uuid.UUID) -> HttpResponse:
    """One reply, how far it is, and while it waits the way back."""
    return render(request, "desk/many_reply.html", _build_progress_context(many_id))


@require_safe
@at_the_desk(StaffAction.SEE_TICKETS)
def progress(request: PersonRequest, many_id: uuid.UUID) -> HttpResponse:
    """The part of the page that changes, for the script that asks again."""
    return render(request, "desk/_many_progress.html", _build_progress_context(many_id))


@require_POST
@at_the_desk(StaffAction.WORK_TICKETS)
def undo(request: PersonRequest, many_id: uuid.UUID) -> HttpResponseBase:
    """Take it back before it begins."""
    try:
        undo_reply(reply_id=many_id, actor=actor_of(request.user), at=timezone.now())
    except NotNow as error:
        messages.error(request, str(error))
    except StaffOnly:
        messages.error(request, _("Only the person who started it, or a lead, can undo it."))
    return redirect("desk-many-reply", many_id=many_id)


def _build_progress_context(many_id: uuid.UUID) -> dict[str, object]:
    found = told.progress(reply_id=many_id, at=timezone.now())
    if found is None:
        raise Http404
    return {"progress": found}


def _try_with[T](form: ReplyForm, act: Callable[..., T]) -> T | None:
    """What comes of an act with a valid form; None where it is refused, with why beside the form."""
    asked = {name: form.cleaned_data[name] for name in ("kinds", "language", "body")}
    try:
        return act(incident_id=form.cleaned_data["incident"], **asked, at=timezone.now())
    except BadVariable as error:
        form.add_error("body", str(error))
    except (NotNow, NoReason) as error:
        form.add_error(None, str(error))
    return None
