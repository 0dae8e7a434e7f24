"""What waits for whoever reads, and how they are told outside the console."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from accounts.policies.permissions import actor_of
from accounts.views.access import PersonRequest
from console.actions.notifications import choose_notifications
from console.forms.notifications import NotificationsForm
from console.queries.notifications import get_choice, list_notifications
from console.views.site import show


def notifications(request: PersonRequest) -> HttpResponse:
    """What waits, each leading to where it is done; and the reader's e-mails."""
    at = timezone.now()
    form = NotificationsForm(request.POST or None, initial=get_choice(user=request.user))
    if request.method == "POST" and form.is_valid():
        choose_notifications(user=request.user, at=at, **form.cleaned_data)
        messages.success(request, "Saved.")
        return redirect("admin:notifications")
    found = list_notifications(reader=actor_of(request.user), at=at)
    return show(request, "notifications.html", title="Notifications", found=found, form=form, at=at)
