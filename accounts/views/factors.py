"""What lets a person see: their password, and how they get a new one."""

from django.conf import settings as django_settings
from django.contrib.auth import update_session_auth_hash
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import actions, sessions
from accounts.access import (
    SubscriberRequest,
    choosing_required,
    way_on,
)
from accounts.forms import FirstPasswordForm


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("password")
@choosing_required
def first_password(request: SubscriberRequest) -> HttpResponse:
    """The first password of a tenure, taken at once after the code. Later it is asked for, not chosen."""
    then = way_on(request) or django_settings.LOGIN_REDIRECT_URL
    form = FirstPasswordForm(request.POST or None)
    if form.is_valid():
        password = form.cleaned_data["password"]
        try:
            user = actions.set_first_password(user=request.user, password=password, at=timezone.now())
        except actions.HasProofAlready:
            return redirect("account_reauthenticate")
        update_session_auth_hash(request, user)
        sessions.record_password(request, user=user)
        return redirect(then)
    return render(request, "account/first_password.html", {"form": form, "then": then})
