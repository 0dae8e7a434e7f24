"""What lets a person see: their first password, another in place of a forgotten one, and what is noted of all."""

from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actions.sign_ins import (
    HasProofAlready,
    NotYet,
    cancel_new_password,
    end_sessions,
    record_factor_differences,
    replace_password,
    set_first_password,
    start_new_password,
)
from accounts.clients import oidc
from accounts.domain import auth_factors, sessions
from accounts.domain.sessions import get_person_awaiting_second_factor
from accounts.forms import FirstPasswordForm
from accounts.models import User
from accounts.primitives import sealing
from accounts.views.access import (
    SubscriberRequest,
    choosing_required,
    get_next_path,
    redirect_to_sign_in,
    require_no_hold,
    subscriber_required,
)

type Door = Callable[..., HttpResponseBase]


def record_factor_changes(view: Door) -> Door:
    """Around allauth's own pages: what they change of how somebody gets in is written down in the same transaction.

    So it is of whoever is at the door of staff, where a recovery code is used up before they are signed in.
    """

    @wraps(view)
    def door(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        user = request.user if isinstance(request.user, User) else get_person_awaiting_second_factor(request)
        if request.method != "POST" or user is None:
            return view(request, *args, **kwargs)
        with transaction.atomic():
            # The button pressed twice uses one recovery code once, and is one thing done.
            user = User.objects.select_for_update(of=("self",)).get(pk=user.pk)
            before = auth_factors.get_factors(user=user)
            response = view(request, *args, **kwargs)
            kept = sessions.key_hash(request)
            record_factor_differences(user_id=user.pk, before=before, kept=kept, at=timezone.now())
        return response

    return door


def changing(view: Door) -> Door:
    """The whole story of a page of allauth's that changes how somebody gets in."""
    noting = record_factor_changes(view)

    @wraps(view)
    def door(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if isinstance(request.user, User) and sessions.must_wait(request, user=request.user):
            return redirect("password-forgotten")
        return noting(request, *args, **kwargs)

    return require_no_hold(door)


def listing(view: Door) -> Door:
    """The whole story of a page of allauth's that says how somebody gets in, and when they last did, from which device.

    It is for whoever has shown who they are, where they have set up more than a texted code, or staff's password.
    """

    @wraps(view)
    def door(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if isinstance(request.user, User) and (page := _next_step(request, request.user)):
            return redirect_to_sign_in(request, page=page, then=request.path)
        return view(request, *args, **kwargs)

    return require_no_hold(door)


def _next_step(request: HttpRequest, user: User) -> str:
    """Return the address of the proof that this session lacks; "" where it has it, or where there is none to give."""
    if user.is_subscriber:
        return sessions.next_proof(request, user=user) if sessions.has_own_proof(user=user) else ""
    page = sessions.next_factor(request, user=user)
    return "" if page == reverse("mfa_activate_totp") else page


def hash_codes_after_view(view: Door) -> Door:
    """Around allauth's pages of recovery codes: once they were shown, hashes of them are all that is kept."""

    @wraps(view)
    def door(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if not isinstance(request.user, User):
            return view(request, *args, **kwargs)
        with transaction.atomic():
            # allauth writes down that they were seen together with which were used, as it has read that.
            User.objects.select_for_update(of=("self",)).get(pk=request.user.pk)
            response = view(request, *args, **kwargs)
            if isinstance(response, TemplateResponse):
                response.render()
                sealing.hash_codes(user=request.user)
        return response

    return door


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("password")
@choosing_required
def first_password(request: SubscriberRequest) -> HttpResponse:
    """The first password of a tenure, taken at once after the code. Later it is asked for, not chosen."""
    if sessions.must_wait(request, user=request.user):
        return redirect("password-forgotten")
    then = get_next_path(request) or settings.LOGIN_REDIRECT_URL
    by_carrier = sessions.is_signed_in_by_carrier(request, user=request.user)
    form = FirstPasswordForm(request.POST or None, user=request.user)
    if form.is_valid():
        password = form.cleaned_data["password"]
        try:
            user = set_first_password(user=request.user, password=password, by_carrier=by_carrier, at=timezone.now())
        except HasProofAlready:
            return redirect("account_reauthenticate")
        return _finish_password_change(request, user, then)
    return render(request, "account/first_password.html", {"form": form, "then": then})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@choosing_required
def request_new_password(request: SubscriberRequest) -> HttpResponse:
    """A forgotten password: what can be done, and since when it waits."""
    now = timezone.now()
    if request.method == "POST":
        start_new_password(user=request.user, at=now)
        return redirect("password-forgotten")
    waiting = auth_factors.get_pending_password(user=request.user, at=now)
    if waiting is None and not sessions.has_own_proof(user=request.user):
        return redirect("account_set_password")
    is_over = waiting is not None and waiting.counts_from <= now
    return render(
        request,
        "account/forgotten.html",
        {"waiting": waiting, "is_over": is_over, "line": request.line, "by_carrier": oidc.has_provider(oidc.CARRIER)},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters("password")
@choosing_required
def new_password(request: SubscriberRequest) -> HttpResponse:
    """A password in place of a forgotten one, once the wait is over."""
    now = timezone.now()
    waiting = auth_factors.get_pending_password(user=request.user, at=now)
    if waiting is None or now < waiting.counts_from:
        return redirect("password-forgotten")
    form = FirstPasswordForm(request.POST or None, user=request.user)
    if form.is_valid():
        try:
            user = replace_password(user=request.user, password=form.cleaned_data["password"], at=now)
        except NotYet:
            return redirect("password-forgotten")
        return _finish_password_change(request, user, settings.LOGIN_REDIRECT_URL)
    return render(request, "account/new_password.html", {"form": form})


@require_POST
@subscriber_required
def keep_password(request: SubscriberRequest) -> HttpResponse:
    """Whoever signs in by the line takes the wait back."""
    if cancel_new_password(user_id=request.user.pk, at=timezone.now()):
        messages.success(request, _("We canceled the request. Your old password stays."))
    return redirect("settings")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def cancel(request: HttpRequest, token: str) -> HttpResponse:
    """The link in the text: one press ends the wait, without signing in."""
    now = timezone.now()
    waiting = auth_factors.find_pending_password(token=token, at=now)
    if waiting is None:
        raise Http404
    if request.method == "POST":
        cancel_new_password(user_id=waiting.user_id, at=now)
        return render(request, "account/cancelled.html")
    return render(request, "account/cancel.html", {"token": token})


def _finish_password_change(request: SubscriberRequest, user: User, then: str) -> HttpResponse:
    sessions.record_password(request, user=user)
    end_sessions(user_id=user.pk, kept=sessions.key_hash(request), at=timezone.now())
    return redirect(then)
