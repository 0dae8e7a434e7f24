"""What waits for an agent, and their e-mails about it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.domain.view_as import get_shown_role
from accounts.models import User
from accounts.policies.permissions import StaffAction, actor_of
from accounts.views.access import PersonRequest
from support.actions.notifications import choose_notifications
from support.forms.notifications import NotificationsForm
from support.queries.notifications import OF_DESK, Kinds, get_choice, list_notifications
from support.views.access import at_the_desk


@require_http_methods(["GET", "HEAD", "POST"])
@at_the_desk(StaffAction.WORK_TICKETS)
def notifications(request: PersonRequest) -> HttpResponse:
    """What waits, each leading to where it is done; officers find it with the rest in the console."""
    if get_shown_role(request) != User.Role.AGENT:
        return redirect("admin:notifications")
    form, at = read_choice(request, kinds=OF_DESK), timezone.now()
    if form is None:
        return redirect("desk-notifications")
    found = list_notifications(kinds=OF_DESK, reader=actor_of(request.user), at=at)
    return render(request, "desk/notifications.html", {"found": found, "form": form, "at": at})


def read_choice(request: PersonRequest, *, kinds: Kinds) -> NotificationsForm | None:
    """Keep what was chosen about e-mails, and say so; else return the form to show."""
    form = NotificationsForm(request.POST or None, kinds=kinds, choice=get_choice(user=request.user))
    if request.method != "POST" or not form.is_valid():
        return form
    choose_notifications(
        user=request.user, language=get_language() or "en", at=timezone.now(), **form.build_arguments()
    )
    messages.success(request, _("Saved."))
    return None
